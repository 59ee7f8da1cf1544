//! What API Gateway hears.

use aws_lambda_events::apigw::ApiGatewayProxyResponse;
use aws_lambda_events::encodings::Body;
use http::header::{
    ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS, CACHE_CONTROL, CONTENT_TYPE, HeaderName, HeaderValue,
    LOCATION, RETRY_AFTER, STRICT_TRANSPORT_SECURITY, X_CONTENT_TYPE_OPTIONS,
};
use serde::Serialize;

use crate::settings::CorsOrigin;

/// What a script of another origin may read of an answer, beside what every one may (CORS).
const EXPOSED: &str = "Idempotency-Replayed, Location, Retry-After";

/// The answer of a Lambda proxy integration. No cache may keep it: it is for one caller.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Response(ApiGatewayProxyResponse);

impl Response {
    pub(crate) fn new(status_code: u16, content_type: &'static str, body: String) -> Self {
        Self::of(status_code, body).with(CONTENT_TYPE, HeaderValue::from_static(content_type))
    }

    pub(crate) fn empty(status_code: u16) -> Self {
        Self::of(status_code, String::new())
    }

    fn of(status_code: u16, body: String) -> Self {
        // The type is not exhaustive: it is begun with nothing in it.
        let mut response = ApiGatewayProxyResponse::default();
        response.status_code = i64::from(status_code);
        response.body = Some(Body::Text(body));
        Self(response)
            .with(CACHE_CONTROL, HeaderValue::from_static("no-store"))
            .with(STRICT_TRANSPORT_SECURITY, HeaderValue::from_static("max-age=31536000"))
            .with(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"))
    }

    /// The address of what was made (RFC 9110 §10.2.2). One that no header can hold is left out.
    #[must_use]
    pub(crate) fn at(self, location: &str) -> Self {
        match HeaderValue::from_str(location) {
            Ok(location) => self.with(LOCATION, location),
            Err(_) => self,
        }
    }

    /// The answer to an earlier request, once more.
    #[must_use]
    pub(crate) fn replayed(self) -> Self {
        self.with(HeaderName::from_static("idempotency-replayed"), HeaderValue::from_static("true"))
    }

    /// Another try may do after so many seconds (RFC 9110 §10.2.3).
    #[must_use]
    pub(crate) fn retry_after(self, seconds: i64) -> Self {
        self.with(RETRY_AFTER, HeaderValue::from(seconds))
    }

    fn with(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.0.headers.insert(name, value);
        self
    }

    #[must_use]
    pub(crate) fn for_origin(self, origin: Option<&CorsOrigin>) -> Self {
        match origin {
            Some(origin) => self
                .with(ACCESS_CONTROL_ALLOW_ORIGIN, origin.header_value().clone())
                .with(ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static(EXPOSED)),
            None => self,
        }
    }
}
