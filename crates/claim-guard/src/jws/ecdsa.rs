//! An ECDSA signature on P-256, from DER to the form of JWS.

use std::fmt;

/// The bytes are not the DER of an `Ecdsa-Sig-Value` on P-256.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DerError;

impl fmt::Display for DerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("signature is not the DER of two integers of at most `32` bytes")
    }
}

impl std::error::Error for DerError {}

/// `SEQUENCE { r INTEGER, s INTEGER }` (RFC 3279 §2.2.3) → `r‖s`, 32 bytes each (RFC 7518 §3.4).
///
/// Both lengths fit into one byte, so this is all of DER that can occur.
///
/// # Errors
/// [`DerError`] for anything else than two positive integers of at most 32 bytes, minimally encoded.
pub fn fixed_from_der(der: &[u8]) -> Result<[u8; 64], DerError> {
    let (body, []) = element(der, 0x30)? else { return Err(DerError) };
    let (r, rest) = element(body, 0x02)?;
    let (s, []) = element(rest, 0x02)? else { return Err(DerError) };
    let mut fixed = [0_u8; 64];
    let (left, right) = fixed.split_at_mut(32);
    right_aligned(left, r)?;
    right_aligned(right, s)?;
    Ok(fixed)
}

fn element(bytes: &[u8], tag: u8) -> Result<(&[u8], &[u8]), DerError> {
    match bytes {
        [presented, length, rest @ ..] if *presented == tag && *length < 0x80 => {
            rest.split_at_checked(usize::from(*length)).ok_or(DerError)
        }
        _ => Err(DerError),
    }
}

fn right_aligned(target: &mut [u8], integer: &[u8]) -> Result<(), DerError> {
    let magnitude = match integer {
        [0, rest @ ..] if rest.first().is_some_and(|next| *next >= 0x80) => rest,
        [first, ..] if (1..0x80).contains(first) => integer,
        _ => return Err(DerError),
    };
    let start = target.len().checked_sub(magnitude.len()).ok_or(DerError)?;
    target.get_mut(start..).ok_or(DerError)?.copy_from_slice(magnitude);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn der(r: &[u8], s: &[u8]) -> Vec<u8> {
        let integer = |bytes: &[u8]| [&[2, bytes.len() as u8], bytes].concat();
        let body = [integer(r), integer(s)].concat();
        [&[0x30, body.len() as u8], &body[..]].concat()
    }

    #[test]
    fn integers_are_right_aligned_and_lose_their_sign_byte() {
        let fixed = fixed_from_der(&der(&[7], &[&[0, 0x80][..], &[1; 31]].concat()));
        let expected = [&[0; 31][..], &[7, 0x80], &[1; 31]].concat();
        assert_eq!(fixed.map(|fixed| fixed.to_vec()), Ok(expected));
    }

    #[test]
    fn anything_else_than_two_minimal_positive_integers_is_refused() {
        let good = der(&[7], &[8]);
        let long = der(&[1; 33], &[8]);
        let trailing = [&good[..], &[0]].concat();
        let inside = [&[0x30, 7], &good[2..], &[0][..]].concat();
        let cases: [&[u8]; 10] = [
            &[],
            &[0x30],
            &good[..good.len() - 1],
            &trailing,
            &inside,
            &long,
            &der(&[0x80], &[8]),
            &der(&[0, 1], &[8]),
            &der(&[], &[8]),
            &[0x31, 6, 2, 1, 7, 2, 1, 8],
        ];
        for case in cases {
            assert_eq!(fixed_from_der(case), Err(DerError), "{case:?}");
        }
    }
}
