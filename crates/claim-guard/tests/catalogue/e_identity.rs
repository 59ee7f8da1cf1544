//! Section E: issuer, audience, kind of token, identity.

use claim_guard::access::{Condition, Plain};
use claim_guard::decision::{Starter, Unmet};
use claim_guard::identifier::{Audience, ClientId, IdentifierError, Issuer, KeyId};
use claim_guard::json::MemberError;
use claim_guard::jws::JwsError;
use claim_guard::token::RequiredClaim;
use claim_guard::{AccessToken, AccessTokenVerifier, ClientList, Excerpt, Leeway, Rejection, VerifiedClaims};
use serde_json::{Map, Value, json};
use test_realm::{AUDIENCE, CLIENT, ISSUER, SUBJECT, TestKey, with, without};

use crate::fixture::*;
use crate::support;

fn of(name: &str, value: Value) -> Result<(), Rejection> {
    of_payload(&with(payload(), &format!("/{name}"), value))
}

fn wrong_issuer(presented: &str) -> Result<(), Rejection> {
    Err(Rejection::WrongIssuer { expected: Issuer::parse(ISSUER).unwrap(), presented: Excerpt::of(presented) })
}

fn wrong_audience(presented: &str) -> Result<(), Rejection> {
    Err(Rejection::WrongAudience { expected: Audience::parse(AUDIENCE).unwrap(), presented: Excerpt::of(presented) })
}

fn check_issuer(presented: &str) {
    assert_eq!(of("iss", json!(presented)), wrong_issuer(presented));
}

fn of_type(typ: &str) -> Result<(), Rejection> {
    of_header(&with(key().header(), "/typ", json!(typ)).to_string())
}

fn wrong_token_type(presented: &str) -> Result<(), Rejection> {
    rejected(JwsError::WrongTokenType { expected: "JWT or at+jwt", presented: Excerpt::of(presented) })
}

fn not_a_bearer(presented: &str) -> Result<(), Rejection> {
    Err(Rejection::NotABearerToken { presented: Excerpt::of(presented) })
}

fn claims_of(issuer: &str, payload: Value) -> VerifiedClaims {
    let key = key();
    let token = AccessToken::parse(&key.token(&with(payload, "/iss", json!(issuer)))).unwrap();
    let clients = ClientList::new([ClientId::parse(CLIENT).unwrap()]).unwrap();
    let (issuer, audience) = (Issuer::parse(issuer).unwrap(), Audience::parse(AUDIENCE).unwrap());
    let verifier = AccessTokenVerifier::new(issuer, audience, clients, Leeway::NONE);
    verifier.verify(&token, &support::keys(&[&key]), support::now()).unwrap()
}

/// Who started the execution that the sample's subject starts.
fn starter() -> Starter {
    let key = TestKey::kms();
    transaction_verifier(&[&key]).verify_whatever_age(&mint(&key), &at(EXECUTION), support::now()).unwrap().starter()
}

#[test]
fn e1_issuer_with_another_slash_is_rejected() {
    check_issuer(&format!("{ISSUER}/"));
    check_issuer(&ISSUER.replacen("/realms", "realms", 1));
    check_issuer(&ISSUER.replacen("https://", "https:/", 1));
    let shape = IdentifierError::WrongShape { kind: "issuer", expected: "https://HOST[:PORT]/realms/REALM" };
    assert_eq!(Issuer::parse(&format!("{ISSUER}/")), Err(shape));
}

#[test]
fn e3_issuer_that_begins_or_ends_like_ours_is_rejected() {
    for behind in [".evil", "b", "/../b", "#", "?", "%00", "\0", " "] {
        check_issuer(&format!("{ISSUER}{behind}"));
    }
    check_issuer(&ISSUER[..ISSUER.len() - 1]);
    check_issuer(&ISSUER.replace("/realms/", "/realms/../realms/"));
    check_issuer(&ISSUER.replace("keycloak.example.com", "keycloak.example.com.evil.example"));
    check_issuer(&ISSUER.replace("keycloak.", "user@keycloak."));
    check_issuer(&ISSUER.replace("keycloak.example.com", "KEYCLOAK.example.com"));
    check_issuer(&ISSUER.replace("https", "http"));
    check_issuer(&ISSUER.replace(".com", ".com:443"));
}

#[test]
fn e4_token_without_an_issuer_is_rejected() {
    assert_eq!(of_payload(&without(payload(), "/iss")), no_claim(RequiredClaim::Issuer));
}

