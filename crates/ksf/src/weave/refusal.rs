//! Why a machine cannot be woven: which state, why, and what to do.

use std::fmt;
use std::time::Duration;

use crate::weave::machine::Language;
use crate::weave::names::{MARK, MAX_STATE_NAME, NAME_IS_TAKEN};
use crate::weave::reads::Doubt;

/// One thing that keeps a machine from being woven.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refusal {
    /// The state; none where it is about the whole machine.
    pub(super) state: Option<String>,
    pub(super) cause: Cause,
}

/// What is wrong, in the order in which it is looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Cause {
    // The machine as such.
    NotAnObject,
    UnknownType { presented: String },
    NameTwice,
    NoStart { start: String },
    NoSuchTarget { target: String },
    NoRules { list: &'static str },
    UnknownLanguage { presented: String },
    PathInJsonata,
    LanguageInside,
    TwoProcessors,
    OtherLanguage { member: &'static str, language: Language, instead: &'static str },
    PathBeside { member: String },
    Unknown { member: String, text: String },
    // Names that are weave's.
    ReservedName,
    Marked,
    WovenNameTaken { woven: String },
    WovenNameTooLong { woven: String },
    GuardErrorNamed { list: &'static str, error: String },
    TokenVariable { name: String },
    SpeaksForGuard,
    PathMember { member: String },
    NameIsExpression,
    DeniedPathInside,
    DeniedPathActs { state: String },
    DeniedPathSucceeds { state: String },
    DeniedPathStays { state: String },
    // Calls.
    GuardedMissing { workflow: String },
    GuardedIsNoCall { found: String },
    NotNamed { workflow: String },
    Unguardable { resource: String },
    NoArguments { member: &'static str },
    NobodyWaits { invocation: String },
    RetriedAnew { error: String },
    NestedMissing { workflow: String },
    NestedIsNoRun { found: String },
    NestedHasName,
    WaitsTooLong { error: String, wait: Duration, oldest: Duration },
    NestedRetried { error: String },
    NestedInputNoObject,
    NestedInputOfState { text: String },
    NameCaught,
    TakesNestedInput { text: String, language: Language },
    NoCallee { member: &'static str },
    CalleeFromInput { member: String, presented: String },
    CalleeNoText { member: String },
    // What would go on after a refusal.
    Tolerates { member: &'static str },
    TakesInChild { child: &'static str, error: &'static str, list: &'static str, state: String },
    // Distributed Maps.
    ExpressChildren,
    ChildrenOfChildren,
    Batches,
    SelectsTwice,
    WritesItems,
    // What would hold the token.
    MayReachToken { doubt: Doubt, language: Language, text: String },
}

/// A state's name as a key of TOML: bare where it may be, else in quotes.
fn key(state: &str) -> String {
    let is_bare = !state.is_empty() && state.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte));
    if is_bare { state.to_owned() } else { format!("\"{}\"", state.replace('\\', "\\\\").replace('"', "\\\"")) }
}

impl Refusal {
    pub(super) fn of(state: &str, cause: Cause) -> Self {
        Self { state: Some(state.to_owned()), cause }
    }

    pub(super) fn of_machine(cause: Cause) -> Self {
        Self { state: None, cause }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.state {
            Some(state) => write!(f, "state `{state}`: ")?,
            None => f.write_str("the machine: ")?,
        }
        let state = self.state.as_deref().unwrap_or_default();
        self.cause.write(state, f)
    }
}

impl Cause {
    fn write(&self, state: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotAnObject => f.write_str("not an object with a `Type`; write one"),
            Self::UnknownType { presented } => {
                write!(f, "`Type` is `{presented}`; expected Task, Pass, Choice, Wait, Succeed, Fail, Parallel or Map")
            }
            Self::NameTwice => f.write_str("two states have this name, and the history and `access.toml` could not tell them apart; rename one"),
            Self::NoStart { start } => write!(f, "`StartAt` is `{start}`, which is no state there; name the first state"),
            Self::NoSuchTarget { target } => write!(f, "it goes on with `{target}`, which is no state beside it; name one"),
            Self::NoRules { list } => {
                write!(f, "its {list} is no list of rules with `ErrorEquals`; write one, or remove it")
            }
            Self::UnknownLanguage { presented } => {
                write!(f, "`QueryLanguage` is `{presented}`; expected `JSONata` or `JSONPath`")
            }
            Self::PathInJsonata => f.write_str("JSONPath in a machine of JSONata, which Step Functions does not take; write it in JSONata"),
            Self::TwoProcessors => f.write_str("`Iterator` beside `ItemProcessor`, of which Step Functions runs one; keep `ItemProcessor`"),
            Self::LanguageInside => f.write_str("`QueryLanguage` inside of it, where Step Functions takes none; write it at the machine, or at each state"),
            Self::OtherLanguage { member, language: Language::JsonPath, instead } => {
                write!(f, "`{member}` is a member of JSONata, and the state is in JSONPath; write {instead}, or give it the `QueryLanguage` `JSONata`")
            }
            Self::OtherLanguage { member, language: Language::Jsonata, instead } => {
                write!(f, "`{member}` is a member of JSONPath, and the state is in JSONata; write {instead}")
            }
            Self::PathBeside { member } => {
                write!(f, "`{member}` and `{member}.$` in one object say two values of one member; remove either")
            }
            Self::Unknown { member, text } => {
                write!(f, "`{member}` is `{text}`, which may become anything, and weave has to know what is there; write it out")
            }
            Self::ReservedName => f.write_str("weave writes a state of this name; rename it"),
            Self::Marked => {
                write!(f, "its Comment begins with `{MARK}`, and what does is taken for weave's; change it")
            }
            Self::WovenNameTaken { woven } => write!(f, "weave writes a state `{woven}` for it, and there is one; rename either"),
            Self::WovenNameTooLong { woven } => {
                let length = woven.chars().count();
                write!(f, "weave writes a state `{woven}` for it, which has {length} characters of {MAX_STATE_NAME}; shorten its name")
            }
            Self::GuardErrorNamed { list: "Catch", error } => {
                write!(f, "its Catch names `{error}`, and where refusals lead is weave's; remove it, and name a state `IdentityDenied` for what comes after a denial")
            }
            Self::GuardErrorNamed { list, error } => {
                write!(f, "its {list} names `{error}`, and what a guard says is for weave to answer; remove it")
            }
            Self::TokenVariable { name } => write!(f, "it uses `${name}`, and variables of such names are weave's; rename it"),
            Self::PathMember { member } => {
                let name = member.strip_suffix(".$").unwrap_or(member);
                write!(f, "`{member}` is a path of JSONPath, and the state is in JSONata; write `{name}` with an expression, as `{{% $states.input.x %}}`")
            }
            Self::SpeaksForGuard => f.write_str("it fails with an error of the guard's, `ClaimGuard.…`; give the error another name"),
            Self::NameIsExpression => f.write_str("its name holds `{%`, which would be evaluated where weave writes the name; rename it"),
            Self::DeniedPathInside => f.write_str("a denied path is the whole run's, and cannot begin inside of a Map or Parallel; move or rename it"),
            Self::DeniedPathActs { state } => {
                write!(f, "after a denial it leads to `{state}`, which acts on the identity that was denied; let it end in a Fail before")
            }
            Self::DeniedPathSucceeds { state } => {
                write!(f, "after a denial it leads to `{state}`, where the execution would end in success; let it end in a Fail")
            }
            Self::DeniedPathStays { state } => {
                write!(f, "after a denial it leads to `{state}`, from where no Fail can be reached; let it end in one")
            }
            Self::GuardedMissing { workflow } => {
                write!(f, "`access.toml` guards it, and the machine has no such state; add it, or remove `[workflows.{workflow}.states.{}]`", key(state))
            }
            Self::GuardedIsNoCall { found } => {
                write!(f, "`access.toml` guards it, and it is {found}; only a Task of `lambda:invoke` or `lambda:invoke.waitForTaskToken` can ask a guard")
            }
            Self::NotNamed { workflow } => {
                write!(f, "it calls a function, and `access.toml` does not name it, so it would act without identity; add `[workflows.{workflow}.states.{}]`", key(state))
            }
            Self::Unguardable { resource } => {
                write!(f, "`{resource}` may call a function and leaves no room for an identity; write `arn:aws:states:::lambda:invoke` with `FunctionName`, and read its result under `Payload`, where it stands then")
            }
            Self::NoArguments { member } => write!(f, "`{member}` is no object, so nothing can be put into it; write an object"),
            Self::NobodyWaits { invocation } => {
                write!(f, "`InvocationType` is `{invocation}`, so nobody would hear the guard's refusal; remove it")
            }
            Self::RetriedAnew { error } => {
                write!(f, "its Retry names `{error}`, and each attempt has a statement of its own, with which the count begins anew; catch the error instead, or give the state a `max_identity_age` above `0s`")
            }
            Self::NestedMissing { workflow } => {
                write!(f, "`access.toml` has it start an execution, and the machine has no such state; add it, or remove `[workflows.{workflow}.nested.{}]`", key(state))
            }
            Self::NestedIsNoRun { found } => {
                write!(f, "`access.toml` has it start an execution, and it is {found}; write a Task of `states:startExecution.sync:2`")
            }
            Self::NestedHasName => f.write_str("its execution's name is part of what is signed, so weave writes it; remove `Name`"),
            Self::WaitsTooLong { error, wait, oldest } => {
                write!(f, "its Retry of `{error}` waits up to {} s, in which an identity of at most {} s grows old, and each renewal begins the count anew; wait less (`MaxDelaySeconds`), or catch the error instead", wait.as_secs(), oldest.as_secs())
            }
            Self::NestedInputNoObject => f.write_str("its `Input` is no object, and what starts an execution is decided on an object's members; write one"),
            Self::NestedInputOfState { text } => {
                write!(f, "`{}` in its `Input` reads what the context object says of the state, and weave has the input evaluated in a state before; write it out, or assign it to a variable in a state of your own", shown(text))
            }
            Self::NestedRetried { error } => {
                write!(f, "its Retry names `{error}`, and an execution's name is used once, so another attempt would meet the first one's; catch the error instead, and lead to the state again")
            }
            Self::NameCaught => {
                write!(f, "its Catch names `{NAME_IS_TAKEN}`, and the execution's name is weave's; remove it")
            }
            Self::TakesNestedInput { text, language } => {
                let example = match language {
                    Language::JsonPath => "$.Output",
                    Language::Jsonata => "$states.result.Output",
                };
                write!(f, "`{text}` may take the input of the execution that it has started, which holds a transaction token; name each other member that it needs, as `{example}`")
            }
            Self::CalleeNoText { member } => {
                write!(f, "`{member}` is no text; write one, with a placeholder such as `${{Name}}` for what the deployment fills in")
            }
            Self::NoCallee { member } => write!(f, "nothing says what it calls; write `{member}`"),
            Self::CalleeFromInput { member, presented } => {
                write!(f, "`{member}` is `{presented}`, so the input or a variable says who is called and gets the token; write one function or state machine, and a state for each other one")
            }
            Self::Tolerates { member } => write!(f, "`{member}` would go on after a refused item; remove it, and catch inside of the item what may fail"),
            Self::TakesInChild { child, error, list, state } => {
                write!(f, "what is refused in {child} arrives as `{error}`, which the {list} of `{state}` takes in with everything else; name errors there, or catch them in the child")
            }
            Self::ExpressChildren => f.write_str("its children are EXPRESS, and a token is bound to a standard execution; write `STANDARD`"),
            Self::ChildrenOfChildren => f.write_str("a distributed Map inside of a distributed Map, whose children cannot be told from others; make one of them inline, or move the guarded states out"),
            Self::SelectsTwice => f.write_str("it has `ItemSelector` and `Parameters`, of which Step Functions takes one; remove the other"),
            Self::WritesItems => f.write_str("`ResultWriter` writes each item's input beside its result, and the token with it; remove it, and write the results in a state behind"),
            Self::Batches => f.write_str("with `ItemBatcher` no item has an identity of its own; remove it"),
            Self::MayReachToken { doubt, language, text } => {
                let text = shown(text);
                let (input, other) = match language {
                    Language::JsonPath => ("$$.Execution.Input.x", "$$.Execution.Id"),
                    Language::Jsonata => ("$states.context.Execution.Input.x", "$states.context.Execution.Id"),
                };
                match doubt {
                    Doubt::HandedOn => write!(f, "`{text}` may reach the execution's whole input, which holds the transaction token; name each member that it needs, as `{input}` or `{other}`"),
                    Doubt::Unreadable => write!(f, "`{text}` cannot be read, and may reach the execution's whole input, which holds the transaction token; write plain paths, as `{input}`"),
                    Doubt::Placeholder => write!(f, "what the placeholder in `{text}` stands for may reach the execution's whole input, which holds the transaction token; write it out, or put it between quotes of a string"),
                }
            }
        }
    }
}

/// The most letters that are shown of an author's text.
const SHOWN: usize = 120;

/// An author's text on one line.
fn shown(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(SHOWN) {
        Some((end, _)) => line.get(..end).unwrap_or_default().to_owned() + "…",
        None => line,
    }
}
