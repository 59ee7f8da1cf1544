//! What can be wrong with a policy's text.

use std::fmt;

use crate::access::condition::{Condition, ConditionError};
use crate::access::one_line::one_line;
use crate::access::route::{Method, PathTemplateError};
use crate::access::unmeetable::Unmeetable;
use crate::identifier::{IdentifierError, StateName};

/// The most bytes that a policy's text may have.
pub(super) const MAX_BYTES: usize = 128 * 1024;

/// The most routes that a policy may have.
pub(super) const MAX_ROUTES: usize = 512;

/// The most conditions of one list.
pub(super) const MAX_CONDITIONS: usize = 64;

/// Everything that is wrong with a policy's text, in the text's order; at least one fault.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyFaults {
    file: String,
    faults: Vec<PolicyFault>,
}

impl PolicyFaults {
    /// These faults; none if there is no fault.
    pub(super) fn of(file: &str, faults: Vec<PolicyFault>) -> Option<Self> {
        (!faults.is_empty()).then(|| Self { file: file.to_owned(), faults })
    }

    /// What the caller calls the text.
    pub fn file(&self) -> &str {
        &self.file
    }

    /// The faults, in the text's order; at least one.
    pub fn faults(&self) -> &[PolicyFault] {
        &self.faults
    }
}

/// One fault and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyFault {
    /// One-based.
    pub line: usize,
    /// What is wrong.
    pub cause: PolicyFaultCause,
}

