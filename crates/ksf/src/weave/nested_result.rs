//! What a state may take from the execution that it has started: Step Functions answers with all that it knows of it, the input
//! with its transaction token among it.

use crate::weave::json::{Json, Object, object};
use crate::weave::machine::Language;
use crate::weave::refusal::Cause;
use crate::weave::{json_path, jsonata};

/// The members that are of no use to anybody but for the input.
const OF_INPUT: [&str; 2] = ["Input", "InputDetails"];

/// The members that an execution has which has succeeded.
const OTHERS: [&str; 7] = ["ExecutionArn", "Name", "Output", "StartDate", "StateMachineArn", "Status", "StopDate"];

/// The result without the input, whatever else is in it.
const WITHOUT_INPUT: &str =
    "{% $sift($states.result, function($value, $name) { $name != 'Input' and $name != 'InputDetails' }) %}";

/// Everything by which a state of the author's would take the input in.
pub(super) fn causes(state: &Object, language: Language) -> Vec<Cause> {
    let mut causes = Vec::new();
    for member in takers(language) {
        let Some(value) = state.get(member).filter(|value| **value != woven(language)) else { continue };
        each_text(value, &mut |text| {
            let taken = match language {
                Language::Jsonata => jsonata::taken_of_result(text),
                Language::JsonPath => json_path::first_steps(text),
            };
            let is_safe = |step: &Option<String>| step.as_deref().is_some_and(|step| !OF_INPUT.contains(&step));
            if !taken.iter().all(is_safe) {
                causes.push(Cause::TakesNestedInput { text: text.to_owned(), language });
            }
        });
    }
    causes.extend(taken_by_output_path(state, language));
    causes
}

/// What a JSONPath state hands on of the input by its OutputPath alone: weave leaves the input out there, so the path would lead
/// to nothing, which ends the execution.
fn taken_by_output_path(state: &Object, language: Language) -> Option<Cause> {
    let output = state.text("OutputPath").filter(|_| language == Language::JsonPath)?;
    if state.get("ResultSelector").is_some_and(|selector| *selector != woven(language)) {
        return None;
    }
    let result = match state.get("ResultPath") {
        None => "$",
        Some(path) => path.as_text()?,
    };
    let of_result = output.strip_prefix(result)?;
    let steps = json_path::first_steps(&format!("${of_result}"));
    let is_input = steps.iter().flatten().any(|step| OF_INPUT.contains(&step.as_str()));
    is_input.then(|| Cause::TakesNestedInput { text: output.to_owned(), language })
}

/// Leaves the input out where the author takes the whole result.
pub(super) fn leave_input_out(state: &mut Object, language: Language) {
    match language {
        Language::Jsonata if !state.contains("Output") => {
            state.set_before(&["Retry", "Catch", "Next", "End"], "Output", woven(language));
        }
        Language::JsonPath if !state.contains("ResultSelector") && state.get("ResultPath") != Some(&Json::Null) => {
            state.set_before(&["ResultPath", "Retry", "Catch", "Next", "End"], "ResultSelector", woven(language));
        }
        Language::Jsonata | Language::JsonPath => {}
    }
}

/// Takes out again what [`leave_input_out`] has put in.
pub(super) fn strip(state: &mut Object, language: Language) {
    let (Language::Jsonata | Language::JsonPath) = language;
    let member = if language == Language::Jsonata { "Output" } else { "ResultSelector" };
    if state.get(member) == Some(&woven(language)) {
        state.remove(member);
    }
}

/// The members that are evaluated with the result at hand.
fn takers(language: Language) -> [&'static str; 2] {
    match language {
        Language::Jsonata => ["Output", "Assign"],
        Language::JsonPath => ["ResultSelector", "Assign"],
    }
}

fn woven(language: Language) -> Json {
    match language {
        Language::Jsonata => WITHOUT_INPUT.into(),
        Language::JsonPath => {
            let mut selector = object([]);
            for member in OTHERS {
                selector.set(&format!("{member}.$"), format!("$.{member}"));
            }
            selector.into()
        }
    }
}

/// Calls `visit` with each text of a value, at any depth.
pub(super) fn each_text(value: &Json, visit: &mut dyn FnMut(&str)) {
    match value {
        Json::Text(text) | Json::Placeholder(text) => visit(text),
        Json::List(items) => items.iter().for_each(|item| each_text(item, visit)),
        Json::Object(object) => object.iter().for_each(|(_, member)| each_text(member, visit)),
        Json::Null | Json::Bool(_) | Json::Number(_) => {}
    }
}
