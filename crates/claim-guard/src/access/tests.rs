//! Texts of a policy, what is read from them and everything that is wrong with them.

use std::time::Duration;

use proptest::prelude::*;

use crate::access::{AccessPolicy, ActorRule};
use crate::claims::{ClaimPath, Role};
use crate::identifier::{Digest, StateName, WorkflowName};

/// What every workflow has to say, where it does not matter.
const TERMS: &str = "session = \"ignored\"\nmax_duration = \"365d\"\n";

const SAMPLE: &str = r#"
[[routes]]
method = "POST"
path = "/workflows/{workflow}/executions"
any_role = ["workflow-api:payment:start"]            # at least one of

[[routes]]
method = "GET"
path = "/workflows/{workflow}/executions/{execution}"
any_role = ["workflow-api:payment:start", "workflow-api:payment:audit"]

[[routes]]
method = "GET"
path = "/health"
any_verified_caller = true

[workflows.payment]
transaction_token_lifetime = "90s"
session = "ignored"
max_duration = "365d"
describe = ["workflow-api:payment:audit"]
stop = []

[workflows.payment.start]
roles = ["workflow-api:payment:start"]
claims = []

[workflows.payment.states.ApprovePayment]
roles = ["workflow-api:payment:approve", "realm:employee"]
any_role = ["realm:eu", "realm:us"]
claims = ["compliance.kyc = true", "compliance.kyc_level >= 2", 'compliance.regions contains "eu"', "project_id = input.project_id"]

[workflows.payment.states."Wait a day"]
any_verified_caller = true

[workflows.refund]
session = "ignored"
max_duration = "365d"
start = { any_verified_caller = true }
states.Refund.claims = ["compliance.kyc = true"]
"#;

fn sample() -> AccessPolicy {
    AccessPolicy::parse("access.toml", SAMPLE).expect("the sample")
}

fn workflow(name: &str) -> WorkflowName {
    WorkflowName::parse(name).expect("a workflow")
}

fn roles(texts: &[&str]) -> Vec<Role> {
    texts.iter().map(|text| Role::parse(text).expect("a role")).collect()
}

fn strings<T: ToString>(values: impl IntoIterator<Item = T>) -> Vec<String> {
    values.into_iter().map(|value| value.to_string()).collect()
}

#[test]
fn a_policy_keeps_what_its_text_says() {
    let policy = sample();
    assert_eq!(policy.digest(), &Digest::of(SAMPLE.as_bytes()));
    assert_eq!(
        strings(policy.routes()),
        ["POST /workflows/{workflow}/executions", "GET /workflows/{workflow}/executions/{execution}", "GET /health"]
    );
    let [start, describe, health] = policy.routes() else { panic!("three routes") };
    assert_eq!(start.requirement().any_role(), roles(&["workflow-api:payment:start"]));
    assert_eq!(describe.requirement().any_role(), roles(&["workflow-api:payment:start", "workflow-api:payment:audit"]));
    assert_eq!(describe.requirement().roles(), []);
    assert!(!describe.requirement().is_any_verified_caller());
    assert!(health.requirement().is_any_verified_caller());

    assert_eq!(strings(policy.workflows().map(|workflow| workflow.name())), ["payment", "refund"]);
    let payment = policy.workflow(&workflow("payment")).expect("payment");
    assert_eq!(payment.transaction_token_lifetime(), Duration::from_secs(90));
    assert_eq!(payment.describe(), roles(&["workflow-api:payment:audit"]));
    assert_eq!(payment.stop(), []);
    assert_eq!(payment.start().roles(), roles(&["workflow-api:payment:start"]));
    assert_eq!(strings(payment.states().map(|(name, _)| name)), ["ApprovePayment", "Wait a day"]);
    let approve =
        payment.guarded(&StateName::parse("ApprovePayment").expect("a state")).expect("ApprovePayment").requirement();
    assert_eq!(approve.roles(), roles(&["workflow-api:payment:approve", "realm:employee"]));
    assert_eq!(
        strings(approve.conditions()),
        [
            "compliance.kyc = true",
            "compliance.kyc_level >= 2",
            "compliance.regions contains \"eu\"",
            "project_id = input.project_id"
        ]
    );
    assert_eq!(payment.guarded(&StateName::parse("ReceiveIdentity").expect("a state")), None);
    assert_eq!(policy.workflow(&workflow("payments")), None);
}

