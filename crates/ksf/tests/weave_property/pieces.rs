//! Which piece of work each call of a guard does, told from what the engine does and not from what weave writes.

use std::collections::BTreeMap;

use claim_guard::transaction::WorkPath;
use serde_json::Value;
use state_machine_interpreter::Place;

/// A piece of work: an execution, then each state that leads to it with how often it had succeeded there, and the number of the
/// item or branch.
type Piece = Vec<(String, usize, usize)>;

/// The pieces of work of some executions, and the keys that their guards made of what they were handed.
#[derive(Debug, Default)]
pub struct Pieces {
    /// What each stretch of states inside of another is: the piece that its Map or Parallel does, and its number.
    stretches: BTreeMap<u64, Piece>,
    /// How often a state has succeeded in its stretch.
    done: BTreeMap<(u64, String), usize>,
    by_piece: BTreeMap<(String, Piece), String>,
    by_key: BTreeMap<String, (String, Piece)>,
    /// Two pieces that share a key, or two keys of one piece.
    pub fault: Option<String>,
}

impl Pieces {
    fn piece(&self, place: &Place<'_>, number: usize) -> Piece {
        let done = self.done.get(&(place.stretch, place.state.to_owned())).copied().unwrap_or_default();
        let mut piece = self.stretches.get(&place.stretch).cloned().unwrap_or_default();
        piece.push((place.state.to_owned(), done, number));
        piece
    }

    pub fn began(&mut self, place: &Place<'_>, number: usize, stretch: u64) {
        let piece = self.piece(place, number);
        self.stretches.insert(stretch, piece);
    }

    pub fn succeeded(&mut self, place: &Place<'_>) {
        *self.done.entry((place.stretch, place.state.to_owned())).or_default() += 1;
    }

    /// A guard's call: its key is that of the piece, and of no other.
    pub fn called(&mut self, place: &Place<'_>, work: &Value) {
        let execution = place.execution.id.clone();
        let key = format!("{execution} {} {work}", place.state);
        let piece = (execution, self.piece(place, 0));
        let of_piece = self.by_piece.entry(piece.clone()).or_insert_with(|| key.clone());
        if *of_piece != key {
            self.fault = Some(format!("{piece:?} has `{of_piece}` and `{key}`"));
        }
        let of_key = self.by_key.entry(key.clone()).or_insert_with(|| piece.clone());
        if *of_key != piece {
            self.fault = Some(format!("`{key}` is of {of_key:?} and of {piece:?}"));
        }
        if work.as_str().is_none_or(|path| WorkPath::parse(path).is_err()) {
            self.fault = Some(format!("`{work}` is no work path"));
        }
    }

    /// How many pieces of work there were.
    pub fn count(&self) -> usize {
        self.by_piece.len()
    }
}
