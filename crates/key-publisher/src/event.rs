use std::fmt;

use serde_json::{Map, Value};

/// Two keys may stand in the set, so that a key can be rotated while executions signed with the old one still run.
pub const MOST_KEYS: usize = 2;

/// Where and as whom to answer. Parsed before anything else, so that every later fault can be answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReplyTo {
    /// The pre-signed address that takes the answer.
    pub response_url: ResponseUrl,
    /// Echoed in the answer.
    pub stack_id: String,
    /// Echoed in the answer.
    pub request_id: String,
    /// Echoed in the answer.
    pub logical_resource_id: String,
    /// The id that this resource already has: absent for a creation.
    pub physical_resource_id: Option<String>,
}

impl ReplyTo {
    /// Reads where to answer.
    ///
    /// # Errors
    ///
    /// If a field is absent or not text, or if the address is neither CloudFormation's in that region nor on this machine.
    pub fn parse(event: &Value, region: &str) -> Result<Self, EventError> {
        let event = object(event, "event")?;
        Ok(Self {
            response_url: ResponseUrl::parse(&text(event, "ResponseURL")?, region)?,
            stack_id: text(event, "StackId")?,
            request_id: text(event, "RequestId")?,
            logical_resource_id: text(event, "LogicalResourceId")?,
            physical_resource_id: match event.get("PhysicalResourceId") {
                None => None,
                Some(_) => Some(text(event, "PhysicalResourceId")?),
            },
        })
    }
}

/// The pre-signed address of the answer. Whoever holds it can answer in our place, so it does not print.
#[derive(Clone, PartialEq, Eq)]
pub struct ResponseUrl(reqwest::Url);

impl ResponseUrl {
    /// Takes an `https` address in the bucket where CloudFormation reads answers of that region, or an `http` one that does not
    /// leave this machine.
    ///
    /// # Errors
    ///
    /// If the text is no such address.
    pub fn parse(text: &str, region: &str) -> Result<Self, EventError> {
        let url = reqwest::Url::parse(text).map_err(|_| EventError::UnusableResponseUrl)?;
        let host = url.host_str().unwrap_or_default();
        let plain = url.username().is_empty() && url.password().is_none();
        let taken = match url.scheme() {
            "https" => plain && url.port().is_none() && is_of_cloudformation(host, region),
            "http" => plain && matches!(host, "localhost" | "127.0.0.1" | "[::1]"),
            _ => false,
        };
        if taken { Ok(Self(url)) } else { Err(EventError::UnusableResponseUrl) }
    }

    /// The address itself, for the one request that answers.
    #[must_use]
    pub fn to_url(&self) -> reqwest::Url {
        self.0.clone()
    }
}

/// Whether it is AWS's own bucket for answers of that region (docs.aws.amazon.com/AWSCloudFormation, "Custom resource request objects"). Buckets of
/// other names that begin like it can be anybody's.
fn is_of_cloudformation(host: &str, region: &str) -> bool {
    let bucket = format!("cloudformation-custom-resource-response-{}.", region.replace('-', ""));
    let service = host.strip_prefix(&bucket).unwrap_or_default();
    ["amazonaws.com", "amazonaws.com.cn", "amazonaws.eu"].into_iter().any(|suffix| {
        [format!("s3.{suffix}"), format!("s3.{region}.{suffix}"), format!("s3-{region}.{suffix}")]
            .contains(&service.to_owned())
    })
}

impl fmt::Debug for ResponseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ResponseUrl(…)")
    }
}

/// What CloudFormation asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Request {
    /// Create or Update of a set of keys: publish these, the first of which signs.
    Publish(Vec<KeyArn>),
    /// Create or Update of a configuration: tell the digest of these values.
    Digest(Vec<String>),
    /// Delete: nothing was made, so nothing is undone.
    Retire,
}

impl Request {
    /// Reads what is asked for.
    ///
    /// The properties are ours (`template.yaml` writes them), so an unknown one is an error. CloudFormation owns the rest of the
    /// event and may add to it.
    ///
    /// # Errors
    ///
    /// If the request type or the resource type is unknown, or if the properties are not one or two KMS key ARNs, or not a
    /// list of values.
    pub fn parse(event: &Value) -> Result<Self, EventError> {
        let event = object(event, "event")?;
        let request_type = text(event, "RequestType")?;
        match request_type.as_str() {
            "Create" | "Update" => Self::of_resource(event),
            // A stack whose creation failed on its properties has to be deletable, so they are not looked at.
            "Delete" => Ok(Self::Retire),
            _ => Err(EventError::UnknownRequestType { presented: excerpt(&request_type) }),
        }
    }

