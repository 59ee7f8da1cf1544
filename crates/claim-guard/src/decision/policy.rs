//! The decisions that a policy makes: on a request, a start, a look at an execution, its stop, and a state.

use serde_json::{Map, Value};

use crate::access::{AccessPolicy, Requirement, Route, Workflow};
use crate::claims::{Identity, Role};
use crate::decision::decide::{forbidden, none_of, unmet};
use crate::decision::{ClaimedStarter, Decision, Grant, Starter, Unmet};
use crate::identifier::{StateName, WorkflowName};
use crate::token::VerifiedClaims;
use crate::transaction::VerifiedTransaction;

impl AccessPolicy {
    /// Decides whether the caller may call the route that API Gateway takes for a request; without a route, he may not.
    pub fn decide_request(&self, claims: &VerifiedClaims, method: &str, path: &str) -> Decision {
        on_request(self, claims.identity(), method, path)
    }

    /// Decides whether the caller may call a route. The route's condition on claims cannot look at an input.
    pub fn decide_route(&self, claims: &VerifiedClaims, route: &Route) -> Decision {
        on_requirement(claims.identity(), route.requirement(), &Map::new())
    }

    /// Decides whether the caller may start the workflow on that input.
    ///
    /// The grant names the roles and claims that any requirement of the workflow names.
    pub fn decide_start(
        &self,
        claims: &VerifiedClaims,
        workflow: &WorkflowName,
        input: &Map<String, Value>,
    ) -> Decision {
        on_start(self, claims.identity(), workflow, input)
    }

    /// Decides whether the caller may describe an execution: he started it, or has one of the workflow's `describe` roles.
    /// Whoever acts in the starter's place has not started it, unless it was he who did so in that place.
    pub fn decide_describe(&self, claims: &VerifiedClaims, workflow: &WorkflowName, starter: &Starter) -> Decision {
        on_execution(self, claims.identity(), workflow, starter, Workflow::describe)
    }

    /// Decides whether the caller may stop an execution: he started it, or has one of the workflow's `stop` roles. Actors
    /// are told apart as by [`Self::decide_describe`].
    pub fn decide_stop(&self, claims: &VerifiedClaims, workflow: &WorkflowName, starter: &Starter) -> Decision {
        on_execution(self, claims.identity(), workflow, starter, Workflow::stop)
    }

    /// Decides whether the caller may describe an execution that he has not started, whoever has: he has one of the workflow's
    /// `describe` roles.
    pub fn decide_describe_of_another(&self, claims: &VerifiedClaims, workflow: &WorkflowName) -> Decision {
        on_execution_of_another(self, claims.identity(), workflow, Workflow::describe)
    }

    /// Decides whether the caller may stop an execution that he has not started, whoever has: he has one of the workflow's
    /// `stop` roles.
    pub fn decide_stop_of_another(&self, claims: &VerifiedClaims, workflow: &WorkflowName) -> Decision {
        on_execution_of_another(self, claims.identity(), workflow, Workflow::stop)
    }

    /// Decides whether the caller may stop an execution under a name that was given to his own subject, which is for who calls this to
    /// have found out: whoever acts himself may. Whoever acts in the subject's place may not, because only the execution's own
    /// statement tells which of them has started it.
    pub fn decide_stop_of_own_name(&self, claims: &VerifiedClaims, workflow: &WorkflowName) -> Decision {
        on_execution_of_own_name(self, claims.identity(), workflow, Workflow::stop)
    }

    /// Decides whether the caller may see where an execution stands whose starter nothing proves any more: it claims that he
    /// started it, or he has one of the workflow's `describe` roles. The grant is not for what the execution has put out.
    pub fn decide_describe_on_claim(
        &self,
        claims: &VerifiedClaims,
        workflow: &WorkflowName,
        starter: &ClaimedStarter,
    ) -> Decision {
        on_execution(self, claims.identity(), workflow, starter.claimed(), Workflow::describe)
    }

    /// Decides whether the caller may stop an execution whose starter nothing proves any more: it claims that he started it,
    /// or he has one of the workflow's `stop` roles.
    pub fn decide_stop_on_claim(
        &self,
        claims: &VerifiedClaims,
        workflow: &WorkflowName,
        starter: &ClaimedStarter,
    ) -> Decision {
        on_execution(self, claims.identity(), workflow, starter.claimed(), Workflow::stop)
    }

    /// Decides whether a state of the workflow may do its work on that input, on behalf of the transaction's subject.
    pub fn decide_state(
        &self,
        transaction: &VerifiedTransaction,
        workflow: &WorkflowName,
        state: &StateName,
        input: &Map<String, Value>,
    ) -> Decision {
        match on_state(self, transaction.identity(), transaction.workflow(), workflow, state, input) {
            Decision::Allow(grant) => Decision::Allow(grant.at(transaction.acting())),
            Decision::Deny(denial) => Decision::Deny(denial),
        }
    }
}

