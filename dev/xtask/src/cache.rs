//! The directory that keeps downloaded tools between runs, and the repository's own paths.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use crate::failure::{Failure, OrFailure};

const DISK: &str = "see that the directory can be written and the disk is not full";

/// The root of this repository.
pub fn repository() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.ancestors().nth(2).unwrap_or(here).to_path_buf()
}

/// Where downloaded tools are kept: `$KSF_CACHE`, else `keycloak-step-functions` in the user's cache directory.
///
/// # Errors
/// The directory cannot be made.
pub fn directory() -> Result<PathBuf, Failure> {
    let chosen = locate(|name| std::env::var_os(name).filter(|value| !value.is_empty()));
    let directory = chosen.ok_or_else(|| {
        Failure::new(
            "no cache directory: KSF_CACHE, XDG_CACHE_HOME and HOME are all unset",
            "set KSF_CACHE to a directory that may hold about 2 GB",
        )
    })?;
    make(&directory)?;
    Ok(directory)
}

fn locate(variable: impl Fn(&str) -> Option<std::ffi::OsString>) -> Option<PathBuf> {
    let own = variable("KSF_CACHE").map(PathBuf::from);
    own.or_else(|| {
        let shared = variable("XDG_CACHE_HOME").map(PathBuf::from);
        shared
            .or_else(|| variable("HOME").map(|home| Path::new(&home).join(".cache")))
            .map(|shared| shared.join("keycloak-step-functions"))
    })
}

/// Makes a directory and its parents.
///
/// # Errors
/// It cannot be made.
pub fn make(directory: &Path) -> Result<(), Failure> {
    fs::create_dir_all(directory).or_failure(format!("make {}", directory.display()), DISK)
}

/// Writes a file that only its owner may read.
///
/// # Errors
/// It cannot be written.
pub fn write_private(path: &Path, content: &str) -> Result<(), Failure> {
    use std::io::Write;
    use std::os::unix::fs::OpenOptionsExt;
    let activity = || format!("write {}", path.display());
    // Written beside and moved into place, so that a reader never sees half of it.
    let draft = path.with_extension("draft");
    let mut file = File::options()
        .create(true)
        .write(true)
        .truncate(true)
        .mode(0o600)
        .open(&draft)
        .or_failure(activity(), DISK)?;
    file.write_all(content.as_bytes()).or_failure(activity(), DISK)?;
    fs::rename(&draft, path).or_failure(activity(), DISK)
}

/// Holds the named lock until the returned file is dropped; waits while another process has it.
///
/// # Errors
/// The lock file cannot be made or locked.
pub fn lock(directory: &Path, name: &str) -> Result<File, Failure> {
    make(directory)?;
    let path = directory.join(format!("{name}.lock"));
    let file = File::create(&path).or_failure(format!("open {}", path.display()), DISK)?;
    file.lock().or_failure(format!("lock {}", path.display()), DISK)?;
    Ok(file)
}

/// Something installed in the cache, whole only when its stamp says exactly what was asked for.
#[derive(Debug)]
pub struct Installed {
    /// Where it stands.
    pub directory: PathBuf,
    wanted: String,
}

impl Installed {
    /// The installation in `directory` of exactly `wanted`.
    pub fn new(directory: PathBuf, wanted: impl Into<String>) -> Installed {
        Installed { directory, wanted: wanted.into() }
    }

    fn stamp(&self) -> PathBuf {
        self.directory.join(".complete")
    }

    /// Whether it stands complete.
    pub fn is_complete(&self) -> bool {
        fs::read_to_string(self.stamp()).is_ok_and(|stamp| stamp == self.wanted)
    }

    /// Installs it with `install` unless it stands; what an earlier, interrupted installation left is removed first.
    ///
    /// # Errors
    /// Those of `install`, and a cache that cannot be written.
    pub fn ensure(&self, install: impl FnOnce(&Path) -> Result<(), Failure>) -> Result<(), Failure> {
        let name = self.directory.file_name().unwrap_or_default().to_string_lossy();
        let parent = self.directory.parent().unwrap_or(&self.directory);
        let _held = lock(parent, &format!(".{name}"))?;
        if self.is_complete() {
            return Ok(());
        }
        if self.directory.exists() {
            fs::remove_dir_all(&self.directory).or_failure(format!("remove {}", self.directory.display()), DISK)?;
        }
        make(&self.directory)?;
        install(&self.directory)?;
        fs::write(self.stamp(), &self.wanted).or_failure(format!("write {}", self.stamp().display()), DISK)
    }
}

/// The directory of the labs of this repository.
pub fn labs() -> PathBuf {
    repository().join("target/lab")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn located(variables: &[(&str, &str)]) -> Option<PathBuf> {
        locate(|name| {
            let found = variables.iter().find(|(key, _)| *key == name);
            found.map(|(_, value)| (*value).into())
        })
    }

    #[test]
    fn the_cache_is_the_most_specific_one_named() {
        assert_eq!(located(&[("KSF_CACHE", "/k"), ("HOME", "/h")]), Some("/k".into()));
        assert_eq!(located(&[("XDG_CACHE_HOME", "/x"), ("HOME", "/h")]), Some("/x/keycloak-step-functions".into()));
        assert_eq!(located(&[("HOME", "/h")]), Some("/h/.cache/keycloak-step-functions".into()));
        assert_eq!(located(&[]), None);
    }

    #[test]
    fn an_interrupted_installation_is_redone_and_a_complete_one_is_kept() {
        let root = std::env::temp_dir().join(format!("xtask-installed-{}", std::process::id()));
        let tool = Installed::new(root.join("tool"), "tool 1");
        make(&tool.directory).unwrap();
        fs::write(tool.directory.join("half"), "").unwrap();

        tool.ensure(|directory| {
            assert!(!directory.join("half").exists());
            fs::write(directory.join("whole"), "").unwrap();
            Ok(())
        })
        .unwrap();
        tool.ensure(|_| Err(Failure::new("installed twice", ""))).unwrap();

        let newer = Installed::new(root.join("tool"), "tool 2");
        assert_eq!(
            newer.ensure(|_| Err(Failure::new("no network", "connect"))),
            Err(Failure::new("no network", "connect"))
        );
        assert!(!tool.is_complete());
        fs::remove_dir_all(root).unwrap();
    }
}
