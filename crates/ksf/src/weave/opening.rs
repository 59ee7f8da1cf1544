//! How the states of a scope begin: with the token, and with which piece of work they do.

use crate::weave::json::{Json, Object, object};
use crate::weave::machine::{Language, Scope};
use crate::weave::names::{
    RECEIVE, adopt, receive, round_of, round_variable, since_variable, token_variable, work_variable,
};
use crate::weave::shapes::{
    INPUT, first_round_of, item_of, next_round_of, of_item, question, renewed, variable, within,
};
use crate::weave::weaver::{NOW, Page, Weaver};

/// What the author's states begin with, where weave has put something beside it.
const AUTHOR_S_PART: &str = "{% $states.input.input %}";

/// Since when is known what the first token says. The API's is as old as the access token; an execution that another one starts
/// is not told, and its token was made for it a moment ago.
const SINCE_SAID: &str = "{% $exists($states.input.saidAt) ? $states.input.saidAt * 1000 : $millis() %}";

impl Weaver<'_> {
    /// The variable that holds which piece of work a state does; none for the whole of the execution's.
    pub(super) fn work(&self, page: &Page, name: &str, scope: &Scope) -> Option<String> {
        let looped = page.looped.get(name).copied();
        looped.map(|number| work_variable(scope.depth, Some(number))).or_else(|| scope.work.clone())
    }

    /// A state on a loop: where it has succeeded and goes on, its round is over. The state that counts it.
    pub(super) fn round(&self, page: &Page, name: &str, state: &mut Object, scope: &Scope) -> Option<Object> {
        let (number, next) = (page.looped.get(name).copied()?, state.text("Next")?);
        let round = round_variable(scope.depth, number);
        let work = next_round_of(&within(scope.work.as_deref()), &round);
        let assigned = object([
            // In this order it is the same for an interpreter that assigns one after the other.
            (work_variable(scope.depth, Some(number)).as_str(), work.into()),
            (round.as_str(), format!("{{% ${round} + 1 %}}").into()),
        ]);
        let what = format!("{name} has done its work; where the loop comes to it again, that is another piece.");
        let counts = self.shapes.assign(&what, assigned, INPUT, next);
        state.set("Next", round_of(name));
        Some(counts)
    }

    /// The first state of a scope, which takes the token in. Its name.
    pub(super) fn opening(&mut self, page: &mut Page, start: &str, scope: &Scope, around: Option<&str>) -> String {
        let token = token_variable(scope.depth);
        let item = scope.is_item.then(|| item_of(&within(around)));
        let all = item.as_ref().map_or_else(|| within(scope.work.as_deref()), |item| format!("{item} & "));
        let first_rounds: Vec<(String, Json)> = page
            .looped
            .values()
            .flat_map(|number| {
                let work = work_variable(scope.depth, Some(*number));
                [(round_variable(scope.depth, *number), 1.into()), (work, first_round_of(&all).into())]
            })
            .collect();
        let with_rounds = |mut assigned: Object| {
            first_rounds.into_iter().for_each(|(variable, first)| assigned.set(&variable, first));
            assigned
        };
        let mut since = NOW.to_owned();
        let (name, mut state, because) = match &scope.label {
            None => {
                SINCE_SAID.clone_into(&mut since);
                let what = "the transaction token becomes a variable, so that no state's input or output holds it from here on.";
                let assigned = object([(token.as_str(), "{% $states.input.transactionToken %}".into())]);
                let state = self.shapes.assign(what, with_rounds(assigned), AUTHOR_S_PART, start);
                (RECEIVE.to_owned(), state, "takes the token out of the input")
            }
            Some(label) if scope.is_child_run => {
                let what = "an item runs in an execution of its own, so it gets a token that is bound to it.";
                let asked =
                    question(Language::Jsonata, "states.input.transactionToken", "adopt", Object::default().into());
                let assigned = with_rounds(renewed(&token));
                let state = self.shapes.ask(what, asked, assigned, AUTHOR_S_PART, Vec::new(), start);
                (adopt(label), state, "binds the token to the item's own execution")
            }
            Some(label) => {
                let outer = scope.depth.saturating_sub(1);
                since = variable(&since_variable(outer));
                let outer = variable(&token_variable(outer));
                let mut assigned = object([(token.as_str(), outer.into())]);
                let (what, output) = if let (Some(work), Some(item)) = (&scope.work, item) {
                    assigned.set(work, format!("{{% {item} %}}"));
                    let what = "an item may not assign an outer variable, so it has a token of its own to renew, and knows which item it is.";
                    (what, AUTHOR_S_PART)
                } else {
                    ("a branch may not assign an outer variable, so it has its own to renew.", INPUT)
                };
                let state = self.shapes.assign(what, with_rounds(assigned), output, start);
                (receive(label), state, "gives the branch a token of its own")
            }
        };
        page.note_since(&mut state, scope, &since);
        self.write(page, &name, state, scope.part_of.as_deref(), scope, because);
        name
    }

    /// What weave hands to each item travels beside the author's part: the token where no variable reaches, or which item it is.
    pub(super) fn select(&self, state: &mut Object, handed: impl FnOnce(Language) -> (String, Json)) {
        let language = self.shapes.language.of_state(state);
        let member = if state.contains("Parameters") { "Parameters" } else { "ItemSelector" };
        let (name, value) = handed(language);
        let author_s = state.get(member).cloned().map(|selected| ("input".to_owned(), selected));
        let (part, selected) = author_s.unwrap_or_else(|| of_item(language, "input", "Value"));
        let woven = object([(name.as_str(), value), (part.as_str(), selected)]);
        state.set_before(&["ItemProcessor", "Iterator"], member, woven);
    }
}
