//! Mutations of claims: the issuer signs them, so nothing but their meaning is wrong.

use crate::draft::Draft;
use crate::object::{Object, Style};
use crate::random::Random;

/// Values of every JSON type, for members that have another.
const VALUES: [&str; 22] = [
    "null",
    "true",
    "false",
    "0",
    "1",
    "-1",
    "-0",
    "1.5",
    "1e3",
    "1E400",
    "18446744073709551616",
    "\"\"",
    "\"text\"",
    "\"0\"",
    "[]",
    "[\"text\"]",
    "[null]",
    "{}",
    "{\"a\":1}",
    "\"\\u0000\"",
    "\"\\u202e\"",
    "\"\\ud83d\\ude00\"",
];

/// Values that are almost right, by claim.
const ALMOST: [(&str, &[&str]); 12] = [
    (
        "iss",
        &[
            "\"https://keycloak.example.com/realms/workflows/\"",
            "\"https://keycloak.example.com/realms/other\"",
            "\"http://keycloak.example.com/realms/workflows\"",
            "\"https://KEYCLOAK.example.com/realms/workflows\"",
            "\"https://keycloak.example.com/realms/workflow\"",
            "\"https://keycloak.example.com/realms/workflows\\u0000\"",
            "[\"https://keycloak.example.com/realms/workflows\"]",
            "\"https:\\/\\/keycloak.example.com\\/realms\\/workflows\"",
        ],
    ),
    (
        "aud",
        &[
            "\"other\"",
            "[]",
            "[\"other\"]",
            "[[\"workflow-api\"]]",
            "[\"workflow-api\",1]",
            "[\"workflow-api\",null]",
            "\"WORKFLOW-API\"",
            "\"workflow-api \"",
            "\"workflow-api account\"",
            "\"workflow\"",
            "{\"workflow-api\":true}",
            "[\"account\",\"workflow-api\"]",
            "[\"workflow-api\",\"workflow-api\"]",
            "\"workflow\\u002dapi\"",
            "[\"\",\"workflow-api\"]",
        ],
    ),
    ("azp", &["\"other\"", "\"PAYMENT-APP\"", "\"payment-app \"", "[\"payment-app\"]", "\"payment\\u002dapp\""]),
    (
        "typ",
        &[
            "\"ID\"",
            "\"Refresh\"",
            "\"Offline\"",
            "\"DPoP\"",
            "\"bearer\"",
            "\"BEARER\"",
            "\"Bearer \"",
            "\"Logout\"",
            "\"JWT\"",
            "[\"Bearer\"]",
        ],
    ),
    ("sub", &["\"\\u200b\"", "\"a\\u0007b\"", "\"ünï\"", "\"a b\"", "[\"x\"]"]),
    ("jti", &["\"onltro:3c0f6a52\"", "\"trrtcc:3c0f6a52\"", "\"3c0f6a52\"", "\":\"", "\"lt:x\""]),
    ("sid", &["\"a\\nb\"", "\"x\""]),
    (
        "scope",
        &[
            "\"\"",
            "\" \"",
            "\"openid  email\"",
            "\"openid \"",
            "\"a\\\"b\"",
            "\"openid email\"",
            "\"ü\"",
            "[\"openid\"]",
            "\"a\\tb\"",
        ],
    ),
    ("cnf", &["{\"jkt\":\"x\"}", "{\"x5t#S256\":\"x\"}", "{\"jwk\":{}}", "{}"]),
    (
        "realm_access",
        &[
            "{\"roles\":[]}",
            "{\"roles\":[\"a\\u0000\"]}",
            "{\"roles\":[1]}",
            "{\"roles\":\"admin\"}",
            "{\"roles\":{\"a\":1}}",
            "{\"roles\":[\"\"]}",
        ],
    ),
    (
        "resource_access",
        &[
            "{\"workflow-api\":[]}",
            "{\"workflow-api\":{\"roles\":null}}",
            "{\"a\\u0001\":{\"roles\":[\"x\"]}}",
            "{\"workflow-api\":{}}",
            "{\"\":{\"roles\":[\"x\"]}}",
            "{\"workflow-api\":{\"roles\":[\"a\\nb\"]}}",
            "{\"workflow-api\":{\"roles\":[true]}}",
        ],
    ),
    ("nbf", &["0"]),
];

/// Claims by which another kind of token is known.
const FOREIGN: [(&str, &str); 8] = [
    ("at_hash", "\"x\""),
    ("c_hash", "\"x\""),
    ("s_hash", "\"x\""),
    ("events", "{\"http://schemas.openid.net/event/backchannel-logout\":{}}"),
    ("htm", "\"GET\""),
    ("token_introspection", "{\"active\":true}"),
    ("authorization", "{\"permissions\":[]}"),
    ("nonce", "\"x\""),
];

const TIMES: [&str; 3] = ["iat", "nbf", "exp"];

