//! Tokens that are worth nothing where they are presented.

use std::time::Duration;

use serde_json::{Value, json};

use super::hold::{HOLD, HOLD_UNTIL_STOPPED};
use crate::demo::signing::{payload, signed_anew, token_of};
use crate::demo::stage::{Somebody, Stage};
use crate::failure::Failure;
use crate::lab::Lab;

pub(super) fn redriven(stage: &mut Stage<'_>) -> Result<(), Failure> {
    let somebody = stage.somebody("peggy", &[])?;
    let payment = stage.start_held(&somebody, 1, HOLD_UNTIL_STOPPED)?;
    stage.while_held(&payment, "nothing happens but time", |_| Ok(()))?;
    stop(stage, &payment, &somebody)?;
    stage.history(&payment, &["ReceiveIdentity", "ReadParties", "HoldPayment", "ABORTED"])?;
    stage.say("Then the payment is redriven. No emulator has redrive, so its steps are called as Step Functions would");
    stage.say("call them, with a redrive count of 1. What was stopped stays stopped.");
    let guarded = with(event(stage.lab, &payment, "ApprovePayment")?, "input", json!({"project_id": "apollo"}));
    let guarded = with(guarded, "work", json!(""));
    expect_error(stage, "ApprovePayment", &guarded, "ClaimGuard.IdentityExpired")?;
    let renew = json!({"state": "ApprovePayment", "cause": "expired"});
    let renewal = with(event(stage.lab, &payment, "Revalidate ApprovePayment")?, "renew", renew);
    expect_error(stage, "Revalidation", &renewal, "ClaimGuard.Denied")?;
    stage.audit_of(
        &payment,
        &[
            "Before start allow",
            "start allow",
            "stop allow",
            "ApprovePayment identity_expired redriven",
            "Revalidate ApprovePayment deny execution_stopped",
        ],
    )
}

pub(super) fn out_of_history(stage: &mut Stage<'_>) -> Result<(), Failure> {
    let somebody = stage.somebody("heidi", &[])?;
    let ended = stage.start_held(&somebody, 1, 0)?;
    stage.lab.outcome(&ended, Duration::from_secs(60))?;
    let stopped = stage.start_held(&somebody, 1, HOLD_UNTIL_STOPPED)?;
    stage.while_held(&stopped, "nothing happens", |_| Ok(()))?;
    stop(stage, &stopped, &somebody)?;
    let running = stage.start_held(&somebody, 1, HOLD)?;
    stage.say(
        "Somebody reads the histories of three payments: one that has ended, one that was stopped, one that runs.",
    );
    stage.say("He calls revalidation with their tokens, for the step that moves the money, before any of them is old.");
    let renew = json!({"state": "ExecutePayment", "cause": "expired"});
    let of = |stage: &Stage<'_>, payment: &str, redrives: u32| {
        let event = event_at(stage.lab, payment, "Revalidate ExecutePayment", redrives)?;
        Ok::<_, Failure>(with(event, "renew", renew.clone()))
    };
    let of_ended = of(stage, &ended, 0)?;
    expect_error(stage, "Revalidation", &of_ended, "ClaimGuard.Denied")?;
    let of_stopped = of(stage, &stopped, 0)?;
    expect_error(stage, "Revalidation", &of_stopped, "ClaimGuard.Denied")?;
    let of_running = of(stage, &running, 1)?;
    expect_error(stage, "Revalidation", &of_running, "ClaimGuard.Denied")?;
    stage.say("Nor does the token of one hold in the context of another.");
    let mixed = with(of_ended, "transactionToken", of_running.get("transactionToken").cloned().unwrap_or_default());
    expect_error(stage, "Revalidation", &mixed, "ClaimGuard.Rejected")?;
    let paid =
        ["ScreenPayment allow", "ApprovePayment allow", "Revalidate ExecutePayment allow", "ExecutePayment allow"];
    let told = |more: &[&'static str]| [&["Before start allow", "start allow"], more].concat();
    let of_ended =
        ["Revalidate ExecutePayment deny execution_over", "Revalidate ExecutePayment reject other_execution"];
    stage.audit_of(&ended, &told(&[&paid[..], &of_ended].concat()))?;
    stage.audit_of(&stopped, &told(&["stop allow", "Revalidate ExecutePayment deny execution_stopped"]))?;
    stage.lab.outcome(&running, Duration::from_secs(60))?;
    let of_running = ["Revalidate ExecutePayment deny other_redrive"];
    stage.audit_of(&running, &told(&[&of_running[..], &paid].concat()))
}

