//! What Keycloak is asked, and with which keys, while much happens at once or nothing answers.

use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::hold::{HOLD, HOLD_UNTIL_OLD};
use crate::admin::RealmKey;
use crate::demo::scenes::OUT_OF_REACH;
use crate::demo::signing::{key_id, token_of};
use crate::demo::stage::Stage;
use crate::failure::Failure;
use crate::lab::Lab;

/// How long Keycloak is down before it is started; it takes some ten seconds to be back.
const OUTAGE: Duration = Duration::from_secs(11);

/// A payment whose token is too old for its screening, and which goes on to its end.
const RENEWED_AND_PAID: &[&str] = &[
    "ReceiveIdentity",
    "ReadParties",
    "HoldPayment",
    "Look before ScreenParties",
    "Revalidate ScreenParties",
    "ScreenParties",
    "ApprovePayment",
    "Revalidate ExecutePayment",
    "ExecutePayment",
    "PaymentExecuted",
    "SUCCEEDED",
];

pub(super) fn keycloak_down(stage: &mut Stage<'_>) -> Result<(), Failure> {
    let somebody = stage.somebody("olivia", &[])?;
    let payment = stage.start_held(&somebody, 1, HOLD)?;
    stage.while_held(&payment, "Keycloak is stopped", Lab::stop_keycloak)?;
    let stopped = Instant::now();
    let asked = stage.until_error(&payment, "ClaimGuard.Undecided");
    thread::sleep(OUTAGE.saturating_sub(stopped.elapsed()));
    stage.lab.start_keycloak()?;
    asked?;
    stage.say(&format!("Keycloak is back after {} seconds.", stopped.elapsed().as_secs()));
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
            "✘ ClaimGuard.Undecided",
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
            "ApprovePayment allow",
            OUT_OF_REACH,
            "Revalidate ExecutePayment allow",
            "ExecutePayment allow",
        ],
    )
}

pub(super) fn ten_branches(stage: &mut Stage<'_>) -> Result<(), Failure> {
    let somebody = stage.somebody("quentin", &[])?;
    let before = stage.lab.keycloak().requests()?.len();
    let payment = stage.start_held(&somebody, 10, HOLD_UNTIL_OLD)?;
    stage.history(&payment, RENEWED_AND_PAID)?;
    let mut told = vec![
        "Before start allow",
        "start allow",
        "Revalidate ScreenPayment allow",
        "ApprovePayment allow",
        "Revalidate ExecutePayment allow",
        "ExecutePayment allow",
    ];
    told.extend(std::iter::repeat_n("ScreenPayment allow", 10));
    stage.audit_of(&payment, &told)?;
    // Before the start, without the claims; once for all branches; and once more before the money moves.
    let requests = stage.lab.keycloak().requests()?;
    let asked = ["/users/USER HTTP", "/users/USER/sessions", "generate-example-access-token?userId=USER"].map(|path| {
        let path = path.replace("USER", &somebody.id);
        requests.iter().skip(before).filter(|request| request.contains(&path)).count()
    });
    stage.say(&format!("Keycloak was asked about the user, the sessions, the claims: {asked:?} times."));
    stage.compare("how often", &format!("{asked:?}"), "[3, 3, 2]");
    Ok(())
}

pub(super) fn keys_rotated(stage: &mut Stage<'_>) -> Result<(), Failure> {
    let somebody = stage.somebody("sybil", &[])?;
    let payment = stage.start_held(&somebody, 1, hold_for_keys(stage.lab))?;
    let mut rotation = Rotation::default();
    let told = rotate_and_go_on(stage, &payment, &mut rotation);
    stage.say("The keys are put back.");
    rotation.undo(stage.lab)?;
    told
}

/// How long a payment is held for keys to be rotated: two deployments, and the same again for a host that is busier now than
/// when its lab was deployed. Meanwhile its statement grows old.
fn hold_for_keys(lab: &Lab) -> u64 {
    let deployment = lab.deployment_took().as_secs().saturating_add(1);
    HOLD_UNTIL_OLD.max(deployment.saturating_mul(4))
}

/// What was rotated, to be put back.
#[derive(Default)]
struct Rotation {
    realm: Option<RealmKey>,
    stack: bool,
}

impl Rotation {
    fn undo(self, lab: &Lab) -> Result<(), Failure> {
        if let Some(key) = self.realm {
            lab.admin()?.remove_realm_key(&key)?;
        }
        if self.stack {
            let own = [("SigningKeyArn", "''".to_owned()), ("SecondSigningKeyArn", "''".to_owned())];
            Lab::open(&lab.name)?.redeploy(&own)?;
        }
        Ok(())
    }
}

fn rotate_and_go_on(stage: &mut Stage<'_>, payment: &str, rotation: &mut Rotation) -> Result<(), Failure> {
    let before = key_id(&token_of(stage.lab, payment)?)?;
    stage.while_held(payment, "Keycloak's key and the KMS key are rotated", |lab| {
        rotation.realm = Some(lab.admin()?.rotate_realm_key("drill")?);
        let (old, new) = (output(lab, "SigningKeyArn")?, signing_key(lab)?);
        rotation.stack = true;
        let mut lab = Lab::open(&lab.name)?;
        lab.redeploy(&[("SecondSigningKeyArn", new.clone())])?;
        lab.redeploy(&[("SigningKeyArn", new), ("SecondSigningKeyArn", old)])
    })?;
    // The statement that the old key signed is renewed by one of the new key.
    stage.history(payment, RENEWED_AND_PAID)?;
    let somebody = stage.somebody("trent", &[])?;
    let realm_key = rotation.realm.as_ref().map(|key| key.id.clone()).unwrap_or_default();
    stage.compare("the key of a new access token", &key_id(&somebody.tokens.access)?, &realm_key);
    let later = stage.start_held(&somebody, 1, 0)?;
    let after = key_id(&token_of(stage.lab, &later)?)?;
    stage.compare("whether the new key signs", &(before != after).to_string(), "true");
    stage.history(
        &later,
        &[
            "ReceiveIdentity",
            "ReadParties",
            "HoldPayment",
            "Look before ScreenParties",
            "ScreenParties",
            "ApprovePayment",
            "Revalidate ExecutePayment",
            "ExecutePayment",
            "PaymentExecuted",
            "SUCCEEDED",
        ],
    )
}

fn output(lab: &Lab, name: &str) -> Result<String, Failure> {
    let found = lab.stack().outputs.get(name).cloned();
    found.ok_or_else(|| Failure::new(format!("the stack puts no {name} out"), "see template.yaml, Outputs"))
}

/// A signing key made outside of the stack, with the policy of the stack's own, as `docs/on-aws.md` tells.
fn signing_key(lab: &Lab) -> Result<String, Failure> {
    let own = json!({"KeyId": output(lab, "OwnKeyArn")?, "PolicyName": "default"});
    let policy = lab.aws().json("kms", "TrentService.GetKeyPolicy", &own)?;
    let key = json!({"KeySpec": "ECC_NIST_P256", "KeyUsage": "SIGN_VERIFY", "Policy": policy.get("Policy")});
    let made = lab.aws().json("kms", "TrentService.CreateKey", &key)?;
    let arn = made.pointer("/KeyMetadata/Arn").and_then(Value::as_str);
    arn.map(str::to_owned).ok_or_else(|| Failure::new("KMS made no key", "see the emulator's log"))
}
