//! Compiling the functions of a stack, and what `sam build` is told of it.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::Command;

use crate::cache;
use crate::cargo::cargo;
use crate::failure::Failure;
use crate::functions::Functions;
use crate::process;
use crate::progress::Progress;
use crate::tools::Tools;

impl Functions {
    /// Compiles all of them at once, so that `sam build`, which asks for one after the other, finds them compiled. Those of a
    /// deployment are left to cargo-lambda.
    ///
    /// # Errors
    /// They do not compile; the failure shows the end of Cargo's output.
    pub fn compile(self, progress: &Progress) -> Result<(), Failure> {
        match self {
            Functions::AsDeployed => Ok(()),
            Functions::Quick => {
                let step = progress.long_step("compile the functions", "a minute at first, then seconds");
                let directory = own_target();
                cache::make(&directory)?;
                let _held = cache::lock(&cache::labs(), ".functions")?;
                let mut cargo = cargo(&["build", "--locked", "--bins"]);
                cargo.current_dir(cache::repository());
                self.direct(&mut cargo);
                let log = directory.join("compile.log");
                let remedy = "read Cargo's output above; the functions must compile";
                process::run(&mut cargo, "cargo build", &log, &|note| step.note(note), remedy)?;
                step.done("");
                Ok(())
            }
        }
    }

    /// Has `cargo` or `sam build` compile them so.
    pub(crate) fn direct(self, command: &mut Command) {
        match self {
            Functions::AsDeployed => {}
            Functions::Quick => {
                // Programs of their own place: neither a deployment's build nor a test's, which are made with features that only
                // tests ask for, can get between Cargo and SAM. What they are linked of is shared.
                command
                    .env("CARGO_BUILD_BUILD_DIR", shared_build())
                    .env("CARGO_TARGET_DIR", own_target())
                    // Leaves `--release` out.
                    .env("SAM_BUILD_MODE", "debug");
            }
        }
    }

    /// The search path on which `sam build` finds what it calls cargo-lambda.
    pub(crate) fn path(self, tools: &Tools) -> OsString {
        let first = match self {
            Functions::Quick => cache::repository().join("dev/xtask/stand-in"),
            Functions::AsDeployed => tools.cargo_lambda(),
        };
        let mut path = first.into_os_string();
        path.push(":");
        path.push(std::env::var_os("PATH").unwrap_or_default());
        path
    }
}

/// Where the programs of labs are put. Its name is that of no lab.
fn own_target() -> PathBuf {
    cache::labs().join(".functions")
}

/// Where Cargo keeps what this program was compiled of.
fn shared_build() -> PathBuf {
    let chosen = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let chosen = chosen("CARGO_BUILD_BUILD_DIR").or_else(|| chosen("CARGO_TARGET_DIR"));
    cache::repository().join(chosen.unwrap_or_else(|| "target".into()))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::ffi::OsStr;

    use super::*;

    fn told(functions: Functions) -> BTreeMap<String, Option<PathBuf>> {
        let mut command = Command::new("sam");
        functions.direct(&mut command);
        let told = command.get_envs();
        told.map(|(name, value)| (name.to_string_lossy().into_owned(), value.map(OsStr::to_owned).map(PathBuf::from)))
            .collect()
    }

    #[test]
    fn a_deployment_is_built_as_cargo_and_sam_build_it_by_themselves() {
        assert_eq!(told(Functions::AsDeployed), BTreeMap::new());
    }

    #[test]
    fn the_programs_of_a_lab_are_put_where_no_deployment_s_are() {
        let told = told(Functions::Quick);
        let programs = told.get("CARGO_TARGET_DIR").cloned().flatten();
        assert_eq!(programs, Some(cache::repository().join("target/lab/.functions")));
        assert_ne!(programs, told.get("CARGO_BUILD_BUILD_DIR").cloned().flatten());
    }
}
