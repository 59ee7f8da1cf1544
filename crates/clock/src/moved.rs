//! A clock that a file moves: for tests of what runs in a process of its own.

use std::ffi::OsStr;

use claim_guard::UnixTime;
use claim_guard::unix_time::{ClockError, UnixMillis};

/// The environment variable that names the file.
pub(crate) const FILE: &str = "MOVED_CLOCK_FILE";

/// The time, later by the whole number of seconds that stands in the file; a negative one makes it earlier. The file is
/// read each time. Where no file is named, nothing is moved.
///
/// # Errors
/// [`ClockError`] for a file that cannot be read or holds no such number: a test that wants another time must not go on
/// with this one.
pub(crate) fn moved(time: UnixTime, file: Option<&OsStr>) -> Result<UnixTime, ClockError> {
    let Some(file) = file else { return Ok(time) };
    let text = std::fs::read_to_string(file).map_err(|_| ClockError)?;
    let seconds: i64 = text.trim().parse().map_err(|_| ClockError)?;
    time.seconds().checked_add(seconds).and_then(UnixTime::from_seconds).ok_or(ClockError)
}

/// The same of a time in milliseconds.
///
/// # Errors
/// Those of [`moved`].
pub(crate) fn moved_precisely(time: UnixMillis, file: Option<&OsStr>) -> Result<UnixMillis, ClockError> {
    let second = UnixTime::from_seconds(time.milliseconds().div_euclid(1000)).ok_or(ClockError)?;
    let seconds = moved(second, file)?.seconds();
    let milliseconds = seconds.checked_mul(1000).and_then(|all| all.checked_add(time.milliseconds().rem_euclid(1000)));
    milliseconds.and_then(UnixMillis::from_milliseconds).ok_or(ClockError)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use std::path::PathBuf;
    use std::process::Command;

    use super::*;

    const HOUR: i64 = 3600;

    fn time(seconds: i64) -> UnixTime {
        UnixTime::from_seconds(seconds).unwrap()
    }

    /// A file of that name with that text.
    fn file(name: &str, text: &str) -> PathBuf {
        let path = std::env::temp_dir().join(format!("moved-clock-{}-{name}", std::process::id()));
        std::fs::write(&path, text).unwrap();
        path
    }

    #[track_caller]
    fn check(name: &str, text: &str, expected: Result<i64, ClockError>) {
        let file = file(name, text);
        let moved = moved(time(HOUR), Some(file.as_os_str())).map(UnixTime::seconds);
        std::fs::remove_file(file).unwrap();
        assert_eq!(moved, expected, "{text:?}");
    }

    #[test]
    fn a_number_of_seconds_moves_the_clock_both_ways() {
        check("later", "86400", Ok(HOUR + 86_400));
        check("earlier", "-60\n", Ok(HOUR - 60));
        check("nowhere", "0", Ok(HOUR));
    }

    #[test]
    fn milliseconds_are_moved_by_whole_seconds() {
        let file = file("precisely", "-60");
        let precisely = UnixMillis::from_milliseconds(HOUR * 1000 + 7).unwrap();
        let moved = moved_precisely(precisely, Some(file.as_os_str())).map(UnixMillis::milliseconds);
        std::fs::remove_file(file).unwrap();
        assert_eq!(moved, Ok((HOUR - 60) * 1000 + 7));
    }

    #[test]
    fn a_clock_that_nobody_moves_shows_the_systems_time() {
        assert_eq!(moved(time(HOUR), None), Ok(time(HOUR)));
    }

    #[test]
    fn a_file_that_says_nothing_stops_the_clock_instead_of_leaving_it() {
        for (name, text) in [("empty", ""), ("word", "tomorrow"), ("fraction", "1.5"), ("huge", "9223372036854775807")]
        {
            check(name, text, Err(ClockError));
        }
        let precisely = UnixMillis::from_milliseconds(HOUR * 1000 + 7).unwrap();
        assert_eq!(moved_precisely(precisely, Some(OsStr::new("/nowhere/at/all"))), Err(ClockError));
        check("before-1970", "-3601", Err(ClockError));
        assert_eq!(moved(time(HOUR), Some(OsStr::new("/nowhere/at/all"))), Err(ClockError));
    }

    /// Both tests are this one: alone it is a clock that answers; started by the other it shows what its environment says.
    #[test]
    fn shows_the_time() {
        println!("now={}", crate::now().unwrap().seconds());
    }

    #[test]
    fn a_process_whose_environment_names_a_file_is_moved() {
        let file = file("process", "86400");
        let mut shown = Command::new(std::env::current_exe().unwrap());
        shown.args(["--exact", "moved::tests::shows_the_time", "--nocapture"]).env(FILE, &file);
        let output = String::from_utf8(shown.output().unwrap().stdout).unwrap();
        std::fs::remove_file(file).unwrap();
        let shown = output.split("now=").nth(1).and_then(|rest| rest.lines().next()).unwrap();
        let ahead = shown.parse::<i64>().unwrap() - crate::now().unwrap().seconds();
        // A second may pass between the two readings, and a busy machine may take some.
        assert!((86_400 - 60..=86_400).contains(&ahead), "{ahead}");
    }
}
