//! What the least supported Keycloak and the newest one answer about users and sessions, and what follows from it.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test may panic")]

mod asker;
mod narrowing;
#[path = "../support/signed_in.rs"]
mod signed_in;

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use xtask::browser::Browser;
use xtask::keycloak::{CLIENT, Tokens};
use xtask::realm_server::{RealmFile, RealmServer, Version};

use asker::Asker;

const PASSWORD: &str = "correct horse battery";
/// How soon a session is over that may be idle for three seconds.
const IDLE_WITHIN: Duration = Duration::from_secs(60);
/// As often a question is asked that a busy server does not answer in time.
const TRIES: usize = 5;

/// A server takes half of a small machine, and a free port while it starts.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

struct Scene {
    server: RealmServer,
    asker: Asker,
    _alone: MutexGuard<'static, ()>,
}

impl Scene {
    fn of(version: Version, realm: RealmFile) -> Self {
        let alone = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
        let server = RealmServer::start(version, realm).unwrap();
        let asker = Asker::of(&server);
        Self { server, asker, _alone: alone }
    }

    /// A user with a role and a session: his id and his tokens.
    fn user(&self, name: &str) -> (String, Tokens) {
        let id = self.made(name);
        (id, self.server.keycloak().log_in(name, PASSWORD).unwrap())
    }

    fn made(&self, name: &str) -> String {
        self.server
            .admin()
            .unwrap()
            .create_user(name, PASSWORD, &json!({ "project_id": ["a"] }), &["payment:start"])
            .unwrap()
    }

    fn set(&self, setting: &str, value: &Value) {
        self.server.admin().unwrap().set_realm(setting, value).unwrap();
    }

    fn try_wrong_passwords(&self, name: &str) {
        for _ in 0..6 {
            assert!(self.server.keycloak().access_token(name, "wrong").is_err(), "{name}");
        }
    }

    #[track_caller]
    fn check(&self, tokens: &Tokens, expected: &str) {
        let mut answers = (0..TRIES).map(|_| self.asker.ask(&tokens.access));
        let answer = answers.find(|answer| !answer.starts_with("undecided keycloak_"));
        assert_eq!(answer.as_deref(), Some(expected));
    }

    /// Ten ask five times each about a user in good standing, and no answer is a denial.
    #[track_caller]
    fn check_at_once(&self, tokens: &Tokens) {
        let ask = || (0..5).map(|_| self.asker.ask(&tokens.access)).collect::<Vec<_>>();
        let mut answers: Vec<String> = thread::scope(|scope| {
            let askers: Vec<_> = (0..10).map(|_| scope.spawn(ask)).collect();
            askers.into_iter().flat_map(|asker| asker.join().unwrap()).collect()
        });
        answers.retain(|answer| answer != "renewed" && !answer.starts_with("undecided "));
        assert_eq!(answers, [""; 0]);
    }

    /// Whoever may not go on is told so, with the cause; `locked_out` is what comes of one who is locked out for a while.
    fn play(&self, locked_out: &str) {
        let (id, tokens) = self.user("anna");
        self.check(&tokens, "renewed");
        self.check_at_once(&tokens);
        self.server.admin().unwrap().set_enabled(&id, false).unwrap();
        self.check(&tokens, "user_disabled");
        self.server.admin().unwrap().delete_user(&id).unwrap();
        self.check(&tokens, "user_deleted session_ended");

        let (_, tokens) = self.user("bert");
        self.try_wrong_passwords("bert");
        self.check(&tokens, locked_out);
        self.set("permanentLockout", &json!(true));
        // Tries that follow each other too quickly lock out for a while, whatever the realm does otherwise.
        self.set("quickLoginCheckMilliSeconds", &json!(0));
        let (_, tokens) = self.user("cora");
        self.check_at_once(&tokens);
        self.try_wrong_passwords("cora");
        self.check(&tokens, "user_disabled");
        self.set("permanentLockout", &json!(false));
        self.play_sessions();
    }

    fn play_sessions(&self) {
        self.server.admin().unwrap().create_sibling("statement-app").unwrap();
        self.made("dora");
        let mut browser = Browser::new(self.server.keycloak()).unwrap();
        let tokens = browser.log_in_to(CLIENT, "dora", PASSWORD).unwrap();
        browser.log_in_to("statement-app", "dora", PASSWORD).unwrap();
        self.check(&tokens, "renewed");
        self.server.keycloak().revoke(&tokens).unwrap();
        self.check(&tokens, "client_session_ended");

        self.set("ssoSessionIdleTimeout", &json!(3));
        let (_, tokens) = self.user("emil");
        let begun = Instant::now();
        let is_open = |answer: &str| answer == "renewed" || answer.starts_with("undecided keycloak_");
        while is_open(&self.asker.ask(&tokens.access)) && begun.elapsed() < IDLE_WITHIN {
            thread::yield_now();
        }
        self.check(&tokens, "session_ended");
    }
}

#[test]
fn the_least_supported_keycloak_s_answers_are_understood() {
    Scene::of(Version::Least, RealmFile::Wide).play("undecided user_locked_out");
}

#[test]
fn the_newest_keycloak_s_answers_are_understood() {
    Scene::of(Version::Newest, RealmFile::Narrow).play("renewed");
}
