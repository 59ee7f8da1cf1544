//! Choice: which way a state goes.

use std::cmp::Ordering;

use chrono::{DateTime, FixedOffset};
use serde_json::Value;

use crate::run::{Language, Run, Sight};
use crate::stop::{ExecutionFailure, Stop, query, refused, runtime};
use crate::world::Expected;

impl Run<'_> {
    /// The rule that holds, or the state itself for its Default, and where it leads.
    pub(crate) fn choice<'s>(&mut self, sight: &Sight<'_>, state: &'s Value) -> Result<(&'s Value, &'s str), Stop> {
        let rules = state["Choices"].as_array().ok_or_else(|| refused(sight.name, "`Choices` is no list"))?;
        let default = state["Default"].as_str();
        let next = |rule: &'s Value| rule["Next"].as_str().ok_or_else(|| refused(sight.name, "a rule has no `Next`"));
        let chosen = match self.world.choose(&self.place(sight), rules.len() + usize::from(default.is_some())) {
            Some(number) => rules.get(number),
            None => {
                let mut chosen = None;
                for rule in rules {
                    if self.holds(rule, sight)? {
                        chosen = Some(rule);
                        break;
                    }
                }
                chosen
            }
        };
        match (chosen, default) {
            (Some(rule), _) => Ok((rule, next(rule)?)),
            (None, Some(default)) => Ok((state, default)),
            (None, None) => {
                let cause = format!("state `{}`: no rule holds, and there is no Default", sight.name);
                Err(ExecutionFailure::new("States.NoChoiceMatched", &cause).into())
            }
        }
    }

    fn holds(&mut self, rule: &Value, sight: &Sight<'_>) -> Result<bool, Stop> {
        if sight.language == Language::Jsonata {
            let value = self.value(&rule["Condition"], sight, Expected::Condition)?;
            return value.as_bool().ok_or_else(|| query(format!("state `{}`: `{value}` is no condition", sight.name)));
        }
        for (member, is_all) in [("And", true), ("Or", false)] {
            if let Some(rules) = rule[member].as_array() {
                for rule in rules {
                    if self.holds(rule, sight)? != is_all {
                        return Ok(!is_all);
                    }
                }
                return Ok(is_all);
            }
        }
        if let Some(rule) = rule.get("Not") {
            return Ok(!self.holds(rule, sight)?);
        }
        let path = rule["Variable"].as_str().ok_or_else(|| refused(sight.name, "a rule has no `Variable`"))?;
        let Some((operator, operand)) = operator(rule) else {
            return Err(refused(sight.name, format!("a rule of `{path}` has no operator")));
        };
        let value = self.find(path, sight)?;
        if operator == "IsPresent" {
            return Ok(value.is_some() == (*operand == true));
        }
        let value = match value {
            Some(value) => value,
            None => match self.world.made_up(&self.place(sight), path, Expected::Condition) {
                Some(value) => value,
                None => return Err(runtime(format!("state `{}`: nothing is at `{path}`", sight.name))),
            },
        };
        let (operator, operand) = match (operator.strip_suffix("Path"), operand.as_str()) {
            (Some(operator), Some(path)) => (operator, self.path(path, sight, Expected::Anything)?),
            (Some(_), None) => return Err(refused(sight.name, format!("`{operator}` is no path"))),
            (None, _) => (operator, operand.clone()),
        };
        compare(operator, &value, &operand).ok_or_else(|| refused(sight.name, format!("`{operator}` is no operator")))
    }
}

/// The one member of a rule that compares.
fn operator(rule: &Value) -> Option<(&str, &Value)> {
    let others = ["Variable", "Next", "Comment", "Assign", "Output"];
    let mut members = rule.as_object()?.iter().filter(|(name, _)| !others.contains(&name.as_str()));
    members.next().map(|(name, value)| (name.as_str(), value))
}

/// Whether a value compares so; none of an operator that is none.
fn compare(operator: &str, value: &Value, operand: &Value) -> Option<bool> {
    let is = |found: bool| Some(found == (*operand == true));
    match operator {
        "IsNull" => return is(value.is_null()),
        "IsNumeric" => return is(value.is_number()),
        "IsString" => return is(value.is_string()),
        "IsBoolean" => return is(value.is_boolean()),
        "IsTimestamp" => return is(time(value).is_some()),
        "BooleanEquals" => return Some(value.is_boolean() && value == operand),
        "StringMatches" => {
            return Some(value.as_str().zip(operand.as_str()).is_some_and(|(text, pattern)| matches(text, pattern)));
        }
        _ => {}
    }
    let (order, relation) = if let Some(relation) = operator.strip_prefix("String") {
        (value.as_str().zip(operand.as_str()).map(|(one, other)| one.cmp(other)), relation)
    } else if let Some(relation) = operator.strip_prefix("Numeric") {
        (value.as_f64().zip(operand.as_f64()).and_then(|(one, other)| one.partial_cmp(&other)), relation)
    } else {
        let relation = operator.strip_prefix("Timestamp")?;
        (time(value).zip(time(operand)).map(|(one, other)| one.cmp(&other)), relation)
    };
    let fits: fn(Ordering) -> bool = match relation {
        "Equals" => Ordering::is_eq,
        "LessThan" => Ordering::is_lt,
        "LessThanEquals" => Ordering::is_le,
        "GreaterThan" => Ordering::is_gt,
        "GreaterThanEquals" => Ordering::is_ge,
        _ => return None,
    };
    // What is of another type is no match.
    Some(order.is_some_and(fits))
}

fn time(value: &Value) -> Option<DateTime<FixedOffset>> {
    DateTime::parse_from_rfc3339(value.as_str()?).ok()
}

/// Whether a text is of a pattern, in which `*` stands for any text and `\*` for itself.
fn matches(text: &str, pattern: &str) -> bool {
    let mut letters = pattern.chars();
    match letters.next() {
        None => text.is_empty(),
        Some('*') => {
            let rest = letters.as_str();
            text.char_indices()
                .map(|(at, _)| at)
                .chain([text.len()])
                .any(|at| text.get(at..).is_some_and(|text| matches(text, rest)))
        }
        Some(letter) => {
            let letter = if letter == '\\' { letters.next().unwrap_or(letter) } else { letter };
            text.strip_prefix(letter).is_some_and(|text| matches(text, letters.as_str()))
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[track_caller]
    fn check(operator: &str, value: Value, operand: Value, holds: Option<bool>) {
        assert_eq!(compare(operator, &value, &operand), holds);
    }

    #[test]
    fn operators_compare_values_of_their_type_only() {
        check("NumericGreaterThanEquals", json!(2), json!(2), Some(true));
        check("NumericEquals", json!("2"), json!(2), Some(false));
        check("StringLessThan", json!("a"), json!("b"), Some(true));
        check("StringMatches", json!("log-7.txt"), json!("log-*.txt"), Some(true));
        check("StringMatches", json!("a*"), json!("a\\*"), Some(true));
        check("BooleanEquals", json!(false), json!(false), Some(true));
        check("IsNull", json!(null), json!(false), Some(false));
        check("IsTimestamp", json!("2026-01-01T00:00:00Z"), json!(true), Some(true));
        check("TimestampLessThan", json!("2026-01-01T00:00:00Z"), json!("2026-01-01T00:00:00-01:00"), Some(true));
        check("NumericIs", json!(1), json!(1), None);
    }
}
