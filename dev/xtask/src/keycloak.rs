//! The lab's Keycloak: production mode, HTTPS only, its own data directory over a shared distribution.

use std::fmt;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use reqwest::blocking::Client;
use serde_json::Value;

use crate::cache;
use crate::certificates::Certificates;
use crate::failure::{Failure, OrFailure};
use crate::process::{self, Group};

/// The name of Keycloak's administrator in a lab.
pub const ADMINISTRATOR: &str = "lab";
/// The realm that the lab imports.
pub const REALM: &str = "workflows";
/// The client that the lab's users log in with.
pub const CLIENT: &str = "payment-app";
/// The client that revalidation signs in as.
pub const REVALIDATION_CLIENT: &str = "workflow-revalidation";

/// On two idle cores it takes 15 s; others may compile meanwhile.
const READY_WITHIN: Duration = Duration::from_secs(400);
/// A small heap and a quick start matter more here than throughput.
const JAVA_OPTIONS: &str = "-XX:-UseG1GC -XX:+UseSerialGC -XX:TieredStopAtLevel=1";

/// What a user is given who logs in. It does not print.
#[derive(Clone)]
pub struct Tokens {
    /// The access token.
    pub access: String,
    /// The refresh token.
    pub refresh: String,
}

impl Tokens {
    /// The tokens of an answer of the token endpoint; none if one of them is not there.
    pub(crate) fn read(answer: &Value) -> Option<Tokens> {
        let token = |name: &str| answer.get(name).and_then(Value::as_str).map(str::to_owned);
        Some(Tokens { access: token("access_token")?, refresh: token("refresh_token")? })
    }
}

impl fmt::Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tokens(…)")
    }
}

/// One Keycloak of one lab.
#[derive(Debug, Clone)]
pub struct Keycloak {
    home: PathBuf,
    log: PathBuf,
    port: u16,
    certificates: Certificates,
    notes_requests: bool,
}

impl Keycloak {
    /// The Keycloak of the lab in `directory`, on `port` of the loopback interface.
    pub fn new(directory: &Path, port: u16) -> Keycloak {
        Keycloak {
            home: directory.join("keycloak"),
            log: directory.join("logs/keycloak.log"),
            port,
            certificates: Certificates::at(directory),
            notes_requests: true,
        }
    }

    /// The same, without a file of the requests that it has answered: earlier versions write none.
    #[must_use]
    pub fn without_requests(self) -> Keycloak {
        Keycloak { notes_requests: false, ..self }
    }

    /// `https://127.0.0.1:PORT`.
    pub fn url(&self) -> String {
        format!("https://127.0.0.1:{}", self.port)
    }

    /// The `iss` of the realm's tokens.
    pub fn issuer(&self) -> String {
        format!("{}/realms/{REALM}", self.url())
    }

    /// Lays out an empty server that shares the programs of `distribution` and imports `realm` when it starts.
    ///
    /// # Errors
    /// The directory cannot be written.
    pub fn lay_out(&self, distribution: &Path, realm: &Path) -> Result<(), Failure> {
        let remedy = "run `cargo xtask lab down`, then `cargo xtask lab up`";
        let activity = || format!("lay out Keycloak in {}", self.home.display());
        if self.home.exists() {
            std::fs::remove_dir_all(&self.home).or_failure(activity(), remedy)?;
        }
        cache::make(&self.home.join("bin"))?;
        cache::make(&self.home.join("data/import"))?;
        // The script finds the server's home from its own place, so it is copied; the rest is only read.
        std::fs::copy(distribution.join("bin/kc.sh"), self.home.join("bin/kc.sh")).or_failure(activity(), remedy)?;
        for shared in ["lib", "conf", "providers", "themes"] {
            symlink(distribution.join(shared), self.home.join(shared)).or_failure(activity(), remedy)?;
        }
        let import = self.home.join(format!("data/import/{REALM}-realm.json"));
        std::fs::copy(realm, import)
            .or_failure(format!("read {}", realm.display()), "the realm file belongs into realm/")?;
        Ok(())
    }

    /// Starts the server. `bootstrap` names the administrator that a new database gets.
    ///
    /// # Errors
    /// It cannot be started.
    pub fn start(&self, bootstrap: (&str, &str)) -> Result<Group, Failure> {
        let mut command = Command::new(self.home.join("bin/kc.sh"));
        // Options of a Keycloak that the caller runs for himself must not leak in.
        for (name, _) in std::env::vars_os() {
            let name = name.to_string_lossy();
            if name.starts_with("KC_") || name.starts_with("JAVA_OPTS") || name == "DEBUG" {
                command.env_remove(&*name);
            }
        }
        command
            .args(["start", "--optimized", "--import-realm", "--cache", "local"])
            .args(["--http-host", "127.0.0.1", "--https-port", &self.port.to_string()])
            .args(["--hostname", &self.url()])
            .arg("--https-certificate-file")
            .arg(&self.certificates.server)
            .arg("--https-certificate-key-file")
            .arg(&self.certificates.server_key)
            .env("JAVA_OPTS_APPEND", JAVA_OPTIONS)
            .env("KC_BOOTSTRAP_ADMIN_USERNAME", bootstrap.0)
            .env("KC_BOOTSTRAP_ADMIN_PASSWORD", bootstrap.1);
        if self.notes_requests {
            command.args(["--http-access-log-enabled", "true", "--http-access-log-pattern", "%r"]).args([
                "--http-access-log-file-enabled",
                "true",
                "--http-access-log-file-rotate",
                "false",
            ]);
        }
        process::start(&mut command, "keycloak", &self.log)
    }