#[test]
fn a_lifetime_that_is_not_named_is_five_minutes() {
    let policy = sample();
    let refund = policy.workflow(&workflow("refund")).expect("refund");
    assert_eq!(refund.transaction_token_lifetime(), Duration::from_secs(300));
    assert_eq!((refund.describe(), refund.stop()), (&[][..], &[][..]));
}

#[test]
fn a_workflow_names_the_roles_and_claims_of_its_start_and_states() {
    let policy = sample();
    let payment = policy.workflow(&workflow("payment")).expect("payment");
    assert_eq!(
        strings(payment.named_roles()),
        ["realm:employee", "realm:eu", "realm:us", "workflow-api:payment:approve", "workflow-api:payment:start"]
    );
    assert_eq!(
        payment.named_claims().into_iter().map(ClaimPath::to_string).collect::<Vec<_>>(),
        ["compliance.kyc", "compliance.kyc_level", "compliance.regions", "project_id"]
    );
}

#[test]
fn a_request_takes_the_most_specific_route_of_its_method() {
    let routes = ["/a/{x}", "/a/b", "/{y}/b/c", "/a/{z}/c", "/a/{w}/{v}"];
    let text: String = routes
        .iter()
        .map(|path| format!("[[routes]]\nmethod = \"GET\"\npath = \"{path}\"\nany_verified_caller = true\n"))
        .collect();
    let policy = AccessPolicy::parse("access.toml", &text).expect("a policy");
    let check = |method: &str, path: &str, expected: Option<&str>| {
        let presented = policy.route_for(method, path).map(|route| route.path().to_string());
        assert_eq!(presented.as_deref(), expected, "{method} {path}");
    };
    check("GET", "/a/b", Some("/a/b"));
    check("GET", "/a/c", Some("/a/{x}"));
    check("GET", "/a/b/c", Some("/a/{z}/c"));
    check("GET", "/d/b/c", Some("/{y}/b/c"));
    check("GET", "/a/b/d", Some("/a/{w}/{v}"));
    check("GET", "/a/{x}", Some("/a/{x}"));
    for (method, path) in [
        ("POST", "/a/b"),
        ("get", "/a/b"),
        ("GET", "a/b"),
        ("GET", "/a"),
        ("GET", "/a/"),
        ("GET", "/a/b/"),
        ("GET", "//b"),
        ("GET", "/"),
        ("GET", ""),
        ("GET", "/A/b"),
        ("GET", "/a/b/c/d"),
    ] {
        check(method, path, None);
    }
}

#[track_caller]
fn check(text: &str, expected: &[&str]) {
    let faults = AccessPolicy::parse("access.toml", text).expect_err("faults");
    assert_eq!(faults.to_string().lines().collect::<Vec<_>>(), expected, "{text}");
}

#[test]
fn a_text_that_is_no_toml_has_one_fault() {
    let faults = AccessPolicy::parse("access.toml", "a = 1\nb = \"x\n").expect_err("faults");
    let lines: Vec<(usize, &str, usize)> =
        faults.faults().iter().map(|fault| (fault.line, faults.file(), faults.to_string().lines().count())).collect();
    assert_eq!(lines, [(2, "access.toml", 1)]);
    assert!(faults.to_string().starts_with("access.toml:2: not TOML: "), "{faults}");
    check("[[routes]]\n[routes]\n", &["access.toml:2: not TOML: duplicate key"]);
}

#[test]
fn a_text_beyond_the_limits_is_not_read() {
    check(&"#".repeat(128 * 1024 + 1), &["access.toml:1: the text has `131073` bytes, expected at most `131072`"]);
    assert_eq!(AccessPolicy::parse("access.toml", &"#".repeat(128 * 1024)).map(|policy| policy.routes().len()), Ok(0));
    let route =
        |index: usize| format!("[[routes]]\nmethod = \"GET\"\npath = \"/r{index}\"\nany_verified_caller = true\n");
    let routes = |count: usize| (0..count).map(route).collect::<String>();
    assert_eq!(AccessPolicy::parse("access.toml", &routes(512)).map(|policy| policy.routes().len()), Ok(512));
    check(&routes(513), &["access.toml:1: `routes` has `513` entries, expected at most `512`"]);
}

