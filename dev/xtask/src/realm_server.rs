//! A Keycloak by itself, with the realm and nobody in it: for what its versions answer differently.

use std::path::PathBuf;
use std::{env, fs, process};

use crate::admin::Admin;
use crate::cache;
use crate::certificates::{Certificates, random_password};
use crate::failure::Failure;
use crate::keycloak::{CLIENT, Keycloak};
use crate::process::{Group, stop};
use crate::progress::Progress;
use crate::state::Ports;
use crate::tools::Tools;

const ADMINISTRATOR: &str = "administrator";

/// Which Keycloak.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Version {
    /// The least that is supported.
    Least,
    /// The one that the lab runs on.
    Newest,
}

/// A directory, until it is dropped.
struct Directory(PathBuf);

impl Drop for Directory {
    fn drop(&mut self) {
        // What cannot be removed is left for the machine to clear away.
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// The server, until it is dropped.
pub struct RealmServer {
    directory: Directory,
    keycloak: Keycloak,
    password: String,
    group: Group,
}

impl RealmServer {
    /// Starts a server whose users may log in to the calling client by password.
    ///
    /// # Errors
    /// It cannot be installed or started.
    pub fn start(version: Version) -> Result<RealmServer, Failure> {
        let progress = Progress::new();
        let tools = Tools::ensure(&progress)?;
        let directory = Directory(env::temp_dir().join(format!("xtask-realm-{version:?}-{}", process::id())));
        cache::make(&directory.0.join("logs"))?;
        Certificates::make(&directory.0)?;
        let keycloak = Keycloak::new(&directory.0, Ports::choose(None)?.keycloak);
        let (distribution, keycloak) = match version {
            Version::Least => (tools.least_keycloak(&progress)?, keycloak.without_requests()),
            Version::Newest => (tools.keycloak.clone(), keycloak),
        };
        keycloak.lay_out(&distribution, &cache::repository().join("realm/workflows-realm.json"))?;
        let password = random_password()?;
        let group = keycloak.start((ADMINISTRATOR, &password))?;
        let server = RealmServer { directory, keycloak, password, group };
        server.keycloak.wait_until_ready(&server.group)?;
        server.admin()?.allow_password_grant(CLIENT)?;
        Ok(server)
    }

    /// The realm.
    pub fn keycloak(&self) -> &Keycloak {
        &self.keycloak
    }

    /// Logs in as the realm's administrator.
    ///
    /// # Errors
    /// Keycloak is out of reach.
    pub fn admin(&self) -> Result<Admin, Failure> {
        Admin::log_in(&self.keycloak, (ADMINISTRATOR, &self.password))
    }

    /// The authority of its certificate, base64 of its DER.
    ///
    /// # Errors
    /// The certificate cannot be read.
    pub fn authority(&self) -> Result<String, Failure> {
        Certificates::at(&self.directory.0).authority_base64()
    }
}

impl Drop for RealmServer {
    fn drop(&mut self) {
        // Its database goes with it, so it does not matter how it ends.
        let _ = stop(std::slice::from_ref(&self.group));
    }
}
