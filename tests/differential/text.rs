//! Mutations of what is written: JSON text, base64url, signature, bytes of the token.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::encoding::{encode, with_trailing_bits};
use crate::random::Random;

/// The order of P-256's base point (FIPS 186-5, SP 800-186 §3.2.1.3), big-endian.
const P256_ORDER: [u8; 32] = [
    0xff, 0xff, 0xff, 0xff, 0x00, 0x00, 0x00, 0x00, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xbc, 0xe6, 0xfa,
    0xad, 0xa7, 0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51,
];

/// The order of Ed25519's base point (RFC 8032 §5.1), little-endian.
const ED25519_ORDER: [u8; 32] = [
    0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14, 0, 0, 0, 0, 0, 0,
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
];

/// Writes a header or payload as no issuer should. Answers what was done.
pub fn mutate_json(text: &mut Vec<u8>, random: &mut Random) -> String {
    let original = String::from_utf8(text.clone()).unwrap();
    let inner = original.get(1..original.len() - 1).unwrap_or_default();
    let (told, mutated): (&str, Vec<u8>) = match random.below(30) {
        0 => ("member twice, same value", format!("{{{inner},{inner}}}").into()),
        1 => ("member twice, escaped", format!("{{\"\\u0061ud\":\"other\",\"\\u0061lg\":\"none\",{inner}}}").into()),
        2 => ("member twice, other value first", format!("{{\"iss\":\"other\",\"kid\":\"x\",{inner}}}").into()),
        3 => ("member twice, other value last", format!("{{{inner},\"iss\":\"other\",\"kid\":\"x\"}}").into()),
        4 => ("member twice, nested", format!("{{{inner},\"deep\":[{{\"a\":1,\"a\":2}}]}}").into()),
        5 => ("byte order mark", format!("\u{feff}{original}").into()),
        6 => ("white space around", format!("\n\t {original}\r\n ").into()),
        7 => ("comma at the end", format!("{{{inner},}}").into()),
        8 => ("comment", format!("{{/**/{inner}}}").into()),
        9 => ("tail", format!("{original}x").into()),
        10 => ("two objects", format!("{original}{original}").into()),
        11 => ("array around", format!("[{original}]").into()),
        12 => ("text", serde_json::Value::from(original.as_str()).to_string().into()),
        13 => ("NaN", format!("{{{inner},\"x\":NaN}}").into()),
        14 => ("Infinity", format!("{{{inner},\"x\":-Infinity}}").into()),
        15 => ("number out of range", format!("{{{inner},\"x\":1e400}}").into()),
        16 => ("leading zero", format!("{{{inner},\"x\":01}}").into()),
        17 => ("lone surrogate", format!("{{{inner},\"x\":\"\\ud800\"}}").into()),
        18 => ("lone surrogate in a name", format!("{{{inner},\"\\udfff\":1}}").into()),
        19 => ("control character", format!("{{{inner},\"x\":\"a\nb\"}}").into()),
        20 => ("zero byte behind", format!("{original}\0").into()),
        21 => ("UTF-16", original.encode_utf16().flat_map(u16::to_le_bytes).collect()),
        22 => ("invalid UTF-8", splice(&original, b",\"x\":\"\xff\"")),
        23 => ("overlong UTF-8", splice(&original, b",\"x\":\"\xc0\xaf\"")),
        24 => ("surrogates in UTF-8", splice(&original, b",\"x\":\"\xed\xa0\x80\"")),
        25 => {
            let depth = *random.pick(&[50, 120, 126, 127, 130, 400]);
            let nested = format!("{{{inner},\"x\":{}{}}}", "[".repeat(depth), "]".repeat(depth));
            *text = nested.into_bytes();
            return format!("nested {depth} deep");
        }
        26 => ("integer of 400 digits", format!("{{{inner},\"x\":{}}}", "9".repeat(400)).into()),
        27 => ("single quotes", original.replace('"', "'").into()),
        28 => ("cut", original.as_bytes()[..random.below(original.len())].to_vec()),
        _ => {
            let mut bytes = original.clone().into_bytes();
            let at = random.below(bytes.len());
            bytes[at] ^= 1 << random.below(8);
            ("bit flipped", bytes)
        }
    };
    *text = mutated;
    told.to_owned()
}

/// The object with something that is no text put before its end.
fn splice(original: &str, bytes: &[u8]) -> Vec<u8> {
    let end = original.len() - 1;
    [&original.as_bytes()[..end], bytes, &original.as_bytes()[end..]].concat()
}

/// Writes base64url as no issuer should. Answers what was done.
pub fn mutate_base64(part: &mut String, random: &mut Random) -> &'static str {
    let at = random.below(part.len() + 1);
    match random.below(8) {
        0 => {
            *part = with_trailing_bits(part);
            "trailing bits"
        }
        1 => {
            part.push('=');
            "padded"
        }
        2 => {
            let missing = (4 - part.len() % 4) % 4;
            part.push_str(&"=".repeat(missing));
            "padded as base64 asks for"
        }
        3 => {
            *part = part.replace('-', "+").replace('_', "/");
            "the other alphabet"
        }
        4 => {
            part.insert(at, *random.pick(&['\n', ' ', '\t', '\r']));
            "white space"
        }
        5 => {
            part.insert(at, *random.pick(&['*', '%', '\u{0}', 'ü', '=', ',']));
            "a foreign character"
        }
        6 => {
            part.push(*random.pick(&['A', 'B']));
            "one character more"
        }
        _ => {
            part.pop();
            "one character less"
        }
    }
}

