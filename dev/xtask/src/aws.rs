//! Signed calls to the emulator's AWS APIs, in the three protocols that the lab needs.

use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;
use reqwest::Method;
use reqwest::blocking::Client;
use serde_json::{Value, json};

use crate::failure::{Failure, OrFailure};

/// The region that everything of the lab stands in.
pub const REGION: &str = "us-east-1";
/// The emulator takes this access key for the account's root user; Lambdas get credentials of their own roles.
pub const ACCESS_KEY: &str = "test";

const REMEDY: &str = "see the emulator's log in the lab's directory (`cargo xtask lab status` names it)";

/// An HTTP client for the loopback interface: no proxy, no waiting for ever.
///
/// # Errors
/// The client cannot be set up.
pub fn loopback_client() -> Result<Client, Failure> {
    Client::builder()
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .timeout(Duration::from_secs(60))
        .build()
        .or_failure("set up HTTP", "run the command again")
}

/// The lab's AWS account, called as its administrator.
#[derive(Debug, Clone)]
pub struct Aws {
    client: Client,
    endpoint: String,
    credentials: Credentials,
}

impl Aws {
    /// The account behind `endpoint`, whose root user has `secret`.
    ///
    /// # Errors
    /// The client cannot be set up.
    pub fn new(endpoint: String, secret: &str) -> Result<Aws, Failure> {
        Ok(Aws { client: loopback_client()?, endpoint, credentials: Credentials::from_keys(ACCESS_KEY, secret, None) })
    }

    /// An operation of a JSON service, such as `states` with the target `AWSStepFunctions.DescribeExecution`.
    ///
    /// # Errors
    /// The emulator is out of reach or answers with an error.
    pub fn json(&self, service: &str, target: &str, body: &Value) -> Result<Value, Failure> {
        let headers = [("content-type", "application/x-amz-json-1.1"), ("x-amz-target", target)];
        let text = self.send(service, Method::POST, "/", &headers, body.to_string())?;
        parse(&text, target)
    }

    /// An operation of a service that speaks REST with JSON, such as `lambda`.
    ///
    /// # Errors
    /// The emulator is out of reach or answers with an error.
    pub fn rest(&self, service: &str, method: Method, path: &str, body: Option<&Value>) -> Result<Value, Failure> {
        let headers = [("content-type", "application/json")];
        let body = body.map(Value::to_string).unwrap_or_default();
        let text = self.send(service, method, path, &headers, body)?;
        if text.trim().is_empty() {
            return Ok(Value::Null);
        }
        parse(&text, path)
    }

    /// An operation of a service that speaks forms and answers XML, such as `cloudformation`.
    ///
    /// # Errors
    /// The emulator is out of reach or answers with an error.
    pub fn query(&self, service: &str, form: &str) -> Result<String, Failure> {
        let headers = [("content-type", "application/x-www-form-urlencoded")];
        self.send(service, Method::POST, "/", &headers, form.to_owned())
    }

    /// Makes an S3 bucket.
    ///
    /// # Errors
    /// The emulator is out of reach or refuses.
    pub fn create_bucket(&self, name: &str) -> Result<(), Failure> {
        self.send("s3", Method::PUT, &format!("/{name}"), &[], String::new()).map(|_| ())
    }

    /// Every event of a log group, all of its streams merged by time.
    ///
    /// # Errors
    /// The emulator is out of reach.
    pub fn log_events(&self, group: &str) -> Result<Vec<Value>, Failure> {
        let body = json!({"logGroupName": group});
        let answer = self.json("logs", "Logs_20140328.FilterLogEvents", &body)?;
        Ok(list(&answer, "events"))
    }

    /// The names of all log groups.
    ///
    /// # Errors
    /// The emulator is out of reach.
    pub fn log_groups(&self) -> Result<Vec<String>, Failure> {
        let answer = self.json("logs", "Logs_20140328.DescribeLogGroups", &json!({}))?;
        let groups = list(&answer, "logGroups");
        let names = groups.iter().filter_map(|group| group.get("logGroupName")?.as_str());
        Ok(names.map(str::to_owned).collect())
    }

    fn send(
        &self,
        service: &str,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: String,
    ) -> Result<String, Failure> {
        let activity = format!("the emulator's {service}, {method} {path}");
        let url = format!("{}{path}", self.endpoint);
        let signed = self
            .sign(service, &method, &url, headers, body.as_bytes())
            .map_err(|error| Failure::new(format!("{activity}: {error}"), REMEDY))?;
        let mut request = self.client.request(method, &url).body(body);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        for (name, value) in signed {
            request = request.header(name, value);
        }
        let answer = request.send().or_failure(&activity, REMEDY)?;
        let status = answer.status();
        let text = answer.text().or_failure(&activity, REMEDY)?;
        if status.is_success() {
            return Ok(text);
        }
        Err(Failure::new(format!("{activity}: {status} {text}"), REMEDY))
    }

    /// The headers that AWS's Signature Version 4 adds.
    fn sign(
        &self,
        service: &str,
        method: &Method,
        url: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Result<Vec<(String, String)>, Box<dyn std::error::Error + Send + Sync>> {
        let identity = self.credentials.clone().into();
        let parameters = v4::SigningParams::builder()
            .identity(&identity)
            .region(REGION)
            .name(service)
            .time(SystemTime::now())
            .settings(SigningSettings::default())
            .build()?
            .into();
        let request = SignableRequest::new(method.as_str(), url, headers.iter().copied(), SignableBody::Bytes(body))?;
        let (instructions, _) = sign(request, &parameters)?.into_parts();
        let (headers, _) = instructions.into_parts();
        Ok(headers.into_iter().map(|header| (header.name().to_owned(), header.value().to_owned())).collect())
    }
}

fn parse(text: &str, activity: &str) -> Result<Value, Failure> {
    serde_json::from_str(text).or_failure(format!("read the answer to {activity}"), REMEDY)
}

/// The array at `name`, empty when there is none.
pub fn list(value: &Value, name: &str) -> Vec<Value> {
    value.get(name).and_then(Value::as_array).cloned().unwrap_or_default()
}
