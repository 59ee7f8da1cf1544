//! One public key of a JWK set (RFC 7517), vetted when it is imported.

use std::fmt;

use jsonwebtoken::signature::Verifier as _;
use serde_json::{Map, Value};

use crate::excerpt::Excerpt;
use crate::identifier::{IdentifierError, KeyId};
use crate::json::JsonError;
use crate::jws::algorithm::Algorithm;
use crate::jws::base64url;
use crate::jws::edwards::{self, PointFault};
use crate::jws::parsed_key::{Material, ParsedKey};
use crate::jws::rsa::{self, ModulusFault};

/// What an RSA key can be for; without an `alg` it is for the first.
const RSA_ALGORITHMS: [Algorithm; 6] =
    [Algorithm::Rs256, Algorithm::Rs384, Algorithm::Rs512, Algorithm::Ps256, Algorithm::Ps384, Algorithm::Ps512];

/// The one public exponent that is taken: 65537.
const EXPONENT: [u8; 3] = [1, 0, 1];

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
    /// A member that is not used here has another JSON type than its specification gives it.
    WrongType {
        /// The member's name.
        name: &'static str,
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
    /// The modulus has a small factor, so it is no product of two large primes (NIST SP 800-89 §5.3.3).
    SmallFactor {
        /// The least factor.
        factor: u64,
    },
    /// The modulus is of a generator whose keys can be factored (ROCA, CVE-2017-15361).
    RocaModulus,
    /// The public exponent is not 65537.
    BadExponent,
    /// The point is not on its curve.
    NotOnCurve,
    /// The point is written with a coordinate that its field does not have (RFC 8032 §5.1.3).
    NonCanonicalPoint,
    /// The point is of small order, so signatures by it can be forged.
    SmallOrderPoint,
    /// Another usable key of the set has the same name: neither is used.
    Ambiguous,
    /// Another usable key of the set is the same one for another algorithm: neither is used (RFC 8725 §3.1).
    SharedByAlgorithms,
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
            Self::WrongType { name } => write!(f, "`{name}` has the wrong type"),
            Self::MalformedNumber { name } => write!(f, "`{name}` is not canonical base64url of its length"),
            Self::BadModulus { bits } => {
                let (least, most) = (rsa::BITS.start(), rsa::BITS.end());
                write!(f, "modulus: expected odd, `{least}` to `{most}` bits, presented `{bits}`")
            }
            Self::SmallFactor { factor } => write!(f, "modulus has the factor `{factor}`"),
            Self::RocaModulus => f.write_str("modulus has the ROCA fingerprint"),
            Self::BadExponent => f.write_str("exponent: expected `65537`"),
            Self::NotOnCurve => f.write_str("point is not on its curve"),
            Self::NonCanonicalPoint => f.write_str("point is not in its canonical form"),
            Self::SmallOrderPoint => f.write_str("point is of small order"),
            Self::Ambiguous => f.write_str("another key has the same `kid`"),
            Self::SharedByAlgorithms => f.write_str("the same key is there for another algorithm"),
        }
    }
}

impl std::error::Error for KeyFault {}

/// A vetted public key with the one algorithm that it is for.
pub(crate) struct VerificationKey {
    key: ParsedKey,
    /// The modulus or the point: what makes it this key and no other.
    material: Vec<u8>,
}

impl fmt::Debug for VerificationKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "VerificationKey({})", self.algorithm())
    }
}

impl VerificationKey {
    pub(crate) fn algorithm(&self) -> Algorithm {
        self.key.algorithm()
    }

    /// Whether the other key is this one, for whatever algorithm.
    pub(crate) fn is_same_key(&self, other: &Self) -> bool {
        self.material == other.material
    }

    /// Whether this key's signature stands over these bytes.
    pub(crate) fn has_signed(&self, signing_input: &[u8], signature: &Vec<u8>) -> bool {
        self.key.verify(signing_input, signature).is_ok()
    }

