//! Expressions of JSONata, as far as it takes to tell what they read of the context object.
//!
//! It splits them into tokens as <https://github.com/jsonata-js/jsonata/blob/master/src/parser.js> does, and looks at what follows
//! each `$states`.

use crate::weave::reads::{Doubt, Place, Reads};

/// What stands between `{%` and `%}`; none for a text that is no expression.
pub(super) fn expression(text: &str) -> Option<&str> {
    text.strip_prefix("{%")?.strip_suffix("%}")
}

/// Where an expression reads the execution's input. A text that is none reads nothing.
pub(super) fn reads(text: &str) -> Reads {
    let Some(expression) = expression(text) else { return Ok(Vec::new()) };
    let tokens = match Lexer::tokens(text, "{%".len(), "{%".len() + expression.len()) {
        Ok(tokens) => tokens,
        // What does not name it cannot reach it.
        Err(Unreadable)
            if !expression.contains(STATES) && !expression.contains("eval") && !expression.contains("${") =>
        {
            return Ok(Vec::new());
        }
        Err(Unreadable) => return Err(Doubt::Unreadable),
    };
    let mut places = Vec::new();
    for (number, token) in tokens.iter().enumerate() {
        let around = Around { text, tokens: &tokens, number };
        match token.kind {
            Kind::Variable if token.text == STATES => places.extend(around.states()?),
            // Interpreters differ in where such a name ends.
            Kind::Variable if token.text.contains(STATES) && !token.text.chars().all(is_plain) => {
                return Err(Doubt::Unreadable);
            }
            // Step Functions has none; what it would evaluate cannot be seen.
            Kind::Variable if token.text == "eval" => return Err(Doubt::Unreadable),
            Kind::Placeholder if !around.is_operand_of_numbers() && !around.is_step() => {
                return Err(Doubt::Placeholder);
            }
            Kind::Variable
            | Kind::Placeholder
            | Kind::Word
            | Kind::Quoted
            | Kind::Number
            | Kind::Regex
            | Kind::Parent
            | Kind::Wildcard
            | Kind::Sign => {}
        }
    }
    let names_states = tokens.iter().any(|token| token.kind == Kind::Variable && token.text == STATES);
    // Both lead out of a path again, to where it has come from.
    let leads_back = |token: &Token<'_>| token.kind == Kind::Parent || (token.kind == Kind::Sign && token.text == "@");
    if names_states && tokens.iter().any(leads_back) { Err(Doubt::HandedOn) } else { Ok(places) }
}

/// What an expression takes of a Task's result: for each place the member, or nothing where it takes all of it or may do so.
pub(super) fn taken_of_result(text: &str) -> Vec<Option<String>> {
    let Some(expression) = expression(text) else { return Vec::new() };
    let Ok(tokens) = Lexer::tokens(text, "{%".len(), "{%".len() + expression.len()) else { return vec![None] };
    let of_states = tokens.iter().enumerate().filter(|(_, token)| token.kind == Kind::Variable && token.text == STATES);
    of_states.filter_map(|(number, _)| Around { text, tokens: &tokens, number }.of_result()).collect()
}

/// Whether an expression reads what the context object says of the state that evaluates it.
pub(super) fn reads_state(text: &str) -> bool {
    let Some(expression) = expression(text) else { return false };
    let Ok(tokens) = Lexer::tokens(text, "{%".len(), "{%".len() + expression.len()) else { return false };
    let of_states = tokens.iter().enumerate().filter(|(_, token)| token.kind == Kind::Variable && token.text == STATES);
    of_states.into_iter().any(|(number, _)| Around { text, tokens: &tokens, number }.is_of_state())
}

/// The variable of Step Functions.
const STATES: &str = "states";

/// A token among the others.
struct Around<'a> {
    text: &'a str,
    tokens: &'a [Token<'a>],
    number: usize,
}

