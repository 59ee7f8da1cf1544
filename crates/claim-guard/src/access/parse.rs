//! From the text of `access.toml` to the policy, or to all of its faults.
//!
//! Every reader adds what it finds to the findings and goes on; a part that could not be read is `None`. The policy is
//! made only where nothing was found.

use std::collections::{BTreeMap, BTreeSet};

use toml::de::DeTable;

use crate::access::actor_rule::ActorRule;
use crate::access::claim_source::{AuthenticationClaims, ClaimSource};
use crate::access::fault::{PolicyFaults, wrong};
use crate::access::known_claim::{Evidence, KnownClaim, Seen};
use crate::access::one_after_another::report_unreachable;
use crate::access::one_line::one_line;
use crate::access::parse_requirement::{Asked, Decider, Input};
use crate::access::parse_workflow::read_workflows;
use crate::access::policy::AccessPolicy;
use crate::access::route::{Method, PathTemplate, Route};
use crate::access::route_table::{Inexpressible, RouteTable};
use crate::access::toml_table::{Entry, Findings, Table};
use crate::claims::ClaimPath;
use crate::identifier::Digest;

/// The most bytes that a policy's text may have.
pub(super) const MAX_BYTES: usize = 128 * 1024;

/// The most routes that a policy may have.
pub(super) const MAX_ROUTES: usize = 512;

impl AccessPolicy {
    /// Parses the text of a policy; `file` is what faults call it.
    ///
    /// # Errors
    /// [`PolicyFaults`] names every fault with its line and key. A text that is no TOML has one fault.
    pub fn parse(file: &str, text: &str) -> Result<Self, PolicyFaults> {
        let mut findings = Findings::new(text);
        let policy = read(text, &mut findings);
        match PolicyFaults::of(file, findings.into_faults()) {
            Some(faults) => Err(faults),
            None => Ok(policy),
        }
    }
}

fn read(text: &str, findings: &mut Findings<'_>) -> AccessPolicy {
    let mut policy = AccessPolicy {
        digest: Digest::of(text.as_bytes()),
        routes: Box::new(RouteTable::new(Vec::new())),
        workflows: BTreeMap::new(),
        of_the_log_in: AuthenticationClaims::default(),
    };
    if text.len() > MAX_BYTES {
        findings.add(0, format!("the text has `{}` bytes, expected at most `{MAX_BYTES}`", text.len()));
        return policy;
    }
    let root = match DeTable::parse(text) {
        Ok(root) => root,
        Err(error) => {
            let offset = error.span().map_or(0, |span| span.start);
            findings.add(offset, format!("not TOML: {}", one_line(error.message())));
            return policy;
        }
    };
    let [of_the_log_in, routes, workflows] =
        Table::root(root.get_ref()).entries(&["authentication_claims", "routes", "workflows"], findings);
    if let Some(entry) = of_the_log_in {
        policy.of_the_log_in = read_authentication_claims(&entry, findings);
    }
    if let Some(entry) = routes {
        policy.routes = Box::new(read_routes(&entry, &policy.of_the_log_in, findings));
    }
    if let Some(entry) = workflows {
        let read = read_workflows(&entry, &policy.of_the_log_in, findings);
        let offsets = read.iter().map(|(name, (offset, _))| (name.clone(), *offset)).collect();
        policy.workflows = read.into_iter().map(|(name, (_, workflow))| (name, workflow)).collect();
        // What a faulty rule means is not known.
        if findings.is_empty() {
            report_unreachable(&policy, &offsets, findings);
        }
    }
    policy
}

/// The names of claims that the realm maps from session notes.
fn read_authentication_claims(entry: &Entry<'_>, findings: &mut Findings<'_>) -> AuthenticationClaims {
    let mut declared = BTreeSet::new();
    for entry in entry.array(findings).unwrap_or_default() {
        let Some(name) = entry.text(findings) else { continue };
        let usual = AuthenticationClaims::default();
        let seen = Seen { actor: ActorRule::Any, evidence: Evidence::AccessToken, of_the_log_in: &usual };
        let path = ClaimPath::parse(name).ok().filter(|path| path.segments().len() == 1);
        let reason = match (path, usual.source_of(name)) {
            (None, _) => "expected the name of one claim, not of something in it",
            (_, ClaimSource::Authentication | ClaimSource::Stated) => "it is carried anyway",
            (_, ClaimSource::AccessToken) => "it is of one access token, and a statement is renewed",
            (Some(path), ClaimSource::Realm) if KnownClaim::at(&path, &seen).is_some() => "it says nothing of a log-in",
            (Some(_), ClaimSource::Realm | ClaimSource::Unclassified) if !declared.insert(name.to_owned()) => {
                "the list has this claim already"
            }
            (Some(_), ClaimSource::Realm | ClaimSource::Unclassified) => continue,
        };
        findings.add(entry.offset, wrong(&entry.key, name, reason));
    }
    AuthenticationClaims(declared)
}

