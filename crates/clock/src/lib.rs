//! The one place where a Lambda reads the time.
//!
//! Whoever decides takes the time as an argument; whoever is asked by Lambda takes it from here. No setting of a deployed
//! function moves it: what does stands behind the feature `moved`, which nothing that ships has.

/// Time as a test wants it.
#[cfg(any(test, feature = "moved"))]
mod moved;

use std::time::SystemTime;

use claim_guard::UnixTime;
use claim_guard::unix_time::{ClockError, UnixMillis};

/// The time now, in whole seconds: what is decided on.
///
/// # Errors
/// [`ClockError`] if the system's clock stands before 1970 or after 9999.
pub fn now() -> Result<UnixTime, ClockError> {
    let now = UnixTime::from_system_time(SystemTime::now())?;
    #[cfg(any(test, feature = "moved"))]
    let now = moved::moved(now, std::env::var_os(moved::FILE).as_deref())?;
    Ok(now)
}

/// The time now, in milliseconds: when a line is written.
///
/// # Errors
/// [`ClockError`] if the system's clock stands before 1970 or after 9999.
pub fn precisely() -> Result<UnixMillis, ClockError> {
    let now = UnixMillis::from_system_time(SystemTime::now())?;
    #[cfg(any(test, feature = "moved"))]
    let now = moved::moved_precisely(now, std::env::var_os(moved::FILE).as_deref())?;
    Ok(now)
}
