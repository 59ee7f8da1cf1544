//! A realm as Keycloak 26.7 plays it, a question about one of its users, and the client that asks.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use claim_guard::access::AccessPolicy;
use claim_guard::identifier::{
    Audience, ClientId, Digest, ExecutionArn, Issuer, KeyId, StateMachineArn, StateName, TrustDomain, WorkflowName,
};
use claim_guard::revalidation::{
    Cause, ExecutionSeen, ExecutionStatus, InputSeen, Look, Question, RenewedStatement, StartQuestion, Withdrawal,
};
use claim_guard::transaction::{PresentedAt, TransactionKeySet};
use claim_guard::{AccessTokenVerifier, ClientList, Leeway, TransactionToken, TransactionVerifier, UnixTime};
use minting::{ServiceError, Signer};
use realm_keys::RealmCa;
use serde_json::{Value, json};
use test_realm::{AUDIENCE, CLIENT, NOW, SUBJECT, TestKey, access_token_payload, key_set, with, without};

use super::faulty_server::{FaultyServer, Heard, Reply, Transport, whole};
use crate::keycloak::{Keycloak, KeycloakFault};
use crate::settings::{AdminUrl, RealmAccess};

/// Long enough for a server that answers at once, also on a busy machine.
pub(super) const PATIENT: Duration = Duration::from_secs(20);
/// Short enough for a test that waits until it ends.
pub(super) const IMPATIENT: Duration = Duration::from_millis(1200);

/// The client that the stage asks as.
pub(super) const SERVICE_CLIENT: &str = "workflow-revalidation";
/// What Keycloak calls the calling application.
pub(super) const CLIENT_UUID: &str = "c4220b60-26da-4d1e-8752-9fa36bfc2418";
/// The session of the access token that the run was started with.
pub(super) const SESSION: &str = "kZ0VtqGmXJt0tBoQb1x2y3z4";
/// When that access token was issued.
pub(super) const ISSUED_AT: i64 = NOW - 3600;

pub(super) const REALM: &str = "/realms/workflows";
pub(super) const TOKEN: &str = "/realms/workflows/protocol/openid-connect/token";
pub(super) const CLIENTS: &str = "/admin/realms/workflows/clients?clientId=payment-app";
pub(super) const USER: &str = "/admin/realms/workflows/users/5a2c1b7e-9d40-4f0e-8a31-3f1f4be0a001";
pub(super) const SESSIONS: &str = "/admin/realms/workflows/users/5a2c1b7e-9d40-4f0e-8a31-3f1f4be0a001/sessions";
pub(super) const CONSENTS: &str = "/admin/realms/workflows/users/5a2c1b7e-9d40-4f0e-8a31-3f1f4be0a001/consents";
pub(super) const DISABLED_USERS: &str = "/admin/realms/workflows/users?username=alice&exact=true&enabled=false";
pub(super) const EVALUATION: &str = "/admin/realms/workflows/clients/c4220b60-26da-4d1e-8752-9fa36bfc2418/evaluate-scopes/\
                                     generate-example-access-token?userId=5a2c1b7e-9d40-4f0e-8a31-3f1f4be0a001&scope=openid";

/// Where the administration is too.
pub(super) const ELSEWHERE: &str = "/elsewhere";

pub(super) fn now() -> UnixTime {
    UnixTime::from_seconds(NOW).unwrap()
}

/// The answers of a real Keycloak 26.7.3, with this realm's names.
pub(super) mod said {
    use super::*;

    pub(in super::super) fn realm(origin: &str) -> Value {
        json!({
            "realm": "workflows",
            "public_key": "MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8A",
            "token-service": format!("{origin}/realms/workflows/protocol/openid-connect"),
            "account-service": format!("{origin}/realms/workflows/account"),
            "tokens-not-before": 0,
        })
    }

    pub(in super::super) fn service_token(number: u32) -> Value {
        json!({
            "access_token": token_text(number), "expires_in": 300, "refresh_expires_in": 0, "token_type": "Bearer",
            "not-before-policy": 0, "scope": "profile email",
        })
    }

    pub(in super::super) fn token_text(number: u32) -> String {
        format!("eyJ.service-account.{number}")
    }

    pub(in super::super) fn client() -> Value {
        json!({
            "id": CLIENT_UUID, "clientId": CLIENT, "name": "Payment app", "surrogateAuthRequired": false, "enabled": true,
            "secret": "7xzA65LPNPOanoXP9hzcjN7j6KUgQ5qf", "redirectUris": ["http://127.0.0.1/callback"], "notBefore": 0,
            "publicClient": false, "consentRequired": false, "protocol": "openid-connect", "attributes": { "use.refresh.tokens": "true" },
            "access": { "view": true, "configure": false, "manage": false },
        })
    }

