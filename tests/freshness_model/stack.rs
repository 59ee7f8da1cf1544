//! The real core with keys of its own: what mints, what guards, and what renews.

use std::sync::{Arc, OnceLock};

use claim_guard::access::{AccessPolicy, Freshness};
use claim_guard::decision::Decision;
use claim_guard::identifier::{
    Audience, ClientId, Digest, ExecutionArn, Issuer, KeyId, MapRunArn, StateName, TransactionId, TrustDomain,
    WorkflowName,
};
use claim_guard::mint::{Minting, UnsignedTransactionToken};
use claim_guard::revalidation::{
    ExecutionSeen, ExecutionStatus, InputSeen, LiveIdentity, Look, MapRunSeen, MapRunStatus, PresumedQuestion, Question,
};
use claim_guard::transaction::{Attempt, Binding, PresentedAt, TransactionFailure, TransactionKeySet, WorkPath};
use claim_guard::{
    AccessToken, AccessTokenVerifier, ClientList, Leeway, RealmKeySet, TransactionToken, TransactionVerifier, UnixTime,
    VerifiedTransaction,
};
use serde_json::{Map, json};
use test_realm::{AUDIENCE, CLIENT, ISSUER, NOW, TestKey, key_set, with};

use crate::plan::{Plan, Terms};
use crate::states::{PLAIN, STATES, STRONG, State};
use crate::story::Verdict;

pub const EXECUTION: &str = "arn:aws:states:eu-west-1:000000000000:execution:run:one";
const DOMAIN: &str = "run.000000000000.eu-west-1";

/// A policy that asks nothing of a statement's age.
const WITHOUT_FRESHNESS: &str = "workflows.run = { session = \"ignored\", max_duration = \"365d\", start.any_verified_caller = true, states.Any.any_verified_caller = true }";

/// One deployed stack.
pub struct Stack {
    pub policy: AccessPolicy,
    pub workflow: WorkflowName,
    pub transactions: TransactionVerifier,
    pub access_tokens: AccessTokenVerifier,
    key: TestKey,
    /// The token that the run was started with.
    first: OnceLock<String>,
}

/// So many seconds after the start of the run.
pub fn time(seconds: i64) -> UnixTime {
    UnixTime::from_seconds(NOW + seconds).unwrap()
}

pub fn state_name(state: State) -> StateName {
    StateName::parse(STATES[state]).unwrap()
}

impl Stack {
    pub fn new(terms: &Terms) -> Self {
        let key = TestKey::kms();
        let keys = TransactionKeySet::parse(key_set([&key]).as_bytes()).unwrap();
        let clients = ClientList::new([ClientId::parse(CLIENT).unwrap()]).unwrap();
        let (issuer, audience) = (Issuer::parse(ISSUER).unwrap(), Audience::parse(AUDIENCE).unwrap());
        Self {
            policy: AccessPolicy::parse("access.toml", &terms.access_toml()).unwrap(),
            workflow: WorkflowName::parse("run").unwrap(),
            transactions: TransactionVerifier::new(TrustDomain::parse(DOMAIN).unwrap(), keys, Leeway::MAX),
            access_tokens: AccessTokenVerifier::new(issuer, audience, clients, Leeway::MAX),
            key,
            first: OnceLock::new(),
        }
    }

    fn key_id(&self) -> KeyId {
        KeyId::parse(self.key.kid()).unwrap()
    }

    fn seal(&self, unsigned: UnsignedTransactionToken) -> TransactionToken {
        let signature = self.key.sign(unsigned.signing_input());
        unsigned.seal(&signature).unwrap()
    }

    /// Presents an access token of some age to the API: the first statement.
    pub fn started(&self, plan: &Plan) -> TransactionToken {
        let issued_at = -plan.access_token_age;
        // Without a role of the API nobody gets past its door, so whoever starts is in its audience.
        let payload = with(plan.realm.at(issued_at).token(issued_at), "/aud", json!(AUDIENCE));
        let payload = with(payload, "/acr", json!(if plan.is_strong { STRONG } else { PLAIN }));
        let realm_key = TestKey::generate("ES256", "realm-key");
        let keys = Arc::new(RealmKeySet::parse(key_set([&realm_key]).as_bytes()).unwrap());
        let token = AccessToken::parse(&realm_key.token(&payload)).unwrap();
        let claims = self.access_tokens.verify(&token, &keys, time(0)).unwrap();
        let Decision::Allow(grant) = self.policy.decide_start(&claims, &self.workflow, &Map::new()) else {
            panic!("whoever is verified may start")
        };
        let execution = ExecutionArn::parse(EXECUTION).unwrap();
        let binding = Binding { workflow: self.workflow.clone(), execution, redrive_count: 0 };
        let minting = Minting {
            trust_domain: TrustDomain::parse(DOMAIN).unwrap(),
            key_id: self.key_id(),
            transaction: TransactionId::parse("txn-1").unwrap(),
            lifetime: self.policy.workflow(&self.workflow).unwrap().lifetime_at(time(0), time(0)),
            now: time(0),
        };
        let token = self.seal(UnsignedTransactionToken::at_start(&grant, &binding, &Digest::of(b"{}"), &minting));
        self.first.get_or_init(|| token.as_str().to_owned());
        token
    }

