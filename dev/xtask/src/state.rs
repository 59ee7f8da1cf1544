//! What is remembered of a lab between commands: `target/lab/NAME/state.json`, readable for its owner only.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::cache;
use crate::failure::{Failure, OrFailure};
use crate::functions::Functions;
use crate::process::Group;
use crate::stack::Stack;

/// The part of the port range in which a free pair is looked for: below the ephemeral ports.
const PORTS: std::ops::Range<u16> = 21_000..31_000;

/// Where a lab keeps what went over the wire, below its directory.
pub(crate) const TRAFFIC: &str = "traffic";

/// The ports of one lab, both on the loopback interface.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ports {
    /// The emulator, HTTP.
    pub emulator: u16,
    /// Keycloak, HTTPS.
    pub keycloak: u16,
}

/// A lab as it stands on disk.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    /// The ports.
    pub ports: Ports,
    /// The process groups, oldest first.
    pub groups: Vec<Group>,
    /// The emulator's administrator secret.
    pub secret: String,
    /// The password of Keycloak's administrator `lab`.
    pub administrator: String,
    /// The users' passwords.
    pub passwords: BTreeMap<String, String>,
    /// How the functions were compiled.
    pub functions: Functions,
    /// How long `sam deploy` took.
    pub deployment_took: Duration,
    /// What was deployed; absent until all of it stands.
    pub stack: Option<Stack>,
}

/// The names of the labs that have a directory, up or down.
pub fn names() -> Vec<String> {
    let entries = std::fs::read_dir(cache::labs()).into_iter().flatten().flatten();
    let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
    names.filter(|name| !name.starts_with('.')).collect()
}

/// The directory of one lab.
///
/// # Errors
/// The name is not made of 1 to 32 of `a-z`, `0-9` and `-`.
pub fn directory(name: &str) -> Result<PathBuf, Failure> {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if name.is_empty() || name.len() > 32 || !name.chars().all(plain) {
        return Err(Failure::new(format!("`{name}` cannot name a lab"), "use 1 to 32 of a-z, 0-9 and `-`"));
    }
    Ok(cache::labs().join(name))
}

impl State {
    /// Reads the lab in `directory`; `None` when there is none.
    ///
    /// # Errors
    /// The file is there but cannot be read.
    pub fn load(directory: &Path) -> Result<Option<State>, Failure> {
        let path = directory.join("state.json");
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => {
                return Err(Failure::new(format!("read {}: {error}", path.display()), "see that the file can be read"));
            }
        };
        let remedy = "stop the processes named in the file by hand, then remove it";
        serde_json::from_str(&text).map(Some).or_failure(format!("read {}", path.display()), remedy)
    }

    /// Writes it, whole or not at all.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn save(&self, directory: &Path) -> Result<(), Failure> {
        let path = directory.join("state.json");
        let text = serde_json::to_string_pretty(self)
            .or_failure(format!("write {}", path.display()), "run the command again")?;
        cache::write_private(&path, &text)
    }
}

impl Ports {
    /// The two ports from `base` on, or two free ones.
    ///
    /// # Errors
    /// A port of the wanted base is taken, or no pair is free.
    pub fn choose(base: Option<u16>) -> Result<Ports, Failure> {
        if let Some(base) = base {
            let ports = Ports::from_base(base);
            return ports.filter(Ports::are_free).ok_or_else(|| {
                Failure::new(
                    format!("port {base} or the one after it is taken"),
                    "choose another --port-base, or leave it out to have free ports chosen",
                )
            });
        }
        let reserved = reserved();
        // Labs that start at the same time begin to look at different places.
        let offset = u16::try_from(std::process::id() % 997).unwrap_or(0) * 10;
        let candidates = PORTS.step_by(10).cycle().skip(usize::from(offset / 10)).take(PORTS.len() / 10);
        candidates
            .filter_map(Ports::from_base)
            .find(|ports| !reserved.contains(&ports.emulator) && ports.are_free())
            .ok_or_else(|| {
                Failure::new(
                    format!("no free pair of ports in {}..{}", PORTS.start, PORTS.end),
                    "choose one with --port-base",
                )
            })
    }

    fn from_base(base: u16) -> Option<Ports> {
        Some(Ports { emulator: base, keycloak: base.checked_add(1)? })
    }

    fn are_free(&self) -> bool {
        let free = |port| TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok();
        free(self.emulator) && free(self.keycloak)
    }
}

/// The ports of labs that stand or are being brought up.
fn reserved() -> BTreeSet<u16> {
    let states = names().into_iter().filter_map(|name| State::load(&cache::labs().join(name)).ok().flatten());
    states.map(|state| state.ports.emulator).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_taken_port_is_refused() {
        let holder = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = holder.local_addr().unwrap().port();
        assert_eq!(
            Ports::choose(Some(port)),
            Err(Failure::new(
                format!("port {port} or the one after it is taken"),
                "choose another --port-base, or leave it out to have free ports chosen"
            ))
        );
    }

    #[test]
    fn free_ports_are_found() {
        let ports = Ports::choose(None).unwrap();
        assert!(PORTS.contains(&ports.emulator) && ports.are_free());
    }

    #[test]
    fn a_lab_name_cannot_leave_the_directory() {
        let refused = Failure::new("`../x` cannot name a lab", "use 1 to 32 of a-z, 0-9 and `-`");
        assert_eq!(directory("../x"), Err(refused));
    }
}
