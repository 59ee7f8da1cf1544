//! Many cases, one a line.

use std::io::{self, BufWriter, Read, Write};

use claim_guard::Leeway;
use serde_json::value::RawValue;

use crate::outcome::{CommandError, Outcome};
use crate::verify::answer::VerdictLine;
use crate::verify::case::{Case, MAX_LINE_BYTES, Malformed};
use crate::verify::key_cache::KeyCache;
use crate::verify::lines::{Line, Lines};
use crate::verify::question::Question;

/// Answers every line of the input, in order.
pub(super) fn answer_all(
    input: impl Read,
    output: impl Write,
    leeway: Leeway,
    with_claims: bool,
) -> Result<Outcome, CommandError> {
    let mut lines = Lines::new(input, MAX_LINE_BYTES);
    let mut answers = Answers {
        cache: KeyCache::default(),
        leeway,
        with_claims,
        output: BufWriter::with_capacity(64 * 1024, output),
    };
    loop {
        // Whoever waits for an answer before writing the next case gets it; nothing else is written line by line.
        if !lines.has_next() {
            answers.output.flush().map_err(CommandError::during("write the answers"))?;
        }
        let Some(line) = lines.next().map_err(CommandError::during("read standard input"))? else { break };
        answers.answer(&line).map_err(CommandError::during("write the answers"))?;
    }
    Ok(Outcome::Yes)
}

struct Answers<W: Write> {
    cache: KeyCache,
    leeway: Leeway,
    with_claims: bool,
    output: BufWriter<W>,
}

impl<W: Write> Answers<W> {
    fn answer(&mut self, line: &Line<'_>) -> io::Result<()> {
        let case = match line {
            Line::Whole(line) => Case::parse(line, self.leeway),
            Line::TooLong => {
                let message = format!("expected at most `{MAX_LINE_BYTES}` bytes a line");
                Err(Malformed { id: RawValue::NULL, message })
            }
        };
        match case {
            Ok(Case { id, token, key_set, expected }) => {
                let question = Question { token: &token, expected };
                let verdict = question.verdict(self.cache.get(&key_set));
                VerdictLine::to_case(id, &question, &verdict, self.with_claims).write(&mut self.output)
            }
            Err(Malformed { id, message }) => VerdictLine::to_malformed(id, message).write(&mut self.output),
        }
    }
}
