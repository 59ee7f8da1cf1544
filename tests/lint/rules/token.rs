//! Where the identity goes: one variable at each depth, assigned from what `executions` or the revalidation function wrote,
//! and nothing but a guard reads it.

use serde_json::{Value, json};

use super::document::{Document, Finding, items, members};
use super::states::{Opens, State, is_guarded, is_revalidation};

/// How the variables begin that hold transaction tokens.
const TOKEN: &str = "transactionToken";
/// Since when is known what the first token says: `executions` writes it beside the token.
const SINCE_SAID: &str = "{% $exists($states.input.saidAt) ? $states.input.saidAt * 1000 : $millis() %}";

/// Where a function is called from, and the only expression that may stand there.
const CONTEXT: [(&str, &str); 3] = [
    ("/context/execution", "{% $states.context.Execution.Id %}"),
    ("/context/stateMachine", "{% $states.context.StateMachine.Id %}"),
    ("/context/state", "{% $states.context.State.Name %}"),
];

pub fn findings(document: &Document, state: &State<'_>) -> Vec<Finding> {
    [handed(document, state), assigned(document, state), expressions(document, state)].concat()
}

/// A variable of that name at a depth. A branch may not assign an outer variable, so each depth has its own.
fn at_depth(name: &str, depth: usize) -> String {
    if depth == 0 { name.to_owned() } else { format!("{name}{depth}") }
}

/// The variable that holds the token at a depth.
fn token(depth: usize) -> String {
    at_depth(TOKEN, depth)
}

/// The variable that says since when is known what the token of a depth says.
fn since(depth: usize) -> String {
    at_depth("transactionTokenSince", depth)
}

/// The variable that holds a child execution's token and name.
fn bound(depth: usize) -> String {
    at_depth("transactionTokenBound", depth)
}

/// The variable that holds the error of a state that waits for a callback.
fn refusal(depth: usize) -> String {
    at_depth("transactionTokenRefusal", depth)
}

/// Whether a text says that a refusal is the guard's own: it names the digest of the token that the guard was handed.
pub fn names_the_token(text: &str, depth: usize) -> bool {
    text.contains(&format!("$contains(${}.Cause, {})", refusal(depth), digest(depth)))
}

/// How the variables begin that hold which piece of work is done; none of them holds a token.
const WORK: &str = "transactionTokenWork";
const ROUND: &str = "transactionTokenRound";
/// The variable that holds what a child execution is started with, which is the author's to say.
const INPUT: &str = "transactionTokenInput";
/// Where an item of a Map has its index.
const ITEM: &str = "transactionTokenItem";

fn is_no_token(name: &str) -> bool {
    [WORK, ROUND].iter().any(|begin| name.starts_with(begin))
}

/// Whether an expression counts pieces of work by what the engine and weave's own variables say, and by nothing of an input.
fn counts_work(value: &Value) -> bool {
    let Some(text) = value.as_str() else { return *value == 1 };
    let text = text.replace(&format!("$string($states.input.{ITEM})"), "");
    text.starts_with("{% ") && !text.contains("$states") && !text.contains(&format!("${TOKEN} "))
}

fn digest(depth: usize) -> String {
    format!("$hash(${}, 'SHA-256')", token(depth))
}

/// An expression without what is no token in it: a refusal, the digest by which it is told whose it is, and the token's age.
fn without_digests(state: &State<'_>, text: &str) -> String {
    let text = text.replace(&format!("${}.", refusal(state.depth)), "");
    let text = [WORK, ROUND, INPUT].iter().fold(text, |text, name| text.replace(&format!("${name}"), ""));
    let age = format!("$millis() - ${} >= ", since(state.depth));
    if state.state["Type"] == "Choice" { text.replace(&digest(state.depth), "").replace(&age, "") } else { text }
}

/// The name of a child execution that the revalidation function has signed.
pub fn bound_name(depth: usize) -> String {
    format!("{{% ${}.name %}}", bound(depth))
}

/// What a call hands over as its token.
fn handed_token(state: &State<'_>) -> String {
    match state.opens {
        // An item's execution sees no outer variable, so its token comes with the item, and is bound to it first.
        Some(Opens::ChildRun) if is_revalidation(state.state) => "{% $states.input.transactionToken %}".to_owned(),
        Some(Opens::Machine | Opens::Branch | Opens::ChildRun) | None => format!("{{% ${} %}}", token(state.depth)),
    }
}