pub(super) fn on_request(policy: &AccessPolicy, identity: &Identity, method: &str, path: &str) -> Decision {
    on_route(policy.route_for(method, path), identity, method, path)
}

/// The decision on a request for which API Gateway takes that route.
pub(super) fn on_route(route: Option<&Route>, identity: &Identity, method: &str, path: &str) -> Decision {
    match route {
        Some(route) => on_requirement(identity, route.requirement(), &Map::new()),
        None => Decision::deny(Unmet::NoRoute { method: method.to_owned(), path: path.to_owned() }),
    }
}

fn on_requirement(identity: &Identity, requirement: &Requirement, input: &Map<String, Value>) -> Decision {
    Decision::of(unmet(identity, requirement, input), || {
        let named = requirement.named_claims();
        let of_the_log_in = identity.authentication().map(|claims| claims.pruned(named.iter().copied()));
        Grant::assertion(identity, requirement.named_roles(), named, of_the_log_in)
    })
}

pub(super) fn on_start(
    policy: &AccessPolicy,
    identity: &Identity,
    workflow: &WorkflowName,
    input: &Map<String, Value>,
) -> Decision {
    let Some(workflow) = policy.workflow(workflow) else { return no_workflow(workflow) };
    Decision::of(unmet(identity, workflow.start(), input), || {
        let of_the_log_in = identity.authentication_at(policy.authentication_claims());
        Grant::assertion(identity, workflow.named_roles(), policy.live_claims(workflow), Some(of_the_log_in))
    })
}

pub(super) fn on_execution(
    policy: &AccessPolicy,
    identity: &Identity,
    workflow: &WorkflowName,
    starter: &Starter,
    roles: fn(&Workflow) -> &[Role],
) -> Decision {
    let Some(workflow) = policy.workflow(workflow) else { return no_workflow(workflow) };
    let caller = Starter::of(identity);
    if caller.may_answer_for(starter) {
        Decision::of(Vec::new(), || Grant::assertion(identity, roles(workflow), [], None))
    } else {
        let stranger = Unmet::NotTheStarter { expected: starter.clone(), presented: caller };
        of_a_stranger(identity, stranger, roles(workflow))
    }
}

pub(super) fn on_execution_of_another(
    policy: &AccessPolicy,
    identity: &Identity,
    workflow: &WorkflowName,
    roles: fn(&Workflow) -> &[Role],
) -> Decision {
    let Some(workflow) = policy.workflow(workflow) else { return no_workflow(workflow) };
    of_a_stranger(identity, Unmet::StartedByAnother { presented: Starter::of(identity) }, roles(workflow))
}

pub(super) fn on_execution_of_own_name(
    policy: &AccessPolicy,
    identity: &Identity,
    workflow: &WorkflowName,
    roles: fn(&Workflow) -> &[Role],
) -> Decision {
    let Some(workflow) = policy.workflow(workflow) else { return no_workflow(workflow) };
    let actor = identity.actor().map(forbidden);
    Decision::of(actor.into_iter().collect(), || Grant::assertion(identity, roles(workflow), [], None))
}

/// What is decided of whoever has not started the execution.
fn of_a_stranger(identity: &Identity, stranger: Unmet, roles: &[Role]) -> Decision {
    let lacking = none_of(identity, roles);
    let unmet = if lacking.is_none() && identity.actor().is_none() {
        Vec::new()
    } else {
        // Roles are for whoever holds them, and not for whoever acts in his place.
        let actor = identity.actor().map(forbidden);
        let lacking = lacking.filter(|_| !roles.is_empty());
        std::iter::once(stranger).chain(actor).chain(lacking).collect()
    };
    Decision::of(unmet, || Grant::assertion(identity, roles, [], None))
}

pub(super) fn on_state(
    policy: &AccessPolicy,
    identity: &Identity,
    transaction_of: &WorkflowName,
    workflow: &WorkflowName,
    state: &StateName,
    input: &Map<String, Value>,
) -> Decision {
    if transaction_of != workflow {
        let (expected, presented) = (workflow.clone(), transaction_of.clone());
        return Decision::deny(Unmet::WrongWorkflow { expected, presented });
    }
    let Some(found) = policy.workflow(workflow) else { return no_workflow(workflow) };
    match found.guarded(state) {
        Some(guarded) => on_requirement(identity, guarded.requirement(), input),
        None => Decision::deny(Unmet::NoState { workflow: workflow.clone(), presented: state.clone() }),
    }
}

fn no_workflow(presented: &WorkflowName) -> Decision {
    Decision::deny(Unmet::NoWorkflow { presented: presented.clone() })
}
