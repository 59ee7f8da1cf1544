//! Whether some claims and some input meet several conditions together.
//!
//! Claims and values of the input that have to be equal are one value. Of each value is known as what it is compared, what it
//! equals, and between which bounds it lies, in seconds since 1970 and from the time of the decision; what has to be at most
//! another value passes its bounds on.

use std::collections::BTreeSet;
use std::sync::LazyLock;
use std::time::Duration;

use crate::access::condition::Condition;
use crate::access::kinds::Kinds;
use crate::access::known_claim::{Evidence, KnownClaim, Seen};
use crate::access::range::Range;
use crate::access::test::{Bound, Operand, Plain, Test};
use crate::claims::ClaimPath;
use crate::token::{MAX_LIFETIME_SECONDS, MAX_SCOPE_BYTES};
use crate::unix_time::UnixTime;

/// No decision is made before this: the first second of 2025.
pub(super) const EARLIEST_DECISION: i128 = 1_735_689_600;

/// What `typ` says in every access token.
static BEARER: LazyLock<Plain> = LazyLock::new(|| Plain::Text("Bearer".to_owned()));

/// A claim, or a value of the input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Term<'a> {
    Claim(&'a ClaimPath),
    Input(&'a ClaimPath),
}

/// What is known of a value that has to be there.
struct Value<'a> {
    terms: Vec<Term<'a>>,
    kinds: Kinds,
    literals: Vec<&'a Plain>,
    /// The known claims that it is, or is an item of.
    known: Vec<KnownClaim>,
    /// By itself, and from the time of the decision.
    bounds: [Range; 2],
}

/// Everything that the conditions ask.
#[derive(Default)]
struct Asked<'a> {
    values: Vec<Value<'a>>,
    /// Which value, and so much, is at most which.
    at_most: Vec<(Term<'a>, i128, Term<'a>)>,
    /// The words that the scope has to have.
    words: BTreeSet<&'a str>,
    /// Whether something would have to be more than itself.
    is_more_than_itself: bool,
}

/// Whether nothing can meet all of the conditions.
pub(super) fn contradict<'a>(conditions: impl IntoIterator<Item = &'a Condition>, seen: &Seen<'_>) -> bool {
    let mut asked = Asked::default();
    for condition in conditions {
        asked.add(condition, seen);
    }
    asked.relate_times(seen);
    asked.pass_bounds_on();
    asked.is_more_than_itself
        || asked.has_one_inside_another()
        || asked.words.iter().map(|word| word.len() + 1).sum::<usize>() > MAX_SCOPE_BYTES + 1
        || asked.is_a_proof()
        || asked.values.iter().any(Value::is_impossible)
        || asked.is_never()
}

/// The fewest of the earlier conditions that the last one contradicts; none if it contradicts none of them.
pub(super) fn contradicted<'a>(
    earlier: &[&'a Condition],
    last: &'a Condition,
    seen: &Seen<'_>,
) -> Option<Vec<&'a Condition>> {
    let with_last = |some: &[&'a Condition]| contradict(some.iter().copied().chain([last]), seen);
    if !with_last(earlier) {
        return None;
    }
    let mut core = earlier.to_vec();
    for condition in earlier {
        let without: Vec<&Condition> = core.iter().copied().filter(|kept| kept != condition).collect();
        if with_last(&without) {
            core = without;
        }
    }
    Some(core)
}