impl Around<'_> {
    fn sign(&self, number: Option<usize>) -> Option<&str> {
        let token = self.tokens.get(number?)?;
        (token.kind == Kind::Sign).then_some(token.text)
    }

    /// The name of the step that follows that token, and where it stands.
    fn step(&self, number: usize) -> Result<(&str, usize), Doubt> {
        if self.sign(Some(number + 1)) != Some(".") {
            return Err(Doubt::HandedOn);
        }
        let token = self.tokens.get(number + 2).ok_or(Doubt::HandedOn)?;
        match token.kind {
            Kind::Word => Ok((token.text, number + 2)),
            Kind::Quoted if token.text.contains('\\') => Err(Doubt::Unreadable),
            Kind::Quoted if token.text.contains("${") => Err(Doubt::Placeholder),
            Kind::Quoted => Ok((token.text, number + 2)),
            Kind::Placeholder => Err(Doubt::Placeholder),
            Kind::Variable | Kind::Number | Kind::Regex | Kind::Parent | Kind::Wildcard | Kind::Sign => {
                Err(Doubt::HandedOn)
            }
        }
    }

    /// What `$states` is used for.
    fn states(&self) -> Result<Option<Place>, Doubt> {
        if matches!(self.sign(self.number.checked_sub(1)), Some("@" | "#")) {
            return Err(Doubt::HandedOn);
        }
        let ("context", context) = self.step(self.number)? else { return Ok(None) };
        let ("Execution", execution) = self.step(context)? else { return Ok(None) };
        let ("Input", input) = self.step(execution)? else { return Ok(None) };
        let end = self.tokens.get(input).map(|token| token.end);
        Ok(end.map(|end| Place::behind(self.text, end, |letter| !ends_word(letter))))
    }

    /// Whether it is `$states.context.State`.
    fn is_of_state(&self) -> bool {
        let Ok(("context", context)) = self.step(self.number) else { return false };
        matches!(self.step(context), Ok(("State", _)))
    }

    /// The member that `$states.result` is asked for; none inside if it is not asked for one, none at all of another variable.
    fn of_result(&self) -> Option<Option<String>> {
        match self.step(self.number) {
            Ok(("result", result)) => Some(self.step(result).ok().map(|(name, _)| name.to_owned())),
            Ok(_) => None,
            Err(_) => Some(None),
        }
    }

    /// Whether it is compared or calculated with, which a whole object cannot be.
    fn is_operand_of_numbers(&self) -> bool {
        let is_of_numbers =
            |sign: Option<&str>| matches!(sign, Some("<" | ">" | "<=" | ">=" | "=" | "!=" | "+" | "-" | "/"));
        is_of_numbers(self.sign(self.number.checked_sub(1))) || is_of_numbers(self.sign(Some(self.number + 1)))
    }

    /// Whether it names a step of a path, whose beginning is looked at by itself.
    fn is_step(&self) -> bool {
        self.sign(self.number.checked_sub(1)) == Some(".")
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Variable,
    Word,
    /// A string or a name in backticks: as a step both are a name.
    Quoted,
    Number,
    Regex,
    /// `${…}` outside of a string, with what is written together with it.
    Placeholder,
    /// `%` where a value is expected.
    Parent,
    /// `*` or `**` where a value is expected.
    Wildcard,
    Sign,
}

#[derive(Debug, Clone, Copy)]
struct Token<'a> {
    kind: Kind,
    /// A variable without its `$`, what is quoted without its quotes.
    text: &'a str,
    /// The offset behind it.
    end: usize,
}

/// A text of which nobody could say where its tokens end.
struct Unreadable;

struct Lexer<'a> {
    text: &'a str,
    at: usize,
    end: usize,
    /// Whether a value stands in front, so that an operator has to follow.
    is_behind_value: bool,
    /// Whether a `|` does, of which only a parser knows whether it ends a value.
    is_behind_pipe: bool,
}

const SIGNS_OF_TWO: [&str; 9] = ["..", "**", ":=", "!=", "<=", ">=", "~>", "?:", "??"];

impl<'a> Lexer<'a> {
    /// The tokens of that part of the text.
    fn tokens(text: &'a str, at: usize, end: usize) -> Result<Vec<Token<'a>>, Unreadable> {
        let mut lexer = Self { text, at, end, is_behind_value: false, is_behind_pipe: false };
        let mut tokens = Vec::new();
        while let Some(token) = lexer.token()? {
            lexer.is_behind_pipe = token.kind == Kind::Sign && token.text == "|";
            lexer.is_behind_value = match token.kind {
                Kind::Word => !(lexer.is_behind_value && ["and", "or", "in"].contains(&token.text)),
                Kind::Sign => [")", "]", "}"].contains(&token.text),
                Kind::Variable
                | Kind::Quoted
                | Kind::Number
                | Kind::Regex
                | Kind::Placeholder
                | Kind::Parent
                | Kind::Wildcard => true,
            };
            tokens.push(token);
        }
        Ok(tokens)
    }

    fn rest(&self) -> &'a str {
        self.text.get(self.at..self.end).unwrap_or_default()
    }

