use claim_guard::identifier::SessionId;
use claim_guard::revalidation::{Inquiry, Question, RealmAnswers, UserAnswer, Withdrawal};
use serde_json::{Value, json};
use test_realm::{CLIENT, NOW, with, without};

use crate::fixture::{
    CLIENT_UUID, SESSION, against, client, consent, parse_client, parse_consents, parse_realm, parse_sessions,
    parse_user, policy, policy_with_session, question, question_of, realm, session, standing, statement, subject, user,
};
use crate::support::time;

/// What a realm answers.
struct Answers {
    realm: Value,
    client: Value,
    /// Null where the realm has no such user.
    user: Value,
    sessions: Option<Value>,
    consents: Option<Value>,
}

impl Answers {
    fn usual() -> Self {
        let sessions = Some(json!([session(SESSION)]));
        Self { realm: realm(), client: client(), user: user(), sessions, consents: None }
    }

    /// Everything that stands against the access token.
    fn against(&self, question: &Question) -> Vec<Withdrawal> {
        against(question.standing(&self.parsed(question.inquiry())))
    }

    fn parsed(&self, inquiry: &Inquiry) -> RealmAnswers {
        let absent = self.user.is_null().then(UserAnswer::absent);
        RealmAnswers {
            realm: parse_realm(&self.realm, inquiry).unwrap(),
            client: parse_client(&self.client, inquiry).unwrap(),
            user: absent.unwrap_or_else(|| parse_user(&self.user, inquiry).unwrap()),
            sessions: self.sessions.as_ref().map(|sessions| parse_sessions(sessions, inquiry).unwrap()),
            consents: self.consents.as_ref().map(|consents| parse_consents(consents).unwrap()),
        }
    }
}

#[track_caller]
fn check(answers: &Answers, expected: &[Withdrawal]) {
    assert_eq!(answers.against(&question()), expected);
}

#[track_caller]
fn check_required(sessions: Option<Value>, expected: &[Withdrawal]) {
    let question = question_of(&policy_with_session(), &statement());
    assert_eq!(Answers { sessions, ..Answers::usual() }.against(&question), expected);
}

fn ended() -> Withdrawal {
    Withdrawal::SessionEnded { session: SessionId::parse(SESSION).unwrap() }
}

fn client_deleted() -> Withdrawal {
    Withdrawal::ClientDeleted { client: question().inquiry().client().clone() }
}

fn client_disabled() -> Withdrawal {
    Withdrawal::ClientDisabled { client: question().inquiry().client().clone() }
}

fn user_deleted() -> Withdrawal {
    Withdrawal::UserDeleted { subject: subject() }
}

fn user_disabled() -> Withdrawal {
    Withdrawal::UserDisabled { subject: subject() }
}

#[test]
fn realm_that_stands_behind_everything_names_its_client() {
    check(&Answers::usual(), &[]);
    assert_eq!(standing(&question()).client_uuid(), CLIENT_UUID);
}

#[test]
fn deleted_and_disabled_clients_and_users_are_told_apart() {
    check(&Answers { client: json!([]), ..Answers::usual() }, &[client_deleted()]);
    let disabled = with(client(), "/0/enabled", json!(false));
    check(&Answers { client: disabled, ..Answers::usual() }, &[client_disabled()]);
    check(&Answers { user: json!(null), ..Answers::usual() }, &[user_deleted()]);
    let disabled = with(user(), "/enabled", json!(false));
    check(&Answers { user: disabled, ..Answers::usual() }, &[user_disabled()]);
}

/// The access token is of ten seconds before [`NOW`], its statement of now: what counts is the access token.
#[test]
fn access_token_of_the_very_second_of_a_withdrawal_survives_it() {
    let issued_at = time(-10);
    for (seconds, withdrawn) in [(-1_000_000, false), (-11, false), (-10, false), (-9, true), (0, true), (1000, true)] {
        let (at, not_before) = (json!(NOW + seconds), time(seconds));
        let check = |answers: Answers, expected: Withdrawal| {
            check(&answers, if withdrawn { std::slice::from_ref(&expected) } else { &[] });
        };
        let realm = with(realm(), "/tokens-not-before", at.clone());
        check(Answers { realm, ..Answers::usual() }, Withdrawal::RealmNotBefore { not_before, issued_at });
        let client = with(client(), "/0/notBefore", at.clone());
        check(Answers { client, ..Answers::usual() }, Withdrawal::ClientNotBefore { not_before, issued_at });
        let user = with(user(), "/notBefore", at);
        check(Answers { user, ..Answers::usual() }, Withdrawal::UserNotBefore { not_before, issued_at });
    }
}

#[test]
fn everything_that_stands_against_the_access_token_is_listed_in_order() {
    let (issued_at, now) = (time(-10), json!(NOW));
    let not_before = time(0);
    let realm_not_before = || Withdrawal::RealmNotBefore { not_before, issued_at };
    let all = Answers {
        realm: with(realm(), "/tokens-not-before", now.clone()),
        client: with(with(client(), "/0/notBefore", now.clone()), "/0/enabled", json!(false)),
        user: with(with(user(), "/notBefore", now), "/enabled", json!(false)),
        sessions: Some(json!([])),
        consents: None,
    };
    let of_client = Withdrawal::ClientNotBefore { not_before, issued_at };
    let of_user = Withdrawal::UserNotBefore { not_before, issued_at };
    let expected = [realm_not_before(), client_disabled(), of_client, user_disabled(), of_user];
    assert_eq!(all.against(&question()), expected);
    let required = question_of(&policy_with_session(), &statement());
    assert_eq!(all.against(&required), [&expected[..], &[ended()]].concat());
    let gone = Answers { client: json!([]), user: json!(null), ..all };
    assert_eq!(gone.against(&required), [realm_not_before(), client_deleted(), user_deleted(), ended()]);
}

