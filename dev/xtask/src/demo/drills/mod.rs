//! The drills: something happens to an identity while a workflow runs, on a real Keycloak and a real interpreter. Each says
//! the whole history that the execution has to have, and every decision.

/// What wrong passwords do to a user whom nobody has disabled.
mod lock_out;
/// What Keycloak is asked, and with which keys, while much happens at once or nothing answers.
mod outage;
/// What is taken from a user, or given, while a payment waits.
mod withdrawn;
/// Tokens that are worth nothing where they are presented.
mod worthless;

use super::{Part, Scene};

/// All drills.
pub(super) const DRILLS: &[Scene] = &[
    Scene {
        name: "role-removed",
        title: "a role is taken away while the payment waits: the money does not move",
        part: Part::LongDrill,
        play: withdrawn::role_removed,
    },
    Scene {
        name: "role-granted",
        title: "a role is granted while the payment waits: denied at first, then passed",
        part: Part::ShortDrill,
        play: withdrawn::role_granted,
    },
    Scene {
        name: "user-disabled",
        title: "the user is disabled while the payment waits: the money does not move",
        part: Part::ShortDrill,
        play: withdrawn::user_disabled,
    },
    Scene {
        name: "user-deleted",
        title: "the user is deleted while the payment waits: the money does not move",
        part: Part::LongDrill,
        play: withdrawn::user_deleted,
    },
    Scene {
        name: "logged-out",
        title: "the user logs out while the payment waits, and the workflow requires the session",
        part: Part::LongDrill,
        play: withdrawn::logged_out,
    },
    Scene {
        name: "client-revoked",
        title: "the refresh token is revoked while another client keeps the session, which the workflow requires",
        part: Part::LongDrill,
        play: withdrawn::client_revoked,
    },
    Scene {
        name: "session-idle",
        title: "nobody uses the session until it is idle for too long, and the workflow requires it",
        part: Part::LongDrill,
        play: withdrawn::session_idle,
    },
    Scene {
        name: "locked-out",
        title: "a stranger tries wrong passwords until the user is locked out for a while: the payment goes on",
        part: Part::LongDrill,
        play: lock_out::locked_out,
    },
    Scene {
        name: "locked-out-for-good",
        title: "the realm locks out for good, and a stranger tries wrong passwords: the user is disabled",
        part: Part::LongDrill,
        play: lock_out::locked_out_for_good,
    },
    Scene {
        name: "read-at-once",
        title: "the realm locks out for good, and ten branches ask about the user at once: nobody takes him for disabled",
        part: Part::LongDrill,
        play: lock_out::read_at_once,
    },
    Scene {
        name: "realm-not-before",
        title: "the realm's not-before is raised while the payment waits: no token of before counts",
        part: Part::LongDrill,
        play: withdrawn::realm_not_before,
    },
    Scene {
        name: "flag-false",
        title: "compliance.aml turns false while the payment waits: the screening sees it",
        part: Part::LongDrill,
        play: withdrawn::flag_false,
    },
    Scene {
        name: "keycloak-down",
        title: "Keycloak is down when it is asked, and back after 20 seconds: the payment waits and goes on",
        part: Part::LongDrill,
        play: outage::keycloak_down,
    },
    Scene {
        name: "keys-rotated",
        title: "Keycloak's key and the KMS key are rotated while the payment waits: it goes on",
        part: Part::LongDrill,
        play: outage::keys_rotated,
    },
    Scene {
        name: "redriven",
        title: "a payment that was stopped is redriven: its statement has expired, and there is no new one",
        part: Part::LongDrill,
        play: worthless::redriven,
    },
    Scene {
        name: "out-of-history",
        title: "tokens out of the histories of a payment that ended, one that was stopped and one that runs renew nothing",
        part: Part::ShortDrill,
        play: worthless::out_of_history,
    },
    Scene {
        name: "ten-branches",
        title: "ten branches would grow old together: Keycloak is asked once for all of them",
        part: Part::LongDrill,
        play: outage::ten_branches,
    },
    Scene {
        name: "replayed",
        title: "a transaction token of yesterday in today's execution of the same machine proves nothing",
        part: Part::LongDrill,
        play: worthless::replayed,
    },
];

/// How long a payment is held for something to happen to its user.
const HOLD: u64 = 6;
/// How long a payment is held for a session to be idle for too long.
const HOLD_UNTIL_IDLE: u64 = 20;
/// How long a payment is held for its statement to outlive the 30 s that ScreenPayment allows.
const HOLD_UNTIL_OLD: u64 = 35;
/// How long a payment is held that is stopped meanwhile.
const HOLD_UNTIL_STOPPED: u64 = 75;
