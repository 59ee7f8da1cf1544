use aws_lc_rs::{
    digest::{SHA256, digest},
    signature::{ECDSA_P256_SHA256_FIXED, ParsedPublicKey},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::Serialize;

/// The one DER encoding of everything before the point in a P-256 key's SPKI (RFC 5480 §2): the algorithm `id-ecPublicKey`,
/// the curve `secp256r1` by name, and a bit string of 65 bytes with no unused bits. DER is canonical, so comparing these bytes
/// compares algorithm, curve and lengths, and leaves nothing to a parser.
const P256_SPKI_PREFIX: [u8; 26] = [
    0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce,
    0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00,
];

/// A public P-256 key for ES256, as RFC 7517 writes it. Its point is known to lie on the curve.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Jwk {
    kty: &'static str,
    crv: &'static str,
    x: String,
    y: String,
    kid: String,
    alg: &'static str,
    #[serde(rename = "use")]
    usage: &'static str,
}

impl Jwk {
    /// Makes a JWK of a `SubjectPublicKeyInfo` in DER, as KMS answers it.
    ///
    /// # Errors
    ///
    /// If it is not an uncompressed point of P-256 that lies on the curve.
    pub fn from_spki(spki: &[u8]) -> Result<Self, KeyError> {
        let point = spki.strip_prefix(&P256_SPKI_PREFIX).ok_or(KeyError::NotP256)?;
        let coordinates = match point {
            // SEC 1 §2.3.3: 04 announces an uncompressed point.
            [0x04, coordinates @ ..] if coordinates.len() == 64 => coordinates,
            _ => return Err(KeyError::NotUncompressed),
        };
        // RFC 8725 §3.4: a point that is not on the curve is no key.
        ParsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point).map_err(|_| KeyError::NotOnCurve)?;

        let (x, y) = coordinates.split_at(32);
        let (x, y) = (URL_SAFE_NO_PAD.encode(x), URL_SAFE_NO_PAD.encode(y));
        // RFC 7638 §3: the required members, in lexicographic order, without white space.
        let canonical = format!(r#"{{"crv":"P-256","kty":"EC","x":"{x}","y":"{y}"}}"#);
        let kid = URL_SAFE_NO_PAD.encode(digest(&SHA256, canonical.as_bytes()));
        Ok(Self { kty: "EC", crv: "P-256", x, y, kid, alg: "ES256", usage: "sig" })
    }

    /// The key id: the key's RFC 7638 SHA-256 thumbprint.
    #[must_use]
    pub fn kid(&self) -> &str {
        &self.kid
    }
}

/// A JWK set (RFC 7517 §5) of different keys.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct JwkSet {
    keys: Vec<Jwk>,
}

impl JwkSet {
    /// Puts keys into a set, in this order.
    ///
    /// # Errors
    ///
    /// If the same key stands in it twice: a rotation to itself is a mistake of whoever deploys.
    pub fn new(keys: Vec<Jwk>) -> Result<Self, KeyError> {
        for (position, key) in keys.iter().enumerate() {
            if keys.iter().take(position).any(|earlier| earlier.kid == key.kid) {
                return Err(KeyError::SameKeyTwice { kid: key.kid.clone() });
            }
        }
        Ok(Self { keys })
    }
}

/// Why a public key is not one that transaction tokens can be verified with.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// Another algorithm, another curve, or no `SubjectPublicKeyInfo` at all.
    #[error("the public key is not a P-256 key")]
    NotP256,
    /// The point is compressed or of another length.
    #[error("the public key's point is not an uncompressed one")]
    NotUncompressed,
    /// The point does not lie on the curve.
    #[error("the public key's point is not on the curve")]
    NotOnCurve,
    /// Two ARNs name the same key.
    #[error("the key `{kid}` is named twice")]
    SameKeyTwice {
        /// Its thumbprint.
        kid: String,
    },
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::{
        encoding::{AsDer, PublicKeyX509Der},
        signature::{ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, KeyPair},
    };

    use super::*;

    fn spki(key: &EcdsaKeyPair) -> Vec<u8> {
        let der: PublicKeyX509Der<'_> = key.public_key().as_der().unwrap();
        der.as_ref().to_vec()
    }

    fn new_key() -> EcdsaKeyPair {
        EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap()
    }

    /// The key of RFC 7515 appendix A.3, whose coordinates are public.
    fn rfc_7515_spki() -> Vec<u8> {
        let x = URL_SAFE_NO_PAD.decode("f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU").unwrap();
        let y = URL_SAFE_NO_PAD.decode("x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0").unwrap();
        [&P256_SPKI_PREFIX[..], &[4], &x, &y].concat()
    }

    #[test]
    fn a_known_key_becomes_its_jwk() {
        let jwk = Jwk::from_spki(&rfc_7515_spki()).unwrap();
        assert_eq!(
            serde_json::to_value(&jwk).unwrap(),
            serde_json::json!({
                "kty": "EC", "crv": "P-256", "alg": "ES256", "use": "sig",
                "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
                "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
                "kid": "oKIywvGUpTVTyxMQ3bwIIeQUudfr_CkLMjCE19ECD-U",
            })
        );
    }

    #[test]
    fn a_generated_key_keeps_its_point() {
        let key = new_key();
        let jwk = Jwk::from_spki(&spki(&key)).unwrap();
        let x = URL_SAFE_NO_PAD.decode(&jwk.x).unwrap();
        let y = URL_SAFE_NO_PAD.decode(&jwk.y).unwrap();
        assert_eq!([&[4], &x[..], &y[..]].concat(), key.public_key().as_ref());
    }

    #[test]
    fn a_key_of_another_curve_is_refused() {
        let key = EcdsaKeyPair::generate(&ECDSA_P384_SHA384_FIXED_SIGNING).unwrap();
        assert_eq!(Jwk::from_spki(&spki(&key)), Err(KeyError::NotP256));
    }

    #[test]
    fn a_point_off_the_curve_is_refused() {
        let mut spki = rfc_7515_spki();
        *spki.last_mut().unwrap() ^= 1;
        assert_eq!(Jwk::from_spki(&spki), Err(KeyError::NotOnCurve));
    }

    #[test]
    fn a_compressed_point_is_refused() {
        let mut spki = rfc_7515_spki();
        spki[26] = 3;
        assert_eq!(Jwk::from_spki(&spki), Err(KeyError::NotUncompressed));
    }

    #[test]
    fn a_key_cut_short_or_run_on_is_refused() {
        let spki = rfc_7515_spki();
        for length in 0..spki.len() {
            let expected = if length < P256_SPKI_PREFIX.len() { KeyError::NotP256 } else { KeyError::NotUncompressed };
            assert_eq!(Jwk::from_spki(&spki[..length]), Err(expected), "{length} bytes");
        }
        assert_eq!(Jwk::from_spki(&[&spki[..], &[0]].concat()), Err(KeyError::NotUncompressed));
    }

    #[test]
    fn the_same_key_twice_is_no_rotation() {
        let jwk = Jwk::from_spki(&rfc_7515_spki()).unwrap();
        let other = Jwk::from_spki(&spki(&new_key())).unwrap();
        assert_eq!(
            JwkSet::new(vec![jwk.clone(), other.clone(), jwk.clone()]),
            Err(KeyError::SameKeyTwice { kid: jwk.kid.clone() })
        );
        assert_eq!(JwkSet::new(vec![jwk.clone(), other.clone()]), Ok(JwkSet { keys: vec![jwk, other] }));
    }
}
