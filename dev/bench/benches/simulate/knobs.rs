//! What can be turned. What the cache's rules are cannot: those are compiled in.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use realm_keys::CacheRules;

/// Everything that a day is made of, in seconds where it is a time.
#[derive(Debug, Clone, PartialEq)]
pub struct Knobs {
    pub seed: u64,
    /// Requests a second that one container serves, evenly likely at any moment.
    pub rate: f64,
    /// How long a container lives before another takes its place.
    pub life: f64,
    /// How many containers a deployment starts in a second.
    pub ramp: f64,
    /// How long Keycloak takes to answer discovery and JWK set together.
    pub latency: f64,
    /// How long a fetch takes to fail while Keycloak is out of reach.
    pub failure: f64,
    /// How long a token lives, so how long it takes until all are of a new key.
    pub token: f64,
    /// How long Keycloak is out of reach at noon.
    pub outage: f64,
    /// Requests a second to one container whose token names a key that does not exist, while that lasts.
    pub flood: f64,
}

/// A knob's name, its place, and what it is.
type Knob = (&'static str, fn(&mut Knobs) -> &mut f64, &'static str);

const NAMED: [Knob; 8] = [
    ("rate", |knobs| &mut knobs.rate, "requests a second to one container"),
    ("life", |knobs| &mut knobs.life, "seconds that a container lives"),
    ("ramp", |knobs| &mut knobs.ramp, "containers that a deployment starts in a second"),
    ("latency", |knobs| &mut knobs.latency, "seconds that a fetch takes"),
    ("failure", |knobs| &mut knobs.failure, "seconds until a fetch fails while Keycloak is out of reach"),
    ("token", |knobs| &mut knobs.token, "seconds that a token lives"),
    ("outage", |knobs| &mut knobs.outage, "seconds that Keycloak is out of reach"),
    ("flood", |knobs| &mut knobs.flood, "requests a second to one container that name an unknown key"),
];

impl Default for Knobs {
    fn default() -> Self {
        Self {
            seed: 1,
            rate: 0.2,
            life: 4.0 * 3600.0,
            // Lambda starts 1,000 environments of a function in ten seconds.
            ramp: 100.0,
            latency: 0.05,
            // The deadline of a fetch: nothing answers.
            failure: 3.0,
            token: 300.0,
            outage: 20.0 * 60.0,
            flood: 1.0,
        }
    }
}

impl Knobs {
    /// Reads `--NAME VALUE` pairs; `--containers` may be repeated.
    pub fn parse(arguments: &[String]) -> Result<(Self, Vec<usize>), String> {
        let (mut knobs, mut counts) = (Self::default(), Vec::new());
        for pair in arguments.chunks(2) {
            let [name, value] = pair else { return Err(format!("`{}` has no value", pair.concat())) };
            let name = name.trim_start_matches("--");
            let malformed = |_| format!("`--{name}`: `{value}` is no number that it can be");
            match (name, NAMED.iter().find(|(known, _, _)| *known == name)) {
                ("containers", _) => counts.push(value.parse().map_err(|_| malformed(()))?),
                ("seed", _) => knobs.seed = value.parse().map_err(|_| malformed(()))?,
                (_, Some((_, place, _))) => {
                    let number: f64 = value.parse().map_err(|_| malformed(()))?;
                    // The day's parts lie hours apart; nothing may last longer than that.
                    *place(&mut knobs) =
                        Some(number).filter(|number| (1e-3..=1e5).contains(number)).ok_or_else(|| malformed(()))?;
                }
                (_, None) => return Err(format!("`--{name}`: expected one of {}", names())),
            }
        }
        if counts.is_empty() {
            counts = vec![10, 1_000, 50_000];
        }
        Ok((knobs, counts))
    }

    /// What was turned how, and what the rules of the cache are.
    pub fn told(&self) -> String {
        let mut knobs = self.clone();
        let mut text = format!("knobs\n  --seed {:<10} which day\n", self.seed);
        for (name, place, about) in NAMED {
            let _ = writeln!(text, "  --{:<16} {about}", format!("{name} {}", place(&mut knobs)));
        }
        let rules = CacheRules::compiled_in();
        let seconds = |time: std::time::Duration| time.as_secs_f64();
        let _ = write!(
            text,
            "the cache's rules, compiled in\n  renewed from an age on that is drawn from {:.0} to {:.0} s · never served from {:.0} s on\n  \
             fetches at least {:.0} s apart while a set stands · back-off up to {:.0} s while none does",
            seconds(rules.soft_age.0),
            seconds(rules.soft_age.1),
            seconds(rules.hard_age),
            seconds(rules.cool_down),
            seconds(rules.longest_back_off)
        );
        text
    }
}

fn names() -> String {
    let named: BTreeMap<&str, ()> = NAMED.iter().map(|(name, _, _)| (*name, ())).collect();
    let all: Vec<&str> = ["containers", "seed"].into_iter().chain(named.into_keys()).collect();
    all.join(", ")
}