    /// Vets one member of a set's `keys`.
    pub(crate) fn import(jwk: &Map<String, Value>) -> Result<(KeyId, Self), KeyFault> {
        let key_id = KeyId::parse(text(jwk, "kid")?).map_err(|error| KeyFault::MalformedKeyId { error })?;
        let key_type = text(jwk, "kty")?;
        vet_purpose(jwk)?;
        if let Some(name) = PRIVATE_MEMBERS.into_iter().find(|name| jwk.contains_key(*name)) {
            return Err(KeyFault::PrivateMember { name });
        }
        let (of_type, material): (&[Algorithm], Vec<u8>) = match (key_type, jwk.get("crv").and_then(Value::as_str)) {
            ("RSA", None) => (&RSA_ALGORITHMS, modulus(jwk)?),
            ("EC", Some("P-256")) => (&[Algorithm::Es256], elliptic_point(jwk, 32, Algorithm::Es256)?),
            ("EC", Some("P-384")) => (&[Algorithm::Es384], elliptic_point(jwk, 48, Algorithm::Es384)?),
            ("OKP", Some("Ed25519")) => (&[Algorithm::EdDsa], edwards_point(jwk)?),
            (key_type, curve) => {
                let presented = Excerpt::of(&format!("{key_type}/{}", curve.unwrap_or_default()));
                return Err(KeyFault::UnsupportedKey { presented });
            }
        };
        vet_types(jwk)?;
        let algorithm = algorithm_of(jwk, of_type)?;
        let parts = match key_type {
            "RSA" => Material::Components { modulus: &material, exponent: &EXPONENT },
            _ => Material::Point(&material),
        };
        // Everything that could be wrong with it was looked at above.
        let key = ParsedKey::new(algorithm, &parts)
            .ok_or(KeyFault::ForbiddenAlgorithm { presented: Excerpt::of(algorithm.name()) })?;
        Ok((key_id, Self { key, material }))
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

/// What is not used here has its own type all the same (RFC 7517 §4.6 to §4.9, RFC 7518 §6; `ext` is the Web Cryptography
/// API's): a wrong type is not an absence.
fn vet_types(jwk: &Map<String, Value>) -> Result<(), KeyFault> {
    let is_certificates = |value: &Value| value.as_array().is_some_and(|items| items.iter().all(Value::is_string));
    for (name, value) in jwk {
        let (name, fits) = match name.as_str() {
            "crv" => ("crv", value.is_string()),
            "x5u" => ("x5u", value.is_string()),
            "x5t" => ("x5t", value.is_string()),
            "x5t#S256" => ("x5t#S256", value.is_string()),
            "x5c" => ("x5c", is_certificates(value)),
            "ext" => ("ext", value.is_boolean()),
            _ => continue,
        };
        if !fits {
            return Err(KeyFault::WrongType { name });
        }
    }
    Ok(())
}

/// The key's own `alg`, if its type can have it; without one, the type's first and no other.
fn algorithm_of(jwk: &Map<String, Value>, of_type: &[Algorithm]) -> Result<Algorithm, KeyFault> {
    let presented = if jwk.contains_key("alg") { Some(text(jwk, "alg")?) } else { None };
    let named = |algorithm: &&Algorithm| presented.is_none_or(|name| Algorithm::named(name) == Some(**algorithm));
    let forbidden = || KeyFault::ForbiddenAlgorithm { presented: Excerpt::of(presented.unwrap_or_default()) };
    of_type.iter().find(named).copied().ok_or_else(forbidden)
}

fn number(jwk: &Map<String, Value>, name: &'static str) -> Result<Vec<u8>, KeyFault> {
    base64url::decode(text(jwk, name)?).ok_or(KeyFault::MalformedNumber { name })
}

fn coordinate(jwk: &Map<String, Value>, name: &'static str, bytes: usize) -> Result<Vec<u8>, KeyFault> {
    Some(number(jwk, name)?).filter(|number| number.len() == bytes).ok_or(KeyFault::MalformedNumber { name })
}

/// RFC 7518 §6.3.1. Off-spec: the exponent is the one that everybody uses.
fn modulus(jwk: &Map<String, Value>) -> Result<Vec<u8>, KeyFault> {
    let (modulus, exponent) = (number(jwk, "n")?, number(jwk, "e")?);
    rsa::vet(&modulus).map_err(|fault| match fault {
        ModulusFault::LeadingZero => KeyFault::MalformedNumber { name: "n" },
        ModulusFault::EvenOrOfWrongLength { bits } => KeyFault::BadModulus { bits },
        ModulusFault::SmallFactor { factor } => KeyFault::SmallFactor { factor },
        ModulusFault::Roca => KeyFault::RocaModulus,
    })?;
    if exponent == EXPONENT { Ok(modulus) } else { Err(KeyFault::BadExponent) }
}

/// The uncompressed point (SEC 1 §2.3.3).
fn elliptic_point(jwk: &Map<String, Value>, bytes: usize, algorithm: Algorithm) -> Result<Vec<u8>, KeyFault> {
    let (x, y) = (coordinate(jwk, "x", bytes)?, coordinate(jwk, "y", bytes)?);
    let point = [&[4_u8][..], &x, &y].concat();
    // RFC 8725 §3.4: the point must be on the curve.
    match ParsedKey::new(algorithm, &Material::Point(&point)) {
        Some(_) => Ok(point),
        None => Err(KeyFault::NotOnCurve),
    }
}

fn edwards_point(jwk: &Map<String, Value>) -> Result<Vec<u8>, KeyFault> {
    let point = coordinate(jwk, "x", 32)?;
    let bytes = point.as_slice().try_into().map_err(|_| KeyFault::MalformedNumber { name: "x" })?;
    edwards::vet(bytes).map_err(|fault| match fault {
        PointFault::NonCanonical => KeyFault::NonCanonicalPoint,
        PointFault::SmallOrder => KeyFault::SmallOrderPoint,
        PointFault::NotOnCurve => KeyFault::NotOnCurve,
    })?;
    Ok(point)
}
