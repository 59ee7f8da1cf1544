//! What roles may do: named actions on named resources, and executions only where a transaction token is minted.

use serde_json::Value;

use super::document::{Document, Finding, items, logical_id, members, text};

/// Actions that know no resource, so that `*` is the only way to allow them.
const WITHOUT_RESOURCE: [&str; 8] = [
    "logs:CreateLogDelivery",
    "logs:GetLogDelivery",
    "logs:UpdateLogDelivery",
    "logs:DeleteLogDelivery",
    "logs:ListLogDeliveries",
    "logs:PutResourcePolicy",
    "logs:DescribeResourcePolicies",
    "logs:DescribeLogGroups",
];

/// A statement that allows something: where it stands, under which property of which resource, and the statement.
struct Allow<'a> {
    path: String,
    property: &'a str,
    id: &'a str,
    resource: &'a Value,
    statement: &'a Value,
}

pub fn findings(document: &Document) -> Vec<Finding> {
    let statements = allows(document);
    let mut found = [started_elsewhere(document), managed_policies(document)].concat();
    for allow in &statements {
        found.extend(everybody(document, allow));
        // Who may wear a role is said in `trust`; in a key's own policy `*` is the key.
        if ["AssumeRolePolicyDocument", "KeyPolicy"].contains(&allow.property) {
            continue;
        }
        found.extend(breadth(document, allow));
        found.extend(tags(document, allow));
        found.extend(starters(document, allow));
    }
    found
}

/// All statements that allow something.
fn allows(document: &Document) -> Vec<Allow<'_>> {
    let mut found = Vec::new();
    for (id, resource) in members(&document.value["Resources"]) {
        for (name, property) in members(&resource["Properties"]) {
            let mut inner = Vec::new();
            statements(property, &mut inner);
            for (number, statement) in inner.into_iter().enumerate() {
                let sid = statement["Sid"].as_str().map_or_else(|| number.to_string(), str::to_owned);
                let path = format!("Resources.{id}.Properties.{name}/{sid}");
                found.push(Allow { path, property: name, id, resource, statement });
            }
        }
    }
    found
}

