//! What runs is what a deployment has published: every caller names a function's alias, and whatever reaches a function's
//! configuration publishes another version when it changes.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test may panic")]

#[path = "support/yaml.rs"]
mod yaml;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde_json::{Value, json};

fn template() -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join("template.yaml");
    yaml::read(&std::fs::read_to_string(path).unwrap())
}

/// The properties of every function as SAM sees them: with what all share.
fn functions(template: &Value) -> BTreeMap<String, Value> {
    let all = template["Resources"].as_object().unwrap().iter();
    let functions = all.filter(|(_, resource)| resource["Type"] == "AWS::Serverless::Function");
    let whole = |own: &Value| {
        let mut properties = template["Globals"]["Function"].as_object().unwrap().clone();
        properties.extend(own.as_object().unwrap().clone());
        Value::Object(properties)
    };
    functions.map(|(id, function)| (id.clone(), whole(&function["Properties"]))).collect()
}

#[test]
fn every_function_is_published_under_the_alias_and_the_version_before_is_gone() {
    for (id, function) in functions(&template()) {
        let said = json!([
            function["AutoPublishAlias"],
            function["AutoPublishAliasAllProperties"],
            function["VersionDeletionPolicy"]
        ]);
        assert_eq!(said, json!(["live", true, "Delete"]), "{id}");
    }
}

