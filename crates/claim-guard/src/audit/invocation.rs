//! Which invocation of a function a decision was made in.

use serde::Serialize;

use crate::excerpt::Excerpt;

/// Which invocation of a function a decision was made in, by the names that AWS gives it. An execution's history has the same id of a
/// task's invocation, so a line that no state of it has caused shows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Invocation {
    id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    trace: Option<String>,
}

impl Invocation {
    /// The invocation of that id. `trace` is X-Ray's header, of which the trace's id is kept.
    pub fn new(id: &str, trace: Option<&str>) -> Self {
        let root = |header: &str| header.split(';').find_map(|part| part.trim().strip_prefix("Root=")).map(text);
        Self { id: text(id), trace: trace.and_then(root) }
    }
}

fn text(presented: &str) -> String {
    Excerpt::of(presented).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(trace: Option<&str>, expected: &str) {
        let line = serde_json::to_string(&Invocation::new("8f5b6a3e-0000", trace));
        assert_eq!(line.ok().as_deref(), Some(expected));
    }

    #[test]
    fn an_invocation_is_named_by_its_id_and_its_trace() {
        let header = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1";
        let both = r#"{"id":"8f5b6a3e-0000","trace":"1-5759e988-bd862e3fe1be46a994272793"}"#;
        check(Some(header), both);
        check(Some("Self=1-2; Root=1-5759e988-bd862e3fe1be46a994272793"), both);
        for none in [None, Some(""), Some("Parent=1"), Some("root=1")] {
            check(none, r#"{"id":"8f5b6a3e-0000"}"#);
        }
    }
}
