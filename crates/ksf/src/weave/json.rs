//! JSON whose members keep the order in which they were written: a machine is read by people, and woven text has to be stable.

/// A JSON value.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Json {
    Null,
    Bool(bool),
    /// As its author spells it: no number type holds all of `1e2`, `-0` and `12345678901234567890123`.
    Number(String),
    /// `${…}` outside of a string, as it is written: a value that nobody knows before the deployment fills it in.
    Placeholder(String),
    Text(String),
    List(Vec<Json>),
    Object(Object),
}

/// Members in their order; no name stands twice.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Object(Vec<(String, Json)>);

/// An object of these members.
pub(super) fn object<const N: usize>(members: [(&str, Json); N]) -> Object {
    Object(members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
}

impl Object {
    pub(super) fn get(&self, name: &str) -> Option<&Json> {
        self.0.iter().find(|(there, _)| there == name).map(|(_, value)| value)
    }

    pub(super) fn get_mut(&mut self, name: &str) -> Option<&mut Json> {
        self.0.iter_mut().find(|(there, _)| there == name).map(|(_, value)| value)
    }

    /// The text that stands under that name.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.get(name).and_then(Json::as_text)
    }

    /// The object that stands under that name.
    pub(super) fn object(&self, name: &str) -> Option<&Object> {
        self.get(name).and_then(Json::as_object)
    }

    /// The items of the list that stands under that name.
    pub(super) fn list(&self, name: &str) -> &[Json] {
        self.get(name).map_or(&[], Json::items)
    }

    /// The objects of the list that stands under that name.
    pub(super) fn objects(&self, name: &str) -> impl Iterator<Item = &Object> {
        self.list(name).iter().filter_map(Json::as_object)
    }

    pub(super) fn contains(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &Json)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value))
    }

    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = (&str, &mut Json)> {
        self.0.iter_mut().map(|(name, value)| (name.as_str(), value))
    }

    /// Replaces the member where it stands, or adds it behind the last one.
    pub(super) fn set(&mut self, name: &str, value: impl Into<Json>) {
        let value = value.into();
        match self.get_mut(name) {
            Some(there) => *there = value,
            None => self.0.push((name.to_owned(), value)),
        }
    }

    /// Replaces the member where it stands, or puts it in front of the first of `followers`, or behind the last member.
    pub(super) fn set_before(&mut self, followers: &[&str], name: &str, value: impl Into<Json>) {
        let value = value.into();
        if let Some(there) = self.get_mut(name) {
            *there = value;
            return;
        }
        let place = self.0.iter().position(|(there, _)| followers.contains(&there.as_str())).unwrap_or(self.0.len());
        self.0.insert(place, (name.to_owned(), value));
    }

    /// Adds a member behind the last one; whether there was none of that name.
    pub(super) fn add(&mut self, name: String, value: Json) -> bool {
        let is_new = !self.contains(&name);
        if is_new {
            self.0.push((name, value));
        }
        is_new
    }

    /// Gives a member another name and value, where it stands. No other one keeps the new name.
    pub(super) fn rename(&mut self, name: &str, new_name: &str, value: impl Into<Json>) {
        if name != new_name && self.contains(name) {
            self.remove(new_name);
        }
        if let Some(member) = self.0.iter_mut().find(|(there, _)| there == name) {
            *member = (new_name.to_owned(), value.into());
        }
    }

    pub(super) fn remove(&mut self, name: &str) -> Option<Json> {
        let place = self.0.iter().position(|(there, _)| there == name)?;
        Some(self.0.remove(place).1)
    }

    /// Keeps those members only.
    pub(super) fn retain(&mut self, keep: impl Fn(&str, &Json) -> bool) {
        self.0.retain(|(name, value)| keep(name, value));
    }
}

impl Json {
    pub(super) fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Null | Self::Bool(_) | Self::Number(_) | Self::Placeholder(_) | Self::List(_) | Self::Object(_) => {
                None
            }
        }
    }

    pub(super) fn as_object(&self) -> Option<&Object> {
        match self {
            Self::Object(object) => Some(object),
            Self::Null | Self::Bool(_) | Self::Number(_) | Self::Placeholder(_) | Self::Text(_) | Self::List(_) => None,
        }
    }

    pub(super) fn as_object_mut(&mut self) -> Option<&mut Object> {
        match self {
            Self::Object(object) => Some(object),
            Self::Null | Self::Bool(_) | Self::Number(_) | Self::Placeholder(_) | Self::Text(_) | Self::List(_) => None,
        }
    }

    pub(super) fn as_list_mut(&mut self) -> Option<&mut Vec<Self>> {
        match self {
            Self::List(items) => Some(items),
            Self::Null | Self::Bool(_) | Self::Number(_) | Self::Placeholder(_) | Self::Text(_) | Self::Object(_) => {
                None
            }
        }
    }

    /// The items of a list; none of anything else.
    pub(super) fn items(&self) -> &[Self] {
        match self {
            Self::List(items) => items,
            Self::Null | Self::Bool(_) | Self::Number(_) | Self::Placeholder(_) | Self::Text(_) | Self::Object(_) => {
                &[]
            }
        }
    }

    /// Whether `found` holds for a text of this value, at any depth; names of members are not looked at.
    pub(super) fn any_text(&self, found: &dyn Fn(&str) -> bool) -> bool {
        match self {
            Self::Text(text) => found(text),
            Self::List(items) => items.iter().any(|item| item.any_text(found)),
            Self::Object(object) => object.iter().any(|(_, member)| member.any_text(found)),
            Self::Null | Self::Bool(_) | Self::Number(_) | Self::Placeholder(_) => false,
        }
    }

    /// How many bytes it has as text without blanks and escapes: at least so many are handed over, but for what expressions and
    /// placeholders become.
    pub(super) fn bytes(&self) -> usize {
        const QUOTES: usize = 2;
        const BRACES: usize = 2;
        match self {
            Self::Null => 4,
            Self::Bool(value) => value.to_string().len(),
            Self::Number(text) | Self::Placeholder(text) => text.len(),
            Self::Text(text) => text.len() + QUOTES,
            Self::List(items) => {
                let commas = items.len().saturating_sub(1);
                items.iter().map(Self::bytes).sum::<usize>() + commas + BRACES
            }
            Self::Object(object) => {
                let (commas, colon) = (object.0.len().saturating_sub(1), 1);
                let members = object.iter().map(|(name, value)| name.len() + QUOTES + colon + value.bytes());
                members.sum::<usize>() + commas + BRACES
            }
        }
    }
}

impl From<&str> for Json {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Json {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<u32> for Json {
    fn from(number: u32) -> Self {
        Self::Number(number.to_string())
    }
}

impl From<Object> for Json {
    fn from(object: Object) -> Self {
        Self::Object(object)
    }
}

impl From<Vec<Json>> for Json {
    fn from(items: Vec<Json>) -> Self {
        Self::List(items)
    }
}
