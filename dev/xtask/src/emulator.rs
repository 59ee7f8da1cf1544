//! The lab's AWS: an emulator on the loopback interface that enforces IAM for every Lambda's role.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use crate::aws::{ACCESS_KEY, loopback_client};
use crate::cache;
use crate::failure::Failure;
use crate::process::{self, Group};
use crate::tools::Tools;

const READY_WITHIN: Duration = Duration::from_secs(30);

/// One emulator of one lab.
#[derive(Debug, Clone)]
pub struct Emulator {
    directory: PathBuf,
    log: PathBuf,
    port: u16,
}

impl Emulator {
    /// The emulator of the lab in `directory`, on `port` of the loopback interface.
    pub fn new(directory: &Path, port: u16) -> Emulator {
        Emulator { directory: directory.join("emulator"), log: directory.join("logs/emulator.log"), port }
    }

    /// `http://127.0.0.1:PORT`, where every AWS API answers.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Starts it with an empty account whose root user has `secret`.
    ///
    /// # Errors
    /// It cannot be started.
    pub fn start(&self, tools: &Tools, secret: &str) -> Result<Group, Failure> {
        if self.directory.exists() {
            // A leftover of a lab that was killed; the emulator is to begin empty.
            let _ = std::fs::remove_dir_all(&self.directory);
        }
        cache::make(&self.directory)?;
        let mut command = Command::new(tools.program("emulator", "ministack"));
        // Lambdas inherit the emulator's environment, so it holds nothing of ours.
        command
            .env_clear()
            .env("PATH", "/usr/bin:/bin")
            .env("HOME", &self.directory)
            .env("TMPDIR", &self.directory)
            .env("S3_DATA_DIR", self.directory.join("s3"))
            .env("STATE_DIR", self.directory.join("state"))
            .env("BIND_HOST", "127.0.0.1")
            .env("GATEWAY_PORT", self.port.to_string())
            .env("IOT_MTLS_ENABLED", "false")
            .env("AUTH", "true")
            .env("AWS_ENDPOINT_URL", self.url())
            .env("AWS_ACCESS_KEY_ID", ACCESS_KEY)
            .env("AWS_SECRET_ACCESS_KEY", secret)
            .current_dir(&self.directory);
        process::start(&mut command, "emulator", &self.log)
    }

    /// Waits until it answers.
    ///
    /// # Errors
    /// It ended or was not ready in time; the failure shows the end of its log.
    pub fn wait_until_ready(&self, group: &Group) -> Result<(), Failure> {
        let url = format!("{}/_ministack/health", self.url());
        let client = loopback_client()?;
        let deadline = Instant::now() + READY_WITHIN;
        while Instant::now() < deadline && group.is_alive() {
            if client.get(&url).send().is_ok_and(|answer| answer.status().is_success()) {
                return Ok(());
            }
            thread::sleep(Duration::from_millis(50));
        }
        Err(Failure::new(
            format!("the emulator did not become ready; the end of its log:\n{}", process::tail(&self.log, 20)),
            format!("see that port {} is free; the whole log is {}", self.port, self.log.display()),
        ))
    }
}