/// Every place that names a function, with how it does.
fn namings(place: &str, value: &Value, functions: &BTreeSet<String>, found: &mut BTreeSet<(String, String)>) {
    let mut told = |naming: &str| {
        let id = naming.split('.').next().unwrap();
        if functions.contains(id) {
            found.insert((place.to_owned(), naming.to_owned()));
        }
    };
    match value {
        Value::Object(members) => {
            if let Some(naming) = members.get("Ref").and_then(Value::as_str) {
                told(naming);
            }
            if let Some([Value::String(id), Value::String(attribute)]) =
                members.get("Fn::GetAtt").and_then(Value::as_array).map(Vec::as_slice)
            {
                told(&format!("{id}.{attribute}"));
            }
            members.iter().for_each(|(name, inner)| namings(&format!("{place}.{name}"), inner, functions, found));
        }
        Value::Array(items) => items.iter().for_each(|item| namings(place, item, functions, found)),
        Value::String(text) => variables(text).into_iter().for_each(told),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// What stands in a text as `${…}`.
fn variables(text: &str) -> Vec<&str> {
    text.split("${").skip(1).filter_map(|rest| Some(rest.split_once('}')?.0)).collect()
}

#[test]
fn whoever_calls_a_function_names_its_alias() {
    let template = template();
    let ids: BTreeSet<String> = functions(&template).into_keys().collect();
    let mut found = BTreeSet::new();
    for part in ["Resources", "Outputs"] {
        namings(part, &template[part], &ids, &mut found);
    }
    let mut called = BTreeSet::new();
    for (place, naming) in found {
        // A metric counts all versions of a function.
        if place.ends_with("Alarm.Properties.Dimensions.Value") {
            assert!(ids.contains(&naming), "{place}: {naming}");
            continue;
        }
        let id = naming.strip_suffix(".Alias");
        called.insert(id.map(str::to_owned).ok_or(format!("{place} names {naming}")).unwrap());
    }
    // API Gateway calls the remaining one by the events of its own, and SAM names the alias there.
    let by_events = BTreeSet::from(["ExecutionsFunction".to_owned()]);
    assert_eq!(called, &ids - &by_events);
}

/// Properties that are the function's and none of its versions'.
const OF_NO_VERSION: [&str; 2] = ["ReservedConcurrentExecutions", "CodeSigningConfigArn"];
/// What SAM makes resources or texts of.
const OF_SAM: [&str; 2] = ["Events", "VersionDescription"];

/// The expressions in a value that can change while their text stays: every reference but one to what a stack never changes.
fn changing(value: &Value, found: &mut Vec<Value>) {
    match value {
        Value::Object(members) => {
            let function = members.keys().find(|name| *name == "Ref" || name.starts_with("Fn::"));
            match function.map(String::as_str) {
                None => members.values().for_each(|inner| changing(inner, found)),
                Some("Ref") if value["Ref"].as_str().unwrap().starts_with("AWS::") => {}
                Some("Fn::Sub") => {
                    let names = value["Fn::Sub"].as_str().map(variables);
                    if !names.is_some_and(|names| names.iter().all(|name| name.starts_with("AWS::"))) {
                        found.push(value.clone());
                    }
                }
                Some(_) => found.push(value.clone()),
            }
        }
        Value::Array(items) => items.iter().for_each(|item| changing(item, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// The expressions that a function's version has, by their property.
fn in_the_version(function: &Value) -> Vec<(String, Value)> {
    let members = function.as_object().unwrap().iter();
    let properties = members.filter(|(name, _)| ![OF_NO_VERSION, OF_SAM].concat().contains(&name.as_str()));
    let of = |(name, value): (&String, &Value)| {
        let mut found = Vec::new();
        changing(value, &mut found);
        found.into_iter().map(|expression| (name.clone(), expression)).collect::<Vec<_>>()
    };
    properties.flat_map(of).collect()
}

/// The expressions whose change publishes a version of this function. CloudFormation replaces a version of which it has
/// another description than before.
fn published_for(template: &Value, function: &Value) -> Vec<Value> {
    let description = &function["VersionDescription"];
    if *description == json!({"Fn::GetAtt": ["Configuration", "Digest"]}) {
        // Lambda publishes nothing of a function in which nothing has changed, so the function says the digest itself.
        assert!(function["Description"]["Fn::Sub"].as_str().unwrap().ends_with(" (${Configuration.Digest})"));
        let mut told = template["Resources"]["Configuration"]["Properties"]["Values"].as_array().unwrap().clone();
        told.push(function["Description"].clone());
        return told;
    }
    description["Fn::Join"][1].as_array().unwrap().clone()
}

/// What could change in a function while its alias goes on with the old version.
fn unpublished(template: &Value) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for (id, function) in functions(template) {
        let told = published_for(template, &function);
        let kept = in_the_version(&function).into_iter().filter(|(_, expression)| !told.contains(expression));
        found.extend(kept.map(|(property, expression)| format!("{id}.{property}: {expression}")));
    }
    found
}

#[test]
fn whatever_reaches_a_function_by_reference_publishes_a_version_when_it_changes() {
    assert_eq!(unpublished(&template()), BTreeSet::new());
}

#[test]
fn a_value_that_no_version_is_published_for_is_found() {
    let template = template();
    let values = template["Resources"]["Configuration"]["Properties"]["Values"].as_array().unwrap();
    for value in values {
        let mut without = template.clone();
        let others: Vec<&Value> = values.iter().filter(|other| *other != value).collect();
        // Each stands there once, and for a function.
        assert_eq!(others.len() + 1, values.len(), "{value}");
        without["Resources"]["Configuration"]["Properties"]["Values"] = json!(others);
        let found = unpublished(&without);
        assert!(!found.is_empty() && found.iter().all(|one| one.ends_with(&value.to_string())), "{value}: {found:?}");
    }
    let mut with_another = template.clone();
    let variables = &mut with_another["Resources"]["ScreenPaymentFunction"]["Properties"]["Environment"]["Variables"];
    variables["TABLE"] = json!({"Fn::Sub": "${AWS::StackName}-${Table}"});
    let told = "ScreenPaymentFunction.Environment: {\"Fn::Sub\":\"${AWS::StackName}-${Table}\"}";
    assert_eq!(unpublished(&with_another), BTreeSet::from([told.to_owned()]));
}

/// Lambda takes 256 characters, and CloudFormation cuts nothing.
#[test]
fn a_description_has_room_for_what_it_says() {
    // The longest of each: a processor, a role's ARN with the longest partition and name, a log group with the longest
    // function name.
    let of_key_publisher =
        ["x86_64".len(), "arn:aws-us-gov:iam::111122223333:role/".len() + 64, "/aws/lambda/".len() + 64];
    assert!(of_key_publisher.iter().sum::<usize>() + 2 <= 256);
    for (id, function) in functions(&template()) {
        let text = function["Description"]["Fn::Sub"].as_str().or_else(|| function["Description"].as_str()).unwrap();
        let digest = "0123456789012345678901234567890123456789012";
        assert!(text.replace("${Configuration.Digest}", digest).len() <= 256, "{id}");
    }
}
