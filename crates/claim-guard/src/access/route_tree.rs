//! Which route a request reaches.

use std::collections::BTreeMap;

use crate::access::route::{Method, PathSegment, PathTemplate};

/// The places of routes, by method and path.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct RouteTree(BTreeMap<Method, Branch>);

/// Everything below a beginning of paths.
#[derive(Debug, Default, PartialEq, Eq)]
struct Branch {
    literals: BTreeMap<String, Branch>,
    parameter: Option<Box<Branch>>,
    route: Option<usize>,
}

impl RouteTree {
    /// Adds the route at a place, unless one that matches the same requests is there: then answers that one's place.
    pub(super) fn insert(&mut self, method: Method, path: &PathTemplate, place: usize) -> Option<usize> {
        let root = self.0.entry(method).or_default();
        let branch = path.segments().iter().fold(root, |branch, segment| match segment {
            PathSegment::Literal(text) => branch.literals.entry(text.clone()).or_default(),
            PathSegment::Parameter(_) => branch.parameter.get_or_insert_default(),
        });
        let before = branch.route;
        branch.route = before.or(Some(place));
        before
    }

    /// The place of the route that a request of that method with these segments reaches. `None` stands for a segment that
    /// no literal of any route equals.
    ///
    /// API Gateway's rule: segment by segment from the left, a literal goes before a parameter.
    pub(super) fn reached(&self, method: Method, segments: &[Option<&str>]) -> Option<usize> {
        self.0.get(&method)?.reached(segments)
    }
}

impl Branch {
    fn reached(&self, segments: &[Option<&str>]) -> Option<usize> {
        let Some((segment, rest)) = segments.split_first() else { return self.route };
        let literal = segment.and_then(|text| self.literals.get(text)).and_then(|branch| branch.reached(rest));
        // A parameter matches any segment that is not empty.
        literal.or_else(|| self.parameter.as_ref().filter(|_| *segment != Some(""))?.reached(rest))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(paths: &[&str]) -> RouteTree {
        let mut tree = RouteTree::default();
        for (place, path) in paths.iter().enumerate() {
            let path = PathTemplate::parse(path).expect("a template");
            assert_eq!(tree.insert(Method::Get, &path, place), None);
        }
        tree
    }

    #[test]
    fn from_the_left_a_literal_goes_before_a_parameter_and_is_left_where_it_leads_nowhere() {
        let tree = tree(&["/a/{x}", "/a/b", "/{y}/b/c", "/a/{z}/c", "/a/{w}/{v}", "/{u}"]);
        let reached = |path: &str| {
            let segments: Vec<Option<&str>> = path.split('/').skip(1).map(Some).collect();
            tree.reached(Method::Get, &segments)
        };
        let check = |path: &str, expected: Option<usize>| assert_eq!(reached(path), expected, "{path}");
        check("/a/b", Some(1));
        check("/a/c", Some(0));
        check("/a/b/c", Some(3));
        check("/a/b/d", Some(4));
        check("/d/b/c", Some(2));
        check("/d/b/d", None);
        check("/d", Some(5));
        check("/", None);
        check("/a/", None);
        check("/a//c", None);
        check("/a/b/c/d", None);
        assert_eq!(tree.reached(Method::Get, &[None, Some("b"), Some("c")]), Some(2));
        assert_eq!(tree.reached(Method::Get, &[Some("a"), None]), Some(0));
        assert_eq!(tree.reached(Method::Post, &[Some("a"), Some("b")]), None);
        assert_eq!(tree.reached(Method::Get, &[]), None);
    }

    #[test]
    fn of_two_routes_for_the_same_requests_the_first_stays() {
        let mut tree = tree(&["/a/{x}", "/a/b"]);
        let again = PathTemplate::parse("/a/{y}").expect("a template");
        assert_eq!(tree.insert(Method::Get, &again, 2), Some(0));
        assert_eq!(tree.insert(Method::Post, &again, 3), None);
        assert_eq!(tree.reached(Method::Get, &[Some("a"), None]), Some(0));
        assert_eq!(tree.reached(Method::Post, &[Some("a"), None]), Some(3));
    }
}