fn statements<'a>(value: &'a Value, found: &mut Vec<&'a Value>) {
    match value {
        Value::Object(object) => {
            let own = object.get("Statement").map(items).unwrap_or_default();
            found.extend(own.into_iter().filter(|statement| statement["Effect"] == "Allow"));
            object.values().for_each(|inner| statements(inner, found));
        }
        Value::Array(all) => all.iter().for_each(|inner| statements(inner, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// A policy of a resource, a key or a role names who it lets in.
fn everybody(document: &Document, allow: &Allow<'_>) -> Vec<Finding> {
    let principal = &allow.statement["Principal"];
    let mut found = Vec::new();
    if items(principal).into_iter().chain(items(&principal["AWS"])).any(|one| one == "*") {
        found.push(document.finding(allow.path.clone(), "the principal is everybody"));
    }
    if !allow.statement["NotPrincipal"].is_null() {
        found.push(document.finding(allow.path.clone(), "`NotPrincipal` lets all in that it does not name"));
    }
    found
}

/// AWS's own policies that allow a whole service or more.
fn managed_policies(document: &Document) -> Vec<Finding> {
    let mut found = Vec::new();
    for (id, resource) in members(&document.value["Resources"]) {
        for member in ["ManagedPolicyArns", "Policies"] {
            for policy in items(&resource["Properties"][member]).into_iter().map(text) {
                let name = policy.rsplit('/').next().unwrap_or_default();
                if name.contains("FullAccess") || ["AdministratorAccess", "PowerUserAccess"].contains(&name) {
                    let path = format!("Resources.{id}.Properties.{member}");
                    found.push(document.finding(path, format!("`{name}` allows a whole service or more")));
                }
            }
        }
    }
    found
}

/// No action is a pattern. A resource is `*` only where there is no other way; those that start, answer or wear something
/// name exactly one thing.
fn breadth(document: &Document, allow: &Allow<'_>) -> Vec<Finding> {
    let statement = allow.statement;
    let mut found = Vec::new();
    for member in ["NotAction", "NotResource"] {
        if !statement[member].is_null() {
            found.push(document.finding(allow.path.clone(), format!("`{member}` allows all that it does not name")));
        }
    }
    let actions: Vec<String> = items(&statement["Action"]).into_iter().map(text).collect();
    let resources: Vec<String> = items(&statement["Resource"]).into_iter().map(text).collect();
    for action in &actions {
        if action.contains(['*', '?']) {
            found.push(document.finding(allow.path.clone(), format!("the action `{action}` is a pattern")));
            continue;
        }
        for resource in &resources {
            let all = resource == "*" && !WITHOUT_RESOURCE.contains(&action.as_str());
            let pattern = names_one_thing(action) && resource.contains(['*', '?']);
            if all || pattern {
                found.push(document.finding(allow.path.clone(), format!("`{action}` is allowed on `{resource}`")));
            }
        }
    }
    found
}

/// Actions whose resource is a thing of this stack that has a name before it is used. IAM does not mind their case.
fn names_one_thing(action: &str) -> bool {
    ["iam:passrole", "lambda:invoke", "states:start", "states:sendtask", "sts:assumerole"]
        .iter()
        .any(|start| action.to_ascii_lowercase().starts_with(start))
}

/// A session tag comes from a claim. Where patterns are matched, a claim of `*` matches everything.
fn tags(document: &Document, allow: &Allow<'_>) -> Vec<Finding> {
    let tag = "aws:PrincipalTag/";
    let mut found = Vec::new();
    for resource in items(&allow.statement["Resource"]).into_iter().map(text) {
        if resource.contains(tag) {
            let message = format!("a session tag of `*` makes `{resource}` match everything");
            found.push(document.finding(allow.path.clone(), message));
        }
    }
    for (operator, keys) in members(&allow.statement["Condition"]).filter(|(name, _)| name.contains("Like")) {
        if keys.to_string().contains(tag) {
            let message = format!("a session tag of `*` makes every `{operator}` true");
            found.push(document.finding(allow.path.clone(), message));
        }
    }
    found
}

/// An execution without a transaction token of ours fails at its first step; still, only what mints them may start one.
fn starters(document: &Document, allow: &Allow<'_>) -> Vec<Finding> {
    let starts = items(&allow.statement["Action"])
        .into_iter()
        .any(|action| text(action).to_ascii_lowercase().starts_with("states:start"));
    let roles: Vec<&str> = match allow.resource["Type"].as_str() {
        Some("AWS::IAM::Role") => vec![allow.id],
        Some("AWS::IAM::Policy" | "AWS::IAM::RolePolicy" | "AWS::IAM::ManagedPolicy") => {
            let properties = &allow.resource["Properties"];
            items(&properties["Roles"])
                .into_iter()
                .chain(items(&properties["RoleName"]))
                .filter_map(logical_id)
                .collect()
        }
        // A function's `Policies` make its role.
        Some(_) | None => vec![allow.id],
    };
    let mints = |role: &str| {
        let mut wearers = document
            .functions()
            .filter(|(id, one)| *id == role || logical_id(&one["Properties"]["Role"]) == Some(role));
        let minting = |one: &Value| !one["Properties"]["Environment"]["Variables"]["TRANSACTION_SIGNING_KEY"].is_null();
        let first = wearers.next().is_some_and(|(_, one)| minting(one));
        first && wearers.all(|(_, one)| minting(one))
    };
    let message = |role: &str| format!("`{role}` may start executions, and mints no transaction token");
    roles
        .into_iter()
        .filter(|role| starts && !mints(role))
        .map(|role| document.finding(allow.path.clone(), message(role)))
        .collect()
}

/// An event that starts the state machine by itself passes the door and the start rule by.
fn started_elsewhere(document: &Document) -> Vec<Finding> {
    let mut found = Vec::new();
    for (id, machine) in document.resources("AWS::Serverless::StateMachine") {
        for (name, event) in members(&machine["Properties"]["Events"]) {
            let path = format!("Resources.{id}.Properties.Events.{name}");
            let kind = text(&event["Type"]);
            found.push(document.finding(path, format!("`{kind}` starts an execution without a transaction token")));
        }
    }
    found
}
