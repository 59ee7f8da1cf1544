//! The rules under every order of events: what a random walk must never see.

use proptest::prelude::*;

use super::*;
use crate::clock::Surroundings;
use crate::exchange::{Document, ExchangeFault};
use crate::fixtures::key_id;
use crate::moved_clock::MovedClock;

/// RFC 7515 appendix A.3.1: a public key that everybody may know, here under the name `a`.
const KEY_SET: &str = r#"{"keys":[{"kty":"EC","crv":"P-256","kid":"a","use":"sig","alg":"ES256",
    "x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}]}"#;

#[derive(Debug, Clone)]
enum Event {
    Pass(Duration),
    Freeze(Duration),
    SetBack(Duration),
    /// A request for that key, or a prefetch.
    Ask(Option<&'static str>),
    /// The fetch under way, or the one before it, ends: with a set, or asking for that long a wait.
    Finish {
        late: bool,
        refused: Option<u64>,
    },
}

fn durations() -> impl Strategy<Value = Duration> {
    prop_oneof![0_u64..2_000, 0_u64..40_000, 0_u64..400_000, 0_u64..4_000_000].prop_map(Duration::from_millis)
}

fn events() -> impl Strategy<Value = Event> {
    prop_oneof![
        3 => durations().prop_map(Event::Pass),
        1 => durations().prop_map(Event::Freeze),
        1 => durations().prop_map(Event::SetBack),
        4 => prop_oneof![Just(Some("a")), Just(Some("unknown")), Just(None)].prop_map(Event::Ask),
        4 => (prop::bool::weighted(0.1), prop::option::of(prop_oneof![Just(0), 0_u64..300]))
            .prop_map(|(late, refused)| Event::Finish { late, refused }),
    ]
}

/// What an onlooker knows of the schedule without looking into it.
#[derive(Default)]
struct Onlooker {
    /// When the fetch began that brought the set.
    obtained: Option<Moment>,
    /// When the last fetch began, and whether it is under way.
    begun: Option<(Moment, bool)>,
    /// When the last fetch failed, and how long the realm wants to be left alone.
    failed: Option<(Moment, Duration)>,
}

impl Onlooker {
    fn stands(&self, now: Moment) -> bool {
        self.obtained.is_some_and(|obtained| obtained.age(now) < Duration::from_secs(3600))
    }

    fn judge(&self, next: &Next, now: Moment) -> Result<(), TestCaseError> {
        match next {
            Next::Serve(_) => prop_assert!(self.stands(now), "a set past its hard age is served"),
            Next::Refuse(_) => prop_assert!(!self.stands(now), "a set stands, and a request is refused"),
            Next::Join(_) => prop_assert!(self.begun.is_some_and(|(_, running)| running), "nothing to wait for"),
            Next::Begin => {
                if let Some((begun, running)) = self.begun {
                    let apart = begun.age(now);
                    prop_assert!(!running || apart >= Duration::from_secs(6), "two fetches at a time");
                    prop_assert!(!self.stands(now) || apart >= Duration::from_secs(30), "no cool-down");
                }
                if let Some((failed, asked_away)) = self.failed {
                    let least = asked_away.max(if self.stands(now) { Duration::ZERO } else { FIRST_BACK_OFF / 2 });
                    prop_assert!(failed.age(now) >= least, "no back-off");
                }
            }
        }
        Ok(())
    }
}

proptest! {
    #[test]
    fn no_order_of_events_breaks_a_promise(
        events in prop::collection::vec(events(), 1..120),
        draw in 0_u32..1000,
    ) {
        let time = MovedClock::drawing(draw);
        let (mut schedule, mut onlooker) = (Schedule::default(), Onlooker::default());
        for event in events {
            let now = time.now();
            match event {
                Event::Pass(duration) => time.pass(duration),
                Event::Freeze(duration) => time.pass_frozen(duration),
                Event::SetBack(duration) => time.set_back(duration),
                Event::Ask(name) => {
                    let next = name.map_or_else(|| schedule.next_of_any(now), |name| schedule.next(&key_id(name), now));
                    onlooker.judge(&next, now)?;
                    if let Next::Begin = next {
                        schedule.begin(watch::channel(false).1, now);
                        onlooker.begun = Some((now, true));
                    }
                }
                Event::Finish { late, refused } => {
                    let outcome = match refused {
                        None => Ok(Arc::new(RealmKeySet::parse(KEY_SET.as_bytes()).unwrap())),
                        Some(wait) => Err(KeysUnavailable::from(ExchangeFault::Status {
                            document: Document::KeySet,
                            presented: 503,
                            retry_after: Some(Duration::from_secs(wait)),
                        })),
                    };
                    schedule.finish(schedule.fetches().saturating_sub(u64::from(late)), outcome, now, draw);
                    if let Some((begun, true)) = onlooker.begun && !late {
                        onlooker.begun = Some((begun, false));
                        match refused {
                            None => (onlooker.obtained, onlooker.failed) = (Some(begun), None),
                            Some(wait) => onlooker.failed = Some((now, Duration::from_secs(wait))),
                        }
                    }
                }
            }
        }
    }
}
