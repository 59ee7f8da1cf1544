//! The seam to Step Functions: what it says of executions.

use std::future::Future;

use claim_guard::UnixTime;
use claim_guard::identifier::{ExecutionArn, MapRunArn};
use claim_guard::revalidation::{ExecutionSeen, MapRunSeen};
use minting::ServiceError;

/// The engine that runs the state machines. Tests stand behind this seam with executions of their own.
pub trait Engine: Sync {
    /// The execution as it is now; none if there is no such one.
    fn execution(
        &self,
        execution: &ExecutionArn,
    ) -> impl Future<Output = Result<Option<ExecutionSeen>, ServiceError>> + Send;

    /// The Map run as it is now; none if there is no such one.
    fn map_run(&self, map_run: &MapRunArn) -> impl Future<Output = Result<Option<MapRunSeen>, ServiceError>> + Send;

    /// When somebody last stopped the execution, which was redriven since; none if nobody ever has.
    fn stopped_at(
        &self,
        execution: &ExecutionArn,
    ) -> impl Future<Output = Result<Option<UnixTime>, ServiceError>> + Send;
}
