//! All routes of a policy, and what of them is the same for every caller, worked out once.

use crate::access::requirement::Requirement;
use crate::access::route::{Method, Route};
use crate::access::route_patterns::{Effect, RoutePattern, RoutePatterns, pattern_reaches};
use crate::access::route_tree::RouteTree;

/// The routes, in the policy's order. A list that has an entry for each route has it at the route's place.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct RouteTable {
    routes: Vec<Route>,
    tree: RouteTree,
    patterns: Vec<RoutePattern>,
    /// Where the first route is that asks the same.
    asks_as: Vec<usize>,
    /// Where the other routes are whose patterns reach it, ascending.
    reached_by: Vec<Vec<usize>>,
    /// Routes for requests that an earlier one is for, with its place.
    repeated: Vec<(usize, usize)>,
}

/// A route that cannot be denied to every caller who may not call it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Inexpressible<'a> {
    /// The place of the route whose Deny is needed.
    pub(super) place: usize,
    /// The route whose Deny is needed.
    pub(super) denied: &'a Route,
    /// A route whose Allow makes it needed.
    pub(super) allowed: &'a Route,
    /// A route that this Deny would hit.
    pub(super) hit: &'a Route,
}

impl RouteTable {
    pub(super) fn new(routes: Vec<Route>) -> Self {
        let mut tree = RouteTree::default();
        let mut repeated = Vec::new();
        for (place, route) in routes.iter().enumerate() {
            repeated.extend(tree.insert(route.method(), route.path(), place).map(|first| (place, first)));
        }
        Self {
            patterns: routes.iter().map(RoutePattern::of).collect(),
            asks_as: asks_as(&routes),
            reached_by: reached_by(&routes, &tree),
            routes,
            tree,
            repeated,
        }
    }

    pub(super) fn routes(&self) -> &[Route] {
        &self.routes
    }

    /// The route that a request reaches. A path with an empty segment, and so one with a trailing slash, has none.
    pub(super) fn route_for(&self, method: Method, path: &str) -> Option<&Route> {
        let segments: Vec<Option<&str>> = path.strip_prefix('/')?.split('/').map(Some).collect();
        self.routes.get(self.tree.reached(method, &segments)?)
    }

    /// The places of routes for requests that an earlier one is for, each with that one's.
    pub(super) fn repeated(&self) -> impl Iterator<Item = (usize, usize)> {
        self.repeated.iter().copied()
    }

    /// The patterns for a caller on whom `effect` says what each requirement comes to; each is asked about once.
    ///
    /// For the routes of an [`AccessPolicy`](crate::access::AccessPolicy) and the decisions on one identity, the patterns
    /// decide every request as that identity's decision on its route does.
    pub(super) fn patterns(&self, effect: impl Fn(&Requirement) -> Effect) -> RoutePatterns<'_> {
        let mut effects: Vec<Effect> = Vec::with_capacity(self.routes.len());
        for (route, first) in self.routes.iter().zip(&self.asks_as) {
            let known = effects.get(*first).copied();
            effects.push(known.unwrap_or_else(|| effect(route.requirement())));
        }
        let is_reached = |by: &[usize]| by.iter().any(|place| effects.get(*place) == Some(&Effect::Allow));
        let (mut allow, mut deny) = (Vec::new(), Vec::new());
        for ((pattern, effect), by) in self.patterns.iter().zip(&effects).zip(&self.reached_by) {
            match effect {
                Effect::Allow => allow.push(pattern),
                Effect::Deny if is_reached(by) => deny.push(pattern),
                // Nothing allows it, so IAM denies it.
                Effect::Deny => {}
            }
        }
        RoutePatterns { allow, deny }
    }

    /// The routes that some caller would have to be denied by a pattern that hits a route he may call.
    ///
    /// Whoever meets a requirement that implies the denied route's own is never denied it, so such routes are no obstacle.
    pub(super) fn inexpressible(&self) -> Vec<Inexpressible<'_>> {
        let mut reaches = vec![Vec::new(); self.routes.len()];
        for (place, by) in self.reached_by.iter().enumerate() {
            for from in by {
                let to: Option<&mut Vec<usize>> = reaches.get_mut(*from);
                to.into_iter().for_each(|to| to.push(place));
            }
        }
        let around = self.reached_by.iter().zip(&reaches);
        let found = self.routes.iter().zip(around).enumerate().filter_map(|(place, (denied, (by, to)))| {
            let apart = |places: &[usize]| {
                let mut others = places.iter().filter_map(|place| self.routes.get(*place));
                others.find(|other| !other.requirement().implies(denied.requirement()))
            };
            Some(Inexpressible { place, denied, allowed: apart(by)?, hit: apart(to)? })
        });
        found.collect()
    }
}

fn asks_as(routes: &[Route]) -> Vec<usize> {
    let mut distinct: Vec<(usize, &Requirement)> = Vec::new();
    let mut firsts = Vec::with_capacity(routes.len());
    for (place, route) in routes.iter().enumerate() {
        let known = distinct.iter().find(|(_, known)| *known == route.requirement()).map(|(first, _)| *first);
        if known.is_none() {
            distinct.push((place, route.requirement()));
        }
        firsts.push(known.unwrap_or(place));
    }
    firsts
}

