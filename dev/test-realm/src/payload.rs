//! Payloads as a real Keycloak 26.7 writes them.

use serde_json::{Value, json};

use crate::{AUDIENCE, CLIENT, ISSUER, SUBJECT};

/// The payload of an access token of 300 seconds that holds every role and flag of the sample workflow.
pub fn access_token_payload(issued_at: i64) -> Value {
    json!({
        "exp": issued_at + 300,
        "iat": issued_at,
        "jti": "onrtro:3c0f6a52-1c1e-4c39-9f52-0d8f6a1b2c3d",
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": SUBJECT,
        "typ": "Bearer",
        "azp": CLIENT,
        "sid": "kZ0VtqGmXJt0tBoQb1x2y3z4",
        "acr": "1",
        "realm_access": { "roles": ["default-roles-workflows"] },
        "resource_access": {
            "workflow-api": { "roles": ["payment:start", "payment:screen", "payment:approve", "payment:execute"] }
        },
        "scope": "openid",
        "project_id": "apollo",
        "compliance": { "kyc": true, "aml": true, "kyc_level": 3, "regions": ["eu", "uk"] }
    })
}

/// The same JSON with the value at a pointer (RFC 6901) replaced or, for a member of an object, added.
pub fn with(mut json: Value, pointer: &str, value: Value) -> Value {
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    let name = name.replace("~1", "/").replace("~0", "~");
    match json.pointer_mut(parent) {
        Some(Value::Object(members)) => members.insert(name, value),
        Some(Value::Array(items)) => {
            items.get_mut(name.parse::<usize>().unwrap()).map(|item| std::mem::replace(item, value))
        }
        _ => panic!("nothing at `{parent}`"),
    };
    json
}

/// The same JSON without the member at a pointer (RFC 6901).
pub fn without(mut json: Value, pointer: &str) -> Value {
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    let removed = json.pointer_mut(parent).and_then(Value::as_object_mut).and_then(|members| members.remove(name));
    if removed.is_none() {
        panic!("nothing at `{pointer}`");
    }
    json
}
