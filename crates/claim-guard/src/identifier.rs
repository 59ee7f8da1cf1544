//! Identifiers, each a type of its own, parsed at the border.
//!
//! An identifier is 1 to 256 bytes of printable text; a scope is as long as its token lets it be. Nothing here says that the
//! named thing exists.

use std::borrow::Borrow;
use std::fmt;
use std::sync::Arc;

/// The most bytes that an identifier may have.
pub const MAX_IDENTIFIER_BYTES: usize = 256;

/// Why a text is not an identifier.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum IdentifierError {
    /// Nothing was presented.
    Empty {
        /// Which identifier was expected, for example `audience`.
        kind: &'static str,
    },
    /// More than [`MAX_IDENTIFIER_BYTES`] were presented.
    TooLong {
        /// Which identifier was expected.
        kind: &'static str,
        /// How many bytes were presented.
        bytes: usize,
    },
    /// A character was presented that this identifier cannot hold.
    ForbiddenCharacter {
        /// Which identifier was expected.
        kind: &'static str,
        /// The first such character.
        character: char,
    },
    /// The text has another shape than this identifier's.
    WrongShape {
        /// Which identifier was expected.
        kind: &'static str,
        /// The expected shape.
        expected: &'static str,
    },
}

impl fmt::Display for IdentifierError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty { kind } => write!(f, "{kind} is empty"),
            Self::TooLong { kind, bytes } => {
                write!(f, "{kind} has `{bytes}` bytes, expected at most `{MAX_IDENTIFIER_BYTES}`")
            }
            Self::ForbiddenCharacter { kind, character } => {
                write!(f, "{kind} holds the forbidden character `{}`", character.escape_default())
            }
            Self::WrongShape { kind, expected } => write!(f, "{kind} is not of the shape `{expected}`"),
        }
    }
}

impl std::error::Error for IdentifierError {}

pub(crate) fn printable(kind: &'static str, text: &str) -> Result<(), IdentifierError> {
    if text.is_empty() {
        return Err(IdentifierError::Empty { kind });
    }
    if text.len() > MAX_IDENTIFIER_BYTES {
        return Err(IdentifierError::TooLong { kind, bytes: text.len() });
    }
    if is_printable_ascii(text) {
        return Ok(());
    }
    match text.chars().find(|c| c.is_control() || is_invisible(*c)) {
        Some(character) => Err(IdentifierError::ForbiddenCharacter { kind, character }),
        None => Ok(()),
    }
}

/// Whether all of the text is spaces and visible ASCII.
pub(crate) fn is_printable_ascii(text: &str) -> bool {
    all_bytes(text, |byte| matches!(byte, b' '..=b'~'))
}

/// As `all` of the bytes, but eight are looked at in one step, where `all` could stop after each.
fn all_bytes(text: &str, is: impl Fn(u8) -> bool) -> bool {
    let (eights, rest) = text.as_bytes().as_chunks::<8>();
    eights.iter().all(|eight| eight.iter().fold(true, |so_far, byte| so_far & is(*byte)))
        && rest.iter().all(|byte| is(*byte))
}

/// Line separators and direction overrides: they make a log line read as another one.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{2028}' | '\u{2029}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

/// Words of visible ASCII without `"` and `\\`, with single spaces between them.
fn words(kind: &'static str, text: &str) -> Result<(), IdentifierError> {
    if text.is_empty() {
        return Err(IdentifierError::Empty { kind });
    }
    let forbidden = |c: &char| !matches!(c, ' '..='~') || matches!(c, '"' | '\\');
    if let Some(character) = text.chars().find(forbidden) {
        return Err(IdentifierError::ForbiddenCharacter { kind, character });
    }
    let lacks_a_word = text.split(' ').any(str::is_empty);
    if lacks_a_word { Err(IdentifierError::WrongShape { kind, expected: "WORD WORD" }) } else { Ok(()) }
}

fn ascii_graphic(kind: &'static str, text: &str) -> Result<(), IdentifierError> {
    printable(kind, text)?;
    if all_bytes(text, |byte| byte.is_ascii_graphic()) {
        return Ok(());
    }
    match text.chars().find(|c| !c.is_ascii_graphic()) {
        Some(character) => Err(IdentifierError::ForbiddenCharacter { kind, character }),
        None => Ok(()),
    }
}

fn name(kind: &'static str, text: &str) -> Result<(), IdentifierError> {
    printable(kind, text)?;
    match text.chars().find(|c| !(c.is_ascii_alphanumeric() || *c == '-' || *c == '_')) {
        Some(character) => Err(IdentifierError::ForbiddenCharacter { kind, character }),
        None => Ok(()),
    }
}

