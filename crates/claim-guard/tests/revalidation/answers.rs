//! What is no answer: nothing follows from it, so whoever asked has to ask again.

use claim_guard::json::{MemberError, Part};
use claim_guard::revalidation::{
    AnswerFault, AnswerKind, ClientAnswer, ConsentsAnswer, DisabledUser, Inquiry, Question, RealmAnswer, SaidOfUser,
    SessionsAnswer, UserAnswer,
};
use claim_guard::{Excerpt, JsonError};
use serde_json::{Value, json};
use test_realm::{ISSUER, with, without};

use crate::fixture::{
    client, consent, policy_with_session, question, question_of, realm, session, statement, subject, user,
};
use crate::support;

const KINDS: [AnswerKind; 6] = [
    AnswerKind::Realm,
    AnswerKind::Client,
    AnswerKind::User,
    AnswerKind::DisabledUsers,
    AnswerKind::Sessions,
    AnswerKind::Consents,
];

/// The user, who is said to be disabled.
fn disabled(inquiry: &Inquiry) -> DisabledUser {
    let said = with(user(), "/enabled", json!(false)).to_string();
    match UserAnswer::parse(said.as_bytes(), inquiry).unwrap() {
        SaidOfUser::Disabled(user) => user,
        SaidOfUser::Settled(user) => panic!("expected doubt, presented {user:?}"),
    }
}

/// What the bytes come to as an answer of that kind.
fn parsed(kind: AnswerKind, bytes: &[u8], question: &Question) -> Result<(), AnswerFault> {
    let inquiry = question.inquiry();
    match kind {
        AnswerKind::Realm => RealmAnswer::parse(bytes, inquiry).map(|_| ()),
        AnswerKind::Client => ClientAnswer::parse(bytes, inquiry).map(|_| ()),
        AnswerKind::User => UserAnswer::parse(bytes, inquiry).map(|_| ()),
        AnswerKind::DisabledUsers => disabled(inquiry).confirmed(bytes, inquiry).map(|_| ()),
        AnswerKind::Sessions => SessionsAnswer::parse(bytes, inquiry).map(|_| ()),
        AnswerKind::Consents => ConsentsAnswer::parse(bytes).map(|_| ()),
        AnswerKind::Evaluation => {
            crate::fixture::standing(question).evaluated(bytes, &support::verifier(), support::now()).map(|_| ())
        }
    }
}

#[track_caller]
fn check(kind: AnswerKind, answer: &Value, expected: Result<(), AnswerFault>) {
    assert_eq!(parsed(kind, answer.to_string().as_bytes(), &question()), expected, "{kind} {answer}");
}

fn answer(kind: AnswerKind) -> Value {
    match kind {
        AnswerKind::Realm => realm(),
        AnswerKind::Client => client(),
        AnswerKind::User => user(),
        AnswerKind::DisabledUsers => json!([with(user(), "/enabled", json!(false))]),
        AnswerKind::Sessions => json!([session("one"), session("two")]),
        AnswerKind::Consents => json!([consent("one"), consent("two")]),
        AnswerKind::Evaluation => crate::fixture::evaluation(0),
    }
}

#[test]
fn answers_of_keycloak_are_read() {
    for kind in KINDS {
        check(kind, &answer(kind), Ok(()));
    }
    check(AnswerKind::Evaluation, &answer(AnswerKind::Evaluation), Ok(()));
    check(AnswerKind::Client, &json!([]), Ok(()));
    check(AnswerKind::Sessions, &json!([]), Ok(()));
    check(AnswerKind::Consents, &json!([]), Ok(()));
}

#[test]
fn member_that_is_absent_or_of_another_type_is_a_fault_of_its_own() {
    let seconds = "whole seconds since 1970";
    for (kind, pointer, name, expected) in [
        (AnswerKind::Realm, "/realm", "realm", "text"),
        (AnswerKind::Realm, "/tokens-not-before", "tokens-not-before", seconds),
        (AnswerKind::Client, "/0/clientId", "clientId", "text"),
        (AnswerKind::Client, "/0/id", "id", "text"),
        (AnswerKind::Client, "/0/enabled", "enabled", "a boolean"),
        (AnswerKind::Client, "/0/notBefore", "notBefore", seconds),
        (AnswerKind::User, "/id", "id", "text"),
        (AnswerKind::User, "/enabled", "enabled", "a boolean"),
        (AnswerKind::User, "/notBefore", "notBefore", seconds),
        (AnswerKind::DisabledUsers, "/0/id", "id", "text"),
        (AnswerKind::DisabledUsers, "/0/enabled", "enabled", "a boolean"),
        (AnswerKind::Sessions, "/1/userId", "userId", "text"),
        (AnswerKind::Sessions, "/1/id", "id", "text"),
        (AnswerKind::Sessions, "/1/start", "start", "milliseconds since 1970"),
        (AnswerKind::Consents, "/1/clientId", "clientId", "text"),
    ] {
        let part = Part::Answer;
        let missing = MemberError::Missing { part, name };
        check(kind, &without(answer(kind), pointer), Err(AnswerFault::Member { kind, error: missing }));
        for (value, presented) in [(json!(null), "null"), (json!({}), "an object"), (json!([0]), "an array")] {
            let error = MemberError::WrongType { part, name, expected, presented };
            check(kind, &with(answer(kind), pointer, value), Err(AnswerFault::Member { kind, error }));
        }
    }
}

