//! What API Gateway can be told of a route table in one IAM policy.
//!
//! The policy that an authorizer returns is cached and used for other routes too, so it has to be right on all of them.
//! It speaks in patterns in which every path parameter is `*`, and IAM's `*` crosses slashes: the pattern of
//! `/orders/{order}` covers a request to `/orders/7/items`. So a denied route that an allowed pattern reaches is denied
//! by its own pattern; an explicit Deny wins in IAM. A table where such a Deny could hit a request to an allowed route
//! cannot be told to API Gateway; the parser refuses it (see `inexpressible`).
//!
//! On paths, whose segments are never empty, the `*` of a pattern is one or more whole segments.

use crate::access::route::{Method, PathSegment, Route, reached};

/// The patterns of one IAM policy; they say the same as the route table they were made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoutePatterns {
    /// One pattern for each allowed route, in the policy's order.
    pub allow: Vec<RoutePattern>,
    /// One pattern for each denied route that a pattern of `allow` reaches, in the policy's order.
    pub deny: Vec<RoutePattern>,
}

/// A method and a path in which `*` stands for any text, slashes included.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoutePattern {
    /// The method.
    pub method: Method,
    /// The path's pattern, beginning with a slash.
    pub path: String,
}

impl RoutePattern {
    fn of(route: &Route) -> Self {
        Self { method: route.method(), path: route.path().iam_pattern() }
    }
}

/// The patterns for a caller who may call the routes that `allowed` names.
///
/// For the routes of an [`AccessPolicy`](crate::access::AccessPolicy) and the decisions on one identity, the patterns
/// decide every request as that identity's decision on its route does.
pub fn iam_patterns(routes: &[Route], allowed: &dyn Fn(&Route) -> bool) -> RoutePatterns {
    let (allow, denied): (Vec<&Route>, Vec<&Route>) = routes.iter().partition(|route| allowed(route));
    let reached = |denied: &&&Route| allow.iter().any(|route| pattern_reaches(routes, route, denied));
    RoutePatterns {
        deny: denied.iter().filter(reached).map(|route| RoutePattern::of(route)).collect(),
        allow: allow.iter().map(|route| RoutePattern::of(route)).collect(),
    }
}

/// A route that cannot be denied to every caller who may not call it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Inexpressible<'a> {
    /// The route whose Deny is needed.
    pub(super) denied: &'a Route,
    /// A route whose Allow makes it needed.
    pub(super) allowed: &'a Route,
    /// A route that this Deny would hit.
    pub(super) hit: &'a Route,
}

/// The routes that some caller would have to be denied by a pattern that hits a route he may call.
///
/// Whoever meets a requirement that implies the denied route's own is never denied it, so such routes are no obstacle.
pub(super) fn inexpressible(routes: &[Route]) -> Vec<Inexpressible<'_>> {
    let obstacles = |denied: &'_ Route| {
        let apart = || routes.iter().filter(|route| !route.requirement().implies(denied.requirement()));
        let allowed = apart().find(|route| pattern_reaches(routes, route, denied))?;
        let hit = apart().find(|route| pattern_reaches(routes, denied, route))?;
        Some((allowed, hit))
    };
    let found = |denied| obstacles(denied).map(|(allowed, hit)| Inexpressible { denied, allowed, hit });
    routes.iter().filter_map(found).collect()
}

/// Whether the pattern of one route covers a request that reaches the other.
fn pattern_reaches(routes: &[Route], pattern: &Route, other: &Route) -> bool {
    let mut shapes = Vec::new();
    collect_shapes(pattern.path().segments(), other.path().segments(), &mut Vec::new(), &mut shapes);
    let reaches = |shape: &Vec<Option<&str>>| {
        reached(routes, other.method(), shape).is_some_and(|route| std::ptr::eq(route, other))
    };
    pattern.method() == other.method() && shapes.iter().any(reaches)
}