    fn of_resource(event: &Map<String, Value>) -> Result<Self, EventError> {
        let resource_type = text(event, "ResourceType")?;
        match resource_type.as_str() {
            "Custom::TransactionKeys" | "Custom::ClientKeys" => Ok(Self::Publish(key_arns(event)?)),
            "Custom::Configuration" => Ok(Self::Digest(texts(event, "Values")?)),
            _ => Err(EventError::UnknownResourceType { presented: excerpt(&resource_type) }),
        }
    }
}

fn key_arns(event: &Map<String, Value>) -> Result<Vec<KeyArn>, EventError> {
    let arns = texts(event, "KeyArns")?;
    if arns.is_empty() || arns.len() > MOST_KEYS {
        return Err(EventError::WrongNumberOfKeys { most: MOST_KEYS, presented: arns.len() });
    }
    arns.iter().map(|arn| KeyArn::parse(arn)).collect()
}

/// The one property that the resource has of its own: a list of texts.
fn texts(event: &Map<String, Value>, field: &'static str) -> Result<Vec<String>, EventError> {
    let properties = event.get("ResourceProperties").ok_or(EventError::Missing { field: "ResourceProperties" })?;
    let properties = object(properties, "ResourceProperties")?;
    for name in properties.keys() {
        if !["ServiceToken", "ServiceTimeout", field].contains(&name.as_str()) {
            return Err(EventError::UnknownProperty { presented: excerpt(name) });
        }
    }
    let texts = properties.get(field).ok_or(EventError::Missing { field })?;
    let texts = texts.as_array().ok_or(EventError::NotAList { field })?;
    texts.iter().map(|text| Ok(text.as_str().ok_or(EventError::NotText { field })?.to_owned())).collect()
}

/// The ARN of one KMS key: `arn:PARTITION:kms:REGION:ACCOUNT:key/ID`. An alias is none: it could point elsewhere tomorrow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyArn(String);

impl KeyArn {
    /// Takes the ARN of a key.
    ///
    /// # Errors
    ///
    /// If the text is anything else.
    pub fn parse(text: &str) -> Result<Self, EventError> {
        let parts: Vec<&str> = text.splitn(6, ':').collect();
        let well_formed = match parts.as_slice() {
            ["arn", partition, "kms", region, account, resource] => {
                let id = resource.strip_prefix("key/").unwrap_or_default();
                [*partition, *region, id].iter().all(|part| is_name(part))
                    && account.len() == 12
                    && account.bytes().all(|byte| byte.is_ascii_digit())
            }
            _ => false,
        };
        if well_formed { Ok(Self(text.to_owned())) } else { Err(EventError::NotAKeyArn { presented: excerpt(text) }) }
    }

