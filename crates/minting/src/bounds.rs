//! The bounds of every client of AWS.

use std::time::Duration;

use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, SdkConfig};

/// The most time for one answer of a service, its retries included. The first start of a process asks four
/// of them and the realm, which has 3 seconds, the table for start limits, which has 4, and the realm once more by way of
/// `revalidation`, which has 4.5; the function's own timeout is 28.
const OPERATION: Duration = Duration::from_secs(4);
const ATTEMPT: Duration = Duration::from_secs(2);
const CONNECT: Duration = Duration::from_secs(1);
const ATTEMPTS: u32 = 3;

/// The configuration of a client for the region, the endpoint and the role that Lambda's environment names. Nothing is
/// asked yet; one answer takes at most 4 seconds and three attempts.
pub async fn aws_config() -> SdkConfig {
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(CONNECT)
        .operation_attempt_timeout(ATTEMPT)
        .operation_timeout(OPERATION)
        .build();
    aws_config::defaults(BehaviorVersion::latest())
        .timeout_config(timeouts)
        .retry_config(RetryConfig::standard().with_max_attempts(ATTEMPTS))
        .load()
        .await
}