#[test]
fn nothing_is_coerced() {
    let fault = |kind, name, expected, presented| {
        let error = MemberError::WrongType { part: Part::Answer, name, expected, presented };
        Err(AnswerFault::Member { kind, error })
    };
    let seconds = "whole seconds since 1970";
    for kind in [AnswerKind::Client, AnswerKind::User] {
        let of = |name: &str| if kind == AnswerKind::Client { format!("/0/{name}") } else { format!("/{name}") };
        for (value, presented) in [(json!("true"), "text"), (json!(1), "an integer")] {
            let answer = with(answer(kind), &of("enabled"), value);
            check(kind, &answer, fault(kind, "enabled", "a boolean", presented));
        }
        for (value, presented) in [(json!("0"), "text"), (json!(-1), "an integer"), (json!(true), "a boolean")] {
            let answer = with(answer(kind), &of("notBefore"), value);
            check(kind, &answer, fault(kind, "notBefore", seconds, presented));
        }
    }
    let fraction = with(realm(), "/tokens-not-before", json!(0.5));
    let presented = "a fraction or a number out of range";
    check(AnswerKind::Realm, &fraction, fault(AnswerKind::Realm, "tokens-not-before", seconds, presented));
}

/// What only a required session depends on is read where one is required, and then as strictly.
#[test]
fn clients_of_a_session_and_the_need_of_consent_are_what_they_should_be() {
    let required = question_of(&policy_with_session(), &statement());
    let part = Part::Answer;
    let read = |kind, answer: &Value| parsed(kind, answer.to_string().as_bytes(), &required);
    let fault = |kind, error| Err(AnswerFault::Member { kind, error });
    let (kind, name) = (AnswerKind::Client, "consentRequired");
    let missing = fault(kind, MemberError::Missing { part, name });
    assert_eq!(read(kind, &without(client(), "/0/consentRequired")), missing);
    check(kind, &without(client(), "/0/consentRequired"), Ok(()));
    for (value, presented) in [(json!("false"), "text"), (json!(0), "an integer"), (json!(null), "null")] {
        let error = MemberError::WrongType { part, name, expected: "a boolean", presented };
        assert_eq!(read(kind, &with(client(), "/0/consentRequired", value)), fault(kind, error));
    }
    let (kind, name) = (AnswerKind::Sessions, "clients");
    let missing = fault(kind, MemberError::Missing { part, name });
    assert_eq!(read(kind, &without(answer(kind), "/1/clients")), missing);
    for (value, presented) in [(json!([]), "an array"), (json!("x"), "text"), (json!(null), "null")] {
        let error = MemberError::WrongType { part, name, expected: "an object", presented };
        assert_eq!(read(kind, &with(answer(kind), "/1/clients", value)), fault(kind, error));
    }
    let name = "start";
    for (value, presented) in [
        (json!("0"), "text"),
        (json!(-1), "an integer"),
        (json!(i64::MAX), "an integer"),
        (json!(0.5), "a fraction or a number out of range"),
    ] {
        let error = MemberError::WrongType { part, name, expected: "milliseconds since 1970", presented };
        assert_eq!(read(kind, &with(answer(kind), "/1/start", value)), fault(kind, error));
    }
}

#[test]
fn another_realm_does_not_answer() {
    for name in ["master", "Workflows", "workflows ", "workflow", "", ISSUER] {
        let expected = AnswerFault::AnotherRealm { expected: "workflows".to_owned(), presented: Excerpt::of(name) };
        check(AnswerKind::Realm, &with(realm(), "/realm", json!(name)), Err(expected));
    }
}

#[test]
fn answer_about_another_client_or_several_says_nothing() {
    let kind = AnswerKind::Client;
    let another = |presented: &str| {
        let expected = question().inquiry().client().clone();
        Err(AnswerFault::AnotherClient { kind, expected, presented: Excerpt::of(presented) })
    };
    for name in ["payment-app2", "Payment-app", "payment", "", "account"] {
        check(kind, &with(client(), "/0/clientId", json!(name)), another(name));
    }
    let one = client()[0].clone();
    check(kind, &json!([one, one]), another("2 clients"));
    check(kind, &json!([one, with(one.clone(), "/clientId", json!("other")), one]), another("3 clients"));
    check(kind, &json!([one]), Ok(()));
}

