//! Why a compact JWS proves nothing, whatever it was meant to state.

use std::fmt;

use crate::excerpt::Excerpt;
use crate::identifier::KeyId;
use crate::json::{JsonError, MemberError, Part};
use crate::jws::algorithm::Algorithm;

/// The causes, in the order they are looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum JwsError {
    /// Longer than is read at all.
    TooLong {
        /// The most bytes that are read.
        limit: usize,
        /// The bytes presented.
        presented: usize,
    },
    /// Not three parts between two dots (RFC 7515 §7.1).
    WrongPartCount {
        /// The parts presented.
        presented: usize,
    },
    /// A part is not canonical base64url without padding (RFC 7515 §2).
    NotBase64Url {
        /// Which part.
        part: Part,
    },
    /// A part is not one strict JSON object.
    MalformedJson {
        /// Which part.
        part: Part,
        /// What is wrong with it.
        error: JsonError,
    },
    /// A member is not what its specification says.
    Member(MemberError),
    /// The header's `alg` is not in the allow-list (RFC 8725 §3.1).
    ForbiddenAlgorithm {
        /// What the header asks for.
        presented: Excerpt,
    },
    /// The header holds a member that this verifier does not accept: a critical extension (RFC 7515 §4.1.11), a key or a
    /// key's address of the sender's own choice (RFC 8725 §3.10), compression, encryption or nesting.
    ForbiddenHeaderMember {
        /// The member's name.
        name: &'static str,
    },
    /// The header's `typ` is of another kind of token (RFC 8725 §3.11).
    WrongTokenType {
        /// The kinds that are accepted.
        expected: &'static str,
        /// The kind presented.
        presented: Excerpt,
    },
    /// The key set holds no key of that name.
    UnknownKey {
        /// The `kid` presented.
        key_id: KeyId,
    },
    /// The key is for another algorithm than the header's (RFC 8725 §3.1: one key, one algorithm).
    AlgorithmOfAnotherKey {
        /// The key's algorithm.
        expected: Algorithm,
        /// The header's algorithm.
        presented: Algorithm,
    },
    /// The signature is not this key's over this header and payload.
    BadSignature {
        /// The key that was asked for.
        key_id: KeyId,
    },
}

impl JwsError {
    /// A fixed name of the cause, for audit lines and metrics.
    pub fn code(&self) -> &'static str {
        match self {
            Self::TooLong { .. } => "too_long",
            Self::WrongPartCount { .. } => "wrong_part_count",
            Self::NotBase64Url { .. } => "not_base64url",
            Self::MalformedJson { .. } => "malformed_json",
            Self::Member(error) => error.code(),
            Self::ForbiddenAlgorithm { .. } => "forbidden_algorithm",
            Self::ForbiddenHeaderMember { .. } => "forbidden_header_member",
            Self::WrongTokenType { .. } => "wrong_token_type",
            Self::UnknownKey { .. } => "unknown_key",
            Self::AlgorithmOfAnotherKey { .. } => "algorithm_of_another_key",
            Self::BadSignature { .. } => "bad_signature",
        }
    }
}

impl fmt::Display for JwsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLong { limit, presented } => {
                write!(f, "expected at most `{limit}` bytes, presented `{presented}`")
            }
            Self::WrongPartCount { presented } => write!(f, "expected `3` parts, presented `{presented}`"),
            Self::NotBase64Url { part } => write!(f, "{part} is not canonical base64url"),
            Self::MalformedJson { part, error } => write!(f, "{part}: {error}"),
            Self::Member(error) => error.fmt(f),
            Self::ForbiddenAlgorithm { presented } => write!(f, "forbidden algorithm `{presented}`"),
            Self::ForbiddenHeaderMember { name } => write!(f, "forbidden header member `{name}`"),
            Self::WrongTokenType { expected, presented } => {
                write!(f, "header `typ`: expected `{expected}`, presented `{presented}`")
            }
            Self::UnknownKey { key_id } => write!(f, "unknown key `{}`", Excerpt::of(key_id.as_str())),
            Self::AlgorithmOfAnotherKey { expected, presented } => {
                write!(f, "key is for `{expected}`, header asks for `{presented}`")
            }
            Self::BadSignature { key_id } => {
                write!(f, "signature is not by key `{}`", Excerpt::of(key_id.as_str()))
            }
        }
    }
}

impl std::error::Error for JwsError {}

impl From<MemberError> for JwsError {
    fn from(error: MemberError) -> Self {
        Self::Member(error)
    }
}
