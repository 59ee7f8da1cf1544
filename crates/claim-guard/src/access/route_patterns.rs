//! What API Gateway can be told of a route table in one IAM policy.
//!
//! The policy that an authorizer returns is cached and used for other routes too, so it has to be right on all of them.
//! It speaks in patterns in which every path parameter is `*`, and IAM's `*` crosses slashes: the pattern of
//! `/orders/{order}` covers a request to `/orders/7/items`. So a denied route that an allowed pattern reaches is denied
//! by its own pattern; an explicit Deny wins in IAM. A table where such a Deny could hit a request to an allowed route
//! cannot be told to API Gateway; the parser refuses it (see `inexpressible`).
//!
//! On paths, whose segments are never empty, the `*` of a pattern is one or more whole segments.

use std::fmt;

use serde::Serialize;

use crate::access::route::{Method, PathSegment, Route};

/// What an IAM statement does to the calls that it names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum Effect {
    /// They are allowed, if no other statement denies them.
    Allow,
    /// They are denied, whatever another statement says.
    Deny,
}

/// The patterns of one IAM policy; they say the same as the route table they were made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoutePatterns<'a> {
    /// One pattern for each allowed route, in the policy's order.
    pub allow: Vec<&'a RoutePattern>,
    /// One pattern for each denied route that a pattern of `allow` reaches, in the policy's order.
    pub deny: Vec<&'a RoutePattern>,
}

/// A method and a path in which `*` stands for any text, slashes included.
///
/// It prints as it stands in a resource's ARN behind the stage: `GET/orders/*`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoutePattern {
    method: Method,
    text: String,
}

impl RoutePattern {
    pub(super) fn of(route: &Route) -> Self {
        Self { method: route.method(), text: format!("{}{}", route.method(), route.path().iam_pattern()) }
    }

    /// The method.
    pub fn method(&self) -> Method {
        self.method
    }

    /// The path's pattern, beginning with a slash.
    pub fn path(&self) -> &str {
        self.text.strip_prefix(self.method.as_str()).unwrap_or_default()
    }
}

impl fmt::Display for RoutePattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Whether the pattern of one route covers a request that reaches another; `reaches` says that of a request's segments,
/// where `None` is a segment that no literal of any route equals.
pub(super) fn pattern_reaches(pattern: &Route, other: &Route, reaches: impl Fn(&[Option<&str>]) -> bool) -> bool {
    let (from, to) = (pattern.path().segments(), other.path().segments());
    let is_parameter = |segment: &PathSegment| literal_of(segment).is_none();
    // A pattern without `*` covers one path, which reaches its own route.
    pattern.method() == other.method()
        && from.len() <= to.len()
        && from.iter().any(is_parameter)
        && any_shape(from, to, &mut Vec::with_capacity(from.len().max(to.len())), &reaches)
}

/// Whether one of the most general requests that match both a pattern and a template is as asked for.
///
/// A segment that may be anything is read as one that equals no literal. That is the best case for the template: any
/// literal in its place could only let more specific routes match too.
fn any_shape<'a>(
    pattern: &'a [PathSegment],
    template: &'a [PathSegment],
    shape: &mut Vec<Option<&'a str>>,
    is_asked_for: &impl Fn(&[Option<&str>]) -> bool,
) -> bool {
    let (Some((first, pattern)), Some((segment, rest))) = (pattern.split_first(), template.split_first()) else {
        return pattern.is_empty() && template.is_empty() && is_asked_for(shape);
    };
    let before = shape.len();
    let found = match (literal_of(first), literal_of(segment)) {
        (Some(literal), segment) => {
            shape.push(Some(literal));
            segment.is_none_or(|segment| segment == literal) && any_shape(pattern, rest, shape, is_asked_for)
        }
        (None, _) => (1..=template.len()).any(|taken| {
            let (covered, rest) = template.split_at(taken);
            shape.extend(covered.last().map(literal_of));
            any_shape(pattern, rest, shape, is_asked_for)
        }),
    };
    shape.truncate(before);
    found
}

fn literal_of(segment: &PathSegment) -> Option<&str> {
    match segment {
        PathSegment::Literal(text) => Some(text),
        PathSegment::Parameter(_) => None,
    }
}