#[test]
fn every_fault_is_named_with_its_line_and_key() {
    check(
        r#"routs = 1
[[routes]]
method = "ANY"
path = "/{proxy+}"
rolez = ["realm:a"]
roles = "realm:a"
[[routes]]
any_verified_caller = false
[[routes]]
method = 1
path = "/a"
claims = ["project_id = input.project_id", "kyc = maybe", 3]
[workflows."pay ment"]
transaction_token_lifetime = "5 m"
describe = ["admin"]
stop = ["realm:a", "realm:a"]
owner = "x"
[workflows.pay-out.start]
any_role = []
[workflows.pay-out.states]
[workflows.ship.start]
claims = []
[workflows.ship.states.Pack]
any_verified_caller = true
roles = ["realm:\u0430dmin"]
[workflows.ship.states.""]
any_verified_caller = 1
[workflows.ship.states.Send]
[workflows.ship]
session = "ignored"
max_duration = "365d"
[workflows.pay-out]
session = "ignored"
max_duration = "365d"
"#,
        &[
            "access.toml:1: unknown key `routs`, expected one of `authentication_claims`, `routes`, `workflows`",
            "access.toml:3: key `routes[0].method` is `ANY`, \
             expected one of `GET`, `POST`, `PUT`, `PATCH`, `DELETE`, `HEAD`",
            "access.toml:4: key `routes[0].path` is `/{proxy+}`: \
             `{proxy+}` is a greedy parameter, write one route for each path",
            "access.toml:5: unknown key `routes[0].rolez`, \
             expected one of `method`, `path`, `roles`, `any_role`, `claims`, `any_verified_caller`, `actor`",
            "access.toml:6: key `routes[0].roles` is of type `string`, expected `array`",
            "access.toml:7: key `routes[1].method` is missing",
            "access.toml:7: key `routes[1].path` is missing",
            "access.toml:8: key `routes[1].any_verified_caller` is `false`, expected `true` or no such key",
            "access.toml:10: key `routes[2].method` is of type `integer`, expected `string`",
            "access.toml:12: key `routes[2].claims[0]` is `project_id = input.project_id`: \
             a route cannot look at the input, a start rule or a state can",
            "access.toml:12: key `routes[2].claims[1]` is `kyc = maybe`: operand `maybe` is not `true`, `false`, \
             an integer, `\"TEXT\"` without escapes, `input.PATH`, `now` or `now - 15m`",
            "access.toml:12: key `routes[2].claims[2]` is of type `integer`, expected `string`",
            "access.toml:13: key `workflows.\"pay ment\"`: workflow holds the forbidden character ` `",
            "access.toml:13: key `workflows.\"pay ment\".max_duration` is missing",
            "access.toml:13: key `workflows.\"pay ment\".session` is missing",
            "access.toml:13: key `workflows.\"pay ment\".start` is missing",
            "access.toml:14: key `workflows.\"pay ment\".transaction_token_lifetime` is `5 m`, \
             expected a whole number and `s`, `m`, `h` or `d`, like `90s`",
            "access.toml:15: key `workflows.\"pay ment\".describe[0]` is `admin`: \
             role is not of the shape `realm:NAME or CLIENT:NAME`",
            "access.toml:16: key `workflows.\"pay ment\".stop[1]` is `realm:a`: the list has this role already",
            "access.toml:17: unknown key `workflows.\"pay ment\".owner`, \
             expected one of `transaction_token_lifetime`, `max_duration`, `session`, `renewal`, `idempotency`, `revalidate_on_denied`, \
             `describe`, `stop`, `start`, `states`, `nested`",
            "access.toml:19: key `workflows.pay-out.start.any_role` is empty, so no caller could have one of its roles",
            "access.toml:21: `workflows.ship.start` asks for nothing, \
             expected `roles`, `any_role` or `claims`, or `any_verified_caller = true`",
            "access.toml:24: key `workflows.ship.states.Pack.any_verified_caller` \
             stands beside `roles`, `any_role` or `claims`, expected one or the other",
            "access.toml:25: key `workflows.ship.states.Pack.roles[0]` is `realm:\\u{430}dmin`: \
             a role in a policy is ASCII",
            "access.toml:26: key `workflows.ship.states.\"\"`: state is empty",
            "access.toml:27: key `workflows.ship.states.\"\".any_verified_caller` is of type `integer`, \
             expected `boolean`",
            "access.toml:28: `workflows.ship.states.Send` asks for nothing, \
             expected `roles`, `any_role` or `claims`, or `any_verified_caller = true`",
        ],
    );
}