/// What is wrong with a policy's text. A `key` is the whole dotted key: `workflows.payment.start.roles[0]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PolicyFaultCause {
    /// Over 128 KiB; the text was not parsed.
    TooLarge {
        /// How many bytes there are.
        presented: usize,
    },
    /// Not TOML.
    NotToml {
        /// What the TOML parser says.
        message: String,
    },
    /// A key that means nothing there.
    UnknownKey {
        /// The key.
        key: String,
        /// The keys that mean something there.
        expected: &'static [&'static str],
    },
    /// A key that has to be there is not.
    MissingKey {
        /// The key.
        key: String,
    },
    /// A value of another TOML type.
    WrongType {
        /// The key.
        key: String,
        /// The type it has to be of.
        expected: &'static str,
        /// The type it is of.
        presented: &'static str,
    },
    /// More than 512 routes.
    TooManyRoutes {
        /// How many there are.
        presented: usize,
    },
    /// More than 64 conditions in one list.
    TooManyConditions {
        /// The key.
        key: String,
        /// How many there are.
        presented: usize,
    },
    /// A method that no route can have.
    WrongMethod {
        /// The key.
        key: String,
        /// The value.
        presented: String,
    },
    /// Not a path template.
    WrongPath {
        /// The key.
        key: String,
        /// The value.
        presented: String,
        /// What is wrong with it.
        error: PathTemplateError,
    },
    /// Not a role.
    WrongRole {
        /// The key.
        key: String,
        /// The value.
        presented: String,
        /// What is wrong with it.
        error: IdentifierError,
    },
    /// A role with letters that may look like others.
    RoleNotAscii {
        /// The key.
        key: String,
        /// The value.
        presented: String,
    },
    /// A role that the same list has already.
    RepeatedRole {
        /// The key.
        key: String,
        /// The value.
        presented: String,
    },
    /// Not a condition.
    WrongCondition {
        /// The key.
        key: String,
        /// The value.
        presented: String,
        /// What is wrong with it.
        error: ConditionError,
    },
    /// A condition that no verified token can ever meet.
    NeverMet {
        /// The key.
        key: String,
        /// The condition.
        condition: Condition,
        /// Why.
        reason: Unmeetable,
    },
    /// Conditions of one list that cannot be met together.
    Contradiction {
        /// The key of the last one.
        key: String,
        /// The last one.
        condition: Condition,
        /// The earlier ones, no more of them than it takes.
        earlier: Vec<Condition>,
    },
    /// A condition that nobody can meet who has met the rule before it.
    NeverAfter {
        /// The key of its rule.
        key: String,
        /// The condition.
        condition: Condition,
        /// The rule before.
        before: String,
        /// Why not.
        reason: String,
    },
    /// What is no claim of the log-in, or is known as one already.
    WrongAuthenticationClaim {
        /// The key.
        key: String,
        /// The value.
        presented: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// A condition of a route compares with the input, which the authorizer does not see.
    InputOnRoute {
        /// The key.
        key: String,
        /// The condition.
        condition: Condition,
    },
    /// A requirement that asks for nothing.
    NothingAsked {
        /// The key of the requirement's table.
        key: String,
    },
    /// `any_role = []`: one of none.
    OneOfNone {
        /// The key.
        key: String,
    },
    /// `any_verified_caller` can only be `true`.
    NotTrue {
        /// The key.
        key: String,
    },
    /// `any_verified_caller = true` beside something that is asked.
    AskedOfAnyCaller {
        /// The key of `any_verified_caller`.
        key: String,
    },
    /// A text that is none of those that this key can have.
    WrongChoice {
        /// The key.
        key: String,
        /// The value.
        presented: String,
        /// Those that it can have.
        expected: &'static str,
    },
    /// The name of a workflow or a state is no identifier.
    WrongName {
        /// The key.
        key: String,
        /// What is wrong with it.
        error: IdentifierError,
    },
    /// Not a duration.
    WrongDuration {
        /// The key.
        key: String,
        /// The value.
        presented: String,
    },
    /// A duration that this key cannot have.
    DurationOutOfRange {
        /// The key.
        key: String,
        /// The value.
        presented: String,
        /// The shortest and the longest one that it can have.
        expected: (&'static str, &'static str),
    },
    /// A state is said to start an execution of a workflow that the policy has not got.
    UnknownWorkflow {
        /// The key.
        key: String,
        /// The value.
        presented: String,
    },
    /// A state is said to be a guarded task and to start an execution; it can be one of the two.
    GuardedAndNested {
        /// The workflow's key.
        key: String,
        /// The state.
        state: StateName,
    },
    /// Two routes match the same requests.
    RepeatedRoute {
        /// The second one's method.
        method: Method,
        /// The second one's path.
        path: String,
        /// The first one's path.
        first: String,
        /// The first one's line.
        first_line: usize,
    },
    /// A route that cannot be denied in an IAM policy without denying another one, which may be allowed.
    Inexpressible {
        /// The route that has to be denied, as method and path.
        denied: String,
        /// The route whose pattern covers it.
        allowed: String,
        /// The route that its own pattern covers.
        hit: String,
    },
}

impl fmt::Display for PolicyFaults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, fault) in self.faults.iter().enumerate() {
            let separator = if index == 0 { "" } else { "\n" };
            write!(f, "{separator}{}:{}: {}", self.file, fault.line, fault.cause)?;
        }
        Ok(())
    }
}

impl std::error::Error for PolicyFaults {}

