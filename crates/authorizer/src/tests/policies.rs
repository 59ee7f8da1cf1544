//! Policies mean what the decisions say, read as IAM reads them.

use proptest::prelude::*;
use serde_json::{Value, json};
use test_realm::NOW;

use super::*;

const METHODS: [&str; 3] = ["GET", "POST", "DELETE"];
const ROLES: [&str; 4] = ["r0", "r1", "r2", "r3"];

/// Whether IAM lets a call through: an Allow matches and no Deny does.
fn iam_allows(answer: &Value, call: &str) -> bool {
    let arn = format!("{STAGE}/{call}");
    let matching = |effect: &str| {
        let statements = answer["policyDocument"]["Statement"].as_array().expect("statements");
        let of_effect = statements.iter().filter(|statement| statement["Effect"] == json!(effect));
        let mut resources = of_effect.flat_map(|statement| statement["Resource"].as_array().expect("resources"));
        resources.any(|resource| glob(resource.as_str().expect("a text").as_bytes(), arn.as_bytes()))
    };
    matching("Allow") && !matching("Deny")
}

/// IAM's patterns: `*` is any text, slashes included, and `?` is any one character.
fn glob(pattern: &[u8], text: &[u8]) -> bool {
    match pattern.split_first() {
        None => text.is_empty(),
        Some((b'*', rest)) => (0..=text.len()).any(|taken| glob(rest, &text[taken..])),
        Some((expected, rest)) => text
            .split_first()
            .is_some_and(|(presented, text)| (*expected == b'?' || expected == presented) && glob(rest, text)),
    }
}

/// What holds of every policy, whatever it says.
#[track_caller]
fn check_shape(answer: &Value) {
    assert_eq!(answer["policyDocument"]["Version"], json!("2012-10-17"));
    let statements = answer["policyDocument"]["Statement"].as_array().expect("statements");
    assert!(!statements.is_empty());
    for statement in statements {
        assert_eq!(statement["Action"], json!("execute-api:Invoke"));
        assert!(["Allow", "Deny"].map(Value::from).contains(&statement["Effect"]));
        for resource in statement["Resource"].as_array().expect("resources") {
            let call =
                resource.as_str().and_then(|resource| resource.strip_prefix(STAGE)).expect("a call of the stage");
            let (method, path) = call.strip_prefix('/').and_then(|call| call.split_once('/')).expect("a method");
            assert!(method.bytes().all(|byte| byte.is_ascii_uppercase()) && !path.contains('?'), "{call}");
        }
    }
    let context = answer["context"].as_object().expect("an object");
    assert!(context.values().all(Value::is_string), "{context:?}");
    assert!(answer.to_string().len() <= crate::MAX_ANSWER_BYTES);
}

/// One route: a method, a path template and the roles of which one is needed; none is any verified caller.
fn any_route() -> impl Strategy<Value = String> {
    let segment = prop_oneof![Just("a"), Just("b"), Just("{}")];
    let path = prop::collection::vec(segment, 1..=4);
    let roles = prop::collection::vec(prop::sample::select(ROLES.as_slice()), 0..=2);
    (prop::sample::select(METHODS.as_slice()), path, roles).prop_map(|(method, path, roles)| {
        let name = |(at, segment): (usize, &&str)| {
            if *segment == "{}" { format!("/{{p{at}}}") } else { format!("/{segment}") }
        };
        let path: String = path.iter().enumerate().map(name).collect();
        let roles: Vec<String> = roles.iter().map(|role| format!("\"workflow-api:{role}\"")).collect();
        let asked = match roles.is_empty() {
            true => "any_verified_caller = true".to_owned(),
            false => format!("any_role = [{}]", roles.join(", ")),
        };
        format!("[[routes]]\nmethod = \"{method}\"\npath = \"{path}\"\n{asked}\n")
    })
}

/// A table of those routes that can stand beside the ones before.
fn any_table() -> impl Strategy<Value = String> {
    prop::collection::vec(any_route(), 1..=8).prop_map(|routes| {
        routes.into_iter().fold(String::new(), |table, route| {
            let longer = format!("{table}{route}");
            if AccessPolicy::parse("access.toml", &longer).is_ok() { longer } else { table }
        })
    })
}

fn any_caller() -> impl Strategy<Value = Vec<&'static str>> {
    prop::sample::subsequence(ROLES.as_slice(), 0..=ROLES.len())
}

/// Every call of one to four segments.
fn calls() -> Vec<String> {
    let longer = |paths: &Vec<String>| -> Vec<String> {
        paths.iter().flat_map(|path| ["a", "b", "x:y"].map(|segment| format!("{path}/{segment}"))).collect()
    };
    let lengths = std::iter::successors(Some(vec![String::new()]), |paths| Some(longer(paths)));
    let paths: Vec<String> = lengths.skip(1).take(4).flatten().collect();
    METHODS.iter().flat_map(|method| paths.iter().map(move |path| format!("{method}{path}"))).collect()
}

