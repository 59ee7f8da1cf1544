//! The compact serialization (RFC 7515 §7.1) and the order in which it is verified.

use memchr::memchr_iter;

use crate::excerpt::Excerpt;
use crate::identifier::KeyId;
use crate::json::Members;
use crate::json::Part;
use crate::json::{Document, MemberError};
use crate::jws::algorithm::Algorithm;
use crate::jws::base64url;
use crate::jws::error::JwsError;
use crate::jws::key_set::KeySet;

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

/// Where a text's two dots are, so that it is cut into its parts once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Dots {
    first: usize,
    second: usize,
}

impl Dots {
    pub(crate) fn of(token: &str, limit: usize) -> Result<Self, JwsError> {
        if token.len() > limit {
            return Err(JwsError::TooLong { limit, presented: token.len() });
        }
        let mut dots = memchr_iter(b'.', token.as_bytes());
        match (dots.next(), dots.next(), dots.next()) {
            (Some(first), Some(second), None) => Ok(Self { first, second }),
            _ => Err(JwsError::WrongPartCount { presented: token.split('.').count() }),
        }
    }
}

/// Three parts, none of them decoded.
#[derive(Clone, Copy)]
pub(crate) struct Compact<'a> {
    text: &'a str,
    dots: Dots,
}

impl<'a> Compact<'a> {
    pub(crate) fn parse(token: &'a str, limit: usize) -> Result<Self, JwsError> {
        Ok(Self::at(token, Dots::of(token, limit)?))
    }

    /// The text, whose dots are known.
    pub(crate) fn at(text: &'a str, dots: Dots) -> Self {
        Self { text, dots }
    }

    fn header(&self) -> &'a str {
        self.text.get(..self.dots.first).unwrap_or_default()
    }

    fn payload(&self) -> &'a str {
        self.text.get(self.dots.first + 1..self.dots.second).unwrap_or_default()
    }

    fn signing_input(&self) -> &'a str {
        self.text.get(..self.dots.second).unwrap_or_default()
    }

    pub(crate) fn signature(&self) -> &'a str {
        self.text.get(self.dots.second + 1..).unwrap_or_default()
    }

    pub(crate) fn untrusted_header(&self, types: TokenTypes) -> Result<UntrustedHeader, JwsError> {
        let header = decode(Part::Header, self.header())?;
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
        decode(Part::Payload, self.payload()).ok()
    }

    /// The payload that a key of the set has signed, if this is the token's header. Nothing of it is decoded before the signature is verified.
    pub(crate) fn verified_payload(&self, keys: &KeySet, header: &UntrustedHeader) -> Result<Document, JwsError> {
        let UntrustedHeader { algorithm, key_id } = header;
        let Some(key) = keys.get(key_id) else { return Err(JwsError::UnknownKey { key_id: key_id.clone() }) };
        // RFC 8725 §3.1: each key is for exactly one algorithm.
        if key.algorithm() != *algorithm {
            return Err(JwsError::AlgorithmOfAnotherKey { expected: key.algorithm(), presented: *algorithm });
        }
        let signature = decode_bytes(Part::Signature, self.signature())?;
        if !key.has_signed(self.signing_input().as_bytes(), &signature) {
            return Err(JwsError::BadSignature { key_id: key_id.clone() });
        }
        decode(Part::Payload, self.payload())
    }
}

fn accept_type(members: &Members<'_>, types: TokenTypes) -> Result<(), JwsError> {
    let Some(presented) = members.optional_text("typ")? else {
        let missing = JwsError::Member(MemberError::Missing { part: Part::Header, name: "typ" });
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

fn decode_bytes(part: Part, text: &str) -> Result<Vec<u8>, JwsError> {
    base64url::decode(text).ok_or(JwsError::NotBase64Url { part })
}

fn decode(part: Part, text: &str) -> Result<Document, JwsError> {
    Document::object(decode_bytes(part, text)?).map_err(|error| JwsError::MalformedJson { part, error })
}
