//! Cases: a token, the key set and the clock that it is verified with, and how it came to be.

use claim_guard::identifier::{Audience, ClientId, Issuer};
use claim_guard::{AccessToken, AccessTokenVerifier, ClientList, Leeway, UnixTime};
use serde_json::json;
use test_realm::{AUDIENCE, CLIENT, ISSUER, NOW};

use crate::claims;
use crate::classes;
use crate::draft::Draft;
use crate::encoding::encode;
use crate::header;
use crate::keys::{KeySet, Keys, SIGNERS, Signing, sets, small_order_set};
use crate::random::Random;
use crate::text;

/// Where a token is mutated.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Level {
    Nowhere,
    Claims,
    Header,
    Json,
    Base64,
    Signature,
    Token,
    KeySet,
}

const LEVELS: [(usize, Level); 8] = [
    (18, Level::Nowhere),
    (26, Level::Claims),
    (12, Level::Header),
    (12, Level::Json),
    (6, Level::Base64),
    (6, Level::Signature),
    (8, Level::Token),
    (12, Level::KeySet),
];

/// How often each key signs: RSA is slow at it.
const KEYS: [(usize, usize); 5] = [(42, 0), (38, 1), (8, 2), (8, 3), (4, 4)];

/// A case as it was made and as it is decided here.
pub struct Case {
    /// For the other verifiers.
    pub line: String,
    pub recipe: String,
    /// The algorithm of the key that the token was made for.
    pub algorithm: &'static str,
    /// Nothing where it is accepted here, the class of the rejection where it is not.
    pub rejection: Option<String>,
}

/// Makes cases and decides them.
pub struct Maker {
    seed: u64,
    keys: Keys,
    sets: Vec<KeySet>,
    forged: Vec<u8>,
    verifiers: [(u8, AccessTokenVerifier); 2],
}

impl Maker {
    pub fn new(seed: u64) -> Self {
        let keys = Keys::generate();
        let mut sets = sets(&keys);
        let (small_order, forged) = small_order_set(&keys);
        sets.push(small_order);
        Self { seed, keys, sets, forged, verifiers: [0, 5].map(|leeway| (leeway, verifier(leeway))) }
    }

    /// What is told to the other verifiers before any case: the expectations, then every key set.
    pub fn preamble(&self) -> Vec<String> {
        let algorithms = claim_guard::jws::Algorithm::ALL.map(|algorithm| algorithm.name());
        let settings = json!({ "issuer": ISSUER, "audience": AUDIENCE, "algorithms": algorithms });
        let sets = self.sets.iter().map(|set| json!({ "jwks": set.text }).to_string());
        std::iter::once(settings.to_string()).chain(sets).collect()
    }

    /// The case of that number; the same recipe for the same seed.
    pub fn case(&mut self, index: usize) -> Case {
        let mut random = Random::of_case(self.seed, index);
        let random = &mut random;
        let mut levels = vec![random.weighted(&LEVELS)];
        if random.one_in(8) {
            levels.push(random.weighted(&LEVELS));
        }
        let mut draft = self.draft(&levels, random);
        for level in &levels {
            match level {
                Level::Claims => claims::mutate(&mut draft, random),
                Level::Header => header::mutate(&mut draft, &self.keys, random),
                Level::Nowhere | Level::Json | Level::Base64 | Level::Signature | Level::Token | Level::KeySet => {}
            }
        }
        let token = self.write(&mut draft, &levels, random);
        let line = json!({ "set": draft.set, "token": token, "now": draft.now, "leeway": draft.leeway }).to_string();
        let rejection = self.decide(&token, &draft);
        let recipe = format!("case {index}: {}", draft.recipe());
        Case { line, recipe, algorithm: SIGNERS[draft.key].1, rejection }
    }

    fn draft(&self, levels: &[Level], random: &mut Random) -> Draft {
        let mut set = 0;
        let mut key = random.weighted(&KEYS);
        if levels.contains(&Level::KeySet) {
            set = 1 + random.below(self.sets.len() - 1);
            key = self.sets[set].key.unwrap_or(key);
        }
        let leeway = *random.pick(&[0, 5]);
        let mut draft =
            Draft::new(&self.keys, key, NOW + random.below(10_000_000) as i64, leeway, random.below(300) as i64);
        claims::vary(&mut draft, random);
        if set > 0 {
            draft.set = set;
            draft.told(format!("key set {}", self.sets[set].name));
            if set == self.sets.len() - 1 {
                draft.sign_with(Signing::Fixed(self.forged.clone()), "signed without a key");
            } else if SIGNERS[key].1.ends_with("S256") && random.one_in(4) && SIGNERS[key].0 != "es" {
                let algorithm = *random.pick(&["RS256", "RS512", "PS256", "PS384"]);
                draft.set_header("alg", format!("\"{algorithm}\""));
                draft.sign_with(Signing::As(algorithm), "signed with it");
            }
        }
        draft
    }

    fn write(&mut self, draft: &mut Draft, levels: &[Level], random: &mut Random) -> String {
        let mut header = draft.header.text(draft.header_style).into_bytes();
        let mut payload = draft.payload.text(draft.payload_style).into_bytes();
        if levels.contains(&Level::Json) {
            let in_header = random.one_in(3);
            let (place, text) = if in_header { ("header", &mut header) } else { ("payload", &mut payload) };
            let told = text::mutate_json(text, random);
            draft.told(format!("{place}: {told}"));
        }
        let mut parts = [encode(&header), encode(&payload), String::new()];
        let written = levels.contains(&Level::Base64).then(|| random.below(3));
        if let Some(place @ (0 | 1)) = written {
            let told = text::mutate_base64(&mut parts[place], random);
            draft.told(format!("{}: {told}", ["header", "payload"][place]));
        }
        let signing_input = format!("{}.{}", parts[0], parts[1]);
        let mut signature = self.keys.sign(draft.key, &draft.signing, signing_input.as_bytes());
        if levels.contains(&Level::Signature) && !signature.is_empty() {
            let told = text::mutate_signature(&mut signature, SIGNERS[draft.key].1, random);
            draft.told(format!("signature: {told}"));
        }
        parts[2] = encode(&signature);
        if written == Some(2) {
            let told = text::mutate_base64(&mut parts[2], random);
            draft.told(format!("signature: {told}"));
        }
        let mut token = format!("{signing_input}.{}", parts[2]);
        if levels.contains(&Level::Token) && token.is_ascii() {
            let told = text::mutate_token(&mut token, random);
            draft.told(told);
        }
        token
    }

    fn decide(&self, token: &str, draft: &Draft) -> Option<String> {
        let keys = match &self.sets[draft.set].imported {
            Ok(keys) => keys,
            Err(error) => return Some(classes::of_key_set(error)),
        };
        let (_, verifier) = self.verifiers.iter().find(|(leeway, _)| *leeway == draft.leeway).unwrap();
        let now = UnixTime::from_seconds(draft.now).unwrap();
        let verified = AccessToken::parse(token).and_then(|token| verifier.verify(&token, keys, now));
        verified.err().map(|rejection| classes::of_token(&rejection, keys))
    }
}

fn verifier(leeway: u8) -> AccessTokenVerifier {
    AccessTokenVerifier::new(
        Issuer::parse(ISSUER).unwrap(),
        Audience::parse(AUDIENCE).unwrap(),
        ClientList::new([ClientId::parse(CLIENT).unwrap()]).unwrap(),
        Leeway::seconds(leeway).unwrap(),
    )
}
