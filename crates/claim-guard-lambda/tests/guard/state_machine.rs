use std::collections::{BTreeMap, BTreeSet};

use claim_guard::access::AccessPolicy;
use claim_guard::identifier::WorkflowName;
use claim_guard_lambda::error_names;
use serde_json::{Map, Value, json};

use crate::stack::ACCESS_TOML;

const DEFINITION: &str = include_str!("../../../../statemachines/payment.asl.json");

fn definition() -> Value {
    serde_json::from_str(DEFINITION).unwrap()
}

/// Every state of the definition by name, those inside Map and Parallel too.
fn states(machine: &Value) -> BTreeMap<String, Value> {
    let mut found = BTreeMap::new();
    for (name, state) in machine["States"].as_object().unwrap() {
        let branches = state["Branches"].as_array().cloned().unwrap_or_default();
        for inner in branches.iter().chain(state.get("ItemProcessor")) {
            found.extend(states(inner));
        }
        assert_eq!(found.insert(name.clone(), state.clone()), None, "two states are called `{name}`");
    }
    found
}

/// The states that call a function with a transaction token: those that act, or those that ask for a new one.
fn with_payload(member: &str) -> BTreeMap<String, Value> {
    let mut states = states(&definition());
    states.retain(|_, state| state["Arguments"]["Payload"].get(member).is_some());
    states
}

fn guarded() -> BTreeMap<String, Value> {
    with_payload("input")
}

fn revalidating() -> BTreeMap<String, Value> {
    with_payload("renew")
}

fn names(list: &Value, member: &str) -> BTreeSet<String> {
    let handlers = list.as_array().into_iter().flatten();
    let names = handlers.flat_map(|handler| handler[member].as_array().into_iter().flatten());
    names.map(|name| name.as_str().unwrap().to_owned()).collect()
}

#[test]
fn the_guarded_states_are_those_that_the_policy_names() {
    let policy = AccessPolicy::parse("access.toml", ACCESS_TOML).unwrap();
    let workflow = policy.workflow(&WorkflowName::parse("payment").unwrap()).unwrap();
    let declared: BTreeSet<String> = workflow.states().map(|(name, _)| name.to_string()).collect();
    assert_eq!(guarded().into_keys().collect::<BTreeSet<_>>(), declared);
}

#[test]
fn no_task_is_called_without_a_transaction_token() {
    let called: BTreeSet<String> = guarded().into_keys().chain(revalidating().into_keys()).collect();
    for (name, state) in states(&definition()) {
        assert!(state["Type"] != "Task" || called.contains(&name), "`{name}` is a task that is not guarded");
    }
}

/// The transaction token and the engine's own context object, and nothing that an input could have a say in.
#[track_caller]
fn check_envelope(name: &str, state: &Value) {
    assert_eq!(state["Resource"], "arn:aws:states:::lambda:invoke", "{name}");
    let payload = &state["Arguments"]["Payload"];
    let member_names = |value: &Value| value.as_object().map(Map::len);
    assert_eq!(member_names(&payload["context"]), Some(5), "{name}");
    let token = payload["transactionToken"].as_str().unwrap();
    assert!(["{% $transactionToken %}", "{% $transactionToken1 %}"].contains(&token), "{name}: {token}");
    let context = &payload["context"];
    for (member, source) in
        [("execution", "Execution.Id"), ("stateMachine", "StateMachine.Id"), ("state", "State.Name")]
    {
        assert_eq!(context[member], json!(format!("{{% $states.context.{source} %}}")), "{name}");
    }
    for (member, source) in [("redriveCount", "Execution.RedriveCount"), ("retryCount", "State.RetryCount")] {
        let text = context[member].as_str().unwrap();
        assert!(text.contains(&format!("$states.context.{source}")), "{name}: {member}");
    }
}

#[test]
fn every_guarded_state_passes_the_envelope_and_its_work_and_hands_on_plain_output() {
    for (name, state) in guarded() {
        check_envelope(&name, &state);
        let work = if name == "ScreenPayment" { "{% $transactionTokenWork1 %}" } else { "" };
        assert_eq!(state["Arguments"]["Payload"]["work"], json!(work), "{name}");
        assert_eq!(state["Arguments"]["Payload"].as_object().map(Map::len), Some(4), "{name}");
        assert_eq!(state["Arguments"]["Payload"]["input"], json!("{% $states.input %}"), "{name}");
        assert!(state["Output"].as_str().unwrap().contains("$states.result.Payload"), "{name}");
    }
}

