//! `template.yaml`, the state machine, `access.toml` and the code are four views of one thing: they fit, or a test fails.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test may panic")]

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;

use claim_guard::access::AccessPolicy;
use claim_guard_lambda::Guard;
use serde_json::{Value, json};
use support::{repository, yaml};

fn file(name: &str) -> String {
    std::fs::read_to_string(repository().join(name)).unwrap()
}

fn template() -> Value {
    yaml::read(&file("template.yaml"))
}

fn state_machine() -> Value {
    serde_json::from_str(&file("statemachines/payment.asl.json")).unwrap()
}

fn policy() -> AccessPolicy {
    AccessPolicy::parse("access.toml", &file("access.toml")).unwrap()
}

/// The properties of all resources of a type, by logical id.
fn resources(template: &Value, kind: &str) -> BTreeMap<String, Value> {
    let all = template["Resources"].as_object().unwrap().iter();
    all.filter(|(_, one)| one["Type"] == kind).map(|(id, one)| (id.clone(), one["Properties"].clone())).collect()
}

fn functions(template: &Value) -> BTreeMap<String, Value> {
    resources(template, "AWS::Serverless::Function")
}

/// The binary that a function runs.
fn binary(template: &Value, function: &str) -> String {
    template["Resources"][function]["Metadata"]["BuildProperties"]["Binary"].as_str().unwrap().to_owned()
}

/// The functions that run the workflow's steps, by their binary.
const STEPS: [&str; 3] = ["screen-payment", "approve-payment", "execute-payment"];

#[test]
fn the_api_serves_the_routes_of_the_policy_and_no_other() {
    let template = template();
    let mut served = BTreeSet::new();
    for (function, properties) in functions(&template) {
        for (name, event) in properties["Events"].as_object().into_iter().flatten() {
            assert_eq!(event["Type"], "Api", "{function} {name}");
            let event = &event["Properties"];
            // The default authorizer holds for a route that names none itself.
            let members: Vec<&String> = event.as_object().unwrap().keys().collect();
            assert_eq!(members, ["Method", "Path", "RestApiId"], "{function} {name}");
            served.insert(format!("{} {}", event["Method"].as_str().unwrap(), event["Path"].as_str().unwrap()));
        }
    }
    let declared: BTreeSet<String> = policy().routes().iter().map(ToString::to_string).collect();
    assert_eq!(served, declared);
}

#[test]
fn every_method_asks_the_authorizer_but_the_preflight() {
    let template = template();
    let auth = resources(&template, "AWS::Serverless::Api").remove("Api").unwrap()["Auth"].clone();
    assert_eq!(auth["DefaultAuthorizer"], "TokenAuthorizer");
    assert_eq!(auth["AddDefaultAuthorizerToCorsPreflight"], false);
    let told = json!({"TokenAuthorizer": {
        "FunctionArn": {"Fn::GetAtt": ["AuthorizerFunction", "Arn"]},
        "Identity": {"Header": "Authorization", "ReauthorizeEvery": {"Ref": "AuthorizerTtlSeconds"}},
    }});
    assert_eq!(auth["Authorizers"], told);
    let ttl = &template["Parameters"]["AuthorizerTtlSeconds"];
    assert!(ttl["Default"].as_i64().unwrap() <= 60 && ttl["MaxValue"].as_i64().unwrap() <= 60, "{ttl}");
}

/// All states, those inside of Map and Parallel too.
fn states(machine: &Value) -> Vec<(String, Value)> {
    let mut all = Vec::new();
    for (name, state) in machine["States"].as_object().unwrap() {
        all.push((name.clone(), state.clone()));
        for inner in [&state["ItemProcessor"]].into_iter().chain(state["Branches"].as_array().into_iter().flatten()) {
            if inner.is_object() {
                all.extend(states(inner));
            }
        }
    }
    all
}

