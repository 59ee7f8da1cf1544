//! A first statement whose execution is about to start → what the realm has to be asked before that.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::access::AccessPolicy;
use crate::excerpt::Excerpt;
use crate::identifier::WorkflowName;
use crate::revalidation::inquiry::Inquiry;
use crate::revalidation::standing::RealmAnswers;
use crate::revalidation::withdrawal::Withdrawals;
use crate::transaction::StaleTransaction;
use crate::unix_time::UnixTime;

/// Nobody waits longer for a start: API Gateway gives up after 29 seconds.
const WAITED_FOR: Duration = Duration::from_secs(30);

/// Whom the realm has to be asked about before an execution starts.
///
/// The execution is not there yet, so nobody can look whether it lives. What comes of the question is a yes or a no: there
/// is no way from here to a statement.
///
/// ```compile_fail
/// fn ask(start: claim_guard::revalidation::StartQuestion) -> claim_guard::revalidation::Question {
///     start.into()
/// }
/// ```
#[derive(Debug)]
pub struct StartQuestion {
    inquiry: Inquiry,
}

/// Why a statement is not of an execution that is about to start. Such a one says nothing of a session to anybody.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NotAboutToStart {
    /// The policy knows no such workflow.
    NoWorkflow {
        /// The workflow.
        presented: WorkflowName,
    },
    /// The statement was given to an execution that runs, or to one that another has started.
    NotTheFirst {
        /// How often the realm was asked for it.
        epoch: u32,
    },
    /// The statement is older than any start that somebody waits for, or as far from the future.
    NotOfNow {
        /// When it was made.
        issued_at: UnixTime,
        /// The clock.
        now: UnixTime,
    },
}

impl NotAboutToStart {
    /// A fixed name of the cause, for audit lines and metrics.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NoWorkflow { .. } => "no_workflow",
            Self::NotTheFirst { .. } => "not_the_first_statement",
            Self::NotOfNow { .. } => "not_about_to_start",
        }
    }
}

impl fmt::Display for NotAboutToStart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoWorkflow { presented } => {
                write!(f, "workflow `{}` is not declared", Excerpt::of(presented.as_str()))
            }
            Self::NotTheFirst { epoch } => write!(f, "expected an execution's first statement, its epoch is `{epoch}`"),
            Self::NotOfNow { issued_at, now } => {
                let limit = WAITED_FOR.as_secs();
                write!(f, "expected a statement of the last `{limit}` s, made at `{issued_at}`, it is `{now}`")
            }
        }
    }
}

impl std::error::Error for NotAboutToStart {}

impl AccessPolicy {
    /// What to ask before the execution starts that `first` was made for, which is shared: whatever comes of the question,
    /// the audit line says whose it was.
    ///
    /// # Errors
    /// [`NotAboutToStart`] if `first` is of no such execution.
    pub fn question_of_start(
        &self,
        first: Arc<StaleTransaction>,
        now: UnixTime,
    ) -> Result<StartQuestion, NotAboutToStart> {
        let name = &first.binding().workflow;
        let workflow = self.workflow(name).ok_or_else(|| NotAboutToStart::NoWorkflow { presented: name.clone() })?;
        if first.epoch() != 0 {
            return Err(NotAboutToStart::NotTheFirst { epoch: first.epoch() });
        }
        let issued_at = first.identity().issued_at();
        // Either way: two functions have two clocks.
        if now.seconds_since(issued_at).unsigned_abs() > WAITED_FOR.as_secs() {
            return Err(NotAboutToStart::NotOfNow { issued_at, now });
        }
        Ok(StartQuestion { inquiry: Inquiry::new(first, workflow.session()) })
    }
}

impl StartQuestion {
    /// Whom the realm has to be asked about.
    pub fn inquiry(&self) -> &Inquiry {
        &self.inquiry
    }

    /// What follows from the answers: the same as before a renewal.
    ///
    /// # Errors
    /// [`Withdrawals`] names everything that stands against the access token.
    pub fn standing(&self, answers: &RealmAnswers) -> Result<(), Withdrawals> {
        self.inquiry.client_uuid(answers).map(drop)
    }
}
