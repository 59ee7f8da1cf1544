//! A realm whose whole history is known, so that anybody can look up what it would have said at any moment.

use std::collections::BTreeSet;

use claim_guard::revalidation::{
    ClientAnswer, LiveIdentity, Question, RealmAnswer, RealmAnswers, SaidOfUser, SessionsAnswer, UserAnswer,
    Withdrawals,
};
use claim_guard::{AccessTokenVerifier, UnixTime};
use serde_json::{Value, json};
use test_realm::{AUDIENCE, CLIENT, NOW, SUBJECT, access_token_payload, with, without};

use crate::states::{PLAIN, STATES, State};

/// The session that the access token is issued in.
const SESSION: &str = "kZ0VtqGmXJt0tBoQb1x2y3z4";

/// Something that an administrator or the user does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// The user gets the role that a state asks.
    Grant(State),
    /// The user loses it.
    Remove(State),
    /// The flag that a state asks becomes true.
    Raise(State),
    /// It becomes false.
    Lower(State),
    DisableUser,
    EnableUser,
    DeleteUser,
    EndSession,
    DisableClient,
    EnableClient,
    /// Tokens from before now are withdrawn.
    WithdrawRealm,
    WithdrawClient,
    WithdrawUser,
}

/// In what way the realm cannot be asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outage {
    OutOfReach,
    Html,
    HalfABody,
    AnotherRealm,
    AnotherUser,
    AnotherClient,
}

/// What the realm knows at a moment. Times are seconds since the start of the run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    pub roles: BTreeSet<State>,
    pub flags: BTreeSet<State>,
    pub user_exists: bool,
    pub user_enabled: bool,
    pub client_enabled: bool,
    pub session_alive: bool,
    pub realm_not_before: Option<i64>,
    pub client_not_before: Option<i64>,
    pub user_not_before: Option<i64>,
}

/// Everything that happens to a realm.
#[derive(Debug, Clone)]
pub struct Realm {
    /// Whose roles and flags the user has at first.
    pub at_first: BTreeSet<State>,
    /// Sorted by time.
    pub changes: Vec<(i64, Change)>,
    /// From, until before, how.
    pub outages: Vec<(i64, i64, Outage)>,
}

/// Nothing follows from what the realm says.
#[derive(Debug)]
pub struct Unanswered;

impl Change {
    /// Whether it changes what a token says, and not whether there is one.
    pub fn is_about_claims(self) -> bool {
        matches!(self, Self::Grant(_) | Self::Remove(_) | Self::Raise(_) | Self::Lower(_))
    }
}

impl Facts {
    fn apply(&mut self, at: i64, change: Change) {
        match change {
            Change::Grant(state) => {
                self.roles.insert(state);
            }
            Change::Remove(state) => {
                self.roles.remove(&state);
            }
            Change::Raise(state) => {
                self.flags.insert(state);
            }
            Change::Lower(state) => {
                self.flags.remove(&state);
            }
            Change::DisableUser => self.user_enabled = false,
            Change::EnableUser => self.user_enabled = true,
            Change::DeleteUser => self.user_exists = false,
            Change::EndSession => self.session_alive = false,
            Change::DisableClient => self.client_enabled = false,
            Change::EnableClient => self.client_enabled = true,
            Change::WithdrawRealm => self.realm_not_before = Some(at),
            Change::WithdrawClient => self.client_not_before = Some(at),
            Change::WithdrawUser => self.user_not_before = Some(at),
        }
    }

    /// What a token says that is issued now: its payload, as a mapper writes it.
    pub fn token(&self, at: i64) -> Value {
        let roles: Vec<&str> = self.roles.iter().map(|state| STATES[*state]).collect();
        let flags: serde_json::Map<String, Value> = STATES
            .iter()
            .enumerate()
            .map(|(state, name)| ((*name).to_owned(), json!(self.flags.contains(&state))))
            .collect();
        let payload = with(access_token_payload(NOW + at), "/flags", Value::Object(flags));
        let payload = with(with(payload, "/sid", json!(SESSION)), "/acr", json!(PLAIN));
        if roles.is_empty() {
            // The audience comes from the roles, as in a realm with an audience resolving mapper.
            return without(without(payload, "/resource_access"), "/aud");
        }
        with(payload, "/resource_access", json!({ AUDIENCE: { "roles": roles } }))
    }
}

