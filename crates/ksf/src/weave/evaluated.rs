//! Which texts of a state Step Functions evaluates, by the state's language.

use crate::weave::json::{Json, Object};
use crate::weave::machine::Language;

/// Members that hold machines: their states have a turn of their own.
const MACHINES: [&str; 3] = ["ItemProcessor", "Iterator", "Branches"];

/// Members in which a JSONPath state writes a value, `x.$` for each path in it.
const TEMPLATES: [&str; 6] = ["Parameters", "ItemSelector", "ResultSelector", "Assign", "BatchInput", "Credentials"];

/// Calls `visit` with each path and intrinsic function, or each expression, of a state.
pub(super) fn each_text(state: &mut Object, language: Language, visit: &mut dyn FnMut(&mut String)) {
    let own = state.iter_mut().filter(|(name, _)| !is_apart(name, language));
    match language {
        Language::Jsonata => own.for_each(|(_, value)| each_expression(value, visit)),
        Language::JsonPath => own.for_each(|(name, value)| each_path(name, value, TEMPLATES.contains(&name), visit)),
    }
}

/// Calls `visit` with each object of a JSONPath state in which a value is written.
pub(super) fn each_template(state: &Object, visit: &mut dyn FnMut(&Object)) {
    let own = state.iter().filter(|(name, _)| !is_apart(name, Language::JsonPath));
    own.for_each(|(name, value)| each_template_in(value, TEMPLATES.contains(&name), visit));
}

/// What nobody evaluates as part of this state.
fn is_apart(name: &str, language: Language) -> bool {
    MACHINES.contains(&name) || name == "Comment" || (name == "Result" && language == Language::JsonPath)
}

fn each_expression(value: &mut Json, visit: &mut dyn FnMut(&mut String)) {
    match value {
        Json::Text(text) => visit(text),
        Json::List(items) => items.iter_mut().for_each(|item| each_expression(item, visit)),
        Json::Object(object) => object.iter_mut().for_each(|(_, member)| each_expression(member, visit)),
        Json::Null | Json::Bool(_) | Json::Number(_) | Json::Placeholder(_) => {}
    }
}

/// The paths of a member of that name: in a template those of `x.$`, around it also those of `xPath` and `Variable`.
fn each_path(name: &str, value: &mut Json, is_template: bool, visit: &mut dyn FnMut(&mut String)) {
    let is_path = name.ends_with(".$") || (!is_template && (name.ends_with("Path") || name == "Variable"));
    match value {
        // A placeholder becomes a path that nobody knows yet.
        Json::Text(text) | Json::Placeholder(text) if is_path => visit(text),
        // An item has no name that could make it a path.
        Json::List(items) => items.iter_mut().for_each(|item| each_path("", item, is_template, visit)),
        Json::Object(object) => object
            .iter_mut()
            .for_each(|(name, member)| each_path(name, member, is_template || TEMPLATES.contains(&name), visit)),
        Json::Text(_) | Json::Placeholder(_) | Json::Null | Json::Bool(_) | Json::Number(_) => {}
    }
}

fn each_template_in(value: &Json, is_template: bool, visit: &mut dyn FnMut(&Object)) {
    match value {
        Json::List(items) => items.iter().for_each(|item| each_template_in(item, is_template, visit)),
        Json::Object(object) => {
            if is_template {
                visit(object);
            }
            object
                .iter()
                .for_each(|(name, member)| each_template_in(member, is_template || TEMPLATES.contains(&name), visit));
        }
        Json::Text(_) | Json::Null | Json::Bool(_) | Json::Number(_) | Json::Placeholder(_) => {}
    }
}
