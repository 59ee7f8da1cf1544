//! Small changes to bytes, the same ones for the same seed.

use fastrand::Rng;

/// The longest input that is made.
const MAX_BYTES: usize = 16 * 1024;

/// What parsers trip over.
const WORDS: [&str; 40] = [
    "null",
    "true",
    "false",
    "0",
    "-1",
    "1e999",
    "1.0",
    "9223372036854775808",
    "4294967296",
    "{}",
    "[]",
    "\"\"",
    "{\"a\":1}",
    ",",
    ":",
    "\"",
    "\\",
    "\\u0000",
    "\\ud800",
    "\\u0061",
    "\n",
    "\r\n",
    "\0",
    "\u{feff}",
    "\u{2028}",
    "\u{202e}",
    "é",
    "*",
    "?",
    "${aws:username}",
    "/",
    "//",
    "..",
    "%2F",
    "=",
    ".",
    "arn:",
    "Bearer ",
    "$TOKEN",
    "$TRANSACTION",
];

/// A sequence of changes.
pub struct Mutator(Rng);

impl Mutator {
    /// The sequence of that seed.
    pub fn new(seed: u64) -> Self {
        Self(Rng::with_seed(seed))
    }

    /// An input of the corpus after one to four changes.
    pub fn next(&mut self, corpus: &[Vec<u8>]) -> Vec<u8> {
        let mut bytes = corpus[self.0.usize(..corpus.len())].clone();
        for _ in 0..=self.0.usize(..4) {
            self.change(&mut bytes, corpus);
        }
        bytes.truncate(MAX_BYTES);
        bytes
    }

    fn change(&mut self, bytes: &mut Vec<u8>, corpus: &[Vec<u8>]) {
        let at = self.0.usize(..bytes.len() + 1);
        let end = bytes.len().min(at + 1 + self.0.usize(..32));
        match self.0.usize(..9) {
            0 if at < end => bytes[at] ^= 1 << self.0.usize(..8),
            1 if at < end => bytes[at] = self.0.u8(..),
            2 => bytes.insert(at, self.0.u8(..)),
            3 => drop(bytes.drain(at..end)),
            // The same piece again: a duplicate member, a repeated separator.
            4 => {
                let piece = bytes[at..end].to_vec();
                bytes.splice(at..at, piece);
            }
            // A word in the place of another piece, or between two.
            5 => drop(bytes.splice(at..end, self.word())),
            6 => drop(bytes.splice(at..at, self.word())),
            // The end of another input.
            7 => {
                let other = &corpus[self.0.usize(..corpus.len())];
                bytes.truncate(at);
                bytes.extend_from_slice(&other[self.0.usize(..other.len() + 1)..]);
            }
            // One piece very often.
            _ => {
                let piece = bytes[at..end].repeat(1 + self.0.usize(..200));
                bytes.splice(at..at, piece);
            }
        }
    }

    fn word(&mut self) -> Vec<u8> {
        WORDS[self.0.usize(..WORDS.len())].as_bytes().to_vec()
    }
}