    pub(in super::super) fn user() -> Value {
        json!({
            "id": SUBJECT, "username": "alice", "firstName": "A", "lastName": "B", "email": "alice@x.example",
            "emailVerified": true, "attributes": { "project_id": ["apollo"] }, "enabled": true,
            "createdTimestamp": 1_795_572_364_880_u64, "totp": false, "disableableCredentialTypes": [],
            "requiredActions": [], "notBefore": 0, "access": { "view": true },
        })
    }

    /// As Keycloak finds it among the disabled ones of that name.
    pub(in super::super) fn disabled_user() -> Value {
        with(user(), "/enabled", json!(false))
    }

    pub(in super::super) fn consent(client: &str) -> Value {
        json!({
            "clientId": client, "grantedClientScopes": ["roles"], "createdDate": 1_795_572_365_000_u64,
            "lastUpdatedDate": 1_795_572_365_000_u64, "additionalGrants": [],
        })
    }

    pub(in super::super) fn session(id: &str) -> Value {
        json!({
            "id": id, "username": "alice", "userId": SUBJECT, "ipAddress": "127.0.0.1", "start": ISSUED_AT * 1000,
            "lastAccess": ISSUED_AT * 1000, "rememberMe": false, "clients": { CLIENT_UUID: CLIENT },
            "transientUser": false,
        })
    }

    /// Like an access token of now, but for a session that there is not.
    pub(in super::super) fn evaluation(origin: &str) -> Value {
        let issuer = json!(format!("{origin}/realms/workflows"));
        let of_now = with(access_token_payload(NOW), "/iss", issuer);
        let of_now = with(of_now, "/jti", json!("onrtna:1c8fa82c-ea27-fa10-0d25-37181ff9d241"));
        with(of_now, "/sid", json!("xUcNgsBeLYpQann5XkwY3tFA"))
    }

    pub(in super::super) fn good(json: &Value) -> Reply {
        Reply::Kept(whole("200 OK\r\nContent-Type: application/json;charset=UTF-8", &json.to_string()))
    }

    pub(in super::super) fn refusal(head: &str, error: &str) -> Reply {
        Reply::Kept(whole(&format!("{head}\r\nContent-Type: application/json"), &json!({ "error": error }).to_string()))
    }
}

/// A server that answers as Keycloak does, with this user in good standing, where `fault` does not answer in its place.
/// It numbers the tokens that it gives to our service account from 1, and takes each of them.
pub(super) async fn keycloak_but_for(
    fault: impl Fn(&str, &Heard) -> Option<Reply> + Send + Sync + 'static,
) -> FaultyServer {
    keycloak_on(Transport::Tls(vec!["127.0.0.1".to_owned()]), fault).await
}

pub(super) async fn keycloak_on(
    transport: Transport,
    fault: impl Fn(&str, &Heard) -> Option<Reply> + Send + Sync + 'static,
) -> FaultyServer {
    let given = Arc::new(AtomicU32::new(0));
    FaultyServer::start_hearing(transport, |origin| {
        let origin = origin.to_owned();
        move |heard: &Heard| fault(&origin, heard).unwrap_or_else(|| play(&origin, heard, &given))
    })
    .await
}

pub(super) async fn good_keycloak() -> FaultyServer {
    keycloak_but_for(|_, _| None).await
}

/// A Keycloak with another answer at one path.
pub(super) async fn keycloak_with(
    path: &'static str,
    reply: impl Fn(&str) -> Reply + Send + Sync + 'static,
) -> FaultyServer {
    keycloak_but_for(move |origin, heard| (heard.path == path).then(|| reply(origin))).await
}

/// A Keycloak that says something else at one path.
pub(super) async fn keycloak_saying(path: &'static str, json: Value) -> FaultyServer {
    keycloak_with(path, move |_| said::good(&json)).await
}

fn play(origin: &str, heard: &Heard, given: &AtomicU32) -> Reply {
    let shown = heard.header("authorization").is_some_and(|shown| shown.starts_with("Bearer eyJ.service-account."));
    let path = heard.path.strip_prefix(ELSEWHERE).unwrap_or(&heard.path);
    match (heard.method.as_str(), path) {
        ("POST", TOKEN) => said::good(&said::service_token(given.fetch_add(1, Ordering::SeqCst) + 1)),
        ("GET", REALM) => said::good(&said::realm(origin)),
        ("GET", path) if path.starts_with("/admin/") && !shown => {
            said::refusal("401 Unauthorized", "HTTP 401 Unauthorized")
        }
        ("GET", CLIENTS) => said::good(&json!([said::client()])),
        ("GET", USER) => said::good(&said::user()),
        ("GET", SESSIONS) => said::good(&json!([said::session("another"), said::session(SESSION)])),
        ("GET", CONSENTS) => said::good(&json!([said::consent("another-app"), said::consent(CLIENT)])),
        ("GET", DISABLED_USERS) => said::good(&json!([said::disabled_user()])),
        ("GET", EVALUATION) => said::good(&said::evaluation(origin)),
        _ => said::refusal("404 Not Found", "HTTP 404 Not Found"),
    }
}

