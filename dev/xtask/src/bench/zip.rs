//! A ZIP archive of one program, as Lambda takes it: stored, not compressed.

use std::io::{Cursor, Write as _};

use zip::result::ZipResult;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

/// The archive's only file, as Lambda's own runtimes call it.
const NAME: &str = "bootstrap";

/// The archive that holds the program as `bootstrap`, which everybody may run.
///
/// # Errors
/// The program is too large for the format.
pub fn of_program(program: &[u8]) -> ZipResult<Vec<u8>> {
    let options = SimpleFileOptions::default().compression_method(CompressionMethod::Stored).unix_permissions(0o755);
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    archive.start_file(NAME, options)?;
    archive.write_all(program)?;
    Ok(archive.finish()?.into_inner())
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    #[test]
    fn another_reader_finds_the_program_whole_and_runnable() {
        let path = std::env::temp_dir().join(format!("xtask-zip-{}.zip", std::process::id()));
        std::fs::write(&path, of_program(b"a program").unwrap()).unwrap();
        let script = "import sys, zipfile; z = zipfile.ZipFile(sys.argv[1]); i = z.getinfo('bootstrap'); \
                      print(z.testzip(), z.namelist(), oct(i.external_attr >> 16), z.read(i).decode())";
        let output = Command::new("python3").args(["-c", script]).arg(&path).output().unwrap();
        std::fs::remove_file(path).unwrap();
        assert_eq!(String::from_utf8(output.stdout).unwrap(), "None ['bootstrap'] 0o100755 a program\n");
    }
}
