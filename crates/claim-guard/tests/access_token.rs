//! Signature, key and encoding of an access token; the claims have their vectors.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test may panic")]

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use claim_guard::identifier::{Audience, ClientId, IdentifierError, Issuer, KeyId};
use claim_guard::json::Part;
use claim_guard::jws::{Algorithm, JwsError};
use claim_guard::{AccessToken, AccessTokenVerifier, ClientList, Excerpt, JsonError, Leeway, Rejection, Role};
use serde_json::{Value, json};
use test_realm::{AUDIENCE, CLIENT, NOW, TestKey, access_token_payload, with, without};

mod support;

#[track_caller]
fn check(token: &str, key: &TestKey, expected: Result<(), Rejection>) {
    let presented = AccessToken::parse(token)
        .and_then(|token| support::verifier().verify(&token, &support::keys(&[key]), support::now()))
        .map(|_| ());
    assert_eq!(presented, expected);
}

#[test]
fn every_algorithm_of_the_allow_list_verifies() {
    for algorithm in Algorithm::ALL {
        let key = TestKey::generate(algorithm.name(), "key");
        check(&key.token(&access_token_payload(NOW)), &key, Ok(()));
    }
}

/// The token's issuer is compared as it is written: another spelling of the same name is another issuer.
#[test]
fn realm_whose_name_is_percent_encoded_is_compared_as_it_is_written() {
    let key = TestKey::generate("ES256", "key");
    let [spaced, plain, lower, twice] = ["My%20Realm", "My Realm", "My%20realm", "My%2520Realm"]
        .map(|realm| format!("https://id.example.com/realms/{realm}"));
    let ours = Issuer::parse(&spaced).unwrap();
    let clients = ClientList::new([ClientId::parse(CLIENT).unwrap()]).unwrap();
    let verifier = AccessTokenVerifier::new(ours.clone(), Audience::parse(AUDIENCE).unwrap(), clients, Leeway::MAX);
    let verified = |issuer: &str| {
        let token = key.token(&with(access_token_payload(NOW), "/iss", json!(issuer)));
        let token = AccessToken::parse(&token).unwrap();
        verifier
            .verify(&token, &support::keys(&[&key]), support::now())
            .map(|claims| claims.identity().issuer().realm())
    };
    assert_eq!(verified(&spaced), Ok("My Realm".to_owned()));
    for other in [plain, lower, twice] {
        let expected = Rejection::WrongIssuer { expected: ours.clone(), presented: Excerpt::of(&other) };
        assert_eq!(verified(&other), Err(expected));
    }
}

#[test]
fn signature_of_another_key_of_the_same_name_is_rejected() {
    for algorithm in Algorithm::ALL {
        let (ours, theirs) = (TestKey::generate(algorithm.name(), "key"), TestKey::generate(algorithm.name(), "key"));
        let expected = JwsError::BadSignature { key_id: KeyId::parse("key").unwrap() };
        check(&theirs.token(&access_token_payload(NOW)), &ours, Err(expected.into()));
    }
}

#[test]
fn algorithm_of_the_token_is_the_key_s_or_none() {
    for family in [["RS256", "RS384"], ["RS256", "PS256"], ["PS256", "RS256"], ["PS256", "PS384"]] {
        let [published, presented] = family;
        let key = TestKey::generate(published, "key");
        let jwks = support::keys(&[&key]);
        let token = AccessToken::parse(&key.renamed(presented, "key").token(&access_token_payload(NOW))).unwrap();
        let expected = JwsError::AlgorithmOfAnotherKey {
            expected: Algorithm::named(published).unwrap(),
            presented: Algorithm::named(presented).unwrap(),
        };
        let verified = support::verifier().verify(&token, &jwks, support::now());
        assert_eq!(verified.map(|_| ()), Err(Rejection::Jws(expected)));
    }
}

