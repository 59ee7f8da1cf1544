//! What a caller hears who is not refused.

use minting::StartAnswer;
use serde::ser::{Serialize, Serializer};

use crate::renewed::Renewed;

/// What was asked for.
#[derive(Debug)]
pub enum RevalidationResponse {
    /// For the state machine: a new statement.
    Renewed(Renewed),
    /// For `executions`: whether the realm stands behind the caller for whom an execution is about to start.
    Start(StartAnswer),
}

impl From<Renewed> for RevalidationResponse {
    fn from(renewed: Renewed) -> Self {
        Self::Renewed(renewed)
    }
}

impl From<StartAnswer> for RevalidationResponse {
    fn from(answer: StartAnswer) -> Self {
        Self::Start(answer)
    }
}

impl Serialize for RevalidationResponse {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Renewed(renewed) => renewed.serialize(serializer),
            Self::Start(answer) => answer.serialize(serializer),
        }
    }
}
