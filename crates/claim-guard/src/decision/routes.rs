//! The decisions on every route of a policy, as one IAM policy says them.

use serde_json::Map;

use crate::access::{AccessPolicy, Effect, Route, RoutePatterns};
use crate::claims::Identity;
use crate::decision::Decision;
use crate::decision::decide::effect;
use crate::decision::policy::on_route;
use crate::token::VerifiedClaims;

/// What was decided on one request and, by the same rules and at the same time, on every other route.
///
/// The patterns say of the request what its decision says: they are made of it.
#[derive(Debug)]
pub struct RouteDecisions<'a> {
    route: Option<&'a Route>,
    decision: Decision,
    patterns: RoutePatterns<'a>,
}

impl RouteDecisions<'_> {
    /// The route that API Gateway takes for the request; none if no route matches it.
    pub fn route(&self) -> Option<&Route> {
        self.route
    }

    /// The decision on the request.
    pub fn decision(&self) -> &Decision {
        &self.decision
    }

    /// What one IAM policy says to the caller of every route.
    pub fn patterns(&self) -> &RoutePatterns<'_> {
        &self.patterns
    }
}

impl AccessPolicy {
    /// Decides on a request and on every route at once.
    pub fn decide_routes(&self, claims: &VerifiedClaims, method: &str, path: &str) -> RouteDecisions<'_> {
        on_routes(self, claims.identity(), method, path)
    }

    /// The patterns of a policy that allows every route.
    pub fn patterns_of_all(&self) -> RoutePatterns<'_> {
        self.patterns(|_| Effect::Allow)
    }
}

pub(super) fn on_routes<'a>(
    policy: &'a AccessPolicy,
    identity: &Identity,
    method: &str,
    path: &str,
) -> RouteDecisions<'a> {
    let route = policy.route_for(method, path);
    let decision = on_route(route, identity, method, path);
    let called = route.map(Route::requirement);
    let patterns = policy.patterns(|requirement| {
        if called == Some(requirement) { decision.effect() } else { effect(identity, requirement, &Map::new()) }
    });
    RouteDecisions { route, decision, patterns }
}