#[test]
fn every_step_is_guarded_by_its_own_rule_and_function() {
    let template = template();
    let machine = resources(&template, "AWS::Serverless::StateMachine").remove("PaymentStateMachine").unwrap();
    let mut called = BTreeMap::new();
    let mut renewed = BTreeSet::new();
    for (name, state) in states(&state_machine()).into_iter().filter(|(_, state)| state["Type"] == "Task") {
        let payload = &state["Arguments"]["Payload"];
        let token = payload["transactionToken"].as_str().unwrap();
        assert!(["{% $transactionToken %}", "{% $transactionToken1 %}"].contains(&token), "{name}: {token}");
        assert_eq!(payload["context"]["state"], "{% $states.context.State.Name %}", "{name}");
        let placeholder = state["Arguments"]["FunctionName"].as_str().unwrap();
        let placeholder = placeholder.trim_start_matches("${").trim_end_matches('}');
        let function = machine["DefinitionSubstitutions"][placeholder]["Fn::GetAtt"][0].as_str().unwrap();
        match binary(&template, function).as_str() {
            "revalidation" => {
                let asked = payload["renew"]["state"].as_str().unwrap();
                // For the state that comes next, or for all branches of a Map whose states would each ask.
                let next = if name == "Revalidate ScreenParties" { "ScreenParties" } else { asked };
                assert_eq!(state["Next"], next, "{name}");
                renewed.insert(asked.to_owned());
            }
            step => {
                called.insert(name, step.to_owned());
            }
        }
    }
    assert_eq!(renewed, called.keys().cloned().collect(), "a state without revalidation, or the other way round");
    let policy = policy();
    let mut declared = BTreeMap::new();
    for workflow in policy.workflows() {
        assert_eq!(workflow.name().as_str(), "payment");
        for (state, _) in workflow.states() {
            // ApprovePayment is the work of approve-payment.
            let words = state.as_str().replace("Payment", "-payment").to_ascii_lowercase();
            declared.insert(state.to_string(), words);
        }
    }
    assert_eq!(called, declared);
    for (state, binary) in called {
        let main = file(&format!("crates/payment-tasks/src/bin/{binary}.rs"));
        assert!(main.contains(&format!("run(\"{state}\"")), "{binary} guards another state than {state}");
    }
}

#[test]
fn every_refusal_of_a_guard_is_caught_or_retried() {
    for (name, state) in states(&state_machine()) {
        let errors = |list: &str| -> BTreeSet<String> {
            let all =
                state[list].as_array().into_iter().flatten().flat_map(|one| one["ErrorEquals"].as_array().unwrap());
            all.map(|error| error.as_str().unwrap().to_owned()).collect()
        };
        let told =
            |names: &[&str]| -> BTreeSet<String> { names.iter().map(|name| format!("ClaimGuard.{name}")).collect() };
        if state["Type"] == "Task" {
            let retried: BTreeSet<String> =
                errors("Retry").into_iter().filter(|error| error.starts_with("ClaimGuard.")).collect();
            assert_eq!(retried, told(&["Undecided"]), "{name}");
        }
        // What a branch of a Map does not answer itself, the Map catches.
        let caught: &[&str] = match (name.as_str(), state["Type"].as_str().unwrap()) {
            ("ScreenPayment", _) => &["Denied", "IdentityExpired"],
            // A question that fails inside a branch would leave it as any error does, and the refusal would be lost.
            ("Revalidate ScreenPayment" | "Reconsider ScreenPayment", _) => {
                &["Denied", "Misconfigured", "Rejected", "Undecided"]
            }
            (name, "Task") if name.starts_with("Re") => &["Denied", "Misconfigured", "Rejected"],
            (_, "Task") => &["Denied", "IdentityExpired", "Misconfigured", "Rejected"],
            (_, "Map") => &["Denied", "Misconfigured", "Rejected"],
            _ => &[],
        };
        let mut expected = told(caught);
        expected.extend(caught.contains(&"Undecided").then(|| "States.ALL".to_owned()));
        assert_eq!(errors("Catch"), expected, "{name}");
    }
}

#[test]
fn every_function_keeps_its_log_for_a_time() {
    let template = template();
    let groups = resources(&template, "AWS::Logs::LogGroup");
    for (id, group) in &groups {
        assert_eq!(group["RetentionInDays"], json!({"Ref": "LogRetentionDays"}), "{id}");
    }
    let mut used = BTreeSet::new();
    for (id, function) in functions(&template) {
        let group = function["LoggingConfig"]["LogGroup"]["Ref"].as_str().unwrap_or_else(|| panic!("{id} has none"));
        let told = json!({"Fn::Sub": format!("/aws/lambda/{}", function["FunctionName"]["Fn::Sub"].as_str().unwrap())});
        assert_eq!(groups[group]["LogGroupName"], told, "{id}");
        assert!(used.insert(group.to_owned()), "{id} shares its log group");
    }
    let days = &template["Parameters"]["LogRetentionDays"];
    assert!(days["AllowedValues"].as_array().unwrap().iter().all(|days| days.as_i64().unwrap() > 0));
    let logging = &resources(&template, "AWS::Serverless::StateMachine")["PaymentStateMachine"]["Logging"];
    assert_eq!(logging["IncludeExecutionData"], false);
}

/// Which variables a setup asks for.
fn asked_for(setup: impl FnOnce(&dyn Fn(&str) -> Option<String>)) -> BTreeSet<String> {
    let asked = Mutex::new(BTreeSet::new());
    setup(&|name| {
        asked.lock().unwrap().insert(name.to_owned());
        None
    });
    asked.into_inner().unwrap()
}