/// Each task that calls a function hands it the token and where it is called from, neither taken from an input.
fn handed(document: &Document, state: &State<'_>) -> Vec<Finding> {
    let mut found = Vec::new();
    if is_guarded(state.state) {
        let token = handed_token(state);
        for (pointer, told) in std::iter::once(("/transactionToken", token.as_str())).chain(CONTEXT) {
            let path = format!("{}.Arguments.Payload{}", state.path, pointer.replace('/', "."));
            match state.state["Arguments"]["Payload"].pointer(pointer).and_then(Value::as_str) {
                Some(there) if there == told => {}
                Some(there) => found.push(document.finding(path, format!("`{there}` instead of `{told}`"))),
                None => found.push(document.finding(path, format!("missing; `{told}` has to stand here"))),
            }
        }
        // Which piece of work it is says weave, by its own variables: an input could claim another's key.
        let work = state.state["Arguments"]["Payload"]["work"].as_str().unwrap_or_default();
        if !work.is_empty() && !work.starts_with(&format!("{{% ${WORK}")) {
            let path = format!("{}.Arguments.Payload.work", state.path);
            found.push(document.finding(path, format!("`{work}` instead of what weave counts")));
        }
    }
    found
}

/// Every place where a state assigns variables: its own and those of its rules.
fn assignments<'a>(state: &'a State<'a>) -> impl Iterator<Item = (String, &'a Value)> {
    let own = [(format!("{}.Assign", state.path), &state.state["Assign"])];
    let lists = ["Catch", "Choices"].into_iter().flat_map(move |list| {
        let rules = items(&state.state[list]).into_iter().enumerate();
        rules.map(move |(number, rule)| (format!("{}.{list}.{number}.Assign", state.path), &rule["Assign"]))
    });
    own.into_iter().chain(lists)
}

/// The only variables of tokens that a state may assign, with what it assigns.
fn may_assign(state: &State<'_>) -> Value {
    let renewed = "{% $states.result.Payload.transactionToken %}";
    if is_revalidation(state.state) {
        if state.state["Arguments"]["Payload"]["delegate"].is_object() {
            return json!({ bound(state.depth): "{% $states.result.Payload %}" });
        }
        return json!({ token(state.depth): renewed, since(state.depth): "{% $millis() %}" });
    }
    match state.opens {
        Some(Opens::Branch) if state.state["Type"] == "Pass" => {
            let outer = state.depth.saturating_sub(1);
            json!({
                token(state.depth): format!("{{% ${} %}}", token(outer)),
                since(state.depth): format!("{{% ${} %}}", since(outer)),
            })
        }
        Some(Opens::Machine | Opens::Branch | Opens::ChildRun) | None => json!({}),
    }
}

/// The first state takes the token out of the input into the variable. Afterwards the revalidation function renews it, and
/// a branch begins with one of its own.
fn assigned(document: &Document, state: &State<'_>) -> Vec<Finding> {
    let mut found = Vec::new();
    if state.opens == Some(Opens::Machine) {
        if state.state["Assign"][TOKEN] != "{% $states.input.transactionToken %}" {
            let path = format!("{}.Assign.{TOKEN}", state.path);
            found.push(document.finding(path, "the first state does not take the token from the execution's input"));
        }
        // A look at no age, or at that of the start, has each branch ask for itself.
        let noted = &state.state["Assign"][since(0)];
        if !noted.is_null() && *noted != SINCE_SAID {
            let path = format!("{}.Assign.{}", state.path, since(0));
            found.push(
                document.finding(path, "the first state does not take the token's age from the execution's input"),
            );
        }
        if state.state["Output"] != "{% $states.input.input %}" {
            let path = format!("{}.Output", state.path);
            found.push(document.finding(path, "the token stays in the states' input beside the caller's"));
        }
        return found;
    }
    let may = may_assign(state);
    for (path, variables) in assignments(state) {
        for (name, value) in members(variables).filter(|(name, _)| name.starts_with(TOKEN)) {
            if (is_no_token(name) && counts_work(value)) || name == at_depth(INPUT, state.depth) {
                continue;
            }
            let is_refusal =
                path.contains(".Catch.") && name == refusal(state.depth) && *value == "{% $states.errorOutput %}";
            if !is_refusal && (path != format!("{}.Assign", state.path) || may[name] != *value) {
                found.push(document.finding(&path, format!("`${name}` is assigned again")));
            }
        }
    }
    found
}

