//! What executions consumed of what AWS bills, read from the functions' logs.

use std::collections::BTreeMap;

use crate::calls::LogLine;

/// What one function did.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Used {
    /// How often it was invoked.
    pub invocations: u32,
    /// Memory times duration, in gigabyte-seconds.
    pub gigabyte_seconds: f64,
    /// The bytes of its log, Lambda's own lines included.
    pub log_bytes: usize,
}

/// What each function did, by its log group, in the lines from that moment of Unix time (milliseconds) on.
pub fn of(lines: &[LogLine], since: i64) -> BTreeMap<String, Used> {
    let mut all: BTreeMap<String, Used> = BTreeMap::new();
    for line in lines.iter().filter(|line| line.at >= since) {
        let used = all.entry(line.group.clone()).or_default();
        used.log_bytes += line.text.len() + 1;
        if let Some(gigabyte_seconds) = reported(&line.text) {
            used.invocations += 1;
            used.gigabyte_seconds += gigabyte_seconds;
        }
    }
    all
}

impl Used {
    /// Both together.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self {
            invocations: self.invocations + other.invocations,
            gigabyte_seconds: self.gigabyte_seconds + other.gigabyte_seconds,
            log_bytes: self.log_bytes + other.log_bytes,
        }
    }
}

/// What `REPORT RequestId: … Billed Duration: 12 ms Memory Size: 256 MB …`, with tabs between, tells of an invocation.
fn reported(line: &str) -> Option<f64> {
    let field = |name: &str, unit: &str| -> Option<f64> {
        let value = line.split('\t').find_map(|field| field.strip_prefix(name))?;
        value.strip_suffix(unit)?.trim().parse().ok()
    };
    line.starts_with("REPORT ").then_some(())?;
    Some(field("Billed Duration: ", "ms")? / 1000.0 * field("Memory Size: ", "MB")? / 1024.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_report_is_an_invocation_and_each_line_has_its_line_end() {
        let line = |at, text: &str| LogLine { group: "/aws/lambda/a".to_owned(), at, text: text.to_owned() };
        let report = "REPORT RequestId: r\tDuration: 40.3 ms\tBilled Duration: 40 ms\tMemory Size: 256 MB\tMax Memory Used: 9 MB";
        let lines = [line(1, report), line(2, "START RequestId: r"), line(2, report), line(3, report)];
        let used = Used { invocations: 2, gigabyte_seconds: 0.02, log_bytes: 19 + 2 * (report.len() + 1) };
        assert_eq!(of(&lines, 2), BTreeMap::from([("/aws/lambda/a".to_owned(), used)]));
    }
}
