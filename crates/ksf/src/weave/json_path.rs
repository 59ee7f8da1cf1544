//! Paths and intrinsic functions of JSONPath, as far as it takes to tell what they read of the context object.
//!
//! <https://states-language.net/spec.html#path>, <https://states-language.net/spec.html#appendix-b>

use crate::weave::reads::{Doubt, Place, Reads};

/// Where a path or an intrinsic function reads the execution's input. A text that is neither reads nothing.
pub(super) fn reads(text: &str) -> Reads {
    let mut places = Vec::new();
    // A quote in a regular expression opens nothing, and what it hides might be anything.
    if text.contains("=~") && text.contains("$$") && text.contains(['\'', '"']) {
        return Err(Doubt::Unreadable);
    }
    if text.starts_with('$') {
        path(text, text, 0, &mut places)?;
    } else if text.trim_start().starts_with("States.") {
        intrinsic(text, &mut places)?;
    } else if text.contains("$$") {
        return Err(Doubt::Unreadable);
    }
    Ok(places)
}

/// The first steps of the paths of a text that begin at what the state has at hand: nothing for one that takes all of it, or may
/// do so.
pub(super) fn first_steps(text: &str) -> Vec<Option<String>> {
    let paths: Vec<&str> = if text.starts_with('$') { vec![text] } else { arguments(text) };
    let own = paths.into_iter().filter_map(|path| path.strip_prefix('$'));
    // `$$` is the context object, `$name` a variable.
    let own = own.filter(|rest| !rest.starts_with(|letter| letter == '$' || is_of_name(letter)));
    own.map(|rest| step(rest).ok().map(|(name, _)| name.to_owned())).collect()
}

/// Whether a path or an intrinsic function reads what the context object says of the state that evaluates it.
pub(super) fn reads_state(text: &str) -> bool {
    let paths: Vec<&str> = if text.starts_with('$') { vec![text] } else { arguments(text) };
    let mut of_context = paths.into_iter().filter_map(|path| path.strip_prefix("$$"));
    of_context.any(|rest| matches!(step(rest), Ok(("State", _))))
}

/// The paths among the arguments of a function; none of a text that is none.
fn arguments(text: &str) -> Vec<&str> {
    let mut paths = Vec::new();
    let mut at = if text.trim_start().starts_with("States.") { 0 } else { text.len() };
    while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
        at += if rest.starts_with('\'') {
            string(rest).unwrap_or(rest.len())
        } else if rest.starts_with('$') {
            let length = argument(rest);
            paths.extend(rest.get(..length));
            length
        } else {
            rest.chars().next().map_or(1, char::len_utf8)
        };
    }
    paths
}

/// The paths among a function's arguments; those of functions among them, too.
fn intrinsic(text: &str, places: &mut Vec<Place>) -> Result<(), Doubt> {
    let mut at = 0;
    while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
        at += if rest.starts_with('\'') {
            match string(rest) {
                Some(length) => length,
                // What an open string hides might be anything.
                None if text.contains("$$") => return Err(Doubt::Unreadable),
                None => rest.len(),
            }
        } else if rest.starts_with('$') {
            let length = argument(rest);
            path(text, rest.get(..length).unwrap_or(rest), at, places)?;
            length
        } else {
            rest.chars().next().map_or(1, char::len_utf8)
        };
    }
    Ok(())
}

/// The length of the quoted text at the beginning; none if it has no end.
fn string(text: &str) -> Option<usize> {
    let mut letters = text.char_indices();
    let (_, quote) = letters.next()?;
    while let Some((at, letter)) = letters.next() {
        match letter {
            '\\' => drop(letters.next()),
            _ if letter == quote => return Some(at + letter.len_utf8()),
            _ => {}
        }
    }
    None
}

/// The length of the path that a function's argument begins with.
fn argument(text: &str) -> usize {
    let mut open = 0_usize;
    let mut at = 0;
    while let Some(letter) = text.get(at..).and_then(|rest| rest.chars().next()) {
        match letter {
            '[' | '(' | '{' => open += 1,
            ']' | '}' => open = open.saturating_sub(1),
            ')' if open > 0 => open -= 1,
            ')' | ',' if open == 0 => return at,
            _ if open == 0 && letter.is_whitespace() => return at,
            '\'' | '"' if open > 0 => {
                at += text.get(at..).and_then(string).unwrap_or(text.len() - at);
                continue;
            }
            _ => {}
        }
        at += letter.len_utf8();
    }
    text.len()
}

