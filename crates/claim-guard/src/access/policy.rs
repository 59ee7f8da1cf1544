//! The whole of `access.toml`.

use std::collections::{BTreeMap, BTreeSet};

use crate::access::claim_source::{AuthenticationClaims, ClaimSource};
use crate::access::requirement::Requirement;
use crate::access::route::{Method, Route};
use crate::access::route_patterns::{Effect, RoutePatterns};
use crate::access::route_table::RouteTable;
use crate::access::workflow::Workflow;
use crate::claims::ClaimPath;
use crate::identifier::{Digest, WorkflowName};

/// A policy without faults. What it does not name is denied.
#[derive(Debug, PartialEq, Eq)]
pub struct AccessPolicy {
    pub(super) digest: Digest,
    pub(super) routes: Box<RouteTable>,
    pub(super) workflows: BTreeMap<WorkflowName, Workflow>,
    pub(super) of_the_log_in: AuthenticationClaims,
}

impl AccessPolicy {
    /// The SHA-256 of the policy's text.
    pub fn digest(&self) -> &Digest {
        &self.digest
    }

    /// The routes, in the policy's order; no two of them match the same requests.
    pub fn routes(&self) -> &[Route] {
        self.routes.routes()
    }

    /// The route that API Gateway takes for a request, the path without its stage.
    ///
    /// The most specific one: from the left, a literal segment goes before a parameter. A path with an empty segment,
    /// and so one with a trailing slash, has no route.
    pub fn route_for(&self, method: &str, path: &str) -> Option<&Route> {
        self.routes.route_for(Method::parse(method)?, path)
    }

    /// What one IAM policy says of every route, to a caller on whom `effect` says what each requirement comes to.
    pub(crate) fn patterns(&self, effect: impl Fn(&Requirement) -> Effect) -> RoutePatterns<'_> {
        self.routes.patterns(effect)
    }

    /// The workflow of that name.
    pub fn workflow(&self, name: &WorkflowName) -> Option<&Workflow> {
        self.workflows.get(name)
    }

    /// Where the claim of that name comes from once an execution runs.
    pub(crate) fn source_of(&self, name: &str) -> ClaimSource {
        self.of_the_log_in.source_of(name)
    }

    /// The claims that a statement of the workflow has from the realm, renewed with it.
    pub(crate) fn live_claims<'a>(&self, workflow: &'a Workflow) -> BTreeSet<&'a ClaimPath> {
        let is_live = |path: &&ClaimPath| self.of_the_log_in.source(path) == ClaimSource::Realm;
        workflow.named_claims().into_iter().filter(is_live).collect()
    }

    /// What every statement carries of the log-in: what any workflow names, since a run may start another workflow.
    pub(crate) fn authentication_claims(&self) -> BTreeSet<&ClaimPath> {
        let is_carried = |path: &&ClaimPath| self.of_the_log_in.source(path) == ClaimSource::Authentication;
        self.workflows().flat_map(Workflow::named_claims).filter(is_carried).collect()
    }

    /// The workflows, sorted by name.
    pub fn workflows(&self) -> impl Iterator<Item = &Workflow> {
        self.workflows.values()
    }
}
