//! The contributor's command as a library: the lab, and what demo and tests do with it.

/// What an administrator of its realm does.
pub mod admin;
/// The rows of docs/attacks.md, and the tests that hold them.
#[cfg(test)]
mod attacks;
/// Signed calls to it.
pub mod aws;
/// What the guard costs.
pub mod bench;
/// A browser, as far as logging in takes one.
pub mod browser;
/// The directory that keeps tools between runs.
pub mod cache;
/// What can be asked of a lab that is up.
pub mod calls;
mod cargo;
/// The lab's own certificate authority.
pub mod certificates;
mod compile;
/// What a revalidation costs.
pub mod cost;
/// The main job told as a story.
pub mod demo;
/// The lab's AWS.
pub mod emulator;
/// What went wrong and what to do about it.
pub mod failure;
/// How a stack's functions are compiled.
pub mod functions;
/// Where the stack tells its public keys.
pub mod key_route;
/// The lab's Keycloak.
pub mod keycloak;
/// A lab: up, down, its parts.
pub mod lab;
/// State machines of third parties, woven and run.
pub mod machines;
/// The paths in `.cargo/mutants.toml`.
#[cfg(test)]
mod mutants;
/// What this machine must have already.
mod prerequisites;
/// Child processes in groups of their own.
pub mod process;
/// Spinners on a terminal, plain lines elsewhere.
pub mod progress;
/// A Keycloak without a lab.
pub mod realm_server;
/// What `lab up` and `lab status` tell a person.
pub mod report;
/// The names that SECURITY.md cites.
#[cfg(test)]
mod security_policy;
/// The deployed stack.
pub mod stack;
/// What is remembered of a lab between commands.
pub mod state;
/// Everything that has to hold.
pub mod suite;
/// The names of tests, which documents cite.
#[cfg(test)]
mod test_names;
/// The pinned tools.
pub mod tools;
/// Which tokens went in and which answers came out.
pub mod traffic;
/// The lab's users.
pub mod users;
/// Vector files of third parties.
pub mod vectors;
/// What runs of a function.
pub mod versions;
