use std::{fmt, time::Duration};

use lambda_shell::{Panicked, caught};
use serde_json::Value;

use crate::{
    answer::{Attributes, CustomResourceResponse, Published},
    configuration::ConfigurationDigest,
    event::{EventError, KeyArn, ReplyTo, Request},
    jwk::{Jwk, JwkSet, KeyError},
    kms::FetchError,
};

/// Works out the answer to an event of CloudFormation in that region. `fetch` reads one public key as SPKI in DER; it is called for a set
/// of keys only.
/// Reading all keys takes at most `deadline`, which has to be below the function's own timeout, or no failure is answered.
///
/// # Errors
///
/// Only if the event does not say where to answer. Any other fault is an answer `FAILED` that says what was wrong.
pub async fn answer_to<F>(
    event: &Value,
    region: &str,
    fetch: F,
    deadline: Duration,
) -> Result<(ReplyTo, CustomResourceResponse), EventError>
where
    F: AsyncFn(KeyArn) -> Result<Vec<u8>, FetchError>,
{
    let reply_to = ReplyTo::parse(event, region)?;
    let outcome = match tokio::time::timeout(deadline, caught(publish(event, fetch))).await {
        Ok(Ok(outcome)) => outcome,
        // CloudFormation waits all the same.
        Ok(Err(panicked)) => Err(PublishError::Panicked(panicked)),
        Err(_) => Err(PublishError::TooSlow { deadline }),
    };
    let answer = match outcome {
        Ok(attributes) => CustomResourceResponse::success(&reply_to, attributes),
        Err(error) => CustomResourceResponse::failed(&reply_to, &error.to_string()),
    };
    Ok((reply_to, answer))
}

async fn publish<F>(event: &Value, fetch: F) -> Result<Option<Attributes>, PublishError>
where
    F: AsyncFn(KeyArn) -> Result<Vec<u8>, FetchError>,
{
    let arns = match Request::parse(event).map_err(PublishError::Event)? {
        Request::Publish(arns) => arns,
        Request::Digest(values) => return Ok(Some(Attributes::Configuration(ConfigurationDigest::of(values)))),
        Request::Retire => return Ok(None),
    };
    let mut keys = Vec::with_capacity(arns.len());
    for arn in arns {
        let spki = fetch(arn.clone()).await.map_err(PublishError::Fetch)?;
        keys.push(Jwk::from_spki(&spki).map_err(|error| PublishError::Key { arn, error })?);
    }
    let key_id = keys.first().map(|key| key.kid().to_owned()).unwrap_or_default();
    let set = JwkSet::new(keys).map_err(PublishError::Set)?;
    let jwks = serde_json::to_string(&set).map_err(|error| PublishError::Unwritable { cause: error.to_string() })?;
    Ok(Some(Attributes::Keys(Published { jwks, key_id })))
}

/// Why no keys were published. CloudFormation shows it beside the failed resource.
#[derive(Clone, Debug, PartialEq, Eq)]
enum PublishError {
    Event(EventError),
    Fetch(FetchError),
    Key { arn: KeyArn, error: KeyError },
    Set(KeyError),
    Unwritable { cause: String },
    TooSlow { deadline: Duration },
    Panicked(Panicked),
}

