//! A realm of the lab's Keycloak that one drill has for itself, reached through a [`Front`].

use std::cell::RefCell;

use serde_json::{Value, json};
use xtask::keycloak::ADMINISTRATOR;
use xtask::lab::Lab;

use crate::front::Front;
use crate::support::{and, unique};

/// What the realm's tokens are for.
pub const AUDIENCE: &str = "workflow-api";
/// The client that they are issued to.
pub const CLIENT: &str = "drill";
/// The key that the realm begins with.
pub const FIRST_KEY: &str = "first";
/// Longer than any drill's test time.
const LIFESPAN_SECONDS: u32 = 6 * 60 * 60;
const KEY_PROVIDER: &str = "org.keycloak.keys.KeyProvider";

/// The realm, until it is dropped.
pub struct Realm {
    lab: Lab,
    name: String,
    secret: String,
    issuer: String,
    /// The key providers by the names of their keys.
    providers: RefCell<Vec<(String, String)>>,
}

impl Realm {
    /// A realm with the key [`FIRST_KEY`] and one client, which gets its tokens by its own secret.
    pub fn behind(front: &Front, lab: Lab) -> Realm {
        let name = format!("drill-{}", unique());
        let origin = format!("https://{}", front.address());
        let realm = Realm {
            secret: format!("secret-{}", unique()),
            issuer: format!("{origin}/realms/{name}"),
            providers: RefCell::default(),
            name,
            lab,
        };
        let audience = json!({
            "name": "audience", "protocol": "openid-connect", "protocolMapper": "oidc-audience-mapper",
            "config": {"included.custom.audience": AUDIENCE, "access.token.claim": "true"},
        });
        let client = json!({
            "clientId": CLIENT, "secret": realm.secret, "publicClient": false, "serviceAccountsEnabled": true,
            "standardFlowEnabled": false, "protocolMappers": [audience],
        });
        let first = json!({"name": FIRST_KEY, "providerId": "rsa-generated", "config": key_config(100, None)});
        let representation = json!({
            // The realm tells its own address, the front's, in `iss` and in its discovery document.
            "realm": realm.name, "enabled": true, "attributes": {"frontendUrl": origin},
            "accessTokenLifespan": LIFESPAN_SECONDS, "clients": [client], "components": {KEY_PROVIDER: [first]},
        });
        realm.administer("POST", "", Some(&representation));
        let providers = realm.administer("GET", &format!("/{}/components?type={KEY_PROVIDER}", realm.name), None);
        let first = providers.as_array().unwrap().iter().find(|provider| provider["name"] == FIRST_KEY).unwrap();
        realm.remember(FIRST_KEY, &first["id"]);
        realm
    }

    /// What the realm's tokens say in `iss`.
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// The only authority that vouches for it, as base64 of its DER.
    pub fn authority(&self) -> String {
        xtask::certificates::Certificates::at(self.lab.directory()).authority_base64().unwrap()
    }

    /// A new token, asked of Keycloak itself and not through the front.
    #[track_caller]
    pub fn token(&self) -> String {
        let url = format!("{}/realms/{}/protocol/openid-connect/token", self.lab.keycloak().url(), self.name);
        let form = [("grant_type", "client_credentials"), ("client_id", CLIENT), ("client_secret", &self.secret)];
        let answer: Value = self.lab.keycloak().client().unwrap().post(url).form(&form).send().unwrap().json().unwrap();
        answer["access_token"].as_str().unwrap_or_else(|| panic!("{answer}")).to_owned()
    }

    /// Adds a new key. The one with the highest priority signs. `kid` is what tokens call it, else Keycloak's own choice.
    pub fn add_key(&self, name: &str, priority: u32, kid: Option<&str>) {
        let realm = self.administer("GET", &format!("/{}", self.name), None);
        let provider = json!({
            "name": name, "providerId": "rsa-generated", "providerType": KEY_PROVIDER, "parentId": realm["id"],
            "config": key_config(priority, kid),
        });
        self.administer("POST", &format!("/{}/components", self.name), Some(&provider));
        let known = self.administer("GET", &format!("/{}/components?name={name}&type={KEY_PROVIDER}", self.name), None);
        assert_eq!(known.as_array().unwrap().len(), 1, "{known}");
        self.remember(name, &known[0]["id"]);
    }

    /// Changes one setting of a key: `active`, whether it may sign, or `enabled`, whether it is published.
    pub fn set(&self, key: &str, setting: &str, value: bool) {
        let path = self.path_of(key);
        let mut provider = self.administer("GET", &path, None);
        provider["config"][setting] = json!([value.to_string()]);
        self.administer("PUT", &path, Some(&provider));
    }

    /// Deletes a key.
    pub fn delete_key(&self, name: &str) {
        self.administer("DELETE", &self.path_of(name), None);
        self.providers.borrow_mut().retain(|(known, _)| known != name);
    }

    fn remember(&self, key: &str, provider: &Value) {
        self.providers.borrow_mut().push((key.to_owned(), provider.as_str().unwrap().to_owned()));
    }

    fn path_of(&self, key: &str) -> String {
        let providers = self.providers.borrow();
        let (_, id) = providers.iter().find(|(name, _)| name == key).unwrap();
        format!("/{}/components/{id}", self.name)
    }

    #[track_caller]
    fn administer(&self, method: &str, path: &str, body: Option<&Value>) -> Value {
        self.asked(method, path, body).unwrap_or_else(|why| panic!("{method} {path}: {why}"))
    }

    fn asked(&self, method: &str, path: &str, body: Option<&Value>) -> Result<Value, String> {
        let (keycloak, password) = (self.lab.keycloak(), self.lab.administrator_password());
        let client = keycloak.client().map_err(|failure| failure.to_string())?;
        let form = [
            ("grant_type", "password"),
            ("client_id", "admin-cli"),
            ("username", ADMINISTRATOR),
            ("password", &password),
        ];
        let url = format!("{}/realms/master/protocol/openid-connect/token", keycloak.url());
        let granted = client.post(url).form(&form).send().and_then(|answer| answer.json::<Value>());
        let granted = granted.map_err(|error| error.to_string())?;
        let token = granted["access_token"].as_str().ok_or_else(|| granted.to_string())?;
        let method = http::Method::from_bytes(method.as_bytes()).map_err(|error| error.to_string())?;
        let mut request = client.request(method, format!("{}/admin/realms{path}", keycloak.url())).bearer_auth(token);
        if let Some(body) = body {
            request = request.json(body);
        }
        let answer = request.send().map_err(|error| error.to_string())?;
        let status = answer.status();
        let text = answer.text().map_err(|error| error.to_string())?;
        if !status.is_success() {
            return Err(format!("{status} {text}"));
        }
        if text.is_empty() { Ok(Value::Null) } else { serde_json::from_str(&text).map_err(|error| error.to_string()) }
    }
}

impl Drop for Realm {
    /// Also of a drill that failed.
    fn drop(&mut self) {
        if let Err(why) = self.asked("DELETE", &format!("/{}", self.name), None) {
            eprintln!("the realm {} is left behind: {why}", self.name);
        }
    }
}

/// Keycloak calls a key by its digest unless it is told a `kid`.
fn key_config(priority: u32, kid: Option<&str>) -> Value {
    let config = json!({"priority": [priority.to_string()], "algorithm": ["RS256"], "keySize": ["2048"]});
    kid.map_or(config.clone(), |kid| and(&config, "kid", json!([kid])))
}
