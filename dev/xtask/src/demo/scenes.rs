//! The story of the main job. Each scene says in code what has to happen; anything else makes the demo fail.

use std::thread;
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::scene::{Part, Scene};
use super::stage::Stage;
use crate::failure::{Failure, OrFailure};
use crate::lab::Lab;

/// The story of the main job.
pub(super) const STORY: &[Scene] = &[
    Scene {
        name: "complete",
        title: "alice holds every role and flag: her payment is screened, approved and executed",
        part: Part::Story,
        play: complete,
    },
    Scene {
        name: "no-start-role",
        title: "bob lacks the role payment:start: he is refused at the door",
        part: Part::Story,
        play: no_start_role,
    },
    Scene {
        name: "missing-flag",
        title: "carol may start, but compliance.kyc is false: she is stopped at ApprovePayment",
        part: Part::Story,
        play: missing_flag,
    },
    Scene {
        name: "other-project",
        title: "dave's project is another than the payment's: he is stopped at ExecutePayment",
        part: Part::Story,
        play: other_project,
    },
    Scene {
        name: "forged-token",
        title: "bob writes the missing role into his own token: it proves nothing any more",
        part: Part::Story,
        play: forged_token,
    },
    Scene {
        name: "keycloak-stopped",
        title: "Keycloak is down: the money under way waits, nothing starts, a cold start cannot decide and says so",
        part: Part::Story,
        play: keycloak_stopped,
    },
];

/// How long the door may take to find Keycloak again: realm-keys asks at most once in 30 s for a key it has not got.
const HEALED_WITHIN: Duration = Duration::from_secs(45);

/// How long a payment is held for Keycloak to be stopped.
const HOLD: u64 = 6;

/// What revalidation says while Keycloak does not answer.
pub(super) const OUT_OF_REACH: &str = "Revalidate ExecutePayment undecided keycloak_unreachable";

/// The decisions on a payment that nothing stands against.
const EVERYTHING_ALLOWED: &[&str] = &[
    "door allow",
    "Before start allow",
    "start allow",
    "ScreenPayment allow",
    "ScreenPayment allow",
    "ApprovePayment allow",
    "Revalidate ExecutePayment allow",
    "ExecutePayment allow",
];

fn complete(stage: &mut Stage<'_>) -> Result<(), Failure> {
    let token = stage.lab.token("alice")?;
    let answer = stage.start_payment("token of alice", &token, 202)?;
    stage.outcome(&answer, "SUCCEEDED")?;
    stage.audit(EVERYTHING_ALLOWED)
}

fn no_start_role(stage: &mut Stage<'_>) -> Result<(), Failure> {
    let token = stage.lab.token("bob")?;
    stage.start_payment("token of bob", &token, 403)?;
    stage.audit(&["door deny none_of_roles"])
}

fn missing_flag(stage: &mut Stage<'_>) -> Result<(), Failure> {
    let token = stage.lab.token("carol")?;
    let answer = stage.start_payment("token of carol", &token, 202)?;
    stage.outcome(&answer, "FAILED ClaimGuard.Denied")?;
    stage.audit(&[
        "door allow",
        "Before start allow",
        "start allow",
        "ScreenPayment allow",
        "ScreenPayment allow",
        "ApprovePayment deny claim_unmet",
        // Keycloak says the same now as it did when she logged in.
        "Reconsider ApprovePayment allow",
        "ApprovePayment deny claim_unmet",
        "Reconsider ApprovePayment deny denied_again",
    ])
}

fn other_project(stage: &mut Stage<'_>) -> Result<(), Failure> {
    let token = stage.lab.token("dave")?;
    let answer = stage.start_payment("token of dave", &token, 202)?;
    stage.outcome(&answer, "FAILED ClaimGuard.Denied")?;
    stage.audit(&[
        "door allow",
        "Before start allow",
        "start allow",
        "ScreenPayment allow",
        "ScreenPayment allow",
        "ApprovePayment allow",
        "Revalidate ExecutePayment allow",
        "ExecutePayment deny claim_unmet",
        "Reconsider ExecutePayment deny denied_again",
    ])
}

fn forged_token(stage: &mut Stage<'_>) -> Result<(), Failure> {
    let token = with_start_role(&stage.lab.token("bob")?)?;
    stage.start_payment("token of bob, payload rewritten, signature kept", &token, 401)?;
    stage.audit(&["door reject bad_signature"])
}

