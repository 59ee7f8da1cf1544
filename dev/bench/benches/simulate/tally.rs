//! What came of all containers, and the table of it.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::day::{Day, END, Key, Part, REFUSING};
use crate::knobs::Knobs;

const PARTS: [(Part, &str); 7] = [
    (Part::Deployment, "deployment"),
    (Part::Calm, "the rest of the day"),
    (Part::Rotation, "rotation"),
    (Part::Outage, "outage"),
    (Part::Recovery, "recovery"),
    (Part::Withdrawal, "withdrawal"),
    (Part::Flood, "flood"),
];

/// What one number of containers did and saw in a day.
#[derive(Debug, Clone, PartialEq)]
pub struct Tally {
    pub containers: usize,
    /// Requests to Keycloak, second by second.
    load: Vec<u32>,
    served: f64,
    refused: u64,
    refused_for: BTreeMap<Part, f64>,
    trusted: [f64; 3],
}

impl Tally {
    pub fn of(containers: usize) -> Self {
        Self {
            containers,
            load: vec![0; END as usize + 1],
            served: 0.0,
            refused: 0,
            refused_for: BTreeMap::new(),
            trusted: [0.0; 3],
        }
    }

    /// Requests to Keycloak at a time.
    pub fn asked(&mut self, at: f64, requests: u32) {
        let last = self.load.len() - 1;
        self.load[(at as usize).min(last)] += requests;
    }

    /// Requests of clients with valid tokens, whatever came of them.
    pub fn served(&mut self, requests: f64) {
        self.served += requests;
    }

    /// One request with a valid token was refused.
    pub fn refused(&mut self) {
        self.refused += 1;
    }

    /// One container refused valid tokens for so long, from that part of the day on.
    pub fn refused_for(&mut self, part: Part, seconds: f64) {
        let longest = self.refused_for.entry(part).or_default();
        *longest = longest.max(seconds);
    }

    /// A withdrawn key was still trusted so long after.
    pub fn trusted(&mut self, key: Key, seconds: f64) {
        let longest = match key {
            Key::First => &mut self.trusted[0],
            Key::Spare => &mut self.trusted[1],
            Key::Second | Key::Third | Key::Never => &mut self.trusted[2],
        };
        *longest = longest.max(seconds);
    }

    /// Requests a second to Keycloak, over the day.
    pub fn mean(&self) -> f64 {
        self.load.iter().map(|requests| f64::from(*requests)).sum::<f64>() / END
    }

    /// The busiest second of a part of the day.
    pub fn peak(&self, part: Part, day: &Day) -> u32 {
        let seconds = self.load.iter().enumerate().filter(|(second, _)| day.part(*second as f64) == part);
        seconds.map(|(_, requests)| *requests).max().unwrap_or_default()
    }

    /// The longest time for which one container refused valid tokens, from that part of the day on.
    pub fn longest_refusal(&self, part: Part) -> f64 {
        self.refused_for.get(&part).copied().unwrap_or_default()
    }

    /// How long after its withdrawal a key was trusted at most: a removed one that no token tells of, one removed out of
    /// reach, and one that another replaced.
    pub fn longest_trust(&self) -> [f64; 3] {
        self.trusted
    }

    /// The share of valid requests that were refused.
    pub fn refused_share(&self) -> f64 {
        self.refused as f64 / self.served
    }
}

/// The table of all numbers of containers.
pub fn table(tallies: &[Tally], knobs: &Knobs, day: &Day) -> String {
    let mut text = format!("{}\n\n{}\n\n{:<52}", day.told(), knobs.told(), "warm containers");
    for tally in tallies {
        let _ = write!(text, "{:>12}", tally.containers);
    }
    let mut line = |title: &str, value: &dyn Fn(&Tally) -> String| {
        let _ = write!(text, "\n{title:<52}");
        for tally in tallies {
            let _ = write!(text, "{:>12}", value(tally));
        }
    };
    line("requests a second at Keycloak, mean of the day", &|tally| format!("{:.2}", tally.mean()));
    for (part, name) in PARTS {
        line(&format!("  busiest second: {name}"), &|tally| tally.peak(part, day).to_string());
    }
    for part in REFUSING {
        let name = PARTS.iter().find(|(known, _)| *known == part).map_or("", |(_, name)| name);
        line(&format!("longest refusal of valid tokens, s: {name}"), &|tally| {
            format!("{:.1}", tally.longest_refusal(part))
        });
    }
    line("valid requests refused, of a million", &|tally| format!("{:.1}", tally.refused_share() * 1e6));
    let titles = ["removed, no token tells of it", "removed while Keycloak is out of reach", "replaced by another"];
    for (index, title) in titles.into_iter().enumerate() {
        line(&format!("longest trust, s: {title}"), &|tally| format!("{:.0}", tally.longest_trust()[index]));
    }
    text
}
