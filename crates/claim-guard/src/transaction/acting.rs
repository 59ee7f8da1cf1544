//! Which attempt of which state acts on a statement.

use crate::identifier::{Digest, ExecutionArn, StateName, TransactionId, TrustDomain};
use crate::transaction::work_path::WorkPath;

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
    pub(crate) trust_domain: TrustDomain,
    pub(crate) transaction: TransactionId,
    pub(crate) execution: ExecutionArn,
    pub(crate) redrive_count: u32,
    pub(crate) state: StateName,
    pub(crate) work: WorkPath,
    pub(crate) statement: StatementMark,
}

impl Acting {
    /// The same for the same statement at the same state of the same execution, and for nothing else.
    pub(crate) fn attempt(&self) -> Digest {
        digest_of(
            [self.execution.as_str(), self.state.as_str()]
                .map(str::as_bytes)
                .into_iter()
                .chain([&self.statement.0[..]]),
        )
    }

    /// The same for the same piece of work, whichever statement allows it and however often it is tried, and for nothing else.
    ///
    /// The transaction is a part of it because an execution's name is free again after 90 days.
    pub(crate) fn idempotency_key(&self) -> Digest {
        let Self { trust_domain, transaction, execution, state, work, redrive_count: _, statement: _ } = self;
        let parts = [trust_domain.as_str(), transaction.as_str(), execution.as_str(), state.as_str(), work.as_str()];
        digest_of(parts.map(str::as_bytes))
    }
}

/// Each part is preceded by its length: no two lists of parts give the same bytes.
fn digest_of<'a>(parts: impl IntoIterator<Item = &'a [u8]>) -> Digest {
    let mut bytes = Vec::new();
    for part in parts {
        bytes.extend_from_slice(part.len().to_string().as_bytes());
        bytes.push(b':');
        bytes.extend_from_slice(part);
    }
    Digest::of(&bytes)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    const SIGNATURE: &str = "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefgh";

    fn acting() -> Acting {
        Acting {
            trust_domain: TrustDomain::parse("stack").expect("a trust domain"),
            transaction: TransactionId::parse("txn").expect("a transaction"),
            execution: execution("a"),
            redrive_count: 0,
            state: state("S"),
            work: work(""),
            statement: mark(SIGNATURE),
        }
    }

    fn execution(name: &str) -> ExecutionArn {
        ExecutionArn::parse(&format!("arn:aws:states:eu-west-1:000000000000:execution:m:{name}")).expect("an execution")
    }

    fn state(name: &str) -> StateName {
        StateName::parse(name).expect("a state")
    }

    fn work(path: &str) -> WorkPath {
        WorkPath::parse(path).expect("a work path")
    }

    fn mark(signature: &str) -> StatementMark {
        StatementMark::of(signature).expect("a mark")
    }

    #[test]
    fn an_attempt_is_of_one_statement_at_one_state_of_one_execution() {
        let one = acting().attempt();
        assert_eq!(acting().attempt(), one);
        // The second integer is whoever's who holds the token; the first one is the signer's.
        let second = format!("{}{}", &SIGNATURE[..44], "y".repeat(42));
        assert_eq!(Acting { statement: mark(&second), ..acting() }.attempt(), one);
        let first = format!("y{}", &SIGNATURE[1..]);
        for other in [
            Acting { execution: execution("b"), ..acting() },
            Acting { state: state("T"), ..acting() },
            Acting { statement: mark(&first), ..acting() },
        ] {
            assert_ne!(other.attempt(), one);
        }
        assert_eq!(StatementMark::of("short"), None);
    }

    #[test]
    fn a_piece_of_work_keeps_its_key_through_statements_and_redrives_and_shares_it_with_none() {
        let one = acting().idempotency_key();
        for same in [
            Acting { statement: mark(&format!("y{}", &SIGNATURE[1..])), ..acting() },
            Acting { redrive_count: 3, ..acting() },
        ] {
            assert_eq!(same.idempotency_key(), one);
        }
        let others = [
            Acting { trust_domain: TrustDomain::parse("other").expect("a trust domain"), ..acting() },
            Acting { transaction: TransactionId::parse("later").expect("a transaction"), ..acting() },
            Acting { execution: execution("b"), ..acting() },
            Acting { state: state("T"), ..acting() },
            Acting { work: work("/0"), ..acting() },
            Acting { work: work("/0/1"), ..acting() },
            Acting { work: work("/1/0"), ..acting() },
            Acting { work: work("/1"), ..acting() },
            Acting { work: work("~1"), ..acting() },
            // What ends one part and begins the next is told apart.
            Acting { state: state("S/0"), ..acting() },
            Acting { execution: execution("aS"), ..acting() },
        ];
        let keys: BTreeSet<String> =
            others.iter().chain([&acting()]).map(|it| it.idempotency_key().to_string()).collect();
        assert_eq!(keys.len(), others.len() + 1);
    }
}