#[test]
fn functions_are_given_exactly_the_variables_that_they_read() {
    let template = template();
    let mut read = BTreeMap::new();
    read.insert("key-publisher", BTreeSet::new());
    read.insert("authorizer", asked_for(|lookup| drop(authorizer::Setup::from_lookup(Ok(policy()), lookup))));
    read.insert("executions", asked_for(|lookup| drop(executions::settings::Settings::from_lookup(&policy(), lookup))));
    read.insert(
        "revalidation",
        asked_for(|lookup| drop(revalidation::settings::Settings::from_lookup(&policy(), lookup))),
    );
    for (step, state) in STEPS.iter().zip(["ScreenPayment", "ApprovePayment", "ExecutePayment"]) {
        read.insert(step, asked_for(|lookup| drop(Guard::new(state, &file("access.toml"), lookup))));
    }
    let mut given = BTreeMap::new();
    let all = functions(&template);
    for (id, function) in &all {
        let variables = function["Environment"]["Variables"].as_object();
        let names: BTreeSet<String> = variables.into_iter().flatten().map(|(name, _)| name.clone()).collect();
        given.insert(binary(&template, id), names);
    }
    let read: BTreeMap<String, BTreeSet<String>> =
        read.into_iter().map(|(binary, names)| (binary.to_owned(), names)).collect();
    assert_eq!(given, read);
    assert_eq!(template["Globals"]["Function"]["Environment"], Value::Null);
}