fn keycloak_stopped(stage: &mut Stage<'_>) -> Result<(), Failure> {
    stage.say("alice logs in three times, so that no answer comes from API Gateway's cache.");
    let (first, second, third) = (stage.lab.token("alice")?, stage.lab.token("alice")?, stage.lab.token("alice")?);
    let waiting = stage.hold("first token of alice", &first, 2, HOLD)?;
    stage.while_held(&waiting, "Keycloak is stopped", Lab::stop_keycloak)?;
    stage.until_error(&waiting, "ClaimGuard.Undecided")?;
    stage.say("The money waits for an answer.");
    stage.audit(&[
        "door allow",
        "Before start allow",
        "start allow",
        "ScreenPayment allow",
        "ScreenPayment allow",
        "ApprovePayment allow",
        OUT_OF_REACH,
    ])?;

    stage.say("The functions that are warm know the realm's keys, and whether the caller's session is alive they cannot tell.");
    let before = stage.lab.executions()?.len();
    stage.start_payment("second token of alice", &second, 503)?;
    stage.audit(&[
        "door allow",
        "Before start undecided keycloak_unreachable",
        "start undecided revalidation_failed",
    ])?;
    stage.compare("executions that began", &(stage.lab.executions()?.len() - before).to_string(), "0");

    stage.lab.cold_start("authorizer")?;
    stage.say("The authorizer starts anew and cannot fetch the keys: no decision, so neither 401 nor 403.");
    stage.start_payment("third token of alice", &third, 500)?;
    stage.audit(&["door undecided keys_unreachable"])?;

    stage.lab.start_keycloak()?;
    stage.say("Keycloak is back. Nobody has to do anything.");
    stage.ends_well(&waiting, &[OUT_OF_REACH])?;
    let mut told = vec![OUT_OF_REACH];
    told.extend(EVERYTHING_ALLOWED.iter().filter(|decision| **decision != "door allow"));
    stage.audit_of(&waiting, &told)?;
    let deadline = Instant::now() + HEALED_WITHIN;
    while !opens(stage, &third)? && Instant::now() < deadline {
        thread::sleep(Duration::from_secs(1));
    }
    let answer = stage.start_payment("third token of alice", &third, 202)?;
    stage.outcome(&answer, "SUCCEEDED")
}

/// Whether the door lets this token in, seen on a payment that does not exist.
fn opens(stage: &Stage<'_>, token: &str) -> Result<bool, Failure> {
    let authorization = format!("Bearer {token}");
    let headers = [("authorization", authorization.as_str())];
    let answer = stage.lab.request("GET", "/workflows/payment/executions/none", &headers, None)?;
    Ok(answer.status != 500)
}

/// The token with the start role added to its payload, under the signature of the payload without it.
fn with_start_role(token: &str) -> Result<String, Failure> {
    let remedy = "see that the realm issues signed JWTs";
    let not_a_jwt = || Failure::new("Keycloak's access token is not a JWT", remedy);
    let mut parts = token.split('.');
    let (Some(header), Some(payload), Some(signature)) = (parts.next(), parts.next(), parts.next()) else {
        return Err(not_a_jwt());
    };
    let payload = URL_SAFE_NO_PAD.decode(payload).map_err(|_| not_a_jwt())?;
    let mut payload: Value = serde_json::from_slice(&payload).or_failure("read the token's payload", remedy)?;
    let roles = payload.pointer_mut("/resource_access/workflow-api/roles").and_then(Value::as_array_mut);
    roles.ok_or_else(not_a_jwt)?.push(json!("payment:start"));
    Ok(format!("{header}.{}.{signature}", URL_SAFE_NO_PAD.encode(payload.to_string())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_forged_token_differs_in_its_payload_only() {
        let payload = json!({"resource_access": {"workflow-api": {"roles": ["payment:audit"]}}});
        let token = format!("head.{}.sign", URL_SAFE_NO_PAD.encode(payload.to_string()));
        let forged = json!({"resource_access": {"workflow-api": {"roles": ["payment:audit", "payment:start"]}}});
        let expected = format!("head.{}.sign", URL_SAFE_NO_PAD.encode(forged.to_string()));
        assert_eq!(with_start_role(&token), Ok(expected));
    }
}
