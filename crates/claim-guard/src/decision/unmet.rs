//! Why something is denied.

use std::fmt;

use serde_json::Value;

use crate::access::{ActorRule, Condition, Plain};
use crate::claims::{Actor, Role};
use crate::decision::starter::Starter;
use crate::excerpt::Excerpt;
use crate::identifier::{StateName, WorkflowName};
use crate::json::{Json, is_plain};
use crate::transaction::CarryError;

/// One part of what was asked that is not met: the causes in the order they are looked at, with both sides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unmet {
    /// The policy has no route for the request.
    NoRoute {
        /// The request's method.
        method: String,
        /// The request's path.
        path: String,
    },
    /// The policy has no such workflow.
    NoWorkflow {
        /// The workflow that was asked for.
        presented: WorkflowName,
    },
    /// The transaction token speaks of another workflow.
    WrongWorkflow {
        /// The workflow whose state asks.
        expected: WorkflowName,
        /// The token's workflow.
        presented: WorkflowName,
    },
    /// The policy asks nothing of this state, and what asks nothing is denied.
    NoState {
        /// The state's workflow.
        workflow: WorkflowName,
        /// The state.
        presented: StateName,
    },
    /// The caller did not start the execution.
    NotTheStarter {
        /// Who did.
        expected: Starter,
        /// Who asks.
        presented: Starter,
    },
    /// The caller did not start the execution; who did was not looked at, because that makes no difference.
    StartedByAnother {
        /// Who asks.
        presented: Starter,
    },
    /// Somebody acts in the subject's place, where the subject has to act himself.
    ActorPresent {
        /// What is asked of an actor.
        expected: ActorRule,
        /// Who acts.
        presented: Actor,
    },
    /// What the identity says fits into no transaction token.
    NotCarried {
        /// Why not.
        error: CarryError,
    },
    /// A role is needed.
    MissingRole {
        /// The role.
        expected: Role,
    },
    /// One of some roles is needed.
    NoneOfRoles {
        /// The roles, at least one.
        expected: Vec<Role>,
    },
    /// The claim is not there.
    ClaimAbsent {
        /// The condition on it.
        condition: Condition,
    },
    /// The input has nothing to compare the claim with.
    InputAbsent {
        /// The condition that names the input's path.
        condition: Condition,
    },
    /// What the input has is nothing that a claim can be compared with.
    InputOfWrongType {
        /// The condition that names the input's path.
        condition: Condition,
        /// What a claim can be compared with by this operator.
        expected: Shape,
        /// What the input has.
        presented: Shape,
    },
    /// The claim is of another type than what it is compared with. Nothing is coerced.
    ClaimOfWrongType {
        /// The condition.
        condition: Condition,
        /// The type that the condition is about.
        expected: Shape,
        /// The claim's type.
        presented: Shape,
    },
    /// The claim is of the right type and has another value.
    ClaimUnmet {
        /// The condition.
        condition: Condition,
        /// What the claim was compared with: the condition's operand, or what the input has there.
        expected: Plain,
        /// The claim.
        presented: Value,
    },
}

/// The type of a JSON value, as far as conditions tell them apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// `null`
    Null,
    /// A boolean.
    Boolean,
    /// An integer of 64 bits.
    Integer,
    /// Any other number, `2.0` too.
    Fraction,
    /// A text.
    Text,
    /// A boolean, an integer or a text.
    Plain,
    /// An array of booleans, integers and texts.
    Array,
    /// An array with anything else in it.
    NestedArray,
    /// An object.
    Object,
}

impl Shape {
    pub(crate) fn of(value: Json<'_>) -> Self {
        match value {
            Json::Null => Self::Null,
            Json::Boolean(_) => Self::Boolean,
            Json::Unsigned(_) | Json::Negative(_) => Self::Integer,
            Json::Fraction(_) => Self::Fraction,
            Json::Text(_) => Self::Text,
            Json::Array(items) if items.iter().all(is_plain) => Self::Array,
            Json::Array(_) => Self::NestedArray,
            Json::Object(_) => Self::Object,
        }
    }

    pub(crate) fn of_value(value: &Value) -> Self {
        match value {
            Value::Null => Self::Null,
            Value::Object(_) => Self::Object,
            Value::Array(items) if items.iter().all(|item| Plain::of(item).is_some()) => Self::Array,
            Value::Array(_) => Self::NestedArray,
            Value::Bool(_) | Value::Number(_) | Value::String(_) => {
                Plain::of(value).map_or(Self::Fraction, |plain| Self::of_plain(&plain))
            }
        }
    }

    pub(crate) fn of_plain(value: &Plain) -> Self {
        match value {
            Plain::Boolean(_) => Self::Boolean,
            Plain::Integer(_) => Self::Integer,
            Plain::Text(_) => Self::Text,
        }
    }
}

