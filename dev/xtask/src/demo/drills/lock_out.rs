//! What wrong passwords do to a user whom nobody has disabled.

use serde_json::json;

use super::hold::HOLD;
use super::withdrawn::stopped_before_the_money;
use crate::demo::stage::{Somebody, Stage};
use crate::failure::Failure;
use crate::lab::Lab;

/// The realm locks a user out after five.
const WRONG_PASSWORDS: usize = 6;
/// Whether that lasts until an administrator says otherwise.
const FOR_GOOD: &str = "permanentLockout";
/// How many milliseconds lie between two tries at least.
const TOO_QUICK: &str = "quickLoginCheckMilliSeconds";

/// What a stranger does who knows the user's name.
fn try_wrong_passwords(lab: &Lab, somebody: &Somebody) -> Result<(), Failure> {
    for _ in 0..WRONG_PASSWORDS {
        if lab.keycloak().access_token(&somebody.name, "a wrong password").is_ok() {
            return Err(Failure::new("a wrong password was taken", "see the realm's user"));
        }
    }
    Ok(())
}

/// Plays on a realm that locks out for good.
fn for_good(stage: &mut Stage<'_>, play: impl FnOnce(&mut Stage<'_>) -> Result<(), Failure>) -> Result<(), Failure> {
    // Tries that follow each other too quickly lock out for a while, whatever the realm does otherwise.
    let settings = [(FOR_GOOD, json!(true), json!(false)), (TOO_QUICK, json!(0), json!(1000))];
    for (setting, during, _) in &settings {
        stage.lab.admin()?.set_realm(setting, during)?;
    }
    let told = play(stage);
    for (setting, _, usual) in &settings {
        stage.lab.admin()?.set_realm(setting, usual)?;
    }
    told
}

pub(super) fn locked_out(stage: &mut Stage<'_>) -> Result<(), Failure> {
    let somebody = stage.somebody("wendy", &[])?;
    let payment = stage.start_held(&somebody, 1, HOLD)?;
    stage.while_held(&payment, "a stranger tries wrong passwords", |lab| try_wrong_passwords(lab, &somebody))?;
    let status = stage.lab.admin()?.get(&format!("attack-detection/brute-force/users/{}", somebody.id))?;
    stage.compare(
        "whether she is locked out",
        &status.get("disabled").cloned().unwrap_or_default().to_string(),
        "true",
    );
    stage.never_denied(&payment)
}

pub(super) fn locked_out_for_good(stage: &mut Stage<'_>) -> Result<(), Failure> {
    for_good(stage, |stage| {
        let somebody = stage.somebody("xavier", &[])?;
        let payment = stage.start_held(&somebody, 1, HOLD)?;
        stage.while_held(&payment, "a stranger tries wrong passwords", |lab| try_wrong_passwords(lab, &somebody))?;
        stopped_before_the_money(stage, &payment, "user_disabled")
    })
}

pub(super) fn read_at_once(stage: &mut Stage<'_>) -> Result<(), Failure> {
    for_good(stage, |stage| {
        // Branches share a renewal of what is old; what each is denied, each asks about.
        let somebody = stage.somebody("yolanda", &["payment:screen"])?;
        let payment = stage.start_held(&somebody, 10, HOLD)?;
        stage.while_held(&payment, "payment:screen is granted", |lab| {
            lab.admin()?.grant(&somebody.id, &["payment:screen"])
        })?;
        let asks = ["ScreenPayment deny missing_role", "Reconsider ScreenPayment undecided user_locked_out"];
        stage.ends_well(&payment, &asks)
    })
}
