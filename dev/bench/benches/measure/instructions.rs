//! Instructions of what is beside the signature: of the whole, less those of the bare signature over the same input.
//!
//! How fast a processor checks signatures moves every ratio of times. Instructions of the rest are the same on any x86-64
//! host but for how the C library copies and allocates, and that is in the baseline too.

use std::path::PathBuf;

use bench::{Row, instructions};
use claim_guard::{AccessToken, strict_json_object};
use serde_json::Value;
use test_realm::{ISSUER, TestKey};

use crate::authorizer::{ROUTES, answering, path_amid};
use crate::fixture::{Signed, authorizer_event, named, payload, policy, policy_of, unix_time, verifier};
use crate::guard::Guarded;
use crate::reject::{Refused, judge};
use crate::verify::whole;

/// The group under valgrind.
pub const COUNTED: &str = "instructions-counted";
/// What a part is a ratio to: it reads the same claims, and checks nothing.
const CLAIMS: &str = "reading the claims as JSON";
/// The second count of a part.
const SIGNATURE: &str = "its signature";
const ALGORITHMS: [(&str, &str); 4] =
    [("rs256-2048", "RS256"), ("ps256-2048", "PS256"), ("es256", "ES256"), ("eddsa", "EdDSA")];
/// How far counts of two hosts may stand apart, as a share of the count, and of the floor's where that is more.
const TOLERANCE: f64 = 0.05;
const LEAST_TOLERANCE: f64 = 0.002;

pub fn run() {
    let directory = std::env::var_os("BENCH_INSTRUCTIONS").map_or_else(std::env::temp_dir, PathBuf::from);
    let counts = instructions::of_this_program(COUNTED, &directory).unwrap();
    let [(claims, floor), parts @ ..] = counts.as_slice() else { panic!("nothing was counted") };
    assert_eq!(claims, CLAIMS);
    for (index, (name, whole)) in parts.iter().enumerate().filter(|(_, (name, _))| name != SIGNATURE) {
        let signature = parts.get(index + 1).filter(|(name, _)| name == SIGNATURE).map_or(0.0, |(_, count)| *count);
        let own = whole - signature;
        let ratio = own / floor;
        Row::counted(format!("instructions/{name}"), ratio, (TOLERANCE * ratio).max(LEAST_TOLERANCE), CLAIMS)
            .detailed(format!("{own:.0} ÷ {floor:.0} instructions"))
            .print();
    }
}

/// Counts everything, in a process that valgrind watches.
pub fn count_all() {
    let signed = Signed::rs256();
    let bare = signed.bare();
    let text = payload(ISSUER).to_string();
    count(CLAIMS, || serde_json::from_str::<Value>(&text).unwrap());

    let (verifier, now) = (verifier(ISSUER), unix_time());
    count("parse", || AccessToken::parse(&signed.token).unwrap().untrusted_key_id().unwrap());
    count("strict-json", || strict_json_object(text.as_bytes()).unwrap());
    let (policy, claims) = (policy(), signed.claims(&verifier, now));
    count("decide", || policy.decide_request(&claims, "POST", "/workflows/payment/executions"));

    for (name, algorithm) in ALGORITHMS {
        let signed = Signed::by(named(|kid| TestKey::generate(algorithm, kid)), &payload(ISSUER));
        let bare = signed.bare();
        count_beside(&format!("verify/{name}"), whole(&signed), || bare.verify());
    }

    let guarded = Guarded::new();
    count_beside("guard", || guarded.decide(), || guarded.verify_bare());

    let refused = Refused::of(&signed);
    let refuse = |token: &str| judge(&verifier, token, &signed.keys, now).unwrap_err();
    count("reject/cheapest", || refuse(""));
    count("reject/garbage-8-kib", || refuse(&refused.garbage));
    // The two whose signature is looked at.
    count_beside("reject/forged-signature", || refuse(&refused.forged), || bare.verify());
    let bare_dearest = signed.bare_of(&refused.dearest);
    count_beside("reject/dearest", || refuse(&refused.dearest), || bare_dearest.verify());

    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let sample = authorizer_event(&signed.token, "/workflows/payment/executions");
    count_beside("authorizer/sample", answering(&runtime, policy, &signed.keys, sample), || bare.verify());
    for routes in ROUTES {
        let event = authorizer_event(&signed.token, &path_amid(routes));
        let answer = answering(&runtime, policy_of(routes), &signed.keys, event);
        count_beside(&format!("authorizer/{routes}-routes"), answer, || bare.verify());
    }
}

fn count<T>(name: &str, call: impl FnMut() -> T) {
    instructions::count(name, call).unwrap();
}

fn count_beside<T>(name: &str, whole: impl FnMut() -> T, signature: impl FnMut()) {
    count(name, whole);
    count(SIGNATURE, signature);
}