#[test]
fn an_actor_is_none_or_any_and_none_where_nothing_is_said() {
    let text = |actor: &str| {
        format!(
            "[[routes]]\nmethod = \"GET\"\npath = \"/a\"\nany_verified_caller = true\n{actor}\n\
             [workflows.w.start]\nany_verified_caller = true\n{actor}\n\
             [workflows.w.states.S]\nroles = [\"realm:r\"]\n{actor}\n\
             [workflows.w]\nsession = \"ignored\"\nmax_duration = \"365d\"\n"
        )
    };
    let read = |actor: &str| {
        let policy = AccessPolicy::parse("access.toml", &text(actor)).expect("a policy");
        let w = policy.workflow(&workflow("w")).expect("w");
        let states = w.states().map(|(_, guarded)| guarded.requirement().actor());
        policy
            .routes()
            .iter()
            .map(|route| route.requirement().actor())
            .chain([w.start().actor()])
            .chain(states)
            .collect()
    };
    let rules: [Vec<ActorRule>; 3] = ["", "actor = \"none\"", "actor = \"any\""].map(read);
    assert_eq!(rules, [vec![ActorRule::None; 3], vec![ActorRule::None; 3], vec![ActorRule::Any; 3]]);
    let at = |line: usize, key: &str, what: &str| format!("access.toml:{line}: key `{key}.actor` is {what}");
    let keys = [(5, "routes[0]"), (8, "workflows.w.start"), (11, "workflows.w.states.S")];
    for actor in ["", "None", "any ", "admin"] {
        let what = format!("`{actor}`: expected `none` or `any`");
        let faults = keys.map(|(line, key)| at(line, key, &what));
        check(&text(&format!("actor = \"{actor}\"")), &faults.each_ref().map(String::as_str));
    }
    let faults = keys.map(|(line, key)| at(line, key, "of type `array`, expected `string`"));
    check(&text("actor = [\"any\"]"), &faults.each_ref().map(String::as_str));
}

#[test]
fn what_can_never_be_met_is_a_fault_at_a_route_a_start_and_a_state() {
    check(
        r#"[[routes]]
method = "GET"
path = "/a"
claims = ["kyc = true", 'scope = "payments"', "kyc = false"]
[workflows.w.start]
claims = ["level >= 3", "cnf.jkt = true", "level <= 2", "level = 4", "level = 5"]
[workflows.w.states.S]
claims = ["act.sub = \"robot\"", "region = input.region", "region contains \"eu\""]
[workflows.w.states.T]
claims = ["act.sub = \"robot\"", 'scope contains "payments"', "region = input.region"]
actor = "any"
[workflows.w]
session = "ignored"
max_duration = "365d"
"#,
        &[
            "access.toml:4: key `routes[0].claims[1]` is `scope = \"payments\"`, which can never be met: the claim is never \
             of this type: it is a list of words without spaces, compared with `contains \"WORD\"`",
            "access.toml:4: key `routes[0].claims[2]` is `kyc = false`, which can never be met beside `kyc = true` of the \
             same list",
            "access.toml:6: key `workflows.w.start.claims[1]` is `cnf.jkt = true`, which can never be met: no token has this \
             claim: a token that is bound to a key is rejected",
            "access.toml:6: key `workflows.w.start.claims[2]` is `level <= 2`, which can never be met beside `level >= 3` of \
             the same list",
            "access.toml:6: key `workflows.w.start.claims[4]` is `level = 5`, which can never be met beside `level = 4` of \
             the same list",
            "access.toml:8: key `workflows.w.states.S.claims[0]` is `act.sub = \"robot\"`, which can never be met: no token \
             has this claim: nobody may act in the subject's place here, expected `actor = \"any\"` beside it",
            "access.toml:8: key `workflows.w.states.S.claims[2]` is `region contains \"eu\"`, which can never be met beside \
             `region = input.region` of the same list",
        ],
    );
}

