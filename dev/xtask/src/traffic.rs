//! What went over the wire: every token that the API was called with and every answer that it gave.
//!
//! The lab keeps both, readable for its owner only and until it is taken down, so that a test can look for the tokens
//! wherever the system writes something.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::calls::Answer;
use crate::failure::{Failure, OrFailure};
use crate::lab::Lab;
use crate::state::TRAFFIC;

const REMEDY: &str = "see that the lab's directory can be written; `cargo xtask lab up` makes it anew";

impl Lab {
    /// The tokens that the API was called with, each once.
    ///
    /// # Errors
    /// The record cannot be read.
    pub fn tokens_used(&self) -> Result<Vec<String>, Failure> {
        let mut tokens = lines(&self.tokens_file())?;
        tokens.sort();
        tokens.dedup();
        Ok(tokens)
    }

    /// Every answer of the API since the lab is up, each one line of text with status, headers and body.
    ///
    /// # Errors
    /// The record cannot be read.
    pub fn answers_given(&self) -> Result<Vec<String>, Failure> {
        lines(&self.answers_file())
    }

    /// Notes a token, so that [`Lab::tokens_used`] names it too.
    ///
    /// # Errors
    /// The record cannot be written.
    pub fn note_token(&self, token: &str) -> Result<(), Failure> {
        append(&self.tokens_file(), token)
    }

    pub(crate) fn note_call(&self, headers: &[(&str, &str)], answer: &Answer) -> Result<(), Failure> {
        for (_, value) in headers.iter().filter(|(name, _)| name.eq_ignore_ascii_case("authorization")) {
            self.note_token(value.rsplit(' ').next().unwrap_or(value))?;
        }
        let line: Value = json!({"status": answer.status, "headers": answer.headers, "body": answer.body});
        append(&self.answers_file(), &line.to_string())
    }

    fn tokens_file(&self) -> PathBuf {
        self.directory.join(TRAFFIC).join("tokens")
    }

    fn answers_file(&self) -> PathBuf {
        self.directory.join(TRAFFIC).join("answers")
    }
}

/// One write per line: several processes may append at the same time.
fn append(path: &Path, line: &str) -> Result<(), Failure> {
    let write = || -> io::Result<()> {
        if let Some(directory) = path.parent() {
            fs::create_dir_all(directory)?;
        }
        let mut file = OpenOptions::new().append(true).create(true).mode(0o600).open(path)?;
        file.write_all(format!("{line}\n").as_bytes())
    };
    write().or_failure(format!("write {}", path.display()), REMEDY)
}

fn lines(path: &Path) -> Result<Vec<String>, Failure> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(text.lines().filter(|line| !line.is_empty()).map(str::to_owned).collect()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(error).or_failure(format!("read {}", path.display()), REMEDY),
    }
}
