//! How fresh an identity has to be: the contract of a state with whoever vouches for the subject.

use std::time::Duration;

/// How old what Keycloak said may be when a state acts on it. Never older than the transaction token's own lifetime.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MaxIdentityAge {
    /// The state says nothing: the transaction token's expiry is all that counts.
    TokenLifetime,
    /// `"0s"`: the realm is asked for every attempt of the state.
    EveryAttempt,
    /// At most so old.
    AtMost(Duration),
}

/// What a state asks of the statement that it acts on, beside its requirement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Freshness {
    pub(super) max_identity_age: MaxIdentityAge,
    pub(super) revalidate_on_denied: bool,
}

impl Freshness {
    /// How old what Keycloak said may be.
    pub fn max_identity_age(&self) -> MaxIdentityAge {
        self.max_identity_age
    }

    /// Whether a denial is asked about once more: `true` if the policy says nothing.
    pub fn revalidate_on_denied(&self) -> bool {
        self.revalidate_on_denied
    }
}

/// What a renewal may do to what a run may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RenewalRule {
    /// `"live"`: what the realm says now, be it more or less. What a policy means that says nothing.
    Live,
    /// `"narrowing"`: less, and never more or something else than the statement before. A role that was granted since is
    /// none, and a claim that has changed is absent.
    Narrowing,
}

