//! Which of the author's states each woven state comes from.

use crate::weave::json::{Json, Object, object};
use crate::weave::machine::{Scope, inner_machines, states};

/// A state of the woven machine.
#[derive(Debug, Clone)]
pub(super) struct Written {
    pub(super) state: String,
    /// The author's state; none for what belongs to the whole machine.
    pub(super) from: Option<String>,
    /// Where it stands, as a JSON pointer to its States.
    pub(super) scope: String,
    pub(super) because: &'static str,
}

/// All states in the order of the woven text.
#[derive(Debug, Default)]
pub(super) struct SourceMap(Vec<Written>);

impl SourceMap {
    pub(super) fn add(&mut self, written: Written) {
        self.0.push(written);
    }

    /// A branch that needs no token stays as it is.
    pub(super) fn add_all_of(&mut self, machine: &Object, scope: &Scope) {
        for (name, state) in states(machine) {
            self.add(Written {
                state: name.to_owned(),
                from: Some(name.to_owned()),
                scope: scope.pointer.clone(),
                because: "as the author wrote it",
            });
            for (inner, inside) in inner_machines(name, state, scope) {
                self.add_all_of(inside, &inner);
            }
        }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Written> {
        self.0.iter()
    }

    pub(super) fn to_json(&self) -> Json {
        let mut map = Object::default();
        for written in &self.0 {
            let from = written.from.as_deref().map_or(Json::Null, Json::from);
            let members =
                [("from", from), ("scope", written.scope.as_str().into()), ("because", written.because.into())];
            map.set(&written.state, object(members));
        }
        map.into()
    }
}
