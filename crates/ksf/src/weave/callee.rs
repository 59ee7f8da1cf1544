//! Who a call goes to: the machine's author says so, and nobody else. The token goes with the call.

use crate::weave::json::{Json, Object};
use crate::weave::machine::Language;
use crate::weave::refusal::Cause;

/// What kind of callee a call has.
#[derive(Debug, Clone, Copy)]
pub(super) struct Callee {
    /// The argument that names it; there has to be one.
    named_by: &'static str,
    /// Another argument that may say which one it is.
    chosen_by: Option<&'static str>,
}

impl Callee {
    pub(super) const FUNCTION: Self = Self { named_by: "FunctionName", chosen_by: Some("Qualifier") };
    pub(super) const MACHINE: Self = Self { named_by: "StateMachineArn", chosen_by: None };
}

/// Everything by which another than the author would say who is called: the callee, which one of it, and in whose account.
pub(super) fn causes(state: &Object, arguments: &Object, callee: Callee, language: Language) -> Vec<Cause> {
    let mut causes = Vec::new();
    if named(arguments, callee.named_by).is_none() {
        causes.push(Cause::NoCallee { member: callee.named_by });
    }
    let members = [Some(callee.named_by), callee.chosen_by];
    let credentials = state.object("Credentials").and_then(|credentials| named(credentials, "RoleArn"));
    let whole_credentials = state.get("Credentials").filter(|credentials| credentials.as_object().is_none());
    let whole_credentials = whole_credentials.map(|credentials| ("Credentials".to_owned(), credentials));
    let all = members.into_iter().flatten().filter_map(|member| named(arguments, member));
    for (member, value) in all.chain(credentials).chain(whole_credentials) {
        if !is_written_out(&member, value, language) {
            causes.push(match value.as_text() {
                Some(presented) => Cause::CalleeFromInput { member, presented: presented.to_owned() },
                None => Cause::CalleeNoText { member },
            });
        }
    }
    causes
}

/// A member, or the path that stands for it.
fn named<'a>(object: &'a Object, member: &str) -> Option<(String, &'a Json)> {
    let path = format!("{member}.$");
    let found = object.iter().find(|(name, _)| *name == member || *name == path);
    found.map(|(name, value)| (name.to_owned(), value))
}

/// Whether it is a text of the author's own, in which at most the deployment fills something in.
fn is_written_out(member: &str, value: &Json, language: Language) -> bool {
    match language {
        Language::JsonPath if member.ends_with(".$") => false,
        // Outside of a string, too, a placeholder is the deployment's.
        Language::JsonPath | Language::Jsonata if matches!(value, Json::Placeholder(_)) => true,
        Language::JsonPath => value.as_text().is_some(),
        Language::Jsonata => value.as_text().is_some_and(|text| !text.trim_start().starts_with("{%")),
    }
}
