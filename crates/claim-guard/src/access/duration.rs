//! Durations as a policy writes them.

use std::time::Duration;

/// Units and their seconds, the largest first.
const UNITS: [(&str, u64); 4] = [("d", 24 * 60 * 60), ("h", 60 * 60), ("m", 60), ("s", 1)];

/// A whole number in its one spelling and `s`, `m`, `h` or `d`.
pub(super) fn duration(text: &str) -> Option<Duration> {
    let (digits, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let (_, seconds) = UNITS.into_iter().find(|(name, _)| *name == unit)?;
    let number: u64 = digits.parse().ok()?;
    let spelled = number.to_string() == digits;
    number.checked_mul(seconds).filter(|_| spelled).map(Duration::from_secs)
}

/// So many seconds in the largest unit that divides them.
pub(super) fn in_largest_unit(seconds: u64) -> String {
    let dividing = UNITS.into_iter().find(|(_, unit)| seconds.is_multiple_of(*unit));
    let (name, unit) = dividing.unwrap_or(("s", 1));
    format!("{}{name}", seconds / unit)
}
