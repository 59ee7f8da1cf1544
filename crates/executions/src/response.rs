//! What API Gateway hears.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::settings::CorsOrigin;

/// What a script of another origin may read of an answer, beside what every one may (CORS).
const EXPOSED: &str = "Idempotency-Replayed, Location, Retry-After";

/// The answer in the shape of a Lambda proxy integration. No cache may keep it: it is for one caller.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Response {
    status_code: u16,
    headers: BTreeMap<&'static str, String>,
    body: String,
    is_base64_encoded: bool,
}

impl Response {
    pub(crate) fn new(status_code: u16, content_type: &str, body: String) -> Self {
        Self::empty(status_code).with("Content-Type", content_type).with_body(body)
    }

    pub(crate) fn empty(status_code: u16) -> Self {
        let (headers, body) = (BTreeMap::new(), String::new());
        Self { status_code, headers, body, is_base64_encoded: false }
            .with("Cache-Control", "no-store")
            .with("Strict-Transport-Security", "max-age=31536000")
            .with("X-Content-Type-Options", "nosniff")
    }

    #[must_use]
    pub(crate) fn with(mut self, name: &'static str, value: &str) -> Self {
        self.headers.insert(name, value.to_owned());
        self
    }

    #[must_use]
    pub(crate) fn for_origin(self, origin: Option<&CorsOrigin>) -> Self {
        match origin {
            Some(origin) => {
                self.with("Access-Control-Allow-Origin", origin.as_str()).with("Access-Control-Expose-Headers", EXPOSED)
            }
            None => self,
        }
    }

    fn with_body(mut self, body: String) -> Self {
        self.body = body;
        self
    }
}