impl<'a> Asked<'a> {
    fn add(&mut self, condition: &'a Condition, seen: &Seen<'_>) {
        let claim = Term::Claim(condition.claim());
        let known = KnownClaim::at(condition.claim(), seen);
        let mut value = self.take(claim);
        value.narrow(condition.kinds());
        if let Some(known) = known {
            value.know(known, seen);
        }
        let is_the_same = |path: &&ClaimPath| value.terms.contains(&Term::Input(path));
        if condition.test().input().filter(is_the_same).is_some() {
            return self.values.push(value);
        }
        match condition.test() {
            Test::Equals(Operand::Literal(literal)) => value.equal(literal),
            Test::AtLeast(Bound::Literal(least)) => value.bound(Range::at_least(*least), Range::ANY),
            Test::AtMost(Bound::Literal(most)) => value.bound(Range::at_most(*most), Range::ANY),
            Test::AtLeast(Bound::Ago(ago)) => value.bound(Range::ANY, Range::at_least(-seconds(*ago))),
            Test::AtMost(Bound::Ago(ago)) => value.bound(Range::ANY, Range::at_most(-seconds(*ago))),
            Test::Equals(Operand::Input(path)) => {
                let mut input = self.take(Term::Input(path));
                input.narrow(Kinds::PLAIN);
                value.merge(input);
            }
            Test::AtLeast(Bound::Input(path)) => self.order(Term::Input(path), claim),
            Test::AtMost(Bound::Input(path)) => self.order(claim, Term::Input(path)),
            Test::Contains(Operand::Input(path)) => {
                let mut item = self.take(Term::Input(path));
                item.narrow(known.map_or(Kinds::PLAIN, KnownClaim::items));
                item.known.extend(known);
                self.values.push(item);
            }
            Test::Contains(Operand::Literal(Plain::Text(word))) if condition.looks_at_scope() => {
                self.words.insert(word);
            }
            Test::Contains(Operand::Literal(_)) => {}
        }
        self.values.push(value);
    }

    /// The value that the term is, to be put back.
    fn take(&mut self, term: Term<'a>) -> Value<'a> {
        let place = self.values.iter().position(|value| value.terms.contains(&term));
        place.map_or_else(|| Value::of(term), |place| self.values.swap_remove(place))
    }

    fn order(&mut self, less: Term<'a>, more: Term<'a>) {
        let input = if let Term::Input(_) = less { less } else { more };
        let mut value = self.take(input);
        value.narrow(Kinds::INTEGER);
        self.values.push(value);
        self.at_most.push((less, 0, more));
    }

    /// An access token ends after it was issued, and not too long after.
    fn relate_times(&mut self, seen: &Seen<'_>) {
        let named = |name: &str| {
            let is = |term: &&Term<'a>| matches!(term, Term::Claim(path) if path.segments() == [name]);
            self.values.iter().flat_map(|value| &value.terms).find(is).copied()
        };
        if let (Evidence::AccessToken, Some(issue), Some(expiry)) = (seen.evidence, named("iat"), named("exp")) {
            self.at_most.extend([(issue, 1, expiry), (expiry, -i128::from(MAX_LIFETIME_SECONDS), issue)]);
        }
    }

    /// Each pass takes every bound one value further, so as many passes as there are values are enough, if not far fewer.
    fn pass_bounds_on(&mut self) {
        for _ in 0..=self.values.len() {
            let mut has_changed = false;
            for (less, by, more) in self.at_most.clone() {
                let mut lower = self.take(less);
                if lower.terms.contains(&more) {
                    self.values.push(lower);
                    self.is_more_than_itself |= by > 0;
                    continue;
                }
                let mut upper = self.take(more);
                let before @ ([least, least_from_now], [most, most_from_now]) = (lower.bounds, upper.bounds);
                lower.bound(Range::at_most(most.most - by), Range::at_most(most_from_now.most - by));
                upper.bound(Range::at_least(least.least + by), Range::at_least(least_from_now.least + by));
                has_changed |= before != (lower.bounds, upper.bounds);
                self.values.extend([lower, upper]);
            }
            if !has_changed {
                return;
            }
        }
        // What is passed on for longer comes round: something is more than itself.
        self.is_more_than_itself = true;
    }

    /// Whether a path leads into a value that is compared, and so is no object.
    fn has_one_inside_another(&self) -> bool {
        let terms = || self.values.iter().flat_map(|value| &value.terms);
        terms().any(|term| terms().any(|other| term.is_inside(other)))
    }

    /// Whether a token that meets all of it is taken for a proof of DPoP.
    fn is_a_proof(&self) -> bool {
        let is_text = |name: &str| {
            let named = |term: &Term<'_>| matches!(term, Term::Claim(path) if path.segments() == [name]);
            self.values.iter().any(|value| value.kinds == Kinds::TEXT && value.terms.iter().any(named))
        };
        is_text("htm") && is_text("htu")
    }

    /// Whether there is no time at which the bounds by themselves and those from the decision hold at once.
    fn is_never(&self) -> bool {
        let decision = Range { least: EARLIEST_DECISION, most: i128::from(UnixTime::LAST.seconds()) };
        let times = self.values.iter().map(|value| {
            let [alone, from_now] = value.bounds;
            Range { least: alone.least - from_now.most, most: alone.most - from_now.least }
        });
        times.fold(decision, Range::and).is_empty()
    }
}

impl<'a> Value<'a> {
    fn of(term: Term<'a>) -> Self {
        Self { terms: vec![term], kinds: Kinds::ALL, literals: Vec::new(), known: Vec::new(), bounds: [Range::ANY; 2] }
    }

