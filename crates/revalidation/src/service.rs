//! The function, or what stands in its place; and the order in which an event is served.

use std::io;

use claim_guard::access::{AccessPolicy, PolicyFaults};
use claim_guard::audit::{AuditContext, AuditRecord, Reason};
use claim_guard::identifier::Digest;
use claim_guard::unix_time::{ClockError, UnixTime};
use lambda_shell::{Panicked, caught, caught_at_once};
use minting::{Signer, SigningKeyArn};

use crate::engine::Engine;
use crate::error::RevalidationError;
use crate::event::Event;
use crate::randomness::Randomness;
use crate::realm::Realm;
use crate::response::RevalidationResponse;
use crate::revalidation::{Revalidation, Ruling, Services, point};
use crate::settings::{ClientKey, Fault, RealmAccess, Settings};

/// The function, or what stands in its place.
#[derive(Debug)]
pub enum Service<R, S, C, E> {
    /// It answers.
    Ready(Box<Revalidation<R, S, C, E>>),
    /// It says that it cannot.
    Misconfigured(Misconfigured),
}

/// The function of a stack whose configuration is broken.
///
/// It does not end the process: Lambda would start it again and again, and nothing would say why. Each event is refused as
/// misconfigured instead, and its audit line names every fault.
#[derive(Debug)]
pub struct Misconfigured {
    /// The digest of `access.toml`, where that parses.
    pub policy: Option<Digest>,
    /// Every fault, at least one.
    pub reasons: Vec<Reason>,
}

impl<R: Realm, S: Signer, C: Randomness, E: Engine> Service<R, S, C, E> {
    /// The function of a policy and an environment; `lookup` answers a variable's value by its name, and `outside` makes
    /// the outside from the place in the realm, the key that proves us there and the key that signs transaction tokens, or says why it
    /// cannot. The variables are those of [`Settings::from_lookup`].
    pub async fn from_lookup(
        policy: Result<AccessPolicy, PolicyFaults>,
        lookup: impl Fn(&str) -> Option<String>,
        outside: impl AsyncFnOnce(RealmAccess, ClientKey, SigningKeyArn) -> Result<Services<R, S, C, E>, Reason>,
    ) -> Self {
        let policy = match policy {
            Ok(policy) => policy,
            Err(faults) => {
                let others = Settings::faults_without_policy(lookup);
                let reasons = Reason::of_policy(&faults).into_iter().chain(others.iter().map(Fault::reason)).collect();
                return Self::Misconfigured(Misconfigured { policy: None, reasons });
            }
        };
        let digest = policy.digest().clone();
        let broken = |reasons| Self::Misconfigured(Misconfigured { policy: Some(digest), reasons });
        let Settings { realm, client_key, minting } = match Settings::from_lookup(&policy, lookup) {
            Ok(settings) => settings,
            Err(faults) => return broken(faults.iter().map(Fault::reason).collect()),
        };
        match outside(realm, client_key, minting.signing_key.clone()).await {
            Ok(outside) => Self::Ready(Box::new(Revalidation::new(policy, minting, outside))),
            Err(reason) => broken(vec![reason]),
        }
    }

    /// Serves one event: decides, writes the audit line, and only then answers.
    ///
    /// # Errors
    /// [`RevalidationError`] is what the caller hears. Without a written audit line there is no new statement, and no yes or no: the answer
    /// is undecided then. So is a panic, wherever it happens.
    pub async fn serve(
        &self,
        event: &[u8],
        now: Result<UnixTime, ClockError>,
        write_audit: impl FnOnce(AuditRecord) -> io::Result<()>,
    ) -> Result<RevalidationResponse, RevalidationError> {
        let Ruling { audit, verdict } = match caught(self.ruling(event, now)).await {
            Ok(ruling) => ruling,
            Err(panicked) => self.panicked(panicked, now.ok()),
        };
        let written = caught_at_once(|| write_audit(audit));
        let answer = verdict?;
        match written {
            Ok(Ok(())) => Ok(answer),
            Ok(Err(_)) | Err(Panicked) => Err(RevalidationError::Undecided),
        }
    }

    async fn ruling(&self, event: &[u8], now: Result<UnixTime, ClockError>) -> Ruling {
        match self {
            Self::Ready(revalidation) => revalidation.answer(event, now).await,
            Self::Misconfigured(misconfigured) => misconfigured.answer(event, now.ok()),
        }
    }

    fn panicked(&self, panicked: Panicked, now: Option<UnixTime>) -> Ruling {
        let policy = match self {
            Self::Ready(revalidation) => Some(revalidation.policy_digest().clone()),
            Self::Misconfigured(misconfigured) => misconfigured.policy.clone(),
        };
        let context = AuditContext { point: point(None, None), policy, now };
        Ruling { audit: AuditRecord::undecided(context, panicked.reason()), verdict: Err(RevalidationError::Undecided) }
    }
}

impl Misconfigured {
    fn answer(&self, event: &[u8], now: Option<UnixTime>) -> Ruling {
        let event = Event::parse(event).ok();
        let context = AuditContext { point: point(event.as_ref(), None), policy: self.policy.clone(), now };
        let audit = AuditRecord::misconfigured(context, self.reasons.clone());
        Ruling { audit, verdict: Err(RevalidationError::Misconfigured) }
    }
}
