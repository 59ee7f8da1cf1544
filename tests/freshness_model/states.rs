//! The guarded states, and what the policy and the realm call what they ask.

/// A guarded state, by its place in [`STATES`].
pub type State = usize;

/// The guarded states. Each asks for the role and the flag of its own name.
pub const STATES: [&str; 3] = ["Screen", "Approve", "Execute"];

/// What `acr` says of a strong log-in, and of every other one: Keycloak's example says the second of everybody.
pub const STRONG: &str = "2";
pub const PLAIN: &str = "1";
