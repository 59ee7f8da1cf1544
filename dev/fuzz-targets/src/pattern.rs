use claim_guard::access::{PathSegment, Route};

/// Whether an IAM pattern with `*` for any text covers a text. No pattern of ours holds `?`.
pub(crate) fn covers(pattern: &str, text: &str) -> bool {
    let (first, mut parts) = match pattern.split_once('*') {
        Some((first, parts)) => (first, parts),
        None => return pattern == text,
    };
    let Some(mut rest) = text.strip_prefix(first) else { return false };
    // The leftmost place of each part leaves the most text for the next; the last one has to be at the end.
    while let Some((part, behind)) = parts.split_once('*') {
        let Some((_, after)) = rest.split_once(part) else { return false };
        (rest, parts) = (after, behind);
    }
    rest.ends_with(parts)
}

/// A path that the route matches.
pub(crate) fn instance(route: &Route) -> String {
    let segment = |segment: &PathSegment| match segment {
        PathSegment::Literal(text) => format!("/{text}"),
        PathSegment::Parameter(_) => "/7d0a3f9e".to_owned(),
    };
    route.path().segments().iter().map(segment).collect()
}

#[cfg(test)]
mod tests {
    use super::covers;

    #[test]
    fn a_star_stands_for_any_text() {
        for (pattern, text, expected) in [
            ("/a", "/a", true),
            ("/a", "/ab", false),
            ("/*", "/", true),
            ("/*/x", "/a/b/x", true),
            ("/*/x", "/x", false),
            ("/*/x/*", "/a/x/x/b", true),
            ("/a/*b*b", "/a/b", false),
            ("/a/*b*b", "/a/bb", true),
        ] {
            assert_eq!(covers(pattern, text), expected, "{pattern} {text}");
        }
    }
}
