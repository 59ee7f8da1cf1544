//! What Step Functions says of an execution, as far as anything follows from it. Nothing here is signed: what vouches for
//! it is the connection that it came on.

use std::fmt;

use crate::identifier::{ExecutionArn, MapRunArn, StateMachineArn};
use crate::unix_time::UnixTime;

macro_rules! statuses {
    ($($(#[$doc:meta])* $type:ident { $($(#[$of:meta])* $variant:ident = $name:literal,)* })*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum $type { $($(#[$of])* $variant,)* }

        impl $type {
            /// The status that Step Functions calls so; none for a name that is not among them.
            pub fn parse(name: &str) -> Option<Self> {
                [$(Self::$variant),*].into_iter().find(|status| status.as_str() == name)
            }

            /// What Step Functions calls it.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }
    )*};
}

statuses! {
    /// Where an execution stands.
    ExecutionStatus {
        /// It runs.
        Running = "RUNNING",
        /// It ended as intended.
        Succeeded = "SUCCEEDED",
        /// It ended with an error.
        Failed = "FAILED",
        /// It took longer than its machine allows.
        TimedOut = "TIMED_OUT",
        /// Somebody stopped it.
        Aborted = "ABORTED",
        /// It will run again.
        PendingRedrive = "PENDING_REDRIVE",
    }
    /// Where a Map run stands: all child executions of one distributed Map.
    MapRunStatus {
        /// It runs.
        Running = "RUNNING",
        /// It ended as intended.
        Succeeded = "SUCCEEDED",
        /// Too many of its executions failed.
        Failed = "FAILED",
        /// Its parent was stopped.
        Aborted = "ABORTED",
    }
}

/// The JSON that an execution was started with. It holds a transaction token, so it does not print.
#[derive(Clone, PartialEq, Eq)]
pub struct InputSeen(pub String);

impl fmt::Debug for InputSeen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("InputSeen(…)")
    }
}

/// An execution, as `DescribeExecution` answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExecutionSeen {
    /// The execution that the answer is about.
    pub execution: ExecutionArn,
    /// Its state machine, without version or alias.
    pub state_machine: StateMachineArn,
    /// Where it stands.
    pub status: ExecutionStatus,
    /// How often it was redriven; 0 where the engine knows none.
    pub redrive_count: u32,
    /// When it was started. A redrive does not change that.
    pub started_at: UnixTime,
    /// What it was started with, where the engine tells.
    pub input: Option<InputSeen>,
    /// The Map run that has started it, if one has.
    pub map_run: Option<MapRunArn>,
}

/// A Map run, as `DescribeMapRun` answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MapRunSeen {
    /// The execution whose distributed Map it is.
    pub parent: ExecutionArn,
    /// Where it stands.
    pub status: MapRunStatus,
}