#[test]
fn e5_token_of_another_realm_of_the_host_is_rejected() {
    let (ours, theirs) = (key(), TestKey::generate("RS256", "their-key"));
    let token = theirs.token(&with(payload(), "/iss", json!(ISSUER.replace("workflows", "another"))));
    let unknown = JwsError::UnknownKey { key_id: KeyId::parse("their-key").unwrap() };
    assert_eq!(verdict(&token, &[&ours]), rejected(unknown));
}

#[test]
fn e6_key_of_another_realm_under_our_key_s_name_is_rejected() {
    let (ours, theirs) = (key(), key());
    assert_eq!(verdict(&theirs.token(&payload()), &[&ours]), bad_signature(&ours));
}

#[test]
fn e9_token_without_an_audience_is_rejected() {
    assert_eq!(of_payload(&without(payload(), "/aud")), no_claim(RequiredClaim::Audience));
}

#[test]
fn e10_token_for_keycloak_s_account_console_alone_is_rejected() {
    assert_eq!(of("aud", json!("account")), wrong_audience("account"));
    assert_eq!(of("aud", json!(["account"])), wrong_audience("account"));
}

#[test]
fn e11_audience_may_name_others_beside_us() {
    assert_eq!(of("aud", json!(["account", AUDIENCE, "broker"])), Ok(()));
}

#[test]
fn e12_audience_that_only_looks_like_ours_is_rejected() {
    for audience in [
        "Workflow-Api",
        "workflow-api ",
        " workflow-api",
        "workflow",
        "workflow-api-2",
        "workflow-api,x",
        "workflow\u{2010}api",
    ] {
        assert_eq!(of("aud", json!(audience)), wrong_audience(audience));
        assert_eq!(of("aud", json!([audience])), wrong_audience(audience));
    }
    assert_eq!(of("aud", json!("account workflow-api")), wrong_audience("account workflow-api"));
}

#[test]
fn e13_token_issued_to_another_client_is_rejected() {
    for client in ["another", "Payment-App", "payment-app ", "payment-app,another"] {
        assert_eq!(of("azp", json!(client)), Err(Rejection::ForbiddenClient { presented: Excerpt::of(client) }));
    }
    assert_eq!(
        of_payload(&without(payload(), "/azp")),
        Err(Rejection::NoClaim { claim: RequiredClaim::Client, client: None })
    );
    assert_eq!(of("azp", json!([CLIENT])), wrong_type("azp", "text", "an array"));
    assert_eq!(of("azp", json!(null)), wrong_type("azp", "text", "null"));
    let empty = IdentifierError::Empty { kind: "client id" };
    assert_eq!(
        of("azp", json!("")),
        rejected(JwsError::Member(MemberError::MalformedIdentifier { name: "azp", error: empty }))
    );
}

#[test]
fn e15_refresh_token_is_rejected() {
    assert_eq!(of("typ", json!("Refresh")), Err(Rejection::RefreshToken));
    let key = key();
    let header = with(key.header(), "/alg", json!("HS512")).to_string();
    let token = key.token_of(&header, &with(payload(), "/typ", json!("Refresh")).to_string());
    assert_eq!(verdict(&token, &[&key]), Err(Rejection::RefreshToken));
}

#[test]
fn e16_offline_token_is_rejected() {
    assert_eq!(of("typ", json!("Offline")), Err(Rejection::OfflineToken));
    let key = key();
    let header = with(key.header(), "/alg", json!("HS512")).to_string();
    let token = key.token_of(&header, &with(payload(), "/typ", json!("Offline")).to_string());
    assert_eq!(verdict(&token, &[&key]), Err(Rejection::OfflineToken));
}

#[test]
fn e17_logout_token_is_rejected() {
    assert_eq!(of_type("logout+jwt"), wrong_token_type("logout+jwt"));
    assert_eq!(of("typ", json!("Logout")), not_a_bearer("Logout"));
    for event in [
        "http://schemas.openid.net/event/backchannel-logout",
        "https://schemas.openid.net/secevent/caep/event-type/session-revoked",
        "urn:ietf:params:scim:event:create",
    ] {
        for value in [json!({}), json!({ "reason": "x" }), json!(null)] {
            let events = json!({ "beside": 1, event: value });
            assert_eq!(of("events", events), Err(Rejection::ForeignClaim { name: "events" }), "{event}");
        }
    }
}