    /// The ARN as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for KeyArn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn is_name(text: &str) -> bool {
    (1..=64).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

fn object<'a>(value: &'a Value, field: &'static str) -> Result<&'a Map<String, Value>, EventError> {
    value.as_object().ok_or(EventError::NotAnObject { field })
}

fn text(object: &Map<String, Value>, field: &'static str) -> Result<String, EventError> {
    let value = object.get(field).ok_or(EventError::Missing { field })?;
    Ok(value.as_str().ok_or(EventError::NotText { field })?.to_owned())
}

fn excerpt(text: &str) -> String {
    text.chars().take(128).flat_map(char::escape_default).collect()
}

/// Why an event could not be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EventError {
    /// Something that has to be an object is none.
    #[error("`{field}` is not an object")]
    NotAnObject {
        /// Which part.
        field: &'static str,
    },
    /// A field is absent.
    #[error("`{field}` is missing")]
    Missing {
        /// Which one.
        field: &'static str,
    },
    /// A field is not a string.
    #[error("`{field}` is not text")]
    NotText {
        /// Which one.
        field: &'static str,
    },
    /// A field is not a list.
    #[error("`{field}` is not a list")]
    NotAList {
        /// Which one.
        field: &'static str,
    },
    /// The address of the answer is not one where CloudFormation reads it in this region.
    #[error("`ResponseURL` is no address where CloudFormation reads answers in this region")]
    UnusableResponseUrl,
    /// Neither Create nor Update nor Delete.
    #[error("request type `{presented}` is none of `Create`, `Update`, `Delete`")]
    UnknownRequestType {
        /// What the event says, shortened.
        presented: String,
    },
    /// None of the resources that this function stands for.
    #[error(
        "resource type `{presented}` is none of `Custom::TransactionKeys`, `Custom::ClientKeys`, `Custom::Configuration`"
    )]
    UnknownResourceType {
        /// What the event says, shortened.
        presented: String,
    },
    /// A property that this resource does not have.
    #[error("there is no property `{presented}`")]
    UnknownProperty {
        /// Its name, shortened.
        presented: String,
    },
    /// No key, or more than a rotation needs.
    #[error("`KeyArns` has {presented} entries, expected 1 to {most}")]
    WrongNumberOfKeys {
        /// The most that is allowed.
        most: usize,
        /// How many there were.
        presented: usize,
    },
    /// An entry of `KeyArns` is not the ARN of a KMS key.
    #[error("`{presented}` is not the ARN of a KMS key (`arn:…:kms:…:key/…`)")]
    NotAKeyArn {
        /// The entry, shortened.
        presented: String,
    },
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const ARN: &str = "arn:aws:kms:eu-central-1:111122223333:key/0f3ab3a9-1f0e-4b57-9a55-6d2f2f3f4a10";

    const REGION: &str = "eu-central-1";

    fn create() -> Value {
        json!({
            "RequestType": "Create",
            "ResponseURL": "https://cloudformation-custom-resource-response-eucentral1.s3.eu-central-1.amazonaws.com/token",
            "StackId": "arn:aws:cloudformation:eu-central-1:111122223333:stack/lab/1",
            "RequestId": "request-1",
            "ResourceType": "Custom::TransactionKeys",
            "LogicalResourceId": "TransactionKeys",
            "ResourceProperties": {"ServiceToken": "arn:…", "ServiceTimeout": "60", "KeyArns": [ARN]},
        })
    }

    #[track_caller]
    fn check_keys(key_arns: Value, expected: Result<Request, EventError>) {
        let mut event = create();
        event["ResourceProperties"]["KeyArns"] = key_arns;
        assert_eq!(Request::parse(&event), expected);
    }

    #[test]
    fn create_and_update_name_the_keys_in_order() {
        let other = ARN.replace("0f3a", "ffff");
        let keys = Request::Publish(vec![KeyArn(ARN.to_owned()), KeyArn(other.clone())]);
        check_keys(json!([ARN, other]), Ok(keys.clone()));
        let mut update = create();
        update["RequestType"] = json!("Update");
        update["ResourceProperties"]["KeyArns"] = json!([ARN, ARN.replace("0f3a", "ffff")]);
        assert_eq!(Request::parse(&update), Ok(keys));
    }

    #[test]
    fn no_key_and_a_third_key_are_refused() {
        check_keys(json!([]), Err(EventError::WrongNumberOfKeys { most: 2, presented: 0 }));
        check_keys(json!([ARN, ARN, ARN]), Err(EventError::WrongNumberOfKeys { most: 2, presented: 3 }));
    }

    #[test]
    fn only_the_arn_of_a_key_is_a_key() {
        for text in [
            "",
            "alias/payments",
            "arn:aws:kms:eu-central-1:111122223333:alias/payments",
            "arn:aws:kms:eu-central-1:111122223333:key/",
            "arn:aws:kms:eu-central-1:1111:key/0f3ab3a9",
            "arn:aws:s3:eu-central-1:111122223333:key/0f3ab3a9",
            "arn:aws:kms:eu-central-1:111122223333:key/0f3a:b3a9",
            "arn:aws:kms:eu-central-1:111122223333:key/*",
        ] {
            check_keys(json!([text]), Err(EventError::NotAKeyArn { presented: text.to_owned() }));
        }
        check_keys(json!([7]), Err(EventError::NotText { field: "KeyArns" }));
        check_keys(json!(ARN), Err(EventError::NotAList { field: "KeyArns" }));
    }

    #[test]
    fn an_unknown_property_is_refused() {
        let mut event = create();
        event["ResourceProperties"]["KeyArn"] = json!(ARN);
        assert_eq!(Request::parse(&event), Err(EventError::UnknownProperty { presented: "KeyArn".to_owned() }));
    }

    #[test]
    fn a_configuration_is_a_list_of_texts_and_nothing_else() {
        let mut event = create();
        event["ResourceType"] = json!("Custom::Configuration");
        event["ResourceProperties"] =
            json!({"ServiceToken": "arn:…", "ServiceTimeout": "120", "Values": ["x86_64", ""]});
        let values = vec!["x86_64".to_owned(), String::new()];
        assert_eq!(Request::parse(&event), Ok(Request::Digest(values)));
        for (values, error) in [
            (json!(["x86_64", {"Ref": "Issuer"}]), EventError::NotText { field: "Values" }),
            (json!("x86_64"), EventError::NotAList { field: "Values" }),
        ] {
            event["ResourceProperties"]["Values"] = values;
            assert_eq!(Request::parse(&event), Err(error));
        }
        event["ResourceProperties"] = json!({"KeyArns": [ARN]});
        assert_eq!(Request::parse(&event), Err(EventError::UnknownProperty { presented: "KeyArns".to_owned() }));
        event["ResourceProperties"] = json!({});
        assert_eq!(Request::parse(&event), Err(EventError::Missing { field: "Values" }));
    }

    #[test]
    fn a_resource_of_another_type_is_refused() {
        let mut event = create();
        event["ResourceType"] = json!("Custom::Keys");
        let presented = "Custom::Keys".to_owned();
        assert_eq!(Request::parse(&event), Err(EventError::UnknownResourceType { presented }));
        event.as_object_mut().unwrap().remove("ResourceType");
        assert_eq!(Request::parse(&event), Err(EventError::Missing { field: "ResourceType" }));
    }

    #[test]
    fn a_delete_needs_no_properties() {
        let mut event = create();
        event["RequestType"] = json!("Delete");
        event["ResourceProperties"] = json!({"KeyArns": "broken"});
        assert_eq!(Request::parse(&event), Ok(Request::Retire));
    }

    #[test]
    fn an_unknown_request_type_is_refused() {
        let mut event = create();
        event["RequestType"] = json!("create");
        assert_eq!(Request::parse(&event), Err(EventError::UnknownRequestType { presented: "create".to_owned() }));
    }

    #[test]
    fn every_field_of_the_reply_is_required_and_typed() {
        for field in ["ResponseURL", "StackId", "RequestId", "LogicalResourceId"] {
            let mut event = create();
            event[field] = json!(1);
            assert_eq!(ReplyTo::parse(&event, REGION), Err(EventError::NotText { field }));
            event.as_object_mut().unwrap().remove(field);
            assert_eq!(ReplyTo::parse(&event, REGION), Err(EventError::Missing { field }));
        }
        assert_eq!(ReplyTo::parse(&json!([]), REGION), Err(EventError::NotAnObject { field: "event" }));
    }

    #[test]
    fn an_answer_never_leaves_the_machine_in_the_clear() {
        for text in ["http://answers.example/token", "http://localhost.example/", "ftp://localhost/", "nonsense"] {
            assert_eq!(ResponseUrl::parse(text, REGION), Err(EventError::UnusableResponseUrl), "{text}");
        }
        for text in ["http://localhost:4566/t", "http://127.0.0.1:1/t", "http://[::1]/t"] {
            assert!(ResponseUrl::parse(text, REGION).is_ok(), "{text}");
        }
    }

    #[test]
    fn an_answer_goes_to_the_bucket_of_cloudformation_in_this_region_and_to_nobody_else() {
        let bucket = "cloudformation-custom-resource-response-eucentral1";
        for service in [
            "s3.eu-central-1.amazonaws.com",
            "s3-eu-central-1.amazonaws.com",
            "s3.amazonaws.com",
            "s3.eu-central-1.amazonaws.eu",
        ] {
            let text = format!("https://{bucket}.{service}/arn%3Aaws?X-Amz-Signature=x");
            assert!(ResponseUrl::parse(&text, REGION).is_ok(), "{text}");
        }
        for text in [
            "https://answers.example/token".to_owned(),
            "https://localhost/token".to_owned(),
            format!("https://{bucket}.s3.eu-central-1.amazonaws.com.example/t"),
            format!("https://{bucket}.s3.eu-west-1.amazonaws.com/t"),
            format!("https://{bucket}x.s3.eu-central-1.amazonaws.com/t"),
            format!("https://x{bucket}.s3.eu-central-1.amazonaws.com/t"),
            format!("https://a.{bucket}.s3.eu-central-1.amazonaws.com/t"),
            format!("https://s3.eu-central-1.amazonaws.com/{bucket}/t"),
            format!("https://{bucket}.s3.eu-central-1.amazonaws.com:8443/t"),
            format!("https://user@{bucket}.s3.eu-central-1.amazonaws.com/t"),
            format!("https://evil.example/#{bucket}.s3.eu-central-1.amazonaws.com/t"),
            "https://cloudformation-custom-resource-response-useast1.s3.amazonaws.com/t".to_owned(),
            "https://cloudformation-custom-resource-response-.s3.amazonaws.com/t".to_owned(),
            format!("http://{bucket}.s3.eu-central-1.amazonaws.com/t"),
        ] {
            assert_eq!(ResponseUrl::parse(&text, REGION), Err(EventError::UnusableResponseUrl), "{text}");
        }
        let home = format!("https://{bucket}.s3.amazonaws.com/t");
        assert_eq!(ResponseUrl::parse(&home, ""), Err(EventError::UnusableResponseUrl), "a region that is not known");
    }

    #[test]
    fn the_address_of_the_answer_does_not_print() {
        let reply_to = ReplyTo::parse(&create(), REGION).unwrap();
        assert_eq!(format!("{:?}", reply_to.response_url), "ResponseUrl(…)");
    }
}