    /// Takes so many bytes.
    fn take(&mut self, length: usize) -> &'a str {
        let taken = self.rest().get(..length).unwrap_or_default();
        self.at += length;
        taken
    }

    fn pass_blanks(&mut self) -> Result<(), Unreadable> {
        loop {
            let rest = self.rest();
            let blanks = rest.len() - rest.trim_start_matches(is_blank).len();
            self.at += blanks;
            let Some(comment) = self.rest().strip_prefix("/*") else { return Ok(()) };
            self.at += 2 + comment.find("*/").ok_or(Unreadable)? + 2;
        }
    }

    fn token(&mut self) -> Result<Option<Token<'a>>, Unreadable> {
        self.pass_blanks()?;
        let rest = self.rest();
        let Some(letter) = rest.chars().next() else { return Ok(None) };
        if self.is_behind_pipe && ['/', '*', '%'].contains(&letter) {
            return Err(Unreadable);
        }
        let (kind, text) = match letter {
            '"' | '\'' => (Kind::Quoted, self.string(letter)?),
            '`' => {
                let length = rest.get(1..).and_then(|rest| rest.find('`')).ok_or(Unreadable)?;
                (Kind::Quoted, self.quoted(length))
            }
            '/' if !self.is_behind_value => (Kind::Regex, self.regex()?),
            '0'..='9' => (Kind::Number, self.number()),
            _ if is_operator(letter) => {
                let two = SIGNS_OF_TWO.iter().find(|sign| rest.starts_with(**sign));
                let sign = self.take(two.map_or(1, |sign| sign.len()));
                match sign {
                    "%" if !self.is_behind_value => (Kind::Parent, sign),
                    "*" | "**" if !self.is_behind_value => (Kind::Wildcard, sign),
                    _ => (Kind::Sign, sign),
                }
            }
            _ => self.word()?,
        };
        Ok(Some(Token { kind, text, end: self.at }))
    }

    /// What stands between quotes and has that length.
    fn quoted(&mut self, length: usize) -> &'a str {
        self.at += 1;
        let text = self.take(length);
        self.at += 1;
        text
    }

    fn string(&mut self, quote: char) -> Result<&'a str, Unreadable> {
        let mut letters = self.rest().char_indices().skip(1);
        while let Some((at, letter)) = letters.next() {
            if letter == '\\' {
                letters.next();
            } else if letter == quote {
                return Ok(self.quoted(at - 1));
            }
        }
        Err(Unreadable)
    }

    /// A regular expression. Where it ends depends on brackets and backslashes, in ways that interpreters may not share.
    fn regex(&mut self) -> Result<&'a str, Unreadable> {
        let (mut open, mut before) = (0_usize, '/');
        for (at, letter) in self.rest().char_indices().skip(1) {
            let is_escaped = before == '\\';
            match letter {
                '/' if !is_escaped && open == 0 => {
                    let text = self.quoted(at - 1);
                    return if text.contains("\\\\") || text.contains(STATES) { Err(Unreadable) } else { Ok(text) };
                }
                '(' | '[' | '{' if !is_escaped => open += 1,
                ')' | ']' | '}' if !is_escaped => open = open.saturating_sub(1),
                _ => {}
            }
            before = letter;
        }
        Err(Unreadable)
    }

    fn number(&mut self) -> &'a str {
        let digits = |text: &str| text.len() - text.trim_start_matches(|letter: char| letter.is_ascii_digit()).len();
        let rest = self.rest();
        let mut length = digits(rest);
        let fraction = rest.get(length..).and_then(|rest| rest.strip_prefix('.')).map_or(0, digits);
        length += if fraction > 0 { fraction + 1 } else { 0 };
        if let Some(power) = rest.get(length..).and_then(|rest| rest.strip_prefix(['e', 'E'])) {
            let unsigned = power.strip_prefix(['+', '-']).unwrap_or(power);
            let exponent = digits(unsigned);
            length += if exponent > 0 { 1 + power.len() - unsigned.len() + exponent } else { 0 };
        }
        self.take(length)
    }

    /// A name, a variable, or a placeholder with what is written together with it.
    fn word(&mut self) -> Result<(Kind, &'a str), Unreadable> {
        let begin = self.at;
        let mut has_placeholder = false;
        loop {
            let rest = self.rest();
            self.at += rest.find(ends_word).unwrap_or(rest.len());
            let so_far = self.text.get(begin..self.at).unwrap_or_default();
            let Some(length) = placeholder(self.rest()).filter(|_| so_far.ends_with('$')) else { break };
            has_placeholder = true;
            self.at += length;
        }
        let word = self.text.get(begin..self.at).unwrap_or_default();
        if has_placeholder {
            return Ok((Kind::Placeholder, word));
        }
        // Interpreters differ in whether a quote ends a name.
        if word.contains(['"', '\'', '`']) {
            return Err(Unreadable);
        }
        Ok(word.strip_prefix('$').map_or((Kind::Word, word), |name| (Kind::Variable, name)))
    }
}

