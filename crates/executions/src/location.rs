//! Where an execution is found: the answer's `Location`.

use claim_guard::identifier::WorkflowName;

use crate::execution_name::ExecutionName;

/// The most bytes of what stands in front of our own segments.
const MAX_MOUNT_BYTES: usize = 512;

/// What the caller's address of an API has in front of `/workflows`: nothing, a stage (`/live`), or the base path of a custom
/// domain (`/pay/v1`).
///
/// Only the request's own path tells: behind a custom domain the stage is in no address, and no setting of the function knows
/// the base path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Mount(String);

impl Mount {
    /// Reads it off the path of a start as the caller wrote it (`requestContext.path`); none where that path is no such
    /// address, or holds anything that an answer should not repeat.
    ///
    /// The caller wrote the path, so it is not copied but compared: what is kept has plain segments only. Nothing is empty,
    /// since `//host/…` would name another host (RFC 3986 §4.2), nothing is `.` or `..`, and nothing is percent-encoded, since
    /// that could be either.
    pub(crate) fn of_start(path: &str) -> Option<Self> {
        // API Gateway takes `…/executions/` for `…/executions`.
        let path = path.trim_end_matches('/');
        let mut segments = path.rsplitn(4, '/');
        // `workflows`, its name and `executions`, however the caller has spelled them: the route's template has matched.
        let (Some(_), Some(_), Some(_), Some(mount)) =
            (segments.next(), segments.next(), segments.next(), segments.next())
        else {
            return None;
        };
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~$!*'()+".contains(&byte);
        let is_segment = |segment: &str| !matches!(segment, "" | "." | "..") && segment.bytes().all(plain);
        let of_segments = match mount.strip_prefix('/') {
            Some(segments) => segments.split('/').all(is_segment),
            None => mount.is_empty(),
        };
        (of_segments && mount.len() <= MAX_MOUNT_BYTES).then(|| Self(mount.to_owned()))
    }
}

/// The address of an execution (RFC 9110 §10.2.2): an absolute path where it is known what the API is mounted on, else
/// relative to the start's own address, which every caller knows.
pub(crate) fn of_execution(mount: Option<&Mount>, workflow: &WorkflowName, execution: &ExecutionName) -> String {
    match mount {
        Some(Mount(mount)) => format!("{mount}/workflows/{workflow}/executions/{execution}"),
        None => format!("executions/{execution}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::{given, naming_key};

    #[track_caller]
    fn check(path: &str, expected: &str) {
        let workflow = WorkflowName::parse("payment").unwrap();
        let name = ExecutionName::recognise(&given("01"), &naming_key()).unwrap();
        let location = of_execution(Mount::of_start(path).as_ref(), &workflow, &name);
        assert_eq!(location, format!("{expected}/{name}"), "{path}");
    }

    #[test]
    fn the_address_begins_as_the_callers_does() {
        check("/workflows/payment/executions", "/workflows/payment/executions");
        check("/live/workflows/payment/executions", "/live/workflows/payment/executions");
        check("/pay/workflows/payment/executions", "/pay/workflows/payment/executions");
        check("/pay/v1.0_a-b/workflows/payment/executions", "/pay/v1.0_a-b/workflows/payment/executions");
        check("/test-invoke-stage/workflows/payment/executions", "/test-invoke-stage/workflows/payment/executions");
    }

    #[test]
    fn a_slash_at_the_end_is_none_of_the_address() {
        check("/live/workflows/payment/executions/", "/live/workflows/payment/executions");
        check("/workflows/payment/executions//", "/workflows/payment/executions");
    }

    #[test]
    fn the_workflow_is_spelled_as_it_is_called() {
        check("/live/workflows/pay%6Dent/executions", "/live/workflows/payment/executions");
        check("/live/workflows/%22%0d%0aSet-Cookie:x/executions", "/live/workflows/payment/executions");
    }

    #[test]
    fn a_path_that_is_no_address_of_ours_leaves_a_relative_one() {
        for path in [
            "",
            "/",
            "executions",
            "workflows/payment/executions",
            "live/workflows/payment/executions",
            "//evil.example/workflows/payment/executions",
            "///workflows/payment/executions",
            "/live//workflows/payment/executions",
            "/./workflows/payment/executions",
            "/live/../workflows/payment/executions",
            "/%2e%2e/workflows/payment/executions",
            "/%2F%2Fevil.example/workflows/payment/executions",
            "/\\evil.example/workflows/payment/executions",
            "https://evil.example/workflows/payment/executions",
            "/a\r\nSet-Cookie: x/workflows/payment/executions",
            "/a b/workflows/payment/executions",
            "/\u{e9}/workflows/payment/executions",
            "/a?b/workflows/payment/executions",
            "/a#b/workflows/payment/executions",
        ] {
            check(path, "executions");
        }
        check(&format!("/{}/workflows/payment/executions", "a".repeat(MAX_MOUNT_BYTES)), "executions");
    }
}
