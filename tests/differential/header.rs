//! Mutations of the header and of what signs under it: other algorithms, other keys, members that ask for something.

use crate::draft::Draft;
use crate::keys::{Keys, SIGNERS, Signing};
use crate::random::Random;

/// Changes the header, or what signs under it: other algorithms, other keys, members that ask for something.
pub fn mutate(draft: &mut Draft, keys: &Keys, random: &mut Random) {
    match random.below(8) {
        0 => {
            let names = [
                "\"none\"",
                "\"None\"",
                "\"\"",
                "\"HS256\"",
                "\"rs256\"",
                "\"ES256K\"",
                "\"ES512\"",
                "\"Ed448\"",
                "\"EdDSA\"",
                "\"RSA1_5\"",
                "\"ES256\"",
                "\"RS256\"",
                "\"PS256\"",
                "null",
                "1",
                "[\"ES256\"]",
                "\"ES256 \"",
                "\"E\\u0053256\"",
            ];
            draft.set_header("alg", *random.pick(&names));
            if random.one_in(3) {
                draft.sign_with(Signing::Fixed(Vec::new()), "no signature");
            }
        }
        1 => {
            let algorithm = *random.pick(&["RS384", "RS512", "PS256", "PS384", "PS512", "RS256"]);
            draft.set_header("alg", format!("\"{algorithm}\""));
            if SIGNERS[draft.key].1.starts_with(['R', 'P']) {
                draft.sign_with(Signing::As(algorithm), "signed with it");
            }
        }
        2 => {
            let algorithm = *random.pick(&["HS256", "HS384", "HS512"]);
            let forms = keys.public_forms(draft.key);
            let (form, secret) = random.pick(&forms);
            draft.set_header("alg", format!("\"{algorithm}\""));
            draft.sign_with(Signing::Hmac(algorithm, secret.clone()), &format!("HMAC with the public key as {form}"));
        }
        3 => {
            let kids = [
                "\"es\"",
                "\"ed\"",
                "\"rs\"",
                "\"ps\"",
                "\"e3\"",
                "\"none\"",
                "\"\"",
                "null",
                "1",
                "[\"es\"]",
                "\"../es\"",
                "\"es' or ''='\"",
                "\"ES\"",
                "\"es\\u0000\"",
            ];
            draft.set_header("kid", *random.pick(&kids));
        }
        4 => {
            let name = *random.pick(&["alg", "kid", "typ"]);
            draft.header.remove(name);
            draft.told(format!("header {name} removed"));
        }
        5 => draft.sign_with(Signing::Stranger, "signed by a stranger"),
        6 => {
            let typ = [
                "\"ID\"",
                "\"logout+jwt\"",
                "\"dpop+jwt\"",
                "\"JWT \"",
                "null",
                "1",
                "[\"JWT\"]",
                "\"\"",
                "\"application/\"",
                "\"text/jwt\"",
                "\"JOSE\"",
            ];
            draft.set_header("typ", *random.pick(&typ));
        }
        _ => {
            let jwk = keys.own(draft.key).jwk().to_string();
            let members: [(&str, &str); 20] = [
                ("crit", "[\"exp\"]"),
                ("crit", "[]"),
                ("crit", "[\"b64\"]"),
                ("crit", "\"exp\""),
                ("crit", "[\"foo\"]"),
                ("crit", "null"),
                ("b64", "true"),
                ("b64", "false"),
                ("zip", "\"DEF\""),
                ("enc", "\"A128GCM\""),
                ("cty", "\"JWT\""),
                ("cty", "null"),
                ("jwk", &jwk),
                ("jwk", "null"),
                ("jku", "\"https://evil.example\""),
                ("x5u", "\"https://evil.example\""),
                ("x5c", "[\"AAAA\"]"),
                ("x5t", "\"AAAA\""),
                ("x5t#S256", "\"AAAA\""),
                ("jku", "1"),
            ];
            let (name, value) = *random.pick(&members);
            draft.set_header(name, value);
        }
    }
}
