//! What an administrator of the lab's realm does: the things that happen to an identity while a workflow runs.

use std::fmt;

use reqwest::Method;
use reqwest::blocking::Client;
use serde_json::{Value, json};

use crate::failure::{Failure, OrFailure};
use crate::keycloak::{CLIENT, Keycloak, REALM};

/// The client that owns the roles.
pub(crate) const API: &str = "workflow-api";
const REMEDY: &str =
    "see that realm/workflows-realm.json has the clients, roles and user attributes that the lab's users need";

/// A session with Keycloak's admin API, good for a minute.
pub struct Admin {
    client: Client,
    token: String,
    base: String,
}

/// A client that calls for itself. It does not print its secret.
#[derive(Clone)]
pub struct ServiceAccount {
    /// The client's id, which is `azp`.
    pub client: String,
    /// What it signs in with.
    pub secret: String,
    /// The service account's user id, which is `sub`.
    pub user: String,
}

impl fmt::Debug for ServiceAccount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ServiceAccount({})", self.client)
    }
}

/// A key that the realm signs with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RealmKey {
    /// The component that makes it.
    pub component: String,
    /// Its `kid`.
    pub id: String,
}

impl Admin {
    pub(crate) fn log_in(keycloak: &Keycloak, (name, password): (&str, &str)) -> Result<Admin, Failure> {
        Ok(Admin {
            client: keycloak.client()?,
            token: keycloak.password_grant("master", "admin-cli", name, password)?,
            base: format!("{}/admin/realms/{REALM}", keycloak.url()),
        })
    }

    /// Makes a user with a password, attributes and roles of the client `workflow-api`. Answers the user's id.
    ///
    /// # Errors
    /// Keycloak refuses, has no such role, or dropped an attribute that the realm does not know.
    pub fn create_user(
        &self,
        name: &str,
        password: &str,
        attributes: &Value,
        roles: &[&str],
    ) -> Result<String, Failure> {
        let user = json!({
            "username": name,
            "enabled": true,
            "emailVerified": true,
            "email": format!("{name}@example.com"),
            "firstName": name,
            "lastName": "Lab",
            "attributes": attributes,
            "credentials": [{"type": "password", "value": password, "temporary": false}],
        });
        self.call(Method::POST, "users", Some(&user))?;
        let found = self.get(&format!("users?exact=true&username={name}"))?;
        let id = text_at(&found, "/0/id", &format!("the user `{name}` was not made"))?;
        let kept = self.get(&format!("users/{id}"))?;
        if kept.get("attributes") != Some(attributes) {
            return Err(Failure::new(format!("Keycloak did not keep all attributes of `{name}`"), REMEDY));
        }
        self.grant(&id, roles)?;
        Ok(id)
    }

    /// Makes a client that calls for itself: confidential, with a service account that holds attributes and roles of the client
    /// `workflow-api`, and with the mappers of the client that people log in with.
    ///
    /// # Errors
    /// Keycloak refuses, or has no such role.
    pub fn create_service_account(
        &self,
        client: &str,
        attributes: &Value,
        roles: &[&str],
    ) -> Result<ServiceAccount, Failure> {
        let calling = self.get(&format!("clients/{}", self.client_id(CLIENT)?))?;
        let mut mappers = calling.get("protocolMappers").cloned().unwrap_or_default();
        for mapper in mappers.as_array_mut().into_iter().flatten().filter_map(Value::as_object_mut) {
            mapper.remove("id");
        }
        let new = json!({
            "clientId": client, "protocol": "openid-connect", "publicClient": false, "serviceAccountsEnabled": true,
            "standardFlowEnabled": false, "directAccessGrantsEnabled": false, "fullScopeAllowed": false,
            "defaultClientScopes": calling.get("defaultClientScopes"), "optionalClientScopes": [],
            "protocolMappers": mappers,
        });
        self.call(Method::POST, "clients", Some(&new))?;
        let id = self.client_id(client)?;
        let api = self.client_id(API)?;
        let named = pick_roles(&self.get(&format!("clients/{api}/roles"))?, roles)?;
        self.call(Method::POST, &format!("clients/{id}/scope-mappings/clients/{api}"), Some(&named))?;
        let secret = text_at(&self.get(&format!("clients/{id}/client-secret"))?, "/value", "the client has no secret")?;
        let user = self.get(&format!("clients/{id}/service-account-user"))?;
        let user = text_at(&user, "/id", "the client has no service account")?;
        self.change(&format!("users/{user}"), |fields| {
            fields.insert("attributes".to_owned(), attributes.clone());
        })?;
        self.grant(&user, roles)?;
        Ok(ServiceAccount { client: client.to_owned(), secret, user })
    }