#[test]
fn a_lifetime_is_30_seconds_to_1_hour() {
    let text = |lifetime: &str| {
        format!(
            "[workflows.w]\ntransaction_token_lifetime = \"{lifetime}\"\n\
             start = {{ any_verified_caller = true }}\nstates.S = {{ any_verified_caller = true }}\n\
             session = \"ignored\"\nmax_duration = \"365d\"\n"
        )
    };
    let read = |lifetime: &str| {
        let policy = AccessPolicy::parse("access.toml", &text(lifetime)).expect("a policy");
        policy.workflow(&workflow("w")).expect("w").transaction_token_lifetime().as_secs()
    };
    let seconds = ["30s", "90s", "3600s", "1m", "60m", "1h"].map(read);
    assert_eq!(seconds, [30, 90, 3600, 60, 3600, 3600]);
    let key = "access.toml:2: key `workflows.w.transaction_token_lifetime` is";
    for lifetime in ["0s", "29s", "3601s", "61m", "2h", "1d", "30d"] {
        check(&text(lifetime), &[&format!("{key} `{lifetime}`, expected `30s` to `1h`")]);
    }
    for lifetime in [
        "",
        "s",
        "5",
        "5x",
        "05m",
        "+5m",
        "-5m",
        " 5m",
        "5m ",
        "5 m",
        "1h30m",
        "5M",
        "5\u{e9}",
        "1.5h",
        "213503982334602d",
    ] {
        check(
            &text(lifetime),
            &[&format!("{key} `{lifetime}`, expected a whole number and `s`, `m`, `h` or `d`, like `90s`")],
        );
    }
}

fn table(routes: &[(&str, &str, &str)]) -> String {
    let route = |(method, path, role): &(&str, &str, &str)| {
        format!("[[routes]]\nmethod = \"{method}\"\npath = \"{path}\"\nroles = [\"realm:{role}\"]\n")
    };
    routes.iter().map(route).collect()
}

#[test]
fn two_routes_for_the_same_requests_are_a_fault() {
    check(
        &table(&[("GET", "/a/{x}", "r"), ("POST", "/a/{x}", "r"), ("GET", "/a/{y}", "s"), ("GET", "/a/{z}", "r")]),
        &[
            "access.toml:9: route `GET /a/{y}` matches the same requests as `GET /a/{x}` at line `1`",
            "access.toml:13: route `GET /a/{z}` matches the same requests as `GET /a/{x}` at line `1`",
        ],
    );
}

#[test]
fn a_table_that_no_iam_policy_can_express_is_a_fault() {
    let inexpressible = |line: usize, denied: &str, allowed: &str, hit: &str| {
        format!(
            "access.toml:{line}: route `GET {denied}` cannot be denied at the API: a caller of `GET {allowed}` needs \
             an IAM Deny for it, whose pattern would also deny `GET {hit}`; give it another path or the requirement \
             of one of the two"
        )
    };
    check(
        &table(&[
            ("GET", "/users/{id}", "a"),
            ("GET", "/users/{id}/orders/{o}", "b"),
            ("GET", "/users/{id}/orders/last", "c"),
        ]),
        &[&inexpressible(5, "/users/{id}/orders/{o}", "/users/{id}", "/users/{id}/orders/last")],
    );
    check(
        &table(&[("GET", "/{x}", "a"), ("GET", "/a/{y}", "b"), ("GET", "/a/{y}/c", "c")]),
        &[&inexpressible(5, "/a/{y}", "/{x}", "/a/{y}/c")],
    );
    // The Deny for the list of one workflow's executions would hit the execution that is called `e`.
    check(
        &table(&[("GET", "/w/{w}", "a"), ("GET", "/w/{w}/e", "b"), ("GET", "/w/{w}/e/{e}", "c")]),
        &[&inexpressible(5, "/w/{w}/e", "/w/{w}", "/w/{w}/e/{e}")],
    );
}