/// Whether a run goes on after its starter has logged out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SessionRule {
    /// It does: the run outlives the session.
    Ignored,
    /// It does not: the session that the access token was issued in has to be alive. A caller without a session, such as
    /// a service account, cannot meet this.
    Required,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::{AccessPolicy, GuardedState, Workflow};
    use crate::identifier::{StateName, WorkflowName};
    use crate::unix_time::UnixTime;

    const REST: &str = "start.any_verified_caller = true\nmax_duration = \"365d\"\nsession = \"ignored\"\n";

    fn policy(text: &str) -> AccessPolicy {
        AccessPolicy::parse("access.toml", text).expect("a policy")
    }

    fn only(policy: &AccessPolicy) -> &Workflow {
        policy.workflows().next().expect("a workflow")
    }

    fn state(name: &str) -> StateName {
        StateName::parse(name).expect("a state")
    }

    #[track_caller]
    fn check_faults(text: &str, expected: &[&str]) {
        let faults = AccessPolicy::parse("access.toml", text).expect_err("faults");
        assert_eq!(faults.to_string().lines().collect::<Vec<_>>(), expected, "{text}");
    }

    #[test]
    fn a_policy_that_says_nothing_asks_once_more_on_denial() {
        let policy = policy(&format!("[workflows.w]\n{REST}states.S.any_verified_caller = true"));
        let workflow = only(&policy);
        let usual = Freshness { max_identity_age: MaxIdentityAge::TokenLifetime, revalidate_on_denied: true };
        assert_eq!(workflow.guarded(&state("S")).map(GuardedState::freshness), Some(&usual));
        assert_eq!(workflow.guarded(&state("T")), None);
        assert_eq!(workflow.nested_starts().count(), 0);
    }

    #[test]
    fn a_workflow_of_nested_starts_or_service_calls_alone_guards_no_state() {
        let text = format!("[workflows.v]\n{REST}nested.Start.workflow = \"w\"\n[workflows.w]\n{REST}");
        let policy = policy(&text);
        let states: Vec<usize> = policy.workflows().map(|workflow| workflow.states().count()).collect();
        assert_eq!((states, only(&policy).nested_starts().count()), (vec![0, 0], 1));
    }

    #[test]
    fn a_state_says_how_old_a_statement_may_be() {
        let ages = |age: &str| {
            let text = format!("[workflows.w]\n{REST}[workflows.w.states.S]\nany_verified_caller = true\n{age}\n");
            only(&policy(&text)).guarded(&state("S")).map(|guarded| guarded.freshness().max_identity_age())
        };
        assert_eq!(ages("max_identity_age = \"0s\""), Some(MaxIdentityAge::EveryAttempt));
        assert_eq!(ages("max_identity_age = \"10s\""), Some(MaxIdentityAge::AtMost(Duration::from_secs(10))));
        assert_eq!(ages("max_identity_age = \"1h\""), Some(MaxIdentityAge::AtMost(Duration::from_secs(3600))));
        assert_eq!(ages(""), Some(MaxIdentityAge::TokenLifetime));
    }

    #[test]
    fn how_long_a_run_may_last_and_with_or_without_its_session_has_to_be_said() {
        check_faults(
            "[workflows.w]\nstart.any_verified_caller = true\n",
            &[
                "access.toml:1: key `workflows.w.max_duration` is missing",
                "access.toml:1: key `workflows.w.session` is missing",
            ],
        );
    }

    #[test]
    fn a_run_gains_by_a_renewal_where_the_policy_does_not_say_narrowing() {
        let rule = |text: &str| only(&policy(&format!("[workflows.w]\n{text}\n{REST}"))).renewal();
        assert_eq!(rule(""), RenewalRule::Live);
        assert_eq!(rule("renewal = \"live\""), RenewalRule::Live);
        assert_eq!(rule("renewal = \"narrowing\""), RenewalRule::Narrowing);
        check_faults(
            &format!("[workflows.w]\nrenewal = \"never\"\n{REST}"),
            &["access.toml:2: key `workflows.w.renewal` is `never`: expected `live` or `narrowing`"],
        );
    }

    #[test]
    fn a_state_may_differ_from_its_workflow_on_denials() {
        let text = format!(
            "[workflows.w]\nrevalidate_on_denied = false\n{REST}[workflows.w.states]\n\
             Final = {{ any_verified_caller = true }}\n\
             Open = {{ any_verified_caller = true, revalidate_on_denied = true }}\n"
        );
        let policy = policy(&text);
        let asks =
            |name: &str| only(&policy).guarded(&state(name)).map(|guarded| guarded.freshness().revalidate_on_denied());
        assert_eq!((asks("Final"), asks("Open")), (Some(false), Some(true)));
    }

    #[test]
    fn a_token_holds_no_longer_than_the_run() {
        let text = String::from(
            "[workflows.w]\ntransaction_token_lifetime = \"1m\"\nmax_duration = \"90s\"\nsession = \"required\"\n\
             start.any_verified_caller = true\nstates.S.any_verified_caller = true",
        );
        let policy = policy(&text);
        let workflow = only(&policy);
        assert_eq!(workflow.session(), SessionRule::Required);
        assert_eq!(workflow.max_duration(), Duration::from_secs(90));
        let time = |seconds| UnixTime::from_seconds(seconds).expect("a time");
        let seconds = |now| workflow.lifetime_at(time(1000), time(now)).as_secs();
        assert_eq!([1000, 1030, 1031, 1089, 1090, 1091].map(seconds), [60, 60, 59, 1, 0, 0]);
    }

    #[test]
    fn a_state_that_starts_an_execution_names_its_workflow() {
        let text = format!(
            "[workflows.v]\n{REST}states.S.any_verified_caller = true\nnested.\"Start w\".workflow = \"w\"\n\
             [workflows.w]\n{REST}states.S.any_verified_caller = true"
        );
        let policy = policy(&text);
        let nested: Vec<(&str, &str)> =
            only(&policy).nested_starts().map(|(state, name)| (state.as_str(), name.as_str())).collect();
        assert_eq!(nested, [("Start w", "w")]);
        let named = only(&policy).nested(&state("Start w")).map(WorkflowName::as_str);
        assert_eq!((named, only(&policy).nested(&state("S"))), (Some("w"), None));
    }

    #[test]
    fn every_fault_of_freshness_is_named() {
        check_faults(
            r#"[workflows.w]
max_duration = "29s"
session = "maybe"
revalidate_on_denied = "no"
start = { any_verified_caller = true, max_identity_age = "0s" }
[workflows.w.states.S]
any_verified_caller = true
max_identity_age = "61m"
revalidate_on_denied = 0
[workflows.w.states.T]
any_verified_caller = true
max_identity_age = "9s"
[workflows.w.states.W]
any_verified_caller = true
[workflows.w.nested]
U.workflow = "x"
V.machine = "w"
W.workflow = "w"
"#,
            &[
                "access.toml:1: state `W` stands in `workflows.w.states` and in `workflows.w.nested`, expected in one of them",
                "access.toml:2: key `workflows.w.max_duration` is `29s`, expected `30s` to `365d`",
                "access.toml:3: key `workflows.w.session` is `maybe`: expected `required` or `ignored`",
                "access.toml:4: key `workflows.w.revalidate_on_denied` is of type `string`, expected `boolean`",
                "access.toml:5: unknown key `workflows.w.start.max_identity_age`, \
                 expected one of `roles`, `any_role`, `claims`, `any_verified_caller`, `actor`",
                "access.toml:8: key `workflows.w.states.S.max_identity_age` is `61m`, expected `0s` or `10s` to `1h`",
                "access.toml:9: key `workflows.w.states.S.revalidate_on_denied` is of type `integer`, expected `boolean`",
                "access.toml:12: key `workflows.w.states.T.max_identity_age` is `9s`, expected `0s` or `10s` to `1h`",
                "access.toml:16: key `workflows.w.nested.U.workflow` is `x`: expected a workflow of this policy",
                "access.toml:17: key `workflows.w.nested.V.workflow` is missing",
                "access.toml:17: unknown key `workflows.w.nested.V.machine`, expected one of `workflow`",
            ],
        );
    }
}