/// An `https` URL without user, query or fragment, and without a trailing slash: RFC 8414 §2 forbids the former two.
fn issuer(kind: &'static str, text: &str) -> Result<(), IdentifierError> {
    ascii_graphic(kind, text)?;
    let shape = IdentifierError::WrongShape { kind, expected: "https://HOST[:PORT]/realms/REALM" };
    let Some(rest) = text.strip_prefix("https://") else { return Err(shape) };
    let host = rest.split('/').next().unwrap_or_default();
    let (before, realm) = rest.rsplit_once('/').unwrap_or((rest, ""));
    let bad = host.is_empty() || rest.ends_with('/') || rest.contains(['?', '#', '@', '\\', '*']);
    let misspelled = before.contains('%') || realm_name(realm).is_none();
    let dotted = rest.split('/').any(|segment| segment == "." || segment == "..");
    let doubled = rest.contains("//");
    if bad || misspelled || dotted || doubled { Err(shape) } else { Ok(()) }
}

/// What the last segment of an issuer calls the realm: Keycloak writes the realm `My Realm` as `My%20Realm` there (RFC 3986
/// §2.1), and by its own name everywhere else.
///
/// None for what Keycloak does not write: another spelling than two upper-case digits, what is no UTF-8, and an encoded
/// character that needs no encoding or that readers of paths take for more than itself (`%`, `/`, `\\`, `.`).
fn realm_name(segment: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(segment.len());
    let mut rest = segment.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let (high, low) = (upper_hex(rest.next()?)?, upper_hex(rest.next()?)?);
        let encoded = high << 4 | low;
        let stands_for_itself = encoded.is_ascii_alphanumeric() || b"-._~%/\\".contains(&encoded);
        if encoded < b' ' || encoded == 0x7f || stands_for_itself {
            return None;
        }
        bytes.push(encoded);
    }
    String::from_utf8(bytes).ok()
}

fn upper_hex(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'A'..=b'F' => Some(digit - b'A' + 10),
        _ => None,
    }
}

fn arn(
    kind: &'static str,
    text: &str,
    marker: &str,
    parts: usize,
    expected: &'static str,
) -> Result<(), IdentifierError> {
    ascii_graphic(kind, text)?;
    let fields: Vec<&str> = text.split(':').collect();
    let shaped = fields.len() == parts
        && fields.iter().all(|field| !field.is_empty())
        && fields.first() == Some(&"arn")
        && fields.get(2) == Some(&"states")
        && fields.get(5) == Some(&marker);
    if !shaped {
        return Err(IdentifierError::WrongShape { kind, expected });
    }
    match text.chars().find(|c| matches!(c, '*' | '?' | '"' | '\\' | '$' | '{' | '}')) {
        Some(character) => Err(IdentifierError::ForbiddenCharacter { kind, character }),
        None => Ok(()),
    }
}

fn execution_arn(kind: &'static str, text: &str) -> Result<(), IdentifierError> {
    arn(kind, text, "execution", 8, "arn:PARTITION:states:REGION:ACCOUNT:execution:MACHINE:NAME")
}

fn state_machine_arn(kind: &'static str, text: &str) -> Result<(), IdentifierError> {
    arn(kind, text, "stateMachine", 7, "arn:PARTITION:states:REGION:ACCOUNT:stateMachine:MACHINE")
}

fn map_run_arn(kind: &'static str, text: &str) -> Result<(), IdentifierError> {
    arn(kind, text, "mapRun", 8, "arn:PARTITION:states:REGION:ACCOUNT:mapRun:MACHINE/LABEL:ID")
}

/// How a digest's text begins.
const SHA_256: &str = "sha256:";

fn sha256_text(kind: &'static str, text: &str) -> Result<(), IdentifierError> {
    ascii_graphic(kind, text)?;
    let hex = text.strip_prefix(SHA_256).unwrap_or_default();
    let lower = hex.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte));
    if hex.len() == 64 && lower { Ok(()) } else { Err(IdentifierError::WrongShape { kind, expected: "sha256:HEX" }) }
}

