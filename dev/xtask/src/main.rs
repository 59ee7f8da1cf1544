//! `cargo xtask`: the contributor's command.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::builder::PossibleValuesParser;
use clap::{Args, Parser, Subcommand};
use xtask::failure::Failure;
use xtask::functions::Functions;
use xtask::lab::{self, Lab, Options};
use xtask::progress::Progress;
use xtask::tools::Tools;
use xtask::{bench, cost, demo, machines, process, report, suite, vectors};

/// Runs the whole system on this machine, shows it and tests it.
///
/// The parts are real: a Keycloak with a realm of its own, an emulator of AWS that enforces IAM, and the stack of template.yaml
/// deployed into it. Everything listens on the loopback interface only. Tools are installed once into $KSF_CACHE (else
/// ~/.cache/keycloak-step-functions), a lab's files are in target/lab/NAME.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", max_term_width = 100)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Bring a lab up, look at it, take it down
    #[command(subcommand)]
    Lab(LabCommand),
    /// Print a real access token of a lab user: alice, bob, carol, dave or erin
    Token {
        /// Whose token
        user: String,
        #[command(flatten)]
        lab: LabName,
    },
    /// Tell the main job as a story on a fresh lab: each scene's request, answer, outcome and audit lines
    ///
    /// Exit code 0 only if everything went as told. The lab is taken down at the end.
    Demo {
        /// Play one scene; without it, the story of the main job and the short drills
        #[arg(long, value_name = "NAME", value_parser = PossibleValuesParser::new(demo::scenes().map(|scene| scene.name)))]
        scene: Option<String>,
        /// Leave the lab up
        #[arg(long)]
        keep: bool,
        /// Which lab it plays on
        #[arg(long = "name", value_name = "NAME", default_value = "demo")]
        name: String,
    },
    /// Measure, on a lab that is up --as-deployed, what a revalidation costs: requests to Keycloak, and time
    Revalidation {
        #[command(flatten)]
        lab: LabName,
    },
    /// Run everything that has to hold: format, lints, tests, docs, template, dependencies, end to end
    Test,
    /// Measure what the guard costs: one table of ratios, each to a baseline of the same run
    ///
    /// Builds in release, then runs the groups: verify, profile, guard, allocations, reject, authorizer, instructions (counted by
    /// Valgrind), contention, cold-start and warm-invoke; end-to-end too where --lab names one that is up --as-deployed. Close other programs:
    /// noise is measured, not removed.
    Bench {
        /// Only this group; may be repeated
        #[arg(long, value_name = "NAME", value_parser = PossibleValuesParser::new(bench::groups()))]
        only: Vec<String>,
        /// Write the rows to a file: an array of name, ratio, noise, baseline and where the ratio holds
        #[arg(long, value_name = "FILE")]
        json: Option<PathBuf>,
        /// End with exit code 1 if a ratio that holds on any host is worse than that of this file by more than its noise
        #[arg(long, value_name = "FILE")]
        check: Option<PathBuf>,
        /// Run the group end-to-end on this lab, which has to be up --as-deployed
        #[arg(long, value_name = "NAME")]
        lab: Option<String>,
        /// How long each comparison is timed, in seconds
        #[arg(long, value_name = "SECONDS", default_value_t = 4.0)]
        seconds: f64,
    },
    /// Model a day of many warm containers and one Keycloak: its load, what is refused, what is trusted too long
    ///
    /// Takes `--NAME VALUE` pairs: --containers (may be repeated), --seed, and the knobs that it prints.
    Simulate {
        /// The knobs
        #[arg(trailing_var_arg = true, allow_hyphen_values = true, value_name = "--NAME VALUE")]
        knobs: Vec<String>,
    },
    /// Decide every vector file of a directory: how many of each are right, and every disagreement
    ///
    /// The files are of Wycheproof's schemas for JSON Web Crypto, ECDSA in P1363 form, Ed25519 and RSA. Exit code 0 only if all
    /// were decided right.
    Vectors {
        /// The directory; an exceptions.json of our schema in it stands in place of the committed one
        #[arg(value_name = "DIR")]
        directory: PathBuf,
    },
    /// Weave and run every state machine of a directory: where a token leaks, and what its author's states are not handed
    ///
    /// Every call of a function is guarded. Each `*.json` is refused with its reasons, or run many times with made-up data. Exit
    /// code 0 only if no machine leaks and none does something else than its author's.
    Machines {
        /// The directory; YAML in it is skipped
        #[arg(value_name = "DIR")]
        directory: PathBuf,
    },
    /// Install the pinned tools that the lab needs (the other commands do this by themselves)
    Tools,
}

