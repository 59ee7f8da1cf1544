//! The tools that the lab and the tests use: pinned, installed once into the cache, never into the system.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;

use crate::cache::{self, Installed};
use crate::failure::{Failure, OrFailure};
use crate::functions::Functions;
use crate::prerequisites;
use crate::process;
use crate::progress::Progress;

const EMULATOR: &[&str] =
    &["ministack==1.5.33", "aws-sam-translator==1.115.0", "cryptography==50.0.2", "boto3==1.43.106"];
const SAM: &[&str] = &["aws-sam-cli==1.170.0"];
const CARGO_LAMBDA: &[&str] = &["cargo-lambda==1.9.2", "ziglang==0.17.1"];
const CFN_LINT: &[&str] = &["cfn-lint==1.58.0"];

/// Independent verifiers of tokens, which the differential test compares ours with.
const VERIFIERS_PYTHON: &[&str] = &["PyJWT==2.15.1", "joserfc==1.8.0", "cryptography==50.0.2"];
const VERIFIERS_NODE: &[&str] = &["jose@6.2.18", "aws-jwt-verify@5.2.1"];

const KEYCLOAK: &str = "26.7.3";
/// The least version that is supported; docs/keycloak.md names it.
const LEAST_KEYCLOAK: &str = "26.0.8";
/// The least version that takes `realm/workflows-realm.json`; realm/README.md names it.
const LEAST_NARROWING_KEYCLOAK: &str = "26.2.0";
const KEYCLOAK_BUILD: &[&str] = &["build", "--db", "dev-file"];
const CARGO_DENY: &str = "0.20.2";

const NETWORK: &str = "see that the network and its package indexes are in reach, then run the command again";

/// Where each tool stands.
#[derive(Debug, Clone)]
pub struct Tools {
    /// The cache that holds them.
    pub cache: PathBuf,
    /// The built Keycloak distribution.
    pub keycloak: PathBuf,
}

impl Tools {
    /// Installs what a lab needs and is missing, with progress; quick when all stands.
    ///
    /// # Errors
    /// Missing prerequisites, all at once; an installation that failed, with the end of its log.
    pub fn ensure(progress: &Progress) -> Result<Tools, Failure> {
        let tools = Tools::located()?;
        tools.install(Functions::Quick, progress)?;
        Ok(tools)
    }

    /// Where the tools of a lab stand, or will once they are installed.
    ///
    /// # Errors
    /// Something is missing, and prerequisites of its installation are too: all of them at once.
    pub fn located() -> Result<Tools, Failure> {
        let tools = Tools::at(cache::directory()?);
        if !tools.of_a_lab().iter().all(|(_, installed)| installed.is_complete()) {
            prerequisites::all_present()?;
        }
        Ok(tools)
    }

    /// Installs what a lab with functions that are compiled so needs and is missing.
    ///
    /// # Errors
    /// As [`Tools::ensure`].
    pub fn install(&self, functions: Functions, progress: &Progress) -> Result<(), Failure> {
        let mut wanted = Vec::from(self.of_a_lab());
        match functions {
            Functions::Quick => {}
            Functions::AsDeployed => wanted.push(self.venv("cargo-lambda", CARGO_LAMBDA)),
        }
        self.install_missing(&wanted, progress)
    }

    /// Installs what the suite needs and is missing, but for what runs the verifiers of others and for cargo-deny.
    ///
    /// # Errors
    /// As [`Tools::ensure`].
    pub fn install_for_the_suite(&self, progress: &Progress) -> Result<(), Failure> {
        let mut wanted = Vec::from(self.of_a_lab());
        wanted.push(self.venv("cargo-lambda", CARGO_LAMBDA));
        wanted.push(self.venv("cfn-lint", CFN_LINT));
        self.install_missing(&wanted, progress)
    }

    /// Installs those of `wanted` that do not stand, all at once.
    fn install_missing(&self, wanted: &[(Tool, Installed)], progress: &Progress) -> Result<(), Failure> {
        let missing: Vec<&(Tool, Installed)> =
            wanted.iter().filter(|(_, installed)| !installed.is_complete()).collect();
        if missing.is_empty() {
            return Ok(());
        }
        prerequisites::all_present()?;
        cache::make(&self.logs())?;
        let installations: Vec<Result<(), Failure>> = thread::scope(|scope| {
            let running: Vec<_> = missing
                .into_iter()
                .map(|(tool, installed)| scope.spawn(|| self.install_one(tool, installed, progress)))
                .collect();
            running
                .into_iter()
                .map(|thread| {
                    thread
                        .join()
                        .unwrap_or_else(|_| Err(Failure::new("an installation broke off", "run the command again")))
                })
                .collect()
        });
        installations.into_iter().collect()
    }

