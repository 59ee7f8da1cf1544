//! What was seen of executions a moment ago.

use claim_guard::identifier::{ExecutionArn, MapRunArn};
use claim_guard::revalidation::{ExecutionSeen, MapRunSeen};

use crate::recent::Recent;

/// What Step Functions said a moment ago of Map runs and their parents, which all children of one ask about. Of the presented
/// execution nothing is kept, so that a stop is seen at once.
#[derive(Debug)]
pub(crate) struct Seen {
    pub(crate) parents: Recent<ExecutionArn, ExecutionSeen>,
    pub(crate) map_runs: Recent<MapRunArn, MapRunSeen>,
}

impl Seen {
    pub(crate) fn nothing() -> Self {
        Self { parents: Recent::new(), map_runs: Recent::new() }
    }
}
