//! The lab's Keycloak: production mode, HTTPS only, its own data directory over a shared distribution.

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

/// The realm that the lab imports.
pub const REALM: &str = "workflows";
/// The client that the lab's users log in with.
pub const CLIENT: &str = "payment-app";

const READY_WITHIN: Duration = Duration::from_secs(180);
/// A small heap and a quick start matter more here than throughput.
const JAVA_OPTIONS: &str = "-XX:-UseG1GC -XX:+UseSerialGC -XX:TieredStopAtLevel=1";

/// One Keycloak of one lab.
#[derive(Debug, Clone)]
pub struct Keycloak {
    home: PathBuf,
    log: PathBuf,
    port: u16,
    certificates: Certificates,
}

impl Keycloak {
    /// The Keycloak of the lab in `directory`, on `port` of the loopback interface.
    pub fn new(directory: &Path, port: u16) -> Keycloak {
        Keycloak {
            home: directory.join("keycloak"),
            log: directory.join("logs/keycloak.log"),
            port,
            certificates: Certificates::at(directory),
        }
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
        process::start(&mut command, "keycloak", &self.log)
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

    /// An HTTPS client that trusts the lab's authority and nothing else.
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

    pub(crate) fn password_grant(
        &self,
        realm: &str,
        client_id: &str,
        user: &str,
        password: &str,
    ) -> Result<String, Failure> {
        let url = format!("{}/realms/{realm}/protocol/openid-connect/token", self.url());
        let form = [("grant_type", "password"), ("client_id", client_id), ("username", user), ("password", password)];
        let remedy = "see `cargo xtask lab status`; bring the lab up if it is down";
        let activity = format!("ask Keycloak for a token of `{user}`");
        let answer = self.client()?.post(&url).form(&form).send().or_failure(&activity, remedy)?;
        let status = answer.status();
        let body: Value = answer.json().or_failure(&activity, remedy)?;
        match body.get("access_token").and_then(Value::as_str) {
            Some(token) => Ok(token.to_owned()),
            None => Err(Failure::new(format!("{activity}: {status} {body}"), remedy)),
        }
    }
}