macro_rules! identifiers {
    ($($(#[$doc:meta])* $type:ident = $kind:literal by $rule:path;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $type(Arc<str>);

        impl $type {
            /// Parses the text as this identifier.
            ///
            /// # Errors
            /// [`IdentifierError`] says which bound or shape the text breaks.
            pub fn parse(text: &str) -> Result<Self, IdentifierError> {
                $rule($kind, text)?;
                Ok(Self(text.into()))
            }

            /// The text, as presented.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        // Compared and hashed as its text is, so it is found by its text.
        impl Borrow<str> for $type {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({:?})", stringify!($type), self.0)
            }
        }
    )*};
}

identifiers! {
    /// The realm's issuer: an `https` URL, compared byte by byte (RFC 7519 §4.1.1).
    Issuer = "issuer" by issuer;
    /// Whom an access token is for (RFC 7519 §4.1.3).
    Audience = "audience" by printable;
    /// A Keycloak client id; it may hold dots, colons and slashes.
    ClientId = "client id" by printable;
    /// A subject, unique within its issuer (RFC 7519 §4.1.2).
    Subject = "subject" by printable;
    /// An access token's `jti`. Keycloak's has a prefix: it is no UUID.
    TokenId = "token id" by printable;
    /// A Keycloak session's `sid`.
    SessionId = "session id" by printable;
    /// What an access token was asked for with: words with single spaces between them (RFC 6749 §3.3).
    Scope = "scope" by words;
    /// The name of a key in a JWK set: printable ASCII (RFC 7517 §4.5).
    KeyId = "key id" by ascii_graphic;
    /// The `aud` of transaction tokens: one deployed stack.
    TrustDomain = "trust domain" by ascii_graphic;
    /// The `txn` of a transaction token, kept through every revalidation.
    TransactionId = "transaction id" by ascii_graphic;
    /// A workflow of `access.toml`.
    WorkflowName = "workflow" by name;
    /// A state of a workflow. Step Functions allows spaces; 80 characters at most there.
    StateName = "state" by printable;
    /// The ARN of a standard execution.
    ExecutionArn = "execution ARN" by execution_arn;
    /// The ARN of a Map run: of all executions that one distributed Map has started.
    MapRunArn = "Map run ARN" by map_run_arn;
    /// The ARN of a state machine, without version or alias: whose executions they are.
    StateMachineArn = "state machine ARN" by state_machine_arn;
    /// `sha256:` and 64 lower-case hexadecimal digits.
    Digest = "digest" by sha256_text;
}

impl Issuer {
    /// What its realm is called: the last segment, decoded. An issuer of Keycloak ends in `/realms/REALM`.
    pub fn realm(&self) -> String {
        realm_name(self.0.rsplit('/').next().unwrap_or_default()).unwrap_or_default()
    }
}

impl Digest {
    /// The SHA-256 of the bytes.
    pub fn of(bytes: &[u8]) -> Self {
        let sum = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, bytes);
        let hex: String = sum.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
        Self(format!("{SHA_256}{hex}").into())
    }

    /// Its 64 hexadecimal digits alone, for services that take no more letters, or no colon.
    pub fn hex(&self) -> &str {
        self.0.strip_prefix(SHA_256).unwrap_or(&self.0)
    }
}

impl ExecutionArn {
    /// The state machine that an execution of this ARN runs.
    pub fn state_machine(&self) -> StateMachineArn {
        let mut fields: Vec<&str> = self.0.split(':').take(7).collect();
        if let Some(marker) = fields.get_mut(5) {
            *marker = "stateMachine";
        }
        StateMachineArn(fields.join(":").into())
    }

    /// The execution's name, the last field of its ARN.
    pub fn name(&self) -> &str {
        self.0.rsplit(':').next().unwrap_or_default()
    }
}

impl StateMachineArn {
    /// The ARN of this machine's execution of that name.
    ///
    /// # Errors
    /// [`IdentifierError`] if the name cannot stand in an ARN.
    pub fn execution(&self, execution: &str) -> Result<ExecutionArn, IdentifierError> {
        name("execution name", execution)?;
        let mut fields: Vec<&str> = self.0.split(':').collect();
        if let Some(marker) = fields.get_mut(5) {
            *marker = "execution";
        }
        ExecutionArn::parse(&format!("{}:{execution}", fields.join(":")))
    }
}

/// What an execution is started of: a state machine by its own ARN, or one of its versions or aliases.
///
/// An execution bears the ARN of the machine, whichever of these it was started of, so identities are compared by that.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StateMachineReference {
    text: Arc<str>,
    machine: StateMachineArn,
}

impl StateMachineReference {
    /// Parses `arn:PARTITION:states:REGION:ACCOUNT:stateMachine:MACHINE`, or that with `:VERSION` or `:ALIAS` behind it.
    ///
    /// # Errors
    /// [`IdentifierError`] says which bound or shape the text breaks.
    pub fn parse(text: &str) -> Result<Self, IdentifierError> {
        let whole = StateMachineArn::parse(text);
        let machine = match (whole, text.rsplit_once(':')) {
            (Err(IdentifierError::WrongShape { .. }), Some((machine, qualifier))) => {
                let machine = StateMachineArn::parse(machine)?;
                qualified(qualifier)?;
                machine
            }
            (whole, _) => whole?,
        };
        printable("state machine ARN", text)?;
        Ok(Self { text: text.into(), machine })
    }

    /// The text, as presented: what Step Functions is asked to start.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The machine, without version or alias.
    pub fn machine(&self) -> &StateMachineArn {
        &self.machine
    }
}