#[test]
fn altered_part_is_rejected() {
    let key = TestKey::generate("ES256", "key");
    let other = TestKey::generate("ES256", "key");
    let token = key.token(&access_token_payload(NOW));
    let [header, payload, signature] = parts(&token);
    let bad = || Err(JwsError::BadSignature { key_id: KeyId::parse("key").unwrap() }.into());
    let richer = with(access_token_payload(NOW), "/project_id", json!("gemini"));
    let [_, richer, _] = parts(&key.token(&richer));
    let [_, _, spliced] = parts(&other.token(&access_token_payload(NOW)));
    check(&format!("{header}.{richer}.{signature}"), &key, bad());
    check(&format!("{header}.{payload}.{spliced}"), &key, bad());
    check(&format!("{header}.{payload}."), &key, bad());
    check(&format!("{header}.{payload}.{}", URL_SAFE_NO_PAD.encode([0; 64])), &key, bad());
    let escaped = header_text(&header).replace("\"alg\"", "\"\\u0061lg\"");
    let token = key.token_of(&escaped, &access_token_payload(NOW).to_string());
    check(&token, &key, Ok(()));
}

#[test]
fn ed25519_signature_with_s_over_the_group_s_order_is_rejected() {
    // RFC 8032 §5.1.7: the order 2^252 + 27742317777372353535851937790883648493, lowest byte first.
    let order = [
        0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14, 0, 0, 0, 0, 0,
        0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
    ];
    let key = TestKey::generate("EdDSA", "key");
    let token = key.token(&access_token_payload(NOW));
    let [header, payload, signature] = parts(&token);
    let mut signature = URL_SAFE_NO_PAD.decode(signature).unwrap();
    let mut carry = 0;
    for (digit, addend) in signature[32..].iter_mut().zip(order) {
        let sum = u16::from(*digit) + addend + carry;
        (*digit, carry) = (sum as u8, sum >> 8);
    }
    let expected = JwsError::BadSignature { key_id: KeyId::parse("key").unwrap() };
    let twin = format!("{header}.{payload}.{}", URL_SAFE_NO_PAD.encode(signature));
    check(&token, &key, Ok(()));
    check(&twin, &key, Err(expected.into()));
}

#[test]
fn every_proper_prefix_of_a_token_is_rejected() {
    let key = TestKey::generate("ES256", "key");
    let token = key.token(&access_token_payload(NOW));
    let keys = support::keys(&[&key]);
    for end in 0..token.len() {
        let verified = AccessToken::parse(&token[..end])
            .and_then(|token| support::verifier().verify(&token, &keys, support::now()));
        assert!(verified.is_err(), "prefix of {end} bytes");
    }
}

#[test]
fn text_that_is_not_canonical_base64url_is_rejected() {
    let key = TestKey::generate("ES256", "key");
    let [header, payload, signature] = parts(&key.token(&access_token_payload(NOW)));
    let of = |part| Err(JwsError::NotBase64Url { part }.into());
    // The payload's signature is checked before anything of it is decoded.
    let unsigned = || Err(JwsError::BadSignature { key_id: KeyId::parse("key").unwrap() }.into());
    for spoiled in ["=", "==", " ", "\n", "\t", "+", "/", "?", "é", "%2E", "\u{ff0e}", "\0"] {
        check(&format!("{header}{spoiled}.{payload}.{signature}"), &key, of(Part::Header));
        check(&format!("{header}.{payload}{spoiled}.{signature}"), &key, unsigned());
        check(&format!("{header}.{payload}.{signature}{spoiled}"), &key, of(Part::Signature));
    }
    // 64 bytes leave four bits of the last letter unused: only one of its sixteen spellings is canonical.
    let (kept, last) = signature.split_at(signature.len() - 1);
    let alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let value = alphabet.find(last).unwrap();
    for alias in alphabet[value + 1..value + 16].chars() {
        check(&format!("{header}.{payload}.{kept}{alias}"), &key, of(Part::Signature));
    }
}

