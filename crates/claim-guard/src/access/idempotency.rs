//! Whether a start may be sent a second time without beginning a second run.

/// Whether a start has to bring an `Idempotency-Key`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IdempotencyRule {
    /// It need not: a start without a key begins a run of its own each time. What a policy means that says nothing.
    Optional,
    /// It has to, so that whoever got no answer may ask again.
    Required,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::AccessPolicy;

    #[track_caller]
    fn check(line: &str, expected: Result<IdempotencyRule, &str>) {
        let text = format!(
            "[workflows.w]\n{line}\nsession = \"ignored\"\nmax_duration = \"1d\"\nstart.any_verified_caller = true\n"
        );
        let rule = AccessPolicy::parse("access.toml", &text)
            .map(|policy| policy.workflows().next().map(crate::access::Workflow::idempotency));
        assert_eq!(rule.map_err(|faults| faults.to_string()), expected.map(Some).map_err(str::to_owned));
    }

    #[test]
    fn a_key_is_required_where_the_policy_says_so_and_nowhere_else() {
        check("", Ok(IdempotencyRule::Optional));
        check("idempotency = \"optional\"", Ok(IdempotencyRule::Optional));
        check("idempotency = \"required\"", Ok(IdempotencyRule::Required));
        let wrong = "access.toml:2: key `workflows.w.idempotency` is `yes`: expected `required` or `optional`";
        check("idempotency = \"yes\"", Err(wrong));
    }
}
