//! Where the stack tells the public keys of revalidation's client, and what the emulator has to be told about that route.
//!
//! The emulator takes from an OpenAPI text which routes there are and whom they ask, but not what a route without a function
//! answers: it would be `{}`. On AWS that is in the text, `ClientKeySet.Jwks`, which is the stack's output `ClientKeySet` too.

use reqwest::Method;
use serde_json::{Value, json};

use crate::aws::{Aws, list};
use crate::failure::Failure;

/// The route in template.yaml.
pub const PATH: &str = "/.well-known/jwks.json";

/// The route's address at the emulator behind `endpoint`, for a client that writes no `Host` header of its own.
pub fn address(endpoint: &str, api: &str, stage: &str) -> String {
    format!("{endpoint}/restapis/{api}/{stage}/_user_request_{PATH}")
}

/// Has the route of an API answer that JWK set.
///
/// # Errors
/// The template has no such route; the emulator is out of reach.
pub fn answer(aws: &Aws, api: &str, keys: &str) -> Result<(), Failure> {
    let resources = format!("/restapis/{api}/resources");
    let found = list(&aws.rest("apigateway", Method::GET, &resources, None)?, "item");
    let route = found.iter().find(|resource| resource.get("path").and_then(Value::as_str) == Some(PATH));
    let id = route.and_then(|route| route.get("id")?.as_str()).ok_or_else(|| {
        Failure::new(format!("the deployed API has no route `{PATH}`"), "see template.yaml, `Api`, `DefinitionBody`")
    })?;
    let answer = json!({"responseTemplates": {"application/json": keys}});
    let path = format!("{resources}/{id}/methods/GET/integration/responses/200");
    aws.rest("apigateway", Method::PUT, &path, Some(&answer)).map(|_| ())
}