/// The length of `{…}` behind a `$`, if nothing but a deployment's placeholder can be meant: JSONata groups by pairs there.
fn placeholder(text: &str) -> Option<usize> {
    let inside = text.strip_prefix('{')?;
    let (inside, _) = inside.split_once('}')?;
    let is_name = |letter: char| letter.is_alphanumeric() || "_.-".contains(letter);
    let is_one = !inside.is_empty() && inside.split("::").all(|part| part.chars().all(is_name));
    is_one.then_some(inside.len() + 2)
}

fn is_blank(letter: char) -> bool {
    [' ', '\t', '\n', '\r', '\u{b}'].contains(&letter)
}

fn is_operator(letter: char) -> bool {
    ".[]{}(),@#;:?+-*/%|=<>^&!~".contains(letter)
}

fn ends_word(letter: char) -> bool {
    is_blank(letter) || is_operator(letter)
}

fn is_plain(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || letter == '_'
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use super::*;
    use crate::weave::reads::{moved_in, moved_out};

    fn braced(expression: &str) -> String {
        format!("{{% {expression} %}}")
    }

    /// The expression becomes that one, which is woven to itself.
    #[track_caller]
    fn moves(expression: &str, told: &str) {
        let (text, told) = (braced(expression), braced(told));
        let woven = moved_in(&text, &reads(&text).unwrap());
        assert_eq!(woven, told);
        assert_eq!(moved_out(&told, &reads(&told).unwrap()), text, "back");
    }

    #[track_caller]
    fn stays(expression: &str) {
        moves(expression, expression);
    }

    #[track_caller]
    fn doubted(expression: &str, doubt: Doubt) {
        assert_eq!(reads(&braced(expression)), Err(doubt), "{expression}");
    }

    #[test]
    fn paths_into_the_execution_s_input_lead_to_the_author_s_part() {
        let (input, woven) = ("$states.context.Execution.Input", "$states.context.Execution.Input.input");
        for behind in [
            "",
            ".kind",
            ".input",
            ".inputs",
            "-1",
            " - 1",
            "[0]",
            "[kind = 'a'].id",
            ".*",
            "{'a': b}",
            "^(>price)",
            " ~> $keys()",
            "/*c*/.kind",
            ".(a + b)",
            ".$keys($)",
            " = 'x' ? 1 : 2",
            ".${Field}",
            " & '$states.context'",
            " in [1, 2]",
            ".and.or",
        ] {
            moves(&format!("{input}{behind}"), &format!("{woven}{behind}"));
            moves(&format!("[{input}{behind}, {input}]"), &format!("[{woven}{behind}, {woven}]"));
            moves(&format!("($x := {input}{behind}; $x)"), &format!("($x := {woven}{behind}; $x)"));
        }
        moves("$states.\"context\".Execution.Input.a", "$states.\"context\".Execution.Input.input.a");
        moves("$states.'context'.`Execution`.\"Input\"", "$states.'context'.`Execution`.\"Input\".input");
        moves(
            "$states . context\n.\tExecution /* é */ .Input .a",
            "$states . context\n.\tExecution /* é */ .Input.input .a",
        );
        moves(
            "$map($states.input, function($v) { $v.id & $states.context.Execution.Input.id })",
            "$map($states.input, function($v) { $v.id & $states.context.Execution.Input.input.id })",
        );
    }

    #[test]
    fn other_members_stay() {
        for expression in [
            "1",
            "'x'",
            "$states.input",
            "$states.input.context.Execution",
            "$states.result.Payload",
            "$states.errorOutput.Cause",
            "$states.context.State.Name",
            "$states.context.Task.Token",
            "$states.context.Execution.Id",
            "$states.context.Execution.InputDetails",
            "$states.context.Map.Item.Value",
            "$states.context.StateMachine",
            "$type($states.context.State.RetryCount) = 'number' ? 1 : 0",
            "states.context",
            "$other.states.context",
            "$merge([$states.input, {'a': 1}])",
            "$now()",
            "$states.input.items[price > 3 and %1 = 2]",
        ] {
            if expression.contains('%') {
                continue;
            }
            stays(expression);
        }
        stays("$states.input.a % 2");
        stays("$states.input.* ~> $sum()");
        stays("$states.input.list.{'id': id, 'all': **}");
    }

    #[test]
    fn strings_comments_and_regular_expressions_are_passed_over() {
        stays("'$states.context' & \"$states\"");
        stays("'it\\'s $states.context' & \"\\\\\"");
        stays("/* $states */ 1 /* $states.context */");
        stays("`$states`.a");
        stays("$match($states.input.a, /[\"'`/]+/i)");
        stays("$states.input.a / 2 / $states.input.b");
        stays("$replace($states.input.a, /\\/\\*/, '')");
        moves(
            "$states.input.a / $states.context.Execution.Input.b / 2",
            "$states.input.a / $states.context.Execution.Input.input.b / 2",
        );
        moves("(1) / $states.context.Execution.Input / 2", "(1) / $states.context.Execution.Input.input / 2");
        moves("$x[0] / $states.context.Execution.Input / 2", "$x[0] / $states.context.Execution.Input.input / 2");
        moves(
            "$split($x, /'/)[0] & $states.context.Execution.Input & '/'",
            "$split($x, /'/)[0] & $states.context.Execution.Input.input & '/'",
        );
    }

    #[test]
    fn text_that_is_no_expression_reads_nothing() {
        for text in [
            "$states",
            "$states.context",
            "",
            "{%%}",
            "{% $states.context",
            " {% $states.context %}",
            "{%",
            "%}",
            "{% 'open %}",
        ] {
            assert_eq!(reads(text), Ok(Vec::new()), "{text}");
        }
        assert_eq!(reads("{%$states%}"), Err(Doubt::HandedOn));
    }

    #[test]
    fn whole_context_object_and_what_may_reach_it_are_doubted() {
        for expression in [
            "$states",
            "$states.*",
            "$states.**",
            "$states.%",
            "$states.(context)",
            "$states.$keys()",
            "$states[0]",
            "$states{'a': context}",
            "$states ~> $keys",
            "$states.context",
            "$states.context.Execution",
            "$states.context.*",
            "$states.context.**.Input",
            "$states.context.(Execution.Input)",
            "$states.context.Execution[0].Input",
            "$states.context[0].Execution.Input",
            "$states.context.Execution.*",
            "$states.context.Execution.$lookup($, 'Input')",
            "$states.context.Execution.(Input)",
            "$merge([$states.context, {}])",
            "$lookup($states.context, 'Execution')",
            "$string($states.context.Execution)",
            "($states.context).Execution.Input",
            "$states.context.{'a': Execution}",
            "$states.context.Execution^(Input)",
            "$states.context.Execution#$i.Input",
            "($c := $states.context; $c.Execution.Input)",
            "($states := {'context': 1}; $states.context.Execution.Input)",
            "function($states) { 1 }",
            "$map($states.input, function($v, $states) { $states.context.State })",
            "$states.input@$i.context",
            "$states.input.a.%.%.context",
            "$states.input.list@$l.other@$o[$l = $o]",
            "[1..3]@$states.a",
            "$states..context",
            "$states.context ~> |Execution|{}|",
            "$each($states, $f)",
        ] {
            doubted(expression, Doubt::HandedOn);
        }
    }

    #[test]
    fn what_cannot_be_read_is_doubted() {
        for expression in [
            "'open & $states.context.Execution.Input",
            "$states.input /* open",
            "`$states",
            "$states'x'",
            "$`states`",
            "$states\u{a0}.input",
            "/$states",
            "/a\\\\/ & $states.input",
            "/['$states.context']/",
            "$states.\"con\\u0074ext\".Execution.Input",
            "$eval('$' & 'states')",
            "$a ~> |b|{}| /'/ & $states.input & /'/",
        ] {
            doubted(expression, Doubt::Unreadable);
        }
    }

    #[test]
    fn placeholder_is_a_step_or_an_operand_of_numbers() {
        stays("$states.input.${Field}");
        stays("$states.input.amount > ${Limit}");
        stays(
            "${Limit} * 2 = 3 and ${Limit} <= 7 and ${A::B}+1 > 0 and ${x.y_z-0}-1 > 0"
                .replace("${Limit} * 2 = 3 and ", "")
                .as_str(),
        );
        stays("'${Bucket}' & \"${$states}\"");
        stays("${'id': $states.input.id}");
        for expression in [
            "${Expression}",
            "$string(${Value})",
            "${A} & 'x'",
            "$states.${Member}",
            "$states.context.${Member}",
            "$states.context.Execution.${Member}",
            "[${A}]",
            "$sta${X}.a",
            "$states.'con${X}'.Execution",
            "$x.${A} & ${B}",
        ] {
            doubted(expression, Doubt::Placeholder);
        }
    }
}
