use std::sync::LazyLock;
use std::time::Duration;

use claim_guard::identifier::KeyId;
use claim_guard::transaction::TransactionKeySet;
use key_publisher::event::{KeyArn, ReplyTo};
use key_publisher::publish::answer_to;
use serde_json::{Value, json};
use test_realm::TestKey;

use crate::fixture::{KMS_KEY, block_on, lax};
use crate::line;
use crate::reached::reached;

const REGION: &str = "eu-central-1";

/// Never reached: nothing here waits.
const DEADLINE: Duration = Duration::from_secs(60);

/// CloudFormation takes answers of at most 4096 bytes. Half is for what we say, half for what the event has us echo.
const MAX_OWN_BYTES: usize = 2048;

static SECOND_KEY: LazyLock<TestKey> = LazyLock::new(TestKey::kms);

/// Events of CloudFormation's custom resource.
pub fn key_publisher_event(bytes: &[u8]) {
    let Ok(event) = serde_json::from_slice::<Value>(bytes) else { return };
    // A key for each ARN, as KMS has it.
    let fetch = async |arn: KeyArn| {
        let odd = arn.as_str().bytes().fold(0_u8, |sum, byte| sum ^ byte) & 1 == 1;
        Ok(if odd { SECOND_KEY.spki() } else { KMS_KEY.spki() })
    };
    match block_on(answer_to(&event, REGION, fetch, DEADLINE)) {
        Ok((reply_to, answer)) => {
            let secret = reply_to.response_url.to_url();
            let host = secret.host_str().expect("a host");
            let is_of_aws = host.starts_with("cloudformation-custom-resource-response-eucentral1.s3");
            assert!(if secret.scheme() == "https" { is_of_aws } else { host.len() <= 9 }, "{secret}");
            assert_eq!(format!("{:?}", reply_to.response_url), "ResponseUrl(…)");
            let answer = serde_json::to_string(&answer).expect("JSON");
            answered(&lax(&answer), &reply_to, answer.len(), &event);
        }
        Err(error) => {
            line::is_message(&error.to_string());
            assert_eq!(ReplyTo::parse(&event, REGION), Err(error), "only where it is not said where to answer");
        }
    }
}

fn answered(answer: &Value, reply_to: &ReplyTo, bytes: usize, event: &Value) {
    let text = |name: &str| answer.get(name).and_then(Value::as_str);
    assert_eq!(text("StackId"), Some(reply_to.stack_id.as_str()));
    assert_eq!(text("RequestId"), Some(reply_to.request_id.as_str()));
    assert_eq!(text("LogicalResourceId"), Some(reply_to.logical_resource_id.as_str()));
    let echoed = json!([text("StackId"), text("RequestId"), text("LogicalResourceId"), text("PhysicalResourceId")]);
    assert!(bytes - echoed.to_string().len() <= MAX_OWN_BYTES, "{bytes} bytes: {answer}");
    let asked = event.get("RequestType").and_then(Value::as_str);
    match (text("Status"), answer.get("Data"), asked) {
        (Some("SUCCESS"), None, Some("Delete")) => {}
        (Some("SUCCESS"), Some(data), Some("Create" | "Update")) => published(data),
        (Some("FAILED"), None, _) => line::is_message(text("Reason").unwrap_or_default()),
        other => panic!("{other:?}"),
    }
}

/// What is published, guards accept; a digest is as long as every other one.
fn published(data: &Value) {
    let text = |name: &str| data.get(name).and_then(Value::as_str).expect("text");
    if data.get("Digest").is_some() {
        reached("a digest of a configuration");
        return assert_eq!(text("Digest").len(), 43);
    }
    reached("a published key set");
    let keys = TransactionKeySet::parse(text("Jwks").as_bytes()).expect("a key set");
    assert!(keys.contains(&KeyId::parse(text("KeyId")).expect("a key id")));
}