    /// The question of a run that Step Functions says lives.
    pub fn alive(&self, presumed: PresumedQuestion, now: UnixTime) -> Question {
        let parent = ExecutionArn::parse(EXECUTION).unwrap();
        let first = self.first.get().unwrap();
        let running = |execution: &ExecutionArn, redrive_count| ExecutionSeen {
            execution: execution.clone(),
            state_machine: execution.state_machine(),
            status: ExecutionStatus::Running,
            redrive_count,
            started_at: time(0),
            input: Some(InputSeen(json!({ "transactionToken": first, "input": {} }).to_string())),
            map_run: MapRunArn::parse("arn:aws:states:eu-west-1:000000000000:mapRun:run/Items:1").ok(),
        };
        let own = running(presumed.execution(), presumed.redrive_count());
        let mut look = Look::Execution(presumed);
        loop {
            let next = match look {
                Look::Execution(presumed) => presumed.seen(Some(&own), &self.transactions, now),
                Look::MapRun(child) => {
                    child.seen(Some(&MapRunSeen { parent: parent.clone(), status: MapRunStatus::Running }))
                }
                Look::Parent(run) => run.seen(Some(&running(&parent, own.redrive_count)), &self.transactions, now),
                Look::Stops(redriven) => redriven.seen(None),
                Look::Alive(question) => return question,
            };
            look = next.unwrap();
        }
    }

    /// The statement of what the realm says now; none if it does not suffice for one.
    pub fn renewed(&self, live: LiveIdentity<'_>, now: UnixTime) -> Option<TransactionToken> {
        let statement = live.statement(&self.policy, now).ok()?;
        let domain = TrustDomain::parse(DOMAIN).unwrap();
        Some(self.seal(UnsignedTransactionToken::renewed(&statement, &domain, &self.key_id())))
    }

    fn freshness(&self, state: State) -> &Freshness {
        self.policy.workflow(&self.workflow).unwrap().guarded(&state_name(state)).unwrap().freshness()
    }

    /// What the guard of a state verifies.
    pub fn verified(
        &self,
        token: &TransactionToken,
        at: &PresentedAt,
        state: State,
        retry_count: u32,
        now: UnixTime,
    ) -> Result<VerifiedTransaction, TransactionFailure> {
        let name = state_name(state);
        let attempt =
            Attempt { state: &name, retry_count, work: &WorkPath::OUTERMOST, freshness: self.freshness(state) };
        self.transactions.verify(token, at, &attempt, now)
    }

    /// What a guard would verify that looks at no clock and no redrive.
    pub fn verified_when_it_was_made(
        &self,
        token: &TransactionToken,
        at: &PresentedAt,
        state: State,
    ) -> Result<VerifiedTransaction, TransactionFailure> {
        let aged = self.transactions.verify_whatever_age(token, at, time(0))?;
        let at = PresentedAt { redrive_count: aged.binding().redrive_count, ..at.clone() };
        let (policy, any) =
            (AccessPolicy::parse("access.toml", WITHOUT_FRESHNESS).unwrap(), StateName::parse("Any").unwrap());
        let freshness = policy.workflow(&self.workflow).unwrap().guarded(&any).unwrap().freshness();
        let attempt = Attempt { state: &state_name(state), retry_count: 0, work: &WorkPath::OUTERMOST, freshness };
        self.transactions.verify(token, &at, &attempt, aged.identity().issued_at())
    }

    /// What the guard of a state says.
    pub fn verdict(&self, verified: Result<VerifiedTransaction, TransactionFailure>, state: State) -> Verdict {
        match verified {
            Ok(transaction) => {
                match self.policy.decide_state(&transaction, &self.workflow, &state_name(state), &Map::new()) {
                    Decision::Allow(_) => Verdict::Acts,
                    Decision::Deny(_) => Verdict::Denied,
                }
            }
            Err(TransactionFailure::Rejected(_)) => Verdict::Rejected,
            Err(
                TransactionFailure::IssuedInFuture { .. }
                | TransactionFailure::Expired { .. }
                | TransactionFailure::Redriven { .. }
                | TransactionFailure::NotForThisAttempt { .. }
                | TransactionFailure::TooOld { .. },
            ) => Verdict::Expired,
        }
    }
}
