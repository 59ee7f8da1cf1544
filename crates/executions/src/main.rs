//! Starts, describes and stops executions on behalf of a verified caller: the wiring.

use std::io::{self, Write};
use std::panic::set_hook;

use claim_guard::access::AccessPolicy;
use executions::aws::Aws;
use executions::{Response, Service};
use lambda_runtime::{Error, LambdaEvent, service_fn};
use realm_keys::RealmKeys;
use serde_json::value::RawValue;

// No tracing subscriber is installed: at TRACE the runtime would print whole events, and so tokens.
#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    set_hook(Box::new(|panic| {
        // The place and not the message, which may quote what was presented.
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        let _ = io::stderr().lock().write_all(format!("panicked at {place}\n").as_bytes());
    }));
    let policy = AccessPolicy::parse("access.toml", include_str!("../../../access.toml"));
    let outside = async |realm: RealmKeys, signing_key| {
        realm.tell(|notice| {
            // A notice that cannot be written changes no decision.
            let _ = io::stderr().lock().write_all(format!("{}\n", notice.to_line()).as_bytes());
        });
        realm.prefetch();
        Box::pin(Aws::from_environment(realm, signing_key)).await
    };
    let service = &Service::from_lookup(policy, |variable| std::env::var(variable).ok(), outside).await;
    lambda_runtime::run(service_fn(async |event: LambdaEvent<Box<RawValue>>| {
        let now = clock::now().ok();
        let answer = service.answer(event.payload.get(), now).await;
        if let Some(record) = &answer.record {
            // One write for the whole line. An answer whose record is lost is not given.
            io::stderr().lock().write_all(format!("{}\n", record.to_line()).as_bytes())?;
        }
        Ok::<Response, Error>(answer.response)
    }))
    .await
}
