//! API Gateway TOKEN authorizer: the wiring.

use authorizer::{AuditSink as _, Authorizer, AuthorizerEvent, Setup, StandardError, silence_panics};
use claim_guard::access::AccessPolicy;
use lambda_runtime::{Error, LambdaEvent, service_fn};

// No tracing subscriber is installed: at TRACE the runtime would print whole events, and so tokens.
#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    silence_panics();
    let policy = AccessPolicy::parse("access.toml", include_str!("../../../access.toml"));
    let setup = Setup::from_lookup(policy, |variable| std::env::var(variable).ok());
    setup.prefetch(|notice| {
        // A notice that cannot be written changes no decision.
        let _ = StandardError.take(&notice.to_line());
    });
    let authorizer = &Authorizer::new(setup, StandardError);
    let answer = |event: LambdaEvent<AuthorizerEvent>| authorizer.answer(event.payload, clock::now());
    lambda_runtime::run(service_fn(answer)).await
}
