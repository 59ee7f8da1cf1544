//! One container's day, and that of those which take its place.

use std::time::Duration;

use realm_keys::{KeysUnavailable, Outcome, SimulatedCache};

use crate::chance::Draws;
use crate::day::{Day, END, Key};
use crate::knobs::Knobs;
use crate::tally::Tally;

/// The longest stretch that is gone over at once while something stirs, so that no change is passed by far.
const STRIDE: f64 = 10.0;
/// A little more than the longest time for which a set that was just fetched is served without a further look, in seconds.
const FRESH: f64 = 301.0;
/// How exactly it is found when a set has grown old, in seconds.
const GRAIN: f64 = 1e-3;

/// Lives the whole day of one place: a container, then another in its stead.
pub fn live(number: usize, knobs: &Knobs, day: &Day, tally: &mut Tally) {
    let mut chance = Draws::of(knobs.seed, number);
    let mut begin = number as f64 / knobs.ramp;
    while begin < END {
        // Spread, so that not all of a deployment end at once.
        let end = (begin + knobs.life * (0.5 + chance.share())).min(END);
        let mut container = Container {
            cache: SimulatedCache::new(),
            chance,
            knobs,
            day,
            tally,
            at: begin,
            refusing: None,
            given_up: None,
        };
        container.run(end);
        chance = container.chance;
        begin = end;
    }
}

struct Container<'a> {
    cache: SimulatedCache,
    chance: Draws,
    knobs: &'a Knobs,
    day: &'a Day,
    tally: &'a mut Tally,
    /// A container serves one request at a time: it is free from here on.
    at: f64,
    /// From the first to the last refusal of a valid token since one was accepted.
    refusing: Option<(f64, f64)>,
    /// The key that the thief was refused with.
    given_up: Option<Key>,
}

impl Container<'_> {
    fn run(&mut self, end: f64) {
        if let Outcome::Begins(fetch) = self.cache.ask(None, moment(self.at)) {
            self.fetch(fetch);
        }
        while self.at < end {
            match self.day.calm_until(self.at) {
                Some(until) => self.rest(until.min(end)),
                None => self.serve_next(end),
            }
        }
        self.refusal_ends();
    }

    /// Goes on to the next request that begins a fetch. Those before it are served at once, so they need not be looked at.
    fn rest(&mut self, until: f64) {
        let key = self.day.key_of(self.at, 0.0);
        let limit = until.min(self.at + FRESH);
        let begins = |at: f64| self.cache.would_begin(self.day.id(key), moment(at));
        let old_from = if begins(self.at) {
            Some(self.at)
        } else if begins(limit) {
            let (mut served, mut old) = (self.at, limit);
            while old - served > GRAIN {
                let middle = f64::midpoint(served, old);
                *(if begins(middle) { &mut old } else { &mut served }) = middle;
            }
            Some(old)
        } else {
            None
        };
        let next = old_from.map(|old| old + self.chance.wait(self.knobs.rate)).filter(|next| *next < until);
        let reached = next.unwrap_or(if old_from.is_some() { until } else { limit });
        self.tally.served((reached - self.at) * self.knobs.rate);
        self.at = reached;
        if next.is_some() {
            self.valid_request();
        }
    }

    /// The next of all requests that come while something stirs.
    fn serve_next(&mut self, end: f64) {
        let stolen = self.day.stolen(self.at).filter(|key| self.given_up != Some(*key));
        let flood = if self.day.is_flooded(self.at) { self.knobs.flood } else { 0.0 };
        let theft = if stolen.is_some() { self.knobs.rate } else { 0.0 };
        let total = self.knobs.rate + theft + flood;
        let wait = self.chance.wait(total);
        if wait > STRIDE || self.at + wait >= end {
            self.at = (self.at + wait.min(STRIDE)).min(end);
            return;
        }
        self.at += wait;
        let which = self.chance.share() * total;
        match stolen {
            _ if which < self.knobs.rate => self.valid_request(),
            Some(key) if which < self.knobs.rate + theft => {
                if self.is_accepted(key) {
                    self.tally.trusted(key, self.at - self.day.withdrawn(key));
                } else {
                    self.given_up = Some(key);
                }
            }
            _ => {
                self.is_accepted(Key::Never);
            }
        }
    }

    fn valid_request(&mut self) {
        let presented = self.at;
        let share = self.chance.share();
        let accepted = self.is_accepted(self.day.key_of(presented, share));
        self.tally.served(1.0);
        if accepted {
            self.refusal_ends();
        } else {
            self.tally.refused();
            let first = self.refusing.map_or(presented, |(first, _)| first);
            self.refusing = Some((first, self.at));
        }
    }

    fn refusal_ends(&mut self) {
        if let Some((first, last)) = self.refusing.take() {
            self.tally.refused_for(self.day.part(first), last - first);
        }
    }

    /// Whether the cache has a set with that key for the request, fetched or not.
    fn is_accepted(&mut self, key: Key) -> bool {
        let id = self.day.id(key);
        let set = match self.cache.ask(Some(id), moment(self.at)) {
            Outcome::Served(set) => Some(set),
            Outcome::Begins(fetch) => {
                self.fetch(fetch);
                self.cache.standing(moment(self.at))
            }
            Outcome::Refused => None,
            Outcome::Waits => panic!("a container serves one request at a time"),
        };
        set.is_some_and(|set| set.contains(id))
    }

    /// Fetches, and is busy until that has ended.
    fn fetch(&mut self, fetch: u64) {
        let out_of_reach = self.day.is_out_of_reach(self.at);
        // A discovery document and a JWK set; out of reach it is left at the first.
        self.tally.asked(self.at, if out_of_reach { 1 } else { 2 });
        self.at += if out_of_reach { self.knobs.failure } else { self.knobs.latency };
        let outcome = if out_of_reach {
            Err(KeysUnavailable::Timeout { deadline: moment(self.knobs.failure) })
        } else {
            Ok(self.day.published(self.at).clone())
        };
        let draw = self.chance.draw();
        self.cache.finish(fetch, outcome, moment(self.at), draw);
    }
}

fn moment(at: f64) -> Duration {
    Duration::from_secs_f64(at)
}