/// One path, which begins at that offset of the text.
fn path(text: &str, path: &str, at: usize, places: &mut Vec<Place>) -> Result<(), Doubt> {
    if path.starts_with("${") {
        return Err(Doubt::Placeholder);
    }
    let Some(rest) = path.strip_prefix("$$") else {
        // Which variable it reads is the deployment's to say.
        if path.split(['.', '[']).next().is_some_and(|head| head.contains("${")) {
            return Err(Doubt::Placeholder);
        }
        // Of the state's input, or of a variable. A filter could compare with anything.
        return if unquoted(path).contains("$$") { Err(Doubt::Unreadable) } else { Ok(()) };
    };
    let rest = match step(rest)? {
        ("Execution", rest) => match step(rest)? {
            ("Input", rest) => {
                let end = at + path.len() - rest.len();
                places.push(Place::behind(text, end, is_of_name));
                rest
            }
            (_, rest) => rest,
        },
        (_, rest) => rest,
    };
    // In a filter `$` is the context object once more.
    if unquoted(rest).replace("${", "").contains('$') { Err(Doubt::Unreadable) } else { Ok(()) }
}

/// The name of the step at the beginning, and what is behind it.
fn step(path: &str) -> Result<(&str, &str), Doubt> {
    if let Some(rest) = path.strip_prefix('.') {
        let end = rest.find(|letter| !is_of_name(letter)).unwrap_or(rest.len());
        let (name, rest) = rest.split_at_checked(end).ok_or(Doubt::Unreadable)?;
        return match rest.chars().next() {
            Some('$' | '{') => Err(Doubt::Placeholder),
            _ if name.is_empty() => Err(Doubt::HandedOn),
            None | Some('.' | '[') => Ok((name, rest)),
            Some(_) => Err(Doubt::HandedOn),
        };
    }
    let inside = path.strip_prefix('[').ok_or(Doubt::HandedOn)?.trim_start();
    let quoted = string(inside).filter(|_| inside.starts_with(['\'', '"'])).ok_or(Doubt::HandedOn)?;
    let (quoted, rest) = inside.split_at_checked(quoted).ok_or(Doubt::Unreadable)?;
    let name = quoted.get(1..quoted.len() - 1).ok_or(Doubt::Unreadable)?;
    let rest = rest.trim_start().strip_prefix(']').ok_or(Doubt::HandedOn)?;
    match name {
        _ if name.contains('\\') => Err(Doubt::Unreadable),
        _ if name.contains("${") => Err(Doubt::Placeholder),
        _ => Ok((name, rest)),
    }
}

/// Whether a name may have that letter without quotes.
fn is_of_name(letter: char) -> bool {
    letter.is_alphanumeric() || letter == '_' || letter == '-'
}

