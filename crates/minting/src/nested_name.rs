//! What an execution is called that a state of another one starts.

use claim_guard::identifier::ExecutionArn;

use crate::chance::hex;

/// The hexadecimal digits of a name that `executions` gives.
pub const GIVEN_DIGITS: usize = 64;

/// The digits that an execution which is started by a state has behind those. Step Functions takes names of 80 characters.
pub const NESTED_DIGITS: usize = 16;

/// The name of an execution that a state of `parent` is about to start: the name that `executions` gave to the first of the
/// parents, so that it is recognised as one of ours, and 16 digits by chance. Under a parent that has no such name, which is what a
/// distributed Map's child is, it is chance alone.
pub fn nested_name(parent: &ExecutionArn, bits: [u8; 16]) -> String {
    let chance = hex(&bits);
    let given = parent.name().get(..GIVEN_DIGITS).filter(|digits| digits.bytes().all(is_digit));
    match (given, chance.get(..NESTED_DIGITS)) {
        (Some(given), Some(chance)) => format!("{given}{chance}"),
        (None, _) | (_, None) => chance,
    }
}

fn is_digit(byte: u8) -> bool {
    matches!(byte, b'0'..=b'9' | b'a'..=b'f')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(parent: &str, expected: &str) {
        let arn = format!("arn:aws:states:eu-central-1:111122223333:execution:payment:{parent}");
        assert_eq!(nested_name(&ExecutionArn::parse(&arn).unwrap(), [0xab; 16]), expected);
    }

    #[test]
    fn the_name_that_was_given_leads_through_all_generations() {
        let given = "0123456789abcdef".repeat(4);
        let nested = format!("{given}abababababababab");
        check(&given, &nested);
        check(&format!("{given}0000000000000000"), &nested);
    }

    #[test]
    fn under_a_name_of_another_kind_it_is_chance() {
        let chance = "ab".repeat(16);
        for parent in ["a1b2c3d4-0000-4000-8000-000000000001".to_owned(), "F".repeat(64), "f".repeat(63)] {
            check(&parent, &chance);
        }
    }
}
