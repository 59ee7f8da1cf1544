//! One public key of a JWK set (RFC 7517), vetted when it is imported.

use std::fmt;

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, EcdsaVerificationAlgorithm, ParsedPublicKey,
};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::DecodingKey;
use serde_json::{Map, Value};

use crate::excerpt::Excerpt;
use crate::identifier::{IdentifierError, KeyId};
use crate::json::JsonError;
use crate::jws::algorithm::Algorithm;

/// RSA moduli below are too weak (RFC 7518 §3.3), moduli above cost too much to use.
const RSA_BITS: std::ops::RangeInclusive<usize> = 2048..=4096;

/// What an RSA key can be for; without an `alg` it is for the first.
const RSA_ALGORITHMS: [Algorithm; 6] =
    [Algorithm::Rs256, Algorithm::Rs384, Algorithm::Rs512, Algorithm::Ps256, Algorithm::Ps384, Algorithm::Ps512];

/// Members that only a private or symmetric key has (RFC 7518 §6).
const PRIVATE_MEMBERS: [&str; 8] = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];

/// Why a key of a set is left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeyFault {
    /// Not one strict JSON object.
    Malformed {
        /// What is wrong with it.
        error: JsonError,
    },
    /// A required member is absent or not text.
    Lacks {
        /// The member's name.
        name: &'static str,
    },
    /// The `kid` is not an identifier.
    MalformedKeyId {
        /// What is wrong with it.
        error: IdentifierError,
    },
    /// The key is for something else than signatures (RFC 7517 §4.2).
    OtherUse {
        /// The `use` presented.
        presented: Excerpt,
    },
    /// The key's operations are not exactly `["verify"]` (RFC 7517 §4.3).
    OtherOperations,
    /// A private or symmetric key in a public set.
    PrivateMember {
        /// The member's name.
        name: &'static str,
    },
    /// The key's type or curve is not one that this verifier knows, or not the one that its `alg` needs.
    UnsupportedKey {
        /// The `kty`, and the `crv` behind a slash.
        presented: Excerpt,
    },
    /// The key's algorithm is not in the allow-list, or not one for its type.
    ForbiddenAlgorithm {
        /// The `alg` presented.
        presented: Excerpt,
    },
    /// A number or coordinate is not canonical base64url of its length.
    MalformedNumber {
        /// The member's name.
        name: &'static str,
    },
    /// The modulus is even, or too short or too long.
    BadModulus {
        /// Its length in bits.
        bits: usize,
    },
    /// The public exponent is not 65537.
    BadExponent,
    /// The point is not on its curve.
    NotOnCurve,
    /// Another usable key of the set has the same name: neither is used.
    Ambiguous,
}

impl fmt::Display for KeyFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed { error } => write!(f, "{error}"),
            Self::Lacks { name } => write!(f, "lacks `{name}`"),
            Self::MalformedKeyId { error } => write!(f, "`kid`: {error}"),
            Self::OtherUse { presented } => write!(f, "`use`: expected `sig`, presented `{presented}`"),
            Self::OtherOperations => f.write_str("`key_ops`: expected exactly `verify`"),
            Self::PrivateMember { name } => write!(f, "holds the private member `{name}`"),
            Self::UnsupportedKey { presented } => write!(f, "unsupported key `{presented}`"),
            Self::ForbiddenAlgorithm { presented } => write!(f, "forbidden algorithm `{presented}`"),
            Self::MalformedNumber { name } => write!(f, "`{name}` is not canonical base64url of its length"),
            Self::BadModulus { bits } => {
                write!(
                    f,
                    "modulus: expected odd, `{}` to `{}` bits, presented `{bits}`",
                    RSA_BITS.start(),
                    RSA_BITS.end()
                )
            }
            Self::BadExponent => f.write_str("exponent: expected `65537`"),
            Self::NotOnCurve => f.write_str("point is not on its curve"),
            Self::Ambiguous => f.write_str("another key has the same `kid`"),
        }
    }
}

impl std::error::Error for KeyFault {}

/// A vetted public key with the one algorithm that it is for.
pub(crate) struct VerificationKey {
    algorithm: Algorithm,
    key: DecodingKey,
}

impl fmt::Debug for VerificationKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "VerificationKey({})", self.algorithm)
    }
}

impl VerificationKey {
    pub(crate) fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// Whether this key's signature stands over these bytes.
    pub(crate) fn has_signed(&self, signing_input: &[u8], signature: &str) -> bool {
        matches!(jsonwebtoken::crypto::verify(signature, signing_input, &self.key, self.algorithm.library()), Ok(true))
    }

