//! Grant → transaction token (draft-ietf-oauth-transaction-tokens).

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value, json};

use crate::claims::Identity;
use crate::decision::Grant;
use crate::identifier::{Digest, KeyId, TransactionId, TrustDomain};
use crate::jws::{DerError, fixed_from_der};
use crate::revalidation::RenewedStatement;
use crate::transaction::{Binding, CarryError, Renewed, Run, TRANSACTION_TOKEN_TYPE, TransactionToken};
use crate::unix_time::UnixTime;

/// The most bytes of an execution's first token: it travels in every state.
pub const MAX_MINTED_BYTES: usize = 2048;

/// The most bytes of a later one. It says more than the first: for which state it was made, and how often; and a child's execution
/// has a longer ARN. So whatever fits at the start fits after each renewal that finds nothing changed.
pub const MAX_RENEWED_BYTES: usize = MAX_MINTED_BYTES + 640;

/// A period, and the base64url of 64 bytes.
const SIGNATURE_BYTES: usize = 1 + 86;

/// Why no transaction token was minted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MintError {
    /// No execution could carry it.
    #[error("{0}")]
    NotCarried(CarryError),
    /// The signer's answer is no ECDSA signature.
    #[error("transaction token: {0}")]
    MalformedSignature(DerError),
}

impl From<CarryError> for MintError {
    fn from(error: CarryError) -> Self {
        Self::NotCarried(error)
    }
}

impl MintError {
    /// A fixed name of the cause, for audit lines and metrics.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotCarried(error) => error.code(),
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
    limit: usize,
}

impl UnsignedTransactionToken {
    /// States who started an execution and what they may do in it.
    ///
    /// Only a [`Grant`] says so; it holds the roles and claims that the workflow's requirements name, and no more.
    pub fn at_start(grant: &Grant, binding: &Binding, input_digest: &Digest, minting: &Minting) -> Self {
        let run = Run { started_at: minting.now, access_token_issued_at: grant.issued_at() };
        Statement {
            identity: grant.identity(),
            transaction: &minting.transaction,
            binding,
            run: &run,
            epoch: 0,
            renewed: None,
            input_digest,
            now: minting.now,
            lifetime: minting.lifetime,
        }
        .unsigned(&minting.trust_domain, &minting.key_id)
    }

    /// States what the realm says now of whoever started an execution.
    ///
    /// Off-spec: the draft (§ on lifetime) wants no transaction token to replace an expired one. This is a statement of
    /// its own, on the realm's live answer; it keeps `txn` and `sub`.
    pub fn renewed(statement: &RenewedStatement, trust_domain: &TrustDomain, key_id: &KeyId) -> Self {
        Statement {
            identity: &statement.identity,
            transaction: &statement.transaction,
            binding: &statement.binding,
            run: &statement.run,
            epoch: statement.epoch,
            renewed: statement.renewed.as_ref(),
            input_digest: &statement.input_digest,
            now: statement.identity.issued_at(),
            lifetime: statement.lifetime,
        }
        .unsigned(trust_domain, key_id)
    }

    /// Whether an execution can carry it once it is signed. To be asked before: nobody need sign what is not sealed.
    ///
    /// # Errors
    /// [`CarryError`] if a claim is a token itself, or the token would be too large.
    pub fn carriable(&self) -> Result<(), CarryError> {
        let presented = self.signing_input.len() + SIGNATURE_BYTES;
        if self.holds_token {
            Err(CarryError::HoldsToken)
        } else if presented > self.limit {
            Err(CarryError::TooLarge { limit: self.limit, presented })
        } else {
            Ok(())
        }
    }

    /// The bytes to sign with ES256: SHA-256, then ECDSA on P-256.
    pub fn signing_input(&self) -> &[u8] {
        self.signing_input.as_bytes()
    }