fn answered(table: &str, header: &str, call: &str) -> (Value, Value) {
    let outcome = outcome(setup(policy(table), realm_keys()), &event(header, call));
    let line = outcome.line();
    (outcome.answer, line)
}

/// The decision on a call, taken on its own.
fn decision(table: &AccessPolicy, roles: &[&str], call: &str) -> Option<bool> {
    let (method, path) = call.split_once('/').expect("a path");
    let route = table.route_for(method, &format!("/{path}"))?;
    let asked = route.requirement();
    let held = |role: &claim_guard::Role| roles.iter().any(|held| role.to_string() == format!("workflow-api:{held}"));
    Some(asked.is_any_verified_caller() || asked.any_role().iter().any(held))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn i19_a_cached_policy_is_right_on_every_route(table in any_table(), roles in any_caller(), first in any::<prop::sample::Index>()) {
        let routes = policy(&table);
        let calls: Vec<(String, bool)> = calls()
            .into_iter()
            .filter_map(|call| decision(&routes, &roles, &call).map(|allowed| (call, allowed)))
            .collect();
        prop_assume!(!calls.is_empty());
        let (called, _) = &calls[first.index(calls.len())];
        let (answer, _) = answered(&table, &caller(&roles), called);
        check_shape(&answer);
        for (call, allowed) in &calls {
            prop_assert_eq!(iam_allows(&answer, call), *allowed, "{} {}\n{}\n{}", called, call, table, answer);
        }
    }

    #[test]
    fn i19_the_answer_is_the_same_whichever_route_is_called(table in any_table(), roles in any_caller()) {
        let routes = policy(&table);
        let header = caller(&roles);
        let routed = calls().into_iter().filter(|call| decision(&routes, &roles, call).is_some());
        let mut answers: Vec<Value> = routed.step_by(17).map(|call| answered(&table, &header, &call).0).collect();
        answers.dedup();
        prop_assert!(answers.len() <= 1, "{:?}", answers);
    }

    #[test]
    fn the_audit_line_says_what_the_policy_does_to_the_call(
        table in any_table(),
        roles in any_caller(),
        method in prop::sample::select(METHODS.as_slice()),
        path in "(/(a|b|\\*|\\?|a\\*|%2F|\\.\\.|x:y|\\$|[a-z]{1,3}|)){0,5}",
    ) {
        let call = format!("{method}/{}", path.strip_prefix('/').unwrap_or_default());
        let (answer, line) = answered(&table, &caller(&roles), &call);
        match line["decision"].as_str() {
            Some("allow") => prop_assert!(iam_allows(&answer, &call), "{} {}", call, answer),
            Some("deny") => prop_assert!(!iam_allows(&answer, &call), "{} {}", call, answer),
            Some("reject") => prop_assert_eq!(answer, unauthorized()),
            other => prop_assert!(false, "{:?}", other),
        }
    }

    #[test]
    fn i25_i31_every_policy_names_what_it_means_and_every_context_is_flat(
        table in any_table(),
        roles in any_caller(),
        method in prop::sample::select(METHODS.as_slice()),
        path in "(/(a|b|\\*|\\?|%2F|\\{|[a-z]{1,3}|)){0,4}",
        subject in "(\\PC|[\"{}\\[\\]\\\\,:*]){1,30}",
    ) {
        let roles = json!({ test_realm::AUDIENCE: { "roles": roles } });
        let payload = test_realm::with(test_realm::access_token_payload(NOW), "/resource_access", roles);
        let header = bearer(&test_realm::with(payload, "/sub", json!(subject)));
        let (answer, line) = answered(&table, &header, &format!("{method}/{}", path.strip_prefix('/').unwrap_or_default()));
        if line["decision"] == json!("reject") {
            prop_assert_eq!(answer, unauthorized());
        } else {
            check_shape(&answer);
        }
    }
}

#[test]
fn i13_a_path_is_decided_on_by_its_template_as_it_stands() {
    let header = caller(&["payment:audit"]);
    for parameter in ["..", ".", "%2e%2e", "%2F", "e;x=1", "E", "e%00", "-"] {
        let call = format!("GET/workflows/payment/executions/{parameter}");
        let (answer, line) = answered(SHIPPED, &header, &call);
        assert_eq!(line["decision"], json!("allow"), "{call}");
        assert!(iam_allows(&answer, &call), "{call}");
    }
    for call in [
        "GET/workflows%2Fpayment%2Fexecutions%2Fe",
        "GET/workflows/payment/executions%2Fe",
        "GET/workflows/payment/executions/e/",
        "GET/workflows/payment/executions/",
        "GET//workflows/payment/executions/e",
        "GET/workflows//executions/e",
        "GET/workflows/payment/executions;x=1/e",
        "GET/Workflows/payment/executions/e",
        "GET/workflows/payment/EXECUTIONS/e",
        "GET/workflows/payment/%65xecutions/e",
        "GET/workflows/payment/executions/e/../e",
        "GET/workflows/payment/../payment/executions/e",
        "GET/./workflows/payment/executions/e",
        "GET/workflows/payment/%2e%2e/payment/executions/e",
        "HEAD/workflows/payment/executions/e",
    ] {
        let (answer, line) = answered(SHIPPED, &header, call);
        assert_eq!((&line["decision"], &line["reasons"][0]["code"]), (&json!("deny"), &json!("no_route")), "{call}");
        assert!(!iam_allows(&answer, call), "{call}");
    }
}

