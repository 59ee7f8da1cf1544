//! Whether the stack's limits leave room for one more execution.

use std::num::NonZeroU16;
use std::time::Duration;

use claim_guard::audit::Reason;
use claim_guard::decision::Decision;
use claim_guard::identifier::WorkflowName;
use claim_guard::{Identity, UnixTime};
use minting::{NamingKey, ServiceError};
use tokio::time::timeout;

use crate::admission::Admission;
use crate::answer::{Ended, Exchange};
use crate::execution_name::ExecutionName;
use crate::executions::Executions;
use crate::limits::StartLimits;
use crate::problem::Problem;
use crate::services::{Counted, PlaceTaken, Services};
use crate::tally::{Claim, Counter, Place, Places, StartingParty, has_settled, to_next_minute};

/// The most time for all of it. What else a start asks for has 23.5 seconds (see `minting`), and the function's own timeout is 28.
const ADMITTED_WITHIN: Duration = Duration::from_secs(4);

/// How many looks at a party's executions one minute has. They come out of a bucket that the whole account has, some fifteen a
/// second: without a bound, whoever has all of his places taken could empty it by starting in vain.
const LOOKS_PER_MINUTE: u16 = 100;

/// For how long a caller is asked to stay away whose executions all run.
const LOOK_AGAIN_SECONDS: i64 = 10;

/// An execution that the policy lets its caller start.
pub(crate) struct Candidate<'a> {
    pub(crate) caller: &'a Identity,
    pub(crate) decision: &'a Decision,
    pub(crate) workflow: &'a WorkflowName,
    pub(crate) name: ExecutionName,
    pub(crate) naming: &'a NamingKey,
    pub(crate) now: UnixTime,
}

/// Why there is no room.
enum Unadmitted {
    /// The table, or Step Functions, does not tell.
    Failed(ServiceError),
    /// As many were started in this minute as may be.
    StartsUsedUp { most: NonZeroU16, counted: u64 },
    /// As many run as may.
    AllRunning { most: NonZeroU16, running: usize },
    /// As many have places as may, and whether they still run was asked too often in this minute.
    LooksUsedUp { most: NonZeroU16, places: usize },
}

impl From<ServiceError> for Unadmitted {
    fn from(failure: ServiceError) -> Self {
        Self::Failed(failure)
    }
}

impl<O: Services> Executions<O> {
    /// Counts one more execution of the caller's, if the stack's limits leave room for it.
    ///
    /// A place is never given back because a start failed: what failed may have started all the same. Whether it has shows when
    /// room is needed, by looking.
    pub(crate) async fn admit(
        &self,
        exchange: &mut Exchange<'_>,
        candidate: Candidate<'_>,
    ) -> Result<Admission, Ended> {
        let Some(limits) = &self.limits else { return Ok(Admission::assertion(candidate.name)) };
        let (caller, now) = (candidate.caller, candidate.now);
        let counted = timeout(ADMITTED_WITHIN, self.counted(limits, &candidate)).await;
        let counted = counted.unwrap_or_else(|_| {
            let message = format!("there is no answer after {} seconds", ADMITTED_WITHIN.as_secs());
            Err(Unadmitted::Failed(ServiceError::Undecided(Reason::new("limits_too_slow", &message))))
        });
        let (reason, problem) = match counted {
            Ok(()) => return Ok(Admission::assertion(candidate.name)),
            Err(Unadmitted::Failed(failure)) => return Err(exchange.failed(caller, failure)),
            Err(Unadmitted::StartsUsedUp { most, counted }) => {
                let message = format!("expected at most `{most}` starts in a minute, presented one after `{counted}`");
                (Reason::new("starts_used_up", &message), Problem::StartsUsedUp { seconds: to_next_minute(now) })
            }
            Err(Unadmitted::AllRunning { most, running }) => {
                let message = format!("expected at most `{most}` running executions, presented one beside `{running}`");
                (Reason::new("all_running", &message), Problem::AllRunning { seconds: LOOK_AGAIN_SECONDS })
            }
            Err(Unadmitted::LooksUsedUp { most, places }) => {
                let message = format!(
                    "expected at most `{most}` running executions, presented one beside `{places}`, which this \
                     minute's `{LOOKS_PER_MINUTE}` looks do not suffice for"
                );
                (Reason::new("looks_used_up", &message), Problem::AllRunning { seconds: to_next_minute(now) })
            }
        };
        exchange.note = Some(reason);
        Err(exchange.in_conflict(&problem, caller, candidate.decision, None))
    }

    async fn counted(&self, limits: &StartLimits, candidate: &Candidate<'_>) -> Result<(), Unadmitted> {
        let party = StartingParty::of(candidate.caller, candidate.naming);
        // The starts first: a start in vain is one too, and what it costs is bounded by them.
        if let Some(most) = limits.starts_per_minute() {
            let counter = Counter::of_starts(&party, candidate.now);
            match self.outside.count(limits.table(), &counter, 1, most.get()).await? {
                Counted::Within => {}
                Counted::Beyond { counted } => return Err(Unadmitted::StartsUsedUp { most, counted }),
            }
        }
        match limits.running() {
            Some(most) => {
                let place = Place::of(candidate.workflow, &candidate.name);
                self.take_place(limits, most, Claim { party, place, most: most.get(), now: candidate.now }).await
            }
            None => Ok(()),
        }
    }

    /// Takes a place, after a look at those that are taken if there is none.
    async fn take_place(&self, limits: &StartLimits, most: NonZeroU16, claim: Claim) -> Result<(), Unadmitted> {
        let taken = match self.outside.take_place(limits.table(), &claim).await? {
            PlaceTaken::Yes => return Ok(()),
            PlaceTaken::Full(taken) => taken,
        };
        let places = taken.len();
        let looks = Counter::of_looks(&claim.party, claim.now);
        let wanted = u16::try_from(places).unwrap_or(LOOKS_PER_MINUTE).min(LOOKS_PER_MINUTE);
        match self.outside.count(limits.table(), &looks, wanted, LOOKS_PER_MINUTE).await? {
            Counted::Within => {}
            Counted::Beyond { counted: _ } => return Err(Unadmitted::LooksUsedUp { most, places }),
        }
        let over = self.over(&taken, claim.now).await?;
        if over.is_empty() {
            return Err(Unadmitted::AllRunning { most, running: places });
        }
        self.outside.give_places_back(limits.table(), &claim.party, &over).await?;
        match self.outside.take_place(limits.table(), &claim).await? {
            PlaceTaken::Yes => Ok(()),
            // Somebody was faster.
            PlaceTaken::Full(taken) => Err(Unadmitted::AllRunning { most, running: taken.len() }),
        }
    }

    /// The places whose executions run no more, or never began.
    async fn over(&self, places: &Places, now: UnixTime) -> Result<Places, ServiceError> {
        let mut over = Places::new();
        for (place, taken) in places.iter().take(usize::from(LOOKS_PER_MINUTE)) {
            let execution = place
                .parts()
                .and_then(|(workflow, name)| self.state_machines.get(&workflow)?.machine().execution(name).ok());
            let is_over = match execution {
                Some(execution) => match self.outside.describe(&execution).await? {
                    Some(execution) => execution.status.is_over(),
                    None => has_settled(*taken, now),
                },
                // Of a workflow that the policy names no more, or written by somebody else: nothing that is started here.
                None => true,
            };
            if is_over {
                over.insert(place.clone(), *taken);
            }
        }
        Ok(over)
    }
}
