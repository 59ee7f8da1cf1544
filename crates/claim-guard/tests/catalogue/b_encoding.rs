//! Section B: encoding and format.

use claim_guard::json::Part;
use claim_guard::jws::JwsError;
use claim_guard::{AccessToken, Rejection};
use serde_json::json;
use test_realm::{TestKey, with};

use crate::fixture::*;
use crate::support;

const ALPHABET: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

fn parsed(token: &str) -> Result<(), Rejection> {
    AccessToken::parse(token).map(|_| ())
}

fn parts_presented(presented: usize) -> Result<(), Rejection> {
    rejected(JwsError::WrongPartCount { presented })
}

/// Each part with the text put behind it; the first two signed as they stand.
fn spoiled(key: &TestKey, text: &str) -> [(Part, String); 3] {
    let [header, claims, _] = parts(&key.token(&payload()));
    let token = key.token(&payload());
    [
        (Part::Header, signed(key, &format!("{header}{text}.{claims}"))),
        (Part::Payload, signed(key, &format!("{header}.{claims}{text}"))),
        (Part::Signature, format!("{token}{text}")),
    ]
}

fn check_spoiled(text: &str) {
    let key = key();
    for (part, token) in spoiled(&key, text) {
        assert_eq!(verdict(&token, &[&key]), not_base64url(part), "{text:?}");
    }
}

#[test]
fn b1_token_of_other_than_three_parts_is_rejected() {
    assert_eq!(parsed(""), parts_presented(1));
    for count in [1, 2, 4, 5, 6] {
        assert_eq!(parsed(&vec!["e30"; count].join(".")), parts_presented(count));
    }
    assert_eq!(parsed(&".".repeat(8000)), parts_presented(8001));
    assert_eq!(parsed(&".".repeat(9999)), rejected(JwsError::TooLong { limit: 8192, presented: 9999 }));
}

#[test]
fn b2_token_of_nothing_is_rejected() {
    for (token, presented) in [("", 1), (".", 2), (" ", 1), ("    ", 1), ("\0", 1), ("...", 4)] {
        assert_eq!(parsed(token), parts_presented(presented), "{token:?}");
    }
    assert_eq!(verdict("..", &[&key()]), malformed(Part::Header, 0));
    assert_eq!(verdict(" . . ", &[&key()]), not_base64url(Part::Header));
}

#[test]
fn b3_padding_is_rejected() {
    for text in ["=", "==", "==="] {
        check_spoiled(text);
    }
}

#[test]
fn b5_whitespace_is_rejected() {
    for text in [" ", "\r", "\n", "\r\n", "\t", "\u{a0}"] {
        check_spoiled(text);
    }
    let key = key();
    let token = key.token(&payload());
    assert_eq!(verdict(&format!(" {token}"), &[&key]), not_base64url(Part::Header));
    let inside = format!("{}\n{}", &token[..10], &token[10..]);
    assert_eq!(verdict(&inside, &[&key]), not_base64url(Part::Header));
}

#[test]
fn b6_bits_behind_the_last_byte_are_rejected() {
    let key = key();
    let padded = |text: &str, width: usize| {
        let last = ALPHABET.find(&text[text.len() - 1..]).unwrap();
        let kept = text[..text.len() - 1].to_owned();
        (last + 1..last + width).map(move |alias| format!("{kept}{}", &ALPHABET[alias..=alias])).collect::<Vec<_>>()
    };
    // One byte over a multiple of three leaves four bits unused, two bytes over leave two.
    for (pad, width) in [(1, 16), (2, 4)] {
        let text = |json: String| format!("{json}{}", " ".repeat((3 + pad - json.len() % 3) % 3));
        let (header, claims) =
            (encode(text(key.header().to_string()).as_bytes()), encode(text(payload().to_string()).as_bytes()));
        assert_eq!(verdict(&signed(&key, &format!("{header}.{claims}")), &[&key]), Ok(()));
        for alias in padded(&header, width) {
            assert_eq!(verdict(&signed(&key, &format!("{alias}.{claims}")), &[&key]), not_base64url(Part::Header));
        }
        for alias in padded(&claims, width) {
            assert_eq!(verdict(&signed(&key, &format!("{header}.{alias}")), &[&key]), not_base64url(Part::Payload));
        }
    }
    let (input, signature) = key.token(&payload()).rsplit_once('.').map(|(a, b)| (a.to_owned(), b.to_owned())).unwrap();
    for alias in padded(&signature, 16) {
        assert_eq!(verdict(&format!("{input}.{alias}"), &[&key]), not_base64url(Part::Signature));
    }
}

#[test]
fn b7_character_that_is_not_of_base64url_is_rejected() {
    for text in ["?", "#", "\u{e9}", "+", "/", "\0", "*", "\u{1f600}"] {
        check_spoiled(text);
    }
}

