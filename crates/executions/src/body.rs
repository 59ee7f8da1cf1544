//! The request's body → input of an execution.
//!
//! Whatever is accepted here can be started with, described, stopped, asked for again and shown to a guard.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use claim_guard::identifier::Digest;
use claim_guard::strict_json_object;
use serde_json::{Map, Value};

use crate::leak::holds_transaction_token;
use crate::problem::Problem;
use crate::request::Request;

/// The payload budget: Step Functions takes 256 KiB of input; 16 KiB are for the transaction token and what a workflow
/// adds on its way.
pub const MAX_BODY_BYTES: usize = 240 * 1024;

/// The most levels of objects and lists in a body. A guard reads 128, and a workflow puts its own around what it was started with.
pub const MAX_BODY_DEPTH: usize = 64;

/// One JSON object with unique members at every depth, within the payload budget.
pub(crate) struct Body {
    members: Map<String, Value>,
    digest: Digest,
}

impl Body {
    /// Reads the body of a request: first its size, then its type, its depth, its content.
    ///
    /// # Errors
    /// [`Problem::BodyTooLarge`], [`Problem::NotJson`], [`Problem::BodyTooDeep`], [`Problem::MalformedBody`] or
    /// [`Problem::TokenInBody`], in this order.
    pub(crate) fn read(request: &Request) -> Result<Self, Problem> {
        let text = request.body.as_deref().unwrap_or_default();
        let most = if request.body_is_base64 { MAX_BODY_BYTES.div_ceil(3) * 4 } else { MAX_BODY_BYTES };
        within(text.len(), most)?;
        let decoded = if request.body_is_base64 { STANDARD.decode(text).ok() } else { Some(text.as_bytes().to_vec()) };
        let bytes = decoded.ok_or(Problem::BodyNotBase64)?;
        within(bytes.len(), MAX_BODY_BYTES)?;
        json_is_announced(&request.content_type)?;
        if depth(&bytes) > MAX_BODY_DEPTH {
            return Err(Problem::BodyTooDeep { most: MAX_BODY_DEPTH });
        }
        let members = strict_json_object(&bytes).map_err(Problem::MalformedBody)?;
        // What enters the execution is this text: the one that was decided on, and not the caller's own spelling.
        let canonical = Value::Object(members.clone()).to_string();
        // It can be longer: `1e9` is written back as `1000000000.0`.
        within(canonical.len(), MAX_BODY_BYTES)?;
        // A workflow may answer with what it was started with, and no answer may hold a token.
        if holds_transaction_token(&canonical) {
            return Err(Problem::TokenInBody);
        }
        Ok(Self { members, digest: Digest::of(canonical.as_bytes()) })
    }

    /// What the start is decided on.
    pub(crate) fn members(&self) -> &Map<String, Value> {
        &self.members
    }

    /// The SHA-256 of the object with its members sorted and no white space: bodies that say the same have the same.
    pub(crate) fn digest(&self) -> &Digest {
        &self.digest
    }

    pub(crate) fn into_members(self) -> Map<String, Value> {
        self.members
    }
}

fn within(presented: usize, most: usize) -> Result<(), Problem> {
    if presented > most { Err(Problem::BodyTooLarge { most: MAX_BODY_BYTES }) } else { Ok(()) }
}

/// How deep objects and lists stand in each other, in text that is not read yet: reading it would need a level of the stack for
/// each of them.
fn depth(text: &[u8]) -> usize {
    let (mut level, mut deepest, mut in_string, mut escaped) = (0_usize, 0, false, false);
    for byte in text {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            b'{' | b'[' if !in_string => level = level.saturating_add(1),
            b'}' | b']' if !in_string => level = level.saturating_sub(1),
            _ => {}
        }
        deepest = deepest.max(level);
    }
    deepest
}

/// RFC 9110 §8.3.1: type and subtype are compared without case, parameters stand behind `;`.
fn json_is_announced(values: &[String]) -> Result<(), Problem> {
    let [value] = values else { return Err(Problem::NotJson) };
    let media_type = value.split(';').next().unwrap_or_default().trim_matches([' ', '\t']);
    if media_type.eq_ignore_ascii_case("application/json") { Ok(()) } else { Err(Problem::NotJson) }
}