/// A key as KMS has one.
pub(super) struct Key(pub(super) TestKey);

impl Signer for Key {
    async fn sign(&self, message: &[u8]) -> Result<Vec<u8>, ServiceError> {
        Ok(self.0.sign(message))
    }
}

/// Who asks that server.
pub(super) fn asker(server: &FaultyServer, deadline: Duration) -> Keycloak<Key> {
    Keycloak::within(deadline, access(server), KeyId::parse("kms-1").unwrap(), Key(TestKey::kms())).unwrap()
}

pub(super) fn asker_with(access: RealmAccess, key: TestKey) -> Keycloak<Key> {
    Keycloak::within(PATIENT, access, KeyId::parse("kms-1").unwrap(), Key(key)).unwrap()
}

pub(super) fn access(server: &FaultyServer) -> RealmAccess {
    let issuer = Issuer::parse(&format!("{}{REALM}", server.origin())).unwrap();
    let clients = ClientList::new(vec![ClientId::parse(CLIENT).unwrap()]).unwrap();
    RealmAccess {
        verifier: AccessTokenVerifier::new(issuer, Audience::parse(AUDIENCE).unwrap(), clients, Leeway::MAX),
        ca: Some(RealmCa::from_der(server.authority()).unwrap()),
        admin_url: None,
        client: ClientId::parse(SERVICE_CLIENT).unwrap(),
    }
}

/// The same, but the administration is elsewhere.
pub(super) fn administered_at(server: &FaultyServer, admin: &str) -> RealmAccess {
    RealmAccess { admin_url: Some(AdminUrl::parse(admin).unwrap()), ..access(server) }
}

pub(super) const WITHOUT_SESSION: &str = "ignored";
pub(super) const WITH_SESSION: &str = "required";

pub(super) fn policy(session: &str) -> AccessPolicy {
    let text = format!(
        "[workflows.payment]\nsession = \"{session}\"\nmax_duration = \"30d\"\n\
         [workflows.payment.start]\nroles = [\"workflow-api:payment:start\"]\n\
         [workflows.payment.states.ApprovePayment]\n\
         roles = [\"workflow-api:payment:approve\"]\nclaims = [\"compliance.kyc = true\"]\n"
    );
    AccessPolicy::parse("access.toml", &text).unwrap()
}

const EXECUTION: &str = "arn:aws:states:eu-west-1:000000000000:execution:payment:one";
const MACHINE: &str = "arn:aws:states:eu-west-1:000000000000:stateMachine:payment";
const DOMAIN: &str = "payments.000000000000.eu-west-1";

/// The statement that a run goes about with since it was started.
pub(super) fn statement(origin: &str) -> Value {
    json!({
        "iat": ISSUED_AT + 1, "exp": ISSUED_AT + 301, "aud": DOMAIN, "txn": "00112233445566778899aabbccddeeff",
        "sub": SUBJECT, "scope": "payment", "req_wl": CLIENT,
        "rctx": {
            "iss": format!("{origin}{REALM}"), "iat": ISSUED_AT, "jti": "onrtro:3c0f6a52", "sid": SESSION, "scope": "openid",
        },
        "tctx": {
            "execution": EXECUTION, "state_machine": MACHINE, "epoch": 0, "redrive": 0, "started": ISSUED_AT + 1,
            "input": Digest::of(b"{}").as_str(),
            "roles": ["workflow-api:payment:start"], "claims": { "compliance": { "kyc": true } },
        },
    })
}

/// A statement as it is presented in its own execution.
struct Presented {
    token: TransactionToken,
    at: PresentedAt,
    verifier: TransactionVerifier,
}

