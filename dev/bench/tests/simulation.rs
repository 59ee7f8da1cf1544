//! What the README says of many containers, on small days.
#![expect(clippy::panic, clippy::unwrap_used, clippy::indexing_slicing, reason = "a simulation may panic")]

#[path = "../benches/simulate/chance.rs"]
mod chance;
#[path = "../benches/simulate/container.rs"]
mod container;
#[path = "../benches/simulate/day.rs"]
mod day;
#[path = "../benches/simulate/knobs.rs"]
mod knobs;
#[path = "../benches/simulate/payment.rs"]
mod payment;
#[path = "../benches/simulate/tally.rs"]
mod tally;

use container::live;
use day::{Day, Part};
use knobs::Knobs;
use payment::{Branches, Cost, payment};
use realm_keys::CacheRules;
use tally::{Tally, table};

fn simulated(containers: usize, knobs: &Knobs) -> (Tally, Day) {
    let (day, mut tally) = (Day::of(knobs), Tally::of(containers));
    (0..containers).for_each(|number| live(number, knobs, &day, &mut tally));
    (tally, day)
}

#[test]
fn the_same_seed_tells_the_same_day_and_another_another() {
    let knobs = Knobs::default();
    let (first, day) = simulated(5, &knobs);
    let (second, _) = simulated(5, &knobs);
    let (other, _) = simulated(5, &Knobs { seed: 2, ..knobs.clone() });
    assert_eq!(first, second);
    assert_ne!(first, other);
    assert_eq!(table(&[first], &knobs, &day), table(&[second], &knobs, &day));
}

#[test]
fn a_rotated_key_is_refused_for_less_than_the_cool_down() {
    let (tally, _) = simulated(40, &Knobs::default());
    assert!(tally.longest_refusal(Part::Rotation) <= 30.0, "{}", tally.longest_refusal(Part::Rotation));
}

#[test]
fn a_withdrawn_key_is_trusted_for_minutes_and_out_of_reach_for_an_hour_at_most() {
    let (tally, _) = simulated(40, &Knobs { outage: 7200.0, life: 1e5, ..Knobs::default() });
    let [removed, out_of_reach, replaced] = tally.longest_trust();
    assert!((240.0..=300.0).contains(&removed), "{removed}");
    assert!((3300.0..=3600.0).contains(&out_of_reach), "{out_of_reach}");
    // Tokens of the new key make every container ask, as soon as it may.
    assert!(replaced <= 40.0, "{replaced}");
}

#[test]
fn a_container_that_starts_in_an_outage_refuses_until_its_end_and_a_warm_one_does_not() {
    let lives = |life| Knobs { life, outage: 1200.0, ..Knobs::default() };
    let (restarted, _) = simulated(40, &lives(1800.0));
    let (warm, _) = simulated(40, &lives(1e5));
    assert!(restarted.longest_refusal(Part::Outage) > 600.0);
    assert_eq!(warm.longest_refusal(Part::Outage), 0.0);
}

#[test]
fn a_flood_of_unknown_keys_costs_keycloak_two_requests_a_cool_down_of_each_container() {
    let (tally, day) = simulated(300, &Knobs::default());
    let busiest = f64::from(tally.peak(Part::Flood, &day));
    // All begin with the flood: the first seconds see the most of them.
    assert!(busiest <= 2.0 * 300.0, "{busiest}");
    let (first, last) = CacheRules::compiled_in().soft_age;
    let renewals = 300.0 * 2.0 / ((first + last) / 2).as_secs_f64();
    // Beside its renewals a container asks at its start, and some more amid the flood and after the outage.
    assert!((renewals..1.1 * renewals).contains(&tally.mean()), "{} {renewals}", tally.mean());
}

#[test]
fn a_knob_that_does_not_exist_is_named_with_those_that_do() {
    let arguments = |text: &str| text.split(' ').map(str::to_owned).collect::<Vec<_>>();
    let parsed = Knobs::parse(&arguments("--rate 2 --containers 7 --seed 9")).unwrap();
    assert_eq!(parsed, (Knobs { rate: 2.0, seed: 9, ..Knobs::default() }, vec![7]));
    let known = "containers, seed, failure, flood, latency, life, outage, ramp, rate, token";
    assert_eq!(Knobs::parse(&arguments("--speed 1")), Err(format!("`--speed`: expected one of {known}")));
    let fault = "`--rate`: `-1` is no number that it can be";
    assert_eq!(Knobs::parse(&arguments("--rate -1")), Err(fault.to_owned()));
}

#[test]
fn a_payment_asks_keycloak_as_often_with_twenty_parties_as_with_one() {
    let held = Cost { renewals: 2, questions: 14, connections: 3, signatures: 3 };
    let passed = Cost { renewals: 1, questions: 9, connections: 2, signatures: 2 };
    for parties in [1, 2, 20] {
        assert_eq!(payment(parties, true, Branches::Together), held, "{parties} parties, held");
        assert_eq!(payment(parties, false, Branches::Together), passed, "{parties} parties");
    }
}

#[test]
fn branches_that_each_asked_for_themselves_would_ask_nearly_eight_times_as_often() {
    let apart = Cost { renewals: 21, questions: 109, connections: 22, signatures: 22 };
    assert_eq!(payment(20, true, Branches::Apart), apart);
    assert_eq!(payment(20, false, Branches::Apart), payment(20, false, Branches::Together));
    assert!(payment::table().contains("each branch for itself"));
}