#[test]
fn b8_percent_encoded_token_is_rejected() {
    let key = key();
    let token = key.token(&payload());
    assert_eq!(verdict(&token.replace('.', "%2E"), &[&key]), parts_presented(1));
    assert_eq!(verdict(&token.replacen('.', "%2e", 1), &[&key]), parts_presented(2));
    check_spoiled("%2E");
}

#[test]
fn b9_dot_that_only_looks_like_one_is_rejected() {
    let key = key();
    for dot in ["\u{ff0e}", "\u{3002}", "\u{2024}", "\u{b7}"] {
        assert_eq!(verdict(&key.token(&payload()).replace('.', dot), &[&key]), parts_presented(1), "{dot}");
    }
}

#[test]
fn b11_nested_token_is_rejected() {
    let key = key();
    let inner = key.token(&payload());
    let nested = |header: &str| {
        verdict(&signed(&key, &format!("{}.{}", encode(header.as_bytes()), encode(inner.as_bytes()))), &[&key])
    };
    assert_eq!(nested(&with(key.header(), "/cty", json!("JWT")).to_string()), forbidden_member("cty"));
    assert_eq!(nested(&key.header().to_string()), malformed(Part::Payload, 1));
}

#[test]
fn b12_json_serialization_is_rejected() {
    let key = key();
    let [header, claims, signature] = parts(&key.token(&payload()));
    let flattened = json!({ "protected": header, "payload": claims, "signature": signature });
    let general = json!({ "payload": claims, "signatures": [{ "protected": header, "signature": signature }] });
    let unprotected = json!({ "header": key.header(), "payload": claims, "signature": signature });
    for form in [flattened, general, unprotected] {
        assert_eq!(verdict(&form.to_string(), &[&key]), parts_presented(1));
    }
}

#[test]
fn b13_json_serialization_with_a_good_and_a_bad_signature_is_rejected() {
    let key = key();
    let [header, claims, signature] = parts(&key.token(&payload()));
    let signatures =
        json!([{ "protected": header, "signature": signature }, { "protected": header, "signature": "AAAA" }]);
    assert_eq!(
        verdict(&json!({ "payload": claims, "signatures": signatures }).to_string(), &[&key]),
        parts_presented(1)
    );
}

#[test]
fn b14_detached_payload_is_rejected() {
    let key = key();
    let [header, _, signature] = parts(&key.token(&payload()));
    assert_eq!(verdict(&format!("{header}..{signature}"), &[&key]), bad_signature(&key));
    assert_eq!(verdict(&signed(&key, &format!("{header}.")), &[&key]), malformed(Part::Payload, 0));
}

#[test]
fn b15_token_over_eight_kibibytes_is_rejected_unread() {
    for presented in [8193, 64 << 10, 4 << 20] {
        let token = format!("a.b.{}", "c".repeat(presented - 4));
        assert_eq!(parsed(&token), rejected(JwsError::TooLong { limit: 8192, presented }));
    }
    let key = key();
    let wide = |length: usize| key.token(&with(payload(), "/x", json!("x".repeat(length))));
    let longest = (0..6000).rev().step_by(1).map(wide).find(|token| token.len() <= 8192).unwrap();
    assert!(longest.len() > 8188, "{}", longest.len());
    assert_eq!(verdict(&longest, &[&key]), Ok(()));
}

