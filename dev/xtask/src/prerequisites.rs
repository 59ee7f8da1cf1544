//! What this machine must have already; all that is missing is told at once.

use std::process::Command;

use crate::failure::Failure;

/// A program that has to be on the machine, and how its absence is told.
struct Program {
    name: &'static str,
    arguments: &'static [&'static str],
    /// The lowest major and minor version, where there is one.
    at_least: Option<(u32, u32)>,
    hint: &'static str,
}

const PROGRAMS: &[Program] = &[
    Program {
        name: "python3",
        arguments: &["--version"],
        at_least: Some((3, 10)),
        hint: "Python 3.10 or later (Debian, Ubuntu: apt-get install python3 python3-venv)",
    },
    Program {
        name: "python3",
        arguments: &["-c", "import venv, ensurepip; print('venv')"],
        at_least: None,
        hint: "Python's venv module (Debian, Ubuntu: apt-get install python3-venv)",
    },
    Program {
        name: "java",
        arguments: &["-version"],
        at_least: Some((17, 0)),
        hint: "Java 17 or later (Debian, Ubuntu: apt-get install openjdk-17-jre-headless)",
    },
    Program {
        name: "mvn",
        arguments: &["--version"],
        at_least: None,
        hint: "Maven (Debian, Ubuntu: apt-get install maven)",
    },
    Program { name: "tar", arguments: &["--version"], at_least: None, hint: "tar" },
    Program {
        name: "cc",
        arguments: &["--version"],
        at_least: None,
        hint: "a C compiler (Debian, Ubuntu: apt-get install build-essential)",
    },
    Program {
        name: "cargo",
        arguments: &["--version"],
        at_least: None,
        hint: "Rust (https://rustup.rs); the toolchain itself is named in rust-toolchain.toml",
    },
];

/// What runs the verifiers of other libraries, which only the tests need.
const NODE: &[Program] = &[
    Program {
        name: "node",
        arguments: &["--version"],
        at_least: Some((20, 0)),
        hint: "Node.js 20 or later (Debian, Ubuntu: apt-get install nodejs)",
    },
    Program {
        name: "npm",
        arguments: &["--version"],
        at_least: None,
        hint: "npm (Debian, Ubuntu: apt-get install npm)",
    },
];

/// What counts instructions, which only that group of the benchmarks needs.
const VALGRIND: &[Program] = &[Program {
    name: "valgrind",
    arguments: &["--version"],
    at_least: None,
    hint: "Valgrind (Debian, Ubuntu: apt-get install valgrind)",
}];

/// Succeeds when Valgrind is here.
///
/// # Errors
/// It is not.
pub fn valgrind_present() -> Result<(), Failure> {
    present(VALGRIND)
}

/// Succeeds when every program the lab needs is here.
///
/// # Errors
/// Everything that is missing or too old, in one failure.
pub fn all_present() -> Result<(), Failure> {
    present(PROGRAMS)
}

/// Succeeds when Node.js and npm are here.
///
/// # Errors
/// As [`all_present`].
pub fn node_present() -> Result<(), Failure> {
    present(NODE)
}

fn present(programs: &[Program]) -> Result<(), Failure> {
    let missing: Vec<String> = programs.iter().filter_map(|program| fault(program, answer(program))).collect();
    if missing.is_empty() {
        return Ok(());
    }
    Err(Failure::new(
        format!("this machine lacks:\n  - {}", missing.join("\n  - ")),
        "install what is listed, then run the command again",
    ))
}

/// What the program prints, or `None` when it is not there or does not work.
fn answer(program: &Program) -> Option<String> {
    let output = Command::new(program.name).args(program.arguments).output().ok()?;
    let text = [output.stdout, output.stderr].concat();
    output.status.success().then(|| String::from_utf8_lossy(&text).into_owned())
}

fn fault(program: &Program, answer: Option<String>) -> Option<String> {
    let Some(answer) = answer else {
        return Some(program.hint.to_owned());
    };
    let wanted = program.at_least?;
    match version(&answer) {
        Some(found) if found >= wanted => None,
        Some((major, minor)) => Some(format!("{}; found {major}.{minor}", program.hint)),
        None => Some(format!("{}; its version is unreadable", program.hint)),
    }
}

/// The first `major.minor` in a text.
fn version(text: &str) -> Option<(u32, u32)> {
    let mut words = text.split(|c: char| !c.is_ascii_digit() && c != '.');
    words.find_map(|word| {
        let (major, rest) = word.split_once('.')?;
        let minor = rest.split('.').next()?;
        Some((major.parse().ok()?, minor.parse().ok()?))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const JAVA: Program = Program { name: "java", arguments: &[], at_least: Some((17, 0)), hint: "Java 17" };

    #[test]
    fn versions_are_read_from_what_programs_print() {
        assert_eq!(version("Python 3.11.4\n"), Some((3, 11)));
        assert_eq!(version("openjdk version \"17.0.12\" 2024-07-16"), Some((17, 0)));
        assert_eq!(version("v20.20.2\n"), Some((20, 20)));
        assert_eq!(version("no number"), None);
    }

    #[test]
    fn a_missing_and_an_old_program_are_faults() {
        assert_eq!(fault(&JAVA, None), Some("Java 17".into()));
        assert_eq!(fault(&JAVA, Some("java version 11.0.2".into())), Some("Java 17; found 11.0".into()));
        assert_eq!(fault(&JAVA, Some("openjdk version \"21.0.1\"".into())), None);
    }
}
