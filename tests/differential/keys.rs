//! The realm's keys, and key sets that hold something odd beside or in place of them.

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use claim_guard::RealmKeySet;
use claim_guard::jws::KeySetError;
use serde_json::{Value, json};
use test_realm::TestKey;

use crate::object::{Object, Style};

/// The keys that sign, by name and algorithm. RSA is slow to sign with, so it is for a share only.
pub const SIGNERS: [(&str, &str); 5] =
    [("es", "ES256"), ("ed", "EdDSA"), ("e3", "ES384"), ("rs", "RS256"), ("ps", "PS256")];

/// The key that stands beside the odd one in every odd set.
const BYSTANDER: usize = 2;

/// What signs a token.
#[derive(Clone)]
pub enum Signing {
    /// The key that the header names.
    Own,
    /// A key of the same algorithm that no set holds.
    Stranger,
    /// The key that the header names, for another algorithm of RSA.
    As(&'static str),
    /// HMAC with these bytes for a secret.
    Hmac(&'static str, Vec<u8>),
    /// These bytes, whatever they sign.
    Fixed(Vec<u8>),
}

/// The realm's signing keys, and strangers.
pub struct Keys {
    own: Vec<TestKey>,
    strangers: Vec<TestKey>,
}

impl Keys {
    pub fn generate() -> Self {
        let generate = || SIGNERS.iter().map(|(kid, algorithm)| TestKey::generate(algorithm, kid)).collect();
        Self { own: generate(), strangers: generate() }
    }

    pub fn own(&self, key: usize) -> &TestKey {
        &self.own[key]
    }

    pub fn sign(&mut self, key: usize, signing: &Signing, message: &[u8]) -> Vec<u8> {
        match signing {
            Signing::Own => self.own[key].sign(message),
            Signing::Stranger => self.strangers[key].sign(message),
            Signing::As(algorithm) => {
                let (kid, own) = SIGNERS[key];
                let other = self.own.remove(key).renamed(algorithm, kid);
                let signature = other.sign(message);
                self.own.insert(key, other.renamed(own, kid));
                signature
            }
            Signing::Hmac(algorithm, secret) => {
                let digest = match *algorithm {
                    "HS384" => hmac::HMAC_SHA384,
                    "HS512" => hmac::HMAC_SHA512,
                    _ => hmac::HMAC_SHA256,
                };
                hmac::sign(&hmac::Key::new(digest, secret), message).as_ref().to_vec()
            }
            Signing::Fixed(signature) => signature.clone(),
        }
    }

    /// What an attacker may take for the secret of an HMAC: forms of the public key.
    pub fn public_forms(&self, key: usize) -> Vec<(&'static str, Vec<u8>)> {
        let jwk = self.own[key].jwk();
        let coordinate = jwk.get("n").or(jwk.get("x")).and_then(Value::as_str).unwrap();
        let mut forms = vec![
            ("JWK", jwk.to_string().into_bytes()),
            ("number", URL_SAFE_NO_PAD.decode(coordinate).unwrap()),
            ("number's text", coordinate.as_bytes().to_vec()),
            ("empty", Vec::new()),
        ];
        if jwk["kty"] == "EC" {
            let der = self.own[key].spki();
            let lines = STANDARD.encode(&der);
            forms
                .push(("PEM", format!("-----BEGIN PUBLIC KEY-----\n{lines}\n-----END PUBLIC KEY-----\n").into_bytes()));
            forms.push(("DER", der));
        }
        forms
    }

    fn stranger(&self, key: usize) -> Object {
        Object::of(&self.strangers[key].jwk())
    }
}

/// A key set as a verifier gets it.
pub struct KeySet {
    /// What is odd about it, for recipes.
    pub name: String,
    /// The key that a token for it is signed with; none where any may sign.
    pub key: Option<usize>,
    /// Its text.
    pub text: String,
    /// As it is imported here.
    pub imported: Result<RealmKeySet, KeySetError>,
}

impl KeySet {
    fn new(name: String, key: Option<usize>, text: String) -> Self {
        let imported = RealmKeySet::parse(text.as_bytes());
        Self { name, key, text, imported }
    }
}

/// All sets: the plain one first, then every oddity of every key.
pub fn sets(keys: &Keys) -> Vec<KeySet> {
    let plain: Vec<Object> = (0..SIGNERS.len()).map(|key| Object::of(&keys.own(key).jwk())).collect();
    let mut sets = vec![KeySet::new("plain".to_owned(), None, set_of(&plain))];
    for (index, own) in plain.iter().enumerate() {
        let (kid, algorithm) = SIGNERS[index];
        let bystander = if index == BYSTANDER { 0 } else { BYSTANDER };
        let mut add = |name: &str, text: String| {
            sets.push(KeySet::new(format!("{kid}: {name}"), Some(index), text));
        };
        for (name, odd) in odd_keys(own, algorithm) {
            add(&name, set_of(&[odd, plain[bystander].clone()]));
        }
        for (name, beside) in odd_neighbours(own, &keys.stranger(index), &keys.stranger(bystander)) {
            add(&format!("{name} in front"), set_of(&[beside.clone(), own.clone(), plain[bystander].clone()]));
            add(&format!("{name} behind"), set_of(&[own.clone(), beside, plain[bystander].clone()]));
        }
        for (name, text) in odd_sets(&plain) {
            add(name, text);
        }
    }
    sets
}

fn set_of(keys: &[Object]) -> String {
    let keys: Vec<String> = keys.iter().map(|key| key.text(Style::Compact)).collect();
    format!(r#"{{"keys":[{}]}}"#, keys.join(","))
}

/// The key itself with one thing changed.
fn odd_keys(own: &Object, algorithm: &str) -> Vec<(String, Object)> {
    let mut odd = Vec::new();
    for name in ["alg", "use", "kid", "kty", "crv", "x", "y", "n", "e"] {
        if own.get(name).is_some() {
            let mut key = own.clone();
            key.remove(name);
            odd.push((format!("without {name}"), key));
        }
    }
    let values: &[(&str, &[&str])] = &[
        (
            "alg",
            &["null", "1", "\"\"", "\"none\"", "\"HS256\"", "\"RSA-OAEP\"", "\"ES256K\"", "\"RS512\"", "[\"ES256\"]"],
        ),
        ("use", &["null", "\"enc\"", "\"SIG\"", "[\"sig\"]", "\"\""]),
        ("kid", &["null", "7", "\"\"", "\"e\\u0073\"", "\"ES\"", "\"es \""]),
        ("kty", &["\"rsa\"", "\"EC\"", "\"RSA\"", "\"OKP\"", "\"oct\"", "null", "\"AKP\""]),
        (
            "crv",
            &["\"P-256\"", "\"P-384\"", "\"p-256\"", "\"Ed25519\"", "\"X25519\"", "\"Ed448\"", "\"secp256k1\"", "1"],
        ),
        (
            "key_ops",
            &[
                "[\"verify\"]",
                "[\"sign\"]",
                "[\"verify\",\"sign\"]",
                "[]",
                "\"verify\"",
                "null",
                "[\"verify\",\"verify\"]",
            ],
        ),
        ("ext", &["true", "\"yes\"", "null"]),
        ("x5c", &["[]", "[\"AAAA\"]", "\"AAAA\""]),
        ("x5t", &["\"AAAA\"", "1"]),
        ("d", &["\"AAAA\"", "null"]),
        ("k", &["\"AAAA\""]),
        ("p", &["\"AAAA\""]),
        ("oth", &["[]"]),
        ("iat", &["1", "\"x\""]),
        ("unknown", &["null", "{\"a\":[1]}"]),
    ];
    for (name, values) in values {
        for value in *values {
            let mut key = own.clone();
            key.set(name, *value);
            odd.push((format!("{name} = {value}"), key));
        }
    }
    for name in ["alg", "kid", "use", "unknown"] {
        let mut key = own.clone();
        key.0.push((name.to_owned(), format!("\"{algorithm}\"")));
        key.0.push((name.to_owned(), own.get(name).unwrap_or("1").to_owned()));
        odd.push((format!("{name} several times"), key));
    }
    for name in ["x", "y", "n", "e"] {
        if let Some(number) = own.get(name) {
            let number = number.trim_matches('"');
            odd.extend(odd_numbers(number).into_iter().map(|(what, value)| {
                let mut key = own.clone();
                key.set(name, value);
                (format!("{name} {what}"), key)
            }));
        }
    }
    odd
}

fn odd_numbers(number: &str) -> Vec<(&'static str, String)> {
    let bytes = URL_SAFE_NO_PAD.decode(number).unwrap();
    let quoted = |bytes: &[u8]| format!("\"{}\"", URL_SAFE_NO_PAD.encode(bytes));
    let with_zero: Vec<u8> = std::iter::once(0).chain(bytes.iter().copied()).collect();
    let changed: Vec<u8> = bytes.iter().enumerate().map(|(at, byte)| if at == 1 { byte ^ 1 } else { *byte }).collect();
    let mut numbers = vec![
        ("padded", format!("\"{number}=\"")),
        ("padded twice", format!("\"{number}==\"")),
        ("in the other alphabet", format!("\"{}\"", number.replace('-', "+").replace('_', "/"))),
        ("with a line break", format!("\"{}\\n{}\"", &number[..2], &number[2..])),
        ("with a leading zero", quoted(&with_zero)),
        ("changed", quoted(&changed)),
        ("shorter", quoted(&bytes[..bytes.len() - 1])),
        ("zero", quoted(&vec![0; bytes.len()])),
        ("empty", "\"\"".to_owned()),
        ("as a number", "65537".to_owned()),
    ];
    // The bits of the last character that belong to no byte.
    if !bytes.len().is_multiple_of(3) {
        numbers.push(("with trailing bits", format!("\"{}\"", crate::encoding::with_trailing_bits(number))));
    }
    numbers
}

/// Elements of `keys` beside a good one.
fn odd_neighbours(own: &Object, stranger: &Object, other: &Object) -> Vec<(&'static str, Object)> {
    let renamed = |key: &Object, kid: &str| {
        let mut key = key.clone();
        key.set("kid", kid);
        key
    };
    let kid = own.get("kid").unwrap();
    let secret = json!({ "kty": "oct", "k": "c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0", "kid": kid.trim_matches('"') });
    let mut for_encryption = renamed(stranger, kid);
    for_encryption.set("use", "\"enc\"");
    let mut for_another = renamed(own, "\"again\"");
    for_another.set("alg", "\"PS512\"");
    vec![
        ("the same key twice", own.clone()),
        ("the same key under another kid", renamed(own, "\"again\"")),
        ("the same key for another algorithm", for_another),
        ("a stranger of the same kid", renamed(stranger, kid)),
        ("another family's key of the same kid", renamed(other, kid)),
        ("a secret of the same kid", Object::of(&secret)),
        ("an encryption key of the same kid", for_encryption),
        ("an empty object", Object(Vec::new())),
        (
            "a key of no known type",
            Object::of(&json!({ "kty": "AKP", "kid": "pq", "alg": "ML-DSA-44", "pub": "AAAA" })),
        ),
    ]
}

fn odd_sets(plain: &[Object]) -> Vec<(&'static str, String)> {
    let text = set_of(plain);
    let keys = &text[8..text.len() - 1];
    let many = vec![keys[1..keys.len() - 1].to_owned(); 30].join(",");
    vec![
        ("set with members beside", format!(r#"{{"keys":{keys},"issued":[1,{{"a":null}}]}}"#)),
        ("set with a duplicate member beside", format!(r#"{{"keys":{keys},"a":{{"b":1,"b":2}}}}"#)),
        ("set with `keys` twice", format!(r#"{{"keys":[],"keys":{keys}}}"#)),
        ("set with `keys` twice, once escaped", format!(r#"{{"keys":{keys},"\u006beys":[]}}"#)),
        ("set with `keys` escaped", format!(r#"{{"\u006beys":{keys}}}"#)),
        ("set with elements that are no objects", format!(r#"{{"keys":[null,1,"key",[],{}}}"#, &keys[1..])),
        ("set behind a byte order mark", format!("\u{feff}{text}")),
        ("set in white space", format!(" \r\n\t{text}\n ")),
        ("set with a tail", format!("{text}x")),
        ("set with a comma too many", format!(r#"{{"keys":{keys},}}"#)),
        ("set that is an array", keys.to_owned()),
        ("set of no keys", r#"{"keys":[]}"#.to_owned()),
        ("set of an object of keys", format!(r#"{{"keys":{{"a":{}}}}}"#, plain[0].text(Style::Compact))),
        ("set of 150 keys", format!(r#"{{"keys":[{many}]}}"#)),
        ("set as a text", Value::from(text).to_string()),
        ("empty set", String::new()),
    ]
}

/// A point of small order as a set's key: a signature by it stands over anything.
pub fn small_order_set(keys: &Keys) -> (KeySet, Vec<u8>) {
    let mut point = [0; 32];
    point[0] = 1;
    let jwk = json!({ "kty": "OKP", "crv": "Ed25519", "kid": "ed", "alg": "EdDSA", "use": "sig", "x": URL_SAFE_NO_PAD.encode(point) });
    let bystander = Object::of(&keys.own(BYSTANDER).jwk());
    let set = KeySet::new("ed: a point of small order".to_owned(), Some(1), set_of(&[Object::of(&jwk), bystander]));
    (set, [point, [0; 32]].concat())
}
