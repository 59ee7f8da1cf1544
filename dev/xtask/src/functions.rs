//! How the functions of a stack are compiled: quickly for somebody who waits, or as deployments are.
//!
//! `sam build` makes what `sam deploy` deploys either way. What differs is the `cargo lambda build` that it calls.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::failure::Failure;

/// Which programs a lab runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Functions {
    /// Unoptimized, by Cargo's profile `dev`, with the dependencies that tests and this program are compiled with anyway.
    Quick,
    /// By cargo-lambda and Cargo's profile `release`: what is measured, and what goes to AWS.
    AsDeployed,
}

impl Functions {
    /// Whether times of the lab of this name, which runs them, say anything.
    ///
    /// # Errors
    /// They do not.
    pub(crate) fn can_be_measured(self, lab: &str) -> Result<(), Failure> {
        match self {
            Functions::AsDeployed => Ok(()),
            Functions::Quick => Err(Failure::new(
                format!("the functions of the lab `{lab}` are {self}: their times say nothing"),
                format!("bring it up with `cargo xtask lab up --name {lab} --as-deployed`"),
            )),
        }
    }

    /// How long `sam build` takes then, for a person.
    pub(crate) fn sam_build_takes(self) -> &'static str {
        match self {
            Functions::Quick => "10 s",
            Functions::AsDeployed => "4 min at first, then seconds",
        }
    }
}

impl fmt::Display for Functions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Functions::Quick => "compiled quickly",
            Functions::AsDeployed => "compiled as deployed",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_of_functions_that_are_compiled_quickly_are_refused() {
        let refused = Failure::new(
            "the functions of the lab `bench` are compiled quickly: their times say nothing",
            "bring it up with `cargo xtask lab up --name bench --as-deployed`",
        );
        assert_eq!(Functions::Quick.can_be_measured("bench"), Err(refused));
        assert_eq!(Functions::AsDeployed.can_be_measured("bench"), Ok(()));
    }
}