/// The places where a text with an asterisk stands as the value of `member`, at any depth.
fn wildcards(place: &str, value: &Value, member: &str, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(members) => {
            let sid = members.get("Sid").and_then(Value::as_str);
            let place = sid.map_or_else(|| place.to_owned(), |sid| format!("{place}/{sid}"));
            for (name, inner) in members {
                if name == member && inner.to_string().contains('*') {
                    found.insert(format!("{place}: {inner}"));
                }
                wildcards(&place, inner, member, found);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| wildcards(place, item, member, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[test]
fn no_statement_has_a_wildcard_that_is_not_explained() {
    let template = template();
    let found = |member: &str| {
        let mut found = BTreeSet::new();
        for (id, resource) in template["Resources"].as_object().unwrap() {
            wildcards(id, resource, member, &mut found);
        }
        found
    };
    for member in ["Action", "NotAction", "NotResource", "Principal"] {
        assert_eq!(found(member), BTreeSet::new(), "{member}");
    }
    let told = [
        "ExecutionsPolicy/SeeAndStopItsExecutions: {\"Fn::Sub\":\"arn:${AWS::Partition}:states:${AWS::Region}:\
         ${AWS::AccountId}:execution:${AWS::StackName}-payment:*\"}",
        "PaymentStateMachineRole/LogDeliveryTakesNoResource: \"*\"",
        // In a key's policy this means the key.
        "TransactionKey/ExecutionsSigns: \"*\"",
        "TransactionKey/RevalidationSigns: \"*\"",
        "TransactionKey/TheAccountAdministers: \"*\"",
    ];
    assert_eq!(found("Resource"), told.map(str::to_owned).into());
    let mut managed = BTreeSet::new();
    for (_, role) in resources(&template, "AWS::IAM::Role") {
        managed.extend(role["ManagedPolicyArns"].as_array().unwrap().iter().map(ToString::to_string));
    }
    let daemon = "{\"Fn::Sub\":\"arn:${AWS::Partition}:iam::aws:policy/AWSXRayDaemonWriteAccess\"}";
    assert_eq!(managed, BTreeSet::from([daemon.to_owned()]));
    // A policy that SAM would make from a template of its own is not looked at here, so there is none.
    for (id, function) in functions(&template) {
        assert_eq!((&function["Policies"], function["Role"].is_object()), (&Value::Null, true), "{id}");
    }
}

#[test]
fn only_executions_and_revalidation_may_sign() {
    let template = template();
    let mut signers = BTreeMap::new();
    for (id, resource) in template["Resources"].as_object().unwrap() {
        let count = resource.to_string().matches("kms:Sign\"").count();
        if count > 0 {
            signers.insert(id.as_str(), count);
        }
    }
    // The key's policy names two roles; a key from elsewhere wants the roles' own word too.
    let told = BTreeMap::from([("ExecutionsPolicy", 1), ("RevalidationRole", 1), ("TransactionKey", 2)]);
    assert_eq!(signers, told);
    let statements = &template["Resources"]["TransactionKey"]["Properties"]["KeyPolicy"]["Statement"];
    let statements = statements.as_array().unwrap().iter().filter(|one| one["Action"] == "kms:Sign");
    let roles: Vec<&Value> = statements.map(|one| &one["Principal"]["AWS"]).collect();
    let role = |name: &str| json!({"Fn::GetAtt": [name, "Arn"]});
    assert_eq!(roles, [&role("ExecutionsRole"), &role("RevalidationRole")]);
}

#[test]
fn whoever_mints_is_told_of_the_same_state_machine_by_its_name() {
    let template = template();
    let functions = functions(&template);
    let of = |function: &str| functions[function]["Environment"]["Variables"]["WORKFLOW_STATE_MACHINES"].clone();
    // A reference from revalidation would go round in a circle: the state machine names it.
    let told = "{\"payment\":\"arn:${AWS::Partition}:states:${AWS::Region}:${AWS::AccountId}:stateMachine:${AWS::StackName}-payment\"}";
    assert_eq!(
        [of("ExecutionsFunction"), of("RevalidationFunction")],
        [json!({"Fn::Sub": told}), json!({"Fn::Sub": told})]
    );
    let machine = &template["Resources"]["PaymentStateMachine"]["Properties"];
    assert_eq!(machine["Name"], json!({"Fn::Sub": "${AWS::StackName}-payment"}));
}

#[test]
fn an_alarm_tells_when_revalidation_cannot_ask_and_none_when_it_denies() {
    let template = template();
    let mut alarms = BTreeMap::new();
    for (_, alarm) in resources(&template, "AWS::CloudWatch::Alarm") {
        let decision = alarm["Dimensions"][0]["Value"].as_str().unwrap().to_owned();
        alarms.entry(alarm["MetricName"].as_str().unwrap().to_owned()).or_insert_with(BTreeSet::new).insert(decision);
    }
    let all = BTreeSet::from(["misconfigured", "reject", "undecided"].map(str::to_owned));
    let metrics = ["DoorDecisions", "RevalidationDecisions", "StepDecisions"];
    let mut expected: BTreeMap<String, BTreeSet<String>> =
        metrics.map(|metric| (metric.to_owned(), all.clone())).into();
    // What no caller hears of.
    let notices = ["keys_skipped", "renewal_failed"].map(str::to_owned);
    expected.insert("KeyNotices".to_owned(), notices.into());
    assert_eq!(alarms, expected);
}

/// Keycloak says by itself who impersonates a user only from version 26.8 on.
#[test]
fn the_realm_tells_who_impersonates_a_user() {
    let realm: Value = serde_json::from_str(&file("realm/workflows-realm.json")).unwrap();
    let clients = realm["clients"].as_array().unwrap();
    let client = clients.iter().find(|client| client["clientId"] == "payment-app").unwrap();
    let notes: Vec<[&Value; 3]> = client["protocolMappers"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|mapper| mapper["protocolMapper"] == "oidc-usersessionmodel-note-mapper")
        .map(|mapper| ["user.session.note", "claim.name", "access.token.claim"].map(|name| &mapper["config"][name]))
        .collect();
    assert_eq!(json!(notes), json!([["IMPERSONATOR_ID", "impersonator.id", "true"]]));
}

/// The client that revalidation signs in as, in the realm to import.
#[test]
fn the_realm_lets_revalidation_look_and_nothing_else() {
    let realm: Value = serde_json::from_str(&file("realm/workflows-realm.json")).unwrap();
    let name = template()["Parameters"]["RevalidationClient"]["Default"].clone();
    let clients = realm["clients"].as_array().unwrap();
    let client = clients.iter().find(|client| client["clientId"] == name).unwrap();
    let ways_in: Vec<&Value> = [
        "standardFlowEnabled",
        "implicitFlowEnabled",
        "directAccessGrantsEnabled",
        "publicClient",
        "fullScopeAllowed",
        "serviceAccountsEnabled",
    ]
    .map(|way| &client[way])
    .into();
    assert_eq!(json!(ways_in), json!([false, false, false, false, false, true]));
    let attributes = &client["attributes"];
    let signs_in = json!([
        client["clientAuthenticatorType"],
        attributes["token.endpoint.auth.signing.alg"],
        attributes["use.jwks.string"],
        attributes["jwks.string"],
        client["secret"],
    ]);
    assert_eq!(signs_in, json!(["client-jwt", "ES256", "true", "{\"keys\":[]}", null]));
    let told = json!({"realm-management": ["view-users", "view-clients"]});
    let user = json!({
        "username": "service-account-workflow-revalidation", "enabled": true, "serviceAccountClientId": name,
        "clientRoles": told,
    });
    assert_eq!(realm["users"], json!([user]));
    let scope = json!([{"client": name, "roles": ["view-users", "view-clients"]}]);
    assert_eq!(realm["clientScopeMappings"]["realm-management"], scope);
}
