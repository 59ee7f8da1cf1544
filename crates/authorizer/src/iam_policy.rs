//! The one place where IAM policies are written.
//!
//! Every statement names its effect, one action, and resources that begin with the ARN of one stage of one API.

use claim_guard::VerifiedClaims;
use claim_guard::access::{AccessPolicy, Route, RoutePattern, iam_patterns};
use claim_guard::decision::Decision;
use serde::Serialize;

use crate::answer::Answer;
use crate::method_arn::MethodArn;

/// The most bytes of an answer. A longer one is refused, never shortened.
pub const MAX_ANSWER_BYTES: usize = 8 * 1024;

const VERSION: &str = "2012-10-17";
const ACTION: &str = "execute-api:Invoke";

/// An IAM policy on calls of an API.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct PolicyDocument {
    version: &'static str,
    statement: Vec<Statement>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Statement {
    effect: Effect,
    action: &'static str,
    resource: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
enum Effect {
    Allow,
    Deny,
}

/// Why no policy says what was decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Inexpressible {
    /// No route matches the called path, and the path holds characters that mean something else in an IAM pattern.
    AmbiguousPath,
    /// The answer would be longer than it may be.
    TooLarge {
        /// Its bytes.
        presented: usize,
    },
}

/// The answer for a caller who called that method: what he may call on its API and stage.
///
/// # Errors
/// [`Inexpressible`] if no policy would say the same as the decisions on his claims.
pub(crate) fn answer(
    access: &AccessPolicy,
    claims: &VerifiedClaims,
    called: &MethodArn,
) -> Result<Answer, Inexpressible> {
    let allowed = |route: &Route| match access.decide_route(claims, route) {
        Decision::Allow(_) => true,
        Decision::Deny(_) => false,
    };
    let patterns = iam_patterns(access.routes(), &allowed);
    // A caller who may call nothing is told so by name: an explicit Deny is a whole answer, no Allow is a missing one.
    let denied = if patterns.allow.is_empty() { every_route(access) } else { patterns.deny };
    let allow = statement(Effect::Allow, called, &patterns.allow, None);
    let deny = statement(Effect::Deny, called, &denied, unrouted(access, called)?);
    let statement = [allow, deny].into_iter().flatten().collect();
    let document = PolicyDocument { version: VERSION, statement };
    let answer = Answer::of(claims.identity(), access.digest(), document);
    let presented = serde_json::to_vec(&answer).map_or(usize::MAX, |bytes| bytes.len());
    if presented <= MAX_ANSWER_BYTES { Ok(answer) } else { Err(Inexpressible::TooLarge { presented }) }
}

fn every_route(access: &AccessPolicy) -> Vec<RoutePattern> {
    iam_patterns(access.routes(), &|_| true).allow
}

/// The called path, if no route matches it: an allowed pattern might reach it all the same.
fn unrouted(access: &AccessPolicy, called: &MethodArn) -> Result<Option<String>, Inexpressible> {
    if access.route_for(called.method(), called.path()).is_some() {
        return Ok(None);
    }
    let stands_for_itself = |c: char| c.is_ascii_graphic() && !matches!(c, '*' | '?' | '$' | '{' | '}' | '"' | '\\');
    if called.path().chars().all(stands_for_itself) {
        Ok(Some(format!("{}/{}{}", called.stage(), called.method(), called.path())))
    } else {
        Err(Inexpressible::AmbiguousPath)
    }
}

/// A statement on the patterns and a further resource; none on nothing.
fn statement(
    effect: Effect,
    called: &MethodArn,
    patterns: &[RoutePattern],
    further: Option<String>,
) -> Option<Statement> {
    let resource = |pattern: &RoutePattern| format!("{}/{}{}", called.stage(), pattern.method, pattern.path);
    let resource: Vec<String> = patterns.iter().map(resource).chain(further).collect();
    (!resource.is_empty()).then_some(Statement { effect, action: ACTION, resource })
}
