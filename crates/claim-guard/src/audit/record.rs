//! The audit record: one JSON line for each decision.

use std::borrow::Cow;
use std::fmt;

use serde::Serialize;

use crate::access::{PolicyFault, PolicyFaults};
use crate::audit::invocation::Invocation;
use crate::audit::point::AuditPoint;
use crate::audit::stamp::Stamp;
use crate::claims::{Actor, Identity, Party};
use crate::decision::{Decision, Denial};
use crate::excerpt::Excerpt;
use crate::identifier::Digest;
use crate::revalidation::{RenewedStatement, Withdrawals};
use crate::token::{AccessToken, Rejection};
use crate::transaction::{TransactionFailure, TransactionToken};
use crate::unix_time::UnixTime;

/// The record's format and version, its first member.
pub const AUDIT_FORMAT: &str = "claim-guard/1";

/// The most bytes of a code and of a message that another function has told.
const MAX_REPORTED_CODE_BYTES: usize = 64;
const MAX_REPORTED_MESSAGE_BYTES: usize = 1024;

/// What came of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum AuditOutcome {
    /// The requirement is met.
    Allow,
    /// We know the subject; it may not.
    Deny,
    /// The token proves nothing.
    Reject,
    /// The statement was true and has grown old.
    IdentityExpired,
    /// We could not tell.
    Undecided,
    /// The guard's own configuration is broken.
    Misconfigured,
}

/// One reason: a fixed code, and a message that names both sides of the comparison.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Reason {
    code: Cow<'static, str>,
    message: String,
}

impl Reason {
    /// A reason from a cause that has a code.
    pub fn new(code: &'static str, message: &impl fmt::Display) -> Self {
        Self { code: Cow::Borrowed(code), message: message.to_string() }
    }

    /// A reason that another function of the stack has told; none if it is not in the form of one.
    pub fn reported(code: &str, message: &str) -> Option<Self> {
        let is_code = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
        let formed = (1..=MAX_REPORTED_CODE_BYTES).contains(&code.len())
            && code.bytes().all(is_code)
            && (1..=MAX_REPORTED_MESSAGE_BYTES).contains(&message.len())
            && !message.chars().any(char::is_control);
        formed.then(|| Self { code: Cow::Owned(code.to_owned()), message: message.to_owned() })
    }

    /// Every fault of a policy, in its text's order, each with where it stands.
    pub fn of_policy(faults: &PolicyFaults) -> Vec<Self> {
        let reason = |fault: &PolicyFault| {
            Self::new("malformed_policy", &format_args!("{}:{}: {}", faults.file(), fault.line, fault.message))
        };
        faults.faults().iter().map(reason).collect()
    }
}

/// The tokens behind a decision, by their identifiers.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
struct Tokens {
    #[serde(skip_serializing_if = "Option::is_none")]
    jti: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sid: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    txn: Option<String>,
    /// What a rejected token called itself. Nobody vouches for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    untrusted_jti: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    untrusted_txn: Option<String>,
}

/// One of those who act in the subject's place, or did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct Acting {
    subject: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    issuer: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    client: Option<String>,
}

impl Acting {
    fn of(party: &Party) -> Self {
        Self {
            subject: party.subject().to_string(),
            issuer: party.issuer().map(ToString::to_string),
            client: party.client().map(ToString::to_string),
        }
    }
}

/// What is known before the decision: where, under which policy, when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditContext {
    /// Where the decision is made.
    pub point: AuditPoint,
    /// The digest of `access.toml`; absent only where that does not parse.
    pub policy: Option<Digest>,
    /// The clock; absent only where that cannot be read.
    pub now: Option<UnixTime>,
}

