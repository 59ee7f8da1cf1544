//! What differs between two texts, for people.

use std::fmt::Write as _;

/// The most lines that are shown of each text.
const SHOWN: usize = 40;

/// The lines between what both texts begin and end with: `-` is there, `+` is expected.
pub(super) fn difference(there: &str, expected: &str) -> String {
    let (there, expected): (Vec<&str>, Vec<&str>) = (there.lines().collect(), expected.lines().collect());
    let same_front = there.iter().zip(&expected).take_while(|(one, other)| one == other).count();
    let rest = (there.get(same_front..).unwrap_or_default(), expected.get(same_front..).unwrap_or_default());
    let same_back = rest.0.iter().rev().zip(rest.1.iter().rev()).take_while(|(one, other)| one == other).count();
    let mut text = format!("@@ line {} @@\n", same_front + 1);
    for (sign, lines) in [('-', rest.0), ('+', rest.1)] {
        let differing = lines.get(..lines.len().saturating_sub(same_back)).unwrap_or_default();
        for line in differing.iter().take(SHOWN) {
            let _ = writeln!(text, "{sign}{line}");
        }
        if differing.len() > SHOWN {
            let _ = writeln!(text, "{sign}… {} lines more", differing.len() - SHOWN);
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_both_texts_begin_and_end_with_is_left_out() {
        assert_eq!(difference("a\nb\nc\n", "a\nx\ny\nc\n"), "@@ line 2 @@\n-b\n+x\n+y\n");
        assert_eq!(difference("a\n", "a\nb\n"), "@@ line 2 @@\n+b\n");
        assert_eq!(difference("a\na\n", "a\n"), "@@ line 2 @@\n-a\n");
    }

    #[test]
    fn long_differences_are_cut() {
        let long = "x\n".repeat(42);
        assert_eq!(difference(&long, ""), format!("@@ line 1 @@\n{}-… 2 lines more\n", "-x\n".repeat(40)));
    }
}
