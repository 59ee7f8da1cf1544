//! What runs of a function: the version that its alias names. `$LATEST` is what the next deployment publishes.

use std::thread;
use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::{Value, json};

use crate::failure::Failure;
use crate::lab::Lab;

/// Where Lambda's API has its functions.
pub(crate) const FUNCTIONS: &str = "/2015-03-31/functions";

impl Lab {
    /// What callers call of a function: `NAME:ALIAS`. The function is named as in [`Lab::function`].
    ///
    /// # Errors
    /// The stack has no such function, or none of its aliases is the function's.
    pub fn running(&self, function: &str) -> Result<String, Failure> {
        let name = self.function(function)?;
        let aliases = self.physical_ids("AWS::Lambda::Alias");
        let mut of_it = aliases.iter().filter_map(|arn| arn.rsplit_once(":function:")?.1.strip_prefix(&name));
        let alias = of_it.find_map(|rest| rest.strip_prefix(':'));
        let alias = alias.ok_or_else(|| {
            Failure::new(format!("`{name}` has no alias"), "see `AutoPublishAlias` in the template's Globals")
        })?;
        Ok(format!("{name}:{alias}"))
    }

    /// The configuration of what runs of a function, named as in [`Lab::function`].
    ///
    /// # Errors
    /// The stack has no such function.
    pub fn configuration(&self, function: &str) -> Result<Value, Failure> {
        self.lambda(Method::GET, &format!("{}/configuration", self.running(function)?), None)
    }

    /// Makes the next call of a function, named as in [`Lab::function`], start a fresh process of it: as a deployment does,
    /// a new version of the same code and configuration is published, and the one before is gone.
    ///
    /// # Errors
    /// The stack has no such function, or more than one.
    pub fn cold_start(&self, function: &str) -> Result<(), Failure> {
        // Written once more, it counts as changed, and Lambda publishes nothing else.
        let timeout = self.configuration(function)?.get("Timeout").cloned().unwrap_or(json!(10));
        self.change_latest(function, &json!({"Timeout": timeout}))?;
        self.publish(function)
    }

    /// Changes the configuration of `$LATEST`, which nobody calls.
    ///
    /// # Errors
    /// The stack has no such function, or the emulator refuses.
    pub fn change_latest(&self, function: &str, change: &Value) -> Result<(), Failure> {
        let path = format!("{}/configuration", self.function(function)?);
        self.lambda(Method::PUT, &path, Some(change))?;
        let deadline = Instant::now() + Duration::from_secs(10);
        while Instant::now() < deadline {
            let current = self.lambda(Method::GET, &path, None)?;
            if current.get("State").and_then(Value::as_str) == Some("Active") {
                return Ok(());
            }
            thread::sleep(Duration::from_millis(50));
        }
        Err(Failure::new(format!("{path} does not become active"), "read the emulator's log"))
    }

    /// Publishes `$LATEST`, has the alias name it, and deletes the version before.
    ///
    /// # Errors
    /// The stack has no such function, or the emulator refuses.
    pub fn publish(&self, function: &str) -> Result<(), Failure> {
        let name = self.function(function)?;
        let running = self.running(function)?;
        let alias = format!("{name}/aliases/{}", running.rsplit_once(':').map_or("", |(_, alias)| alias));
        let before = version(&self.lambda(Method::GET, &alias, None)?, "FunctionVersion")?;
        let published = self.lambda(Method::POST, &format!("{name}/versions"), Some(&json!({})))?;
        let published = version(&published, "Version")?;
        self.lambda(Method::PUT, &alias, Some(&json!({"FunctionVersion": published})))?;
        if before != published {
            self.lambda(Method::DELETE, &format!("{name}:{before}"), None)?;
        }
        Ok(())
    }

    fn lambda(&self, method: Method, path: &str, body: Option<&Value>) -> Result<Value, Failure> {
        self.aws.rest("lambda", method, &format!("{FUNCTIONS}/{path}"), body)
    }
}

fn version(answer: &Value, name: &str) -> Result<String, Failure> {
    let version = answer.get(name).and_then(Value::as_str).map(str::to_owned);
    version.ok_or_else(|| Failure::new(format!("the emulator names no `{name}`"), "read the emulator's log"))
}
