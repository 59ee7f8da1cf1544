//! What is said of a text that is no JSON: people who write machines meet these by the dozen, and "expected value" helps none.

use std::fmt;

/// What is no JSON, and where in the author's text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Malformed {
    reason: Reason,
    line: usize,
    column: usize,
}

/// Why a text is no JSON.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Reason {
    Empty,
    Yaml,
    NoQuotes,
    Comment,
    SingleQuote,
    TypographicQuote,
    TrailingComma,
    Placeholder {
        text: String,
    },
    MemberTwice {
        name: String,
    },
    TooDeep,
    /// What the parser says.
    Syntax {
        message: String,
    },
}

impl Reason {
    /// Why the parser could not go on when so much of the text was read, the last of it being what it met.
    pub(super) fn of(text: &str, read: usize, error: &serde_json::Error) -> Self {
        let met = begin_of_last(text, read);
        let (before, rest) = text.split_at_checked(met).unwrap_or((text, ""));
        if text.trim().is_empty() {
            Self::Empty
        } else if looks_like_yaml(text) {
            Self::Yaml
        } else if error.is_eof() {
            Self::syntax(error)
        } else if ["//", "/*", "#"].iter().any(|sign| rest.starts_with(sign)) {
            Self::Comment
        } else if is_member_without_quotes(before, rest) {
            Self::NoQuotes
        } else if rest.starts_with('\'') {
            Self::SingleQuote
        } else if rest.starts_with(['“', '”', '„', '‘', '’']) {
            Self::TypographicQuote
        } else if rest.starts_with(['}', ']']) && before.trim_end().ends_with(',') {
            Self::TrailingComma
        } else {
            Self::syntax(error)
        }
    }

    fn syntax(error: &serde_json::Error) -> Self {
        let message = error.to_string();
        let place = format!(" at line {} column {}", error.line(), error.column());
        Self::Syntax { message: message.strip_suffix(&place).unwrap_or(&message).to_owned() }
    }
}

impl Malformed {
    /// What was met when so many bytes of the text were read.
    pub(super) fn new(text: &str, read: usize, reason: Reason) -> Self {
        let read = match reason {
            Reason::TrailingComma => {
                text.get(..begin_of_last(text, read)).map_or(read, |before| before.trim_end().len())
            }
            Reason::Placeholder { .. }
            | Reason::Empty
            | Reason::Yaml
            | Reason::NoQuotes
            | Reason::Comment
            | Reason::SingleQuote
            | Reason::TypographicQuote
            | Reason::MemberTwice { .. }
            | Reason::TooDeep
            | Reason::Syntax { .. } => end_of_last(text, read),
        };
        let read = text.get(..read).unwrap_or(text);
        let line = read.matches('\n').count() + 1;
        let column = read.rsplit('\n').next().map_or(0, |line| line.chars().count());
        Self { reason, line, column }
    }

    /// What stands in front of that place, told by the place behind it if that is on the same line.
    pub(super) fn behind(text: &str, end: usize, reason: Reason) -> Self {
        let is_end_of_line = text.get(end..).is_none_or(|rest| rest.is_empty() || rest.starts_with(['\n', '\r']));
        Self::new(text, if is_end_of_line { end } else { end + 1 }, reason)
    }
}

/// Where the letter begins that the last byte read belongs to.
fn begin_of_last(text: &str, read: usize) -> usize {
    let last = read.saturating_sub(1);
    (0..=last).rev().find(|at| text.is_char_boundary(*at)).unwrap_or_default()
}

/// Where the letter ends that the last byte read belongs to.
fn end_of_last(text: &str, read: usize) -> usize {
    (read..=text.len()).find(|at| text.is_char_boundary(*at)).unwrap_or(text.len())
}

/// Whether the first line that is no comment is one of YAML.
fn looks_like_yaml(text: &str) -> bool {
    let mut lines = text.lines().map(str::trim_end);
    let first = lines.find(|line| !line.trim_start().is_empty() && !line.trim_start().starts_with(['#', '/']));
    first.is_some_and(|line| {
        let is_key = line
            .split_once(':')
            .is_some_and(|(key, rest)| is_plain_key(key.trim()) && (rest.is_empty() || rest.starts_with(' ')));
        is_key || line.starts_with("---") || line.starts_with("%YAML") || line.starts_with("- ")
    })
}

/// Whether a member's name stands there as YAML and JavaScript write it, between braces too.
fn is_member_without_quotes(before: &str, rest: &str) -> bool {
    let is_where_members_are = before.trim_end().ends_with(['{', ',']);
    is_where_members_are && rest.split_once(':').is_some_and(|(name, _)| is_plain_key(name.trim_end()))
}

fn is_plain_key(key: &str) -> bool {
    key.starts_with(|letter: char| letter.is_alphabetic())
        && key.chars().all(|letter| letter.is_alphanumeric() || " _-.".contains(letter))
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let place = format_args!("at line {} column {}", self.line, self.column);
        match &self.reason {
            Reason::Yaml => {
                f.write_str("it looks like YAML, and weave reads JSON; convert it, as `yq -o=json machine.yaml` does")
            }
            Reason::Empty => f.write_str("it is empty; write the machine"),
            Reason::NoQuotes => {
                write!(
                    f,
                    "a member's name without quotes {place}, as in YAML; write double quotes around it, or convert the file, as `yq -o=json machine.yaml` does"
                )
            }
            Reason::Comment => {
                write!(f, "a comment {place}, which JSON has no sign for; remove it, or write it as a `Comment`")
            }
            Reason::SingleQuote => write!(f, "a single quote {place}; write double quotes"),
            Reason::TypographicQuote => write!(f, "a typographic quote {place}; write double quotes"),
            Reason::TrailingComma => write!(f, "a comma with nothing behind it {place}; remove it"),
            Reason::Placeholder { text } => {
                write!(
                    f,
                    "`{text}` {place} stands for more than a value, so nobody knows what is there; fill it in, or write it as text"
                )
            }
            Reason::MemberTwice { name } => write!(f, "the member `{name}` stands twice {place}"),
            Reason::TooDeep => write!(f, "values are nested too deep {place}; 127 levels are read"),
            Reason::Syntax { message } => write!(f, "{message} {place}"),
        }
    }
}