impl Realm {
    /// What it knows at a moment.
    pub fn at(&self, moment: i64) -> Facts {
        let mut facts = Facts {
            roles: self.at_first.clone(),
            flags: self.at_first.clone(),
            user_exists: true,
            user_enabled: true,
            client_enabled: true,
            session_alive: true,
            realm_not_before: None,
            client_not_before: None,
            user_not_before: None,
        };
        for (at, change) in self.changes.iter().take_while(|(at, _)| *at <= moment) {
            facts.apply(*at, *change);
        }
        facts
    }

    /// Whether it could not be asked at a moment.
    pub fn outage_at(&self, moment: i64) -> Option<Outage> {
        let during = |outage: &&(i64, i64, Outage)| (outage.0..outage.1).contains(&moment);
        self.outages.iter().find(during).map(|(_, _, how)| *how)
    }

    /// What it says to a question: of the subject's standing at `first`, of the claims at `then`.
    pub fn ask<'q>(
        &self,
        question: &'q Question,
        verifier: &AccessTokenVerifier,
        now: UnixTime,
        (first, then): (i64, i64),
    ) -> Result<Result<LiveIdentity<'q>, Withdrawals>, Unanswered> {
        let (facts, outage) = (self.at(first), self.outage_at(first));
        if outage == Some(Outage::OutOfReach) {
            return Err(Unanswered);
        }
        let bytes = |body: Value| said(&body, outage);
        let realm = with(json!({ "realm": "workflows" }), "/tokens-not-before", not_before(facts.realm_not_before));
        let realm = if outage == Some(Outage::AnotherRealm) { with(realm, "/realm", json!("master")) } else { realm };
        let client = if outage == Some(Outage::AnotherClient) { "account" } else { CLIENT };
        let client = json!([{
            "id": "0b7c", "clientId": client, "enabled": facts.client_enabled, "consentRequired": false,
            "notBefore": not_before(facts.client_not_before),
        }]);
        let subject = if outage == Some(Outage::AnotherUser) { "mallory" } else { SUBJECT };
        let user = json!({
            "id": subject, "username": "alice", "enabled": facts.user_enabled, "notBefore": not_before(facts.user_not_before),
        });
        let sessions = if facts.session_alive && facts.user_exists {
            json!([session("another"), session(SESSION)])
        } else {
            json!([session("another")])
        };
        let inquiry = question.inquiry();
        let realm = RealmAnswer::parse(&bytes(realm), inquiry).map_err(|_| Unanswered)?;
        let client = ClientAnswer::parse(&bytes(client), inquiry).map_err(|_| Unanswered)?;
        let user = if facts.user_exists {
            match UserAnswer::parse(&bytes(user.clone()), inquiry).map_err(|_| Unanswered)? {
                SaidOfUser::Settled(user) => user,
                SaidOfUser::Disabled(said) => said.confirmed(&bytes(json!([user])), inquiry).map_err(|_| Unanswered)?,
            }
        } else {
            UserAnswer::absent()
        };
        let sessions = SessionsAnswer::parse(&bytes(sessions), inquiry).map_err(|_| Unanswered)?;
        let sessions = inquiry.requires_session().then_some(sessions);
        let answers = RealmAnswers { realm, client, user, sessions, consents: None };
        let standing = match question.standing(&answers) {
            Ok(standing) => standing,
            Err(withdrawals) => return Ok(Err(withdrawals)),
        };
        let (facts, outage) = (self.at(then), self.outage_at(then));
        if outage == Some(Outage::OutOfReach) || !facts.user_exists {
            return Err(Unanswered);
        }
        let claims = facts.token(then);
        let claims = if outage == Some(Outage::AnotherUser) { with(claims, "/sub", json!("mallory")) } else { claims };
        match standing.evaluated(&said(&claims, outage), verifier, now) {
            Ok(live) => Ok(Ok(live)),
            Err(_) => Err(Unanswered),
        }
    }
}

fn session(id: &str) -> Value {
    json!({ "id": id, "userId": SUBJECT, "start": 0, "clients": { "0b7c": CLIENT } })
}

fn not_before(at: Option<i64>) -> Value {
    json!(at.map_or(0, |at| NOW + at))
}

fn said(body: &Value, outage: Option<Outage>) -> Vec<u8> {
    let text = body.to_string();
    match outage {
        Some(Outage::Html) => b"<html><body>503 Service Temporarily Unavailable</body></html>".to_vec(),
        Some(Outage::HalfABody) => text.as_bytes()[..text.len() / 2].to_vec(),
        Some(Outage::OutOfReach | Outage::AnotherRealm | Outage::AnotherUser | Outage::AnotherClient) | None => {
            text.into_bytes()
        }
    }
}
