//! What `lab up` and `lab status` tell a person.

use crate::failure::Failure;
use crate::lab::Lab;
use crate::state::{self, State};
use crate::users;

/// How the lab is used: its URLs, its users and a request that can be pasted into a shell.
pub fn usage(lab: &Lab) -> String {
    let option = match lab.name.as_str() {
        "default" => String::new(),
        name => format!(" --name {name}"),
    };
    let mut text = format!(
        "The lab `{}` is up.\n\n  API        {}  (Host: {})\n  Keycloak   {}\n  AWS        http://127.0.0.1:{}\n  functions  {}\n  logs       {}\n\n  users\n",
        lab.name,
        lab.api_url(),
        lab.api_host(),
        lab.keycloak.issuer(),
        lab.ports.emulator,
        lab.functions(),
        lab.directory.join("logs").display(),
    );
    for person in users::people() {
        text.push_str(&format!("    {:<6} {}\n", person.name, person.about));
    }
    text.push_str(&format!(
        "\n  start a payment\n    curl -i -X POST {}/workflows/payment/executions \\\n      -H 'Host: {}' \\\n      \
         -H \"Authorization: Bearer $(cargo xtask token alice{option})\" \\\n      -H 'Content-Type: application/json' \\\n      \
         -d '{}'\n\n  take it down\n    cargo xtask lab down{option}",
        lab.api_url(),
        lab.api_host(),
        PAYMENT,
    ));
    text
}

/// A payment that the sample workflow takes.
pub const PAYMENT: &str = r#"{"project_id":"apollo","amount":1200,"currency":"EUR","parties":["payer-1","payee-1"]}"#;

/// What is up of the lab of this name, and whether all of it is.
///
/// # Errors
/// The lab's state cannot be read.
pub fn status(name: &str) -> Result<(String, bool), Failure> {
    let directory = state::directory(name)?;
    let Some(state) = State::load(&directory)? else {
        return Ok((format!("the lab `{name}` is down (bring it up with `cargo xtask lab up --name {name}`)"), false));
    };
    match Lab::open(name) {
        Ok(lab) => Ok((usage(&lab), true)),
        Err(failure) => {
            let mut text = failure.to_string();
            for group in &state.groups {
                let word = if group.is_alive() { "runs" } else { "has ended" };
                text.push_str(&format!("\n  {:<10} {word} (process group {})", group.name, group.id));
            }
            text.push_str(&format!("\n  logs       {}", directory.join("logs").display()));
            Ok((text, false))
        }
    }
}