/// The text without its quoted parts.
fn unquoted(text: &str) -> String {
    let mut plain = String::new();
    let mut rest = text;
    while let Some(quote) = rest.find(['\'', '"']) {
        let (before, quoted) = rest.split_at_checked(quote).unwrap_or((rest, ""));
        plain.push_str(before);
        // What has no end is no quoted part.
        let Some(behind) = string(quoted).and_then(|length| quoted.get(length..)) else {
            return plain + quoted;
        };
        rest = behind;
    }
    plain + rest
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use super::*;
    use crate::weave::reads::{moved_in, moved_out};

    /// The text becomes that one, which is woven to itself.
    #[track_caller]
    fn moves(text: &str, told: &str) {
        let woven = moved_in(text, &reads(text).unwrap());
        assert_eq!(woven, told);
        assert_eq!(moved_out(told, &reads(told).unwrap()), text, "back");
    }

    #[track_caller]
    fn stays(text: &str) {
        moves(text, text);
    }

    #[track_caller]
    fn doubted(text: &str, doubt: Doubt) {
        assert_eq!(reads(text), Err(doubt), "{text}");
    }

    #[test]
    fn paths_into_the_execution_s_input_lead_to_the_author_s_part() {
        moves("$$.Execution.Input", "$$.Execution.Input.input");
        moves("$$.Execution.Input.kind", "$$.Execution.Input.input.kind");
        moves("$$.Execution.Input.input", "$$.Execution.Input.input.input");
        moves("$$.Execution.Input.inputs", "$$.Execution.Input.input.inputs");
        moves("$$.Execution.Input.input-1", "$$.Execution.Input.input.input-1");
        moves("$$.Execution.Input[0]", "$$.Execution.Input.input[0]");
        moves("$$.Execution.Input..kind", "$$.Execution.Input.input..kind");
        moves("$$.Execution.Input.*", "$$.Execution.Input.input.*");
        moves("$$.Execution.Input.lines[?(@.paid == true)].id", "$$.Execution.Input.input.lines[?(@.paid == true)].id");
        moves("$$.Execution.Input[?(@.a =~ /x/)]", "$$.Execution.Input.input[?(@.a =~ /x/)]");
        moves("$$['Execution']['Input']", "$$['Execution']['Input'].input");
        moves("$$[\"Execution\"].Input.kind", "$$[\"Execution\"].Input.input.kind");
        moves("$$.Execution[ 'Input' ]['a b']", "$$.Execution[ 'Input' ].input['a b']");
        moves("$$.Execution.Input.${Field}", "$$.Execution.Input.input.${Field}");
        moves("$$.Execution.Input['$$.x']", "$$.Execution.Input.input['$$.x']");
    }

    #[test]
    fn arguments_of_functions_are_paths() {
        moves("States.Format('{}', $$.Execution.Input.kind)", "States.Format('{}', $$.Execution.Input.input.kind)");
        moves("States.Format('{}',$$.Execution.Input)", "States.Format('{}',$$.Execution.Input.input)");
        moves(
            "States.ArrayGetItem(States.Array($.a, $$.Execution.Input.list[0]), States.MathAdd($$.Execution.Input.n, 1))",
            "States.ArrayGetItem(States.Array($.a, $$.Execution.Input.input.list[0]), States.MathAdd($$.Execution.Input.input.n, 1))",
        );
        moves(
            "States.Format('it\\'s $$.Execution.Input \\\\', $$.Execution.Input['a, b)'] )",
            "States.Format('it\\'s $$.Execution.Input \\\\', $$.Execution.Input.input['a, b)'] )",
        );
        stays("States.Format('$$.Execution.Input and $$')");
        stays("States.Format('{}', $$.Execution.Id)");
        stays("States.StringSplit($$.Execution.StartTime, 'T')");
        stays("States.Format('never closed, $.a)");
        stays("States.ArrayLength($.a.length())");
        stays("States.UUID()");
    }

    #[test]
    fn other_members_and_other_texts_stay() {
        for text in
            ["$", "$.a.b", "$['a$$b']", "$.list[?(@.a == 'x$$')]", "$name.a", "$.${Field}", "plain text", "", "é"]
        {
            stays(text);
        }
        for text in
            ["Execution.Id", "Execution.Name", "Execution.InputDetails", "State.Name", "Task.Token", "StateMachine"]
        {
            stays(&format!("$$.{text}"));
        }
        for text in ["$$.Map.Item.Value", "$$.Map.Item.Value[*].a", "$$['Map']['Item'].Index", "$$.Executions"] {
            stays(text);
        }
    }

    #[test]
    fn whole_context_object_and_what_may_reach_it_are_doubted() {
        let texts = [
            "$$",
            "$$.",
            "$$.Execution",
            "$$.Execution.",
            "$$..Input",
            "$$.*",
            "$$.Execution.*",
            "$$.Execution..Input",
            "$$[*]",
            "$$['Execution']",
            "$$[0]",
            "$$[?(@.Input)]",
            "$$['Execution','State']",
            "$$.Execution[*]",
            "$$.Execution['Id','Input']",
            "$$.Execution.keys()",
            "$$ .Execution.Input",
            "$$.Execution .Input",
            "$$Execution",
            "$$.Exec*",
            "$$['Execution'",
            "States.JsonMerge($$, $.a, false)",
            "States.JsonToString($$.Execution)",
            "States.Array(States.Array($$ ))",
            "States.Format(\"{}\", '{}', $$.Execution)",
        ];
        for text in texts {
            doubted(text, Doubt::HandedOn);
        }
        let unreadable = [
            "$$['Exec\\u0075tion']",
            "$.list[?(@.a == $$.Execution.Input.a)]",
            "$$.Map.Item.Value[?(@.a == $.Execution.Input)]",
            "$$.Execution.Input[?(@.a == $.Execution.Input.transactionToken)]",
            " $$.Execution.Input",
            "States.Format('{}, $$.Execution)",
            "States.Format('{}{}{}', $.list[?(@.a =~ /'/)], $$.Execution.Input, 'x')",
            "$.list[?(@.a =~ /\"/ && $$.Execution.Input.transactionToken =~ /\"/)]",
        ];
        for text in unreadable {
            doubted(text, Doubt::Unreadable);
        }
        for text in [
            "${Path}",
            "${Root}.Execution.Input",
            "$$.${Member}",
            "$$.Execution.${Member}",
            "$$.Execution.Input${More}",
            "$$['${A}']",
            "$${A}",
        ] {
            doubted(text, if text == "$${A}" { Doubt::HandedOn } else { Doubt::Placeholder });
        }
    }
}