/// One decision, for the log.
///
/// It holds who (`iss`, `sub`, `azp`, and whoever acts in his place), which token (`jti`, `sid`, `txn`), what, the outcome, every reason, the digests of
/// policy and configuration, and the age of the statement in seconds. It never holds a token, a name, an e-mail address or an input.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AuditRecord {
    audit: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    at: Option<i64>,
    decision: AuditOutcome,
    point: AuditPoint,
    #[serde(skip_serializing_if = "Option::is_none")]
    issuer: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    subject: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    client: Option<String>,
    /// Who acts in the subject's place, now first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    actor: Vec<Acting>,
    token: Tokens,
    reasons: Vec<Reason>,
    #[serde(skip_serializing_if = "Option::is_none")]
    policy: Option<String>,
    /// The digest of the configuration that the deciding process was started with; absent until the line is written.
    #[serde(skip_serializing_if = "Option::is_none")]
    configuration: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    identity_age: Option<i64>,
    /// How often the execution's statement was renewed, where it has been just now.
    #[serde(skip_serializing_if = "Option::is_none")]
    epoch: Option<u32>,
    /// API Gateway's id of the request, where there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    request: Option<String>,
    /// The function's invocation; absent until it is written.
    #[serde(skip_serializing_if = "Option::is_none")]
    invocation: Option<Invocation>,
    /// Which line of the log it is; absent until it is written.
    #[serde(skip_serializing_if = "Option::is_none")]
    written: Option<Stamp>,
}

impl AuditRecord {
    /// The record of a decision, from the value that the answer is made of.
    pub fn decided(context: AuditContext, identity: &Identity, decision: &Decision) -> Self {
        match decision {
            Decision::Allow(_) => Self::of(context, AuditOutcome::Allow, Vec::new()).about(identity),
            Decision::Deny(denial) => Self::of(context, AuditOutcome::Deny, reasons(denial)).about(identity),
        }
    }

    /// The record of a new statement, with everything in which it differs from the old one.
    pub fn renewed(context: AuditContext, old: &Identity, statement: &RenewedStatement) -> Self {
        let changes = statement.changes().iter().map(|change| Reason::new(change.code(), change)).collect();
        let mut record = Self::of(context, AuditOutcome::Allow, changes).about(old);
        record.epoch = Some(statement.epoch());
        record
    }

    /// The record of a statement that is not renewed, with everything that stands against it.
    pub fn withdrawn(context: AuditContext, old: &Identity, withdrawals: &Withdrawals) -> Self {
        let reasons = withdrawals.all().iter().map(|withdrawal| Reason::new(withdrawal.code(), withdrawal)).collect();
        Self::without_standing(context, old, reasons)
    }

    /// The record of a caller whom the realm stands behind, asked before an execution starts.
    pub fn standing(context: AuditContext, caller: &Identity) -> Self {
        Self::of(context, AuditOutcome::Allow, Vec::new()).about(caller)
    }

    /// The record of a caller whom the realm does not stand behind any more, for these reasons.
    pub fn without_standing(context: AuditContext, caller: &Identity, reasons: Vec<Reason>) -> Self {
        Self::of(context, AuditOutcome::Deny, reasons).about(caller)
    }

    /// The record of an access token that proves nothing.
    pub fn rejected(context: AuditContext, token: Option<&AccessToken>, rejection: &Rejection) -> Self {
        let mut record = Self::of(context, AuditOutcome::Reject, vec![Reason::new(rejection.code(), rejection)]);
        record.token.untrusted_jti = token.and_then(AccessToken::untrusted_token_id).map(text);
        record
    }

    /// The record of a request that is rejected for something else than its token.
    pub fn refused(context: AuditContext, reason: Reason) -> Self {
        Self::of(context, AuditOutcome::Reject, vec![reason])
    }

    /// The record of a transaction token that proves nothing, or has grown old.
    pub fn failed(context: AuditContext, token: Option<&TransactionToken>, failure: &TransactionFailure) -> Self {
        let outcome = match failure {
            TransactionFailure::Rejected(_) => AuditOutcome::Reject,
            TransactionFailure::IssuedInFuture { .. }
            | TransactionFailure::Expired { .. }
            | TransactionFailure::Redriven { .. }
            | TransactionFailure::NotForThisAttempt { .. }
            | TransactionFailure::TooOld { .. } => AuditOutcome::IdentityExpired,
        };
        let mut record = Self::of(context, outcome, vec![Reason::new(failure.code(), failure)]);
        record.token.untrusted_txn = token.and_then(TransactionToken::untrusted_transaction).map(text);
        record
    }

