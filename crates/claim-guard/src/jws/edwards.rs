//! Points of Ed25519, vetted before any signature is verified with them (RFC 8725 §3.4).
//!
//! aws-lc-rs decodes a point only when it verifies a signature, takes a `y` of `p` and above for its remainder, and
//! verifies signatures by points of small order, which are easy to forge.

use curve25519_dalek::edwards::CompressedEdwardsY;

/// Why 32 bytes are no usable public key of Ed25519 (RFC 8032 §5.1.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PointFault {
    NonCanonical,
    SmallOrder,
    NotOnCurve,
}

/// Vets a public key: 255 bits of `y`, and the sign of `x` in the highest bit.
pub(crate) fn vet(key: &[u8; 32]) -> Result<(), PointFault> {
    if !is_reduced(key) {
        return Err(PointFault::NonCanonical);
    }
    let point = CompressedEdwardsY(*key).decompress().ok_or(PointFault::NotOnCurve)?;
    // With either sign: `x` is 0 where `y` is ±1, and then a set sign bit is not canonical either.
    if point.is_small_order() { Err(PointFault::SmallOrder) } else { Ok(()) }
}

/// Whether `y` is below `p` = 2^255 − 19: the curve's library, too, takes it for its remainder.
fn is_reduced(key: &[u8; 32]) -> bool {
    let [lowest, middle @ .., highest] = key;
    *lowest < 0xed || *middle != [0xff; 30] || highest & 0x7f != 0x7f
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};

    use super::*;

    fn bytes(hex: &str) -> [u8; 32] {
        let digits: Vec<u8> = hex.bytes().map(|digit| char::from(digit).to_digit(16).unwrap() as u8).collect();
        let bytes: Vec<u8> = digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect();
        bytes.try_into().unwrap()
    }

    #[test]
    fn generated_keys_are_vetted() {
        for _ in 0..64 {
            let pair = Ed25519KeyPair::generate().unwrap();
            assert_eq!(vet(pair.public_key().as_ref().try_into().unwrap()), Ok(()));
        }
        // The base point, and the public key of RFC 8032 §7.1 test 1.
        for key in [
            "5866666666666666666666666666666666666666666666666666666666666666",
            "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        ] {
            assert_eq!(vet(&bytes(key)), Ok(()), "{key}");
        }
    }

    #[test]
    fn points_of_small_order_are_refused_with_either_sign() {
        for key in [
            "0000000000000000000000000000000000000000000000000000000000000000",
            "0100000000000000000000000000000000000000000000000000000000000000",
            "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
            "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
            "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
        ] {
            let mut key = bytes(key);
            assert_eq!(vet(&key), Err(PointFault::SmallOrder), "{key:?}");
            key[31] |= 0x80;
            assert_eq!(vet(&key), Err(PointFault::SmallOrder), "{key:?}");
        }
    }

    #[test]
    fn y_of_the_modulus_and_above_is_refused_with_either_sign() {
        for lowest in 0xed..=0xff {
            for highest in [0x7f, 0xff] {
                let mut key = [0xff; 32];
                (key[0], key[31]) = (lowest, highest);
                assert_eq!(vet(&key), Err(PointFault::NonCanonical), "{key:?}");
            }
        }
    }

    #[test]
    fn y_below_the_modulus_is_canonical_whichever_byte_is_less() {
        for (index, byte) in [(1, 0xfe), (16, 0), (30, 0x7f), (31, 0x7e), (31, 0xfe), (31, 0)] {
            let mut key = [0xff; 32];
            key[31] = 0x7f;
            key[index] = byte;
            let vetted = vet(&key);
            assert!(matches!(vetted, Ok(()) | Err(PointFault::NotOnCurve)), "{key:?}: {vetted:?}");
        }
    }

    #[test]
    fn y_of_no_point_is_refused() {
        let mut key = [0; 32];
        let on_curve: Vec<u8> = (2..=255)
            .filter(|lowest| {
                key[0] = *lowest;
                let vetted = vet(&key);
                assert!(matches!(vetted, Ok(()) | Err(PointFault::NotOnCurve)), "{lowest}: {vetted:?}");
                vetted == Ok(())
            })
            .collect();
        // Counted with another implementation: 2 and 7 are the least that are on no point.
        assert_eq!((on_curve.len(), &on_curve[..10]), (126, &[3, 4, 5, 6, 9, 10, 14, 15, 16, 18][..]));
    }
}
