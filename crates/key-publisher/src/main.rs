//! Deploy-time custom resource: KMS public keys as a JWK set

use std::time::Duration;

use aws_config::{BehaviorVersion, timeout::TimeoutConfig};
use key_publisher::{answer, kms, publish};
use lambda_runtime::{Error, LambdaEvent, service_fn};
use serde_json::Value;

/// For reading all keys. With the delivery's own deadline it stays below the function's timeout in `template.yaml`.
const DEADLINE: Duration = Duration::from_secs(20);

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let timeouts = TimeoutConfig::builder().operation_attempt_timeout(Duration::from_secs(3)).build();
    let config = aws_config::defaults(BehaviorVersion::latest()).timeout_config(timeouts).load().await;
    let (kms, http) = (aws_sdk_kms::Client::new(&config), answer::delivery_client()?);
    let (kms, http) = (&kms, &http);

    lambda_runtime::run(service_fn(async |event: LambdaEvent<Value>| {
        let (reply_to, answer) =
            publish::answer_to(&event.payload, async |arn| kms::public_key(arn, kms).await, DEADLINE)
                .await
                .map_err(answer::DeliveryError::NoAddress)?;
        eprintln!("key-publisher: {answer}");
        answer::deliver(&answer, &reply_to.response_url, http).await
    }))
    .await
}