#[test]
fn signed_payload_that_is_no_strict_json_object_is_rejected() {
    let key = TestKey::generate("ES256", "key");
    let header = key.header().to_string();
    let good = access_token_payload(NOW).to_string();
    let malformed = |column, duplicate_member| {
        let error = JsonError::Malformed { line: 1, column, duplicate_member };
        Err(JwsError::MalformedJson { part: Part::Payload, error }.into())
    };
    let not_an_object = || Err(JwsError::MalformedJson { part: Part::Payload, error: JsonError::NotAnObject }.into());
    for text in ["[]", "null", "1", "\"x\"", "[1767225900,1,\"sub\"]"] {
        check(&key.token_of(&header, text), &key, not_an_object());
    }
    let twice = format!("{},\"azp\":\"payment-app\"}}", &good[..good.len() - 1]);
    check(&key.token_of(&header, &twice), &key, malformed(twice.len(), true));
    let escaped = format!("{},\"\\u0061zp\":\"payment-app\"}}", &good[..good.len() - 1]);
    check(&key.token_of(&header, &escaped), &key, malformed(escaped.len(), true));
    let trailing = format!("{good}{good}");
    check(&key.token_of(&header, &trailing), &key, malformed(good.len() + 1, false));
}

#[test]
fn parts_are_three() {
    for (token, presented) in [("", 1), (".", 2), ("a.b", 2), ("a.b.c.d", 4), ("a.b.c.d.e", 5)] {
        assert_eq!(
            AccessToken::parse(token).map(|_| ()),
            Err(Rejection::Jws(JwsError::WrongPartCount { presented })),
            "{token}"
        );
    }
}

#[test]
fn token_over_eight_kibibytes_is_refused_before_anything_is_decoded() {
    for (length, expected) in [(8192, Ok(())), (8193, Err(())), (4 << 20, Err(()))] {
        let token = format!("a.b.{}", "c".repeat(length - 4));
        let refused = Rejection::Jws(JwsError::TooLong { limit: 8192, presented: length });
        assert_eq!(AccessToken::parse(&token).map(|_| ()), expected.map_err(|()| refused));
    }
}

#[test]
fn authorization_header_is_bearer_one_space_and_a_token() {
    let token = "a.b.c";
    for scheme in ["Bearer", "bearer", "BEARER"] {
        assert_eq!(AccessToken::from_authorization_header(&format!("{scheme} {token}")).map(|_| ()), Ok(()));
    }
    for header in ["", "Bearer", "Bearer ", "Basic a.b.c", "DPoP a.b.c", "a.b.c", "Bearer\ta.b.c", "Bearer\u{a0}a.b.c"]
    {
        let presented = AccessToken::from_authorization_header(header).map(|_| ());
        assert_eq!(presented, Err(Rejection::NoBearerToken), "{header:?}");
    }
    // A second space, or a second token, becomes a part of the first one's text and fails there.
    let key = TestKey::generate("ES256", "key");
    let token = key.token(&access_token_payload(NOW));
    for header in [format!("Bearer  {token}"), format!("Bearer {token} "), format!("Bearer {token}, Bearer {token}")] {
        let verified = AccessToken::from_authorization_header(&header)
            .and_then(|token| support::verifier().verify(&token, &support::keys(&[&key]), support::now()));
        assert!(matches!(verified, Err(Rejection::Jws(_))), "{verified:?}");
    }
}

#[test]
fn key_is_looked_up_by_the_name_in_the_header() {
    let (one, two) = (TestKey::generate("ES256", "one"), TestKey::generate("EdDSA", "two"));
    let keys = support::keys(&[&one, &two]);
    for key in [&one, &two] {
        let token = AccessToken::parse(&key.token(&access_token_payload(NOW))).unwrap();
        assert_eq!(token.untrusted_key_id().map(|id| id.as_str().to_owned()), Ok(key.kid().to_owned()));
        assert_eq!(support::verifier().verify(&token, &keys, support::now()).map(|_| ()), Ok(()));
    }
    let refused = AccessToken::parse(&one.renamed("none", "one").header_only()).unwrap().untrusted_key_id();
    assert_eq!(refused, Err(Rejection::Jws(JwsError::ForbiddenAlgorithm { presented: Excerpt::of("none") })));
}