fn read_routes(entry: &Entry<'_>, of_the_log_in: &AuthenticationClaims, findings: &mut Findings<'_>) -> RouteTable {
    let mut entries = entry.array(findings).unwrap_or_default();
    if entries.len() > MAX_ROUTES {
        let presented = entries.len();
        findings.add(entry.offset, format!("`routes` has `{presented}` entries, expected at most `{MAX_ROUTES}`"));
        entries.clear();
    }
    let mut routes = Vec::new();
    let mut offsets = Vec::new();
    for entry in entries {
        if let Some(route) = read_route(&entry, of_the_log_in, findings) {
            routes.push(route);
            offsets.push(entry.offset);
        }
    }
    let table = RouteTable::new(routes);
    report_repeated_routes(&table, &offsets, findings);
    report_inexpressible_routes(&table, &offsets, findings);
    table
}

fn report_repeated_routes(table: &RouteTable, offsets: &[usize], findings: &mut Findings<'_>) {
    let at = |place: usize| table.routes().get(place).zip(offsets.get(place).copied());
    for (repeated, first) in table.repeated() {
        if let (Some((route, offset)), Some((first, first_offset))) = (at(repeated), at(first)) {
            let line = findings.line(first_offset);
            findings.add(offset, format!("route `{route}` matches the same requests as `{first}` at line `{line}`"));
        }
    }
}

fn report_inexpressible_routes(table: &RouteTable, offsets: &[usize], findings: &mut Findings<'_>) {
    for found in table.inexpressible() {
        let Inexpressible { place, denied, allowed, hit } = found;
        let message = format!(
            "route `{denied}` cannot be denied at the API: a caller of `{allowed}` needs an IAM Deny for it, \
             whose pattern would also deny `{hit}`; give it another path or the requirement of one of the two"
        );
        findings.add(offsets.get(place).copied().unwrap_or_default(), message);
    }
}

fn read_route(entry: &Entry<'_>, of_the_log_in: &AuthenticationClaims, findings: &mut Findings<'_>) -> Option<Route> {
    let table = entry.table(findings)?;
    let [method, path, roles, any_role, claims, any_caller, actor] =
        table.entries(&["method", "path", "roles", "any_role", "claims", "any_verified_caller", "actor"], findings);
    for (name, entry) in [("method", &method), ("path", &path)] {
        if entry.is_none() {
            table.missing(name, findings);
        }
    }
    let method = method.and_then(|entry| read_method(&entry, findings));
    let path = path.and_then(|entry| read_path(&entry, findings));
    let decider = Decider { input: Input::Unseen, evidence: Evidence::AccessToken, of_the_log_in };
    let asked = Asked { table: &table, roles, any_role, claims, any_caller, actor, decider };
    let requirement = asked.read(findings);
    Some(Route { method: method?, path: path?, requirement: requirement? })
}

fn read_method(entry: &Entry<'_>, findings: &mut Findings<'_>) -> Option<Method> {
    let text = entry.text(findings)?;
    let method = Method::parse(text);
    if method.is_none() {
        let expected = Method::ALL.map(Method::as_str).join("`, `");
        let presented = one_line(text);
        findings.add(entry.offset, format!("key `{}` is `{presented}`, expected one of `{expected}`", entry.key));
    }
    method
}

fn read_path(entry: &Entry<'_>, findings: &mut Findings<'_>) -> Option<PathTemplate> {
    let presented = entry.text(findings)?;
    PathTemplate::parse(presented).map_err(|error| findings.add(entry.offset, wrong(&entry.key, presented, error))).ok()
}
