//! When what befalls the realm: a deployment, a rotation, an outage, three withdrawals, a flood.

use std::sync::Arc;

use claim_guard::RealmKeySet;
use claim_guard::identifier::KeyId;
use test_realm::{TestKey, key_set};

use crate::knobs::Knobs;

const HOUR: f64 = 3600.0;
/// The end of the day, in seconds.
pub const END: f64 = 24.0 * HOUR;
/// A rotation: the new key signs from this moment on, the old one stays published for what it has signed.
const ROTATION: f64 = 8.0 * HOUR;
/// The old key is removed, and nothing else changes: no token tells of it.
const REMOVAL: f64 = 10.0 * HOUR;
/// The outage begins.
const OUTAGE: f64 = 12.0 * HOUR;
/// The key that signs is replaced, because it was stolen: what it signed is void from this moment on.
const WITHDRAWAL: f64 = 16.0 * HOUR;
/// A flood of tokens that name keys which never were.
const FLOOD: f64 = 18.0 * HOUR;
const FLOOD_LASTS: f64 = 600.0;
/// How long after each event requests are looked at one by one.
const AFTERMATH: f64 = 75.0 * 60.0;

/// A part of the day that Keycloak's load is told of by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    Deployment,
    Calm,
    Rotation,
    Outage,
    Recovery,
    Withdrawal,
    Flood,
}

/// The parts in which a valid token may be refused.
pub const REFUSING: [Part; 3] = [Part::Rotation, Part::Outage, Part::Withdrawal];

/// The keys of the day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Key {
    /// Signs until the rotation, and is removed hours later.
    First,
    /// Signs from the rotation to the withdrawal.
    Second,
    /// Signs from the withdrawal on.
    Third,
    /// Published beside the others until it is removed in the outage, when nobody can hear of it.
    Spare,
    /// Of the flood: it never was.
    Never,
}

/// The day: what is published when, which key a token of a moment is signed with.
pub struct Day {
    ids: [KeyId; 5],
    sets: [Arc<RealmKeySet>; 5],
    deployed: f64,
    outage: (f64, f64),
    token: f64,
}

impl Day {
    pub fn of(knobs: &Knobs) -> Self {
        let keys = ["first", "second", "third", "spare"].map(|name| TestKey::generate("ES256", name));
        let set = |names: &[&str]| {
            let chosen = keys.iter().filter(|key| names.contains(&key.kid()));
            Arc::new(RealmKeySet::parse(key_set(chosen).as_bytes()).unwrap())
        };
        Self {
            ids: ["first", "second", "third", "spare", "never"].map(|name| KeyId::parse(name).unwrap()),
            sets: [
                set(&["first", "spare"]),
                set(&["first", "second", "spare"]),
                set(&["second", "spare"]),
                set(&["second"]),
                set(&["third"]),
            ],
            deployed: 50_000.0 / knobs.ramp,
            outage: (OUTAGE, OUTAGE + knobs.outage),
            token: knobs.token,
        }
    }

    pub fn id(&self, key: Key) -> &KeyId {
        match key {
            Key::First => &self.ids[0],
            Key::Second => &self.ids[1],
            Key::Third => &self.ids[2],
            Key::Spare => &self.ids[3],
            Key::Never => &self.ids[4],
        }
    }

    /// What Keycloak publishes then.
    pub fn published(&self, at: f64) -> &Arc<RealmKeySet> {
        let withdrawn = |key| at >= self.withdrawn(key);
        let [before, rotated, removed, without_spare, replaced] = &self.sets;
        match at {
            _ if withdrawn(Key::Second) => replaced,
            _ if withdrawn(Key::Spare) => without_spare,
            _ if withdrawn(Key::First) => removed,
            _ if at >= ROTATION => rotated,
            _ => before,
        }
    }

    /// When a key was withdrawn.
    pub fn withdrawn(&self, key: Key) -> f64 {
        match key {
            Key::First => REMOVAL,
            Key::Spare => OUTAGE + 1.0,
            Key::Second => WITHDRAWAL,
            Key::Third | Key::Never => f64::INFINITY,
        }
    }

    pub fn is_out_of_reach(&self, at: f64) -> bool {
        (self.outage.0..self.outage.1).contains(&at)
    }

    /// Which key a valid token is signed with that is presented then; `share` says how old it is.
    pub fn key_of(&self, at: f64, share: f64) -> Key {
        let issued = at - share * self.token;
        match at {
            // What a withdrawn key signed is void, so clients have new tokens at once.
            _ if at >= WITHDRAWAL => Key::Third,
            _ if issued >= ROTATION => Key::Second,
            _ => Key::First,
        }
    }

    /// The withdrawn key that a thief presents then.
    pub fn stolen(&self, at: f64) -> Option<Key> {
        let lasts = |key: &Key| (self.withdrawn(*key)..self.withdrawn(*key) + AFTERMATH).contains(&at);
        [Key::First, Key::Spare, Key::Second].into_iter().find(lasts)
    }

    pub fn is_flooded(&self, at: f64) -> bool {
        (FLOOD..FLOOD + FLOOD_LASTS).contains(&at)
    }

    /// Until when nothing changes: no other key signs, nothing befalls the realm. None if something does now.
    pub fn calm_until(&self, at: f64) -> Option<f64> {
        let stirred = [
            (ROTATION, ROTATION + self.token + 600.0),
            (REMOVAL, REMOVAL + AFTERMATH),
            (self.outage.0, self.outage.1.max(self.outage.0 + AFTERMATH) + 600.0),
            (WITHDRAWAL, WITHDRAWAL + AFTERMATH),
            (FLOOD, FLOOD + FLOOD_LASTS),
        ];
        if stirred.iter().any(|(begin, end)| (*begin..*end).contains(&at)) {
            return None;
        }
        stirred.iter().map(|(begin, _)| *begin).find(|begin| *begin > at).or(Some(END))
    }

    pub fn part(&self, at: f64) -> Part {
        let lasts = |begin: f64, seconds: f64| (begin..begin + seconds).contains(&at);
        match at {
            _ if at < self.deployed + 60.0 => Part::Deployment,
            _ if lasts(ROTATION, self.token + 60.0) => Part::Rotation,
            _ if self.is_out_of_reach(at) => Part::Outage,
            _ if lasts(self.outage.1, 120.0) => Part::Recovery,
            _ if lasts(WITHDRAWAL, 120.0) => Part::Withdrawal,
            _ if lasts(FLOOD, FLOOD_LASTS) => Part::Flood,
            _ => Part::Calm,
        }
    }

    /// The day's events, for people.
    pub fn told(&self) -> String {
        let clock = |at: f64| format!("{:02}:{:02}", (at / HOUR) as u32, (at % HOUR / 60.0) as u32);
        format!(
            "the day\n  {} deployment of all containers\n  {} rotation: a second key signs, the first stays published\n  \
             {} the first key is removed, and no token tells of it\n  \
             {} to {} Keycloak is out of reach; a second after its begin a spare key is removed\n  \
             {} the second key is withdrawn, and a third signs at once\n  \
             {} to {} a flood of tokens that name unknown keys\n  \
             with each withdrawn key a thief goes on at every container, until he is refused there",
            clock(0.0),
            clock(ROTATION),
            clock(REMOVAL),
            clock(self.outage.0),
            clock(self.outage.1),
            clock(WITHDRAWAL),
            clock(FLOOD),
            clock(FLOOD + FLOOD_LASTS)
        )
    }
}
