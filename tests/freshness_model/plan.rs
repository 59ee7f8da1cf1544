//! What happens in a world: a policy, a workflow, what becomes of the realm, and how long everything takes.

use std::collections::BTreeSet;

use proptest::collection::{btree_set, vec};
use proptest::prelude::{Just, Strategy, any, prop_oneof};
use proptest::sample::select;

use crate::realm::{Change, Outage, Realm};
use crate::states::{STATES, STRONG, State};

/// How many slow hand-overs a plan has at most.
pub const MAX_SLOW: usize = 3;

/// What the policy says of a state's freshness.
#[derive(Debug, Clone, Copy)]
pub struct Contract {
    /// `max_identity_age` in seconds; 0 asks for every attempt.
    pub max_age: Option<u32>,
    pub revalidate_on_denied: bool,
    /// Whether it asks for a strong log-in, of which no administration knows anything.
    pub asks_strong: bool,
}

/// What the policy says.
#[derive(Debug, Clone)]
pub struct Terms {
    pub lifetime: u32,
    pub max_duration: Option<u32>,
    pub session_required: bool,
    pub contracts: [Contract; 3],
}

/// The work behind a guarded state.
#[derive(Debug, Clone, Copy)]
pub struct Task {
    pub state: State,
    /// How long it takes.
    pub seconds: i64,
    /// How often it fails before it succeeds.
    pub failures: u8,
    /// The author's Retry: this often, after that many seconds.
    pub attempts: u8,
    pub interval: i64,
}

/// A part of the workflow.
#[derive(Debug, Clone)]
pub enum Step {
    /// A Wait, or a state that waits for a callback.
    Wait(i64),
    Guarded(Task),
    /// A Map or Parallel of that many branches; distributed ones are executions of their own.
    Branches {
        task: Task,
        branches: u8,
        distributed: bool,
    },
}

/// A world before anything has happened in it.
#[derive(Debug, Clone)]
pub struct Plan {
    pub terms: Terms,
    pub realm: Realm,
    /// How old the access token is at the start.
    pub access_token_age: i64,
    /// Whether the log-in behind it was a strong one.
    pub is_strong: bool,
    pub steps: Vec<Step>,
    /// How long after its end the run is redriven, as long as there is another one.
    pub redrives: Vec<i64>,
    /// How long calls and transitions take, one after the other and from the beginning again.
    pub delays: Vec<i64>,
    /// How much of a back-off is waited, in hundredths.
    pub jitter: Vec<i64>,
    /// Which calls of guards meet a cold start that takes longer than a hand-over may.
    pub slow: BTreeSet<u32>,
}

impl Terms {
    /// The text of `access.toml`.
    pub fn access_toml(&self) -> String {
        let session = if self.session_required { "required" } else { "ignored" };
        let longest = self.max_duration.map_or("365d".to_owned(), |longest| format!("{longest}s"));
        let states = STATES.iter().zip(self.contracts).map(|(name, contract)| {
            let strong = if contract.asks_strong { format!(", 'acr = \"{STRONG}\"'") } else { String::new() };
            let age = contract.max_age.map(|age| format!("max_identity_age = \"{age}s\"\n")).unwrap_or_default();
            format!(
                "[workflows.run.states.{name}]\nroles = [\"workflow-api:{name}\"]\nclaims = [\"flags.{name} = true\"{strong}]\n\
                 {age}revalidate_on_denied = {}\n",
                contract.revalidate_on_denied
            )
        });
        format!(
            "[workflows.run]\ntransaction_token_lifetime = \"{}s\"\nmax_duration = \"{longest}\"\nsession = \"{session}\"\n\
             start.any_verified_caller = true\n{}",
            self.lifetime,
            states.collect::<String>()
        )
    }

    /// How old what a state acts on may be.
    pub fn limit(&self, state: State) -> i64 {
        let age = match self.contracts[state].max_age {
            None => self.lifetime,
            Some(0) => 10,
            Some(age) => age.min(self.lifetime),
        };
        i64::from(age)
    }
}

fn contract() -> impl Strategy<Value = Contract> {
    let age = prop_oneof![2 => Just(Some(0)), 1 => Just(None), 3 => (10_u32..200).prop_map(Some)];
    let mostly = |usual: bool| prop_oneof![3 => Just(usual), 1 => Just(!usual)];
    (age, mostly(true), mostly(false)).prop_map(|(max_age, revalidate_on_denied, asks_strong)| Contract {
        max_age,
        revalidate_on_denied,
        asks_strong,
    })
}