/// The most general requests that match both a pattern and a template: `None` is a segment that may be anything.
///
/// A segment that may be anything is then read as one that equals no literal. That is the best case for the template:
/// any literal in its place could only let more specific routes match too.
fn collect_shapes<'a>(
    pattern: &'a [PathSegment],
    template: &'a [PathSegment],
    shape: &mut Vec<Option<&'a str>>,
    shapes: &mut Vec<Vec<Option<&'a str>>>,
) {
    let (Some((first, pattern)), Some((segment, rest))) = (pattern.split_first(), template.split_first()) else {
        if pattern.is_empty() && template.is_empty() {
            shapes.push(shape.clone());
        }
        return;
    };
    let before = shape.len();
    match first {
        PathSegment::Literal(literal) => {
            let segment = literal_of(segment);
            if segment.is_none() || segment == Some(literal) {
                shape.push(Some(literal));
                collect_shapes(pattern, rest, shape, shapes);
            }
        }
        PathSegment::Parameter(_) => {
            for taken in 1..=template.len() {
                let (covered, rest) = template.split_at(taken);
                shape.extend(covered.last().map(literal_of));
                collect_shapes(pattern, rest, shape, shapes);
            }
        }
    }
    shape.truncate(before);
}

fn literal_of(segment: &PathSegment) -> Option<&str> {
    match segment {
        PathSegment::Literal(text) => Some(text),
        PathSegment::Parameter(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;
    use crate::access::requirement::Requirement;
    use crate::access::route::PathTemplate;
    use crate::claims::Role;

    /// IAM's matching, on characters: `*` is any text, also an empty one.
    fn covers(pattern: &[u8], text: &[u8]) -> bool {
        match (pattern.split_first(), text.split_first()) {
            (None, rest) => rest.is_none(),
            (Some((b'*', rest)), None) => covers(rest, text),
            (Some((b'*', rest)), Some((_, later))) => covers(rest, text) || covers(pattern, later),
            (Some(_), None) => false,
            (Some((one, rest)), Some((other, later))) => one == other && covers(rest, later),
        }
    }

    /// An explicit Deny goes before any Allow; what nothing allows is denied.
    fn permits(patterns: &RoutePatterns, method: Method, path: &str) -> bool {
        let hit = |pattern: &RoutePattern| pattern.method == method && covers(pattern.path.as_bytes(), path.as_bytes());
        patterns.allow.iter().any(hit) && !patterns.deny.iter().any(hit)
    }

    fn route(method: Method, path: &str, roles: &BTreeSet<u8>) -> Route {
        let roles = roles.iter().map(|role| Role::realm(&role.to_string()).expect("a role")).collect();
        let requirement = Requirement::all_of(Vec::new(), roles, Vec::new()).expect("a role is asked");
        Route { method, path: PathTemplate::parse(path).expect("a path"), requirement }
    }

    /// Every path of one to four segments in which a literal of the tables or something else stands.
    fn paths() -> Vec<String> {
        let longer = |paths: &Vec<String>| -> Vec<String> {
            paths.iter().flat_map(|path| ["a", "b", "c"].map(|segment| format!("{path}/{segment}"))).collect()
        };
        let lengths = std::iter::successors(Some(vec![String::new()]), |paths| Some(longer(paths)));
        lengths.skip(1).take(4).flatten().collect()
    }

    /// A request on which the patterns and the table part, for a caller who has these roles.
    fn disagreement(routes: &[Route], paths: &[String], held: &BTreeSet<u8>) -> Option<(Method, String)> {
        let held: Vec<Role> = held.iter().map(|role| Role::realm(&role.to_string()).expect("a role")).collect();
        let allowed = |route: &Route| route.requirement.any_role().iter().any(|role| held.contains(role));
        let patterns = iam_patterns(routes, &allowed);
        let requests =
            [Method::Get, Method::Post].into_iter().flat_map(|method| paths.iter().map(move |p| (method, p)));
        let parts = |(method, path): &(Method, &String)| {
            let segments: Vec<Option<&str>> = path.split('/').skip(1).map(Some).collect();
            // API Gateway asks nobody about a request without a route.
            let table = reached(routes, *method, &segments).map(allowed);
            table.is_some_and(|table| table != permits(&patterns, *method, path))
        };
        requests.into_iter().find(parts).map(|(method, path)| (method, path.clone()))
    }

    fn subsets(of: u8) -> impl Iterator<Item = BTreeSet<u8>> {
        (0_u32..1 << of).map(move |mask| (0..of).filter(|bit| mask & (1 << bit) != 0).collect())
    }

    /// Up to five routes of one to four segments, no two for the same requests.
    fn tables() -> impl Strategy<Value = Vec<(Method, String)>> {
        let segment = prop::sample::select(vec!["a", "b", "{}", "{}"]);
        let path = prop::collection::vec(segment, 1..=4).prop_map(|segments| {
            let named =
                segments.iter().enumerate().map(|(index, segment)| segment.replace("{}", &format!("{{p{index}}}")));
            named.map(|segment| format!("/{segment}")).collect::<String>()
        });
        let method = prop::sample::select(vec![Method::Get, Method::Get, Method::Get, Method::Post]);
        let distinct =
            |routes: Vec<(Method, String)>| routes.into_iter().collect::<BTreeSet<_>>().into_iter().collect::<Vec<_>>();
        prop::collection::vec((method, path), 1..=5).prop_map(distinct).prop_shuffle()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(512))]

        /// Each route has a role of its own, so every choice of routes is some caller's: the patterns are right for all
        /// of them exactly if the table is accepted.
        #[test]
        fn a_table_is_accepted_exactly_if_the_patterns_are_right_for_every_caller(table in tables()) {
            let routes: Vec<Route> = (0_u8..).zip(&table)
                .map(|(role, (method, path))| route(*method, path, &BTreeSet::from([role]))).collect();
            let paths = paths();
            let wrong = subsets(u8::try_from(routes.len()).expect("few")).find_map(|held| disagreement(&routes, &paths, &held));
            prop_assert_eq!(inexpressible(&routes).is_empty(), wrong.is_none(), "{:?} {:?}", table, wrong);
        }

        #[test]
        fn where_requirements_overlap_the_patterns_of_an_accepted_table_are_right_for_every_caller(
            table in tables(),
            roles in prop::collection::vec(prop::collection::btree_set(0_u8..3, 1..=3), 5),
        ) {
            let routes: Vec<Route> = table.iter().zip(&roles).map(|((method, path), roles)| route(*method, path, roles)).collect();
            if inexpressible(&routes).is_empty() {
                let paths = paths();
                let wrong = subsets(3).find_map(|held| disagreement(&routes, &paths, &held));
                prop_assert_eq!(wrong, None, "{:?}", routes);
            }
        }
    }

    #[test]
    fn a_denied_route_is_denied_by_name_only_where_an_allowed_pattern_reaches_it() {
        let own = |role: u8| BTreeSet::from([role]);
        let routes = [
            route(Method::Get, "/w/{w}", &own(0)),
            route(Method::Get, "/w/{w}/e", &own(1)),
            route(Method::Post, "/w/{w}/e", &own(2)),
            route(Method::Get, "/w/new", &own(3)),
        ];
        let patterns = |allowed: &[u8]| {
            let held: Vec<Role> = allowed.iter().map(|role| Role::realm(&role.to_string()).expect("a role")).collect();
            let patterns =
                iam_patterns(&routes, &|route| route.requirement.any_role().iter().any(|role| held.contains(role)));
            let texts = |patterns: Vec<RoutePattern>| -> Vec<String> {
                patterns.iter().map(|pattern| format!("{} {}", pattern.method, pattern.path)).collect()
            };
            (texts(patterns.allow), texts(patterns.deny))
        };
        let expected = |allow: &[&str], deny: &[&str]| {
            let owned = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
            (owned(allow), owned(deny))
        };
        assert_eq!(patterns(&[]), expected(&[], &[]));
        assert_eq!(patterns(&[0]), expected(&["GET /w/*"], &["GET /w/*/e", "GET /w/new"]));
        assert_eq!(patterns(&[0, 3]), expected(&["GET /w/*", "GET /w/new"], &["GET /w/*/e"]));
        assert_eq!(patterns(&[1]), expected(&["GET /w/*/e"], &[]));
        assert_eq!(patterns(&[2]), expected(&["POST /w/*/e"], &[]));
        assert_eq!(patterns(&[3]), expected(&["GET /w/new"], &[]));
    }
}
