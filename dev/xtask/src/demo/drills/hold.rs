//! How long a payment is held, in seconds, for something to happen meanwhile.

/// How long a payment is held for something to happen to its user.
pub(super) const HOLD: u64 = 6;
/// How long a payment is held for a session to be idle for too long.
pub(super) const HOLD_UNTIL_IDLE: u64 = 20;
/// How long a payment is held for its statement to outlive the 30 s that ScreenPayment allows.
pub(super) const HOLD_UNTIL_OLD: u64 = 35;
/// How long a payment is held that is stopped meanwhile.
pub(super) const HOLD_UNTIL_STOPPED: u64 = 75;
