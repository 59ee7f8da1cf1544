//! The stack's signing key in an administrator's hands, which the emulator allows him: what a token of another day is made
//! with. On AWS the key's policy denies it to everybody but two roles.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use crate::failure::{Failure, OrFailure};
use crate::lab::Lab;

const REMEDY: &str = "see the emulator's log";
/// The bytes of one number of a P-256 signature.
const NUMBER: usize = 32;

/// What a token says, without asking whether it is true.
pub(super) fn payload(token: &str) -> Result<Value, Failure> {
    let none = || Failure::new("this is no signed token", "see the execution's input");
    let part = token.split('.').nth(1).ok_or_else(none)?;
    let bytes = URL_SAFE_NO_PAD.decode(part).map_err(|_| none())?;
    serde_json::from_slice(&bytes).map_err(|_| none())
}

/// The `kid` that a token names.
pub(super) fn key_id(token: &str) -> Result<String, Failure> {
    let none = || Failure::new("this token names no key", "see the execution's input");
    let part = token.split('.').next().ok_or_else(none)?;
    let header: Value =
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).map_err(|_| none())?).map_err(|_| none())?;
    header.get("kid").and_then(Value::as_str).map(str::to_owned).ok_or_else(none)
}

/// The transaction token that an execution was started with.
pub(super) fn token_of(lab: &Lab, execution: &str) -> Result<String, Failure> {
    let description = lab.execution(execution)?;
    let input = description.get("input").and_then(Value::as_str).unwrap_or_default();
    let input: Value = serde_json::from_str(input).or_failure("read the execution's input", "see its description")?;
    let token = input.get("transactionToken").and_then(Value::as_str).unwrap_or_default();
    Ok(token.to_owned())
}

/// The token with another payload, signed by the stack's key.
pub(super) fn signed_anew(lab: &Lab, token: &str, payload: &Value) -> Result<String, Failure> {
    let header = token.split('.').next().unwrap_or_default();
    let input = format!("{header}.{}", URL_SAFE_NO_PAD.encode(payload.to_string()));
    let key = lab.stack().outputs.get("SigningKeyArn");
    let key = key.ok_or_else(|| Failure::new("the stack puts no SigningKeyArn out", "see template.yaml, Outputs"))?;
    let request = json!({
        "KeyId": key, "Message": STANDARD.encode(&input), "MessageType": "RAW", "SigningAlgorithm": "ECDSA_SHA_256",
    });
    let answer = lab.aws().json("kms", "TrentService.Sign", &request)?;
    let signature = answer.get("Signature").and_then(Value::as_str).unwrap_or_default();
    let signature = STANDARD.decode(signature).map_err(|_| Failure::new("KMS's signature is no base64", REMEDY))?;
    let fixed = fixed_length(&signature).ok_or_else(|| Failure::new("KMS's signature is none", REMEDY))?;
    Ok(format!("{input}.{}", URL_SAFE_NO_PAD.encode(fixed)))
}

/// DER's two integers as two numbers of 32 bytes, as RFC 7518 §3.4 has them.
fn fixed_length(der: &[u8]) -> Option<Vec<u8>> {
    let [0x30, _, rest @ ..] = der else { return None };
    let (first, rest) = integer(rest)?;
    let (second, rest) = integer(rest)?;
    rest.is_empty().then(|| [first, second].concat())
}

fn integer(der: &[u8]) -> Option<(Vec<u8>, &[u8])> {
    let [0x02, length, rest @ ..] = der else { return None };
    let (digits, rest) = rest.split_at_checked(usize::from(*length))?;
    let start = digits.iter().position(|digit| *digit != 0)?;
    let digits = digits.get(start..)?;
    let mut number = vec![0; NUMBER.checked_sub(digits.len())?];
    number.extend(digits);
    Some((number, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_of_any_length_become_numbers_of_one() {
        let der = [&[0x30, 0x08, 0x02, 0x03, 0x00, 0x80, 0x01, 0x02, 0x01, 0x07][..]].concat();
        let mut told = vec![0; 64];
        (told[30], told[31], told[63]) = (0x80, 0x01, 0x07);
        assert_eq!(fixed_length(&der), Some(told));
    }

    #[test]
    fn what_is_not_two_integers_is_no_signature() {
        for der in [&[][..], &[0x30, 0x00], &[0x30, 0x03, 0x02, 0x01, 0x07], &[0x02, 0x01, 0x07]] {
            assert_eq!(fixed_length(der), None);
        }
    }
}
