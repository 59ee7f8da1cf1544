//! Which attempt of which state acts on a statement.

use crate::identifier::{Digest, ExecutionArn, StateName};

/// So many base64url characters of an ES256 signature are of its first integer alone: 252 of 256 bits (RFC 7518 §3.4).
const OF_FIRST_INTEGER: usize = 42;

/// What tells a signed statement from every other one, also from those that say the same.
///
/// It is of the signature's first integer. Whoever holds a token can change the second one without breaking the signature, but
/// not this one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct StatementMark([u8; OF_FIRST_INTEGER]);

impl StatementMark {
    /// The mark of a signature that was verified; of a shorter one there is none.
    pub(super) fn of(signature: &str) -> Option<Self> {
        signature.as_bytes().first_chunk().copied().map(Self)
    }
}

/// A state of an execution that acts on a statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Acting {
    pub(crate) execution: ExecutionArn,
    pub(crate) state: StateName,
    pub(crate) statement: StatementMark,
}

impl Acting {
    /// The same for the same statement at the same state of the same execution, and for nothing else.
    pub(crate) fn attempt(&self) -> Digest {
        let Self { execution, state, statement } = self;
        let mut bytes = Vec::new();
        for part in [execution.as_str().as_bytes(), state.as_str().as_bytes(), &statement.0] {
            // Each part is preceded by its length: no two lists of parts give the same bytes.
            bytes.extend_from_slice(part.len().to_string().as_bytes());
            bytes.push(b':');
            bytes.extend_from_slice(part);
        }
        Digest::of(&bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_attempt_is_of_one_statement_at_one_state_of_one_execution() {
        let signature = "x".repeat(86);
        let of = |execution: &str, state: &str, signature: &str| {
            let execution = format!("arn:aws:states:eu-west-1:000000000000:execution:m:{execution}");
            Acting {
                execution: ExecutionArn::parse(&execution).expect("an execution"),
                state: StateName::parse(state).expect("a state"),
                statement: StatementMark::of(signature).expect("a mark"),
            }
            .attempt()
        };
        let one = of("a", "S", &signature);
        assert_eq!(of("a", "S", &signature), one);
        // The second integer is whoever's who holds the token; the first one is the signer's.
        let second = format!("{}{}", "x".repeat(44), "y".repeat(42));
        assert_eq!(of("a", "S", &second), one);
        let first = format!("y{}", "x".repeat(85));
        for other in [of("b", "S", &signature), of("a", "T", &signature), of("a", "S", &first)] {
            assert_ne!(other, one);
        }
        assert_eq!(StatementMark::of("short"), None);
    }
}