    fn narrow(&mut self, kinds: Kinds) {
        self.kinds = self.kinds.and(kinds);
    }

    fn know(&mut self, known: KnownClaim, seen: &Seen<'_>) {
        self.narrow(known.kinds());
        self.known.push(known);
        if known == KnownClaim::Bearer {
            self.literals.push(&BEARER);
        }
        let [alone, from_now] = known.bounds(seen);
        self.bound(alone, from_now);
    }

    fn equal(&mut self, literal: &'a Plain) {
        self.literals.push(literal);
        let exactly = literal.integer().map_or(Range::ANY, |value| Range { least: value, most: value });
        self.bound(exactly, Range::ANY);
    }

    fn bound(&mut self, alone: Range, from_now: Range) {
        for (bounds, range) in self.bounds.iter_mut().zip([alone, from_now]) {
            *bounds = bounds.and(range);
        }
    }

    fn merge(&mut self, other: Self) {
        self.terms.extend(other.terms);
        self.narrow(other.kinds);
        self.literals.extend(other.literals);
        self.known.extend(other.known);
        let [alone, from_now] = other.bounds;
        self.bound(alone, from_now);
    }

    fn is_impossible(&self) -> bool {
        let different = self.literals.windows(2).any(|pair| pair.first() != pair.last());
        let unknown = self.literals.iter().any(|literal| self.known.iter().any(|known| !known.can_be(literal)));
        let of_another_kind = self.literals.iter().any(|literal| self.kinds.excludes(literal.kinds()));
        self.kinds == Kinds::NONE
            || different
            || unknown
            || of_another_kind
            || self.bounds.iter().any(|range| range.is_empty())
    }
}

impl Term<'_> {
    fn is_inside(&self, other: &Term<'_>) -> bool {
        let (path, other) = match (self, other) {
            (Self::Claim(path), Term::Claim(other)) | (Self::Input(path), Term::Input(other)) => (path, other),
            (Self::Claim(_), Term::Input(_)) | (Self::Input(_), Term::Claim(_)) => return false,
        };
        path.segments().len() > other.segments().len() && path.segments().starts_with(other.segments())
    }
}