#[test]
fn e18_every_other_kind_of_token_is_rejected() {
    for typ in [
        "dpop+jwt",
        "token-introspection+jwt",
        "secevent+jwt",
        "oauth-authz-req+jwt",
        "txntoken+jwt",
        "JWS",
        "JOSE",
        "jwt ",
        "jwt+at",
        "",
    ] {
        assert_eq!(of_type(typ), wrong_token_type(typ), "{typ}");
    }
    for kind in [
        "Serialized-ID",
        "RegistrationAccessToken",
        "InitialAccessToken",
        "execute-actions",
        "verify-email",
        "reset-credentials",
        "",
    ] {
        assert_eq!(of("typ", json!(kind)), not_a_bearer(kind), "{kind}");
    }
    assert_eq!(of("typ", json!("ID")), Err(Rejection::IdToken));
    // A client's assertion names the client as its issuer; user info, and the answer in JWT form, have no kind at all.
    check_issuer(CLIENT);
    assert_eq!(of_payload(&without(payload(), "/typ")), no_claim(RequiredClaim::Kind));
    // A requesting party's token says `Bearer` too, and an ID token's hashes are in no access token.
    for (name, value) in [
        ("authorization", json!({ "permissions": [{ "rsid": "1", "scopes": ["view"] }] })),
        ("authorization", json!({ "permissions": null, "more": 1 })),
        ("at_hash", json!("77QmUPtjPfzWtF2AnpK9RQ")),
        ("c_hash", json!(null)),
        ("s_hash", json!({})),
        ("token_introspection", json!({ "active": true, "sub": "alice" })),
        ("token_introspection", json!({ "active": false })),
    ] {
        assert_eq!(of(name, value.clone()), Err(Rejection::ForeignClaim { name }), "{value}");
    }
    let proof = with(with(payload(), "/htm", json!("POST")), "/htu", json!("https://x/y"));
    assert_eq!(of_payload(&proof), Err(Rejection::ForeignClaim { name: "htm" }));
}

#[test]
fn e18_claim_of_a_realm_s_own_may_be_called_like_one_of_another_kind() {
    for (name, values) in [
        (
            "events",
            [
                json!("marathon"),
                json!(["a", "b"]),
                json!({}),
                json!({ "marathon": {}, "5: run": {} }),
                json!(null),
                json!(7),
            ],
        ),
        (
            "authorization",
            [json!("full"), json!(["a"]), json!({}), json!({ "level": 2 }), json!(true), json!(["permissions"])],
        ),
        ("htm", [json!("GET"), json!({}), json!([]), json!(1), json!(null), json!(false)]),
        ("htu", [json!("https://x/y"), json!({}), json!([]), json!(1), json!(null), json!(false)]),
        (
            "token_introspection",
            [json!("on"), json!({}), json!({ "Active": true }), json!([]), json!(true), json!(["active"])],
        ),
    ] {
        for value in values {
            assert_eq!(of(name, value.clone()), Ok(()), "{name} {value}");
        }
    }
    let half = with(with(payload(), "/htm", json!("POST")), "/htu", json!({ "unit": "m" }));
    assert_eq!(of_payload(&half), Ok(()));
}

#[test]
fn e19_header_s_type_is_compared_as_a_media_type() {
    for typ in ["JWT", "jwt", "at+jwt", "application/at+jwt", "AT+JWT", "Application/AT+JWT", "application/jwt"] {
        assert_eq!(of_type(typ), Ok(()), "{typ}");
    }
    assert_eq!(of_header(&without(key().header(), "/typ").to_string()), Ok(()));
    for typ in ["application/application/jwt", "text/jwt", "application/", "at + jwt", "at+jwt; x=1"] {
        assert_eq!(of_type(typ), wrong_token_type(typ), "{typ}");
    }
}

#[test]
fn e21_kind_is_bearer_in_any_case_and_nothing_around_it() {
    for kind in ["Bearer", "bearer", "BEARER"] {
        assert_eq!(of("typ", json!(kind)), Ok(()));
    }
    for kind in ["Bearer ", " Bearer", "Bearer\0", "Bearers", "B\u{435}arer"] {
        assert_eq!(of("typ", json!(kind)), not_a_bearer(kind));
    }
}

