//! Moduli of RSA keys, vetted before any signature is verified with them.

/// RSA moduli below are too weak (RFC 7518 §3.3), moduli above cost too much to use.
pub(crate) const BITS: std::ops::RangeInclusive<usize> = 2048..=4096;

/// A modulus has no factor below this one (NIST SP 800-89 §5.3.3).
const LEAST_FACTOR: u32 = 752;

/// The primes from 3 to this one divide the primorial of the shortest keys that the flawed generator makes.
const LAST_FINGERPRINT_PRIME: u32 = 167;

/// The generator of the subgroup that the flawed keys stand in.
const GENERATOR: u32 = 65_537;

/// Why a number is no usable modulus.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ModulusFault {
    LeadingZero,
    EvenOrOfWrongLength { bits: usize },
    SmallFactor { factor: u32 },
    Roca,
}

/// Vets a modulus, big-endian.
pub(crate) fn vet(modulus: &[u8]) -> Result<(), ModulusFault> {
    // RFC 7518 §6.3.1: the fewest bytes that hold the number, and so no leading zero.
    let leading = modulus.first().copied().unwrap_or_default();
    if leading == 0 {
        return Err(ModulusFault::LeadingZero);
    }
    let bits = modulus.len() * 8 - leading.leading_zeros() as usize;
    let odd = modulus.last().is_some_and(|last| last % 2 == 1);
    if !BITS.contains(&bits) || !odd {
        return Err(ModulusFault::EvenOrOfWrongLength { bits });
    }
    if let Some(factor) = odd_numbers(LEAST_FACTOR).find(|factor| remainder(modulus, *factor) == 0) {
        return Err(ModulusFault::SmallFactor { factor });
    }
    if has_roca_fingerprint(modulus) { Err(ModulusFault::Roca) } else { Ok(()) }
}

/// Whether the modulus is of the generator of CVE-2017-15361, whose keys can be factored.
///
/// M. Nemec, M. Sys, P. Svenda, D. Klinec, V. Matyas: The Return of Coppersmith's Attack, ACM CCS 2017, §2.2. Its primes
/// are k·M + (65537^a mod M) with M the product of the first primes, so such a modulus is a power of 65537 modulo each of
/// those. For a modulus of another generator that holds by chance about once in 2^27.
fn has_roca_fingerprint(modulus: &[u8]) -> bool {
    let primes = odd_numbers(LAST_FINGERPRINT_PRIME + 1).filter(|number| is_prime(*number));
    primes.into_iter().all(|prime| is_power_of_the_generator(remainder(modulus, prime), prime))
}

fn is_power_of_the_generator(residue: u32, prime: u32) -> bool {
    let powers = std::iter::successors(Some(1), |power| Some(power * (GENERATOR % prime) % prime));
    // The subgroup has fewer elements than there are residues.
    powers.take(prime as usize).any(|power| power == residue)
}

fn odd_numbers(below: u32) -> impl Iterator<Item = u32> {
    (3..below).step_by(2)
}

fn is_prime(odd: u32) -> bool {
    odd_numbers(odd).take_while(|divisor| divisor * divisor <= odd).all(|divisor| odd % divisor != 0)
}

fn remainder(number: &[u8], divisor: u32) -> u32 {
    number.iter().fold(0, |remainder, byte| (remainder << 8 | u32::from(*byte)) % divisor)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fingerprint_is_of_powers_of_the_generator_modulo_39_primes() {
        let primes: Vec<u32> = odd_numbers(LAST_FINGERPRINT_PRIME + 1).filter(|number| is_prime(*number)).collect();
        assert_eq!((primes.len(), primes[0], primes[37]), (38, 3, 167));
        // Modulo 11 the generator makes only ±1, modulo 3 all residues but 0.
        let powers = |prime| (0..prime).filter(|residue| is_power_of_the_generator(*residue, prime)).collect::<Vec<_>>();
        assert_eq!(powers(11), [1, 10]);
        assert_eq!(powers(3), [1, 2]);
    }

    #[test]
    fn remainders_are_of_the_big_endian_number() {
        assert_eq!(remainder(&[1, 0, 1], 751), 65_537 % 751);
        assert_eq!(remainder(&[0xff; 256], 3), 0);
    }
}