impl Unmet {
    /// The cause's name in audit lines; it does not change.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NoRoute { .. } => "no_route",
            Self::NoWorkflow { .. } => "no_workflow",
            Self::WrongWorkflow { .. } => "wrong_workflow",
            Self::NoState { .. } => "no_state",
            Self::NotTheStarter { .. } => "not_the_starter",
            Self::StartedByAnother { .. } => "started_by_another",
            Self::ActorPresent { .. } => "actor_present",
            Self::NotCarried { error } => error.code(),
            Self::MissingRole { .. } => "missing_role",
            Self::NoneOfRoles { .. } => "none_of_roles",
            Self::ClaimAbsent { .. } => "claim_absent",
            Self::InputAbsent { .. } => "input_absent",
            Self::InputOfWrongType { .. } => "input_of_wrong_type",
            Self::ClaimOfWrongType { .. } => "claim_of_wrong_type",
            Self::ClaimUnmet { .. } => "claim_unmet",
        }
    }

    /// What was asked, at most 256 bytes of printable ASCII; none where the policy asks nothing.
    pub fn expected(&self) -> Option<String> {
        let text = match self {
            Self::NoRoute { .. } | Self::NoWorkflow { .. } | Self::NoState { .. } | Self::StartedByAnother { .. } => {
                return None;
            }
            Self::WrongWorkflow { expected, .. } => expected.to_string(),
            Self::NotTheStarter { expected, .. } => expected.to_string(),
            Self::ActorPresent { expected, .. } => expected.to_string(),
            Self::NotCarried { error: CarryError::TooLarge { limit, .. } } => limit.to_string(),
            Self::NotCarried { error: CarryError::HoldsToken } => return None,
            Self::MissingRole { expected } => expected.to_string(),
            Self::NoneOfRoles { expected } => expected.iter().map(Role::to_string).collect::<Vec<_>>().join(" "),
            Self::ClaimAbsent { condition } | Self::InputAbsent { condition } => condition.to_string(),
            Self::InputOfWrongType { expected, .. } | Self::ClaimOfWrongType { expected, .. } => expected.to_string(),
            Self::ClaimUnmet { condition, expected, .. } => format!("{} {expected}", condition.test().operator()),
        };
        Some(Excerpt::of(&text).to_string())
    }

    /// What was presented, at most 256 bytes of printable ASCII; none where nothing was.
    pub fn presented(&self) -> Option<String> {
        let text = match self {
            Self::NoRoute { method, path } => format!("{method} {path}"),
            Self::NoWorkflow { presented } | Self::WrongWorkflow { presented, .. } => presented.to_string(),
            Self::NoState { presented, .. } => presented.to_string(),
            Self::NotTheStarter { presented, .. } | Self::StartedByAnother { presented } => presented.to_string(),
            Self::ActorPresent { presented, .. } => presented.to_string(),
            Self::NotCarried { error: CarryError::TooLarge { presented, .. } } => presented.to_string(),
            Self::NotCarried { error: CarryError::HoldsToken }
            | Self::MissingRole { .. }
            | Self::NoneOfRoles { .. }
            | Self::ClaimAbsent { .. }
            | Self::InputAbsent { .. } => return None,
            Self::InputOfWrongType { presented, .. } | Self::ClaimOfWrongType { presented, .. } => {
                presented.to_string()
            }
            Self::ClaimUnmet { presented, .. } => presented.to_string(),
        };
        Some(Excerpt::of(&text).to_string())
    }
}

impl fmt::Display for Unmet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let expected = self.expected().unwrap_or_default();
        let presented = self.presented().unwrap_or_default();
        match self {
            Self::NoRoute { .. } => write!(f, "the policy has no route for `{presented}`"),
            Self::NoWorkflow { .. } => write!(f, "the policy has no workflow `{presented}`"),
            Self::WrongWorkflow { .. } => {
                write!(f, "the transaction is one of workflow `{presented}`, expected `{expected}`")
            }
            Self::NoState { workflow, .. } => {
                write!(f, "the policy asks nothing of state `{presented}` of workflow `{workflow}`")
            }
            Self::NotTheStarter { .. } => {
                write!(f, "the execution was started by `{expected}`, not by `{presented}`")
            }
            Self::StartedByAnother { .. } => write!(f, "the execution was started by another than `{presented}`"),
            Self::ActorPresent { .. } => {
                write!(f, "`{presented}` acts in the subject's place, expected actor `{expected}`")
            }
            Self::NotCarried { error } => write!(f, "{error}"),
            Self::MissingRole { .. } => write!(f, "role `{expected}` is missing"),
            Self::NoneOfRoles { .. } => write!(f, "none of the roles `{expected}` is there"),
            Self::ClaimAbsent { condition } => {
                write!(f, "claim `{}` is absent, expected `{expected}`", Excerpt::of(&condition.claim().to_string()))
            }
            Self::InputAbsent { .. } => write!(f, "the input has nothing to compare with, expected `{expected}`"),
            Self::InputOfWrongType { condition, .. } => write!(
                f,
                "the input of `{}` is of type `{presented}`, expected `{expected}`",
                Excerpt::of(&condition.to_string())
            ),
            Self::ClaimOfWrongType { condition, .. } => write!(
                f,
                "claim `{}` is of type `{presented}`, expected `{expected}`",
                Excerpt::of(&condition.claim().to_string())
            ),
            Self::ClaimUnmet { condition, .. } => write!(
                f,
                "claim `{}` is `{presented}`, expected `{expected}`",
                Excerpt::of(&condition.claim().to_string())
            ),
        }
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Null => "null",
            Self::Boolean => "boolean",
            Self::Integer => "integer",
            Self::Fraction => "fraction",
            Self::Text => "text",
            Self::Plain => "boolean, integer or text",
            Self::Array => "array",
            Self::NestedArray => "array of other than booleans, integers and texts",
            Self::Object => "object",
        })
    }
}
