//! A ZIP archive of one program, as Lambda takes it: APPNOTE 6.3, stored, not compressed.

/// The archive's only file, as Lambda's own runtimes call it.
const NAME: &[u8] = b"bootstrap";
/// A regular file that everybody may run, in the form that Unix archivers write.
const ATTRIBUTES: u32 = 0o100_755 << 16;
/// The first day that the format knows: 1980-01-01.
const DATE: u16 = 0x21;

/// The archive that holds the program as `bootstrap`. None of one that is too large for the format.
pub fn of_program(program: &[u8]) -> Option<Vec<u8>> {
    let size = u32::try_from(program.len()).ok()?;
    let mut common = Vec::new();
    // Version 2.0, no flags, stored, midnight.
    for field in [20_u16, 0, 0, 0, DATE] {
        common.extend(field.to_le_bytes());
    }
    for field in [crc_32(program), size, size] {
        common.extend(field.to_le_bytes());
    }
    common.extend(u16::try_from(NAME.len()).ok()?.to_le_bytes());
    common.extend([0, 0]);

    let mut archive = [b"PK\x03\x04", common.as_slice(), NAME, program].concat();
    let directory = u32::try_from(archive.len()).ok()?;
    // Made on Unix; no comment, disk 0, no internal attributes, the file begins the archive.
    archive
        .extend([b"PK\x01\x02\x14\x03", common.as_slice(), &[0; 6], &ATTRIBUTES.to_le_bytes(), &[0; 4], NAME].concat());
    let length = u32::try_from(archive.len()).ok()? - directory;
    archive.extend(b"PK\x05\x06\0\0\0\0\x01\0\x01\0");
    archive.extend(length.to_le_bytes());
    archive.extend(directory.to_le_bytes());
    archive.extend([0, 0]);
    Some(archive)
}

/// The check sum of ISO 3309.
fn crc_32(bytes: &[u8]) -> u32 {
    let of_byte = |crc: u32, byte: &u8| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| (crc >> 1) ^ (0xedb8_8320 & (crc & 1).wrapping_neg()))
    };
    !bytes.iter().fold(u32::MAX, of_byte)
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    #[test]
    fn the_check_sum_is_the_known_one() {
        assert_eq!(crc_32(b"123456789"), 0xcbf4_3926);
    }

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