/// Stops a payment, as its starter may.
fn stop(stage: &mut Stage<'_>, payment: &str, somebody: &Somebody) -> Result<(), Failure> {
    let name = payment.rsplit(':').next().unwrap_or_default();
    let authorization = format!("Bearer {}", somebody.tokens.access);
    let headers = [("authorization", authorization.as_str())];
    let answer = stage.lab.request("DELETE", &format!("/workflows/payment/executions/{name}"), &headers, None)?;
    stage.compare("the answer to the stop", &answer.status.to_string(), "204");
    Ok(())
}

pub(super) fn replayed(stage: &mut Stage<'_>) -> Result<(), Failure> {
    let somebody = stage.somebody("rupert", &[])?;
    let earlier = stage.start_held(&somebody, 1, 0)?;
    stage.lab.outcome(&earlier, Duration::from_secs(60))?;
    let of_yesterday = yesterday(stage.lab, &token_of(stage.lab, &earlier)?)?;
    stage.say("A token of yesterday, signed by the stack's own key, is put into an execution of today.");
    let input = json!({
        "transactionToken": of_yesterday,
        "input": {"project_id": "apollo", "amount": 1200, "currency": "EUR", "parties": ["party-1"]},
    });
    let machine = stage.lab.physical_ids("AWS::StepFunctions::StateMachine").swap_remove(0);
    let request = json!({"stateMachineArn": machine, "input": input.to_string()});
    let started = stage.lab.aws().json("states", "AWSStepFunctions.StartExecution", &request)?;
    let today = started.get("executionArn").and_then(Value::as_str).unwrap_or_default().to_owned();
    stage.history(
        &today,
        &[
            "ReceiveIdentity",
            "ReadParties",
            "HoldPayment",
            "Look before ScreenParties",
            "ScreenParties",
            "✘ ClaimGuard.Rejected",
            "IdentityRejected",
            "FAILED ClaimGuard.Rejected",
        ],
    )?;
    stage.say("Nor does revalidation make anything of it.");
    let renew = json!({"state": "ScreenPayment", "cause": "expired"});
    let renewal = with(event(stage.lab, &today, "Revalidate ScreenPayment")?, "renew", renew);
    expect_error(stage, "Revalidation", &renewal, "ClaimGuard.Rejected")?;
    stage.audit_of(&today, &["ScreenPayment reject other_execution", "Revalidate ScreenPayment reject other_execution"])
}

/// The same token, made a day earlier.
fn yesterday(lab: &Lab, token: &str) -> Result<String, Failure> {
    let mut claims = payload(token)?;
    for time in ["/iat", "/exp", "/rctx/iat", "/tctx/started"] {
        if let Some(time) = claims.pointer_mut(time) {
            *time = json!(time.as_i64().unwrap_or_default().saturating_sub(24 * 60 * 60));
        }
    }
    signed_anew(lab, token, &claims)
}

/// An event of a state of an execution that was redriven once, with the token that the execution was started with.
fn event(lab: &Lab, execution: &str, state: &str) -> Result<Value, Failure> {
    event_at(lab, execution, state, 1)
}

fn event_at(lab: &Lab, execution: &str, state: &str, redrives: u32) -> Result<Value, Failure> {
    let (prefix, _) = execution.rsplit_once(':').unwrap_or_default();
    Ok(json!({
        "transactionToken": token_of(lab, execution)?,
        "context": {
            "execution": execution,
            "stateMachine": prefix.replace(":execution:", ":stateMachine:"),
            "state": state, "redriveCount": redrives, "retryCount": 0,
        },
    }))
}

/// A payload with one member more.
fn with(mut payload: Value, name: &str, member: Value) -> Value {
    if let Some(members) = payload.as_object_mut() {
        members.insert(name.to_owned(), member);
    }
    payload
}

fn expect_error(stage: &mut Stage<'_>, function: &str, event: &Value, told: &str) -> Result<(), Failure> {
    let invocation = stage.lab.invoke(function, event)?;
    let seen = invocation.payload.get("errorType").and_then(Value::as_str).unwrap_or("no error").to_owned();
    stage.say(&format!("{function} answers: {}", if invocation.failed { &seen } else { "success" }));
    stage.compare("the answer", &seen, told);
    Ok(())
}
