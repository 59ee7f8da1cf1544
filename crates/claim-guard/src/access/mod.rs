//! `access.toml`: what a route, a start and a state ask of an identity.
//!
//! The file is the only place where routes, workflows, states and roles meet. It is parsed strictly and whole: a text
//! with any fault is no policy, and all its faults are named at once.

// What a policy is made of, smallest first.
mod actor_rule;
mod claim_source;
mod condition;
mod duration;
mod freshness;
mod idempotency;
mod one_line;
mod requirement;
mod route;
mod test;
mod workflow;

// What no token can meet, whatever the realm.
mod kinds;
mod known_claim;
mod range;
mod together;
mod unmeetable;

// The whole, and what API Gateway can be told of its routes.
mod policy;
mod route_patterns;
mod route_table;
mod route_tree;

// From text to policy, or to everything that is wrong with the text.
mod fault;
mod one_after_another;
mod parse;
mod parse_requirement;
mod parse_workflow;
mod toml_table;

pub use actor_rule::ActorRule;
pub(crate) use claim_source::ClaimSource;
pub use condition::{Condition, ConditionError};
pub use fault::{PolicyFault, PolicyFaults};
pub use freshness::{Freshness, MaxIdentityAge, RenewalRule, SessionRule};
pub use idempotency::IdempotencyRule;
pub use policy::AccessPolicy;
pub use requirement::Requirement;
pub use route::{Method, PathSegment, PathTemplate, PathTemplateError, Route};
pub use route_patterns::{Effect, RoutePattern, RoutePatterns};
pub use test::{Bound, Operand, Plain, Test};
pub use workflow::{GuardedState, Workflow};

#[cfg(test)]
mod tests;
