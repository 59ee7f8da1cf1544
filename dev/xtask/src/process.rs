//! Child processes in groups of their own: run to the end, kept running, stopped for certain.
//!
//! Everything started here stands in a process group, so that a tool's own children end with it. Groups that belong to the
//! command under way are remembered; an interrupt (Ctrl-C, SIGTERM, SIGHUP) stops them all before this process exits.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal};
use serde::{Deserialize, Serialize};

use crate::failure::{Failure, OrFailure};
use crate::progress::tell;

/// How long a group may take to end by itself after SIGTERM.
const GRACE: Duration = Duration::from_secs(10);
/// How often an ending group is looked at.
const POLL: Duration = Duration::from_millis(50);

static INTERRUPTED: AtomicBool = AtomicBool::new(false);
static OWNED: Mutex<BTreeMap<i32, Group>> = Mutex::new(BTreeMap::new());

/// A process group: a started program and all that it started.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Group {
    /// What runs in it, for people.
    pub name: String,
    /// The group's id, which is also its first process's id.
    pub id: i32,
    /// When the first process began, in the kernel's ticks; tells it from a later process with the same id.
    began: Option<u64>,
}

impl Group {
    /// Whether any process of the group still runs.
    pub fn is_alive(&self) -> bool {
        let Some(processes) = processes() else {
            // No /proc here: ask the kernel with the null signal.
            return Pid::from_raw(self.id).is_some_and(|id| rustix::process::test_kill_process_group(id).is_ok());
        };
        let recycled = processes.iter().any(|process| process.id == self.id && Some(process.began) != self.began);
        !recycled && processes.iter().any(|process| process.group == self.id && !process.is_zombie)
    }

    fn signal(&self, signal: Signal) {
        if let Some(id) = Pid::from_raw(self.id)
            && self.is_alive()
        {
            // The group may end by itself in between; there is nothing left to do then.
            let _ = rustix::process::kill_process_group(id, signal);
        }
    }
}

/// Stops the groups: SIGTERM, then SIGKILL for what is left after the grace time.
///
/// # Errors
/// A group that outlived SIGKILL, by name.
pub fn stop(groups: &[Group]) -> Result<(), Failure> {
    for group in groups {
        group.signal(Signal::TERM);
    }
    if !all_ended(groups, GRACE) {
        for group in groups {
            group.signal(Signal::KILL);
        }
    }
    if all_ended(groups, GRACE) {
        let mut owned = owned();
        for group in groups {
            owned.remove(&group.id);
        }
        return Ok(());
    }
    let left: Vec<String> = groups
        .iter()
        .filter(|group| group.is_alive())
        .map(|group| format!("{} (process group {})", group.name, group.id))
        .collect();
    Err(Failure::new(
        format!("still running after SIGKILL: {}", left.join(", ")),
        "look at these processes with `ps`; they may wait for a device",
    ))
}

fn all_ended(groups: &[Group], patience: Duration) -> bool {
    let deadline = Instant::now() + patience;
    loop {
        if !groups.iter().any(Group::is_alive) {
            return true;
        }
        if Instant::now() >= deadline {
            return false;
        }
        thread::sleep(POLL);
    }
}

/// Starts a program that is to stay, with its output in `log`. It is owned until [`hand_over`].
///
/// # Errors
/// The program cannot be started, or an interrupt came first.
pub fn start(command: &mut Command, name: &str, log: &Path) -> Result<Group, Failure> {
    let (mut child, group) = spawn(command, name, log)?;
    // Reaps the process when it ends while this one still lives.
    thread::spawn(move || child.wait());
    Ok(group)
}

/// Runs a program to its end with its output in `log`, telling `note` its last line of output now and then.
///
/// # Errors
/// It cannot be started or ends badly; the failure shows the end of its output and `remedy`.
pub fn run(command: &mut Command, name: &str, log: &Path, note: &dyn Fn(&str), remedy: &str) -> Result<(), Failure> {
    let (mut child, group) = spawn(command, name, log)?;
    let mut looks = 0_u32;
    let status = loop {
        if let Some(status) = child.try_wait().or_failure(format!("wait for {name}"), remedy)? {
            break status;
        }
        looks = looks.wrapping_add(1);
        if looks.is_multiple_of(10) {
            note(&last_line(log));
        }
        thread::sleep(POLL);
    };
    owned().remove(&group.id);
    if status.success() {
        return Ok(());
    }
    Err(Failure::new(format!("{name} ended with {status}; the end of {}:\n{}", log.display(), tail(log, 30)), remedy))
}

/// The last line of a log that is still being written, short enough for one line of a terminal.
fn last_line(log: &Path) -> String {
    let mut end = String::new();
    if let Ok(mut file) = File::open(log) {
        // A log shorter than this is read from its beginning.
        let _ = file.seek(SeekFrom::End(-400));
        let mut bytes = Vec::new();
        let _ = file.read_to_end(&mut bytes);
        end = String::from_utf8_lossy(&bytes).into_owned();
    }
    let line = end.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or_default();
    line.trim().chars().filter(|c| !c.is_control()).take(60).collect()
}

fn spawn(command: &mut Command, name: &str, log: &Path) -> Result<(Child, Group), Failure> {
    let remedy = "see that the disk is not full and the program is installed";
    let output = File::create(log).or_failure(format!("open {}", log.display()), remedy)?;
    let errors = output.try_clone().or_failure(format!("open {}", log.display()), remedy)?;
    command.stdin(Stdio::null()).stdout(output).stderr(errors).process_group(0);
    // Held over the start, so that an interrupt either prevents it or sees it.
    let mut owned = owned();
    if INTERRUPTED.load(Ordering::SeqCst) {
        return Err(Failure::new("interrupted", "run the command again"));
    }
    let child = command.spawn().or_failure(format!("start {name}"), remedy)?;
    let id = i32::try_from(child.id()).or_failure(format!("start {name}"), remedy)?;
    let group = Group {
        name: name.to_owned(),
        id,
        began: processes().and_then(|all| all.iter().find(|process| process.id == id).map(|process| process.began)),
    };
    owned.insert(id, group.clone());
    Ok((child, group))
}