fn seconds(duration: Duration) -> i128 {
    i128::from(duration.as_secs())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Map, Value, json};

    use super::*;
    use crate::access::claim_source::AuthenticationClaims;
    use crate::access::{ActorRule, Requirement};
    use crate::decision::test_identity::identity;
    use crate::decision::unmet_by;

    fn condition(text: &str) -> Condition {
        Condition::parse(text).expect("a condition")
    }

    fn seen(of_the_log_in: &AuthenticationClaims) -> Seen<'_> {
        Seen { actor: ActorRule::None, evidence: Evidence::AccessToken, of_the_log_in }
    }

    fn together(conditions: &[&Condition]) -> bool {
        contradict(conditions.iter().copied(), &seen(&AuthenticationClaims::default()))
    }

    #[track_caller]
    fn check_pair(one: &str, other: &str, expected: bool) {
        let (one, other) = (condition(one), condition(other));
        assert_eq!([together(&[&one, &other]), together(&[&other, &one])], [expected; 2], "{one}, {other}");
    }

    #[test]
    fn two_conditions_that_no_claim_meets_together_contradict_each_other() {
        for (one, other) in [
            ("x = 1", "x = 2"),
            ("x = \"a\"", "x = \"b\""),
            ("x = true", "x = false"),
            ("x = 1", "x = \"1\""),
            ("x = true", "x >= 1"),
            ("x = \"a\"", "x contains \"a\""),
            ("x >= 1", "x contains 1"),
            ("x = input.y", "x contains input.y"),
            ("x >= 3", "x <= 2"),
            ("x = 1", "x >= 2"),
            ("x = 3", "x <= 2"),
            ("x >= now", "x <= now - 1m"),
            ("x >= now - 1m", "x <= now - 1h"),
            ("x >= now", "x = \"a\""),
            ("x = 1", "x.y = 1"),
            ("x.y contains 1", "x.y.z.w >= 2"),
            ("aud = \"a\"", "aud contains \"a\""),
            ("a = input.x", "b = input.x.y"),
            ("x >= now", "x <= 5"),
            ("x <= now - 1h", "x >= 253402300799"),
            ("exp = 1900000000", "iat = 1950000000"),
            ("a >= input.x", "sub = input.x"),
            ("scope contains input.x", "b <= input.x"),
            ("htm = \"POST\"", "htu = \"https://x\""),
        ] {
            check_pair(one, other, true);
        }
    }

    #[test]
    fn two_conditions_that_some_claim_meets_are_left_alone() {
        for (one, other) in [
            ("x = 1", "x = 1"),
            ("x = 1", "y = 2"),
            ("x >= 2", "x <= 2"),
            ("x = 2", "x >= 2"),
            ("x = 2", "x <= 2"),
            ("x >= 1", "x >= 5"),
            ("x contains 1", "x contains \"a\""),
            ("x = input.y", "x = \"a\""),
            ("x >= input.a", "x <= input.b"),
            ("x >= now - 1h", "x <= now - 1m"),
            ("x >= now", "x <= now"),
            ("x.y = 1", "x.z = 1"),
            ("x.y = 1", "xy = 1"),
            ("a = input.x", "b = input.x"),
            ("a = input.x.y", "b = input.x.z"),
            ("scope contains \"a\"", "scope contains \"b\""),
            ("sub = input.x", "scope contains input.x"),
            ("htm = 1", "htu = \"https://x\""),
            ("htm = \"a\"", "x.htu = \"b\""),
        ] {
            check_pair(one, other, false);
        }
    }

    #[track_caller]
    fn check_core(earlier: &[&str], last: &str, expected: Option<&[&str]>) {
        let (earlier, last) = (earlier.iter().map(|text| condition(text)).collect::<Vec<_>>(), condition(last));
        let usual = AuthenticationClaims::default();
        let core = contradicted(&earlier.iter().collect::<Vec<_>>(), &last, &seen(&usual));
        let core = core.map(|core| core.iter().map(ToString::to_string).collect::<Vec<_>>());
        assert_eq!(
            core.as_deref(),
            expected.map(|core| core.iter().map(ToString::to_string).collect::<Vec<_>>()).as_deref()
        );
    }

    #[test]
    fn conditions_that_contradict_each_other_only_together_are_named_and_no_others() {
        check_core(
            &["z = 1", "x = input.a", "x = 1", "y = input.a"],
            "y = 2",
            Some(&["x = input.a", "x = 1", "y = input.a"]),
        );
        check_core(
            &["x >= input.a", "y <= input.a", "y >= 7"],
            "x <= 6",
            Some(&["x >= input.a", "y <= input.a", "y >= 7"]),
        );
        check_core(&["x >= input.a", "x <= 6", "y = input.a"], "y = true", Some(&["x >= input.a", "y = input.a"]));
        check_core(
            &["x = input.a", "y = input.a", "y >= now"],
            "x <= now - 1m",
            Some(&["x = input.a", "y = input.a", "y >= now"]),
        );
        check_core(
            &["scope contains input.a", "y = input.a"],
            "y = \"two words\"",
            Some(&["scope contains input.a", "y = input.a"]),
        );
        check_core(
            &["htm = input.a", "y = input.a", "y = \"GET\""],
            "htu = \"x\"",
            Some(&["htm = input.a", "y = input.a", "y = \"GET\""]),
        );
        check_core(&["x = input.a", "y = input.b", "x = 1"], "y = 2", None);
        check_core(&["x >= input.a", "y <= input.a", "y >= 7"], "x <= 7", None);
        check_core(&["x = input.a", "x >= input.a", "y = input.a"], "y = 3", None);
    }

    fn members() -> impl Strategy<Value = Map<String, Value>> {
        let plain =
            prop::sample::select(vec![json!(true), json!(0), json!(1), json!(2), json!(3), json!("a"), json!("b")]);
        let list = prop::collection::vec(plain.clone(), 0..4).prop_map(Value::Array);
        let value = prop_oneof![plain, list];
        let inner = prop::collection::hash_map("[ab]", value.clone(), 1..3);
        let inner = inner.prop_map(|members| Value::Object(members.into_iter().collect()));
        prop::collection::hash_map("[ab]", prop_oneof![value, inner], 1..3)
            .prop_map(|members| members.into_iter().collect())
    }

    fn any_condition() -> impl Strategy<Value = Condition> {
        let form = "[ab](\\.[ab])? (= (true|[0-3]|\"[ab]\"|input\\.[ab](\\.a)?)|(>=|<=) ([0-3]|input\\.[ab])|contains ([0-3]|\"[ab]\"))";
        form.prop_map(|text| condition(&text))
    }

    /// Every claim and value of the input that the conditions of the next test can look at, plain or a list.
    fn worlds() -> impl Iterator<Item = [Value; 4]> {
        let values =
            || [json!(true), json!(0), json!(1), json!(2), json!(3), json!("a"), json!("b"), json!([0, 1, "a"])];
        let pairs = move || values().into_iter().flat_map(move |one| values().map(|other| (one.clone(), other)));
        pairs().flat_map(move |(a, b)| pairs().map(move |(c, d)| [a.clone(), b.clone(), c, d]))
    }

    fn is_met(conditions: &[Condition], claims: Value, input: &Map<String, Value>) -> bool {
        let requirement = Requirement::all_of(vec![], vec![], conditions.to_vec(), ActorRule::None);
        unmet_by(&identity(&[], claims), &requirement.expect("conditions are asked"), input).is_empty()
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

        /// Whatever contradicts nothing is met by some claims and some input.
        #[test]
        fn what_contradicts_nothing_is_met_by_something(
            conditions in prop::collection::vec("[ab] (= (true|[0-3]|\"[ab]\"|input\\.[ab])|(>=|<=) ([0-3]|input\\.[ab]))", 2..=4),
        ) {
            let conditions: Vec<Condition> = conditions.iter().map(|text| condition(text)).collect();
            let possible = !together(&conditions.iter().collect::<Vec<_>>());
            let met = possible && worlds().any(|[a, b, c, d]| {
                let input = json!({ "a": c, "b": d }).as_object().cloned().unwrap_or_default();
                is_met(&conditions, json!({ "a": a, "b": b }), &input)
            });
            prop_assert_eq!(possible, met, "{:?}", conditions.iter().map(ToString::to_string).collect::<Vec<_>>());
        }
    }

    proptest! {
        /// Whatever some claim and some input meet is no contradiction.
        #[test]
        fn conditions_that_were_met_together_do_not_contradict_each_other(
            conditions in prop::collection::vec(any_condition(), 2..=4),
            claims in members(),
            input in members(),
        ) {
            let met = is_met(&conditions, Value::Object(claims), &input);
            prop_assert!(!met || !together(&conditions.iter().collect::<Vec<_>>()), "{:?}", conditions);
        }
    }
}