#[test]
fn verified_claims_say_what_the_token_says() {
    let claims = support::claims(&access_token_payload(NOW));
    let identity = claims.identity();
    assert_eq!(identity.subject().as_str(), test_realm::SUBJECT);
    assert_eq!(identity.client().as_str(), test_realm::CLIENT);
    assert_eq!(identity.issuer().as_str(), test_realm::ISSUER);
    assert_eq!(identity.session_id().map(|sid| sid.as_str()), Some("kZ0VtqGmXJt0tBoQb1x2y3z4"));
    assert_eq!((identity.issued_at().seconds(), identity.expires_at().seconds()), (NOW, NOW + 300));
    let roles: Vec<String> = identity.roles().iter().map(ToString::to_string).collect();
    let api = ["approve", "execute", "screen", "start"].map(|name| format!("workflow-api:payment:{name}"));
    assert_eq!(roles, [&["realm:default-roles-workflows".to_owned()][..], &api].concat());
}

#[test]
fn role_s_text_means_one_role_whatever_the_client_is_called() {
    let client = |id: &str, name: &str| Role::client(ClientId::parse(id).unwrap(), name).unwrap();
    for (role, text) in [
        (Role::realm("approver").unwrap(), "realm:approver"),
        (Role::realm("a:b").unwrap(), "realm:a:b"),
        (client("workflow-api", "payment:approve"), "workflow-api:payment:approve"),
        (client("realm", "approver"), "%72ealm:approver"),
        (client("a.b", "c"), "a.b:c"),
        (client("a:b", "c"), "a%3Ab:c"),
        (client("a", "b:c"), "a:b:c"),
        (client("https://app.example.com:8443", "use"), "https%3A//app.example.com%3A8443:use"),
        (client("100%", "x"), "100%25:x"),
        (client("%3A", "x"), "%253A:x"),
        (client("%72ealm", "x"), "%2572ealm:x"),
    ] {
        assert_eq!(role.to_string(), text);
        assert_eq!(Role::parse(text), Ok(role), "{text}");
    }
    let shape = IdentifierError::WrongShape { kind: "role", expected: "realm:NAME or CLIENT:NAME" };
    for text in ["approver", "%72:x", "a%3a:x", "%zz:x", "100%:x", "%72ealm2:x"] {
        assert_eq!(Role::parse(text), Err(shape.clone()), "{text}");
    }
}

#[test]
fn scope_is_kept_as_presented_or_the_token_is_rejected() {
    let scope = |payload: &Value| support::claims(payload).identity().scope().map(ToString::to_string);
    let of = |text: &str| scope(&with(access_token_payload(NOW), "/scope", json!(text)));
    let longest = format!("{} {}", "x".repeat(300), "y".repeat(83));
    for text in ["openid", "openid offline_access", longest.as_str()] {
        assert_eq!(of(text).as_deref(), Some(text));
    }
    assert_eq!(of(""), None);
    assert_eq!(scope(&without(access_token_payload(NOW), "/scope")), None);
}

#[test]
fn tokens_never_print() {
    let token = AccessToken::parse(&TestKey::generate("ES256", "key").token(&access_token_payload(NOW))).unwrap();
    assert_eq!(format!("{token:?}"), "AccessToken(…)");
}

#[test]
fn expectations_are_bounded() {
    assert_eq!(ClientList::new([]), None);
    assert_eq!(Leeway::seconds(5), Some(Leeway::MAX));
    assert_eq!(Leeway::seconds(6), None);
}

fn parts(token: &str) -> [String; 3] {
    let parts: Vec<String> = token.split('.').map(str::to_owned).collect();
    parts.try_into().unwrap()
}

fn header_text(header: &str) -> String {
    String::from_utf8(URL_SAFE_NO_PAD.decode(header).unwrap()).unwrap()
}

trait HeaderOnly {
    fn header_only(&self) -> String;
}

impl HeaderOnly for TestKey {
    fn header_only(&self) -> String {
        format!("{}.e30.", URL_SAFE_NO_PAD.encode(self.header().to_string()))
    }
}