/// Changes a signature. Answers what was done.
pub fn mutate_signature(signature: &mut Vec<u8>, algorithm: &str, random: &mut Random) -> &'static str {
    let half = signature.len() / 2;
    match random.below(13) {
        0 if algorithm == "ES256" && signature.len() == 64 => {
            negate_s(signature);
            "the other s"
        }
        1 if algorithm == "EdDSA" && signature.len() == 64 => {
            add_order(signature);
            "s plus the order"
        }
        2 if algorithm.starts_with("ES") => {
            *signature = der(signature);
            "in DER"
        }
        3 => {
            signature.rotate_left(half);
            "halves swapped"
        }
        4 => {
            signature.fill(0);
            "zeros"
        }
        5 => {
            signature.push(0);
            "a zero behind"
        }
        6 => {
            signature.insert(0, 0);
            "a zero in front"
        }
        7 => {
            signature.truncate(half);
            "first half"
        }
        8 => {
            signature.clear();
            "empty"
        }
        9 => {
            signature.reverse();
            "reversed"
        }
        10 => {
            signature.insert(half, 0);
            signature.insert(0, 0);
            "a zero in front of both halves"
        }
        11 => {
            signature.fill(0xff);
            "ones"
        }
        _ => {
            let at = random.below(signature.len());
            signature[at] ^= 1 << random.below(8);
            "bit flipped"
        }
    }
}

/// (r, n − s) is a signature of the same message.
fn negate_s(signature: &mut [u8]) {
    let mut borrow = 0;
    for at in (0..32).rev() {
        let difference = i16::from(P256_ORDER[at]) - i16::from(signature[32 + at]) - borrow;
        borrow = i16::from(difference < 0);
        signature[32 + at] = difference.rem_euclid(256) as u8;
    }
}

fn add_order(signature: &mut [u8]) {
    let mut carry = 0;
    for at in 0..32 {
        let sum = u16::from(signature[32 + at]) + u16::from(ED25519_ORDER[at]) + carry;
        carry = sum >> 8;
        signature[32 + at] = sum as u8;
    }
}

fn der(signature: &[u8]) -> Vec<u8> {
    let integer = |bytes: &[u8]| {
        let bytes: Vec<u8> = bytes.iter().copied().skip_while(|byte| *byte == 0).collect();
        let sign = if bytes.first().is_none_or(|first| first & 0x80 != 0) { vec![0] } else { Vec::new() };
        let value = [sign, bytes].concat();
        [vec![2, value.len() as u8], value].concat()
    };
    let (r, s) = signature.split_at(signature.len() / 2);
    let both = [integer(r), integer(s)].concat();
    [vec![0x30, both.len() as u8], both].concat()
}

/// Changes characters of a whole token. Answers what was done.
pub fn mutate_token(token: &mut String, random: &mut Random) -> String {
    let at = random.below(token.len());
    let part = |token: &str| ["header", "payload", "signature", "tail"][token[..at].matches('.').count().min(3)];
    let place = part(token);
    let told = match random.below(14) {
        0 => {
            token.remove(at);
            "character removed"
        }
        1 | 2 => {
            let other = *random.pick(&["A", "z", "-", "_", "0", "e"]);
            token.replace_range(at..=at, other);
            "character replaced"
        }
        3 => {
            token.insert(at, *random.pick(&['A', '.', '=', ' ', '\n', '\u{0}', 'é', '"', '+', '/']));
            "character inserted"
        }
        4 => {
            token.truncate(at);
            "cut"
        }
        5 => {
            let end = (at + 1 + random.below(8)).min(token.len());
            let copy = token[at..end].to_owned();
            token.insert_str(at, &copy);
            "characters repeated"
        }
        6 => {
            let letter = token[at..=at].to_owned();
            let other = if letter.to_lowercase() == letter { letter.to_uppercase() } else { letter.to_lowercase() };
            token.replace_range(at..=at, &other);
            "case changed"
        }
        7 => {
            let mut parts: Vec<&str> = token.split('.').collect();
            let (one, other) = (random.below(parts.len()), random.below(parts.len()));
            parts.swap(one, other);
            *token = parts.join(".");
            "parts swapped"
        }
        8 => {
            let behind = *random.pick(&[".", ".e30", "..", " ", "\n", "=", "=="]);
            token.push_str(behind);
            "something behind"
        }
        9 => {
            let front = *random.pick(&[".", " ", "\t", "Bearer ", "\u{feff}", "e30."]);
            token.insert_str(0, front);
            "something in front"
        }
        10 => {
            let parts: Vec<&str> = token.split('.').collect();
            *token = format!("{}..{}", parts[0], parts[parts.len() - 1]);
            "payload taken out"
        }
        11 => {
            token.push_str(&"A".repeat(9000));
            "9000 characters behind"
        }
        12 => {
            let parts: Vec<String> = token.split('.').map(str::to_owned).collect();
            let json = |place: &str, text: &str| format!("\"{place}\":\"{text}\"");
            let members =
                ["protected", "payload", "signature"].iter().zip(&parts).map(|(place, text)| json(place, text));
            *token = format!("{{{}}}", members.collect::<Vec<_>>().join(","));
            "JSON serialization"
        }
        _ => {
            let mut parts: Vec<String> = token.split('.').map(str::to_owned).collect();
            let inner = random.below(parts.len());
            if let Ok(bytes) = URL_SAFE_NO_PAD.decode(&parts[inner]) {
                let mut bytes = bytes;
                if let Some(byte) = bytes.get_mut(at % parts[inner].len().max(1)) {
                    *byte = byte.wrapping_add(1);
                }
                parts[inner] = encode(&bytes);
            }
            *token = parts.join(".");
            "byte of a part counted up"
        }
    };
    format!("token: {told} at {place}")
}
