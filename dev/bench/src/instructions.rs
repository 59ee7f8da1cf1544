//! Instructions that a call takes, counted by valgrind: the same on an idle and on a busy machine.
//!
//! A program counts itself. It starts itself anew under valgrind, which counts only inside `counted_calls` and writes one
//! file for each time that function returns.

use std::env;
use std::fs;
use std::hint::black_box;
use std::io::{self, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};

/// `counted_calls`, as valgrind names it. Of two options with one pattern valgrind hears one, so that it is the whole name.
const COUNTED: &str = "bench::instructions::counted_calls";
/// A call's cost differs by where the allocator finds room.
const CALLS: u32 = 16;

/// Counts this call under that name; in a program that [`of_this_program`] has started.
///
/// As many calls before those are not counted: what is made once for all is made then, and the allocator's lists are filled.
///
/// # Errors
/// Nobody reads the names.
pub fn count<T>(name: &str, mut call: impl FnMut() -> T) -> io::Result<()> {
    let mut call = || {
        black_box(call());
    };
    for _ in 0..CALLS {
        call();
    }
    counted_calls(&mut call);
    writeln!(io::stdout(), "{name}")
}

/// A function of its own by this name, whatever the optimizer would like.
#[inline(never)]
fn counted_calls(call: &mut dyn FnMut()) {
    for _ in 0..CALLS {
        call();
    }
}

/// Starts this program under valgrind with that argument; answers names and instructions a call, in the order of counting.
///
/// # Errors
/// Valgrind cannot be started or ends badly, or what it writes is not understood.
pub fn of_this_program(argument: &str, directory: &Path) -> io::Result<Vec<(String, f64)>> {
    let output = directory.join("callgrind.out");
    let mut valgrind = Command::new("valgrind");
    valgrind.args(["--tool=callgrind", "--quiet", "--collect-atstart=no"]);
    valgrind.args([format!("--toggle-collect={COUNTED}"), format!("--dump-after={COUNTED}")]);
    valgrind.arg(format!("--callgrind-out-file={}", output.display()));
    let ended = valgrind.arg(env::current_exe()?).arg(argument).stderr(Stdio::inherit()).output()?;
    if !ended.status.success() {
        return Err(io::Error::other(format!("valgrind ended with {}", ended.status)));
    }
    let names = String::from_utf8_lossy(&ended.stdout);
    let counts = names.lines().zip(1..).map(|(name, number)| {
        let path = output.with_extension(format!("out.{number}"));
        let text = fs::read_to_string(&path)?;
        let total = total(&text).ok_or_else(|| io::Error::other(format!("no count in {}", path.display())))?;
        fs::remove_file(path)?;
        Ok((name.to_owned(), total / f64::from(CALLS)))
    });
    counts.collect()
}

/// `totals: 1234`; nothing was counted where it is 0, since a call takes some.
fn total(text: &str) -> Option<f64> {
    let totals = text.lines().find_map(|line| line.strip_prefix("totals: "))?;
    totals.trim().parse().ok().filter(|total| *total > 0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_count_is_read_from_the_total_and_none_is_no_count() {
        assert_eq!(total("version: 1\nevents: Ir\nfn=(1) f\n1 2\ntotals: 1600\n"), Some(1600.0));
        assert_eq!(total("events: Ir\ntotals: 0\n"), None);
        assert_eq!(total("events: Ir\n"), None);
    }
}