#[test]
fn an_allowed_pattern_that_covers_a_denied_route_is_cut_out_by_name() {
    let table = "
        [[routes]]
        method = \"GET\"
        path = \"/orders/{order}\"
        any_role = [\"workflow-api:r0\"]
        [[routes]]
        method = \"GET\"
        path = \"/orders/{order}/items\"
        any_role = [\"workflow-api:r1\"]";
    let (answer, _) = answered(table, &caller(&["r0"]), "GET/orders/7");
    let resources = |at: usize| answer["policyDocument"]["Statement"][at]["Resource"].clone();
    assert_eq!(resources(0), json!([format!("{STAGE}/GET/orders/*")]));
    assert_eq!(resources(1), json!([format!("{STAGE}/GET/orders/*/items")]));
    assert!(iam_allows(&answer, "GET/orders/7") && !iam_allows(&answer, "GET/orders/7/items"));
}

#[test]
fn i23_a_policy_that_is_too_large_is_undecided_and_never_shortened() {
    let route = |n: usize| {
        let path = format!("/{}{n}", "x".repeat(120));
        format!("[[routes]]\nmethod = \"GET\"\npath = \"{path}\"\nany_role = [\"workflow-api:r0\"]\n")
    };
    let table = |routes: usize| (0..routes).map(route).collect::<String>();
    let (answer, line) = answered(&table(63), &caller(&["r0"]), "GET/x");
    assert_eq!(answer, undecided());
    assert_eq!((&line["decision"], &line["reasons"][0]["code"]), (&json!("undecided"), &json!("policy_too_large")));
    assert_eq!((&line["subject"], &line["at"]), (&json!(test_realm::SUBJECT), &json!(NOW)));
    let (answer, _) = answered(&table(30), &caller(&["r0"]), "GET/x");
    check_shape(&answer);
}

#[test]
fn a_caller_of_few_among_many_routes_is_answered_and_one_of_none_is_denied() {
    let route = |n: usize| {
        let role = if n.is_multiple_of(50) { "r0" } else { "r1" };
        format!("[[routes]]\nmethod = \"GET\"\npath = \"/r{n}/{{id}}\"\nany_role = [\"workflow-api:{role}\"]\n")
    };
    let table: String = (0..512).map(route).collect();
    let (answer, line) = answered(&table, &caller(&["r0"]), "GET/r50/x");
    check_shape(&answer);
    assert_eq!(line["decision"], json!("allow"));
    assert!(iam_allows(&answer, "GET/r0/x") && iam_allows(&answer, "GET/r500/x") && !iam_allows(&answer, "GET/r51/x"));
    let (answer, line) = answered(&table, &caller(&["r2"]), "GET/r50/x");
    assert_eq!(line["decision"], json!("deny"));
    let statement =
        json!([{ "Effect": "Deny", "Action": "execute-api:Invoke", "Resource": [format!("{STAGE}/GET/r0/*")] }]);
    assert_eq!(answer["policyDocument"]["Statement"], statement);
    let (answer, line) = answered(&table, &caller(&["r1"]), "GET/r1/x");
    assert_eq!((answer, &line["reasons"][0]["code"]), (undecided(), &json!("policy_too_large")));
}

#[test]
fn the_shipped_policy_fits_with_room_for_every_caller() {
    for roles in [&["payment:start", "payment:audit", "payment:operate"][..], &["payment:audit"], &[]] {
        let (answer, _) = answered(SHIPPED, &caller(roles), "POST/workflows/payment/executions");
        check_shape(&answer);
        assert!(answer.to_string().len() < crate::MAX_ANSWER_BYTES / 4, "{answer}");
    }
}

#[test]
fn i17_i29_a_policy_speaks_of_the_called_stage_only() {
    let header = caller(&["payment:audit"]);
    let stage = "arn:aws-us-gov:execute-api:us-gov-west-1:000000000000:zz9/test-invoke-stage";
    let event = json!({
        "type": "TOKEN", "authorizationToken": header, "methodArn": format!("{stage}/GET/workflows/a/executions/b")
    });
    let answer = outcome(setup(policy(SHIPPED), realm_keys()), &event).answer;
    let resource = &answer["policyDocument"]["Statement"][0]["Resource"];
    assert_eq!(*resource, json!([format!("{stage}/GET/workflows/*/executions/*")]));
}
