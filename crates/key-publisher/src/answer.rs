use std::{fmt, time::Duration};

use lambda_runtime::Diagnostic;
use lambda_shell::Panicked;
use serde::Serialize;

use crate::{
    configuration::ConfigurationDigest,
    event::{EventError, ReplyTo, ResponseUrl},
};

/// CloudFormation takes answers of at most 4096 bytes in all, so a reason is cut well before that.
const LONGEST_REASON: usize = 1024;

/// The one deadline of the delivery: connecting, sending and being answered.
const DELIVERY_DEADLINE: Duration = Duration::from_secs(8);

/// What the stack reads of a resource with `!GetAtt`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Attributes {
    /// Of a set of keys.
    Keys(Published),
    /// Of a configuration.
    Configuration(ConfigurationDigest),
}

/// The keys of a set.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Published {
    /// The JWK set as JSON text.
    pub jwks: String,
    /// The `kid` of the key that signs.
    pub key_id: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "UPPERCASE")]
enum Status {
    Success,
    Failed,
}

/// The answer that CloudFormation waits for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct CustomResourceResponse {
    status: Status,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    physical_resource_id: String,
    stack_id: String,
    request_id: String,
    logical_resource_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<Attributes>,
}

impl CustomResourceResponse {
    /// It worked; `attributes` are absent where nothing was asked for (a deletion).
    #[must_use]
    pub fn success(reply_to: &ReplyTo, attributes: Option<Attributes>) -> Self {
        Self { data: attributes, ..Self::new(Status::Success, reply_to) }
    }

    /// It did not work, and this is why.
    #[must_use]
    pub fn failed(reply_to: &ReplyTo, reason: &str) -> Self {
        let reason = reason.chars().take(LONGEST_REASON).collect();
        Self { reason: Some(reason), ..Self::new(Status::Failed, reply_to) }
    }

    fn new(status: Status, reply_to: &ReplyTo) -> Self {
        // The id that it has is kept, so no update ever replaces it.
        let id = reply_to.physical_resource_id.as_deref().unwrap_or(&reply_to.logical_resource_id);
        Self {
            status,
            reason: None,
            physical_resource_id: id.to_owned(),
            stack_id: reply_to.stack_id.clone(),
            request_id: reply_to.request_id.clone(),
            logical_resource_id: reply_to.logical_resource_id.clone(),
            data: None,
        }
    }
}

/// The line for the log: the outcome, and the reason of a failure. Never the address.
impl fmt::Display for CustomResourceResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.reason {
            Some(reason) => write!(f, "`{}` failed: {reason}", self.logical_resource_id),
            None => write!(f, "`{}` succeeded", self.logical_resource_id),
        }
    }
}

/// The client that delivers answers: one total deadline, no redirects, no proxy from the environment.
///
/// # Errors
///
/// If TLS cannot be set up.
pub fn delivery_client() -> Result<reqwest::Client, DeliveryError> {
    reqwest::Client::builder()
        .timeout(DELIVERY_DEADLINE)
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .build()
        .map_err(DeliveryError::unsent)
}

/// Puts the answer where CloudFormation reads it.
///
/// # Errors
///
/// If it was not taken. The function then has to fail: Lambda invokes it again, and CloudFormation gives up after the resource's
/// `ServiceTimeout`.
pub async fn deliver(
    answer: &CustomResourceResponse,
    to: &ResponseUrl,
    client: &reqwest::Client,
) -> Result<(), DeliveryError> {
    let body = serde_json::to_vec(answer).map_err(|error| DeliveryError::Unwritable { cause: error.to_string() })?;
    let response = client.put(to.to_url()).body(body).send().await.map_err(DeliveryError::unsent)?;
    if response.status().is_success() {
        Ok(())
    } else {
        Err(DeliveryError::Refused { status: response.status().as_u16() })
    }
}

/// Why CloudFormation did not get its answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DeliveryError {
    /// The event does not say where to answer.
    #[error("the event does not say where to answer: {0}")]
    NoAddress(EventError),
    /// The answer could not be written as JSON.
    #[error("the answer could not be written: {cause}")]
    Unwritable {
        /// What the serializer reports.
        cause: String,
    },
    /// It could not be sent.
    #[error("the answer could not be sent: {cause}")]
    Unsent {
        /// What the HTTP client reports, without the address.
        cause: String,
    },
    /// It was sent and not taken.
    #[error("the answer was refused with status {status}")]
    Refused {
        /// The HTTP status.
        status: u16,
    },
    /// The function panicked on the way.
    #[error("the function panicked: its log says where")]
    Panicked(Panicked),
}

