//! The lab's users, made through Keycloak's admin API: the imported realm holds none but a service account.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::admin::Admin;
use crate::certificates::random_password;
use crate::failure::Failure;
use crate::keycloak::{CLIENT, Keycloak};

const EVERY_ROLE: &[&str] =
    &["payment:start", "payment:screen", "payment:approve", "payment:execute", "payment:audit", "payment:operate"];

/// One person of the lab: what he may do and what is known about him.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// The user name.
    pub name: &'static str,
    /// What this person is for, in one line.
    pub about: &'static str,
    roles: Vec<&'static str>,
    project: &'static str,
    kyc: bool,
}

/// The lab's users.
pub fn people() -> Vec<Person> {
    let everything = |name, about| Person { name, about, roles: EVERY_ROLE.to_vec(), project: "apollo", kyc: true };
    let without_start = EVERY_ROLE.iter().copied().filter(|role| *role != "payment:start");
    vec![
        everything("alice", "holds every role and flag; project apollo"),
        Person { roles: without_start.collect(), ..everything("bob", "every role but payment:start") },
        Person { kyc: false, ..everything("carol", "every role; compliance.kyc is false") },
        Person { project: "gemini", ..everything("dave", "every role and flag; project gemini") },
        Person { roles: vec!["payment:audit"], ..everything("erin", "payment:audit only") },
    ]
}

impl Person {
    /// The roles of the client `workflow-api` that the lab gives this person.
    pub fn roles(&self) -> &[&'static str] {
        &self.roles
    }

    /// What the realm's mappers make of this person's attributes in an access token.
    pub fn claims(&self) -> [(&'static str, Value); 2] {
        let compliance = json!({"kyc": self.kyc, "aml": true, "kyc_level": 3, "regions": ["eu", "uk"]});
        [("project_id", json!(self.project)), ("compliance", compliance)]
    }

    /// This person's attributes in the realm.
    pub fn attributes(&self) -> Value {
        json!({
            "project_id": [self.project],
            "compliance_kyc": [self.kyc.to_string()],
            "compliance_aml": ["true"],
            "compliance_kyc_level": ["3"],
            "compliance_regions": ["eu", "uk"],
        })
    }
}

/// Makes every user and lets the calling client log them in by password, in this lab only: the imported client is for
/// browsers (authorization code). Answers the users' new passwords.
///
/// # Errors
/// Keycloak refuses a step, or dropped an attribute that the realm does not know.
pub fn create(keycloak: &Keycloak, administrator: (&str, &str)) -> Result<BTreeMap<String, String>, Failure> {
    let admin = Admin::log_in(keycloak, administrator)?;
    admin.allow_password_grant(CLIENT)?;
    let mut passwords = BTreeMap::new();
    for person in people() {
        let password = random_password()?;
        admin.create_user(person.name, &password, &person.attributes(), &person.roles)?;
        passwords.insert(person.name.to_owned(), password);
    }
    Ok(passwords)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_bob_and_erin_lack_the_start_role() {
        let lacking: Vec<&str> = people()
            .iter()
            .filter(|person| !person.roles.contains(&"payment:start"))
            .map(|person| person.name)
            .collect();
        assert_eq!(lacking, ["bob", "erin"]);
    }
}
