//! Functions: who may call them, what their environment holds, and where they log.

use serde_json::Value;

use super::document::{Document, Finding, arn_parts, items, logical_id, members, text};

pub fn findings(document: &Document) -> Vec<Finding> {
    [permissions(document), urls(document), environments(document), parameters(document), logs(document)].concat()
}

/// A function is called by one service for one source: without the source, any API of any account may call it.
fn permissions(document: &Document) -> Vec<Finding> {
    let mut found = Vec::new();
    for (id, permission) in document.resources("AWS::Lambda::Permission") {
        let path = format!("Resources.{id}.Properties");
        let permission = &permission["Properties"];
        if permission["Principal"] == "*" {
            found.push(document.finding(format!("{path}.Principal"), "everybody may call the function"));
        }
        if permission["FunctionUrlAuthType"] == "NONE" {
            found.push(document.finding(format!("{path}.FunctionUrlAuthType"), "the function's URL lets everybody in"));
        }
        let source = &permission["SourceArn"];
        if source.is_null() {
            found.push(document.finding(path, "no SourceArn, so every source of that service may call the function"));
        } else if is_every_source(&text(source)) {
            let message = format!("`{}` is every source, not one", text(source));
            found.push(document.finding(format!("{path}.SourceArn"), message));
        }
    }
    found
}

/// A source without an account, an API or the like of its own. Functions of CloudFormation other than `Fn::Sub` name one.
fn is_every_source(arn: &str) -> bool {
    let parts = arn_parts(arn);
    let is_text = !arn.starts_with('{');
    is_text && (parts.len() < 6 || parts.iter().skip(4).take(2).any(|part| part.starts_with('*')))
}

fn urls(document: &Document) -> Vec<Finding> {
    let mut found = Vec::new();
    let sam = document.functions().map(|(id, one)| (id, &one["Properties"]["FunctionUrlConfig"], ".FunctionUrlConfig"));
    let plain = document.resources("AWS::Lambda::Url").map(|(id, one)| (id, &one["Properties"], ""));
    for (id, url, member) in sam.chain(plain) {
        if url["AuthType"] == "NONE" {
            let path = format!("Resources.{id}.Properties{member}.AuthType");
            found.push(document.finding(path, "the function's URL lets everybody in"));
        }
    }
    found
}

/// Whoever may read a function's settings reads its environment, so no secret stands there.
fn environments(document: &Document) -> Vec<Finding> {
    let mut found = Vec::new();
    let own = document.functions().map(|(id, one)| (format!("Resources.{id}.Properties"), &one["Properties"]));
    let globals = [("Globals.Function".to_owned(), &document.value["Globals"]["Function"])];
    for (path, properties) in own.chain(globals) {
        for (name, value) in members(&properties["Environment"]["Variables"]) {
            let path = format!("{path}.Environment.Variables.{name}");
            let parameter = &document.value["Parameters"][logical_id(value).unwrap_or_default()];
            if smells_of_a_secret(name) {
                found.push(document.finding(path, "the name says that it holds a secret"));
            } else if holds_a_secret(&value.to_string()) {
                found.push(document.finding(path, "the value holds a secret"));
            } else if text(&parameter["NoEcho"]) == "true" {
                found.push(document.finding(path, "the value is a parameter with NoEcho, that is a secret"));
            }
        }
    }
    found
}

fn parameters(document: &Document) -> Vec<Finding> {
    let all = members(&document.value["Parameters"]);
    let open = all.filter(|(name, parameter)| {
        smells_of_a_secret(&words(name)) && text(&parameter["NoEcho"]) != "true"
            || holds_a_secret(&parameter.to_string())
    });
    open.map(|(name, _)| document.finding(format!("Parameters.{name}"), "a secret that the console shows")).collect()
}

/// `ClientSecret` as `CLIENT_SECRET`.
fn words(name: &str) -> String {
    let mut words = String::new();
    for letter in name.chars() {
        if letter.is_ascii_uppercase() && !words.is_empty() {
            words.push('_');
        }
        words.push(letter.to_ascii_uppercase());
    }
    words
}

/// A name that ends in what names a secret from elsewhere, such as `CLIENT_SECRET_ARN`, holds none.
fn smells_of_a_secret(name: &str) -> bool {
    let name = name.to_ascii_uppercase();
    let smells = ["SECRET", "PASSWORD", "PASSWD", "PRIVATE_KEY", "API_KEY", "APIKEY", "ACCESS_KEY", "CREDENTIAL"];
    let names = ["_ARN", "_ID", "_NAME"];
    (smells.iter().any(|word| name.contains(word)) || name.ends_with("_TOKEN"))
        && !names.iter().any(|end| name.ends_with(end))
}

/// A key or token in full, or a reference that CloudFormation replaces by the secret itself.
fn holds_a_secret(value: &str) -> bool {
    ["-----BEGIN", "{{resolve:secretsmanager", "{{resolve:ssm-secure", "AKIA", "eyJ"]
        .iter()
        .any(|mark| value.contains(mark))
}

/// Every function writes to a log group of the template, and each of those forgets after a time. Where a log holds what
/// executions work on, its group has a key of its own.
fn logs(document: &Document) -> Vec<Finding> {
    let mut found = Vec::new();
    for (id, group) in document.resources("AWS::Logs::LogGroup") {
        if group["Properties"]["RetentionInDays"].is_null() {
            found.push(document.finding(format!("Resources.{id}.Properties"), "the log is kept for ever"));
        }
    }
    for (id, function) in document.functions() {
        if document.named(&function["Properties"]["LoggingConfig"]["LogGroup"]).is_none() {
            let path = format!("Resources.{id}.Properties.LoggingConfig");
            found.push(document.finding(path, "no log group of this template, so the log is kept for ever"));
        }
    }
    for (id, machine) in document.resources("AWS::Serverless::StateMachine") {
        let logging = &machine["Properties"]["Logging"];
        if logging["IncludeExecutionData"] == true && !destinations(logging).all(|group| has_key(document, group)) {
            let path = format!("Resources.{id}.Properties.Logging");
            found.push(document.finding(path, "the log holds tokens and inputs, and its group has no KMS key"));
        }
    }
    found
}

fn destinations(logging: &Value) -> impl Iterator<Item = &Value> {
    items(&logging["Destinations"]).into_iter().map(|one| &one["CloudWatchLogsLogGroup"]["LogGroupArn"])
}

fn has_key(document: &Document, group: &Value) -> bool {
    document.named(group).is_some_and(|(_, group)| !group["Properties"]["KmsKeyId"].is_null())
}