    /// Vets one member of a set's `keys`.
    pub(crate) fn import(jwk: &Map<String, Value>) -> Result<(KeyId, Self), KeyFault> {
        let key_id = KeyId::parse(text(jwk, "kid")?).map_err(|error| KeyFault::MalformedKeyId { error })?;
        let key_type = text(jwk, "kty")?;
        vet_purpose(jwk)?;
        if let Some(name) = PRIVATE_MEMBERS.into_iter().find(|name| jwk.contains_key(*name)) {
            return Err(KeyFault::PrivateMember { name });
        }
        let (of_type, key): (&[Algorithm], DecodingKey) = match (key_type, jwk.get("crv").and_then(Value::as_str)) {
            ("RSA", None) => (&RSA_ALGORITHMS, rsa(jwk)?),
            ("EC", Some("P-256")) => (&[Algorithm::Es256], elliptic(jwk, 32, &ECDSA_P256_SHA256_FIXED)?),
            ("EC", Some("P-384")) => (&[Algorithm::Es384], elliptic(jwk, 48, &ECDSA_P384_SHA384_FIXED)?),
            ("OKP", Some("Ed25519")) => (&[Algorithm::EdDsa], edwards(jwk)?),
            (key_type, curve) => {
                let presented = Excerpt::of(&format!("{key_type}/{}", curve.unwrap_or_default()));
                return Err(KeyFault::UnsupportedKey { presented });
            }
        };
        Ok((key_id, Self { algorithm: algorithm_of(jwk, of_type)?, key }))
    }
}

fn text<'a>(jwk: &'a Map<String, Value>, name: &'static str) -> Result<&'a str, KeyFault> {
    jwk.get(name).and_then(Value::as_str).ok_or(KeyFault::Lacks { name })
}

fn vet_purpose(jwk: &Map<String, Value>) -> Result<(), KeyFault> {
    match jwk.get("use") {
        None => {}
        Some(Value::String(purpose)) if purpose == "sig" => {}
        Some(other) => return Err(KeyFault::OtherUse { presented: Excerpt::of(other.as_str().unwrap_or_default()) }),
    }
    match jwk.get("key_ops") {
        None => Ok(()),
        Some(Value::Array(operations)) if matches!(operations.as_slice(), [Value::String(only)] if only == "verify") => {
            Ok(())
        }
        Some(_) => Err(KeyFault::OtherOperations),
    }
}

/// The key's own `alg`, if its type can have it; without one, the type's first and no other.
fn algorithm_of(jwk: &Map<String, Value>, of_type: &[Algorithm]) -> Result<Algorithm, KeyFault> {
    let presented = if jwk.contains_key("alg") { Some(text(jwk, "alg")?) } else { None };
    let named = |algorithm: &&Algorithm| presented.is_none_or(|presented| algorithm.name() == presented);
    let forbidden = || KeyFault::ForbiddenAlgorithm { presented: Excerpt::of(presented.unwrap_or_default()) };
    of_type.iter().find(named).copied().ok_or_else(forbidden)
}

fn number(jwk: &Map<String, Value>, name: &'static str) -> Result<Vec<u8>, KeyFault> {
    URL_SAFE_NO_PAD.decode(text(jwk, name)?).map_err(|_| KeyFault::MalformedNumber { name })
}

fn coordinate(jwk: &Map<String, Value>, name: &'static str, bytes: usize) -> Result<Vec<u8>, KeyFault> {
    Some(number(jwk, name)?).filter(|number| number.len() == bytes).ok_or(KeyFault::MalformedNumber { name })
}

/// RFC 7518 §6.3.1: big-endian, without leading zeros. Off-spec: the exponent is the one that everybody uses.
fn rsa(jwk: &Map<String, Value>) -> Result<DecodingKey, KeyFault> {
    let (modulus, exponent) = (number(jwk, "n")?, number(jwk, "e")?);
    let leading = modulus.first().copied().unwrap_or_default();
    if leading == 0 {
        return Err(KeyFault::MalformedNumber { name: "n" });
    }
    let bits = modulus.len() * 8 - leading.leading_zeros() as usize;
    let odd = modulus.last().is_some_and(|last| last % 2 == 1);
    if !RSA_BITS.contains(&bits) || !odd {
        return Err(KeyFault::BadModulus { bits });
    }
    if exponent != [1, 0, 1] {
        return Err(KeyFault::BadExponent);
    }
    Ok(DecodingKey::from_rsa_raw_components(&modulus, &exponent))
}

fn elliptic(
    jwk: &Map<String, Value>,
    bytes: usize,
    curve: &'static EcdsaVerificationAlgorithm,
) -> Result<DecodingKey, KeyFault> {
    let (x, y) = (coordinate(jwk, "x", bytes)?, coordinate(jwk, "y", bytes)?);
    let point = [&[4_u8][..], &x, &y].concat();
    // RFC 8725 §3.4: the point must be on the curve.
    ParsedPublicKey::new(curve, &point).map_err(|_| KeyFault::NotOnCurve)?;
    Ok(DecodingKey::from_ec_der(&point))
}

fn edwards(jwk: &Map<String, Value>) -> Result<DecodingKey, KeyFault> {
    Ok(DecodingKey::from_ed_der(&coordinate(jwk, "x", 32)?))
}
