//! From a question whose context is presumed to one of an execution that lives.

use claim_guard::UnixTime;
use claim_guard::audit::Reason;
use claim_guard::identifier::{ExecutionArn, MapRunArn};
use claim_guard::revalidation::{
    ExecutionSeen, ExecutionStatus, Look, MapRunSeen, MapRunStatus, NotAlive, PresumedQuestion, Question,
};
use minting::ServiceError;

use crate::engine::Engine;
use crate::revalidation::{Revalidation, Unrenewed};

impl From<NotAlive> for Unrenewed {
    fn from(cause: NotAlive) -> Self {
        match cause {
            NotAlive::Lapsed(withdrawals) => Self::Withdrawn(withdrawals),
            NotAlive::NotShownYet(cause) => Self::Failed(ServiceError::Undecided(Reason::new(cause.code(), &cause))),
        }
    }
}

impl<R, S, C, E: Engine> Revalidation<R, S, C, E> {
    /// Asks Step Functions until it is clear that the execution lives, or what stands against that.
    pub(crate) async fn alive(&self, presumed: PresumedQuestion, now: UnixTime) -> Result<Question, Unrenewed> {
        let mut look = Look::Execution(presumed);
        loop {
            look = match look {
                Look::Execution(presumed) => {
                    let seen = self.outside.engine.execution(presumed.execution()).await?;
                    presumed.seen(seen.as_ref(), &self.transactions, now)?
                }
                Look::MapRun(child) => {
                    let seen = self.map_run(child.map_run(), now).await?;
                    child.seen(seen.as_ref())?
                }
                Look::Parent(parent) => {
                    let seen = self.parent(parent.execution(), now).await?;
                    parent.seen(seen.as_ref(), &self.transactions, now)?
                }
                Look::Stops(redriven) => {
                    let stopped_at = self.outside.engine.stopped_at(redriven.execution()).await?;
                    redriven.seen(stopped_at)?
                }
                Look::Alive(question) => return Ok(question),
            };
        }
    }

    async fn parent(&self, execution: &ExecutionArn, now: UnixTime) -> Result<Option<ExecutionSeen>, ServiceError> {
        let recent = self.seen.parents.get(execution, now);
        if recent.is_some() {
            return Ok(recent);
        }
        let seen = self.outside.engine.execution(execution).await?;
        if let Some(running) = seen.as_ref().filter(|seen| seen.status == ExecutionStatus::Running) {
            self.seen.parents.keep(execution.clone(), running.clone(), now);
        }
        Ok(seen)
    }

    async fn map_run(&self, map_run: &MapRunArn, now: UnixTime) -> Result<Option<MapRunSeen>, ServiceError> {
        let recent = self.seen.map_runs.get(map_run, now);
        if recent.is_some() {
            return Ok(recent);
        }
        let seen = self.outside.engine.map_run(map_run).await?;
        if let Some(running) = seen.as_ref().filter(|seen| seen.status == MapRunStatus::Running) {
            self.seen.map_runs.keep(map_run.clone(), running.clone(), now);
        }
        Ok(seen)
    }
}
