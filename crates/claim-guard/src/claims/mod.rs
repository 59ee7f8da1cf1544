//! What a verified statement says.

mod actor;
mod claim_path;
mod claim_tree;
mod identity;
mod role;
mod roles;

pub(crate) use actor::{ACT, MAX_PARTIES};
pub use actor::{Actor, ActorError, Party};
pub use claim_path::ClaimPath;
pub use claim_tree::ClaimTree;
pub(crate) use claim_tree::at;
pub use identity::Identity;
pub(crate) use identity::{SCOPE, SESSION};
pub use role::Role;
pub(crate) use roles::Roles;
