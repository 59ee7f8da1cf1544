//! Which execution is asked for, and who started it.

use claim_guard::audit::Reason;
use claim_guard::identifier::ExecutionArn;
use claim_guard::{Identity, UnixTime, VerifiedClaims};
use minting::ServiceError;

use crate::answer::{Ended, Exchange};
use crate::attribution::{Attributed, attribute};
use crate::execution_name::ExecutionName;
use crate::executions::{Declared, Executions};
use crate::services::Services;

/// An execution under a name that was given here. Step Functions has not been asked about it.
pub(crate) struct Named {
    pub(crate) arn: ExecutionArn,
    /// Whether the caller may be the one who started it; if not, he is not.
    pub(crate) may_be_callers: bool,
}

/// Why there is nothing to decide on.
pub(crate) enum Unseen {
    /// Step Functions could not tell.
    Undecided(Reason),
    /// There is nothing to be told, or not to this caller.
    Ended(Ended),
}

impl Unseen {
    /// The answer where nothing can be done about an execution that was not looked at.
    pub(crate) fn ended(self, exchange: &Exchange<'_>, caller: &Identity) -> Ended {
        match self {
            Self::Undecided(reason) => exchange.undecided(Some(caller), reason),
            Self::Ended(ended) => ended,
        }
    }
}

impl<O: Services> Executions<O> {
    /// The execution of that name, if the name was given here.
    pub(crate) async fn named(
        &self,
        exchange: &mut Exchange<'_>,
        claims: &VerifiedClaims,
        workflow: &Declared<'_>,
        asked: &str,
    ) -> Result<Named, Ended> {
        let key = self.naming_key(exchange, claims).await?;
        let name = ExecutionName::recognise(asked, key);
        let not_given = || Reason::new("unknown_execution", &"the name was not given here");
        let name = name.ok_or_else(|| exchange.absent(claims.identity(), not_given()))?;
        let arn = arn_of(exchange, claims.identity(), workflow, &name)?;
        exchange.concerns(&arn);
        Ok(Named { arn, may_be_callers: name.may_be_of(claims.identity(), key) })
    }

    /// That execution and who started it.
    pub(crate) async fn find(
        &self,
        exchange: &mut Exchange<'_>,
        claims: &VerifiedClaims,
        workflow: &Declared<'_>,
        arn: &ExecutionArn,
        now: UnixTime,
    ) -> Result<Attributed, Unseen> {
        let caller = claims.identity();
        let execution = self.outside.describe(arn).await.map_err(|failure| match failure {
            ServiceError::Undecided(reason) => Unseen::Undecided(reason),
            ServiceError::Misconfigured(reason) => Unseen::Ended(exchange.misconfigured(Some(caller), vec![reason])),
        })?;
        // Its history is gone, or its start was never answered.
        let gone = || Reason::new("execution_absent", &"Step Functions has no execution of that name");
        let absent = || Unseen::Ended(exchange.absent(caller, gone()));
        let execution = execution.ok_or_else(absent)?;
        match attribute(execution, workflow.rules.name(), arn, &self.transactions, now) {
            Ok(attributed) => {
                exchange.note = attributed.statement.note();
                Ok(attributed)
            }
            Err(cause) => {
                let reason = Reason::new(cause.code(), &cause);
                Err(Unseen::Ended(exchange.misconfigured(Some(caller), vec![reason])))
            }
        }
    }
}

/// The ARN that an execution of that name has.
pub(crate) fn arn_of(
    exchange: &Exchange<'_>,
    caller: &Identity,
    workflow: &Declared<'_>,
    name: &ExecutionName,
) -> Result<ExecutionArn, Ended> {
    workflow.state_machine.machine().execution(name.as_str()).map_err(|error| {
        let reason = Reason::new("malformed_execution_arn", &error);
        exchange.misconfigured(Some(caller), vec![reason])
    })
}
