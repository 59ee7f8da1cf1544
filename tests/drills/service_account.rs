//! Callers without a person: a service account has no session, and its user is its client's.
//!
//! The sample's policy requires a session, so revalidation stands here in this process, with the sample's policy but for that
//! one word.

use serde_json::{Value, json};
use xtask::admin::{Admin, ServiceAccount};
use xtask::lab::Lab;
use xtask::users::people;

use crate::in_process::{ROLES, Registered, revalidated, sample, statement};

/// The caller's access token, which has to be one without a session.
fn access_token(lab: &Lab, caller: &ServiceAccount) -> Value {
    let form = [("grant_type", "client_credentials"), ("client_id", &caller.client), ("client_secret", &caller.secret)];
    let url = format!("{}/protocol/openid-connect/token", lab.keycloak().issuer());
    let answer: Value = lab.keycloak().client().unwrap().post(url).form(&form).send().unwrap().json().unwrap();
    let token = answer["access_token"].as_str().unwrap();
    lab.note_token(token).unwrap();
    let claims = crate::support::payload(token);
    assert_eq!(json!([claims["sid"], claims["sub"], claims["azp"]]), json!([null, caller.user, caller.client]));
    claims
}

fn caller(admin: &Admin) -> ServiceAccount {
    let name = format!("batch-{}", crate::support::unique());
    let caller = admin.create_service_account(&name, &people()[0].attributes(), &ROLES).unwrap();
    admin.show_to_revalidation(&name).unwrap();
    caller
}

#[test]
fn a_service_account_that_calls_is_asked_about_like_a_person() {
    let _shared = crate::shared();
    let lab = Lab::for_tests().unwrap();
    let caller = caller(&lab.admin().unwrap());
    let claims = access_token(&lab, &caller);
    let registered = Registered::new(&lab);
    let token = statement(&lab, &registered.key, &claims);
    let ask = |session: &str| {
        let policy = sample().replace("session = \"required\"", &format!("session = \"{session}\""));
        let (decision, new) = revalidated(&registered, &caller.client, &policy, &token);
        (decision, new.map(|token| crate::support::payload(&token)).unwrap_or_default())
    };

    let (decision, renewed) = ask("ignored");
    assert_eq!(decision, "Revalidate ApprovePayment allow");
    let seen = json!([renewed["sub"], renewed["req_wl"], renewed["rctx"]["sid"], renewed["tctx"]["epoch"]]);
    assert_eq!(seen, json!([caller.user, caller.client, null, 1]));
    let roles: Vec<String> = ROLES.iter().map(|role| format!("workflow-api:{role}")).collect();
    assert_eq!(renewed["tctx"]["roles"], json!(roles));

    // It has no session that could be required of it.
    assert_eq!(ask("required"), ("Revalidate ApprovePayment deny session_absent".to_owned(), Value::Null));

    lab.admin().unwrap().remove(&caller.user, &["payment:execute"]).unwrap();
    let (decision, renewed) = ask("ignored");
    assert_eq!(decision, "Revalidate ApprovePayment allow role_lost");
    assert_eq!(renewed["tctx"]["roles"], json!([roles[0], roles[2]]));

    lab.admin().unwrap().set_client_enabled(&caller.client, false).unwrap();
    assert_eq!(ask("ignored"), ("Revalidate ApprovePayment deny client_disabled".to_owned(), Value::Null));
}
