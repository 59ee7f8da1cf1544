//! `template.yaml`, the state machine, `access.toml` and the code are four views of one thing: they fit, or a test fails.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test may panic")]

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;

use claim_guard::AccessToken;
use claim_guard::access::AccessPolicy;
use claim_guard_lambda::Guard;
use regex::Regex;
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

/// The function that is called by its alias.
fn aliased(reference: &Value) -> String {
    reference["Ref"].as_str().unwrap().strip_suffix(".Alias").unwrap().to_owned()
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
fn keycloak_fetches_the_client_s_public_keys_where_no_function_answers() {
    let template = template();
    let api = &template["Resources"]["Api"];
    assert_eq!(api["Metadata"]["PublicRoutes"], json!(["GET /.well-known/jwks.json"]));
    let paths = api["Properties"]["DefinitionBody"]["paths"].as_object().unwrap();
    let written: Vec<(&String, Vec<&String>)> =
        paths.iter().map(|(path, operations)| (path, operations.as_object().unwrap().keys().collect())).collect();
    assert_eq!(written, [(&"/.well-known/jwks.json".to_owned(), vec![&"get".to_owned()])]);
    let get = &paths["/.well-known/jwks.json"]["get"];
    let integration = &get["x-amazon-apigateway-integration"];
    let answer = &integration["responses"]["default"];
    assert_eq!(
        json!([get["security"], integration["type"], answer["responseTemplates"]]),
        json!([[{"NONE": []}], "mock", {"application/json": {"Fn::GetAtt": ["ClientKeySet", "Jwks"]}}])
    );
    // A header that the method does not declare fails the import.
    let declared = get["responses"]["200"]["headers"].as_object().unwrap().keys();
    let declared: Vec<String> = declared.map(|name| format!("method.response.header.{name}")).collect();
    assert_eq!(answer["responseParameters"].as_object().unwrap().keys().cloned().collect::<Vec<_>>(), declared);
    // Without this the stage would go on serving the keys of before a rotation.
    assert_eq!(json!([api["Properties"]["MergeDefinitions"], api["Properties"]["AlwaysDeploy"]]), json!([true, true]));
    let url = template["Outputs"]["ClientKeySetUrl"]["Value"]["Fn::Sub"].as_str().unwrap();
    assert!(url.ends_with("/live/.well-known/jwks.json"), "{url}");
}

/// What reaches the authorizer by its form. API Gateway refuses the rest with 401 and calls nobody.
const VALIDATION_EXPRESSION: &str = "^[Bb][Ee][Aa][Rr][Ee][Rr] [-0-9A-Za-z_]+\\.[-0-9A-Za-z_]+\\.[-0-9A-Za-z_]*$";

#[test]
fn whatever_the_validation_expression_keeps_from_the_authorizer_is_no_token_to_it() {
    let expression = Regex::new(VALIDATION_EXPRESSION).unwrap();
    for taken in ["Bearer a.b.c", "bearer eyJ-_.eyJ.AbC-_", "BEARER 0.1.2", "Bearer a.b."] {
        assert!(expression.is_match(taken), "{taken}");
    }
    // None of these has a verifiable token in it: the authorizer, too, finds that by the form alone.
    for kept in [
        "",
        "a.b.c",
        "Basic YTpi",
        "DPoP a.b.c",
        "Bearer",
        "Bearer ",
        "Bearer  a.b.c",
        "Bearer a.b.c ",
        " Bearer a.b.c",
        "Bearer\ta.b.c",
        "Bearer a.b",
        "Bearer a.b.c.d",
        "Bearer a..c",
        "Bearer .b.c",
        "Bearer a=.b.c",
        "Bearer a.b.c+/",
        "Bearer a.b.c\nx",
        "Bearer a.b.c,Bearer a.b.c",
        "Bearer ä.b.c",
    ] {
        assert!(!expression.is_match(kept), "{kept}");
        let decoded = AccessToken::from_authorization_header(kept).and_then(|token| token.untrusted_key_id());
        let signature = kept.rsplit('.').next().unwrap_or_default();
        let is_base64url = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
        assert!(decoded.is_err() || !signature.bytes().all(is_base64url), "{kept}");
    }
}

#[test]
fn every_method_asks_the_authorizer_but_the_preflight() {
    let template = template();
    let auth = resources(&template, "AWS::Serverless::Api").remove("Api").unwrap()["Auth"].clone();
    assert_eq!(auth["DefaultAuthorizer"], "TokenAuthorizer");
    assert_eq!(auth["AddDefaultAuthorizerToCorsPreflight"], false);
    let told = json!({"TokenAuthorizer": {
        "FunctionArn": {"Ref": "AuthorizerFunction.Alias"},
        "Identity": {
            "Header": "Authorization",
            "ValidationExpression": VALIDATION_EXPRESSION,
            "ReauthorizeEvery": {"Ref": "AuthorizerTtlSeconds"},
        },
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
        let function = aliased(&machine["DefinitionSubstitutions"][placeholder]);
        match binary(&template, &function).as_str() {
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
    assert_eq!(logging["Fn::If"][1]["IncludeExecutionData"], false);
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
        "RevalidationRole/SeeItsExecutions: {\"Fn::Sub\":\"arn:${AWS::Partition}:states:${AWS::Region}:\
         ${AWS::AccountId}:execution:${AWS::StackName}-payment:*\"}",
        "RevalidationRole/SeeItsMapRuns: [{\"Fn::Sub\":\"arn:${AWS::Partition}:states:${AWS::Region}:\
         ${AWS::AccountId}:execution:${AWS::StackName}-payment/*\"},\
         {\"Fn::Sub\":\"arn:${AWS::Partition}:states:${AWS::Region}:\
         ${AWS::AccountId}:mapRun:${AWS::StackName}-payment/*\"}]",
        "RevalidationRole/SeeWhatWasStopped: {\"Fn::Sub\":\"arn:${AWS::Partition}:states:${AWS::Region}:\
         ${AWS::AccountId}:execution:${AWS::StackName}-payment:*\"}",
        // In a key's policy this means the key.
        "ExecutionNamingKey/ExecutionsNames: \"*\"",
        "ExecutionNamingKey/TheAccountAdministers: \"*\"",
        "ClientKey/RevalidationSignsIn: \"*\"",
        "ClientKey/TheAccountAdministers: \"*\"",
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

/// The names of the functions that a role may call, by what holds its policy: the role, or a policy beside it.
fn called_by(template: &Value, holder: &str) -> BTreeSet<String> {
    let properties = &template["Resources"][holder]["Properties"];
    let policy = if properties["Policies"].is_array() { &properties["Policies"][0] } else { properties };
    let calls = policy["PolicyDocument"]["Statement"].as_array().unwrap().iter();
    let calls = calls.filter(|statement| statement["Action"] == "lambda:InvokeFunction");
    let several = |resource: &Value| resource.as_array().cloned().unwrap_or_else(|| vec![resource.clone()]);
    let functions: Vec<Value> = calls.flat_map(|statement| several(&statement["Resource"])).collect();
    let name = |function: &Value| {
        let name = template["Resources"][aliased(function)]["Properties"]["FunctionName"]["Fn::Sub"].as_str().unwrap();
        name.replace("${AWS::StackName}", "STACK")
    };
    functions.iter().map(name).collect()
}

#[test]
fn the_example_of_a_service_control_policy_lets_only_the_machine_call_what_acts_and_executions_ask() {
    let policy: Value = serde_json::from_str(&file("docs/only-the-machine-invokes.json")).unwrap();
    let of = |name: &String| {
        let arn = format!("arn:aws:lambda:*:ACCOUNT:function:{name}");
        // Lambda compares with the qualified ARN where a version or an alias is called.
        [json!(arn), json!(format!("{arn}:*"))]
    };
    let asked = called_by(&template(), "ExecutionsPolicy");
    assert_eq!(asked.iter().map(String::as_str).collect::<Vec<_>>(), ["STACK-revalidation"]);
    let called = called_by(&template(), "PaymentStateMachineRole");
    let (revalidation, steps): (Vec<&String>, Vec<&String>) = called.iter().partition(|name| asked.contains(*name));
    let of_all = |names: Vec<&String>| names.into_iter().flat_map(of).collect::<Vec<Value>>();
    let (revalidation, steps) = (of_all(revalidation), of_all(steps));
    assert_eq!((revalidation.len(), steps.len()), (2, 6), "revalidation, and three steps");
    let actions = ["lambda:InvokeFunction", "lambda:InvokeFunctionUrl", "lambda:InvokeAsync"];
    let roles = ["MACHINE_ROLE", "EXECUTIONS_ROLE"].map(|role| format!("arn:aws:iam::ACCOUNT:role/{role}"));
    let told = json!({
        "Version": "2012-10-17",
        "Statement": [{
            "Sid": "OnlyTheMachineInvokes",
            "Effect": "Deny",
            "Action": actions,
            "Resource": steps,
            "Condition": { "ArnNotEquals": { "aws:PrincipalArn": "arn:aws:iam::ACCOUNT:role/MACHINE_ROLE" } },
        }, {
            "Sid": "OnlyExecutionsAsksToo",
            "Effect": "Deny",
            "Action": actions,
            "Resource": revalidation,
            "Condition": { "ArnNotEquals": { "aws:PrincipalArn": roles } },
        }, {
            "Sid": "NobodyWidensWhoInvokes",
            "Effect": "Deny",
            "Action": ["iam:UpdateAssumeRolePolicy", "iam:PassRole"],
            "Resource": roles,
            "Condition": { "ArnNotEquals": { "aws:PrincipalArn": "arn:aws:iam::ACCOUNT:role/DEPLOYMENT_ROLE" } },
        }],
    });
    assert_eq!(policy, told);
    // At most 5,120 characters without white space.
    assert!(policy.to_string().len() <= 5120);
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
    // The keys' policies name roles; a key from elsewhere wants the roles' own word too.
    let told =
        BTreeMap::from([("ClientKey", 1), ("ExecutionsPolicy", 1), ("RevalidationRole", 2), ("TransactionKey", 2)]);
    assert_eq!(signers, told);
    let roles = |key: &str| {
        let statements = &template["Resources"][key]["Properties"]["KeyPolicy"]["Statement"];
        let statements = statements.as_array().unwrap().iter().filter(|one| one["Action"] == "kms:Sign");
        statements.map(|one| one["Principal"]["AWS"].clone()).collect::<Vec<_>>()
    };
    let role = |name: &str| json!({"Fn::GetAtt": [name, "Arn"]});
    assert_eq!(roles("TransactionKey"), [role("ExecutionsRole"), role("RevalidationRole")]);
}

#[test]
fn the_key_that_signs_in_at_keycloak_is_another_one_and_revalidation_s_alone() {
    let template = template();
    let statements = template["Resources"]["ClientKey"]["Properties"]["KeyPolicy"]["Statement"].as_array().unwrap();
    let signs = statements.iter().filter(|one| one.to_string().contains("kms:Sign\""));
    let roles: Vec<&Value> = signs.map(|one| &one["Principal"]["AWS"]).collect();
    assert_eq!(roles, [&json!({"Fn::GetAtt": ["RevalidationRole", "Arn"]})]);
    let one_of = |condition: &str, key: &str, parameter: &str| json!({"Fn::If": [condition, {"Fn::GetAtt": [key, "Arn"]}, {"Ref": parameter}]});
    let client_key = one_of("OwnClientKeySigns", "ClientKey", "ClientKeyArn");
    let mut told = BTreeMap::new();
    for (id, function) in functions(&template) {
        let variables = &function["Environment"]["Variables"];
        told.insert(
            binary(&template, &id),
            [&variables["CLIENT_SIGNING_KEY"], &variables["TRANSACTION_SIGNING_KEY"]].map(Value::clone),
        );
    }
    told.retain(|_, keys| keys.iter().any(|key| !key.is_null()));
    let signing_key = one_of("OwnKeySigns", "TransactionKey", "SigningKeyArn");
    let expected = [("executions", [Value::Null, signing_key.clone()]), ("revalidation", [client_key, signing_key])];
    assert_eq!(told, expected.map(|(name, keys)| (name.to_owned(), keys)).into());
}

#[test]
fn only_executions_names_executions() {
    let template = template();
    let texts = template["Resources"].as_object().unwrap().iter();
    let namers: Vec<&str> = texts
        .filter(|(_, resource)| resource.to_string().contains("kms:GenerateMac"))
        .map(|(id, _)| id.as_str())
        .collect();
    assert_eq!(namers, ["ExecutionNamingKey"]);
    let key = &template["Resources"]["ExecutionNamingKey"]["Properties"];
    assert_eq!([&key["KeySpec"], &key["KeyUsage"]], ["HMAC_256", "GENERATE_VERIFY_MAC"]);
    let statements = key["KeyPolicy"]["Statement"].as_array().unwrap().iter();
    let may: Vec<&Value> =
        statements.filter(|one| one["Action"] == "kms:GenerateMac").map(|one| &one["Principal"]["AWS"]).collect();
    assert_eq!(may, [&json!({"Fn::GetAtt": ["ExecutionsRole", "Arn"]})]);
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
fn without_the_workflow_s_log_nothing_may_deliver_logs() {
    let template = template();
    let machine = &resources(&template, "AWS::Serverless::StateMachine")["PaymentStateMachine"]["Logging"]["Fn::If"];
    let none = json!({"Ref": "AWS::NoValue"});
    assert_eq!([&machine[0], &machine[2]], [&json!("WorkflowIsLogged"), &none]);
    assert_eq!(template["Conditions"]["WorkflowIsLogged"], json!({"Fn::Equals": [{"Ref": "WorkflowLog"}, "on"]}));
    let mut delivers = Vec::new();
    for (id, resource) in template["Resources"].as_object().unwrap() {
        let policies = resource["Properties"]["Policies"].as_array().into_iter().flatten();
        for statement in policies.flat_map(|one| one["PolicyDocument"]["Statement"].as_array().unwrap()) {
            if statement.to_string().contains("LogDelivery") {
                delivers.push((id.clone(), statement["Fn::If"][0].clone(), statement["Fn::If"][2].clone()));
            }
        }
    }
    assert_eq!(delivers, [("PaymentStateMachineRole".to_owned(), json!("WorkflowIsLogged"), none)]);
}

#[test]
fn the_access_log_names_principal_source_and_every_request_id_and_nothing_of_the_request_s_content() {
    let template = template();
    let api = &template["Resources"]["Api"]["Properties"];
    let line: Value = serde_json::from_str(api["AccessLogSetting"]["Format"].as_str().unwrap()).unwrap();
    let told = json!({
        "requestId": "$context.requestId",
        "trace": "$context.xrayTraceId",
        "request": "$context.integration.requestId",
        "authorizerRequest": "$context.authorizer.requestId",
        "principal": "$context.authorizer.principalId",
        "source": "$context.identity.sourceIp",
        "at": "$context.requestTimeEpoch",
        "method": "$context.httpMethod",
        "path": "$context.path",
        "route": "$context.resourcePath",
        "status": "$context.status",
        "authorizerStatus": "$context.authorizer.status",
        "authorizerLatency": "$context.authorizer.integrationLatency",
        "tls": "$context.tlsVersion",
        "latency": "$context.responseLatency",
        "response": "$context.error.responseType",
    });
    assert_eq!(line, told);
    assert_eq!(json!([api["TracingEnabled"], template["Globals"]["Function"]["Tracing"]]), json!([true, "Active"]));
}

#[test]
fn every_answer_of_the_gateway_s_own_is_for_one_caller_over_tls_and_of_the_type_that_it_says() {
    let template = template();
    let api = &template["Resources"]["Api"]["Properties"];
    for (kind, response) in api["GatewayResponses"].as_object().unwrap() {
        let headers = &response["ResponseParameters"]["Headers"];
        let said = ["Cache-Control", "Strict-Transport-Security", "X-Content-Type-Options"].map(|name| &headers[name]);
        assert_eq!(json!(said), json!(["'no-store'", "'max-age=31536000'", "'nosniff'"]), "{kind}");
    }
    // Of a policy that begins so, the numbers are the newest version spoken and the oldest.
    assert!(api["SecurityPolicy"].as_str().unwrap().starts_with("SecurityPolicy_TLS13_1_2_"));
    assert_eq!(api["EndpointAccessMode"], "STRICT");
}

/// The value where the condition holds, and nothing where it does not.
fn only_if(condition: &str, parameter: &str) -> Value {
    json!({"Fn::If": [condition, {"Ref": parameter}, {"Ref": "AWS::NoValue"}]})
}

#[test]
fn every_function_can_be_bounded_and_its_code_signed() {
    let template = template();
    for (id, function) in functions(&template) {
        assert_eq!(function["CodeSigningConfigArn"], only_if("CodeIsSigned", "CodeSigningConfigArn"), "{id}");
        let name = id.trim_end_matches("Function");
        let bound = &function["ReservedConcurrentExecutions"];
        match name {
            // CloudFormation alone calls it.
            "KeyPublisher" => assert_eq!(bound, &Value::Null),
            name => {
                assert_eq!(bound, &only_if(&format!("{name}IsBounded"), &format!("{name}Concurrency")), "{id}");
                let told = json!({"Fn::Not": [{"Fn::Equals": [{"Ref": format!("{name}Concurrency")}, ""]}]});
                assert_eq!(template["Conditions"][format!("{name}IsBounded")], told, "{id}");
            }
        }
    }
}

#[test]
fn what_the_gateway_takes_in_is_bounded_by_parameters() {
    let template = template();
    let api = &template["Resources"]["Api"]["Properties"];
    let limits = |one: &Value| json!([one["ResourcePath"], one["ThrottlingRateLimit"], one["ThrottlingBurstLimit"]]);
    let said: Vec<Value> = api["MethodSettings"].as_array().unwrap().iter().map(limits).collect();
    let everything = json!(["/*", {"Ref": "ApiRate"}, {"Ref": "ApiBurst"}]);
    assert_eq!(said, [everything, json!(["/~1.well-known~1jwks.json", 5, 10])]);
    let acl = &template["Resources"]["ApiWebAcl"];
    assert_eq!(
        json!([acl["Condition"], acl["Properties"]["WebACLArn"]]),
        json!(["WebAclIsNamed", {"Ref": "WebAclArn"}])
    );
}

#[test]
fn each_kind_of_throttling_has_its_alarm() {
    let template = template();
    let mut told = BTreeSet::new();
    for (_, alarm) in resources(&template, "AWS::CloudWatch::Alarm") {
        let namespace = alarm["Namespace"].as_str().map_or_else(|| "ours".to_owned(), str::to_owned);
        let metric = alarm["MetricName"].as_str().unwrap_or_default();
        if metric.contains("Throttle") {
            told.insert(format!("{namespace} {metric} {}", alarm["Dimensions"][0]["Value"]));
        }
    }
    let mut expected = BTreeSet::from([
        "ours ApiThrottles null".to_owned(),
        "ours ServiceThrottles null".to_owned(),
        "ours StartThrottles null".to_owned(),
        "AWS/States ThrottledEvents \"StartExecution\"".to_owned(),
        "AWS/States ThrottledEvents \"DescribeExecution\"".to_owned(),
        "AWS/States ThrottledEvents \"StopExecution\"".to_owned(),
        "AWS/States ExecutionThrottled {\"Ref\":\"PaymentStateMachine\"}".to_owned(),
    ]);
    let bounded = functions(&template).into_keys().filter(|id| id != "KeyPublisherFunction");
    expected.extend(bounded.map(|id| format!("AWS/Lambda Throttles {{\"Ref\":\"{id}\"}}")));
    assert_eq!(told, expected);
    let filters = resources(&template, "AWS::Logs::MetricFilter");
    let throttled = format!("$.reasons[0].code = \"{}\"", minting::THROTTLED);
    for group in ["ExecutionsLogGroup", "RevalidationLogGroup"] {
        let told = filters.values().any(|filter| {
            filter["LogGroupName"]["Ref"] == group && filter["FilterPattern"].as_str().unwrap().contains(&throttled)
        });
        assert!(told, "{group}: who minds that KMS or Step Functions throttles?");
    }
}

#[test]
fn a_table_of_starts_and_the_one_permission_on_it_are_there_where_either_limit_is() {
    let template = template();
    let said = |parameter: &str| json!({"Fn::Not": [{"Fn::Equals": [{"Ref": parameter}, ""]}]});
    let either = json!({"Fn::Or": [said("StartsPerMinute"), said("RunningExecutions")]});
    assert_eq!(template["Conditions"]["StartsAreCounted"], either);
    for parameter in ["StartsPerMinute", "RunningExecutions"] {
        assert_eq!(template["Parameters"][parameter]["Default"], "", "{parameter}");
    }
    // Everything that is there only then, and nothing else of DynamoDB's.
    let conditional: Vec<&String> = template["Resources"]
        .as_object()
        .unwrap()
        .iter()
        .filter(|(_, resource)| resource["Condition"] == "StartsAreCounted")
        .map(|(id, _)| id)
        .collect();
    assert_eq!(conditional, ["StartLimits", "StartsTable", "StartsThrottledAlarm"]);
    assert_eq!(resources(&template, "AWS::DynamoDB::Table").len(), 1);
    let then = |value: Value, otherwise: Value| json!({"Fn::If": ["StartsAreCounted", value, otherwise]});
    let none = json!({"Ref": "AWS::NoValue"});
    let statement = json!({
        "Sid": "CountStarts",
        "Effect": "Allow",
        "Action": "dynamodb:UpdateItem",
        "Resource": {"Fn::GetAtt": ["StartsTable", "Arn"]},
    });
    let told = then(statement, none);
    let policy = &template["Resources"]["ExecutionsPolicy"]["Properties"]["PolicyDocument"]["Statement"];
    assert!(policy.as_array().unwrap().contains(&told), "{policy}");
    assert_eq!(template["Resources"].to_string().matches("dynamodb:").count(), 1);
    let variables = &functions(&template)["ExecutionsFunction"]["Environment"]["Variables"];
    let given = ["START_LIMITS_TABLE", "STARTS_PER_MINUTE", "RUNNING_EXECUTIONS"].map(|name| &variables[name]);
    let table = then(json!({"Ref": "StartsTable"}), json!(""));
    assert_eq!(json!(given), json!([table, {"Ref": "StartsPerMinute"}, {"Ref": "RunningExecutions"}]));
}

#[test]
fn what_is_counted_of_starts_is_encrypted_and_forgotten() {
    let table = resources(&template(), "AWS::DynamoDB::Table").remove("StartsTable").unwrap();
    let told = json!([
        [{"AttributeName": "id", "KeyType": "HASH"}],
        {"AttributeName": "expires", "Enabled": true},
        {"SSEEnabled": true},
        "PAY_PER_REQUEST",
    ]);
    let members = ["KeySchema", "TimeToLiveSpecification", "SSESpecification", "BillingMode"];
    assert_eq!(json!(members.map(|member| &table[member])), told);
}

/// A place whose execution is not there is given away after a time in which its start has either shown or can come no more.
#[test]
fn a_start_is_over_long_before_its_place_is_given_away() {
    let timeout = functions(&template())["ExecutionsFunction"]["Timeout"].as_i64().unwrap();
    assert!(timeout < 29 && 2 * timeout < executions::START_SHOWS_WITHIN, "{timeout}");
}

/// API Gateway's own refusals and those of `executions` have the same status and another cause.
#[test]
fn whoever_is_turned_away_is_counted_once() {
    let template = template();
    let filters = resources(&template, "AWS::Logs::MetricFilter");
    let gateway = filters["ApiThrottles"]["FilterPattern"].as_str().unwrap();
    assert_eq!(gateway, "{ $.status = \"429\" && $.response = \"THROTTLED\" }");
    let ours = filters["StartLimits"]["FilterPattern"].as_str().unwrap();
    for code in ["starts_used_up", "all_running", "looks_used_up"] {
        assert!(ours.contains(&format!("$.reasons[0].code = \"{code}\"")), "{code}");
    }
}

/// The authorizer's own alarm counts its lines, and it has none of what does not reach it.
#[test]
fn what_the_validation_expression_refuses_is_counted_all_the_same() {
    let template = template();
    let filter = &template["Resources"]["ApiUnauthorized"]["Properties"];
    let alarm = &template["Resources"]["ApiUnauthorizedAlarm"]["Properties"];
    let said =
        json!([filter["LogGroupName"], filter["FilterPattern"], filter["MetricTransformations"][0]["MetricName"]]);
    assert_eq!(said, json!([{"Ref": "ApiLogGroup"}, "{ $.status = \"401\" }", alarm["MetricName"]]));
}

#[test]
fn a_second_configuration_at_a_place_is_an_alarm() {
    let template = template();
    let rules = resources(&template, "AWS::CloudWatch::InsightRule");
    let mut watched = BTreeSet::new();
    for (id, rule) in &rules {
        let body: Value = serde_json::from_str(rule["RuleBody"]["Fn::Sub"].as_str().unwrap()).unwrap();
        assert_eq!(body["Contribution"]["Keys"], json!(["$.configuration"]), "{id}");
        watched.extend(body["LogGroupNames"].as_array().unwrap().iter().map(|name| name.as_str().unwrap().to_owned()));
        let expression = format!(
            "INSIGHT_RULE_METRIC(\"{}\", \"UniqueContributors\")",
            rule["RuleName"]["Fn::Sub"].as_str().unwrap()
        );
        let alarms = resources(&template, "AWS::CloudWatch::Alarm");
        let alarm = alarms.values().find(|one| one["Metrics"][0]["Expression"]["Fn::Sub"] == expression);
        assert_eq!(alarm.unwrap_or_else(|| panic!("{id} has no alarm"))["Threshold"], 2);
    }
    // Functions share a rule only if they are given the same, or two digests would be everyday life.
    let given = |name: &str| {
        let (_, function) = functions(&template)
            .into_iter()
            .find(|(_, one)| one["FunctionName"]["Fn::Sub"] == *name.trim_start_matches("/aws/lambda/"))
            .unwrap();
        function["Environment"]["Variables"].to_string()
    };
    for (id, rule) in &rules {
        let body: Value = serde_json::from_str(rule["RuleBody"]["Fn::Sub"].as_str().unwrap()).unwrap();
        let names = body["LogGroupNames"].as_array().unwrap();
        let environments: BTreeSet<String> = names.iter().map(|name| given(name.as_str().unwrap())).collect();
        assert_eq!(environments.len(), 1, "{id}");
    }
    let deciding = functions(&template).into_iter().filter(|(id, _)| id != "KeyPublisherFunction");
    let deciding: BTreeSet<String> =
        deciding.map(|(_, one)| format!("/aws/lambda/{}", one["FunctionName"]["Fn::Sub"].as_str().unwrap())).collect();
    assert_eq!(watched, deciding);
}

#[test]
fn whoever_changes_code_configuration_machine_api_or_keys_is_told_of() {
    let template = template();
    let rule = &template["Resources"]["ChangesAreTold"];
    assert_eq!(
        json!([rule["Condition"], rule["Properties"]["Targets"][0]["Arn"]]),
        json!(["AlarmsAreSent", {"Ref": "AlarmTopicArn"}])
    );
    let pattern = &rule["Properties"]["EventPattern"];
    assert_eq!(pattern["detail-type"], json!(["AWS API Call via CloudTrail"]));
    let of = |source: &str| {
        let all = pattern["$or"].as_array().unwrap();
        all.iter().find(|one| one["source"] == json!([source])).map(|one| one["detail"].clone()).unwrap()
    };
    let told = |source: &str, event: &str| of(source)["eventName"].to_string().contains(&format!("\"{event}\""));
    for event in [
        "UpdateFunctionCode",
        "UpdateFunctionConfiguration",
        "PublishVersion",
        "CreateAlias",
        "UpdateAlias",
        "DeleteAlias",
        "AddPermission",
    ] {
        assert!(told("aws.lambda", event), "{event}");
    }
    assert!(
        told("aws.states", "UpdateStateMachine") && told("aws.kms", "PutKeyPolicy") && told("aws.kms", "CreateGrant")
    );
    assert!(told("aws.apigateway", "UpdateAuthorizer") && told("aws.apigateway", "PutRestApi"));
    let keys = of("aws.kms")["resources"]["ARN"].to_string();
    for key in resources(&template, "AWS::KMS::Key").keys() {
        assert!(keys.contains(&format!("\"{key}\"")), "{key}");
    }
}

#[test]
fn an_alarm_tells_when_revalidation_cannot_ask_and_none_when_it_denies() {
    let template = template();
    let mut alarms = BTreeMap::new();
    for (_, alarm) in resources(&template, "AWS::CloudWatch::Alarm") {
        // Alarms of other kinds count throttling and changes.
        let Some(decision) = alarm["Dimensions"][0]["Value"].as_str().filter(|_| alarm["Namespace"].is_object()) else {
            continue;
        };
        let decision = decision.to_owned();
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

/// Who has set a compliance flag to what is what an investigator asks first.
#[test]
fn the_realm_keeps_what_administrators_write() {
    let realm: Value = serde_json::from_str(&file("realm/workflows-realm.json")).unwrap();
    let kept = ["eventsEnabled", "adminEventsEnabled", "adminEventsDetailsEnabled"].map(|setting| &realm[setting]);
    assert_eq!(json!(kept), json!([true, true, true]));
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
        attributes["use.jwks.url"],
        attributes["jwks.url"],
        attributes["use.jwks.string"],
        client["secret"],
    ]);
    // Where its keys are, the stack knows once it is deployed; until then nobody is this client.
    assert_eq!(signs_in, json!(["client-jwt", "ES256", "true", null, null, null]));
    let told = json!({"realm-management": ["query-clients"], "workflow-revalidation": ["revalidate"]});
    let user = json!({
        "username": "service-account-workflow-revalidation", "enabled": true, "serviceAccountClientId": name,
        "clientRoles": told,
    });
    assert_eq!(realm["users"], json!([user]));
    let scope = json!([{"client": name, "roles": ["query-clients"]}]);
    assert_eq!(realm["clientScopeMappings"]["realm-management"], scope);
}

/// What the service account may look at besides, in the realm to import.
#[test]
fn the_realm_narrows_revalidation_to_users_and_the_stack_s_clients() {
    let realm: Value = serde_json::from_str(&file("realm/workflows-realm.json")).unwrap();
    let permissions = permissions_of(&realm);
    let template = template();
    let clients: Vec<&str> = template["Parameters"]["Clients"]["Default"].as_str().unwrap().split(',').collect();
    let allowed: Vec<Value> = permissions["policies"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|policy| policy["type"] == "scope")
        .map(|policy| {
            let listed = ["resources", "scopes", "applyPolicies"]
                .map(|list| serde_json::from_str::<Value>(policy["config"][list].as_str().unwrap()).unwrap());
            json!([policy["config"]["defaultResourceType"], listed])
        })
        .collect();
    let expected = json!([
        ["Clients", [clients, ["view"], ["may revalidate"]]],
        ["Users", [["Users"], ["view"], ["may revalidate"]]],
    ]);
    assert_eq!(json!(allowed), expected);
    let roles: Value = serde_json::from_str(permissions["policies"][0]["config"]["roles"].as_str().unwrap()).unwrap();
    let role = json!([{"id": "workflow-revalidation/revalidate", "required": true}]);
    assert_eq!(json!([permissions["policies"][0]["name"], roles]), json!(["may revalidate", role]));
}

/// Keycloak before 26.2 has no permissions for single clients, and refuses a file that speaks of them.
#[test]
fn the_realm_for_earlier_servers_differs_in_what_the_service_account_may_see_and_nowhere_else() {
    let mut realm: Value = serde_json::from_str(&file("realm/workflows-realm.json")).unwrap();
    let earlier: Value = serde_json::from_str(&file("realm/before-26.2/workflows-realm.json")).unwrap();
    let view = json!(["view-users", "view-clients"]);
    realm.as_object_mut().unwrap().remove("adminPermissionsEnabled").unwrap();
    realm["roles"]["client"].as_object_mut().unwrap().remove("workflow-revalidation").unwrap();
    realm["clients"].as_array_mut().unwrap().retain(|client| client["clientId"] != "admin-permissions");
    realm["users"][0]["clientRoles"] = json!({ "realm-management": view });
    realm["clientScopeMappings"]["realm-management"][0]["roles"] = view;
    assert_eq!(realm, earlier);
}

fn permissions_of(realm: &Value) -> &Value {
    let clients = realm["clients"].as_array().unwrap();
    &clients.iter().find(|client| client["clientId"] == "admin-permissions").unwrap()["authorizationSettings"]
}
