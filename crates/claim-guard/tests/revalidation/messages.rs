//! Codes are for machines and messages for people: one line, both sides of the comparison, nothing that prints badly.

use std::time::Duration;

use claim_guard::claims::{ClaimPath, Role};
use claim_guard::decision::Unmet;
use claim_guard::identifier::{ClientId, SessionId, Subject};
use claim_guard::json::{MemberError, Part};
use claim_guard::revalidation::{AnswerFault, AnswerKind, Change, Withdrawal};
use claim_guard::{Excerpt, JsonError, Rejection};

use crate::support::time;
use crate::support::transaction::{state, workflow};

#[track_caller]
fn check(presented: (&str, String), expected: (&str, &str)) {
    assert_eq!(presented, (expected.0, expected.1.to_owned()));
}

#[track_caller]
fn check_withdrawal(withdrawal: Withdrawal, code: &str, message: &str) {
    check((withdrawal.code(), withdrawal.to_string()), (code, message));
}

#[track_caller]
fn check_fault(fault: AnswerFault, code: &str, message: &str) {
    check((fault.code(), fault.to_string()), (code, message));
}

#[test]
fn what_the_policy_has_against_a_statement() {
    let (started_at, issued_at, now) = (time(-60), time(0), time(9));
    let state = || state("Approve Payment");
    check_withdrawal(
        Withdrawal::NoState { presented: state() },
        "no_state",
        "the policy asks nothing of state `Approve Payment`",
    );
    check_withdrawal(
        Withdrawal::RunTooLong { started_at, limit: Duration::from_secs(60), now },
        "run_too_long",
        "started at `1767225540`, expected at most `60` seconds before `1767225609`",
    );
    check_withdrawal(
        Withdrawal::NotReconsidered { state: state() },
        "not_reconsidered",
        "a denial of state `Approve Payment` is final",
    );
    check_withdrawal(
        Withdrawal::DeniedAgain { state: state(), issued_at, now },
        "denied_again",
        "state `Approve Payment` has denied the statement that was made for it at `1767225600`, now is `1767225609`",
    );
    check_withdrawal(
        Withdrawal::AskedTooOften { state: state(), rounds: 10 },
        "asked_too_often",
        "state `Approve Payment` was given `10` statements in quick succession and took none",
    );
    check_withdrawal(
        Withdrawal::StartUnmet(Unmet::NoWorkflow { presented: workflow("refund") }),
        "no_workflow",
        &Unmet::NoWorkflow { presented: workflow("refund") }.to_string(),
    );
}

#[test]
fn what_the_realm_has_against_a_statement() {
    let client = || ClientId::parse("payment`app").unwrap();
    let subject = || Subject::parse("müller").unwrap();
    let (not_before, issued_at) = (time(0), time(-1));
    let older = |whose: &str| {
        format!("the {whose}'s tokens from before `1767225600` are withdrawn, this one is of `1767225599`")
    };
    let realm = Withdrawal::RealmNotBefore { not_before, issued_at };
    check_withdrawal(realm, "realm_not_before", &older("realm"));
    let deleted = Withdrawal::ClientDeleted { client: client() };
    check_withdrawal(deleted, "client_deleted", "client `payment\\u{60}app` is deleted");
    let disabled = Withdrawal::ClientDisabled { client: client() };
    check_withdrawal(disabled, "client_disabled", "client `payment\\u{60}app` is disabled");
    let of_client = Withdrawal::ClientNotBefore { not_before, issued_at };
    check_withdrawal(of_client, "client_not_before", &older("client"));
    check_withdrawal(Withdrawal::UserDeleted { subject: subject() }, "user_deleted", "user `m\\u{fc}ller` is deleted");
    let disabled = Withdrawal::UserDisabled { subject: subject() };
    check_withdrawal(disabled, "user_disabled", "user `m\\u{fc}ller` is disabled");
    let of_user = Withdrawal::UserNotBefore { not_before, issued_at };
    check_withdrawal(of_user, "user_not_before", &older("user"));
    check_withdrawal(
        Withdrawal::SessionAbsent,
        "session_absent",
        "a session is required, the access token was issued without one",
    );
    let session = || SessionId::parse("kZ0V").unwrap();
    check_withdrawal(Withdrawal::SessionEnded { session: session() }, "session_ended", "session `kZ0V` is over");
    check_withdrawal(
        Withdrawal::SessionRestarted { session: session(), started_at: time(0), issued_at },
        "session_restarted",
        "session `kZ0V` was begun anew at `1767225600`, the access token is of `1767225599`",
    );
    check_withdrawal(
        Withdrawal::ClientSessionEnded { session: session(), client: client() },
        "client_session_ended",
        "session `kZ0V` is without client `payment\\u{60}app`, which the access token was issued to",
    );
    check_withdrawal(
        Withdrawal::ConsentWithdrawn { client: client() },
        "consent_withdrawn",
        "client `payment\\u{60}app` needs the user's consent and has it no more",
    );
    check_withdrawal(
        Withdrawal::ClientForbidden { client: client() },
        "client_forbidden",
        "client `payment\\u{60}app` is none of the clients of this stack any more",
    );
    check_withdrawal(
        Withdrawal::AudienceWithdrawn { presented: Excerpt::of("account") },
        "audience_withdrawn",
        "an access token of now would be for `account`, not for us",
    );
}