#[test]
fn tables_that_an_iam_policy_can_express_are_no_fault() {
    let tables: [&[(&str, &str, &str)]; 7] = [
        &[("GET", "/a/{x}", "a"), ("GET", "/a/b", "b")],
        &[("GET", "/w/{w}/executions", "a"), ("GET", "/w/{w}/executions/{e}", "b"), ("POST", "/w/{w}/executions", "c")],
        &[("GET", "/w", "a"), ("GET", "/w/{w}", "b"), ("GET", "/w/{w}/e", "b"), ("GET", "/w/{w}/e/{e}", "c")],
        &[("GET", "/a/{x}/b", "a"), ("GET", "/a/{x}/{y}", "b")],
        // The methods differ.
        &[("GET", "/u/{id}", "a"), ("GET", "/u/{id}/o/{o}", "b"), ("POST", "/u/{id}/o/last", "c")],
        // Whoever may call the one may call the other.
        &[("GET", "/u/{id}", "a"), ("GET", "/u/{id}/o/{o}", "b"), ("GET", "/u/{id}/o/last", "b")],
        &[("GET", "/u/{id}", "a"), ("GET", "/u/{id}/o/{o}", "a"), ("GET", "/u/{id}/o/last", "b")],
    ];
    for routes in tables {
        let presented = AccessPolicy::parse("access.toml", &table(routes)).map(|policy| policy.routes().len());
        assert_eq!(presented, Ok(routes.len()));
    }
}

proptest! {
    #[test]
    fn no_text_makes_the_parser_panic(bytes in prop::collection::vec(any::<u8>(), 0..256)) {
        let _ = AccessPolicy::parse("access.toml", &String::from_utf8_lossy(&bytes));
    }

    /// Pieces of a policy in any order: most are TOML, so the readers behind the TOML parser see them.
    #[test]
    fn no_pieces_of_a_policy_make_the_parser_panic(pieces in prop::collection::vec(
        prop::sample::select(vec![
            "[[routes]]\n", "[routes]\n", "[workflows]\n", "[workflows.w]\n", "[workflows.w.start]\n",
            "[workflows.w.states.S]\n", "[workflows.\"\"]\n", "method = \"GET\"\n", "path = \"/a/{x}\"\n", "path = 1\n",
            "roles = [\"realm:a\"]\n", "any_role = []\n", "claims = [\"a = input.b\"]\n", "claims = [[1]]\n",
            "any_verified_caller = true\n", "transaction_token_lifetime = \"\u{e9}\"\n", "states = 1979-05-27\n", "x = {}\n",
        ]), 0..12))
    {
        let text = pieces.concat();
        if let Err(faults) = AccessPolicy::parse("access.toml", &text) {
            prop_assert!(!faults.faults().is_empty());
            prop_assert_eq!(faults.to_string().lines().count(), faults.faults().len());
            prop_assert!(faults.faults().iter().all(|fault| (1..=text.lines().count() + 1).contains(&fault.line)));
        }
    }
}

