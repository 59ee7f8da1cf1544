//! The lab's users, made through Keycloak's admin API: the imported realm holds none.

use std::collections::BTreeMap;

use reqwest::Method;
use reqwest::blocking::Client;
use serde_json::{Value, json};

use crate::certificates::random_password;
use crate::failure::{Failure, OrFailure};
use crate::keycloak::{CLIENT, Keycloak, REALM};

/// The client that owns the roles.
const API: &str = "workflow-api";
const EVERY_ROLE: &[&str] =
    &["payment:start", "payment:screen", "payment:approve", "payment:execute", "payment:audit", "payment:operate"];
const REMEDY: &str =
    "see that realm/workflows-realm.json has the clients, roles and user attributes that the lab's users need";

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

    fn attributes(&self) -> Value {
        json!({
            "project_id": [self.project],
            "compliance_kyc": [self.kyc.to_string()],
            "compliance_aml": ["true"],
            "compliance_kyc_level": ["3"],
            "compliance_regions": ["eu", "uk"],
        })
    }
}

/// Makes every user and lets the calling client log them in by password, in this lab only.
/// Answers the users' new passwords.
///
/// # Errors
/// Keycloak refuses a step, or dropped an attribute that the realm does not know.
pub fn create(keycloak: &Keycloak, administrator: (&str, &str)) -> Result<BTreeMap<String, String>, Failure> {
    let admin = Admin::log_in(keycloak, administrator)?;
    admin.allow_password_grant()?;
    let api = admin.client_id(API)?;
    let roles = admin.get(&format!("clients/{api}/roles"))?;
    let mut passwords = BTreeMap::new();
    for person in people() {
        let password = random_password()?;
        admin.create_person(&person, &password, &api, &roles)?;
        passwords.insert(person.name.to_owned(), password);
    }
    Ok(passwords)
}

struct Admin {
    client: Client,
    token: String,
    base: String,
}

impl Admin {
    fn log_in(keycloak: &Keycloak, (name, password): (&str, &str)) -> Result<Admin, Failure> {
        Ok(Admin {
            client: keycloak.client()?,
            token: keycloak.password_grant("master", "admin-cli", name, password)?,
            base: format!("{}/admin/realms/{REALM}", keycloak.url()),
        })
    }

    fn call(&self, method: Method, path: &str, body: Option<&Value>) -> Result<Value, Failure> {
        let activity = format!("Keycloak's admin API, {method} {path}");
        let url = format!("{}/{path}", self.base);
        let mut request = self.client.request(method, url).bearer_auth(&self.token);
        if let Some(body) = body {
            request = request.json(body);
        }
        let answer = request.send().or_failure(&activity, REMEDY)?;
        let status = answer.status();
        let text = answer.text().or_failure(&activity, REMEDY)?;
        if !status.is_success() {
            return Err(Failure::new(format!("{activity}: {status} {text}"), REMEDY));
        }
        if text.is_empty() {
            return Ok(Value::Null);
        }
        serde_json::from_str(&text).or_failure(&activity, REMEDY)
    }

    fn get(&self, path: &str) -> Result<Value, Failure> {
        self.call(Method::GET, path, None)
    }

    fn client_id(&self, client: &str) -> Result<String, Failure> {
        let found = self.get(&format!("clients?clientId={client}"))?;
        text_at(&found, "/0/id", &format!("the realm has no client `{client}`"))
    }

    /// The imported client is for browsers (authorization code); a lab without a browser needs the password grant.
    fn allow_password_grant(&self) -> Result<(), Failure> {
        let path = format!("clients/{}", self.client_id(CLIENT)?);
        let mut client = self.get(&path)?;
        if let Some(fields) = client.as_object_mut() {
            fields.insert("directAccessGrantsEnabled".into(), Value::Bool(true));
        }
        self.call(Method::PUT, &path, Some(&client)).map(|_| ())
    }

    fn create_person(&self, person: &Person, password: &str, api: &str, roles: &Value) -> Result<(), Failure> {
        let user = json!({
            "username": person.name,
            "enabled": true,
            "emailVerified": true,
            "email": format!("{}@example.com", person.name),
            "firstName": person.name,
            "lastName": "Lab",
            "attributes": person.attributes(),
            "credentials": [{"type": "password", "value": password, "temporary": false}],
        });
        self.call(Method::POST, "users", Some(&user))?;
        let found = self.get(&format!("users?exact=true&username={}", person.name))?;
        let id = text_at(&found, "/0/id", &format!("the user `{}` was not made", person.name))?;
        let kept = self.get(&format!("users/{id}"))?;
        if kept.get("attributes") != Some(&person.attributes()) {
            return Err(Failure::new(format!("Keycloak did not keep all attributes of `{}`", person.name), REMEDY));
        }
        let granted = pick_roles(roles, &person.roles)?;
        let path = format!("users/{id}/role-mappings/clients/{api}");
        self.call(Method::POST, &path, Some(&granted)).map(|_| ())
    }
}

fn pick_roles(all: &Value, names: &[&str]) -> Result<Value, Failure> {
    let all = all.as_array().map(Vec::as_slice).unwrap_or_default();
    let picked: Result<Vec<Value>, Failure> = names
        .iter()
        .map(|name| {
            let found = all.iter().find(|role| role.get("name").and_then(Value::as_str) == Some(name));
            found.cloned().ok_or_else(|| Failure::new(format!("the client `{API}` has no role `{name}`"), REMEDY))
        })
        .collect();
    Ok(Value::Array(picked?))
}

fn text_at(value: &Value, pointer: &str, missing: &str) -> Result<String, Failure> {
    let found = value.pointer(pointer).and_then(Value::as_str);
    found.map(str::to_owned).ok_or_else(|| Failure::new(missing, REMEDY))
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

    #[test]
    fn a_role_that_the_realm_lacks_is_named() {
        let roles = json!([{"name": "payment:start"}]);
        assert_eq!(
            pick_roles(&roles, &["payment:audit"]),
            Err(Failure::new("the client `workflow-api` has no role `payment:audit`", REMEDY))
        );
    }
}
