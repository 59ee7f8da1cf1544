//! Where a text reads the execution's own input. Weave wraps that input, so such a place has to move, and what may reach it by
//! another way than a plain path has to be refused.

/// Places of one text, in their order; or why they cannot be told.
pub(super) type Reads = Result<Vec<Place>, Doubt>;

/// One place of a text that reads the execution's input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    /// The offset behind `Execution.Input`.
    pub(super) end: usize,
    /// Whether what weave writes there follows.
    pub(super) is_woven: bool,
}

/// Why a text may reach more than it should.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Doubt {
    /// It hands on the context object or the whole of the execution, or takes it by something else than names.
    HandedOn,
    /// It has parts that cannot be read.
    Unreadable,
    /// What it reads is known only when the deployment has filled a placeholder in.
    Placeholder,
}

/// What leads from the wrapped input to the author's.
const STEP: &str = ".input";

impl Place {
    /// The place in that text behind which the input is read. `goes_on` says which letters would belong to a longer name.
    pub(super) fn behind(text: &str, end: usize, goes_on: impl Fn(char) -> bool) -> Self {
        let behind = text.get(end..).and_then(|rest| rest.strip_prefix(STEP));
        Self { end, is_woven: behind.is_some_and(|behind| !behind.starts_with(goes_on)) }
    }
}

/// The text with a step into the author's part at each of its places.
pub(super) fn moved_in(text: &str, places: &[Place]) -> String {
    rewritten(text, places, |_| 0, STEP)
}

/// The text without those steps.
pub(super) fn moved_out(text: &str, places: &[Place]) -> String {
    rewritten(text, places, |place| if place.is_woven { STEP.len() } else { 0 }, "")
}

fn rewritten(text: &str, places: &[Place], skipped: impl Fn(&Place) -> usize, put: &str) -> String {
    let mut new = String::with_capacity(text.len() + places.len() * put.len());
    let mut done = 0;
    for place in places {
        new.push_str(text.get(done..place.end).unwrap_or_default());
        new.push_str(put);
        done = place.end + skipped(place);
    }
    new.push_str(text.get(done..).unwrap_or_default());
    new
}