#[test]
fn session_does_not_matter_where_the_policy_ignores_it() {
    for sessions in [None, Some(json!([])), Some(json!([session("another")])), Some(json!([session(SESSION)]))] {
        check(&Answers { sessions, ..Answers::usual() }, &[]);
    }
    let without_session = question_of(&policy(), &without(statement(), "/rctx/sid"));
    assert_eq!(Answers { sessions: None, ..Answers::usual() }.against(&without_session), []);
}

#[test]
fn required_session_is_alive_if_the_realm_lists_it() {
    check_required(Some(json!([session(SESSION)])), &[]);
    check_required(Some(json!([session("another"), session(SESSION)])), &[]);
    for sessions in [json!([]), json!([session("another")]), json!([session("Session")]), json!([session("session2")])]
    {
        check_required(Some(sessions), &[ended()]);
    }
}

#[test]
fn required_session_that_was_not_asked_for_is_over() {
    check_required(None, &[ended()]);
}

#[test]
fn caller_without_a_session_cannot_have_a_required_one() {
    let question = question_of(&policy_with_session(), &without(statement(), "/rctx/sid"));
    for sessions in [None, Some(json!([])), Some(json!([session(SESSION)]))] {
        let answers = Answers { sessions, ..Answers::usual() };
        assert_eq!(answers.against(&question), [Withdrawal::SessionAbsent]);
    }
}

/// The access token is of ten seconds before [`NOW`]; the realm says in milliseconds when a session was begun.
#[test]
fn required_session_that_was_begun_anew_after_the_access_token_is_another_log_in_s() {
    let issued_at = time(-10);
    for (milliseconds, restarted) in [
        (-1_000_000, false),
        (-10_001, false),
        (-10_000, false),
        (-9_001, false),
        (-9_000, true),
        (-8_999, true),
        (0, true),
        (1_000_000, true),
    ] {
        let begun = with(session(SESSION), "/start", json!(NOW * 1000 + milliseconds));
        let started_at = time(milliseconds.div_euclid(1000));
        let session = SessionId::parse(SESSION).unwrap();
        let expected = Withdrawal::SessionRestarted { session, started_at, issued_at };
        check_required(Some(json!([begun])), if restarted { std::slice::from_ref(&expected) } else { &[] });
    }
}

fn client_session_ended() -> Withdrawal {
    let session = SessionId::parse(SESSION).unwrap();
    Withdrawal::ClientSessionEnded { session, client: question().inquiry().client().clone() }
}

#[test]
fn required_session_is_the_client_s_own() {
    let among = |clients: Value| Some(json!([with(session(SESSION), "/clients", clients), session("another")]));
    check_required(among(json!({ "another-uuid": "another-app", CLIENT_UUID: CLIENT })), &[]);
    // What counts is what the realm calls the client for good: its name can be another client's by now.
    check_required(among(json!({ CLIENT_UUID: "renamed" })), &[]);
    for clients in [json!({}), json!({ "another-uuid": CLIENT }), json!({ CLIENT: CLIENT })] {
        check_required(among(clients), &[client_session_ended()]);
    }
    let answers = Answers { sessions: among(json!({})), ..Answers::usual() };
    assert_eq!(answers.against(&question()), []);
}

#[test]
fn deleted_client_takes_part_in_no_session_and_only_its_deletion_is_told() {
    let question = question_of(&policy_with_session(), &statement());
    assert_eq!(Answers { client: json!([]), ..Answers::usual() }.against(&question), [client_deleted()]);
}

#[test]
fn client_that_needs_consent_has_it_still_where_a_session_is_required() {
    let needs_consent = || with(client(), "/0/consentRequired", json!(true));
    let required = question_of(&policy_with_session(), &statement());
    let against = |question: &Question, client: Value, consents: Option<Value>| {
        Answers { client, consents, ..Answers::usual() }.against(question)
    };
    let withdrawn = [Withdrawal::ConsentWithdrawn { client: question().inquiry().client().clone() }];
    for granted in [json!([consent(CLIENT)]), json!([consent("another-app"), consent(CLIENT)])] {
        assert_eq!(against(&required, needs_consent(), Some(granted)), []);
    }
    for consents in [None, Some(json!([])), Some(json!([consent("another-app")])), Some(json!([consent(CLIENT_UUID)]))]
    {
        assert_eq!(against(&required, needs_consent(), consents.clone()), withdrawn);
        assert_eq!(against(&required, client(), consents.clone()), []);
        assert_eq!(against(&question(), needs_consent(), consents), []);
    }
    let all = Answers { client: needs_consent(), sessions: Some(json!([])), ..Answers::usual() };
    assert_eq!(all.against(&required), [&[ended()], &withdrawn[..]].concat());
}