/// Where a state that is no guard hands the token on: to executions of their own, which bind it before anything else.
fn may_carry(state: &State<'_>, path: &str, text: &str) -> bool {
    let within = path.strip_prefix(&state.path).unwrap_or_default();
    let is_distributed = state.state["ItemProcessor"]["ProcessorConfig"]["Mode"] == "DISTRIBUTED";
    let bound = bound(state.depth);
    (is_distributed && within == ".ItemSelector.transactionToken" && text == format!("{{% ${} %}}", token(state.depth)))
        || (within == ".Arguments.Input.transactionToken" && text == format!("{{% ${bound}.transactionToken %}}"))
        || (within == ".Arguments.Name" && text == bound_name(state.depth))
}

/// No expression but a guard's payload reads the token, none decides on what a token or an input says about the caller,
/// and nothing carries one of the realm's tokens.
fn expressions(document: &Document, state: &State<'_>) -> Vec<Finding> {
    let mut found = Vec::new();
    for (name, member) in members(state.state) {
        // The states inside have their own turn.
        if !["Comment", "ItemProcessor", "Iterator", "Branches", "Resource", "Next"].contains(&name) {
            let path = format!("{}.{name}", state.path);
            walk(document, state, &path, name, member, &mut found);
        }
    }
    found
}

fn walk(document: &Document, state: &State<'_>, path: &str, name: &str, value: &Value, found: &mut Vec<Finding>) {
    if carries_a_realm_token(path, name, value.as_str().unwrap_or_default()) {
        found.push(document.finding(path, "one of the realm's tokens in an input, where the history shows it"));
    }
    match value {
        Value::String(text) if text.starts_with("{%") => {
            let payload = is_guarded(state.state) && path.ends_with(".Arguments.Payload.transactionToken");
            // What may be assigned to these is looked at elsewhere.
            let assigned = path.contains(".Assign.transactionToken");
            if without_digests(state, text).contains(TOKEN) && !payload && !assigned && !may_carry(state, path, text) {
                found.push(document.finding(path, format!("`{text}` reads the transaction token, unverified")));
            } else if reads_whole_input(text) {
                found.push(document.finding(path, format!("`{text}` reads the execution's input, the token in it")));
            } else if (path.ends_with(".Condition") || path.contains(".Assign.")) && reads_claims(text) {
                found.push(document.finding(path, format!("`{text}` decides on claims that nobody verified")));
            }
        }
        Value::Object(_) => {
            for (name, inner) in members(value).filter(|(name, _)| *name != "Comment") {
                walk(document, state, &format!("{path}.{name}"), name, inner, found);
            }
        }
        Value::Array(all) => {
            for (number, inner) in all.iter().enumerate() {
                walk(document, state, &format!("{path}.{number}"), "", inner, found);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// Whether an expression reads more of the execution's input than the author's part, beside which the token stands.
fn reads_whole_input(text: &str) -> bool {
    text.split("Execution.Input").skip(1).any(|behind| {
        let author_s = behind.strip_prefix(".input");
        author_s.is_none_or(|rest| rest.starts_with(|letter: char| letter.is_alphanumeric() || letter == '_'))
    })
}

fn carries_a_realm_token(path: &str, name: &str, text: &str) -> bool {
    let plain = |text: &str| text.to_ascii_lowercase().replace(['_', '-'], "");
    let (name, text) = (plain(name), plain(text));
    // Outside of headers, an authorization may be a payment's.
    let header = (name == "authorization" && path.contains(".Headers.")) || text.contains("headers.authorization");
    let names = ["accesstoken", "refreshtoken", "idtoken"];
    let named = names.iter().any(|word| name == *word || text.contains(&format!(".{word}")));
    named || header || text.contains("bearer ") || text.starts_with("eyj")
}

/// Whether a path ends in, or goes through, what tokens and identities say.
fn reads_claims(text: &str) -> bool {
    let words = text.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_' && letter != '.');
    let mut steps = words.flat_map(|path| path.split('.').skip(1));
    steps.any(|step| ["identity", "claims", "realm_access", "resource_access", "roles", "tctx"].contains(&step))
}