impl fmt::Display for PublishError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Event(error) => write!(f, "the resource is not declared as it has to be: {error}"),
            Self::Fetch(error) => error.fmt(f),
            Self::Key { arn, error } => write!(f, "`{arn}` cannot sign for the stack: {error}"),
            Self::Set(error) => error.fmt(f),
            Self::Unwritable { cause } => write!(f, "the key set could not be written: {cause}"),
            Self::TooSlow { deadline } => write!(f, "KMS did not answer within {} ms", deadline.as_millis()),
            Self::Panicked(Panicked) => f.write_str("the function panicked: its log says where"),
        }
    }
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::{
        encoding::{AsDer, PublicKeyX509Der},
        signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair},
    };
    use serde_json::json;

    use super::*;

    const FIRST: &str = "arn:aws:kms:eu-central-1:111122223333:key/11111111-1f0e-4b57-9a55-6d2f2f3f4a10";
    const SECOND: &str = "arn:aws:kms:eu-central-1:111122223333:key/22222222-1f0e-4b57-9a55-6d2f2f3f4a10";

    const REGION: &str = "eu-central-1";

    fn new_spki() -> Vec<u8> {
        let key = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
        let der: PublicKeyX509Der<'_> = key.public_key().as_der().unwrap();
        der.as_ref().to_vec()
    }

    fn event(name: &str) -> Value {
        let path = format!("{}/../../events/key-publisher/{name}.json", env!("CARGO_MANIFEST_DIR"));
        serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
    }

    fn with_keys(mut event: Value, arns: &[&str]) -> Value {
        event["ResourceProperties"]["KeyArns"] = json!(arns);
        event
    }

    async fn body<F>(event: &Value, fetch: F) -> Value
    where
        F: AsyncFn(KeyArn) -> Result<Vec<u8>, FetchError>,
    {
        let (_, answer) = answer_to(event, REGION, fetch, Duration::from_secs(5)).await.unwrap();
        serde_json::to_value(&answer).unwrap()
    }

    async fn unreachable(arn: KeyArn) -> Result<Vec<u8>, FetchError> {
        Err(FetchError::NoAnswer { arn, cause: "connection refused".to_owned() })
    }

    #[tokio::test]
    async fn a_creation_publishes_the_key_and_names_it() {
        let spki = new_spki();
        let jwk = Jwk::from_spki(&spki).unwrap();
        let event = with_keys(event("create"), &[FIRST]);
        let mut answer = body(&event, async |_| Ok(spki.clone())).await;
        let jwks: Value = serde_json::from_str(answer["Data"]["Jwks"].as_str().unwrap()).unwrap();
        assert_eq!(jwks, json!({"keys": [jwk]}));
        answer["Data"]["Jwks"] = json!("compared above");
        assert_eq!(
            answer,
            json!({
                "Status": "SUCCESS",
                "PhysicalResourceId": "TransactionKeySet",
                "StackId": event["StackId"], "RequestId": event["RequestId"], "LogicalResourceId": "TransactionKeySet",
                "Data": {"Jwks": "compared above", "KeyId": jwk.kid()},
            })
        );
    }

    #[tokio::test]
    async fn of_two_keys_both_are_published_and_the_first_signs() {
        let (first, second) = (new_spki(), new_spki());
        let kids = [&first, &second].map(|spki| Jwk::from_spki(spki).unwrap().kid().to_owned());
        let answer = body(&with_keys(event("update"), &[FIRST, SECOND]), async |arn| {
            Ok(if arn.as_str() == FIRST { first.clone() } else { second.clone() })
        })
        .await;
        let jwks: Value = serde_json::from_str(answer["Data"]["Jwks"].as_str().unwrap()).unwrap();
        assert_eq!(jwks["keys"][0]["kid"], json!(kids[0]));
        assert_eq!(jwks["keys"][1]["kid"], json!(kids[1]));
        assert_eq!(answer["Data"]["KeyId"], json!(kids[0]));
    }

    #[tokio::test]
    async fn two_arns_of_one_key_fail_the_deployment() {
        let spki = new_spki();
        let kid = Jwk::from_spki(&spki).unwrap().kid().to_owned();
        let answer = body(&with_keys(event("update"), &[FIRST, SECOND]), async |_| Ok(spki.clone())).await;
        assert_eq!(answer["Status"], "FAILED");
        assert_eq!(answer["Reason"], json!(format!("the key `{kid}` is named twice")));
    }

    #[tokio::test]
    async fn a_key_that_is_no_p256_key_fails_the_deployment() {
        let answer = body(&with_keys(event("create"), &[FIRST]), async |_| Ok(vec![0x30, 0x00])).await;
        assert_eq!(answer["Status"], "FAILED");
        assert_eq!(
            answer["Reason"],
            json!(format!("`{FIRST}` cannot sign for the stack: the public key is not a P-256 key"))
        );
        assert_eq!(answer.get("Data"), None);
    }

    #[tokio::test]
    async fn kms_out_of_reach_fails_the_deployment_with_the_cause() {
        let answer = body(&with_keys(event("create"), &[FIRST]), unreachable).await;
        assert_eq!(answer["Status"], "FAILED");
        assert_eq!(
            answer["Reason"],
            json!(format!("the public key of `{FIRST}` could not be read: connection refused"))
        );
    }

    #[tokio::test]
    async fn a_kms_that_never_answers_fails_the_deployment_in_time() {
        let event = with_keys(event("create"), &[FIRST]);
        let deadline = Duration::from_millis(5);
        let (_, answer) = answer_to(&event, REGION, async |_| std::future::pending().await, deadline).await.unwrap();
        let answer = serde_json::to_value(&answer).unwrap();
        assert_eq!(answer["Status"], "FAILED");
        assert_eq!(answer["Reason"], "KMS did not answer within 5 ms");
    }

    #[tokio::test]
    async fn a_panic_fails_the_deployment_and_quotes_nothing() {
        let answer = body(&with_keys(event("create"), &[FIRST]), async |arn| panic!("hush: {arn}")).await;
        assert_eq!(answer["Status"], "FAILED");
        assert_eq!(answer["Reason"], "the function panicked: its log says where");
    }

    #[tokio::test]
    async fn an_undeclared_property_fails_the_deployment() {
        let mut event = event("create");
        event["ResourceProperties"]["Surprise"] = json!("true");
        let answer = body(&event, unreachable).await;
        assert_eq!(answer["Reason"], "the resource is not declared as it has to be: there is no property `Surprise`");
    }

    #[tokio::test]
    async fn a_configuration_is_answered_with_its_digest_without_asking_kms() {
        let event = event("configuration");
        let values = event["ResourceProperties"]["Values"].as_array().unwrap();
        let values = values.iter().map(|value| value.as_str().unwrap().to_owned()).collect();
        let answer = body(&event, unreachable).await;
        assert_eq!(
            json!([answer["Status"], answer["Data"]]),
            json!(["SUCCESS", serde_json::to_value(ConfigurationDigest::of(values)).unwrap()])
        );
        assert_eq!(answer["Data"]["Digest"].as_str().map(str::len), Some(43));
    }

    #[tokio::test]
    async fn a_deletion_succeeds_without_asking_kms_and_keeps_its_id() {
        let event = event("delete");
        assert_eq!(
            body(&event, unreachable).await,
            json!({
                "Status": "SUCCESS",
                "PhysicalResourceId": event["PhysicalResourceId"],
                "StackId": event["StackId"], "RequestId": event["RequestId"], "LogicalResourceId": "TransactionKeySet",
            })
        );
    }

    #[tokio::test]
    async fn an_event_that_names_no_address_cannot_be_answered() {
        let mut event = event("create");
        event.as_object_mut().unwrap().remove("ResponseURL");
        assert_eq!(
            answer_to(&event, REGION, unreachable, Duration::from_secs(5)).await,
            Err(EventError::Missing { field: "ResponseURL" })
        );
    }
}