#[derive(Subcommand)]
enum LabCommand {
    /// Start Keycloak and the emulator, build and deploy the stack, make the users
    ///
    /// A lab of the same name that is up is taken down first. Ctrl-C stops everything that was started.
    Up {
        #[command(flatten)]
        lab: LabName,
        /// The first of two ports (emulator, Keycloak); free ones are chosen when left out
        #[arg(long, value_name = "PORT")]
        port_base: Option<u16>,
        /// The SAM template to deploy
        #[arg(long, value_name = "FILE")]
        template: Option<PathBuf>,
        /// Compile the functions as a deployment does, optimized by cargo-lambda: for measurements
        #[arg(long)]
        as_deployed: bool,
    },
    /// Tell what is up, and where; exit code 1 when the lab is not up
    Status {
        #[command(flatten)]
        lab: LabName,
    },
    /// Stop every process of the lab; its logs and its build stay
    Down {
        #[command(flatten)]
        lab: LabName,
    },
}

#[derive(Args)]
struct LabName {
    /// Which lab; labs of different names can be up at the same time
    #[arg(long = "name", value_name = "NAME", default_value = "default")]
    name: String,
}

/// However this process ends, no lab that it brought up and did not keep outlives it.
struct LabsEnd;

impl Drop for LabsEnd {
    fn drop(&mut self) {
        lab::down_ours();
    }
}

/// Prints to standard output; a reader that has gone away is no failure.
fn tell(text: &str) {
    let _ = writeln!(std::io::stdout(), "{text}");
}

fn main() -> ExitCode {
    let _labs_end = LabsEnd;
    match run(Arguments::parse().command) {
        Ok(code) => code,
        Err(failure) => {
            while process::is_interrupted() {
                // The interrupt is why it failed; whoever handles it ends this process.
                std::thread::park();
            }
            let _ = writeln!(std::io::stderr(), "✘ {failure}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> Result<ExitCode, Failure> {
    process::watch_interrupts(lab::down_ours)?;
    let progress = Progress::new();
    match command {
        Command::Lab(LabCommand::Up { lab, port_base, template, as_deployed }) => {
            let mut options = Options::named(&lab.name);
            options.port_base = port_base;
            if let Some(template) = template {
                options.template = template;
            }
            if as_deployed {
                options.functions = Functions::AsDeployed;
            }
            let lab = Lab::up(&options, &progress)?;
            lab.keep();
            tell(&report::usage(&lab));
        }
        Command::Lab(LabCommand::Status { lab }) => {
            let (text, is_up) = report::status(&lab.name)?;
            tell(&text);
            if !is_up {
                return Ok(ExitCode::FAILURE);
            }
        }
        Command::Lab(LabCommand::Down { lab }) => {
            let step = progress.step(format!("take the lab `{}` down", lab.name));
            lab::down(&lab.name)?;
            step.done("");
        }
        Command::Token { user, lab } => tell(&Lab::open(&lab.name)?.token(&user)?),
        Command::Demo { scene, keep, name } => {
            if !demo::play(&Options::named(&name), scene.as_deref(), keep, &progress)? {
                return Ok(ExitCode::FAILURE);
            }
        }
        Command::Revalidation { lab } => tell(&cost::measure(&Lab::for_measurements(&lab.name)?)?.to_string()),
        Command::Test => {
            if !suite::run(&progress)? {
                return Ok(ExitCode::FAILURE);
            }
        }
        Command::Bench { only, json, check, lab, seconds } => {
            if !bench::run(&bench::Options { only, json, check, lab, seconds }, &progress)? {
                return Ok(ExitCode::FAILURE);
            }
        }
        Command::Simulate { knobs } => bench::simulate(&knobs, &progress)?,
        Command::Machines { directory } => {
            let (all_right, told) = machines::run(&directory, &progress)?;
            tell(&told);
            if !all_right {
                return Ok(ExitCode::FAILURE);
            }
        }
        Command::Vectors { directory } => {
            let (all_right, told) = vectors::run(&directory, &progress)?;
            tell(&told);
            if !all_right {
                return Ok(ExitCode::FAILURE);
            }
        }
        Command::Tools => {
            let tools = Tools::located()?;
            tools.install_for_the_suite(&progress)?;
            tools.verifiers(&progress)?;
            tell(&format!("every tool stands in {}", tools.cache.display()));
        }
    }
    Ok(ExitCode::SUCCESS)
}
