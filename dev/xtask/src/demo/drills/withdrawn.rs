//! What is taken from a user, or given, while a payment waits.

use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

use super::hold::{HOLD, HOLD_UNTIL_IDLE, HOLD_UNTIL_OLD};
use crate::demo::signing::payload;
use crate::demo::stage::Stage;
use crate::failure::{Failure, OrFailure};

pub(super) fn role_removed(stage: &mut Stage<'_>) -> Result<(), Failure> {
    let somebody = stage.somebody("frank", &[])?;
    let payment = stage.start_held(&somebody, 1, HOLD)?;
    stage.while_held(&payment, "payment:execute is taken away", |lab| {
        lab.admin()?.remove(&somebody.id, &["payment:execute"])
    })?;
    stage.history(
        &payment,
        &[
            "ReceiveIdentity",
            "ReadParties",
            "HoldPayment",
            "Look before ScreenParties",
            "ScreenParties",
            "ApprovePayment",
            "Revalidate ExecutePayment",
            "ExecutePayment",
            "✘ ClaimGuard.Denied",
            "Reconsider ExecutePayment",
            "✘ ClaimGuard.Denied",
            "IdentityDenied",
            "FAILED ClaimGuard.Denied",
        ],
    )?;
    stage.audit_of(
        &payment,
        &[
            "Before start allow",
            "start allow",
            "ScreenPayment allow",
            "ApprovePayment allow",
            "Revalidate ExecutePayment allow role_lost",
            "ExecutePayment deny missing_role",
            "Reconsider ExecutePayment deny denied_again",
        ],
    )
}

pub(super) fn role_granted(stage: &mut Stage<'_>) -> Result<(), Failure> {
    let somebody = stage.somebody("grace", &["payment:approve"])?;
    let payment = stage.start_held(&somebody, 1, HOLD)?;
    stage.while_held(&payment, "payment:approve is granted", |lab| {
        lab.admin()?.grant(&somebody.id, &["payment:approve"])
    })?;
    stage.history(
        &payment,
        &[
            "ReceiveIdentity",
            "ReadParties",
            "HoldPayment",
            "Look before ScreenParties",
            "ScreenParties",
            "ApprovePayment",
            "✘ ClaimGuard.Denied",
            "Reconsider ApprovePayment",
            "ApprovePayment",
            "Revalidate ExecutePayment",
            "ExecutePayment",
            "PaymentExecuted",
            "SUCCEEDED",
        ],
    )?;
    stage.audit_of(
        &payment,
        &[
            "Before start allow",
            "start allow",
            "ScreenPayment allow",
            "ApprovePayment deny missing_role",
            "Reconsider ApprovePayment allow role_gained",
            "ApprovePayment allow",
            "Revalidate ExecutePayment allow",
            "ExecutePayment allow",
        ],
    )
}

/// The rest of a payment whose user Keycloak vouches for no more, for these reasons.
pub(super) fn stopped_before_the_money(stage: &mut Stage<'_>, payment: &str, reasons: &str) -> Result<(), Failure> {
    stage.history(
        payment,
        &[
            "ReceiveIdentity",
            "ReadParties",
            "HoldPayment",
            "Look before ScreenParties",
            "ScreenParties",
            "ApprovePayment",
            "Revalidate ExecutePayment",
            "✘ ClaimGuard.Denied",
            "IdentityDenied",
            "FAILED ClaimGuard.Denied",
        ],
    )?;
    stage.audit_of(
        payment,
        &[
            "Before start allow",
            "start allow",
            "ScreenPayment allow",
            "ApprovePayment allow",
            &format!("Revalidate ExecutePayment deny {reasons}"),
        ],
    )
}

pub(super) fn user_disabled(stage: &mut Stage<'_>) -> Result<(), Failure> {
    let somebody = stage.somebody("heidi", &[])?;
    let payment = stage.start_held(&somebody, 1, HOLD)?;
    stage.while_held(&payment, "the user is disabled", |lab| lab.admin()?.set_enabled(&somebody.id, false))?;
    stopped_before_the_money(stage, &payment, "user_disabled")
}

pub(super) fn user_deleted(stage: &mut Stage<'_>) -> Result<(), Failure> {
    let somebody = stage.somebody("ivan", &[])?;
    let payment = stage.start_held(&somebody, 1, HOLD)?;
    stage.while_held(&payment, "the user is deleted", |lab| lab.admin()?.delete_user(&somebody.id))?;
    stopped_before_the_money(stage, &payment, "user_deleted session_ended")
}

pub(super) fn logged_out(stage: &mut Stage<'_>) -> Result<(), Failure> {
    let somebody = stage.somebody("judy", &[])?;
    let payment = stage.start_held(&somebody, 1, HOLD)?;
    stage.while_held(&payment, "the user logs out", |lab| lab.keycloak().log_out(&somebody.tokens))?;
    stopped_before_the_money(stage, &payment, "session_ended")
}