    /// The record of a decision that could not be made.
    pub fn undecided(context: AuditContext, reason: Reason) -> Self {
        Self::of(context, AuditOutcome::Undecided, vec![reason])
    }

    /// The record of a guard that cannot decide because it is configured wrongly.
    pub fn misconfigured(context: AuditContext, reasons: Vec<Reason>) -> Self {
        Self::of(context, AuditOutcome::Misconfigured, reasons)
    }

    /// The same record, naming whom it is about.
    #[must_use]
    pub fn about(mut self, identity: &Identity) -> Self {
        self.issuer = Some(identity.issuer().to_string());
        self.subject = Some(identity.subject().to_string());
        self.client = Some(identity.client().to_string());
        self.actor = identity.actor().into_iter().flat_map(Actor::chain).map(Acting::of).collect();
        self.token.jti = Some(identity.token_id().to_string());
        self.token.sid = identity.session_id().map(ToString::to_string);
        self.token.txn = identity.transaction().map(ToString::to_string);
        self.identity_age = self.at.map(|at| at - identity.issued_at().seconds());
        self
    }

    /// The same record, naming the transaction that the decision begins.
    #[must_use]
    pub fn beginning(mut self, transaction: &crate::identifier::TransactionId) -> Self {
        self.token.txn = Some(transaction.to_string());
        self
    }

    /// The same record, with something that its reader has to know of it beside the decision's own reasons.
    #[must_use]
    pub fn noting(mut self, reason: Reason) -> Self {
        self.reasons.push(reason);
        self
    }

    /// The same record, of a decision on that request of API Gateway's.
    #[must_use]
    pub fn of_request(mut self, id: &str) -> Self {
        self.request = Some(text(Excerpt::of(id)));
        self
    }

    /// The same record, of a decision in that invocation.
    #[must_use]
    pub fn of_invocation(mut self, invocation: Invocation) -> Self {
        self.invocation = Some(invocation);
        self
    }

    /// The same record, naming what the deciding process was configured with beside the policy: whom it believes.
    #[must_use]
    pub fn configured(mut self, configuration: &Digest) -> Self {
        self.configuration = Some(configuration.to_string());
        self
    }

    /// The same record, as that line of a log.
    #[must_use]
    pub fn stamped(mut self, stamp: Stamp) -> Self {
        self.written = Some(stamp);
        self
    }

    /// What came of it.
    pub fn outcome(&self) -> AuditOutcome {
        self.decision
    }

    /// One line of JSON without its line feed. Whatever was presented, it is one line.
    pub fn to_line(&self) -> String {
        // Serializing plain data into a string cannot fail; a line that says so is still better than none.
        serde_json::to_string(self)
            .unwrap_or_else(|error| format!("{{\"audit\":\"{AUDIT_FORMAT}\",\"lost\":\"{error}\"}}"))
    }

    fn of(context: AuditContext, decision: AuditOutcome, reasons: Vec<Reason>) -> Self {
        Self {
            audit: AUDIT_FORMAT,
            at: context.now.map(UnixTime::seconds),
            decision,
            point: context.point,
            issuer: None,
            subject: None,
            client: None,
            actor: Vec::new(),
            token: Tokens::default(),
            reasons,
            policy: context.policy.map(|digest| digest.to_string()),
            identity_age: None,
            epoch: None,
            request: None,
            invocation: None,
            configuration: None,
            written: None,
        }
    }
}

fn reasons(denial: &Denial) -> Vec<Reason> {
    denial.unmet().iter().map(|unmet| Reason::new(unmet.code(), unmet)).collect()
}

fn text(excerpt: Excerpt) -> String {
    excerpt.as_str().to_owned()
}