#[test]
fn e22_dpop_bound_token_is_rejected() {
    assert_eq!(of("typ", json!("DPoP")), Err(Rejection::DpopBoundToken));
    assert_eq!(of("cnf", json!({ "jkt": "x" })), Err(Rejection::DpopBoundToken));
    assert_eq!(of("cnf", json!({ "kid": "x" })), Err(Rejection::BoundToken));
    assert_eq!(of("cnf", json!({})), Err(Rejection::BoundToken));
    assert_eq!(of("cnf", json!(null)), wrong_type("cnf", "an object", "null"));
}

#[test]
fn e23_certificate_bound_token_is_rejected() {
    assert_eq!(of("cnf", json!({ "x5t#S256": "x" })), Err(Rejection::CertificateBoundToken));
}

/// The payload of a service account, as Keycloak writes it.
fn service_account() -> Value {
    let payload = with(without(payload(), "/sid"), "/preferred_username", json!("service-account-batch"));
    with(payload, "/client_id", json!("batch"))
}

fn person() -> Value {
    with(payload(), "/account_kind", json!("person"))
}

#[test]
fn e24_service_account_on_a_route_for_people_is_denied() {
    assert_eq!(post(&service_account(), "/people"), absent("account_kind = \"person\""));
    assert_eq!(post(&person(), "/people"), []);
}

#[test]
fn e25_user_who_is_named_like_a_service_account_is_still_a_user() {
    let named = with(person(), "/preferred_username", json!("service-account-batch"));
    assert_eq!(post(&named, "/people"), []);
    assert_eq!(post(&named, "/batches"), absent("client_id = \"batch\""));
    let same = with(person(), "/sub", json!("batch"));
    assert_eq!(post(&same, "/batches"), absent("client_id = \"batch\""));
    assert_eq!(post(&service_account(), "/batches"), []);
}

#[test]
fn e27_token_of_the_master_realm_is_rejected() {
    check_issuer(&ISSUER.replace("workflows", "master"));
}

#[test]
fn e28_one_subject_of_two_realms_is_two_identities() {
    let other = claims_of(&ISSUER.replace("workflows", "another"), payload());
    assert_eq!(other.identity().subject().as_str(), SUBJECT);
    let denied = unmet(&policy().decide_describe(&other, &workflow("payment"), &starter()));
    let Some(Unmet::NotTheStarter { expected, presented }) = denied.first() else { panic!("{denied:?}") };
    assert_eq!((expected, denied.len()), (&starter(), 1));
    assert_eq!((presented.subject(), presented.issuer()), (starter().subject(), other.identity().issuer()));
    let ours = claims_of(ISSUER, payload());
    assert_eq!(unmet(&policy().decide_describe(&ours, &workflow("payment"), &starter())), []);
}

#[test]
fn e29_e_mail_and_user_name_identify_nobody() {
    let victim = [("/email", "alice@example.com"), ("/preferred_username", "alice"), ("/name", "Alice")];
    let attacker = victim.into_iter().fold(with(payload(), "/sub", json!("mallory")), |payload, (pointer, value)| {
        with(payload, pointer, json!(value))
    });
    let claims = support::claims(&with(attacker, "/email_verified", json!(false)));
    assert_eq!(claims.identity().subject().as_str(), "mallory");
    let denied = unmet(&policy().decide_stop(&claims, &workflow("payment"), &starter()));
    assert_eq!(denied.iter().map(Unmet::code).collect::<Vec<_>>(), ["not_the_starter"]);
    let renamed = support::claims(&with(payload(), "/email", json!("new@example.com")));
    assert_eq!(unmet(&policy().decide_stop(&renamed, &workflow("payment"), &starter())), []);
    assert_eq!(unmet(&policy().decide_start(&renamed, &workflow("payment"), &Map::new())), []);
}

#[test]
fn e30_insufficient_authentication_is_denied_on_a_route_of_high_assurance() {
    let condition = Condition::parse("acr = \"2\"").unwrap();
    for acr in ["0", "1", "02", "2 ", "20"] {
        let (expected, presented) = (Plain::Text("2".to_owned()), json!(acr));
        let unmet = Unmet::ClaimUnmet { condition: condition.clone(), expected, presented };
        assert_eq!(post(&with(payload(), "/acr", json!(acr)), "/assured"), [unmet]);
    }
    assert_eq!(post(&without(payload(), "/acr"), "/assured"), absent("acr = \"2\""));
    assert_eq!(post(&with(payload(), "/acr", json!("2")), "/assured"), []);
}
