//! TOML tables whose every value knows its whole key and its line.

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::access::fault::{PolicyFault, wrong};

/// Collects faults, so that a reader can go on after one.
pub(super) struct Findings<'t> {
    text: &'t str,
    messages: Vec<(usize, String)>,
}

impl<'t> Findings<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        Self { text, messages: Vec::new() }
    }

    /// Adds a fault at a byte of the text.
    pub(super) fn add(&mut self, offset: usize, message: impl Into<String>) {
        self.messages.push((offset, message.into()));
    }

    /// Whether there is no fault yet.
    pub(super) fn is_empty(&self) -> bool {
        self.messages.is_empty()
    }

    /// The one-based line of a byte of the text.
    pub(super) fn line(&self, offset: usize) -> usize {
        1 + self.breaks(0, offset)
    }

    /// The faults in the text's order.
    pub(super) fn into_faults(mut self) -> Vec<PolicyFault> {
        self.messages.sort_by_key(|(offset, _)| *offset);
        let messages = std::mem::take(&mut self.messages);
        let (mut line, mut counted) = (1, 0);
        let mut fault = |(offset, message)| {
            line += self.breaks(counted, offset);
            counted = offset;
            PolicyFault { line, message }
        };
        messages.into_iter().map(&mut fault).collect()
    }

    fn breaks(&self, from: usize, to: usize) -> usize {
        let bytes = self.text.bytes().take(to).skip(from);
        bytes.filter(|byte| *byte == b'\n').count()
    }
}

/// A table, its whole key and the byte at which it begins.
pub(super) struct Table<'t> {
    pub(super) key: String,
    pub(super) offset: usize,
    members: &'t DeTable<'t>,
}

/// A value of a table or an array, its whole key and the byte at which its key begins.
pub(super) struct Entry<'t> {
    /// The last part of the key, unquoted.
    pub(super) name: &'t str,
    pub(super) key: String,
    pub(super) offset: usize,
    value: &'t DeValue<'t>,
}

impl<'t> Table<'t> {
    pub(super) fn root(members: &'t DeTable<'t>) -> Self {
        Self { key: String::new(), offset: 0, members }
    }

    /// The entries of these keys, absent ones too; every other key is a fault.
    pub(super) fn entries<const N: usize>(
        &self,
        keys: &'static [&'static str; N],
        findings: &mut Findings<'_>,
    ) -> [Option<Entry<'t>>; N] {
        for entry in self.all() {
            if !keys.contains(&entry.name) {
                let expected = keys.join("`, `");
                findings.add(entry.offset, format!("unknown key `{}`, expected one of `{expected}`", entry.key));
            }
        }
        keys.map(|name| self.all().find(|entry| entry.name == name))
    }

    /// Every entry, sorted by name.
    pub(super) fn all(&self) -> impl Iterator<Item = Entry<'t>> {
        self.members.iter().map(|(name, value)| Entry {
            name: name.get_ref(),
            key: self.key_of(name.get_ref()),
            offset: name.span().start,
            value: value.get_ref(),
        })
    }

    /// The whole key of a member.
    pub(super) fn key_of(&self, name: &str) -> String {
        let bare = !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-');
        let name = if bare { name.to_owned() } else { format!("\"{}\"", name.escape_debug()) };
        if self.key.is_empty() { name } else { format!("{}.{name}", self.key) }
    }

    /// The fault that this key is missing.
    pub(super) fn missing(&self, name: &str, findings: &mut Findings<'_>) {
        findings.add(self.offset, format!("key `{}` is missing", self.key_of(name)));
    }
}

impl<'t> Entry<'t> {
    /// The text, if it is one; nothing is found wrong.
    pub(super) fn as_text(&self) -> Option<&'t str> {
        self.value.as_str()
    }

    /// What the text says, if it is one of those that are expected.
    pub(super) fn choice<T>(
        &self,
        expected: &'static str,
        parse: fn(&str) -> Option<T>,
        findings: &mut Findings<'_>,
    ) -> Option<T> {
        let text = self.text(findings)?;
        let choice = parse(text);
        if choice.is_none() {
            findings.add(self.offset, wrong(&self.key, text, format_args!("expected {expected}")));
        }
        choice
    }

    pub(super) fn text(&self, findings: &mut Findings<'_>) -> Option<&'t str> {
        let value = self.value.as_str();
        self.expect("string", value, findings)
    }

    pub(super) fn boolean(&self, findings: &mut Findings<'_>) -> Option<bool> {
        self.expect("boolean", self.value.as_bool(), findings)
    }

    pub(super) fn table(&self, findings: &mut Findings<'_>) -> Option<Table<'t>> {
        let members = self.expect("table", self.value.as_table(), findings)?;
        Some(Table { key: self.key.clone(), offset: self.offset, members })
    }

    pub(super) fn array(&self, findings: &mut Findings<'_>) -> Option<Vec<Entry<'t>>> {
        let items = self.expect("array", self.value.as_array(), findings)?;
        let entry = |(index, item): (usize, &'t Spanned<DeValue<'t>>)| Entry {
            name: self.name,
            key: format!("{}[{index}]", self.key),
            offset: item.span().start,
            value: item.get_ref(),
        };
        Some(items.iter().enumerate().map(entry).collect())
    }

    fn expect<T>(&self, expected: &'static str, value: Option<T>, findings: &mut Findings<'_>) -> Option<T> {
        if value.is_none() {
            let presented = self.value.type_str();
            findings.add(self.offset, format!("key `{}` is of type `{presented}`, expected `{expected}`", self.key));
        }
        value
    }
}