fn terms() -> impl Strategy<Value = Terms> {
    let longest = prop_oneof![2 => Just(None), 1 => (300_u32..2000).prop_map(Some)];
    (30_u32..300, longest, any::<bool>(), [contract(), contract(), contract()]).prop_map(
        |(lifetime, max_duration, session_required, contracts)| Terms {
            lifetime,
            max_duration,
            session_required,
            contracts,
        },
    )
}

fn task() -> impl Strategy<Value = Task> {
    let failures = prop_oneof![3 => Just(0_u8), 1 => 1_u8..5];
    (0..STATES.len(), 0_i64..20, failures, 0_u8..6, 1_i64..80).prop_map(
        |(state, seconds, failures, attempts, interval)| Task { state, seconds, failures, attempts, interval },
    )
}

/// One step, or a loop of steps as the machine takes them one after the other.
fn steps() -> impl Strategy<Value = Vec<Step>> {
    let branches = (task(), 1_u8..5, any::<bool>()).prop_map(|(task, branches, distributed)| Step::Branches {
        task,
        branches,
        distributed,
    });
    prop_oneof![
        3 => (0_i64..400).prop_map(|seconds| vec![Step::Wait(seconds)]),
        4 => task().prop_map(|task| vec![Step::Guarded(task)]),
        2 => branches.prop_map(|step| vec![step]),
        1 => (task(), 2_usize..30, 1_i64..90).prop_map(|(task, times, pause)| {
            std::iter::repeat_n([Step::Guarded(task), Step::Wait(pause)], times).flatten().collect()
        }),
    ]
}

/// What nobody could object to.
fn welcome() -> impl Strategy<Value = Change> {
    let state = 0..STATES.len();
    (state, select(vec![Change::Grant as fn(State) -> Change, Change::Raise])).prop_map(|(state, change)| change(state))
}

fn any_change() -> impl Strategy<Value = Change> {
    let of_state = select(vec![Change::Grant as fn(State) -> Change, Change::Remove, Change::Raise, Change::Lower]);
    let others = select(vec![
        Change::DisableUser,
        Change::EnableUser,
        Change::DeleteUser,
        Change::EndSession,
        Change::DisableClient,
        Change::EnableClient,
        Change::WithdrawRealm,
        Change::WithdrawClient,
        Change::WithdrawUser,
    ]);
    prop_oneof![3 => (0..STATES.len(), of_state).prop_map(|(state, change)| change(state)), 1 => others]
}

fn outages() -> impl Strategy<Value = Vec<(i64, i64, Outage)>> {
    let how = select(vec![
        Outage::OutOfReach,
        Outage::Html,
        Outage::HalfABody,
        Outage::AnotherRealm,
        Outage::AnotherUser,
        Outage::AnotherClient,
    ]);
    vec((0_i64..800, 1_i64..60, how), 0..4)
        .prop_map(|outages| outages.into_iter().map(|(from, seconds, how)| (from, from + seconds, how)).collect())
}

fn realm(
    at_first: impl Strategy<Value = BTreeSet<State>>,
    change: impl Strategy<Value = Change>,
) -> impl Strategy<Value = Realm> {
    (at_first, vec((-299_i64..900, change), 0..8), outages()).prop_map(|(at_first, mut changes, outages)| {
        changes.sort_by_key(|(at, _)| *at);
        Realm { at_first, changes, outages }
    })
}

fn plan(realm: impl Strategy<Value = Realm>) -> impl Strategy<Value = Plan> {
    let steps = vec(steps(), 1..8).prop_map(|steps| steps.concat());
    let time = (vec(0_i64..3, 1..12), vec(0_i64..101, 1..8), btree_set(0_u32..40, 0..=MAX_SLOW));
    (terms(), realm, (0_i64..300, any::<bool>()), steps, vec(0_i64..600, 0..4), time).prop_map(
        |(terms, mut realm, (access_token_age, is_strong), steps, redrives, (delays, jitter, slow))| {
            // Whom the realm does not stand behind gets no access token in the first place.
            realm.changes.retain(|(at, change)| *at > -access_token_age || change.is_about_claims());
            Plan { terms, realm, access_token_age, is_strong, steps, redrives, delays, jitter, slow }
        },
    )
}

/// Everything may happen.
pub fn any_plan() -> impl Strategy<Value = Plan> {
    let all = Just((0..STATES.len()).collect::<BTreeSet<State>>());
    plan(realm(prop_oneof![3 => all, 1 => btree_set(0..STATES.len(), 0..3)], any_change()))
}

/// The realm would allow every step at every moment; it is only not always to be asked.
pub fn welcome_plan() -> impl Strategy<Value = Plan> {
    plan(realm(Just((0..STATES.len()).collect::<BTreeSet<State>>()), welcome()))
}