#[test]
fn every_revalidation_passes_the_envelope_and_goes_back_to_its_state_with_the_same_input() {
    let guarded = guarded();
    for (name, state) in revalidating() {
        check_envelope(&name, &state);
        assert_eq!(state["Arguments"]["Payload"].as_object().map(Map::len), Some(3), "{name}");
        let renew = &state["Arguments"]["Payload"]["renew"];
        assert!(guarded.contains_key(renew["state"].as_str().unwrap()), "{name}");
        let (_, of) = name.split_once(' ').unwrap();
        assert_eq!((&state["Next"], &state["Output"]), (&json!(of), &json!("{% $states.input %}")), "{name}");
        let token = state["Arguments"]["Payload"]["transactionToken"].as_str().unwrap();
        let variable = token.trim_start_matches("{% $").trim_end_matches(" %}");
        let mut assigned = state["Assign"].as_object().unwrap().clone();
        assert_eq!(assigned.remove(variable), Some(json!("{% $states.result.Payload.transactionToken %}")), "{name}");
        // Where branches share a renewal, since when it holds.
        let since = variable.replace("transactionToken", "transactionTokenSince");
        assert!(assigned.iter().all(|(other, value)| *other == since && value == "{% $millis() %}"), "{name}");
    }
}

#[test]
fn the_machine_handles_each_error_name_of_the_guard_and_knows_no_other() {
    let mut handled = BTreeSet::new();
    for state in states(&definition()).values() {
        handled.extend(names(&state["Retry"], "ErrorEquals"));
        handled.extend(names(&state["Catch"], "ErrorEquals"));
        handled.extend(state["Error"].as_str().map(ToOwned::to_owned));
    }
    handled.retain(|name| name.starts_with("ClaimGuard"));
    assert_eq!(handled, error_names::GUARD.map(ToOwned::to_owned).into());
}

#[test]
fn only_undecided_is_retried_and_all_other_refusals_are_caught() {
    let retried: BTreeSet<String> = [error_names::UNDECIDED.to_owned()].into();
    let of_guard = |mut names: BTreeSet<String>| {
        names.retain(|name| name.starts_with("ClaimGuard"));
        names
    };
    let all = states(&definition());
    let revalidating = revalidating();
    for (name, state) in guarded().into_iter().chain(revalidating.clone()) {
        assert_eq!(of_guard(names(&state["Retry"], "ErrorEquals")), retried, "{name}");
        // What goes wrong in a branch, and is not healed there, is caught by the state around it.
        let around = all.values().find(|outer| outer["ItemProcessor"]["States"].get(&name).is_some());
        let is_question = revalidating.contains_key(&name);
        let others = error_names::GUARD.iter().filter(|error| match **error {
            // A question that fails inside a branch would leave it as any error does, and the refusal would be lost.
            error_names::UNDECIDED => is_question && around.is_some(),
            // A revalidation answers with a new statement or with another no; it has no state to send back to itself.
            error_names::IDENTITY_EXPIRED => !is_question,
            _ => true,
        });
        let others: BTreeSet<String> = others.map(|name| (*name).to_owned()).collect();
        let caught = std::iter::once(&state).chain(around).flat_map(|state| names(&state["Catch"], "ErrorEquals"));
        assert_eq!(of_guard(caught.collect()), others, "{name}");
    }
}

/// What is asked for where a guarded state's refusal is caught by itself; nothing where it ends the run.
fn healing(error: &str) -> Option<&'static str> {
    match error {
        error_names::IDENTITY_EXPIRED => Some("expired"),
        error_names::DENIED => Some("denied"),
        _ => None,
    }
}

#[test]
fn every_caught_refusal_ends_in_a_fail_state_that_names_it_or_is_asked_about_once() {
    let (all, guarded) = (states(&definition()), guarded());
    for (name, state) in &all {
        for handler in state["Catch"].as_array().into_iter().flatten() {
            let caught = names(&json!([handler]), "ErrorEquals");
            for error in caught.iter().filter(|error| error.starts_with("ClaimGuard")) {
                let next = &all[handler["Next"].as_str().unwrap()];
                match healing(error).filter(|_| guarded.contains_key(name)) {
                    Some(cause) => {
                        let renew = json!({ "state": name, "cause": cause });
                        assert_eq!(next["Arguments"]["Payload"]["renew"], renew, "{name}");
                        assert_eq!(handler["Output"], json!("{% $states.input %}"), "{name}");
                    }
                    None => assert_eq!((&next["Type"], &next["Error"]), (&json!("Fail"), &json!(error)), "{name}"),
                }
            }
        }
    }
}

#[test]
fn the_transaction_token_is_a_variable_and_in_no_state_s_output() {
    let machine = definition();
    let first = &states(&machine)[machine["StartAt"].as_str().unwrap()];
    let since = "{% $exists($states.input.saidAt) ? $states.input.saidAt * 1000 : $millis() %}";
    let assigned =
        json!({ "transactionToken": "{% $states.input.transactionToken %}", "transactionTokenSince": since });
    assert_eq!(first["Assign"], assigned);
    assert_eq!(first["Output"], json!("{% $states.input.input %}"));
    for (name, state) in states(&machine) {
        for place in ["Output", "ItemSelector", "Items", "Error", "Cause"] {
            // An item's index is beside the author's part, and no token.
            let text = state[place].to_string().replace("transactionTokenItem", "");
            assert!(!text.contains("transactionToken"), "{name}: {place}");
        }
    }
}
