//! Asks Keycloak what a subject may do now, and renews the transaction token: the wiring.

// The futures of HTTP and of the AWS SDK stand in each other deeper than the compiler looks by itself.
#![recursion_limit = "256"]

use std::io::{self, Write};
use std::panic::set_hook;

use claim_guard::access::AccessPolicy;
use claim_guard::audit::Reason;
use claim_guard::identifier::KeyId;
use claim_guard_lambda::event::RawEvent;
use lambda_runtime::{Error, LambdaEvent, service_fn};
use minting::{KmsSigner, SigningKeyArn};
use revalidation::keycloak::Keycloak;
use revalidation::settings::RealmAccess;
use revalidation::{Outside, Service};

// No tracing subscriber is installed: at TRACE the runtime would print whole events, and so tokens.
#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    set_hook(Box::new(|panic| {
        // The place and not the message, which may quote what was presented.
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        let _ = io::stderr().lock().write_all(format!("panicked at {place}\n").as_bytes());
    }));
    let policy = AccessPolicy::parse("access.toml", include_str!("../../../access.toml"));
    let outside = async |realm: RealmAccess, key_id: KeyId, signing_key: SigningKeyArn| {
        let signer = KmsSigner::new(&minting::aws_config().await, signing_key);
        let keycloak = Keycloak::new(realm, key_id, signer.clone());
        let realm = keycloak.map_err(|error| Reason::new("malformed_environment", &error))?;
        Ok(Outside { realm, signer, chance: minting::random })
    };
    let service = &Service::from_lookup(policy, |variable| std::env::var(variable).ok(), outside).await;
    // One write for the whole line.
    let write = |line: &str| io::stderr().lock().write_all(format!("{line}\n").as_bytes());
    lambda_runtime::run(service_fn(async |event: LambdaEvent<RawEvent>| {
        service.serve(event.payload.bytes(), clock::now(), write).await
    }))
    .await
}
