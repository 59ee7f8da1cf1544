//! No role may do more than it needs: every permission of a function's role is taken away on the live lab, and something
//! breaks that nothing else would have broken.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test may panic")]

mod support;

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::thread;

use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use roxmltree::Document;
use serde_json::{Value, json};
use support::{Turn, and, payment, repository, turn, unique};

/// What the key's policy allows to whoever administers the stack, so that the main job works without it.
const ADMINISTRATION: &str = "TheAccountAdministers";

/// What only AWS can prove, with the words of `docs/on-aws.md` that tell how to prove it there.
const NOT_ENFORCED: [(&str, &str); 6] = [
    // The emulator writes the functions' logs itself, whatever their roles say.
    ("WriteOwnLog", "Each function writes its own log and no other."),
    // The emulator has no X-Ray.
    ("AWSXRayDaemonWriteAccess", "The emulator has no X-Ray."),
    // The emulator does not look at the state machine's role.
    (
        "CallTheSteps",
        "The state machine's role calls the three steps and revalidation, and nothing else. No emulator looks at it.",
    ),
    ("SeeWhatWasStopped", "What was stopped stays stopped when it is redriven. No emulator has redrive."),
    ("SeeItsMapRuns", "A child of a distributed Map has its own ARN. No emulator runs one as AWS does."),
    ("LogDeliveryTakesNoResource", "it goes with the log-delivery actions, which take no resource"),
];

/// One action that one statement allows.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Permission {
    /// The logical id of the role or the key whose policy it stands in.
    owner: String,
    statement: String,
    action: String,
}

/// A policy as it is deployed.
#[derive(Debug, Clone)]
struct Policy {
    /// The logical id of the role or the key.
    owner: String,
    place: Place,
    document: Value,
}

/// Where a policy is kept.
#[derive(Debug, Clone)]
enum Place {
    /// Inline in a role.
    Role { role: String, policy: String },
    /// At the key itself.
    Key { id: String },
}

fn iam(lab: &Turn, action: &str, parameters: &[(&str, &str)]) -> String {
    let pairs =
        parameters.iter().map(|(name, value)| format!("&{name}={}", utf8_percent_encode(value, NON_ALPHANUMERIC)));
    let form = format!("Action={action}&Version=2010-05-08{}", pairs.collect::<String>());
    lab.aws().query("iam", &form).unwrap()
}

/// The texts of all elements of that name.
fn elements(xml: &str, name: &str) -> Vec<String> {
    let document = Document::parse(xml).unwrap();
    let named = document.descendants().filter(|element| element.has_tag_name(name));
    named.map(|element| element.text().unwrap_or_default().trim().to_owned()).collect()
}

fn roles(lab: &Turn) -> Vec<(String, String)> {
    let all = lab.stack().resources.iter().filter(|(_, resource)| resource.kind == "AWS::IAM::Role");
    all.map(|(logical, resource)| (logical.clone(), resource.id.clone())).collect()
}

fn inline_policies(lab: &Turn) -> Vec<Policy> {
    let mut policies = Vec::new();
    for (role, of) in roles(lab) {
        let names = iam(lab, "ListRolePolicies", &[("RoleName", &of)]);
        for name in elements(&names, "member") {
            let answer = iam(lab, "GetRolePolicy", &[("RoleName", &of), ("PolicyName", &name)]);
            let document = elements(&answer, "PolicyDocument").remove(0);
            let document = serde_json::from_str(&percent_decode_str(&document).decode_utf8().unwrap()).unwrap();
            policies.push(Policy {
                owner: role.clone(),
                place: Place::Role { role: of.clone(), policy: name },
                document,
            });
        }
    }
    policies
}

fn key_policies(lab: &Turn) -> Vec<Policy> {
    let keys = lab.stack().resources.iter().filter(|(_, resource)| resource.kind == "AWS::KMS::Key");
    let policy = |(owner, key): (&String, &xtask::stack::Resource)| {
        let request = json!({"KeyId": key.id, "PolicyName": "default"});
        let answer = lab.aws().json("kms", "TrentService.GetKeyPolicy", &request).unwrap();
        let document = serde_json::from_str(answer["Policy"].as_str().unwrap()).unwrap();
        Policy { owner: owner.clone(), place: Place::Key { id: key.id.clone() }, document }
    };
    keys.map(policy).collect()
}

fn several(value: &Value) -> Vec<String> {
    match value {
        Value::Array(all) => all.iter().map(|one| one.as_str().unwrap().to_owned()).collect(),
        Value::String(one) => vec![one.clone()],
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => panic!("neither text nor texts: {value}"),
    }
}

fn statements(policy: &Policy) -> Vec<Value> {
    policy.document["Statement"].as_array().unwrap().clone()
}

fn permissions(policy: &Policy) -> Vec<Permission> {
    let mut all = Vec::new();
    for statement in statements(policy) {
        for action in several(&statement["Action"]) {
            let statement = statement["Sid"].as_str().unwrap().to_owned();
            all.push(Permission { owner: policy.owner.clone(), statement, action });
        }
    }
    all
}