impl DeliveryError {
    fn unsent(error: reqwest::Error) -> Self {
        // The address is a capability: whoever reads it in a log could answer in our place.
        Self::Unsent { cause: error.without_url().to_string() }
    }
}

impl From<DeliveryError> for Diagnostic {
    fn from(error: DeliveryError) -> Self {
        Self { error_type: "KeyPublisher.NotDelivered".to_owned(), error_message: error.to_string() }
    }
}

#[cfg(test)]
mod tests {
    use std::{
        io::{BufRead, BufReader, Read, Write},
        net::TcpListener,
        thread,
    };

    use serde_json::json;

    use super::*;

    fn reply_to(response_url: &str) -> ReplyTo {
        ReplyTo {
            response_url: ResponseUrl::parse(response_url, "eu-central-1").unwrap(),
            stack_id: "stack".to_owned(),
            request_id: "request".to_owned(),
            logical_resource_id: "TransactionKeys".to_owned(),
            physical_resource_id: None,
        }
    }

    /// Takes one request, answers it with `status`, and gives back its head (in lower case) and its body.
    fn one_request(status: &'static str) -> (String, thread::JoinHandle<(String, Vec<u8>)>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/answer?signature=secret", listener.local_addr().unwrap());
        let server = thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut reader = BufReader::new(stream.try_clone().unwrap());
            let mut head = String::new();
            while !head.ends_with("\r\n\r\n") {
                reader.read_line(&mut head).unwrap();
            }
            let head = head.to_lowercase();
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
            let mut body = vec![0; length.parse().unwrap()];
            reader.read_exact(&mut body).unwrap();
            write!(stream, "HTTP/1.1 {status}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n").unwrap();
            (head, body)
        });
        (url, server)
    }

    #[tokio::test]
    async fn the_answer_is_put_whole_and_without_a_content_type() {
        let (url, server) = one_request("200 OK");
        let reply_to = reply_to(&url);
        let answer = CustomResourceResponse::failed(&reply_to, "no such key");
        let outcome = deliver(&answer, &reply_to.response_url, &delivery_client().unwrap()).await;
        let (head, body) = server.join().unwrap();
        assert_eq!(outcome, Ok(()));
        assert!(head.starts_with("put /answer?signature=secret http/1.1\r\n"), "{head}");
        // The address is signed for a request without one.
        assert!(!head.contains("content-type"), "{head}");
        assert_eq!(
            serde_json::from_slice::<serde_json::Value>(&body).unwrap(),
            json!({
                "Status": "FAILED", "Reason": "no such key", "PhysicalResourceId": "TransactionKeys",
                "StackId": "stack", "RequestId": "request", "LogicalResourceId": "TransactionKeys",
            })
        );
    }

    #[tokio::test]
    async fn a_refused_answer_is_an_error_of_the_function() {
        let (url, server) = one_request("403 Forbidden");
        let reply_to = reply_to(&url);
        let answer = CustomResourceResponse::success(&reply_to, None);
        let outcome = deliver(&answer, &reply_to.response_url, &delivery_client().unwrap()).await;
        server.join().unwrap();
        assert_eq!(outcome, Err(DeliveryError::Refused { status: 403 }));
    }

    #[tokio::test]
    async fn an_unreachable_address_is_not_named_in_the_error() {
        let unused = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let reply_to = reply_to(&format!("http://{unused}/answer?signature=secret"));
        let error = deliver(
            &CustomResourceResponse::success(&reply_to, None),
            &reply_to.response_url,
            &delivery_client().unwrap(),
        )
        .await
        .unwrap_err();
        let shown = format!("{error} {error:?} {:?}", Diagnostic::from(error.clone()));
        assert!(shown.contains("could not be sent") && !shown.contains("secret"), "{shown}");
    }

    #[test]
    fn a_long_reason_is_cut() {
        let answer = CustomResourceResponse::failed(&reply_to("http://localhost/"), &"é".repeat(5000));
        assert_eq!(answer.reason, Some("é".repeat(1024)));
    }
}