#[test]
fn answer_about_another_user_says_nothing() {
    let another = |kind, presented: &str| {
        Err(AnswerFault::AnotherUser { kind, expected: subject(), presented: Excerpt::of(presented) })
    };
    for name in ["mallory", &subject().as_str().to_uppercase(), ""] {
        let user = with(user(), "/id", json!(name));
        check(AnswerKind::User, &user, another(AnswerKind::User, name));
        let sessions = with(answer(AnswerKind::Sessions), "/1/userId", json!(name));
        check(AnswerKind::Sessions, &sessions, another(AnswerKind::Sessions, name));
    }
}

#[test]
fn list_of_clients_or_sessions_is_an_array_of_objects() {
    for kind in [AnswerKind::Client, AnswerKind::DisabledUsers, AnswerKind::Sessions, AnswerKind::Consents] {
        let not_a_list = || Err(AnswerFault::NotAList { kind });
        let one = answer(kind)[0].clone();
        for answer in [json!({}), json!(null), json!(true), json!(0), json!("[]"), one.clone()] {
            check(kind, &answer, not_a_list());
        }
        for item in [json!(null), json!(true), json!(0), json!("x"), json!([]), json!([one])] {
            check(kind, &json!([item]), not_a_list());
            check(kind, &json!([one, item]), not_a_list());
        }
    }
}

#[test]
fn realm_user_and_evaluation_are_objects() {
    for kind in [AnswerKind::Realm, AnswerKind::User, AnswerKind::Evaluation] {
        let whole = answer(kind);
        for answer in [json!([]), json!(null), json!(true), json!(0), json!("x"), json!([whole])] {
            check(kind, &answer, Err(AnswerFault::MalformedJson { kind, error: JsonError::NotAnObject }));
        }
    }
}

#[test]
fn bytes_that_are_no_strict_json_are_no_answer() {
    let malformed = |kind, column, duplicate_member| {
        let error = JsonError::Malformed { line: 1, column, duplicate_member };
        Err(AnswerFault::MalformedJson { kind, error })
    };
    for kind in KINDS.into_iter().chain([AnswerKind::Evaluation]) {
        let question = question();
        let check = |text: &str, expected| {
            assert_eq!(parsed(kind, text.as_bytes(), &question), expected, "{kind} {text}");
        };
        check("", malformed(kind, 0, false));
        check("<html>", malformed(kind, 1, false));
        check("{\"realm\":\"workf", malformed(kind, 15, false));
        check("[]]", malformed(kind, 3, false));
        check("{\"enabled\":true,\"enabled\":true}", malformed(kind, 31, true));
        check("[{\"enabled\":false,\"\\u0065nabled\":true}]", malformed(kind, 38, true));
        check("[{\"access\":{\"a\":1,\"a\":2}}]", malformed(kind, 24, true));
        check(&"[".repeat(100_000), malformed(kind, 128, false));
        let not_utf8 = parsed(kind, b"{\"a\":\"\xff\"}", &question);
        assert_eq!(not_utf8, malformed(kind, 7, false), "{kind}");
    }
}

/// Keycloak also calls users disabled who are locked out for a while, or who are read several times at once.
#[test]
fn user_who_is_not_stored_as_disabled_is_not_taken_for_disabled() {
    let locked_out = Err(AnswerFault::LockedOut { subject: subject() });
    let kind = AnswerKind::DisabledUsers;
    let found = &answer(kind)[0];
    let another = with(found.clone(), "/id", json!("another"));
    for users in [json!([]), json!([another]), json!([user()]), json!([another, user()])] {
        check(kind, &users, locked_out.clone());
    }
    check(kind, &json!([another, found]), Ok(()));
}

#[test]
fn user_who_is_said_to_be_disabled_has_a_name_to_search_for() {
    assert_eq!(disabled(question().inquiry()).username(), "alice");
    let disabled = with(user(), "/enabled", json!(false));
    let error = MemberError::Missing { part: Part::Answer, name: "username" };
    check(
        AnswerKind::User,
        &without(disabled, "/username"),
        Err(AnswerFault::Member { kind: AnswerKind::User, error }),
    );
    check(AnswerKind::User, &without(user(), "/username"), Ok(()));
}

#[test]
fn whatever_else_an_answer_holds_is_dropped() {
    let question = question();
    let client = ClientAnswer::parse(client().to_string().as_bytes(), question.inquiry()).unwrap();
    let user = UserAnswer::parse(user().to_string().as_bytes(), question.inquiry()).unwrap();
    let sessions = json!([session("one")]).to_string();
    let sessions = SessionsAnswer::parse(sessions.as_bytes(), question.inquiry()).unwrap();
    let disabled = disabled(question.inquiry());
    let printed = format!("{client:?} {user:?} {sessions:?} {disabled:?}");
    for secret in ["hush", "alice", "127.0.0.1"] {
        assert!(!printed.contains(secret), "{printed}");
    }
}