/// A permission taken away, until this is dropped.
struct Without<'a> {
    lab: &'a Turn,
    policy: Policy,
}

impl<'a> Without<'a> {
    fn new(lab: &'a Turn, policy: &Policy, permission: &Permission) -> Without<'a> {
        let mut rest = Vec::new();
        for statement in statements(policy) {
            let mut actions = several(&statement["Action"]);
            if statement["Sid"] == permission.statement.as_str() {
                actions.retain(|action| *action != permission.action);
            }
            if !actions.is_empty() {
                rest.push(and(&statement, "Action", json!(actions)));
            }
        }
        put(lab, policy, &and(&policy.document, "Statement", json!(rest)));
        Without { lab, policy: policy.clone() }
    }
}

impl Drop for Without<'_> {
    fn drop(&mut self) {
        put(self.lab, &self.policy, &self.policy.document);
    }
}

fn put(lab: &Turn, policy: &Policy, document: &Value) {
    let none = document["Statement"].as_array().unwrap().is_empty();
    let document = document.to_string();
    match &policy.place {
        Place::Role { role, policy } if none => {
            iam(lab, "DeleteRolePolicy", &[("RoleName", role), ("PolicyName", policy)]);
        }
        Place::Role { role, policy } => {
            iam(lab, "PutRolePolicy", &[("RoleName", role), ("PolicyName", policy), ("PolicyDocument", &document)]);
        }
        Place::Key { id } => {
            let request = json!({"KeyId": id, "PolicyName": "default", "Policy": document});
            lab.aws().json("kms", "TrentService.PutKeyPolicy", &request).unwrap();
        }
    }
}

/// The API's status for a start, and whether an execution began.
fn start(lab: &Turn) -> (u16, bool) {
    let before = lab.executions().unwrap().len();
    let answer = lab.start(&lab.token("alice").unwrap(), &[("idempotency-key", &unique())], &payment().to_string());
    if answer.status == 202 {
        lab.ended(&lab.execution_of(&answer).arn);
    }
    (answer.status, lab.executions().unwrap().len() > before)
}

/// How a payment ends that starts.
fn payment_ends(lab: &Turn) -> String {
    let execution = lab.started(&lab.token("alice").unwrap());
    lab.ended(&execution.arn)
}

/// The API's status for describing an execution that is over.
fn describe(lab: &Turn) -> u16 {
    let token = lab.token("alice").unwrap();
    let execution = lab.started(&token);
    assert_eq!(lab.ended(&execution.arn), "SUCCEEDED");
    lab.call(&token, "GET", &execution.path).status
}

/// The API's status for stopping an execution under way, and the execution's end.
fn stop(lab: &Turn) -> (u16, String) {
    let token = lab.token("alice").unwrap();
    let (answer, execution) = lab.stop_under_way(&token, &token);
    (answer.status, lab.ended(&execution.arn))
}

/// What the key publisher reports to CloudFormation.
fn published(lab: &Turn) -> String {
    let event = std::fs::read_to_string(repository().join("events/key-publisher/create.json")).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}/answer", listener.local_addr().unwrap());
    let listening = thread::spawn(move || {
        let (stream, _) = listener.accept().unwrap();
        let mut reader = BufReader::new(stream);
        let mut length = 0;
        loop {
            let mut line = String::new();
            reader.read_line(&mut line).unwrap();
            if line.trim().is_empty() {
                break;
            }
            if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().unwrap();
            }
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body).unwrap();
        reader.get_mut().write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n").unwrap();
        serde_json::from_slice::<Value>(&body).unwrap()
    });
    let arn = |key: String| match key.strip_prefix("arn:") {
        Some(_) => key,
        None => format!("arn:aws:kms:us-east-1:000000000000:key/{key}"),
    };
    // The third one, which names executions, has no public half.
    let keys = ["TransactionKey", "ClientKey"].map(|key| arn(lab.stack().resources[key].id.clone()));
    let mut event: Value = serde_json::from_str(&event).unwrap();
    event["ResponseURL"] = json!(address);
    event["ResourceProperties"]["KeyArns"] = json!(keys);
    lab.invoke("KeyPublisher", &event).unwrap();
    listening.join().unwrap()["Status"].as_str().unwrap().to_owned()
}

/// Sees that the main job is whole.
#[track_caller]
fn expect_whole(lab: &Turn) {
    assert_eq!(start(lab), (202, true));
    assert_eq!(payment_ends(lab), "SUCCEEDED");
}