    /// Every request that the server has answered since it was laid out, oldest first, such as `GET /realms/workflows HTTP/2`.
    ///
    /// # Errors
    /// The server's access log cannot be read.
    pub fn requests(&self) -> Result<Vec<String>, Failure> {
        let path = self.home.join("data/log/keycloak-http-access.log");
        let text = std::fs::read_to_string(&path)
            .or_failure(format!("read {}", path.display()), "see that the lab is up: `cargo xtask lab status`")?;
        Ok(text.lines().map(|line| line.trim_matches('"').to_owned()).collect())
    }

    /// Waits until the realm's discovery document is served.
    ///
    /// # Errors
    /// The server ended or was not ready in time; the failure shows the end of its log.
    pub fn wait_until_ready(&self, group: &Group) -> Result<(), Failure> {
        let client = self.client()?;
        let url = format!("{}/.well-known/openid-configuration", self.issuer());
        let deadline = Instant::now() + READY_WITHIN;
        while Instant::now() < deadline && group.is_alive() {
            if client.get(&url).send().is_ok_and(|answer| answer.status().is_success()) {
                return Ok(());
            }
            thread::sleep(Duration::from_millis(150));
        }
        let what = if group.is_alive() {
            format!("Keycloak was not ready within {} s", READY_WITHIN.as_secs())
        } else {
            "Keycloak ended while it started".to_owned()
        };
        Err(Failure::new(
            format!("{what}; the end of its log:\n{}", process::tail(&self.log, 30)),
            format!(
                "see that port {} is free and about 1 GB of memory is; the whole log is {}",
                self.port,
                self.log.display()
            ),
        ))
    }

    /// An HTTPS client that trusts the lab's authority and nothing else, and follows no redirect.
    ///
    /// # Errors
    /// The lab's authority cannot be read.
    pub fn client(&self) -> Result<Client, Failure> {
        let remedy = "run `cargo xtask lab down`, then `cargo xtask lab up`";
        let pem = self.certificates.authority_pem()?;
        let authority =
            reqwest::Certificate::from_pem(pem.as_bytes()).or_failure("read the lab's authority", remedy)?;
        Client::builder()
            .tls_certs_only([authority])
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .timeout(Duration::from_secs(20))
            .build()
            .or_failure("set up HTTPS", remedy)
    }

    /// A real access token: the password grant for a lab user.
    ///
    /// # Errors
    /// Keycloak is out of reach or refuses the user.
    pub fn access_token(&self, user: &str, password: &str) -> Result<String, Failure> {
        self.password_grant(REALM, CLIENT, user, password)
    }

    /// A user's session: the password grant for a user whom the lab made.
    ///
    /// # Errors
    /// Keycloak is out of reach or refuses the user.
    pub fn log_in(&self, user: &str, password: &str) -> Result<Tokens, Failure> {
        let answer = self.granted(REALM, CLIENT, user, password)?;
        Tokens::read(&answer)
            .ok_or_else(|| Failure::new(format!("Keycloak gave no tokens to `{user}`"), "see that its clients refresh"))
    }

    /// Revokes a refresh token (RFC 7009), as an application does that needs it no more.
    ///
    /// # Errors
    /// Keycloak is out of reach or refuses.
    pub fn revoke(&self, tokens: &Tokens) -> Result<(), Failure> {
        let url = format!("{}/protocol/openid-connect/revoke", self.issuer());
        let form = [("client_id", CLIENT), ("token", tokens.refresh.as_str()), ("token_type_hint", "refresh_token")];
        let (activity, remedy) = ("revoke a refresh token", "see that the session is still alive");
        let answer = self.client()?.post(&url).form(&form).send().or_failure(activity, remedy)?;
        answer.error_for_status().map(|_| ()).or_failure(activity, remedy)
    }

    /// Ends a session, as its user does who logs out.
    ///
    /// # Errors
    /// Keycloak is out of reach or refuses.
    pub fn log_out(&self, tokens: &Tokens) -> Result<(), Failure> {
        let url = format!("{}/protocol/openid-connect/logout", self.issuer());
        let form = [("client_id", CLIENT), ("refresh_token", tokens.refresh.as_str())];
        let (activity, remedy) = ("log out", "see that the session is still alive");
        let answer = self.client()?.post(&url).form(&form).send().or_failure(activity, remedy)?;
        answer.error_for_status().map(|_| ()).or_failure(activity, remedy)
    }

    pub(crate) fn password_grant(
        &self,
        realm: &str,
        client_id: &str,
        user: &str,
        password: &str,
    ) -> Result<String, Failure> {
        let answer = self.granted(realm, client_id, user, password)?;
        Ok(answer.get("access_token").and_then(Value::as_str).unwrap_or_default().to_owned())
    }

    /// Keycloak's answer to the password grant, which holds an access token.
    fn granted(&self, realm: &str, client_id: &str, user: &str, password: &str) -> Result<Value, Failure> {
        let url = format!("{}/realms/{realm}/protocol/openid-connect/token", self.url());
        let form = [("grant_type", "password"), ("client_id", client_id), ("username", user), ("password", password)];
        let remedy = "see `cargo xtask lab status`; bring the lab up if it is down";
        let activity = format!("ask Keycloak for a token of `{user}`");
        let answer = self.client()?.post(&url).form(&form).send().or_failure(&activity, remedy)?;
        let status = answer.status();
        let body: Value = answer.json().or_failure(&activity, remedy)?;
        if body.get("access_token").is_some_and(Value::is_string) {
            return Ok(body);
        }
        Err(Failure::new(format!("{activity}: {status} {body}"), remedy))
    }
}
