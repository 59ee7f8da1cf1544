//! Starts, describes and stops executions on behalf of a verified caller: the wiring.

// The futures of HTTP and of the AWS SDK stand in each other deeper than the compiler looks by itself.
#![recursion_limit = "256"]

use std::convert::Infallible;

use claim_guard::access::AccessPolicy;
use claim_guard::audit::{AuditRecord, Invocation};
use executions::Service;
use executions::aws::Aws;
use lambda_runtime::{Error, LambdaEvent, service_fn};
use lambda_shell::{AuditLog, Environment, RawEvent, note, silence_panics};
use realm_keys::RealmKeys;

// No tracing subscriber is installed: at TRACE the runtime would print whole events, and so tokens.
#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    silence_panics();
    let policy = AccessPolicy::parse("access.toml", include_str!("../../../access.toml"));
    let outside = async |realm: RealmKeys, keys, revalidation| {
        realm.tell(|notice| note(&notice.to_line()));
        realm.prefetch();
        Box::pin(Aws::from_environment(realm, keys, revalidation)).await
    };
    let environment = Environment::of_process();
    let service = &Service::from_lookup(policy, |variable| environment.get(variable), outside).await;
    let log = &AuditLog::standard_error(environment.digest());
    lambda_runtime::run(service_fn(async |event: LambdaEvent<RawEvent>| {
        let invocation = Invocation::new(&event.context.request_id, event.context.xray_trace_id.as_deref());
        let write = |record: AuditRecord| log.write(record.of_invocation(invocation));
        let response = service.serve(event.payload.text(), clock::now().ok(), write).await;
        Ok::<_, Infallible>(response)
    }))
    .await
}