    /// Makes a client that people log in with, just like the usual one, if there is none of that name yet.
    ///
    /// # Errors
    /// Keycloak refuses.
    pub fn create_sibling(&self, client: &str) -> Result<(), Failure> {
        if self.client_id(client).is_ok() {
            return Ok(());
        }
        let usual = self.get(&format!("clients/{}", self.client_id(CLIENT)?))?;
        let kept = ["publicClient", "standardFlowEnabled", "redirectUris", "fullScopeAllowed", "defaultClientScopes"];
        let kept = kept.into_iter().filter_map(|name| Some((name.to_owned(), usual.get(name)?.clone())));
        let new = [("clientId", client), ("protocol", "openid-connect")];
        let new = new.into_iter().map(|(name, value)| (name.to_owned(), json!(value)));
        self.call(Method::POST, "clients", Some(&new.chain(kept).collect())).map(|_| ())
    }

    /// Lets revalidation look at a client that calls, as `realm/README.md` says.
    ///
    /// # Errors
    /// There is no such client, or the realm was not imported from the file that narrows.
    pub fn show_to_revalidation(&self, client: &str) -> Result<(), Failure> {
        let permission = json!({
            "name": format!("look at {client}"), "resourceType": "Clients", "resources": [self.client_id(client)?],
            "scopes": ["view"], "policies": ["may revalidate"],
        });
        let permissions = self.client_id("admin-permissions")?;
        let path = format!("clients/{permissions}/authz/resource-server/permission/scope");
        self.call(Method::POST, &path, Some(&permission)).map(|_| ())
    }

    /// Gives the realm another setting: a member of its representation.
    ///
    /// # Errors
    /// Keycloak is out of reach or refuses the value.
    pub fn set_realm(&self, name: &str, value: &Value) -> Result<(), Failure> {
        self.call(Method::PUT, "", Some(&json!({"realm": REALM, name: value}))).map(|_| ())
    }

    /// Gives a user roles of the client `workflow-api`.
    ///
    /// # Errors
    /// There is no such user or role.
    pub fn grant(&self, user: &str, roles: &[&str]) -> Result<(), Failure> {
        self.change_roles(Method::POST, user, roles)
    }

    /// Takes roles of the client `workflow-api` from a user.
    ///
    /// # Errors
    /// There is no such user or role.
    pub fn remove(&self, user: &str, roles: &[&str]) -> Result<(), Failure> {
        self.change_roles(Method::DELETE, user, roles)
    }

    fn change_roles(&self, method: Method, user: &str, roles: &[&str]) -> Result<(), Failure> {
        let api = self.client_id(API)?;
        let named = pick_roles(&self.get(&format!("clients/{api}/roles"))?, roles)?;
        self.call(method, &format!("users/{user}/role-mappings/clients/{api}"), Some(&named)).map(|_| ())
    }

    /// Gives an attribute of a user another value.
    ///
    /// # Errors
    /// There is no such user, or Keycloak refuses the value.
    pub fn set_attribute(&self, user: &str, name: &str, values: &[&str]) -> Result<(), Failure> {
        self.change(&format!("users/{user}"), |fields| {
            if let Some(attributes) = fields.get_mut("attributes").and_then(Value::as_object_mut) {
                attributes.insert(name.to_owned(), json!(values));
            }
        })
    }

    /// Disables a user, or enables one again.
    ///
    /// # Errors
    /// There is no such user.
    pub fn set_enabled(&self, user: &str, enabled: bool) -> Result<(), Failure> {
        self.change(&format!("users/{user}"), |fields| {
            fields.insert("enabled".to_owned(), json!(enabled));
        })
    }

    /// Deletes a user.
    ///
    /// # Errors
    /// There is no such user.
    pub fn delete_user(&self, user: &str) -> Result<(), Failure> {
        self.call(Method::DELETE, &format!("users/{user}"), None).map(|_| ())
    }

    /// Ends every session of a user and refuses the tokens that he has: Keycloak sets his `notBefore`.
    ///
    /// # Errors
    /// There is no such user.
    pub fn log_out(&self, user: &str) -> Result<(), Failure> {
        self.call(Method::POST, &format!("users/{user}/logout"), None).map(|_| ())
    }

    /// Ends one session, as its user does who logs out.
    ///
    /// # Errors
    /// There is no such session.
    pub fn end_session(&self, session: &str) -> Result<(), Failure> {
        self.call(Method::DELETE, &format!("sessions/{session}"), None).map(|_| ())
    }

    /// From when on the realm's tokens are good: the time in seconds, or 0 for always.
    ///
    /// # Errors
    /// Keycloak is out of reach.
    pub fn set_realm_not_before(&self, seconds: u64) -> Result<(), Failure> {
        self.set_realm("notBefore", &json!(seconds))
    }

    /// From when on the tokens of a client are good: the time in seconds, or 0 for always.
    ///
    /// # Errors
    /// There is no such client.
    pub fn set_client_not_before(&self, client: &str, seconds: u64) -> Result<(), Failure> {
        self.change(&format!("clients/{}", self.client_id(client)?), |fields| {
            fields.insert("notBefore".to_owned(), json!(seconds));
        })
    }

