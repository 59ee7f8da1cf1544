//! Grant → transaction token (draft-ietf-oauth-transaction-tokens).

use std::fmt;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value, json};

use crate::decision::Grant;
use crate::identifier::{Digest, KeyId, TransactionId, TrustDomain};
use crate::transaction::binding::Binding;
use crate::transaction::signature::{DerError, fixed_from_der};
use crate::transaction::token::{TRANSACTION_TOKEN_TYPE, TransactionToken};
use crate::unix_time::UnixTime;

/// The most bytes of a minted token: it travels in every state of an execution.
pub const MAX_MINTED_BYTES: usize = 2048;

/// Why no transaction token was minted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MintError {
    /// What the workflow's requirements name does not fit into a token.
    TooLarge {
        /// The most bytes.
        limit: usize,
        /// The token's bytes.
        presented: usize,
    },
    /// A text of the statement is a signed or encrypted token: it would lie in the history of the execution.
    HoldsToken,
    /// The signer's answer is no ECDSA signature.
    MalformedSignature(DerError),
}

impl fmt::Display for MintError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLarge { limit, presented } => {
                write!(f, "transaction token: expected at most `{limit}` bytes, presented `{presented}`")
            }
            Self::HoldsToken => f.write_str("transaction token: a claim is a token itself"),
            Self::MalformedSignature(error) => write!(f, "transaction token: {error}"),
        }
    }
}

impl std::error::Error for MintError {}

impl MintError {
    /// A fixed name of the cause, for audit lines and metrics.
    pub fn code(&self) -> &'static str {
        match self {
            Self::TooLarge { .. } => "transaction_token_too_large",
            Self::HoldsToken => "transaction_token_holds_token",
            Self::MalformedSignature(_) => "malformed_signature",
        }
    }
}

/// Who mints, for whom, and for how long.
#[derive(Debug, Clone)]
pub struct Minting {
    /// The `aud`: one deployed stack.
    pub trust_domain: TrustDomain,
    /// The key that will sign.
    pub key_id: KeyId,
    /// The `txn`.
    pub transaction: TransactionId,
    /// From `iat` to `exp`.
    pub lifetime: Duration,
    /// The clock.
    pub now: UnixTime,
}

/// A transaction token that lacks only its signature.
#[derive(Debug)]
pub struct UnsignedTransactionToken {
    signing_input: String,
    holds_token: bool,
}

impl UnsignedTransactionToken {
    /// States who started an execution and what they may do in it.
    ///
    /// Only a [`Grant`] says so; it holds the roles and claims that the workflow's requirements name, and no more.
    pub fn at_start(grant: &Grant, binding: &Binding, input_digest: &Digest, minting: &Minting) -> Self {
        let header = json!({ "typ": TRANSACTION_TOKEN_TYPE, "alg": "ES256", "kid": minting.key_id.as_str() });
        let roles: Vec<String> = grant.roles().iter().map(ToString::to_string).collect();
        let payload = json!({
            "iat": minting.now.seconds(),
            "exp": minting.now.plus(minting.lifetime).seconds(),
            "aud": minting.trust_domain.as_str(),
            "txn": minting.transaction.as_str(),
            "sub": grant.subject().as_str(),
            "scope": binding.workflow.as_str(),
            "req_wl": grant.client().as_str(),
            "rctx": requester(grant),
            "tctx": {
                "execution": binding.execution.as_str(),
                "state_machine": binding.execution.state_machine().as_str(),
                "epoch": 0,
                "redrive": binding.redrive_count,
                "input": input_digest.as_str(),
                "roles": roles,
                "claims": grant.claims().members(),
            },
        });
        let encoded = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        Self {
            signing_input: format!("{}.{}", encoded(&header), encoded(&payload)),
            holds_token: holds_token(&payload),
        }
    }

    /// The bytes to sign with ES256: SHA-256, then ECDSA on P-256.
    pub fn signing_input(&self) -> &[u8] {
        self.signing_input.as_bytes()
    }

    /// Adds the signature, which KMS writes in DER (RFC 3279 §2.2.3) and JWS as `r‖s` (RFC 7518 §3.4).
    ///
    /// # Errors
    /// [`MintError`] if a claim is a token itself, the signature is no DER of two integers of at most 32 bytes, or the
    /// token is over 2 KB.
    pub fn seal(self, der: &[u8]) -> Result<TransactionToken, MintError> {
        if self.holds_token {
            return Err(MintError::HoldsToken);
        }
        let signature = fixed_from_der(der).map_err(MintError::MalformedSignature)?;
        let text = format!("{}.{}", self.signing_input, URL_SAFE_NO_PAD.encode(signature));
        if text.len() > MAX_MINTED_BYTES {
            return Err(MintError::TooLarge { limit: MAX_MINTED_BYTES, presented: text.len() });
        }
        Ok(TransactionToken::assertion(text))
    }
}

/// Whether a text anywhere in the value holds a word that is a JWS or JWE: three or five parts, the first a JOSE header.
fn holds_token(value: &Value) -> bool {
    let is_token = |word: &str| {
        let header = word.split('.').next().unwrap_or_default();
        let decoded = URL_SAFE_NO_PAD.decode(header).unwrap_or_default();
        matches!(word.split('.').count(), 3 | 5) && crate::json::object(&decoded).is_ok()
    };
    match value {
        Value::String(text) => text.split_whitespace().any(is_token),
        Value::Array(items) => items.iter().any(holds_token),
        Value::Object(members) => members.values().any(holds_token),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

fn requester(grant: &Grant) -> Value {
    let mut requester = Map::new();
    requester.insert("iss".to_owned(), json!(grant.issuer().as_str()));
    requester.insert("jti".to_owned(), json!(grant.token_id().as_str()));
    if let Some(session) = grant.session_id() {
        requester.insert("sid".to_owned(), json!(session.as_str()));
    }
    Value::Object(requester)
}
