//! Points of Ed25519, vetted before any signature is verified with them (RFC 8725 §3.4).
//!
//! The library decodes a point only when it verifies a signature, takes a `y` of `p` and above for its remainder, and
//! verifies signatures by points of small order, which are easy to forge.

/// Why 32 bytes are no usable public key of Ed25519 (RFC 8032 §5.1.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PointFault {
    NonCanonical,
    SmallOrder,
    NotOnCurve,
}

/// An element of the field modulo 2^255 − 19: five limbs of 51 bits, lowest first. Limbs may stand a little over 51 bits.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Element([u64; 5]);

const LIMB: u64 = (1 << 51) - 1;

/// The field's modulus, which is no element.
const MODULUS: [u64; 5] = [LIMB - 18, LIMB, LIMB, LIMB, LIMB];

const ONE: Element = Element([1, 0, 0, 0, 0]);

/// The curve's constant −121665/121666.
const D: Element = Element([0x34dca135978a3, 0x1a8283b156ebd, 0x5e7a26001c029, 0x739c663a03cbb, 0x52036cee2b6ff]);

/// The `y` of the eight points whose order divides 8; each but ±1 belongs to two points, which differ in sign.
const SMALL_ORDER: [[u64; 5]; 5] = [
    [0, 0, 0, 0, 0],
    [1, 0, 0, 0, 0],
    [LIMB - 19, LIMB, LIMB, LIMB, LIMB],
    [0x7b2c28f95e826, 0x6513e9868b604, 0x6b37f57c263bf, 0x4589c99e36982, 0x5fc536d88023],
    [0x04d3d706a17c7, 0x1aec1679749fb, 0x14c80a83d9c40, 0x3a763661c967d, 0x7a03ac9277fdc],
];

/// Vets a public key: 255 bits of `y`, and the sign of `x` in the highest bit.
pub(crate) fn vet(key: &[u8; 32]) -> Result<(), PointFault> {
    let y = limbs(key);
    let [lowest, rest @ ..] = y;
    if rest == [LIMB; 4] && lowest >= LIMB - 18 {
        return Err(PointFault::NonCanonical);
    }
    // Either sign: `x` is 0 where `y` is ±1, and then a set sign bit is not canonical either.
    if SMALL_ORDER.contains(&y) {
        return Err(PointFault::SmallOrder);
    }
    // x² = (y² − 1) / (d·y² + 1), neither of which is 0 now. A quotient has a root where the product has one.
    let square = Element(y).times(Element(y));
    let product = square.minus(ONE).times(D.times(square).plus(ONE));
    if product.has_root() { Ok(()) } else { Err(PointFault::NotOnCurve) }
}

fn limbs(key: &[u8; 32]) -> [u64; 5] {
    let number = u128_of_half(key.first_chunk());
    let high = u128_of_half(key.last_chunk());
    let limb = |bits: u128| (bits as u64) & LIMB;
    [limb(number), limb(number >> 51), limb(number >> 102 | high << 26), limb(high >> 25), limb(high >> 76)]
}

fn u128_of_half(half: Option<&[u8; 16]>) -> u128 {
    half.copied().map_or(0, u128::from_le_bytes)
}

impl Element {
    fn plus(self, other: Self) -> Self {
        let ([a0, a1, a2, a3, a4], [b0, b1, b2, b3, b4]) = (self.0, other.0);
        Self::carried([a0 + b0, a1 + b1, a2 + b2, a3 + b3, a4 + b4].map(u128::from))
    }

    fn minus(self, other: Self) -> Self {
        // Twice the modulus keeps every limb positive.
        let ([a0, a1, a2, a3, a4], [b0, b1, b2, b3, b4]) = (self.0, other.0);
        let [m0, m1, m2, m3, m4] = MODULUS.map(|limb| 2 * limb);
        Self::carried([a0 + m0 - b0, a1 + m1 - b1, a2 + m2 - b2, a3 + m3 - b3, a4 + m4 - b4].map(u128::from))
    }

    /// Schoolbook; what stands over 255 bits comes back 19 times.
    fn times(self, other: Self) -> Self {
        let ([a0, a1, a2, a3, a4], [b0, b1, b2, b3, b4]) = (self.0.map(u128::from), other.0.map(u128::from));
        Self::carried([
            a0 * b0 + 19 * (a1 * b4 + a2 * b3 + a3 * b2 + a4 * b1),
            a0 * b1 + a1 * b0 + 19 * (a2 * b4 + a3 * b3 + a4 * b2),
            a0 * b2 + a1 * b1 + a2 * b0 + 19 * (a3 * b4 + a4 * b3),
            a0 * b3 + a1 * b2 + a2 * b1 + a3 * b0 + 19 * a4 * b4,
            a0 * b4 + a1 * b3 + a2 * b2 + a3 * b1 + a4 * b0,
        ])
    }

    fn carried(wide: [u128; 5]) -> Self {
        let mut limbs = wide;
        for _ in 0..2 {
            let mut carry = 0;
            for limb in &mut limbs {
                *limb += carry;
                carry = *limb >> 51;
                *limb &= u128::from(LIMB);
            }
            let [lowest, ..] = &mut limbs;
            *lowest += 19 * carry;
        }
        // The lowest limb is under 2^52 now, all others under 2^51.
        Self(limbs.map(|limb| limb as u64))
    }

    /// Euler's criterion: an element other than 0 has a root if its power (p − 1)/2 = 2^254 − 10 is 1.
    fn has_root(self) -> bool {
        // 2^254 − 10 in binary: 250 ones, then 0110.
        let mut power = ONE;
        for bit in std::iter::repeat_n(true, 250).chain([false, true, true, false]) {
            power = power.times(power);
            if bit {
                power = power.times(self);
            }
        }
        power.canonical() == ONE.0
    }

    fn canonical(self) -> [u64; 5] {
        let Self(limbs) = Self::carried(self.0.map(u128::from));
        let [lowest, rest @ ..] = limbs;
        let [_, a, b, c, d] = limbs;
        if rest == [LIMB; 4] && lowest >= LIMB - 18 {
            [lowest - (LIMB - 18), a - LIMB, b - LIMB, c - LIMB, d - LIMB]
        } else {
            limbs
        }
    }
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

    #[test]
    fn sums_and_differences_are_of_every_limb() {
        let (less, more) = (Element([1, 2, 3, 4, 5]), Element([10, 30, 50, 70, 90]));
        assert_eq!(less.plus(more).canonical(), [11, 32, 53, 74, 95]);
        assert_eq!(more.minus(less).canonical(), [9, 28, 47, 66, 85]);
        assert_eq!(less.minus(more).plus(more).canonical(), less.0);
        assert_eq!(Element([0; 5]).minus(ONE).canonical(), [LIMB - 19, LIMB, LIMB, LIMB, LIMB]);
    }

    #[test]
    fn an_element_has_one_canonical_form() {
        let [lowest, rest @ ..] = MODULUS;
        let above = |more| Element([lowest + more, rest[0], rest[1], rest[2], rest[3]]).canonical();
        assert_eq!((above(0), above(1), above(18)), ([0; 5], ONE.0, [18, 0, 0, 0, 0]));
        assert_eq!(Element([lowest - 1, LIMB, LIMB, LIMB, LIMB]).canonical(), [lowest - 1, LIMB, LIMB, LIMB, LIMB]);
    }
}