#[test]
fn what_is_wrong_with_an_answer() {
    let error = JsonError::Malformed { line: 1, column: 2, duplicate_member: true };
    check_fault(
        AnswerFault::MalformedJson { kind: AnswerKind::Realm, error },
        "malformed_answer",
        "realm: duplicate member at line `1` column `2`",
    );
    check_fault(
        AnswerFault::NotAList { kind: AnswerKind::Sessions },
        "malformed_answer",
        "sessions: expected an array of objects",
    );
    check_fault(
        AnswerFault::Member {
            kind: AnswerKind::User,
            error: MemberError::Missing { part: Part::Answer, name: "enabled" },
        },
        "malformed_answer_member",
        "user: answer lacks `enabled`",
    );
    check_fault(
        AnswerFault::LockedOut { subject: Subject::parse("müller").unwrap() },
        "user_locked_out",
        "user `m\\u{fc}ller` is answered as disabled, and is not among the users who are disabled",
    );
    check_fault(
        AnswerFault::AnotherRealm { expected: "workflows".to_owned(), presented: Excerpt::of("master") },
        "answer_of_another_realm",
        "realm: expected `workflows`, presented `master`",
    );
    check_fault(
        AnswerFault::AnotherClient {
            kind: AnswerKind::Client,
            expected: ClientId::parse("payment-app").unwrap(),
            presented: Excerpt::of("2 clients"),
        },
        "answer_about_another_client",
        "client: expected client `payment-app`, presented `2 clients`",
    );
    check_fault(
        AnswerFault::AnotherUser {
            kind: AnswerKind::Evaluation,
            expected: Subject::parse("alice").unwrap(),
            presented: Excerpt::of("mallory"),
        },
        "answer_about_another_user",
        "evaluation: expected user `alice`, presented `mallory`",
    );
    check_fault(
        AnswerFault::Evaluation(Rejection::IdToken),
        "malformed_evaluation",
        "evaluation: an ID token, expected an access token",
    );
}

#[test]
fn what_has_changed() {
    let role = || Role::parse("realm:approver").unwrap();
    let path = ClaimPath::parse("compliance.kyc").unwrap();
    for (change, code, message) in [
        (Change::RoleGained(role()), "role_gained", "role `realm:approver` is granted now"),
        (Change::RoleLost(role()), "role_lost", "role `realm:approver` is granted no more"),
        (Change::ClaimChanged(path), "claim_changed", "claim `compliance.kyc` has changed"),
    ] {
        check((change.code(), change.to_string()), (code, message));
    }
}
