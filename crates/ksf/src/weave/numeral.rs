//! Numbers as their authors spell them.

use crate::weave::json::Json;
use crate::weave::jsonata::expression;
use crate::weave::machine::Language;

/// Whether a member of a state is the number zero, however it is spelled. What a deployment fills in later is not known to be.
pub(super) fn is_zero(value: &Json, language: Language) -> bool {
    match value {
        Json::Number(spelled) => spells_zero(spelled),
        Json::Text(text) => {
            language == Language::Jsonata && expression(text).is_some_and(|spelled| spells_zero(spelled.trim()))
        }
        Json::Null | Json::Bool(_) | Json::Placeholder(_) | Json::List(_) | Json::Object(_) => false,
    }
}

/// A number type rounds `1e-999` to zero, so the digits are looked at.
fn spells_zero(spelled: &str) -> bool {
    let digits = spelled.split(['e', 'E']).next().unwrap_or_default();
    spelled.parse::<f64>().is_ok()
        && digits.contains('0')
        && digits.trim_start_matches('-').chars().all(|digit| "0.".contains(digit))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zero_is_zero_in_every_spelling() {
        for spelled in ["0", "-0", "0.0", "-0.000", "0e5", "0E-2"] {
            assert!(is_zero(&Json::Number(spelled.to_owned()), Language::JsonPath), "{spelled}");
            let expression = Json::from(format!("{{% {spelled} %}}"));
            assert!(is_zero(&expression, Language::Jsonata), "{spelled}");
            assert!(!is_zero(&expression, Language::JsonPath), "{spelled}");
        }
    }

    #[test]
    fn what_is_not_known_to_be_zero_is_not() {
        for spelled in ["1", "0.1", "1e-999", "10", "-5"] {
            assert!(!is_zero(&Json::Number(spelled.to_owned()), Language::JsonPath), "{spelled}");
            assert!(!is_zero(&format!("{{% {spelled} %}}").into(), Language::Jsonata), "{spelled}");
        }
        let texts = ["0", "{% $states.input.none %}", "{% %}", "{% '0' %}", "{% 0 + $states.input.some %}", "${N}"];
        for value in texts.map(Json::from).into_iter().chain([Json::Placeholder("${N}".to_owned()), Json::Null]) {
            assert!(!is_zero(&value, Language::Jsonata), "{value:?}");
        }
    }
}
