//! Which file uses which: every name is followed to the file that defines it.

use std::collections::BTreeSet;
use std::fmt;

use crate::module::{Import, Imported, Module, Program};

/// A file's code names what another file defines.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Arrow {
    pub user: String,
    pub used: String,
    pub name: String,
    /// The name stands in code that is compiled for tests only.
    pub is_test: bool,
}

impl fmt::Display for Arrow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { user, used, name, is_test: _ } = self;
        write!(f, "{user} uses `{name}` of {used}")
    }
}

/// Every use of a file by another.
pub fn arrows(program: &Program) -> BTreeSet<Arrow> {
    let mut arrows = BTreeSet::new();
    for (place, module) in program.modules.iter().enumerate() {
        for (name, found) in program.used_by(place) {
            let Some(Found::Item(definer)) = found else { continue };
            let (user, used) = (file(module), file(&program.modules[definer]));
            arrows.extend((user != used).then_some(Arrow { user, used, name, is_test: module.is_test }));
        }
    }
    arrows
}

/// The tests inside a file count as one of their own.
fn file(module: &Module) -> String {
    let file = module.file.display();
    if module.is_own_test { format!("{file} (tests)") } else { file.to_string() }
}

/// What a path leads to.
#[derive(Clone, Copy)]
enum Found {
    Module(usize),
    /// Something that this module defines.
    Item(usize),
}

/// The names that are being looked up: two imports may lead to each other.
type Followed = BTreeSet<(usize, String)>;

impl Program {
    fn used_by(&self, place: usize) -> Vec<(String, Option<Found>)> {
        let module = &self.modules[place];
        let mut used = Vec::new();
        for import in &module.imports {
            match &import.name {
                Imported::Named(name) if import.is_public && !module.names.contains(name) => {}
                Imported::Named(_) | Imported::Unnamed => used.push(self.at_end(place, &import.path)),
                Imported::Glob => {
                    let from = self.follow(place, &import.path, &mut Followed::new());
                    used.extend(module.names.iter().map(|name| (name.clone(), self.in_glob(from, name))));
                }
            }
        }
        used.extend(module.paths.iter().map(|path| self.at_end(place, path)));
        used
    }

    fn at_end(&self, place: usize, path: &[String]) -> (String, Option<Found>) {
        (path.last().cloned().unwrap_or_default(), self.follow(place, path, &mut Followed::new()))
    }

    fn in_glob(&self, from: Option<Found>, name: &str) -> Option<Found> {
        match from? {
            Found::Module(module) => self.named(module, name, true, &mut Followed::new()),
            // An enum's variants.
            Found::Item(_) => from,
        }
    }

    /// What a path in a module leads to; none if it begins with another package or with something local.
    fn follow(&self, place: usize, path: &[String], followed: &mut Followed) -> Option<Found> {
        let (first, rest) = path.split_first()?;
        let module = &self.modules[place];
        let begin = match first.as_str() {
            "crate" => Found::Module(module.root),
            "self" => Found::Module(place),
            "super" => Found::Module(module.parent?),
            name => self
                .named(place, name, rest.is_empty(), followed)
                .or_else(|| self.libraries.get(name).map(|root| Found::Module(*root)))?,
        };
        let mut found = begin;
        for (index, name) in rest.iter().enumerate() {
            found = match found {
                // A variant or an associated item.
                Found::Item(_) => return Some(found),
                Found::Module(module) if name == "super" => Found::Module(self.modules[module].parent?),
                // A name that is not written out is made by a macro in that module.
                Found::Module(module) => {
                    let is_last = index + 1 == rest.len();
                    self.named(module, name, is_last, followed).unwrap_or(Found::Item(module))
                }
            };
        }
        Some(found)
    }

    /// What a name means in a module. A function and a module may share a name: the last segment of a path means the function.
    fn named(&self, place: usize, name: &str, is_last: bool, followed: &mut Followed) -> Option<Found> {
        if !followed.insert((place, name.to_owned())) {
            return None;
        }
        let module = &self.modules[place];
        let child = module.children.get(name).map(|child| Found::Module(*child));
        let defined = module.defined.contains(name).then_some(Found::Item(place));
        let written = if is_last { defined.or(child) } else { child.or(defined) };
        let mut own = module.imports.iter().filter(|import| brings(import, name));
        let mut globs = module.imports.iter().filter(|import| matches!(import.name, Imported::Glob));
        let found =
            written.or_else(|| own.find_map(|import| self.follow(place, &import.path, followed))).or_else(|| {
                globs.find_map(|glob| match self.follow(place, &glob.path, followed)? {
                    Found::Module(module) => self.named(module, name, is_last, followed),
                    Found::Item(_) => None,
                })
            });
        followed.remove(&(place, name.to_owned()));
        found
    }
}

fn brings(import: &Import, name: &str) -> bool {
    match &import.name {
        Imported::Named(own) => own == name,
        Imported::Unnamed | Imported::Glob => false,
    }
}