pub(super) fn logged_out_before(stage: &mut Stage<'_>) -> Result<(), Failure> {
    let somebody = stage.somebody("judith", &[])?;
    let whose = format!("token of {}", somebody.name);
    let (token, key) = (&somebody.tokens.access, format!("order of {}", somebody.name));
    let began = stage.start_keyed(&whose, token, &key, 202)?;
    stage.outcome(&began, "SUCCEEDED")?;

    stage.lab.keycloak().log_out(&somebody.tokens)?;
    stage.say("The user logs out. The access token is good for minutes still, and the door cannot know.");
    stage.start_payment(&whose, token, 403)?;
    stage.say("What the same key began before the log-out is the user's all the same.");
    let again = stage.start_keyed(&whose, token, &key, 202)?;
    let began = stage.execution(&began).unwrap_or_default();
    stage.compare("the execution", &stage.execution(&again).unwrap_or_default(), &began);
    let named = stage.starts_of(
        &somebody,
        &[
            "Before start allow",
            "start allow",
            "Before start deny session_ended",
            "start deny session_ended",
            "Before start deny session_ended",
            "start allow",
        ],
    )?;
    let there: Vec<&str> =
        named.iter().map(String::as_str).filter(|execution| stage.lab.execution(execution).is_ok()).collect();
    stage.compare("the executions that are there", &there.join(" "), &began);
    Ok(())
}

pub(super) fn client_revoked(stage: &mut Stage<'_>) -> Result<(), Failure> {
    let somebody = stage.somebody_in_two_clients("peggy", "statement-app")?;
    let payment = stage.start_held(&somebody, 1, HOLD)?;
    stage
        .while_held(&payment, "the client's refresh token is revoked", |lab| lab.keycloak().revoke(&somebody.tokens))?;
    stopped_before_the_money(stage, &payment, "client_session_ended")
}

pub(super) fn session_idle(stage: &mut Stage<'_>) -> Result<(), Failure> {
    const TIMEOUT: &str = "ssoSessionIdleTimeout";
    let usual = stage.lab.admin()?.get("")?.get(TIMEOUT).cloned().unwrap_or_default();
    stage.lab.admin()?.set_realm(TIMEOUT, &json!(5))?;
    let told = left_idle(stage);
    stage.lab.admin()?.set_realm(TIMEOUT, &usual)?;
    told
}

fn left_idle(stage: &mut Stage<'_>) -> Result<(), Failure> {
    let somebody = stage.somebody("rupert", &[])?;
    let payment = stage.start_held(&somebody, 1, HOLD_UNTIL_IDLE)?;
    stopped_before_the_money(stage, &payment, "session_ended")
}

pub(super) fn realm_not_before(stage: &mut Stage<'_>) -> Result<(), Failure> {
    let somebody = stage.somebody("mallory", &[])?;
    let payment = stage.start_held(&somebody, 1, HOLD)?;
    let issued_at = payload(&somebody.tokens.access)?.get("iat").and_then(Value::as_u64).unwrap_or_default();
    let told = stage.while_held(&payment, "the realm's not-before is raised to now", |lab| {
        let mut now = unix_seconds()?;
        // A token of the same second survives.
        while now <= issued_at {
            thread::sleep(Duration::from_millis(50));
            now = unix_seconds()?;
        }
        lab.admin()?.set_realm_not_before(now)?;
        // Revalidation's own access token is of before, too. Keycloak would refuse it, and a new one would be asked for.
        lab.cold_start("revalidation")
    });
    let told = told.and_then(|()| stopped_before_the_money(stage, &payment, "realm_not_before"));
    stage.lab.admin()?.set_realm_not_before(0)?;
    told
}

fn unix_seconds() -> Result<u64, Failure> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).or_failure("read the clock", "set the clock")?;
    Ok(now.as_secs())
}

pub(super) fn flag_false(stage: &mut Stage<'_>) -> Result<(), Failure> {
    let somebody = stage.somebody("niaj", &[])?;
    let payment = stage.start_held(&somebody, 1, HOLD_UNTIL_OLD)?;
    stage.while_held(&payment, "compliance.aml turns false", |lab| {
        lab.admin()?.set_attribute(&somebody.id, "compliance_aml", &["false"])
    })?;
    stage.history(
        &payment,
        &[
            "ReceiveIdentity",
            "ReadParties",
            "HoldPayment",
            "Look before ScreenParties",
            "Revalidate ScreenParties",
            "ScreenParties",
            "✘ ClaimGuard.Denied",
            "✘ ClaimGuard.Denied",
            "IdentityDenied",
            "FAILED ClaimGuard.Denied",
        ],
    )?;
    stage.audit_of(
        &payment,
        &[
            "Before start allow",
            "start allow",
            "Revalidate ScreenPayment allow claim_changed",
            "ScreenPayment deny claim_unmet",
            "Reconsider ScreenPayment deny denied_again",
        ],
    )
}
