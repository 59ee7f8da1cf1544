//! Copying a part of a document into one of its own, without the rest of the text.

use super::{Content, Document, Json, NameSet, Object, Span, Tape};

/// A path below an object.
type Path<'p> = &'p [String];

impl Document {
    /// A copy of the object.
    pub(crate) fn of(members: Object<'_>) -> Self {
        Copier::default().finish(|copier| copier.members(members))
    }

    /// A copy of what stands at the paths and is `kept`, in objects that have nothing else.
    pub(crate) fn pruned(members: Object<'_>, paths: &[Path<'_>], kept: fn(Json<'_>) -> bool) -> Self {
        let members = if paths.is_empty() { Object::default() } else { members };
        Copier::default().finish(|copier| copier.pruned(members, paths, kept))
    }
}

#[derive(Default)]
struct Copier {
    text: String,
    tape: Tape,
}

impl Copier {
    fn finish(mut self, copy: impl FnOnce(&mut Self) -> Content) -> Document {
        let root = copy(&mut self);
        Document { text: self.text, nodes: self.tape.nodes, root }
    }

    fn text(&mut self, text: &str) -> Span {
        let start = self.text.len();
        self.text.push_str(text);
        Span { start, end: self.text.len() }
    }

    fn value(&mut self, value: Json<'_>) -> Content {
        match value {
            Json::Null => Content::Null,
            Json::Boolean(value) => Content::Boolean(value),
            Json::Unsigned(value) => Content::Unsigned(value),
            Json::Negative(value) => Content::Negative(value),
            Json::Fraction(value) => Content::Fraction(value),
            Json::Text(text) => Content::Text(self.text(text)),
            Json::Array(items) => {
                for item in items.iter() {
                    let place = self.tape.open(Span::EMPTY);
                    let content = self.value(item);
                    self.tape.close(place, content);
                }
                Content::Array
            }
            Json::Object(members) => self.members(members),
        }
    }

    fn members(&mut self, members: Object<'_>) -> Content {
        let mut names = NameSet::default();
        for (name, value) in members.iter() {
            names.insert(name);
            let place = self.named(name);
            let content = self.value(value);
            self.tape.close(place, content);
        }
        Content::Object(names)
    }

    fn pruned(&mut self, members: Object<'_>, paths: &[Path<'_>], kept: fn(Json<'_>) -> bool) -> Content {
        let mut names = NameSet::default();
        for (name, value) in members.iter() {
            let below: Vec<Path<'_>> = paths.iter().filter_map(|path| below(path, name)).collect();
            if below.is_empty() {
                continue;
            }
            let place = self.named(name);
            let content = match value.object() {
                _ if kept(value) && below.iter().any(|path| path.is_empty()) => Some(self.value(value)),
                Some(inner) => Some(self.pruned(inner, &below, kept)).filter(|_| self.tape.holds_any(place)),
                None => None,
            };
            match content {
                Some(content) => {
                    names.insert(name);
                    self.tape.close(place, content);
                }
                None => self.tape.withdraw(place),
            }
        }
        Content::Object(names)
    }

    fn named(&mut self, name: &str) -> usize {
        let name = self.text(name);
        self.tape.open(name)
    }
}

/// What is left of the path below a member of that name; none if it leads elsewhere.
fn below<'p>(path: Path<'p>, name: &str) -> Option<Path<'p>> {
    path.split_first().filter(|(first, _)| *first == name).map(|(_, rest)| rest)
}
