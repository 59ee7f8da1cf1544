//! Lines of bounded length, read in large pieces.

use std::io::{self, BufRead as _, BufReader, Read};

/// What there was up to the next line end, or to the end of the input.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Line<'a> {
    /// A line, without its end.
    Whole(&'a [u8]),
    /// More bytes than a line may have; they were passed over.
    TooLong,
}

/// An input, line by line.
pub(super) struct Lines<R> {
    input: BufReader<R>,
    line: Vec<u8>,
    limit: usize,
}

impl<R: Read> Lines<R> {
    pub(super) fn new(input: R, limit: usize) -> Self {
        Self { input: BufReader::with_capacity(256 * 1024, input), line: Vec::new(), limit }
    }

    /// Whether the next line is here already: reading it waits for nobody.
    pub(super) fn has_next(&self) -> bool {
        self.input.buffer().contains(&b'\n')
    }

    /// The next line; none at the end.
    pub(super) fn next(&mut self) -> io::Result<Option<Line<'_>>> {
        self.line.clear();
        let with_end = u64::try_from(self.limit).unwrap_or(u64::MAX).saturating_add(1);
        if self.input.by_ref().take(with_end).read_until(b'\n', &mut self.line)? == 0 {
            return Ok(None);
        }
        if self.line.last() == Some(&b'\n') {
            self.line.pop();
        } else if self.line.len() > self.limit {
            self.input.skip_until(b'\n')?;
            return Ok(Some(Line::TooLong));
        }
        Ok(Some(Line::Whole(&self.line)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(input: &[u8], expected: &[Line<'_>]) {
        let mut lines = Lines::new(input, 4);
        for line in expected {
            assert_eq!(lines.next().unwrap().as_ref(), Some(line));
        }
        assert_eq!(lines.next().unwrap(), None);
    }

    #[test]
    fn lines_end_at_line_ends_and_long_ones_are_passed_over() {
        check(b"", &[]);
        check(b"\n", &[Line::Whole(b"")]);
        check(b"ab\n\ncd", &[Line::Whole(b"ab"), Line::Whole(b""), Line::Whole(b"cd")]);
        check(b"abcd\nabcde\nx\nabcdef", &[Line::Whole(b"abcd"), Line::TooLong, Line::Whole(b"x"), Line::TooLong]);
    }

    /// Gives its pieces one by one, as a pipe does.
    struct Pieces(Vec<&'static [u8]>);

    impl Read for Pieces {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            if self.0.is_empty() {
                return Ok(0);
            }
            let piece = self.0.remove(0);
            buffer[..piece.len()].copy_from_slice(piece);
            Ok(piece.len())
        }
    }

    #[test]
    fn a_line_that_came_in_part_is_not_there_yet() {
        let mut lines = Lines::new(Pieces(vec![b"a\nb\nc", b"d\n"]), 4);
        for (is_here, line) in [(false, "a"), (true, "b"), (false, "cd")] {
            assert_eq!(lines.has_next(), is_here, "{line}");
            assert_eq!(lines.next().unwrap(), Some(Line::Whole(line.as_bytes())));
        }
        assert_eq!((lines.has_next(), lines.next().unwrap()), (false, None));
    }
}
