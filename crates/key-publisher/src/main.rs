//! Deploy-time custom resources: KMS public keys as a JWK set, a digest of the configuration

// The futures of HTTP and of the AWS SDK stand in each other deeper than the compiler looks by itself.
#![recursion_limit = "256"]

use std::time::Duration;

use aws_config::{BehaviorVersion, timeout::TimeoutConfig};
use key_publisher::{answer, kms, publish};
use lambda_runtime::{Error, LambdaEvent, service_fn};
use lambda_shell::{caught, silence_panics};
use serde_json::Value;

/// For reading all keys. With the delivery's own deadline it stays below the function's timeout in `template.yaml`.
const DEADLINE: Duration = Duration::from_secs(20);

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    silence_panics();
    let timeouts = TimeoutConfig::builder().operation_attempt_timeout(Duration::from_secs(3)).build();
    let config = aws_config::defaults(BehaviorVersion::latest()).timeout_config(timeouts).load().await;
    let (kms, http) = (aws_sdk_kms::Client::new(&config), answer::delivery_client()?);
    let region = std::env::var("AWS_REGION").unwrap_or_default();
    let (kms, http, region) = (&kms, &http, region.as_str());

    lambda_runtime::run(service_fn(async |event: LambdaEvent<Value>| {
        // What is left to panic is what reads the address and delivers to it; then there is nobody to tell but the runtime.
        let served = caught(async {
            let (reply_to, answer) =
                publish::answer_to(&event.payload, region, async |arn| kms::public_key(arn, kms).await, DEADLINE)
                    .await
                    .map_err(answer::DeliveryError::NoAddress)?;
            eprintln!("key-publisher: {answer}");
            answer::deliver(&answer, &reply_to.response_url, http).await
        });
        served.await.unwrap_or_else(|panicked| Err(answer::DeliveryError::Panicked(panicked)))
    }))
    .await
}
