//! The compact serialization (RFC 7515 §7.1) and the order in which it is verified.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::document::Document;
use crate::excerpt::Excerpt;
use crate::identifier::KeyId;
use crate::jws::algorithm::Algorithm;
use crate::jws::error::{JwsError, Part};
use crate::jws::key_set::KeySet;
use crate::jws::members::Members;

/// Header members by which a sender would choose the key, or ask for something that this verifier does not do.
const FORBIDDEN_MEMBERS: [&str; 11] =
    ["crit", "b64", "zip", "enc", "cty", "jwk", "jku", "x5u", "x5c", "x5t", "x5t#S256"];

/// What the media type of a `typ` may begin with (RFC 7515 §4.1.9).
const APPLICATION: &str = "application/";

/// The kinds of token that a header's `typ` may name.
#[derive(Debug, Clone, Copy)]
pub(crate) struct TokenTypes {
    /// In lower case and without `application/` (RFC 7515 §4.1.9).
    pub(crate) accepted: &'static [&'static str],
    pub(crate) absent_is_accepted: bool,
    pub(crate) expected: &'static str,
}

/// What a header says, none of it proven.
#[derive(Clone)]
pub(crate) struct UntrustedHeader {
    pub(crate) algorithm: Algorithm,
    pub(crate) key_id: KeyId,
}

/// Three parts, none of them decoded.
#[derive(Clone, Copy)]
pub(crate) struct Compact<'a> {
    signing_input: &'a str,
    header: &'a str,
    payload: &'a str,
    signature: &'a str,
}

impl<'a> Compact<'a> {
    pub(crate) fn parse(token: &'a str, limit: usize) -> Result<Self, JwsError> {
        if token.len() > limit {
            return Err(JwsError::TooLong { limit, presented: token.len() });
        }
        let wrong = || JwsError::WrongPartCount { presented: token.split('.').count() };
        let (signing_input, signature) = token.rsplit_once('.').ok_or_else(wrong)?;
        let (header, payload) = signing_input.split_once('.').ok_or_else(wrong)?;
        if payload.contains('.') { Err(wrong()) } else { Ok(Self { signing_input, header, payload, signature }) }
    }

    pub(crate) fn untrusted_header(&self, types: TokenTypes) -> Result<UntrustedHeader, JwsError> {
        let header = decode(Part::Header, self.header)?;
        let members = Members::new(Part::Header, header.members());
        let name = members.text("alg")?;
        // RFC 8725 §3.1: our algorithms, never any that the token asks for.
        let algorithm =
            Algorithm::named(name).ok_or_else(|| JwsError::ForbiddenAlgorithm { presented: Excerpt::of(name) })?;
        if let Some(name) = FORBIDDEN_MEMBERS.into_iter().find(|name| members.has(name)) {
            return Err(JwsError::ForbiddenHeaderMember { name });
        }
        accept_type(&members, types)?;
        Ok(UntrustedHeader { algorithm, key_id: members.identifier("kid", KeyId::parse)? })
    }

    /// The payload, before anything proves it: only for naming a refusal that stands already.
    pub(crate) fn untrusted_payload(&self) -> Option<Document> {
        decode(Part::Payload, self.payload).ok()
    }

    /// The payload that a key of the set has signed, if this is the token's header. Nothing of it is decoded before the signature is verified.
    pub(crate) fn verified_payload(&self, keys: &KeySet, header: &UntrustedHeader) -> Result<Document, JwsError> {
        let UntrustedHeader { algorithm, key_id } = header;
        let Some(key) = keys.get(key_id) else { return Err(JwsError::UnknownKey { key_id: key_id.clone() }) };
        // RFC 8725 §3.1: each key is for exactly one algorithm.
        if key.algorithm() != *algorithm {
            return Err(JwsError::AlgorithmOfAnotherKey { expected: key.algorithm(), presented: *algorithm });
        }
        let signature = base64url(Part::Signature, self.signature)?;
        if !key.has_signed(self.signing_input.as_bytes(), &signature) {
            return Err(JwsError::BadSignature { key_id: key_id.clone() });
        }
        decode(Part::Payload, self.payload)
    }
}

fn accept_type(members: &Members<'_>, types: TokenTypes) -> Result<(), JwsError> {
    let Some(presented) = members.optional_text("typ")? else {
        let missing = JwsError::Missing { part: Part::Header, name: "typ" };
        return if types.absent_is_accepted { Ok(()) } else { Err(missing) };
    };
    let kind = match presented.split_at_checked(APPLICATION.len()) {
        Some((prefix, kind)) if prefix.eq_ignore_ascii_case(APPLICATION) => kind,
        Some(_) | None => presented,
    };
    if types.accepted.iter().any(|accepted| accepted.eq_ignore_ascii_case(kind)) {
        Ok(())
    } else {
        Err(JwsError::WrongTokenType { expected: types.expected, presented: Excerpt::of(presented) })
    }
}

fn base64url(part: Part, text: &str) -> Result<Vec<u8>, JwsError> {
    URL_SAFE_NO_PAD.decode(text).map_err(|_| JwsError::NotBase64Url { part })
}

fn decode(part: Part, text: &str) -> Result<Document, JwsError> {
    Document::object(base64url(part, text)?).map_err(|error| JwsError::MalformedJson { part, error })
}