    /// Disables a client, or enables one again.
    ///
    /// # Errors
    /// There is no such client.
    pub fn set_client_enabled(&self, client: &str, enabled: bool) -> Result<(), Failure> {
        self.change(&format!("clients/{}", self.client_id(client)?), |fields| {
            fields.insert("enabled".to_owned(), json!(enabled));
        })
    }

    /// Lets a client sign in with the private halves of `keys`, a JWK set, and with no other key.
    ///
    /// # Errors
    /// There is no such client.
    pub fn register_keys(&self, client: &str, keys: &str) -> Result<(), Failure> {
        let said = [("use.jwks.url", "false"), ("use.jwks.string", "true"), ("jwks.string", keys)];
        self.set_attributes(client, &said)
    }

    /// Lets a client sign in with the private halves of the JWK set that is served at `address` when Keycloak looks, and with no
    /// other key.
    ///
    /// # Errors
    /// There is no such client.
    pub fn register_key_address(&self, client: &str, address: &str) -> Result<(), Failure> {
        let said = [("use.jwks.string", "false"), ("use.jwks.url", "true"), ("jwks.url", address)];
        self.set_attributes(client, &said)
    }

    fn set_attributes(&self, client: &str, said: &[(&str, &str)]) -> Result<(), Failure> {
        self.change(&format!("clients/{}", self.client_id(client)?), |fields| {
            if let Some(attributes) = fields.get_mut("attributes").and_then(Value::as_object_mut) {
                attributes.extend(said.iter().map(|(name, value)| ((*name).to_owned(), json!(value))));
            }
        })
    }

    /// Makes the realm sign with a new key of its own from now on. Tokens of the old one stay good.
    ///
    /// # Errors
    /// Keycloak refuses.
    pub fn rotate_realm_key(&self, name: &str) -> Result<RealmKey, Failure> {
        let realm = text_at(&self.get("")?, "/id", "the realm has no id")?;
        let component = json!({
            "name": name,
            "providerId": "rsa-generated",
            "providerType": "org.keycloak.keys.KeyProvider",
            "parentId": realm,
            "config": {
                "priority": ["200"], "enabled": ["true"], "active": ["true"],
                "algorithm": ["RS256"], "keySize": ["2048"],
            },
        });
        self.call(Method::POST, "components", Some(&component))?;
        let found = self.get(&format!("components?name={name}"))?;
        let component = text_at(&found, "/0/id", "the key provider was not made")?;
        let keys = self.get("keys")?;
        let keys = keys.get("keys").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        let made = keys.iter().find(|key| key.get("providerId").and_then(Value::as_str) == Some(&component));
        let id = text_at(made.unwrap_or(&Value::Null), "/kid", "the new key provider has no key")?;
        Ok(RealmKey { component, id })
    }

    /// Takes a key out of the realm; the one before it signs again.
    ///
    /// # Errors
    /// There is no such key.
    pub fn remove_realm_key(&self, key: &RealmKey) -> Result<(), Failure> {
        self.call(Method::DELETE, &format!("components/{}", key.component), None).map(|_| ())
    }

    /// Lets users log in to a client by password, which a lab without a browser needs.
    pub(crate) fn allow_password_grant(&self, client: &str) -> Result<(), Failure> {
        self.change(&format!("clients/{}", self.client_id(client)?), |fields| {
            fields.insert("directAccessGrantsEnabled".to_owned(), json!(true));
        })
    }

    /// Reads a resource, changes it and writes it back whole.
    fn change(&self, path: &str, change: impl FnOnce(&mut serde_json::Map<String, Value>)) -> Result<(), Failure> {
        let mut resource = self.get(path)?;
        if let Some(fields) = resource.as_object_mut() {
            change(fields);
        }
        self.call(Method::PUT, path, Some(&resource)).map(|_| ())
    }

    fn call(&self, method: Method, path: &str, body: Option<&Value>) -> Result<Value, Failure> {
        let activity = format!("Keycloak's admin API, {method} {path}");
        let url = if path.is_empty() { self.base.clone() } else { format!("{}/{path}", self.base) };
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

    /// What the admin API answers at a path below the realm.
    ///
    /// # Errors
    /// There is nothing.
    pub fn get(&self, path: &str) -> Result<Value, Failure> {
        self.call(Method::GET, path, None)
    }

    fn client_id(&self, client: &str) -> Result<String, Failure> {
        let found = self.get(&format!("clients?clientId={client}"))?;
        text_at(&found, "/0/id", &format!("the realm has no client `{client}`"))
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
    fn a_role_that_the_realm_lacks_is_named() {
        let roles = json!([{"name": "payment:start"}]);
        assert_eq!(
            pick_roles(&roles, &["payment:audit"]),
            Err(Failure::new("the client `workflow-api` has no role `payment:audit`", REMEDY))
        );
    }
}
