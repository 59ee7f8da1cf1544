//! Moduli of RSA keys, vetted before any signature is verified with them.

use std::sync::LazyLock;

/// RSA moduli below are too weak (RFC 7518 §3.3), moduli above cost too much to use.
pub(crate) const BITS: std::ops::RangeInclusive<usize> = 2048..=4096;

/// A modulus has no factor below this one (NIST SP 800-89 §5.3.3).
const LEAST_FACTOR: u64 = 752;

/// The primes from 3 to this one divide the primorial of the shortest keys that the flawed generator makes.
const LAST_FINGERPRINT_PRIME: u64 = 167;

/// The generator of the subgroup that the flawed keys stand in.
const GENERATOR: u64 = 65_537;

/// The odd primes below [`LEAST_FACTOR`], ascending, in groups whose product has 32 bits: one division of the modulus by
/// a product stands for one by each of its primes.
static GROUPS: LazyLock<Vec<Group>> = LazyLock::new(groups);

struct Group {
    product: u64,
    primes: Vec<u64>,
}

/// Why a number is no usable modulus.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ModulusFault {
    LeadingZero,
    EvenOrOfWrongLength { bits: usize },
    SmallFactor { factor: u64 },
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
    let residues = residues(modulus);
    if let Some(residue) = residues.iter().find(|residue| residue.value == 0) {
        return Err(ModulusFault::SmallFactor { factor: residue.prime });
    }
    if has_roca_fingerprint(&residues) { Err(ModulusFault::Roca) } else { Ok(()) }
}

struct Residue {
    prime: u64,
    value: u64,
}

fn residues(modulus: &[u8]) -> Vec<Residue> {
    let of_group = |group: &'static Group| {
        let remainder = remainder(modulus, group.product);
        group.primes.iter().map(move |prime| Residue { prime: *prime, value: remainder % prime })
    };
    GROUPS.iter().flat_map(of_group).collect()
}

/// Whether the modulus is of the generator of CVE-2017-15361, whose keys can be factored.
///
/// M. Nemec, M. Sys, P. Svenda, D. Klinec, V. Matyas: The Return of Coppersmith's Attack, ACM CCS 2017, §2. Its primes
/// are k·M + (65537^a mod M) with M the product of the first primes, so such a modulus is a power of 65537 modulo each of
/// those. For a modulus of another generator that holds by chance about once in 2^28.
fn has_roca_fingerprint(residues: &[Residue]) -> bool {
    residues.iter().filter(|residue| residue.prime <= LAST_FINGERPRINT_PRIME).all(is_power_of_the_generator)
}

fn is_power_of_the_generator(residue: &Residue) -> bool {
    // Among as many powers as there are residues stands the whole subgroup.
    (0..residue.prime)
        .scan(1, |power, _| {
            *power = *power * GENERATOR % residue.prime;
            Some(*power)
        })
        .any(|power| power == residue.value)
}

fn groups() -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    for prime in (3..LEAST_FACTOR).step_by(2).filter(|number| is_prime(*number)) {
        match groups.last_mut() {
            Some(group) if group.product * prime <= u64::from(u32::MAX) => {
                group.product *= prime;
                group.primes.push(prime);
            }
            Some(_) | None => groups.push(Group { product: prime, primes: vec![prime] }),
        }
    }
    groups
}

fn is_prime(odd: u64) -> bool {
    (3..odd).step_by(2).take_while(|divisor| divisor * divisor <= odd).all(|divisor| !odd.is_multiple_of(divisor))
}

/// The remainder of a big-endian number by a divisor of at most 32 bits.
fn remainder(number: &[u8], divisor: u64) -> u64 {
    let (words, last) = number.as_chunks::<4>();
    let remainder =
        words.iter().fold(0, |remainder, word| (remainder << 32 | u64::from(u32::from_be_bytes(*word))) % divisor);
    last.iter().fold(remainder, |remainder, byte| (remainder << 8 | u64::from(*byte)) % divisor)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn divisors_are_all_odd_primes_below_752_each_once_and_ascending() {
        let primes: Vec<u64> = GROUPS.iter().flat_map(|group| group.primes.clone()).collect();
        // The 133rd prime is 751.
        assert_eq!((primes.len(), primes[0], primes[37], primes[131]), (132, 3, 167, 751));
        assert!(primes.is_sorted_by(|one, next| one < next));
        assert!(
            GROUPS
                .iter()
                .all(|group| group.product == group.primes.iter().product::<u64>() && group.product >> 32 == 0)
        );
        // As few groups as their order allows: each could not have held the first prime of the next.
        assert!(GROUPS.windows(2).all(|pair| (pair[0].product * pair[1].primes[0]) >> 32 > 0));
    }

    #[test]
    fn fingerprint_is_of_powers_of_the_generator() {
        let powers = |prime| -> Vec<u64> {
            (0..prime).filter(|value| is_power_of_the_generator(&Residue { prime, value: *value })).collect()
        };
        // Modulo 11 the generator makes only ±1, modulo 3 all residues but 0.
        assert_eq!((powers(11), powers(3)), (vec![1, 10], vec![1, 2]));
        assert_eq!(powers(17), [1, 2, 4, 8, 9, 13, 15, 16]);
    }

    #[test]
    fn remainders_are_of_the_big_endian_number() {
        assert_eq!(remainder(&[1, 0, 1], 751), 65_537 % 751);
        assert_eq!(remainder(&[0xff; 256], 3), 0);
        let number = 0x0123_4567_89ab_cdef_u64;
        for divisor in [3, 751, 65_537, 4_294_967_291] {
            assert_eq!(remainder(&number.to_be_bytes(), divisor), number % divisor);
            assert_eq!(remainder(&number.to_be_bytes()[1..], divisor), (number & (u64::MAX >> 8)) % divisor);
        }
    }
}