    /// Adds the signature, which KMS writes in DER (RFC 3279 §2.2.3) and JWS as `r‖s` (RFC 7518 §3.4).
    ///
    /// # Errors
    /// [`MintError`] if it is not [carriable](Self::carriable), or the signature is no DER of two integers of at most 32 bytes.
    pub fn seal(self, der: &[u8]) -> Result<TransactionToken, MintError> {
        self.carriable()?;
        let signature = fixed_from_der(der).map_err(MintError::MalformedSignature)?;
        let text = format!("{}.{}", self.signing_input, URL_SAFE_NO_PAD.encode(signature));
        Ok(TransactionToken::assertion(text))
    }
}

/// Everything that a token states.
struct Statement<'a> {
    identity: &'a Identity,
    transaction: &'a TransactionId,
    binding: &'a Binding,
    run: &'a Run,
    epoch: u32,
    renewed: Option<&'a Renewed>,
    input_digest: &'a Digest,
    now: UnixTime,
    lifetime: Duration,
}

impl Statement<'_> {
    fn unsigned(&self, trust_domain: &TrustDomain, key_id: &KeyId) -> UnsignedTransactionToken {
        let header = json!({ "typ": TRANSACTION_TOKEN_TYPE, "alg": "ES256", "kid": key_id.as_str() });
        let payload = json!({
            "iat": self.now.seconds(),
            "exp": self.now.plus(self.lifetime).seconds(),
            "aud": trust_domain.as_str(),
            "txn": self.transaction.as_str(),
            "sub": self.identity.subject().as_str(),
            "scope": self.binding.workflow.as_str(),
            "req_wl": self.identity.client().as_str(),
            "rctx": self.requester(),
            "tctx": self.context(),
        });
        let encoded = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        UnsignedTransactionToken {
            signing_input: format!("{}.{}", encoded(&header), encoded(&payload)),
            holds_token: holds_token(&payload),
            limit: if self.epoch == 0 { MAX_MINTED_BYTES } else { MAX_RENEWED_BYTES },
        }
    }

    /// By which access token and which log-in the subject came, and who acted in his place.
    fn requester(&self) -> Value {
        let mut requester = Map::new();
        requester.insert("iss".to_owned(), json!(self.identity.issuer().as_str()));
        requester.insert("jti".to_owned(), json!(self.identity.token_id().as_str()));
        requester.insert("iat".to_owned(), json!(self.run.access_token_issued_at.seconds()));
        if let Some(session) = self.identity.session_id() {
            requester.insert("sid".to_owned(), json!(session.as_str()));
        }
        if let Some(scope) = self.identity.scope() {
            requester.insert("scope".to_owned(), json!(scope.as_str()));
        }
        if let Some(actor) = self.identity.actor() {
            requester.insert("act".to_owned(), actor.to_value());
        }
        if let Some(authentication) = self.identity.authentication().filter(|claims| !claims.is_empty()) {
            requester.insert("authentication".to_owned(), Value::Object(authentication.to_map()));
        }
        Value::Object(requester)
    }

    /// In which execution the subject may do what.
    fn context(&self) -> Value {
        let roles: Vec<String> = self.identity.roles().iter().map(ToString::to_string).collect();
        let mut context = Map::new();
        context.insert("execution".to_owned(), json!(self.binding.execution.as_str()));
        context.insert("state_machine".to_owned(), json!(self.binding.execution.state_machine().as_str()));
        context.insert("started".to_owned(), json!(self.run.started_at.seconds()));
        context.insert("epoch".to_owned(), json!(self.epoch));
        if let Some(Renewed { state, rounds }) = self.renewed {
            context.insert("renewed".to_owned(), json!({ "state": state.as_str(), "rounds": rounds }));
        }
        context.insert("redrive".to_owned(), json!(self.binding.redrive_count));
        context.insert("input".to_owned(), json!(self.input_digest.as_str()));
        context.insert("roles".to_owned(), json!(roles));
        context.insert("claims".to_owned(), Value::Object(self.identity.claims().to_map()));
        Value::Object(context)
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
