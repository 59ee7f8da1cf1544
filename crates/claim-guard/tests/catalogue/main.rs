//! The attacks of docs/attacks.md on tokens, keys, decisions and audit lines; a test's name begins with the ids of its rows.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test may panic")]

#[path = "../support/mod.rs"]
mod support;

mod fixture;

mod a_algorithm;
mod b_encoding;

mod c_structure;

mod d_time;

mod e_identity;

mod f_roles;

mod g_keys;

mod h_budget;

mod j_transaction;

mod l_audit;

mod revalidation;