impl fmt::Display for StateMachineReference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// The number of a version, or the name of an alias.
fn qualified(text: &str) -> Result<(), IdentifierError> {
    let kind = "version or alias";
    printable(kind, text)?;
    match text.chars().find(|c| !(c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'))) {
        Some(character) => Err(IdentifierError::ForbiddenCharacter { kind, character }),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_realm(segment: &str, expected: Option<&str>) {
        let issuer = Issuer::parse(&format!("https://id.example/auth/realms/{segment}"));
        let expected = expected
            .map(str::to_owned)
            .ok_or(IdentifierError::WrongShape { kind: "issuer", expected: "https://HOST[:PORT]/realms/REALM" });
        assert_eq!(issuer.map(|issuer| issuer.realm()), expected, "{segment}");
    }

    #[test]
    fn a_digest_s_digits_are_its_text_without_the_algorithm() {
        // RFC 6234's SHA-256 of "abc".
        let hex = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        let digest = Digest::of(b"abc");
        assert_eq!((digest.as_str(), digest.hex()), (format!("sha256:{hex}").as_str(), hex));
    }

    #[test]
    fn a_realm_whose_name_needs_encoding_is_called_by_its_name() {
        check_realm("workflows", Some("workflows"));
        check_realm("My%20Realm", Some("My Realm"));
        check_realm("Z%C3%BCrich", Some("Z\u{fc}rich"));
        check_realm("%E2%82%AC", Some("\u{20ac}"));
        check_realm("%22a%22", Some("\"a\""));
    }

    #[test]
    fn an_encoding_that_could_mean_more_than_a_name_is_no_issuer() {
        for segment in [
            "%",
            "a%",
            "a%2",
            "a%2g",
            "%zz",
            "%2f",
            "%2F",
            "a%2Fb",
            "%5C",
            "%2E",
            "%2E%2E",
            "%2e",
            "%25",
            "%2520",
            "%00",
            "%0A",
            "%7F",
            "%41",
            "%FF",
            "%C3",
            "%C3x",
            "%c3%bc",
            "%ED%A0%80",
            "%C0%AF",
        ] {
            check_realm(segment, None);
        }
        for issuer in ["https://id%2Eexample/realms/w", "https://id.example/a%20b/realms/w", "https://id.example%20"] {
            let shape = IdentifierError::WrongShape { kind: "issuer", expected: "https://HOST[:PORT]/realms/REALM" };
            assert_eq!(Issuer::parse(issuer).map(|_| ()), Err(shape), "{issuer}");
        }
    }

    #[test]
    fn a_version_or_an_alias_is_of_its_machine() {
        let machine = "arn:aws:states:eu-west-1:000000000000:stateMachine:payment";
        for text in [machine.to_owned(), format!("{machine}:3"), format!("{machine}:live_2.0-x")] {
            let parsed = StateMachineReference::parse(&text).expect("a reference");
            assert_eq!((parsed.as_str(), parsed.machine().as_str()), (text.as_str(), machine));
        }
        let shape = || IdentifierError::WrongShape {
            kind: "state machine ARN",
            expected: "arn:PARTITION:states:REGION:ACCOUNT:stateMachine:MACHINE",
        };
        let kind = "version or alias";
        for (qualifier, error) in [
            (":", IdentifierError::Empty { kind }),
            (":a*", IdentifierError::ForbiddenCharacter { kind, character: '*' }),
            (":a:b", shape()),
        ] {
            assert_eq!(StateMachineReference::parse(&format!("{machine}{qualifier}")), Err(error), "{qualifier}");
        }
        let execution = "arn:aws:states:eu-west-1:000000000000:execution:payment:run";
        assert_eq!(StateMachineReference::parse(execution), Err(shape()));
    }

    #[test]
    fn one_forbidden_character_is_named_wherever_it_stands() {
        for length in 1..=40 {
            for place in 0..length {
                let with =
                    |other: char| -> String { (0..length).map(|at| if at == place { other } else { '~' }).collect() };
                for other in ['\u{1f}', '\u{7f}', '\u{9f}', '\u{202e}'] {
                    let expected = Err(IdentifierError::ForbiddenCharacter { kind: "audience", character: other });
                    assert_eq!(Audience::parse(&with(other)).map(|_| ()), expected, "{length} {place}");
                    assert!(!is_printable_ascii(&with(other)));
                }
                for other in [' ', 'é'] {
                    assert!(Audience::parse(&with(other)).is_ok(), "{length} {place}");
                    let expected = Err(IdentifierError::ForbiddenCharacter { kind: "key id", character: other });
                    assert_eq!(KeyId::parse(&with(other)).map(|_| ()), expected, "{length} {place}");
                }
                assert!(is_printable_ascii(&with(' ')) && !is_printable_ascii(&with('é')));
            }
        }
    }
}
