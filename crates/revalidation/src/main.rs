//! Asks Keycloak what a subject may do now, and renews the transaction token: the wiring.

// The futures of HTTP and of the AWS SDK stand in each other deeper than the compiler looks by itself.
#![recursion_limit = "256"]

use claim_guard::access::AccessPolicy;
use claim_guard::audit::{AuditRecord, Invocation, Reason};
use lambda_runtime::{Error, LambdaEvent, service_fn};
use lambda_shell::{AuditLog, Environment, RawEvent, silence_panics};
use minting::{KmsSigner, SigningKeyArn};
use revalidation::keycloak::Keycloak;
use revalidation::settings::{ClientKey, RealmAccess};
use revalidation::{Service, Services, StepFunctions};

// No tracing subscriber is installed: at TRACE the runtime would print whole events, and so tokens.
#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    silence_panics();
    let policy = AccessPolicy::parse("access.toml", include_str!("../../../access.toml"));
    let outside = async |realm: RealmAccess, client_key: ClientKey, signing_key: SigningKeyArn| {
        let config = minting::aws_config().await;
        // Two keys, because two functions mint and this one alone may ask Keycloak.
        let keycloak = Keycloak::new(realm, client_key.id, KmsSigner::new(&config, client_key.arn));
        let realm = keycloak.map_err(|error| Reason::new("malformed_environment", &error))?;
        let signer = KmsSigner::new(&config, signing_key);
        Ok(Services { realm, signer, chance: minting::random, engine: StepFunctions::new(&config) })
    };
    let environment = Environment::of_process();
    let service = &Service::from_lookup(policy, |variable| environment.get(variable), outside).await;
    let log = &AuditLog::standard_error(environment.digest());
    lambda_runtime::run(service_fn(async |event: LambdaEvent<RawEvent>| {
        let invocation = Invocation::new(&event.context.request_id, event.context.xray_trace_id.as_deref());
        let write = |record: AuditRecord| log.write(record.of_invocation(invocation));
        service.serve(event.payload.bytes(), clock::now(), write).await
    }))
    .await
}