#[test]
fn rule_that_nobody_can_meet_who_has_met_the_one_before_is_a_fault() {
    let route = "[[routes]]\nmethod = \"POST\"\npath = \"/workflows/{workflow}/executions\"\n";
    check(
        &format!(
            "{route}claims = [\"level = 1\"]\n[workflows.w]\nstart.claims = [\"kyc = true\", \"level = 2\"]\n{TERMS}"
        ),
        &["access.toml:5: `workflows.w.start` asks for `level = 2`, which nobody can meet who has met route \
           `POST /workflows/{workflow}/executions`: it is asked for `level = 1` too"],
    );
    check(
        &format!(
            "{route}any_verified_caller = true\n[workflows.w]\nstart = {{ claims = ['act.sub = \"robot\"'], actor = \"any\" }}\n{TERMS}"
        ),
        &[
            "access.toml:5: `workflows.w.start` asks for `act.sub = \"robot\"`, which nobody can meet who has met route \
           `POST /workflows/{workflow}/executions`: no token has this claim: nobody may act in the subject's place here, \
           expected `actor = \"any\"` beside it",
        ],
    );
    check(
        &format!(
            "[workflows.w]\nstart.claims = ['acr = \"1\"']\nstates.S.claims = ['acr = \"2\"', \"kyc = true\"]\n{TERMS}"
        ),
        &["access.toml:1: `workflows.w.states.S` asks for `acr = \"2\"`, which nobody can meet who has met \
           `workflows.w.start`: it is asked for `acr = \"1\"` too"],
    );
    let nested = format!(
        "[workflows.v]\nstart.any_verified_caller = true\nnested.Start.workflow = \"w\"\n{TERMS}[workflows.w]\n{TERMS}"
    );
    check(
        &format!("{nested}start.claims = [\"iat >= now - 5m\"]\n"),
        &[
            "access.toml:1: `workflows.v.nested.Start` asks for `iat >= now - 5m`, which nobody can meet who has met \
             `workflows.v.start`: no token has this claim: it is of one access token, and a statement is renewed; \
             `max_identity_age` bounds its age",
            "access.toml:6: `workflows.w.start` asks for `iat >= now - 5m`, which nobody can meet who has met \
             `workflows.v.start`: no token has this claim: it is of one access token, and a statement is renewed; \
             `max_identity_age` bounds its age",
        ],
    );
}

#[test]
fn rules_that_time_the_realm_or_another_way_can_reconcile_are_no_fault() {
    let route =
        "[[routes]]\nmethod = \"POST\"\npath = \"/workflows/{workflow}/executions\"\nclaims = [\"level = 1\"]\n";
    for text in [
        // The realm may say something else later.
        "[workflows.w]\nstart.claims = [\"level = 1\"]\nstates.S.claims = [\"level = 2\"]\n",
        // A log-in grows old.
        "[workflows.w]\nstart.claims = [\"auth_time >= now - 5m\"]\nstates.S.claims = [\"auth_time <= now - 1h\"]\n",
        // A state has another input than the start.
        "[workflows.w]\nstart.claims = [\"acr = input.acr\"]\nstates.S.claims = ['acr = \"2\"', \"kyc = input.acr\"]\n",
        // No route leads to the start of what another workflow starts.
        &format!(
            "{route}[workflows.v]\nstart.any_verified_caller = true\nnested.Start.workflow = \"w\"\n\
             [workflows.w]\nstart.claims = [\"level = 2\"]\n"
        ),
        // Only one who calls directly starts this one.
        "[workflows.w]\nstart.claims = [\"iat >= now - 5m\"]\n",
    ] {
        let text = text.replace("]\nstart", &format!("]\n{TERMS}start"));
        assert_eq!(AccessPolicy::parse("access.toml", &text).map(|_| ()), Ok(()), "{text}");
    }
}

#[test]
fn claims_of_the_log_in_are_declared_by_their_names() {
    check(
        r#"authentication_claims = ["identity_provider", "login.country", "acr", "scope", "sub", "jti", "login", "login", 7]
[workflows.w]
start.any_verified_caller = true
states.S.claims = ['identity_provider = "google"', 'clientAddress = "::1"', 'login.country = "de"']
session = "ignored"
max_duration = "365d"
"#,
        &[
            "access.toml:1: key `authentication_claims[1]` is `login.country`: expected the name of one claim, not of \
             something in it",
            "access.toml:1: key `authentication_claims[2]` is `acr`: it is carried anyway",
            "access.toml:1: key `authentication_claims[3]` is `scope`: it is carried anyway",
            "access.toml:1: key `authentication_claims[4]` is `sub`: it says nothing of a log-in",
            "access.toml:1: key `authentication_claims[5]` is `jti`: it is of one access token, and a statement is renewed",
            "access.toml:1: key `authentication_claims[7]` is `login`: the list has this claim already",
            "access.toml:1: key `authentication_claims[8]` is of type `integer`, expected `string`",
            "access.toml:4: key `workflows.w.states.S.claims[1]` is `clientAddress = \"::1\"`, which can never be met: no \
             token has this claim: it is of the log-in, which a renewal does not repeat; name it in \
             `authentication_claims` to carry it",
        ],
    );
}
