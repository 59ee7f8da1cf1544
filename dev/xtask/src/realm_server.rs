//! A Keycloak by itself, with the realm and nobody in it: for what its versions answer differently.

use std::path::PathBuf;
use std::process::Command;
use std::{env, fs};

use crate::admin::Admin;
use crate::cache;
use crate::certificates::{Certificates, random_password};
use crate::failure::Failure;
use crate::keycloak::{CLIENT, Keycloak};
use crate::process::{self, Group};
use crate::progress::Progress;
use crate::state::Ports;
use crate::tools::Tools;

const ADMINISTRATOR: &str = "administrator";
/// Java wants one for a file of public certificates too.
const TRUST_PASSWORD: &str = "public";

/// Which Keycloak.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Version {
    /// The least that is supported.
    Least,
    /// The least that lets administrators look at single clients.
    LeastNarrowing,
    /// The one that the lab runs on.
    Newest,
}

/// Which of the realm's two files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RealmFile {
    /// For Keycloak 26.2 and later: revalidation looks at users and at the calling clients.
    Narrow,
    /// For Keycloak before 26.2: it looks at users and at every client.
    Wide,
}

impl RealmFile {
    fn path(self) -> PathBuf {
        let name = match self {
            RealmFile::Narrow => "realm/workflows-realm.json",
            RealmFile::Wide => "realm/before-26.2/workflows-realm.json",
        };
        cache::repository().join(name)
    }
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
    distribution: PathBuf,
    keycloak: Keycloak,
    password: String,
    group: Group,
}

impl RealmServer {
    /// Starts a server that imports `realm`, and whose users may log in to the calling client by password.
    ///
    /// # Errors
    /// It cannot be installed or started.
    pub fn start(version: Version, realm: RealmFile) -> Result<RealmServer, Failure> {
        let progress = Progress::new();
        let tools = Tools::ensure(&progress)?;
        let directory = Directory(env::temp_dir().join(format!("xtask-realm-{version:?}-{}", std::process::id())));
        cache::make(&directory.0.join("logs"))?;
        Certificates::make(&directory.0)?;
        let keycloak = Keycloak::new(&directory.0, Ports::choose(None)?.keycloak);
        let (distribution, keycloak) = match version {
            Version::Least => (tools.least_keycloak(&progress)?, keycloak.without_requests()),
            Version::LeastNarrowing => (tools.least_narrowing_keycloak(&progress)?, keycloak.without_requests()),
            Version::Newest => (tools.keycloak.clone(), keycloak),
        };
        keycloak.lay_out(&distribution, &realm.path())?;
        let password = random_password()?;
        let group = keycloak.start((ADMINISTRATOR, &password))?;
        let server = RealmServer { directory, distribution, keycloak, password, group };
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

    /// Runs lines of shell as the realm's administrator, with `kcadm.sh` of this server in reach and logged in.
    ///
    /// # Errors
    /// A line fails; the failure shows what was said.
    pub fn play(&self, script: &str) -> Result<(), Failure> {
        let remedy = "see that Java's keytool is in reach, and read what the script said";
        let home = self.directory.0.join("administrator");
        cache::make(&home)?;
        let truststore = home.join("authority.p12");
        let log = self.directory.0.join("logs/kcadm.log");
        let mut keytool = Command::new("keytool");
        keytool
            .args([
                "-importcert",
                "-noprompt",
                "-alias",
                "authority",
                "-storetype",
                "PKCS12",
                "-storepass",
                TRUST_PASSWORD,
            ])
            .arg("-file")
            .arg(&Certificates::at(&self.directory.0).authority)
            .arg("-keystore")
            .arg(&truststore);
        process::run(&mut keytool, "keytool", &log, &|_| (), remedy)?;
        let log_in = format!(
            "kcadm.sh config truststore --trustpass {TRUST_PASSWORD} \"{}\"\n\
             kcadm.sh config credentials --server \"{}\" --realm master --user {ADMINISTRATOR} --password \"$PASSWORD\"\n",
            truststore.display(),
            self.keycloak.url(),
        );
        let mut path = self.distribution.join("bin").into_os_string();
        path.push(":");
        path.push(env::var_os("PATH").unwrap_or_default());
        let mut shell = Command::new("bash");
        shell.args(["-euo", "pipefail", "-c", &format!("{log_in}{script}")]);
        // Its settings, the log-in among them, stand in the home directory.
        shell.env("HOME", &home).env("KC_OPTS", format!("-Duser.home={}", home.display()));
        shell.env("PATH", path).env("PASSWORD", &self.password);
        process::run(&mut shell, "kcadm.sh", &log, &|_| (), remedy)
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
        let _ = process::stop(std::slice::from_ref(&self.group));
    }
}
