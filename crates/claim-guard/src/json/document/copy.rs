//! Copying a part of a document into one of its own, without the rest of the text.

use super::name_index::NameIndex;
use super::nodes::{Content, Document, Span, Tape};
use super::value::{Json, Object};

/// A path below an object.
type Path<'p> = &'p [String];

impl Document {
    /// An object without members.
    pub(crate) fn empty() -> Self {
        Copier::default().finish(|_| {})
    }

    /// A copy of the object.
    pub(crate) fn of(members: Object<'_>) -> Self {
        Copier::default().finish(|copier| copier.members(Span::EMPTY, members))
    }

    /// A copy of the object with those members only whose name is `kept`.
    pub(crate) fn only(members: Object<'_>, kept: impl Fn(&str) -> bool) -> Self {
        Copier::default().finish(|copier| {
            let place = copier.tape.open(Span::EMPTY, Content::Object);
            for (name, value) in members.iter().filter(|(name, _)| kept(name)) {
                let name = copier.text(name);
                copier.value(name, value);
            }
            copier.tape.close(place);
        })
    }

    /// A copy of what stands at the paths and is `kept`, in objects that have nothing else.
    pub(crate) fn pruned(members: Object<'_>, paths: &[Path<'_>], kept: fn(Json<'_>) -> bool) -> Self {
        Copier::default().finish(|copier| {
            if !paths.is_empty() {
                copier.pruned(Span::EMPTY, members, paths, kept);
            }
        })
    }
}

#[derive(Default)]
struct Copier {
    text: String,
    tape: Tape,
}

impl Copier {
    fn finish(mut self, copy: impl FnOnce(&mut Self)) -> Document {
        copy(&mut self);
        Document { text: self.text, nodes: self.tape.nodes, places: NameIndex::UNKNOWN }
    }

    fn text(&mut self, text: &str) -> Span {
        let start = self.text.len();
        self.text.push_str(text);
        Span { start, end: self.text.len() }
    }

    fn value(&mut self, name: Span, value: Json<'_>) {
        let content = match value {
            Json::Null => Content::Null,
            Json::Boolean(value) => Content::Boolean(value),
            Json::Unsigned(value) => Content::Unsigned(value),
            Json::Negative(value) => Content::Negative(value),
            Json::Fraction(value) => Content::Fraction(value),
            Json::Text(text) => Content::Text(self.text(text)),
            Json::Array(items) => {
                let place = self.tape.open(name, Content::Array);
                items.iter().for_each(|item| self.value(Span::EMPTY, item));
                return self.tape.close(place);
            }
            Json::Object(members) => return self.members(name, members),
        };
        self.tape.open(name, content);
    }

    fn members(&mut self, name: Span, members: Object<'_>) {
        let place = self.tape.open(name, Content::Object);
        for (name, value) in members.iter() {
            let name = self.text(name);
            self.value(name, value);
        }
        self.tape.close(place);
    }

    /// Says whether there was anything to keep.
    fn pruned(&mut self, name: Span, members: Object<'_>, paths: &[Path<'_>], kept: fn(Json<'_>) -> bool) -> bool {
        let place = self.tape.open(name, Content::Object);
        for (name, value) in members.iter() {
            let below: Vec<Path<'_>> = paths.iter().filter_map(|path| below(path, name)).collect();
            if below.is_empty() {
                continue;
            }
            let (own, name) = (self.tape.nodes.len(), self.text(name));
            match value.object() {
                _ if kept(value) && below.iter().any(|path| path.is_empty()) => self.value(name, value),
                Some(inner) if self.pruned(name, inner, &below, kept) => {}
                Some(_) | None => self.tape.withdraw(own),
            }
        }
        self.tape.close(place);
        !self.tape.inside(place).is_empty()
    }
}

/// What is left of the path below a member of that name; none if it leads elsewhere.
fn below<'p>(path: Path<'p>, name: &str) -> Option<Path<'p>> {
    path.split_first().filter(|(first, _)| *first == name).map(|(_, rest)| rest)
}
