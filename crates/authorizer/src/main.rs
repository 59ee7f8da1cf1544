//! API Gateway TOKEN authorizer: the wiring.

use authorizer::{Authorizer, Setup};
use claim_guard::access::AccessPolicy;
use claim_guard::audit::Invocation;
use lambda_runtime::{Error, LambdaEvent, service_fn};
use lambda_shell::{AuditLog, Environment, RawEvent, note, silence_panics};

// No tracing subscriber is installed: at TRACE the runtime would print whole events, and so tokens.
#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    silence_panics();
    let policy = AccessPolicy::parse("access.toml", include_str!("../../../access.toml"));
    let environment = Environment::of_process();
    let setup = Setup::from_lookup(policy, |variable| environment.get(variable));
    setup.prefetch(|notice| note(&notice.to_line()));
    let log = AuditLog::standard_error(environment.digest());
    let authorizer = &Authorizer::new(setup, |record| log.write(record));
    let serve = async |event: LambdaEvent<RawEvent>| {
        let invocation = Invocation::new(&event.context.request_id, event.context.xray_trace_id.as_deref());
        authorizer.serve(event.payload.bytes(), clock::now(), invocation).await
    };
    lambda_runtime::run(service_fn(serve)).await
}