impl fmt::Display for PolicyFaultCause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLarge { presented } => {
                write!(f, "the text has `{presented}` bytes, expected at most `{MAX_BYTES}`")
            }
            Self::NotToml { message } => write!(f, "not TOML: {}", one_line(message)),
            Self::UnknownKey { key, expected } => {
                write!(f, "unknown key `{key}`, expected one of `{}`", expected.join("`, `"))
            }
            Self::MissingKey { key } => write!(f, "key `{key}` is missing"),
            Self::WrongType { key, expected, presented } => {
                write!(f, "key `{key}` is of type `{presented}`, expected `{expected}`")
            }
            Self::TooManyRoutes { presented } => {
                write!(f, "`routes` has `{presented}` entries, expected at most `{MAX_ROUTES}`")
            }
            Self::TooManyConditions { key, presented } => {
                write!(f, "key `{key}` has `{presented}` conditions, expected at most `{MAX_CONDITIONS}`")
            }
            Self::WrongMethod { key, presented } => {
                let expected = Method::ALL.map(Method::as_str).join("`, `");
                write!(f, "key `{key}` is `{}`, expected one of `{expected}`", one_line(presented))
            }
            Self::WrongPath { key, presented, error } => wrong(f, key, presented, error),
            Self::WrongRole { key, presented, error } => wrong(f, key, presented, error),
            Self::RoleNotAscii { key, presented } => {
                write!(f, "key `{key}` is `{}`: a role in a policy is ASCII", presented.escape_default())
            }
            Self::RepeatedRole { key, presented } => wrong(f, key, presented, &"the list has this role already"),
            Self::WrongCondition { key, presented, error } => wrong(f, key, presented, error),
            Self::NeverMet { key, condition, reason } => {
                write!(f, "key `{key}` is `{condition}`, which can never be met: {reason}")
            }
            Self::Contradiction { key, condition, earlier } => {
                let earlier: Vec<String> = earlier.iter().map(|condition| format!("`{condition}`")).collect();
                let earlier = earlier.join(" and ");
                write!(f, "key `{key}` is `{condition}`, which can never be met beside {earlier} of the same list")
            }
            Self::NeverAfter { key, condition, before, reason } => {
                write!(f, "`{key}` asks for `{condition}`, which nobody can meet who has met {before}: {reason}")
            }
            Self::WrongAuthenticationClaim { key, presented, reason } => wrong(f, key, presented, reason),
            Self::InputOnRoute { key, condition } => {
                write!(f, "key `{key}` is `{condition}`: a route cannot look at the input, a start rule or a state can")
            }
            Self::NothingAsked { key } => write!(
                f,
                "`{key}` asks for nothing, expected `roles`, `any_role` or `claims`, or `any_verified_caller = true`"
            ),
            Self::OneOfNone { key } => write!(f, "key `{key}` is empty, so no caller could have one of its roles"),
            Self::NotTrue { key } => write!(f, "key `{key}` is `false`, expected `true` or no such key"),
            Self::AskedOfAnyCaller { key } => {
                write!(f, "key `{key}` stands beside `roles`, `any_role` or `claims`, expected one or the other")
            }
            Self::WrongChoice { key, presented, expected } => {
                write!(f, "key `{key}` is `{}`: expected {expected}", one_line(presented))
            }
            Self::WrongName { key, error } => write!(f, "key `{key}`: {error}"),
            Self::WrongDuration { key, presented } => write!(
                f,
                "key `{key}` is `{}`, expected a whole number and `s`, `m`, `h` or `d`, like `90s`",
                one_line(presented)
            ),
            Self::DurationOutOfRange { key, presented, expected: (shortest, longest) } => {
                write!(f, "key `{key}` is `{presented}`, expected `{shortest}` to `{longest}`")
            }
            Self::UnknownWorkflow { key, presented } => wrong(f, key, presented, &"expected a workflow of this policy"),
            Self::GuardedAndNested { key, state } => write!(
                f,
                "state `{}` stands in `{key}.states` and in `{key}.nested`, expected in one of them",
                one_line(state.as_str())
            ),
            Self::RepeatedRoute { method, path, first, first_line } => write!(
                f,
                "route `{method} {path}` matches the same requests as `{method} {first}` at line `{first_line}`"
            ),
            Self::Inexpressible { denied, allowed, hit } => write!(
                f,
                "route `{denied}` cannot be denied at the API: a caller of `{allowed}` needs an IAM Deny for it, \
                 whose pattern would also deny `{hit}`; give it another path or the requirement of one of the two"
            ),
        }
    }
}

fn wrong(f: &mut fmt::Formatter<'_>, key: &str, presented: &str, error: &dyn fmt::Display) -> fmt::Result {
    write!(f, "key `{key}` is `{}`: {error}", one_line(presented))
}