    fn at(cache: PathBuf) -> Tools {
        Tools { keycloak: cache.join(format!("keycloak-{KEYCLOAK}")), cache }
    }

    fn of_a_lab(&self) -> [(Tool, Installed); 3] {
        let keycloak = format!("{KEYCLOAK} {}", KEYCLOAK_BUILD.join(" "));
        [
            self.venv("emulator", EMULATOR),
            self.venv("sam", SAM),
            (Tool::Keycloak, Installed::new(self.keycloak.clone(), keycloak)),
        ]
    }

    fn venv(&self, name: &'static str, requirements: &'static [&'static str]) -> (Tool, Installed) {
        (Tool::Venv { name, requirements }, Installed::new(self.cache.join(name), requirements.join("\n")))
    }

    fn install_one(&self, tool: &Tool, installed: &Installed, progress: &Progress) -> Result<(), Failure> {
        match tool {
            Tool::Venv { name, requirements } => {
                let step = progress.long_step(format!("install {}", requirements.join(", ")), "a minute, once");
                installed
                    .ensure(|directory| self.install_venv(name, directory, requirements, &|note| step.note(note)))?;
                step.done("");
            }
            Tool::Keycloak => {
                let step = progress.long_step(format!("install Keycloak {KEYCLOAK}, about 180 MB"), "a minute, once");
                installed.ensure(|directory| self.install_keycloak(KEYCLOAK, directory, &|note| step.note(note)))?;
                step.done("");
            }
        }
        Ok(())
    }

    fn install_venv(
        &self,
        name: &str,
        directory: &Path,
        requirements: &[&str],
        note: &dyn Fn(&str),
    ) -> Result<(), Failure> {
        let log = self.logs().join(format!("{name}.log"));
        let mut venv = Command::new("python3");
        venv.args(["-m", "venv"]).arg(directory);
        process::run(&mut venv, "python3 -m venv", &log, note, "see that Python's venv module is installed")?;
        let mut pip = Command::new(directory.join("bin/python"));
        // What is imported is compiled when it is; most of it never is.
        pip.args(["-m", "pip", "install", "--no-input", "--disable-pip-version-check", "--no-compile"]);
        pip.args(requirements);
        process::run(&mut pip, "pip install", &log, note, NETWORK)
    }

    /// Installs the least version of Keycloak that is supported, which only the tests need, and tells where it stands.
    ///
    /// # Errors
    /// It cannot be installed.
    pub fn least_keycloak(&self, progress: &Progress) -> Result<PathBuf, Failure> {
        self.earlier_keycloak(LEAST_KEYCLOAK, progress)
    }

    /// Installs the least version of Keycloak that narrows the service account, which only the tests need, and tells where it
    /// stands.
    ///
    /// # Errors
    /// It cannot be installed.
    pub fn least_narrowing_keycloak(&self, progress: &Progress) -> Result<PathBuf, Failure> {
        self.earlier_keycloak(LEAST_NARROWING_KEYCLOAK, progress)
    }

    fn earlier_keycloak(&self, version: &str, progress: &Progress) -> Result<PathBuf, Failure> {
        let directory = self.cache.join(format!("keycloak-{version}"));
        let installed = Installed::new(directory, format!("{version} {}", KEYCLOAK_BUILD.join(" ")));
        if !installed.is_complete() {
            cache::make(&self.logs())?;
            let step = progress.long_step(format!("install Keycloak {version}, about 150 MB"), "a minute, once");
            installed.ensure(|directory| self.install_keycloak(version, directory, &|note| step.note(note)))?;
            step.done("");
        }
        Ok(installed.directory)
    }

    fn install_keycloak(&self, version: &str, directory: &Path, note: &dyn Fn(&str)) -> Result<(), Failure> {
        let log = self.logs().join("keycloak.log");
        note("download");
        let mut maven = Command::new("mvn");
        maven
            .args(["-B", "-q", "org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy"])
            .arg(format!("-Dartifact=org.keycloak:keycloak-quarkus-dist:{version}:tar.gz"))
            .arg(format!("-DoutputDirectory={}", directory.display()));
        process::run(&mut maven, "mvn", &log, note, NETWORK)?;
        note("unpack");
        let archive = directory.join(format!("keycloak-quarkus-dist-{version}.tar.gz"));
        let mut tar = Command::new("tar");
        tar.arg("-xzf").arg(&archive).arg("-C").arg(directory).arg("--strip-components=1");
        process::run(&mut tar, "tar", &log, note, "see that the disk is not full")?;
        std::fs::remove_file(&archive).or_failure(format!("remove {}", archive.display()), "remove it by hand")?;
        note("build");
        let mut build = Command::new(directory.join("bin/kc.sh"));
        build.args(KEYCLOAK_BUILD);
        process::run(&mut build, "kc.sh build", &log, note, "see that java is version 17 or later")
    }

    /// Installs cargo-deny, which only the tests need, and tells where it stands.
    ///
    /// # Errors
    /// It cannot be built.
    pub fn cargo_deny(&self, progress: &Progress) -> Result<PathBuf, Failure> {
        self.built("cargo-deny", CARGO_DENY, progress)
    }

    /// A program that Cargo builds from its source, once.
    fn built(&self, name: &str, version: &str, progress: &Progress) -> Result<PathBuf, Failure> {
        let installed = Installed::new(self.cache.join(name), version);
        if !installed.is_complete() {
            cache::make(&self.logs())?;
            let step = progress.long_step(format!("build {name} {version}"), "two to three minutes, once");
            installed.ensure(|directory| {
                let mut cargo = Command::new("cargo");
                cargo.args(["install", name, "--locked", "--version", version, "--root"]).arg(directory);
                let log = self.logs().join(format!("{name}.log"));
                process::run(&mut cargo, "cargo install", &log, &|note| step.note(note), NETWORK)
            })?;
            step.done("");
        }
        Ok(installed.directory.join("bin").join(name))
    }

    /// Installs the verifiers of other libraries, which only the tests need, and tells where they stand.
    ///
    /// # Errors
    /// Node.js is missing; they cannot be installed.
    pub fn verifiers(&self, progress: &Progress) -> Result<Verifiers, Failure> {
        let [python, node] = self.verifier_installations();
        cache::make(&self.logs())?;
        if !python.is_complete() {
            self.install_one(
                &Tool::Venv { name: "verifiers-python", requirements: VERIFIERS_PYTHON },
                &python,
                progress,
            )?;
        }
        if !node.is_complete() {
            prerequisites::node_present()?;
            let step = progress.long_step(format!("install {}", VERIFIERS_NODE.join(", ")), "a few seconds, once");
            node.ensure(|directory| {
                let mut npm = Command::new("npm");
                npm.args(["install", "--no-audit", "--no-fund", "--ignore-scripts", "--save-exact", "--prefix"]);
                npm.arg(directory).args(VERIFIERS_NODE);
                let log = self.logs().join("verifiers-node.log");
                process::run(&mut npm, "npm install", &log, &|note| step.note(note), NETWORK)
            })?;
            step.done("");
        }
        self.standing_verifiers()
    }

    /// Where the verifiers of other libraries stand.
    ///
    /// # Errors
    /// They are not installed, or not these versions.
    pub fn installed_verifiers() -> Result<Verifiers, Failure> {
        Tools::at(cache::directory()?).standing_verifiers()
    }

    fn standing_verifiers(&self) -> Result<Verifiers, Failure> {
        let [python, node] = self.verifier_installations();
        for installed in [&python, &node] {
            if !installed.is_complete() {
                return Err(Failure::new(
                    format!("the verifiers of other libraries do not stand in {}", installed.directory.display()),
                    "run `cargo xtask tools`, which installs them; it needs python3 with venv, node and npm",
                ));
            }
        }
        prerequisites::node_present()?;
        Ok(Verifiers { python: python.directory.join("bin/python"), node_modules: node.directory.join("node_modules") })
    }

    fn verifier_installations(&self) -> [Installed; 2] {
        [("verifiers-python", VERIFIERS_PYTHON), ("verifiers-node", VERIFIERS_NODE)]
            .map(|(name, packages)| Installed::new(self.cache.join(name), packages.join("\n")))
    }

    /// A program of one of the Python environments.
    pub fn program(&self, venv: &str, program: &str) -> PathBuf {
        self.cache.join(venv).join("bin").join(program)
    }

    /// Where cargo-lambda and its linker stand.
    pub fn cargo_lambda(&self) -> PathBuf {
        self.cache.join("cargo-lambda/bin")
    }

    fn logs(&self) -> PathBuf {
        self.cache.join("logs")
    }
}

/// The verifiers of other libraries.
#[derive(Debug, Clone)]
pub struct Verifiers {
    /// The Python that has PyJWT and joserfc.
    pub python: PathBuf,
    /// The directory in which Node.js finds jose and aws-jwt-verify.
    pub node_modules: PathBuf,
}

enum Tool {
    Venv { name: &'static str, requirements: &'static [&'static str] },
    Keycloak,
}