/// Lets the groups outlive this process: from here on an interrupt leaves them alone.
pub fn hand_over(groups: &[Group]) {
    let mut owned = owned();
    for group in groups {
        owned.remove(&group.id);
    }
}

/// Takes running groups into this command's care: an interrupt stops them.
pub fn take_over(groups: &[Group]) {
    let mut owned = owned();
    for group in groups {
        owned.insert(group.id, group.clone());
    }
}

/// From here on an interrupt stops every owned group, runs `then` and ends this process with exit code 130.
///
/// # Errors
/// The signals cannot be watched.
pub fn watch_interrupts(then: fn()) -> Result<(), Failure> {
    use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
    let mut signals = signal_hook::iterator::Signals::new([SIGINT, SIGTERM, SIGHUP])
        .or_failure("watch for interrupts", "run the command again")?;
    thread::spawn(move || {
        if signals.forever().next().is_some() {
            INTERRUPTED.store(true, Ordering::SeqCst);
            let groups: Vec<Group> = owned().values().cloned().collect();
            tell!(error: "\ninterrupted: stopping what was started ({} process groups)", groups.len());
            if let Err(failure) = stop(&groups) {
                tell!(error: "{failure}");
            }
            then();
            std::process::exit(130);
        }
    });
    Ok(())
}

/// Whether an interrupt came. What fails after it fails because of it, and the process is about to end.
pub fn is_interrupted() -> bool {
    INTERRUPTED.load(Ordering::SeqCst)
}

fn owned() -> MutexGuard<'static, BTreeMap<i32, Group>> {
    OWNED.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The last `count` lines of a log, or a note that it cannot be read.
pub fn tail(log: &Path, count: usize) -> String {
    let Ok(bytes) = std::fs::read(log) else {
        return format!("  ({} cannot be read)", log.display());
    };
    let text = String::from_utf8_lossy(&bytes);
    let lines: Vec<&str> = text.lines().collect();
    let from = lines.len().saturating_sub(count);
    let shown: Vec<String> = lines.iter().skip(from).map(|line| format!("  | {line}")).collect();
    shown.join("\n")
}

struct Process {
    id: i32,
    group: i32,
    began: u64,
    is_zombie: bool,
}

/// Every process of this machine, or `None` where there is no `/proc`.
fn processes() -> Option<Vec<Process>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir("/proc").ok()?.flatten() {
        let Some(id) = entry.file_name().to_str().and_then(|name| name.parse().ok()) else {
            continue;
        };
        if let Ok(stat) = std::fs::read_to_string(entry.path().join("stat")) {
            found.extend(parse_stat(id, &stat));
        }
    }
    (!found.is_empty()).then_some(found)
}

/// proc(5): the fields after the command, which is in parentheses and may itself hold any character.
fn parse_stat(id: i32, stat: &str) -> Option<Process> {
    let (_, rest) = stat.rsplit_once(')')?;
    let fields: Vec<&str> = rest.split_whitespace().collect();
    Some(Process {
        id,
        is_zombie: *fields.first()? == "Z",
        group: fields.get(2)?.parse().ok()?,
        began: fields.get(19)?.parse().ok()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scratch(name: &str) -> std::path::PathBuf {
        std::env::temp_dir().join(format!("xtask-{name}-{}.log", std::process::id()))
    }

    #[test]
    fn stop_ends_a_program_and_its_children() {
        let log = scratch("stop");
        let mut command = Command::new("sh");
        command.args(["-c", "sleep 600 & sleep 600"]);
        let group = start(&mut command, "sleepers", &log).unwrap();
        assert!(group.is_alive());
        stop(std::slice::from_ref(&group)).unwrap();
        assert!(!group.is_alive());
        std::fs::remove_file(log).unwrap();
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn another_process_with_a_recycled_id_is_not_ours() {
        let log = scratch("recycled");
        let group = start(Command::new("sleep").arg("600"), "sleeper", &log).unwrap();
        let earlier = Group { began: group.began.map(|ticks| ticks - 1), ..group.clone() };
        assert!(!earlier.is_alive());
        stop(&[earlier]).unwrap();
        assert!(group.is_alive());
        stop(&[group]).unwrap();
        std::fs::remove_file(log).unwrap();
    }

    #[test]
    fn a_failing_program_shows_the_end_of_its_output() {
        let log = scratch("failing");
        let mut command = Command::new("sh");
        command.args(["-c", "echo first; echo last >&2; exit 3"]);
        let failure = run(&mut command, "the program", &log, &|_| (), "read it").unwrap_err();
        assert_eq!(
            failure,
            Failure::new(
                format!("the program ended with exit status: 3; the end of {}:\n  | first\n  | last", log.display()),
                "read it"
            )
        );
        std::fs::remove_file(log).unwrap();
    }

    #[test]
    fn a_command_name_with_parentheses_is_read_past() {
        let stat = "7 (a) b (c)) S 1 5 5 0 -1 4 0 0 0 0 0 0 0 0 20 0 1 0 4242 0";
        let process = parse_stat(7, stat).unwrap();
        assert_eq!((process.group, process.began, process.is_zombie), (5, 4242, false));
    }
}