#[test]
fn b17_deep_nesting_is_rejected() {
    let key = key();
    let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    let in_payload = |depth| format!("{{\"a\":{},{}", nested(depth), &payload().to_string()[1..]);
    let in_header = |depth| format!("{{\"a\":{},{}", nested(depth), &key.header().to_string()[1..]);
    assert_eq!(of_text(&in_payload(126)), Ok(()));
    for depth in [127, 128, 129, 2000] {
        assert_eq!(of_text(&in_payload(depth)), malformed(Part::Payload, 132), "{depth}");
        let token = key.token_of(&in_header(depth), &payload().to_string());
        assert_eq!(verdict(&token, &[&key]), malformed(Part::Header, 132), "{depth}");
    }
    for depth in [100_000, 1_000_000] {
        let token = key.token_of(&key.header().to_string(), &in_payload(depth));
        let presented = token.len();
        assert_eq!(verdict(&token, &[&key]), rejected(JwsError::TooLong { limit: 8192, presented }));
    }
    let refused = |text: &str| claim_guard::RealmKeySet::parse(text.as_bytes()).map(|_| ()).unwrap_err().to_string();
    for depth in [128, 100_000] {
        let beside = format!(r#"{{"keys":[{}],"x":{}}}"#, key.jwk(), nested(depth));
        assert_eq!(refused(&beside), "key set: expected a JSON object with an array `keys`");
        let text = format!(r#"{{"keys":[{},{{"kid":{}}}]}}"#, key.jwk(), nested(depth));
        let keys = claim_guard::RealmKeySet::parse(text.as_bytes()).unwrap();
        assert_eq!(
            keys.skipped().iter().map(ToString::to_string).collect::<Vec<_>>(),
            ["key at index `1`: malformed JSON at line `1` column `134`"]
        );
    }
    assert_eq!(refused(&nested(1_000_000)), "key set: expected at most `262144` bytes, presented `2000000`");
}

#[test]
fn b18_other_text_than_utf_8_is_rejected() {
    let key = key();
    let (header, claims) = (key.header().to_string(), payload().to_string());
    let behind = |json: &str, bytes: &[u8]| [&br#"{"x":""#[..], bytes, br#"","#, &json.as_bytes()[1..]].concat();
    let utf_16: Vec<u8> = claims.encode_utf16().flat_map(u16::to_le_bytes).collect();
    assert_eq!(
        of_bytes(&key, header.as_bytes(), &[b"\xef\xbb\xbf", claims.as_bytes()].concat()),
        malformed(Part::Payload, 1)
    );
    assert_eq!(
        of_bytes(&key, &[b"\xef\xbb\xbf", header.as_bytes()].concat(), claims.as_bytes()),
        malformed(Part::Header, 1)
    );
    assert_eq!(of_bytes(&key, header.as_bytes(), &utf_16), malformed(Part::Payload, 2));
    // Overlong, a surrogate, a stray continuation, one that is cut off, and one over the last code point.
    for bytes in [&b"\xc0\xaf"[..], b"\xed\xa0\x80", b"\x80", b"\xe2\x82", b"\xf5\x80\x80\x80"] {
        assert_eq!(
            of_bytes(&key, header.as_bytes(), &behind(&claims, bytes)),
            malformed(Part::Payload, 7),
            "{bytes:?}"
        );
        assert_eq!(of_bytes(&key, &behind(&header, bytes), claims.as_bytes()), malformed(Part::Header, 7), "{bytes:?}");
    }
    assert_eq!(of_text(&format!(r#"{{"x":"\ud800",{}"#, &claims[1..])), malformed(Part::Payload, 13));
}

#[test]
fn b19_anything_but_one_json_text_is_rejected() {
    let claims = payload().to_string();
    let length = claims.len();
    for behind in [" x", "{}", ",", "]", "\0", "//", "/**/"] {
        let column = length + 1 + behind.len() - behind.trim_start().len();
        assert_eq!(of_text(&format!("{claims}{behind}")), malformed(Part::Payload, column), "{behind}");
    }
    let inside = |text: &str| of_text(&format!("{{{text},{}", &claims[1..]));
    for (text, column) in [
        ("/**/\"x\":1", 2),
        ("\"x\":NaN", 6),
        ("\"x\":Infinity", 6),
        ("\"x\":-Infinity", 7),
        ("\"x\":01", 7),
        ("\"x\":+1", 6),
        ("'x':1", 2),
        ("x:1", 2),
    ] {
        assert_eq!(inside(text), malformed(Part::Payload, column), "{text}");
    }
    assert_eq!(of_text(&format!("{},}}", &claims[..length - 1])), malformed(Part::Payload, length + 1));
}

#[test]
fn b20_payload_that_is_an_array_of_claims_is_rejected() {
    let array =
        json!([test_realm::NOW + 300, test_realm::NOW, test_realm::SUBJECT, test_realm::ISSUER, "workflow-api"]);
    assert_eq!(of_payload(&array), not_an_object(Part::Payload));
    assert_eq!(of_header(r#"["ES256","JWT","realm-key"]"#), not_an_object(Part::Header));
}

#[test]
fn b21_payload_that_is_no_object_is_rejected() {
    for text in ["null", "true", "1", "\"str\"", "[]"] {
        assert_eq!(of_text(text), not_an_object(Part::Payload), "{text}");
        assert_eq!(of_header(text), not_an_object(Part::Header), "{text}");
    }
}

#[test]
fn b23_every_prefix_of_a_token_is_rejected() {
    let key = key();
    let token = key.token(&payload());
    let keys = support::keys(&[&key]);
    let [header, claims, _] = parts(&token);
    for end in 0..token.len() {
        let presented = verify_at(&token[..end], &keys, support::now()).map(|_| ());
        let signature = (header.len() + claims.len() + 2..token.len()).contains(&end);
        let expected = match end {
            _ if end <= header.len() => parts_presented(1),
            _ if !signature => parts_presented(2),
            // A prefix of base64url is base64url again unless one letter, or bits, are left over.
            _ => match presented {
                Err(Rejection::Jws(JwsError::NotBase64Url { .. })) => not_base64url(Part::Signature),
                _ => bad_signature(&key),
            },
        };
        assert_eq!(presented, expected, "prefix of {end} bytes");
    }
}

#[test]
fn b24_whitespace_of_json_in_the_header_is_accepted() {
    assert_eq!(of_header("{\r\n\t\"alg\" : \"ES256\" ,\n \"kid\":\"realm-key\" } \n"), Ok(()));
}
