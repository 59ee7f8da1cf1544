//! The seam to Keycloak: one question, and what it says about it now.

use std::future::Future;

use claim_guard::UnixTime;
use claim_guard::revalidation::{LiveIdentity, Question, StartQuestion, Withdrawals};

/// What the realm says: what an access token of now would say of the subject, or everything that stands against one.
pub type Answered<'q> = Result<LiveIdentity<'q>, Withdrawals>;

/// Whether the realm stands behind an access token, or everything that stands against that.
pub type Stood = Result<(), Withdrawals>;

/// Why the realm's answers are not to be had: it heals by itself, or somebody has to act.
pub type Unanswered = minting::ServiceError;

/// The key that signs what this function tells Keycloak about itself (RFC 7523 §2.2): ES256, the signature in DER.
pub use minting::Signer as Assertions;

/// A realm that answers. Tests stand behind this seam with users, clients and outages of their own.
pub trait Realm: Sync {
    /// Asks everything that the question needs, now: first what stands behind the access token
    /// ([`Question::standing`]), and where nothing stands against it what a token of now would say
    /// ([`claim_guard::revalidation::Standing::evaluated`]).
    fn ask<'q>(
        &self,
        question: &'q Question,
        now: UnixTime,
    ) -> impl Future<Output = Result<Answered<'q>, Unanswered>> + Send;

    /// Asks the first part of that, now: what stands behind the access token ([`StartQuestion::standing`]). What a token of now
    /// would say is not asked: the one that starts an execution has just been verified.
    fn ask_before_start(
        &self,
        question: &StartQuestion,
        now: UnixTime,
    ) -> impl Future<Output = Result<Stood, Unanswered>> + Send;
}
