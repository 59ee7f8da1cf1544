//! The whole of `access.toml`.

use std::collections::BTreeMap;

use crate::access::fault::PolicyFaults;
use crate::access::parse;
use crate::access::requirement::Requirement;
use crate::access::route::{Method, Route};
use crate::access::route_patterns::RoutePatterns;
use crate::access::route_table::RouteTable;
use crate::access::workflow::Workflow;
use crate::identifier::{Digest, WorkflowName};

/// A policy without faults. What it does not name is denied.
#[derive(Debug, PartialEq, Eq)]
pub struct AccessPolicy {
    pub(super) digest: Digest,
    pub(super) routes: Box<RouteTable>,
    pub(super) workflows: BTreeMap<WorkflowName, Workflow>,
}

impl AccessPolicy {
    /// Parses the text of a policy; `file` is what faults call it.
    ///
    /// # Errors
    /// [`PolicyFaults`] names every fault with its line and key. A text that is no TOML has one fault.
    pub fn parse(file: &str, text: &str) -> Result<Self, PolicyFaults> {
        parse::policy(file, text)
    }

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

    /// What one IAM policy says of every route, to a caller who meets the requirements that `is_met` says.
    pub(crate) fn patterns(&self, is_met: impl Fn(&Requirement) -> bool) -> RoutePatterns<'_> {
        self.routes.patterns(is_met)
    }

    /// The workflow of that name.
    pub fn workflow(&self, name: &WorkflowName) -> Option<&Workflow> {
        self.workflows.get(name)
    }

    /// The workflows, sorted by name.
    pub fn workflows(&self) -> impl Iterator<Item = &Workflow> {
        self.workflows.values()
    }
}
