//! Asks Keycloak what a subject may do now, and renews the transaction token: the wiring.

// The futures of HTTP and of the AWS SDK stand in each other deeper than the compiler looks by itself.
#![recursion_limit = "256"]

use claim_guard::access::AccessPolicy;
use claim_guard::audit::Reason;
use claim_guard::identifier::KeyId;
use lambda_runtime::{Error, LambdaEvent, service_fn};
use lambda_shell::{AuditLog, RawEvent, silence_panics};
use minting::{KmsSigner, SigningKeyArn};
use revalidation::keycloak::Keycloak;
use revalidation::settings::RealmAccess;
use revalidation::{Outside, Service, StepFunctions};

// No tracing subscriber is installed: at TRACE the runtime would print whole events, and so tokens.
#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    silence_panics();
    let policy = AccessPolicy::parse("access.toml", include_str!("../../../access.toml"));
    let outside = async |realm: RealmAccess, key_id: KeyId, signing_key: SigningKeyArn| {
        let config = minting::aws_config().await;
        let signer = KmsSigner::new(&config, signing_key);
        let keycloak = Keycloak::new(realm, key_id, signer.clone());
        let realm = keycloak.map_err(|error| Reason::new("malformed_environment", &error))?;
        Ok(Outside { realm, signer, chance: minting::random, engine: StepFunctions::new(&config) })
    };
    let service = &Service::from_lookup(policy, |variable| std::env::var(variable).ok(), outside).await;
    let log = &AuditLog::standard_error();
    lambda_runtime::run(service_fn(async |event: LambdaEvent<RawEvent>| {
        service.serve(event.payload.bytes(), clock::now(), |record| log.write(record)).await
    }))
    .await
}
