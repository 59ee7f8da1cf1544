//! The one place where IAM policies are written.
//!
//! Every statement names its effect, one action, and resources that begin with the ARN of one stage of one API.

use std::fmt;

use claim_guard::VerifiedClaims;
use claim_guard::access::{AccessPolicy, Effect, RoutePattern};
use claim_guard::decision::RouteDecisions;
use serde::{Serialize, Serializer};

use crate::method_arn::MethodArn;
use crate::response::AuthorizerResponse;

/// The most bytes of an answer. A longer one is refused, never shortened.
pub const MAX_ANSWER_BYTES: usize = 8 * 1024;

const VERSION: &str = "2012-10-17";
const ACTION: &str = "execute-api:Invoke";

/// An IAM policy on calls of an API.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct PolicyDocument<'a> {
    version: &'static str,
    statement: Vec<Statement<'a>>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Statement<'a> {
    effect: Effect,
    action: &'static str,
    resource: Vec<Resource<'a>>,
}

/// An ARN of calls on the stage.
#[derive(Debug, Clone, Copy)]
struct Resource<'a> {
    stage: &'a str,
    calls: Calls<'a>,
}

#[derive(Debug, Clone, Copy)]
enum Calls<'a> {
    /// Those that a pattern of the route table covers.
    Covered(&'a RoutePattern),
    /// Those of the very method and path that were called.
    Called(&'a MethodArn),
}

impl fmt::Display for Resource<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.calls {
            Calls::Covered(pattern) => write!(f, "{}/{pattern}", self.stage),
            Calls::Called(called) => write!(f, "{}/{}{}", self.stage, called.method(), called.path()),
        }
    }
}

impl Serialize for Resource<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
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

/// The answer for a caller who called that method: what was decided on its API and stage.
///
/// # Errors
/// [`Inexpressible`] if no policy would say the same as the decisions on his claims.
pub(crate) fn answer(
    access: &AccessPolicy,
    claims: &VerifiedClaims,
    called: &MethodArn,
    decided: &RouteDecisions<'_>,
) -> Result<AuthorizerResponse, Inexpressible> {
    let patterns = decided.patterns();
    let unrouted = unrouted(decided, called)?;
    let answer = |allow: &[&RoutePattern], deny: &[&RoutePattern]| {
        let allow = statement(Effect::Allow, called, allow, None);
        let deny = statement(Effect::Deny, called, deny, unrouted);
        let statement = [allow, deny].into_iter().flatten().collect();
        let document = PolicyDocument { version: VERSION, statement };
        let answer = AuthorizerResponse::of(claims.identity(), access.digest(), &document);
        let presented = answer.as_ref().map_or(usize::MAX, AuthorizerResponse::bytes);
        answer.filter(|_| presented <= MAX_ANSWER_BYTES).ok_or(Inexpressible::TooLarge { presented })
    };
    if !patterns.allow.is_empty() {
        return answer(&patterns.allow, &patterns.deny);
    }
    // A caller who may call nothing is told so by name: an explicit Deny is a whole answer, no Allow is a missing one.
    let every = access.patterns_of_all().allow;
    // Where there is no room for all of them one does: the others are denied because nothing allows them.
    answer(&[], &every).or_else(|_| answer(&[], every.get(..1).unwrap_or_default()))
}

/// The called method and path, if no route matches them: an allowed pattern might reach them all the same.
fn unrouted<'a>(decided: &RouteDecisions<'_>, called: &'a MethodArn) -> Result<Option<Calls<'a>>, Inexpressible> {
    if decided.route().is_some() {
        return Ok(None);
    }
    let stands_for_itself = |c: char| c.is_ascii_graphic() && !matches!(c, '*' | '?' | '$' | '{' | '}' | '"' | '\\');
    if called.path().chars().all(stands_for_itself) {
        Ok(Some(Calls::Called(called)))
    } else {
        Err(Inexpressible::AmbiguousPath)
    }
}

/// A statement on the patterns and further calls; none on nothing.
fn statement<'a>(
    effect: Effect,
    called: &'a MethodArn,
    patterns: &[&'a RoutePattern],
    further: Option<Calls<'a>>,
) -> Option<Statement<'a>> {
    let calls = patterns.iter().map(|pattern| Calls::Covered(pattern)).chain(further);
    let resource: Vec<Resource<'_>> = calls.map(|calls| Resource { stage: called.stage(), calls }).collect();
    (!resource.is_empty()).then_some(Statement { effect, action: ACTION, resource })
}
