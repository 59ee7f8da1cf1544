//! The path of a claim inside a payload, or of a member inside an input.

use std::fmt;

use crate::identifier::IdentifierError;

/// The most segments that a path may have.
const MAX_SEGMENTS: usize = 8;

/// One to eight member names, outermost first.
///
/// Its text is `compliance.kyc`; a segment that is not of `[A-Za-z0-9_-]` is quoted: `"https://example.com/org".id`.
/// Inside quotes only `"` and `\` cannot stand.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClaimPath {
    segments: Vec<String>,
}

impl ClaimPath {
    /// Parses a path's text.
    ///
    /// # Errors
    /// [`IdentifierError`] if a segment is empty, badly quoted or holds a forbidden character, or there are over eight.
    pub fn parse(text: &str) -> Result<Self, IdentifierError> {
        let shape = IdentifierError::WrongShape { kind: "claim path", expected: "NAME.NAME or \"NAME\".NAME" };
        let mut segments = Vec::new();
        let mut rest = text;
        loop {
            let (segment, after) = match rest.strip_prefix('"') {
                Some(quoted) => quoted.split_once('"').ok_or(shape.clone())?,
                None => rest.split_at(rest.find('.').unwrap_or(rest.len())),
            };
            let quoted = rest.starts_with('"');
            segments.push(member(segment, quoted)?);
            rest = match after.strip_prefix('.') {
                Some(next) => next,
                None if after.is_empty() => break,
                None => return Err(shape),
            };
        }
        if segments.len() > MAX_SEGMENTS { Err(shape) } else { Ok(Self { segments }) }
    }

    /// The member names, outermost first; at least one.
    pub fn segments(&self) -> &[String] {
        &self.segments
    }
}

fn member(segment: &str, quoted: bool) -> Result<String, IdentifierError> {
    let kind = "claim path";
    if segment.is_empty() {
        return Err(IdentifierError::Empty { kind });
    }
    let allowed = |c: &char| match quoted {
        true => !c.is_control() && *c != '\\',
        false => is_bare(*c),
    };
    match segment.chars().find(|c| !allowed(c)) {
        Some(character) => Err(IdentifierError::ForbiddenCharacter { kind, character }),
        None => Ok(segment.to_owned()),
    }
}

fn is_bare(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_' || c == '-'
}

impl fmt::Display for ClaimPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, segment) in self.segments.iter().enumerate() {
            let dot = if index == 0 { "" } else { "." };
            if segment.chars().all(is_bare) {
                write!(f, "{dot}{segment}")?;
            } else {
                write!(f, "{dot}\"{segment}\"")?;
            }
        }
        Ok(())
    }
}