/// Sees the main job break as the absence of this permission has to break it. A permission that is not listed here fails.
#[track_caller]
fn expect_broken(lab: &Turn, permission: &Permission) {
    let Permission { owner, statement, action } = permission;
    match (owner.as_str(), statement.as_str(), action.as_str()) {
        ("ExecutionsRole", "StartThisWorkflow", "states:StartExecution")
        | ("TransactionKey", "ExecutionsSigns", "kms:Sign") => assert_eq!(start(lab), (500, false)),
        ("TransactionKey", "RevalidationSigns", "kms:Sign") => {
            assert_eq!(payment_ends(lab), "FAILED ClaimGuard.Misconfigured");
        }
        ("ExecutionNamingKey", "ExecutionsNames", "kms:GenerateMac") => {
            // A process asks once.
            lab.cold_start("Executions").unwrap();
            assert_eq!(start(lab), (500, false));
        }
        ("ExecutionsRole", "AskRevalidation", "lambda:InvokeFunction") => assert_eq!(start(lab), (500, false)),
        ("ClientKey", "RevalidationSignsIn", "kms:Sign") => {
            // A process keeps what it has signed in for. Whoever asks for a start cannot tell what is wrong there.
            lab.cold_start("Revalidation").unwrap();
            assert_eq!(start(lab), (503, false));
        }
        ("RevalidationRole", "SeeItsExecutions", "states:DescribeExecution") => {
            assert_eq!(payment_ends(lab), "FAILED ClaimGuard.Misconfigured");
        }
        ("ExecutionsRole", "SeeAndStopItsExecutions", "states:DescribeExecution") => assert_eq!(describe(lab), 500),
        ("ExecutionsRole", "SeeAndStopItsExecutions", "states:StopExecution") => {
            assert_eq!(stop(lab), (500, "SUCCEEDED".to_owned()));
        }
        ("KeyPublisherRole", "ReadPublicKeys", "kms:GetPublicKey")
        | ("ClientKey" | "TransactionKey", ADMINISTRATION, "kms:GetPublicKey") => assert_eq!(published(lab), "FAILED"),
        _ => panic!("nothing is known to need {permission:?}: take it away, or tell here what breaks without it"),
    }
}

#[test]
fn the_main_job_breaks_without_any_one_permission() {
    let lab = turn();
    expect_whole(&lab);
    assert_eq!((describe(&lab), published(&lab).as_str()), (200, "SUCCESS"));
    assert_eq!(stop(&lab), (204, "ABORTED Stopped".to_owned()));
    let mut taken = 0;
    for policy in inline_policies(&lab).into_iter().chain(key_policies(&lab)) {
        for permission in permissions(&policy) {
            let proven_elsewhere = NOT_ENFORCED.iter().any(|(name, _)| *name == permission.statement);
            let for_administrators = permission.statement == ADMINISTRATION && permission.action != "kms:GetPublicKey";
            if proven_elsewhere || for_administrators {
                continue;
            }
            let without = Without::new(&lab, &policy, &permission);
            expect_broken(&lab, &permission);
            drop(without);
            taken += 1;
        }
    }
    assert_eq!(taken, 12);
    expect_whole(&lab);
    assert_eq!((describe(&lab), published(&lab).as_str()), (200, "SUCCESS"));
}

#[test]
fn what_the_lab_cannot_prove_is_proven_on_aws() {
    let lab = turn();
    let document = std::fs::read_to_string(repository().join("docs/on-aws.md")).unwrap();
    let document = document.split_whitespace().collect::<Vec<_>>().join(" ");
    let deployed: BTreeSet<String> = inline_policies(&lab)
        .iter()
        .flat_map(permissions)
        .map(|permission| permission.statement)
        .chain(managed_policies(&lab).into_iter().map(|(_, name)| name))
        .collect();
    for (name, words) in NOT_ENFORCED {
        assert!(deployed.contains(name), "{name} is not deployed any more");
        assert!(document.contains(words), "docs/on-aws.md does not say `{words}` for {name}");
    }
}

fn managed_policies(lab: &Turn) -> Vec<(String, String)> {
    let mut all = Vec::new();
    for (role, of) in roles(lab) {
        let answer = iam(lab, "ListAttachedRolePolicies", &[("RoleName", &of)]);
        all.extend(elements(&answer, "PolicyName").into_iter().map(|name| (role.clone(), name)));
    }
    all
}

#[test]
fn no_deployed_statement_has_a_wildcard() {
    let lab = turn();
    let mut wild = BTreeSet::new();
    let policies = inline_policies(&lab);
    for policy in &policies {
        for statement in statements(policy) {
            assert_eq!(statement["Effect"], "Allow");
            let everything = several(&statement["Resource"]).iter().any(|resource| resource == "*");
            if everything || several(&statement["Action"]).iter().any(|action| action.contains('*')) {
                wild.insert((policy.owner.clone(), statement["Sid"].as_str().unwrap().to_owned()));
            }
        }
    }
    // These actions take no resource.
    let told = ("PaymentStateMachineRole".to_owned(), "LogDeliveryTakesNoResource".to_owned());
    assert_eq!(wild, BTreeSet::from([told]));
}

#[test]
fn no_role_is_in_use_that_was_not_looked_at() {
    let lab = turn();
    let policies: BTreeSet<String> = inline_policies(&lab).into_iter().map(|policy| policy.owner).collect();
    let managed = managed_policies(&lab);
    let roles: BTreeSet<String> = roles(&lab).into_iter().map(|(role, _)| role).collect();
    assert_eq!(policies, roles);
    let told: Vec<(String, String)> =
        roles.into_iter().map(|role| (role, "AWSXRayDaemonWriteAccess".to_owned())).collect();
    assert_eq!(managed, told);
}
