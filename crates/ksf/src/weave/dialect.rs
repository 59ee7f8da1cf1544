//! What a machine says in the wrong language, or twice in the right one. Step Functions refuses all of it, in words that name
//! neither what the author wrote nor what to write instead.

use crate::weave::evaluated::each_template;
use crate::weave::json::{Json, Object};
use crate::weave::machine::{Language, Scope, inner_machines, states};
use crate::weave::refusal::{Cause, Refusal};

/// Members that only a JSONata state has, and what a JSONPath state has instead.
const OF_JSONATA: [(&str, &str); 4] = [
    ("Arguments", "`Parameters`"),
    ("Output", "`ResultSelector`, `ResultPath` and `OutputPath`"),
    ("Items", "`ItemsPath`"),
    ("Condition", "`Variable` and a comparison"),
];

/// Members that only a JSONPath state has, and what a JSONata state has instead. What tolerates failures by path is told as that.
const OF_JSON_PATH: [(&str, &str); 15] = [
    ("Parameters", "`Arguments`, in a Map `ItemSelector`, in a Pass `Output`"),
    ("Result", "`Output`"),
    ("ResultSelector", "`Output`"),
    ("ResultPath", "`Output`"),
    ("OutputPath", "`Output`"),
    ("InputPath", "`$states.input` where it is needed"),
    ("ItemsPath", "`Items`"),
    ("Variable", "`Condition`"),
    ("SecondsPath", "`Seconds`"),
    ("TimestampPath", "`Timestamp`"),
    ("TimeoutSecondsPath", "`TimeoutSeconds`"),
    ("HeartbeatSecondsPath", "`HeartbeatSeconds`"),
    ("MaxConcurrencyPath", "`MaxConcurrency`"),
    ("ErrorPath", "`Error`"),
    ("CausePath", "`Cause`"),
];

/// All such faults of a machine and of those inside. A machine of an unknown language has none: that is told first.
pub(super) fn faults(machine: &Object) -> Vec<Refusal> {
    let mut refusals = Vec::new();
    let is_known = machine.text("QueryLanguage").is_none_or(|name| Language::named(name).is_some());
    if is_known {
        of_machine(machine, Language::of_machine(machine), &mut refusals);
    }
    refusals
}

fn of_machine(machine: &Object, language: Language, refusals: &mut Vec<Refusal>) {
    for (name, state) in states(machine) {
        let language = language.of_state(state);
        let mut refuse = |cause| {
            let refusal = Refusal::of(name, cause);
            if !refusals.contains(&refusal) {
                refusals.push(refusal);
            }
        };
        let parts = ["ItemReader", "ResultWriter"].into_iter().filter_map(|member| state.object(member));
        let rules = ["Catch", "Choices"].into_iter().flat_map(|list| state.objects(list));
        for object in std::iter::once(state).chain(parts).chain(rules) {
            for (member, instead) in members_of_other(language) {
                if object.contains(member) {
                    refuse(Cause::OtherLanguage { member, language, instead });
                }
            }
        }
        if language == Language::JsonPath {
            each_template(state, &mut |template| {
                for (path, _) in template.iter() {
                    if let Some(member) = path.strip_suffix(".$").filter(|member| template.contains(member)) {
                        refuse(Cause::PathBeside { member: member.to_owned() });
                    }
                }
            });
        }
        if language == Language::Jsonata {
            each_path_member(state, &mut |member| refuse(Cause::PathMember { member: member.to_owned() }));
        }
        if state.contains("ItemProcessor") && state.contains("Iterator") {
            refuse(Cause::TwoProcessors);
        }
        for (_, inner) in inner_machines(name, state, &Scope::outermost()) {
            if inner.contains("QueryLanguage") {
                refuse(Cause::LanguageInside);
            }
        }
    }
    for (name, state) in states(machine) {
        for (_, inner) in inner_machines(name, state, &Scope::outermost()) {
            of_machine(inner, language, refusals);
        }
    }
}

/// Calls `visit` with each member `x.$` of a JSONata state's values: it is no path there, and what it names would be lost.
fn each_path_member(state: &Object, visit: &mut dyn FnMut(&str)) {
    fn within(value: &Json, visit: &mut dyn FnMut(&str)) {
        value.items().iter().for_each(|item| within(item, visit));
        for (name, member) in value.as_object().into_iter().flat_map(Object::iter) {
            if name.ends_with(".$") {
                visit(name);
            }
            within(member, visit);
        }
    }
    let own = ["Arguments", "Assign", "Output", "ItemSelector", "Items", "Credentials"];
    own.into_iter().filter_map(|member| state.get(member)).for_each(|value| within(value, visit));
    let rules = ["Catch", "Choices"].into_iter().flat_map(|list| state.objects(list));
    let of_rules = rules.flat_map(|rule| ["Assign", "Output"].into_iter().filter_map(|member| rule.get(member)));
    of_rules.for_each(|value| within(value, visit));
}

fn members_of_other(language: Language) -> &'static [(&'static str, &'static str)] {
    match language {
        Language::JsonPath => &OF_JSONATA,
        Language::Jsonata => &OF_JSON_PATH,
    }
}
