//! Identities for tests of deciding. Tests of verifying forge keys and go through the verifier instead.

use serde_json::{Map, Value};

use crate::claims::{ClaimTree, Identity, Role};
use crate::identifier::{ClientId, Issuer, Scope, SessionId, Subject, TokenId};
use crate::json::Document;
use crate::unix_time::UnixTime;

/// The JSON object that `value` is.
pub(crate) fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(members) => members,
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
            panic!("{value} is no object")
        }
    }
}

/// A subject of a realm with these roles and claims.
pub(crate) fn identity(roles: &[&str], claims: Value) -> Identity {
    Identity {
        issuer: Issuer::parse("https://id.example/realms/workflows").expect("an issuer"),
        subject: Subject::parse("alice").expect("a subject"),
        client: ClientId::parse("payment-app").expect("a client"),
        actor: None,
        token_id: TokenId::parse("onrtac:1").expect("a token id"),
        session_id: Some(SessionId::parse("session-1").expect("a session")),
        scope: claims.get("scope").and_then(Value::as_str).and_then(|scope| Scope::parse(scope).ok()),
        transaction: None,
        issued_at: UnixTime::from_seconds(1_000).expect("a time"),
        expires_at: UnixTime::from_seconds(1_300).expect("a time"),
        verified_at: UnixTime::from_seconds(1_100).expect("a time"),
        roles: roles.iter().map(|role| Role::parse(role).expect("a role")).collect(),
        claims: ClaimTree::assertion(Document::object(claims.to_string().into_bytes()).expect("an object")),
        authentication: None,
    }
}