/// Removes, retypes or shifts one claim.
pub fn mutate(draft: &mut Draft, random: &mut Random) {
    match random.weighted(&[(3, 0), (3, 1), (4, 2), (4, 3), (1, 4), (1, 5)]) {
        0 => {
            let name = any_name(&draft.payload, random);
            draft.payload.remove(&name);
            draft.told(format!("claim {name} removed"));
        }
        1 => {
            let (name, value) = (any_name(&draft.payload, random), *random.pick(&VALUES));
            draft.set_claim(&name, value);
        }
        2 => {
            let (name, values) = *random.pick(&ALMOST);
            draft.set_claim(name, *random.pick(values));
        }
        3 => shift(draft, random),
        4 => {
            let (name, value) = *random.pick(&FOREIGN);
            draft.set_claim(name, value);
            // A proof's request is known by both of its claims.
            if name == "htm" && random.one_in(2) {
                draft.set_claim("htu", "\"https://x\"");
            }
        }
        _ => {
            let name = *random.pick(&["sub", "jti", "azp", "sid"]);
            let length = *random.pick(&[255, 256, 257, 1000]);
            draft.set_claim(name, format!("\"{}\"", "x".repeat(length)));
        }
    }
}

fn any_name(object: &Object, random: &mut Random) -> String {
    // An earlier mutation may have left none.
    if object.0.is_empty() { "jti".to_owned() } else { random.pick(&object.0).0.clone() }
}

/// A time at, or a second off, one of the edges: now, the leeway, the longest lifetime, the ends of all time.
fn shift(draft: &mut Draft, random: &mut Random) {
    let name = *random.pick(&TIMES);
    let (now, leeway) = (draft.now, i64::from(draft.leeway));
    let edges = [now, now - leeway, now + leeway, now - 86_400, now + 86_400, 0, 253_402_300_799, draft.issued_at];
    let time = *random.pick(&edges) + *random.pick(&[-1, 0, 1]);
    let text = match random.below(10) {
        0 => format!("{time}.0"),
        1 => format!("{time}.5"),
        2 => format!("\"{time}\""),
        3 => format!("{time}e0"),
        _ => time.to_string(),
    };
    draft.payload.set(name, text.as_str());
    let form = text.replace(&time.to_string(), "TIME");
    draft.told(format!("claim {name} = now {:+}, as {form}", time - now));
}

/// Changes that leave a token as good as it was.
pub fn vary(draft: &mut Draft, random: &mut Random) {
    let (now, leeway) = (draft.now, i64::from(draft.leeway));
    if random.one_in(3) {
        let name =
            *random.pick(&["sid", "scope", "realm_access", "resource_access", "acr", "project_id", "compliance"]);
        draft.payload.remove(name);
        draft.told(format!("without {name}"));
    }
    if random.one_in(4) {
        draft.set_claim(
            "aud",
            *random.pick(&["[\"workflow-api\"]", "[\"account\",\"workflow-api\"]", "[\"workflow-api\",\"account\"]"]),
        );
    }
    if random.one_in(4) {
        let (issued_at, expires_at) = *random.pick(&[
            (now, now + 1),
            (now + leeway, now + leeway + 1),
            (now - 100, now + 1 - leeway),
            (now - 86_399, now + 1),
        ]);
        draft.issued_at = issued_at;
        draft.payload.set("iat", issued_at.to_string());
        draft.payload.set("exp", expires_at.to_string());
        draft.told(format!("iat = now {:+}, exp = now {:+}", issued_at - now, expires_at - now));
    }
    if random.one_in(4) {
        let not_before = *random.pick(&[0, now - 1, now, now + leeway]);
        draft.payload.set("nbf", not_before.to_string());
        draft.told(format!("nbf = now {:+}", not_before - now));
    }
    if random.one_in(3) {
        let name = *random.pick(&[
            "email",
            "ü",
            "",
            "a b",
            "__proto__",
            "constructor",
            "toString",
            "a.b",
            "preferred_username",
        ]);
        let values = [
            "null",
            "[]",
            "{}",
            "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"",
            "\"\\ud83d\\ude00\"",
            "\"😀\"",
            "1e2",
            "-0.0",
            "9007199254740993",
            "{\"a\":{\"a\":{\"a\":[[[]]]}}}",
            "123456789012345678901234567890",
            "0.1",
            "\"__proto__\"",
            "{\"__proto__\":{\"a\":1}}",
            "{\"constructor\":{\"prototype\":1}}",
        ];
        draft.set_claim(name, *random.pick(&values));
    }
    if random.one_in(3) {
        match *random.pick(&["at+jwt", "AT+JWT", "application/at+jwt", "jwt", "Application/JWT", ""]) {
            "" => {
                draft.header.remove("typ");
                draft.told("header without typ");
            }
            typ => draft.set_header("typ", format!("\"{typ}\"")),
        }
    }
    if random.one_in(6) {
        let name = *random.pick(&["foo", "iss", "ü", "exp", "x-y"]);
        draft.set_header(name, *random.pick(&["null", "1", "\"x\"", "{\"a\":[]}", "[1,2]"]));
    }
    for part in ["header", "payload"] {
        let style = random.weighted(&[(6, Style::Compact), (1, Style::Spaced), (1, Style::Escaped)]);
        if !matches!(style, Style::Compact) {
            draft.told(format!("{part} {}", if matches!(style, Style::Spaced) { "spaced" } else { "escaped" }));
        }
        *(if part == "header" { &mut draft.header_style } else { &mut draft.payload_style }) = style;
    }
    draft.header.shuffle(random);
    draft.payload.shuffle(random);
}