fn presented(statement: &Value) -> Presented {
    let key = TestKey::generate("ES256", "txn-1");
    let header = json!({ "alg": "ES256", "typ": "txntoken+jwt", "kid": "txn-1" });
    let token = TransactionToken::parse(&key.token_of(&header.to_string(), &statement.to_string())).unwrap();
    let keys = TransactionKeySet::parse(key_set([&key]).as_bytes()).unwrap();
    let verifier = TransactionVerifier::new(TrustDomain::parse(DOMAIN).unwrap(), keys, Leeway::MAX);
    let at = PresentedAt {
        workflow: WorkflowName::parse("payment").unwrap(),
        execution: ExecutionArn::parse(EXECUTION).unwrap(),
        state_machine: StateMachineArn::parse(MACHINE).unwrap(),
        redrive_count: 0,
    };
    Presented { token, at, verifier }
}

/// What the usual statement leads to before its execution starts.
pub(super) fn start_question(server: &FaultyServer, session: &str) -> StartQuestion {
    let Presented { token, at, verifier } = presented(&statement(&server.origin()));
    let first = verifier.verify_whatever_age(&token, &at, now()).unwrap();
    let now = first.identity().issued_at();
    policy(session).question_of_start(first.into(), now).unwrap()
}

/// What such a statement leads to once it is old.
pub(super) fn question_of(statement: &Value, session: &str) -> Question {
    let Presented { token, at, verifier } = presented(statement);
    let aged = verifier.verify_whatever_age(&token, &at, now()).unwrap();
    let state = StateName::parse("ApprovePayment").unwrap();
    let presumed = policy(session).question_of_state(aged.into(), &state, Cause::Expired, 0, now()).unwrap();
    let running = ExecutionSeen {
        execution: at.execution,
        state_machine: at.state_machine,
        status: ExecutionStatus::Running,
        redrive_count: 0,
        started_at: presumed.statement().run().started_at,
        input: Some(InputSeen(json!({ "transactionToken": token.as_str(), "input": {} }).to_string())),
        map_run: None,
    };
    let Look::Alive(question) = presumed.seen(Some(&running), &verifier, now()).unwrap() else {
        panic!("nothing is left to ask")
    };
    question
}

pub(super) fn question(server: &FaultyServer, session: &str) -> Question {
    question_of(&statement(&server.origin()), session)
}

/// A question of a run whose access token had no session.
pub(super) fn question_without_sid(server: &FaultyServer, session: &str) -> Question {
    question_of(&without(statement(&server.origin()), "/rctx/sid"), session)
}

/// What comes of a question: a statement for now, or everything that stands against it.
pub(super) type Outcome = Result<Result<RenewedStatement, Vec<Withdrawal>>, KeycloakFault>;

pub(super) async fn outcome(keycloak: &Keycloak<Key>, question: Question, session: &str) -> Outcome {
    let answered = keycloak.answers(&question, now()).await?;
    let renewed = answered.and_then(|live| live.statement(&policy(session), now()));
    Ok(renewed.map_err(|withdrawals| withdrawals.all().to_vec()))
}

/// What comes of the usual question to that server. It is asked for the session too, so for all that can be asked.
pub(super) async fn ask(server: &FaultyServer) -> Outcome {
    ask_within(server, PATIENT).await
}

pub(super) async fn ask_within(server: &FaultyServer, deadline: Duration) -> Outcome {
    outcome(&asker(server, deadline), question(server, WITH_SESSION), WITH_SESSION).await
}

/// The server leads to that fault, and nothing secret is in it.
pub(super) async fn check_fault(server: &FaultyServer, expected: KeycloakFault) {
    check_fault_within(server, PATIENT, expected).await;
}

pub(super) async fn check_fault_within(server: &FaultyServer, deadline: Duration, expected: KeycloakFault) {
    let outcome = ask_within(server, deadline).await;
    // K18
    let told = outcome.as_ref().map_or_else(|fault| format!("{fault:?} {fault}"), |_| String::new());
    for secret in ["eyJ.service-account", "client_assertion=", "7xzA65LPNPOanoXP9hzcjN7j6KUgQ5qf", "alice"] {
        assert!(!told.contains(secret), "{told}");
    }
    assert_eq!(outcome.map(|_| ()), Err(expected));
}

/// The server leads to exactly these withdrawals.
pub(super) async fn check_withdrawn(server: &FaultyServer, expected: &[Withdrawal]) {
    match ask(server).await {
        Ok(Err(withdrawals)) => assert_eq!(withdrawals, expected),
        other => panic!("expected {expected:?}, presented {other:?}"),
    }
}

/// The requests to the administration so far, in alphabetical order.
pub(super) fn administered(server: &FaultyServer) -> Vec<String> {
    let mut paths: Vec<_> = server.paths().into_iter().filter(|path| path.starts_with("/admin/")).collect();
    paths.sort();
    paths
}

/// How often a path was asked for so far.
pub(super) fn count(server: &FaultyServer, path: &str) -> usize {
    server.paths().iter().filter(|asked| *asked == path).count()
}
