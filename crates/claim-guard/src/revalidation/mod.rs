//! Asking the realm about an identity that has grown old, or no longer fits: what to ask, what the answers say, and what
//! follows from them.
//!
//! An old statement makes a `PresumedQuestion`, and what Step Functions says of its execution makes that a `Question`: of
//! an execution that lives. The realm's answers about its own, its client's and its user's standing make a
//! `Standing`, which only then may be evaluated into a `LiveIdentity`; and only that makes a `RenewedStatement`. Each of
//! them is of the one question that it came from. So there is no way from an old statement to a new one that leaves an
//! answer out or takes another question's. What vouches for an answer is the
//! connection that it came on, which is the caller's to see to: answers are not signed.
//!
//! A first statement whose execution is about to start makes a `StartQuestion`. The realm is asked the same about its
//! standing, and nothing but a yes or a no comes of that.

mod answer;
mod answer_fault;
mod cause;
mod inquiry;
mod lapse;
mod live;
mod not_alive;
mod presumed;
mod question;
mod renewal;
mod sighting;
mod standing;
mod start;
mod withdrawal;

pub use answer::{ClientAnswer, ConsentsAnswer, DisabledUser, RealmAnswer, SaidOfUser, SessionsAnswer, UserAnswer};
pub use answer_fault::{AnswerFault, AnswerKind};
pub use cause::Cause;
pub use inquiry::Inquiry;
pub use lapse::{Lapse, NotShownYet, StartedBy};
pub use live::LiveIdentity;
pub use not_alive::NotAlive;
pub use presumed::{ChildRun, Look, ParentRun, PresumedQuestion, RedrivenRun};
pub use question::{Question, TooSlow};
pub use renewal::{Change, RenewedStatement};
pub use sighting::{ExecutionSeen, ExecutionStatus, InputSeen, MapRunSeen, MapRunStatus};
pub use standing::{RealmAnswers, Standing};
pub use start::{NotAboutToStart, StartQuestion};
pub use withdrawal::{Withdrawal, Withdrawals};
