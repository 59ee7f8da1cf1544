//! The authorizer in this process: event JSON in, policy JSON out.

use std::hint::black_box;
use std::io;
use std::sync::Arc;

use authorizer::{Authorizer, AuthorizerEvent, KeySource, Setup};
use bench::{Row, Subject, interleaved};
use claim_guard::RealmKeySet;
use claim_guard::access::AccessPolicy;
use claim_guard::audit::{AuditRecord, Reason};
use claim_guard::identifier::KeyId;
use test_realm::ISSUER;
use tokio::runtime::Runtime;

use crate::fixture::{BARE, Signed, authorizer_event, budget, policy, policy_of, unix_time, verifier};

/// The sizes of the route tables.
pub const ROUTES: [usize; 3] = [10, 100, 500];

/// Keys that are there.
struct Standing(Arc<RealmKeySet>);

impl KeySource for Standing {
    async fn key_set(&self, _: &KeyId) -> Result<Arc<RealmKeySet>, Reason> {
        Ok(Arc::clone(&self.0))
    }
}

pub fn run() {
    let signed = Signed::rs256();
    let bare = signed.bare();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let mut subjects = vec![Subject::new(BARE, || bare.verify())];
    let event = authorizer_event(&signed.token, "/workflows/payment/executions");
    subjects.push(Subject::new("sample", answering(&runtime, policy(), &signed.keys, event)));
    for routes in ROUTES {
        let policy = policy_of(routes);
        let event = authorizer_event(&signed.token, &path_amid(routes));
        subjects.push(Subject::new(format!("{routes}-routes"), answering(&runtime, policy, &signed.keys, event)));
    }
    let samples = interleaved(&mut subjects, budget());
    for sample in &samples[1..] {
        Row::of(format!("authorizer/{}", sample.name), sample, &samples[0]).print();
    }
}

/// A path in the middle of the table of so many routes.
pub fn path_amid(routes: usize) -> String {
    format!("/r{}/x", routes / 2)
}

/// Serves the event from its bytes to the answer's bytes, as the runtime does, without the runtime.
pub fn answering(
    runtime: &Runtime,
    policy: AccessPolicy,
    keys: &Arc<RealmKeySet>,
    event: Vec<u8>,
) -> impl Fn() -> Vec<u8> {
    let setup = Setup::Ready { policy, verifier: verifier(ISSUER), keys: Standing(Arc::clone(keys)) };
    let sink = |record: AuditRecord| -> io::Result<()> {
        black_box(record.to_line());
        Ok(())
    };
    let (authorizer, now) = (Authorizer::new(setup, sink), unix_time());
    move || {
        let event = AuthorizerEvent::parse(&event);
        let answer = runtime.block_on(authorizer.answer(event, Ok(now))).unwrap();
        serde_json::to_vec(&answer).unwrap()
    }
}
