//! Time as an argument: this crate reads no clock.

use std::fmt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The last second that is taken for a time: 9999-12-31T23:59:59Z.
const LAST: i64 = 253_402_300_799;

/// Seconds since 1970-01-01T00:00:00Z, whole, from 0 to the end of year 9999 (RFC 7519 §2, NumericDate).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UnixTime(i64);

/// The clock stands outside the years 1970 to 9999.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClockError;

impl fmt::Display for ClockError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the clock stands outside the years 1970 to 9999")
    }
}

impl std::error::Error for ClockError {}

impl UnixTime {
    /// The last one.
    pub(crate) const LAST: Self = Self(LAST);

    /// A time from whole seconds; none outside the years 1970 to 9999.
    pub fn from_seconds(seconds: i64) -> Option<Self> {
        (0..=LAST).contains(&seconds).then_some(Self(seconds))
    }

    /// A time from the system's clock, which the caller has read.
    ///
    /// # Errors
    /// [`ClockError`] if that clock stands before 1970 or after 9999.
    pub fn from_system_time(time: SystemTime) -> Result<Self, ClockError> {
        let seconds = time.duration_since(UNIX_EPOCH).map_err(|_| ClockError)?.as_secs();
        i64::try_from(seconds).ok().and_then(Self::from_seconds).ok_or(ClockError)
    }

    /// Whole seconds since 1970.
    pub fn seconds(self) -> i64 {
        self.0
    }

    /// This time and that much later, at most the end of year 9999.
    pub fn plus(self, duration: Duration) -> Self {
        let seconds = i64::try_from(duration.as_secs()).unwrap_or(LAST);
        Self(self.0.saturating_add(seconds).min(LAST))
    }

    /// How many seconds this time is after `earlier`; negative if it is before.
    pub fn seconds_since(self, earlier: Self) -> i64 {
        self.0 - earlier.0
    }
}

/// Milliseconds since 1970-01-01T00:00:00Z, to the end of year 9999: for the order of lines in a log. Nothing is decided on
/// it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct UnixMillis(i64);

impl UnixMillis {
    /// A time from milliseconds; none outside the years 1970 to 9999.
    pub fn from_milliseconds(milliseconds: i64) -> Option<Self> {
        UnixTime::from_seconds(milliseconds.div_euclid(1000)).map(|_| Self(milliseconds))
    }

    /// A time from the system's clock, which the caller has read.
    ///
    /// # Errors
    /// [`ClockError`] if that clock stands before 1970 or after 9999.
    pub fn from_system_time(time: SystemTime) -> Result<Self, ClockError> {
        let milliseconds = time.duration_since(UNIX_EPOCH).map_err(|_| ClockError)?.as_millis();
        i64::try_from(milliseconds).ok().and_then(Self::from_milliseconds).ok_or(ClockError)
    }

    /// Milliseconds since 1970.
    pub fn milliseconds(self) -> i64 {
        self.0
    }
}

impl fmt::Display for UnixTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

impl fmt::Debug for UnixTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "UnixTime({})", self.0)
    }
}