fn reached_by(routes: &[Route], tree: &RouteTree) -> Vec<Vec<usize>> {
    let of = |(place, other): (usize, &Route)| {
        let reaches = |segments: &[Option<&str>]| tree.reached(other.method(), segments) == Some(place);
        let others = routes.iter().enumerate().filter(|(from, _)| *from != place);
        others.filter(|(_, pattern)| pattern_reaches(pattern, other, reaches)).map(|(from, _)| from).collect()
    };
    routes.iter().enumerate().map(of).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;
    use crate::access::actor_rule::ActorRule;
    use crate::access::requirement::Requirement;
    use crate::access::route::{Method, PathTemplate};
    use crate::access::route_patterns::RoutePattern;
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
    fn permits(patterns: &RoutePatterns<'_>, method: Method, path: &str) -> bool {
        let text = format!("{method}{path}");
        let hit = |pattern: &&RoutePattern| covers(pattern.to_string().as_bytes(), text.as_bytes());
        patterns.allow.iter().any(hit) && !patterns.deny.iter().any(hit)
    }

    fn route(method: Method, path: &str, roles: &BTreeSet<u8>) -> Route {
        let roles = roles.iter().map(|role| Role::realm(&role.to_string()).expect("a role")).collect();
        let requirement = Requirement::all_of(Vec::new(), roles, Vec::new(), ActorRule::None).expect("a role is asked");
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
    fn disagreement(table: &RouteTable, paths: &[String], held: &BTreeSet<u8>) -> Option<(Method, String)> {
        let held: Vec<Role> = held.iter().map(|role| Role::realm(&role.to_string()).expect("a role")).collect();
        let is_met = |requirement: &Requirement| requirement.any_role().iter().any(|role| held.contains(role));
        let effect = |asked: &Requirement| if is_met(asked) { Effect::Allow } else { Effect::Deny };
        let patterns = table.patterns(effect);
        let requests =
            [Method::Get, Method::Post].into_iter().flat_map(|method| paths.iter().map(move |p| (method, p)));
        let parts = |(method, path): &(Method, &String)| {
            // API Gateway asks nobody about a request without a route.
            let decided = table.route_for(*method, path).map(|route| is_met(route.requirement()));
            decided.is_some_and(|decided| decided != permits(&patterns, *method, path))
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
            let (paths, count) = (paths(), u8::try_from(routes.len()).expect("few"));
            let routes = RouteTable::new(routes);
            let wrong = subsets(count).find_map(|held| disagreement(&routes, &paths, &held));
            prop_assert_eq!(routes.inexpressible().is_empty(), wrong.is_none(), "{:?} {:?}", table, wrong);
        }

        #[test]
        fn where_requirements_overlap_the_patterns_of_an_accepted_table_are_right_for_every_caller(
            table in tables(),
            roles in prop::collection::vec(prop::collection::btree_set(0_u8..3, 1..=3), 5),
        ) {
            let routes: Vec<Route> = table.iter().zip(&roles).map(|((method, path), roles)| route(*method, path, roles)).collect();
            let routes = RouteTable::new(routes);
            if routes.inexpressible().is_empty() {
                let paths = paths();
                let wrong = subsets(3).find_map(|held| disagreement(&routes, &paths, &held));
                prop_assert_eq!(wrong, None, "{:?}", routes);
            }
        }
    }

    #[test]
    fn a_denied_route_is_denied_by_name_only_where_an_allowed_pattern_reaches_it() {
        let own = |role: u8| BTreeSet::from([role]);
        let table = RouteTable::new(vec![
            route(Method::Get, "/w/{w}", &own(0)),
            route(Method::Get, "/w/{w}/e", &own(1)),
            route(Method::Post, "/w/{w}/e", &own(2)),
            route(Method::Get, "/w/new", &own(3)),
        ]);
        let patterns = |allowed: &[u8]| {
            let held: Vec<Role> = allowed.iter().map(|role| Role::realm(&role.to_string()).expect("a role")).collect();
            let patterns = table.patterns(|asked| {
                if asked.any_role().iter().any(|role| held.contains(role)) { Effect::Allow } else { Effect::Deny }
            });
            let texts = |patterns: Vec<&RoutePattern>| -> Vec<String> {
                patterns.iter().map(|pattern| format!("{} {}", pattern.method(), pattern.path())).collect()
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

    #[test]
    fn what_several_routes_ask_is_decided_once() {
        let own = |role: u8| BTreeSet::from([role]);
        let paths = ["/a", "/b", "/c", "/d", "/e"];
        let routes = paths.iter().zip([0, 1, 0, 2, 1]).map(|(path, role)| route(Method::Get, path, &own(role)));
        let table = RouteTable::new(routes.collect());
        let asked = std::cell::Cell::new(0);
        let patterns = table.patterns(|requirement| {
            asked.set(asked.get() + 1);
            let is_met = requirement.any_role().contains(&Role::realm("0").expect("a role"));
            if is_met { Effect::Allow } else { Effect::Deny }
        });
        assert_eq!((asked.get(), patterns.deny.len()), (3, 0));
        assert_eq!(patterns.allow.iter().map(|pattern| pattern.path()).collect::<Vec<_>>(), ["/a", "/c"]);
    }

    #[test]
    fn of_two_routes_for_the_same_requests_the_later_one_is_named_with_the_first() {
        let any = BTreeSet::from([0]);
        let paths = ["/a/{x}", "/a/b", "/a/{y}", "/a/{z}"];
        let table = RouteTable::new(paths.map(|path| route(Method::Get, path, &any)).into());
        assert_eq!(table.repeated().collect::<Vec<_>>(), [(2, 0), (3, 0)]);
    }
}
