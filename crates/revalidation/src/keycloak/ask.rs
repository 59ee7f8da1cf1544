//! The question, request by request.

use std::sync::Arc;
use std::time::Duration;

use claim_guard::identifier::KeyId;
use claim_guard::revalidation::{
    ClientAnswer, ConsentsAnswer, DisabledUser, Inquiry, Question, RealmAnswer, RealmAnswers, SaidOfUser,
    SessionsAnswer, Standing, StartQuestion, UserAnswer,
};
use claim_guard::{AccessTokenVerifier, UnixTime};
use realm_keys::{BoundedClient, Document, EndpointError, ExchangeFault, HttpResponse, RealmCa, Request, Url};

use crate::keycloak::assertion::ServiceClient;
use crate::keycloak::endpoint::{KeycloakEndpoint, NotARealmOfKeycloak};
use crate::keycloak::fault::KeycloakFault;
use crate::keycloak::realm_refusal::RealmRefusal;
use crate::keycloak::service_account::ServiceAccount;
use crate::keycloak::service_token::ServiceToken;
use crate::realm::{Answered, Assertions, Realm, Stood, Unanswered};
use crate::settings::RealmAccess;

/// How long everything that a question needs may take together.
const DEADLINE: Duration = Duration::from_secs(3);
/// The share of the deadline that one connection, TLS included, may take: a third.
const CONNECT_SHARE: u32 = 3;
/// The most bytes of an answer; Keycloak's have 0.3 to 4 KB. A user may have many attributes, a client many mappers.
const LIMIT: usize = 256 * 1024;
/// The most bytes of a user's sessions; Keycloak writes 0.3 KB of each, and all of them whatever it is asked.
const SESSIONS_LIMIT: usize = 1024 * 1024;

/// RFC 7523 §2.2
const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// A realm of Keycloak, asked as the client `S` signs for.
///
/// What may be relied on:
/// - A question takes 3 seconds at most. It takes seven requests at most: the service account's token where none is kept,
///   realm, client, user, sessions if one has to be alive, consents where the session's client needs them, then what a token
///   of now would say. A user who is said to be disabled is asked about a second time instead of the last. Before a start
///   the last is left out.
/// - They are sent one after the other on one connection, as long as Keycloak keeps it: a connection costs Keycloak more than a
///   request. No connection outlives its question.
/// - Where Keycloak refuses a token that was kept, each request that showed it is repeated once, with a new one. Nothing
///   else is repeated.
/// - The service account's token is in this process's memory only, and is sent to Keycloak's administration only.
/// - What is not clearly Keycloak's own answer about this realm, this client and this user is no answer.
pub struct Keycloak<S> {
    ca: Option<RealmCa>,
    endpoint: KeycloakEndpoint,
    verifier: AccessTokenVerifier,
    service_client: ServiceClient,
    signer: S,
    service_account: ServiceAccount,
    deadline: Duration,
}

/// Why a configuration leads to no Keycloak.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoKeycloak {
    /// The issuer is somebody else's.
    #[error("{0}")]
    Issuer(NotARealmOfKeycloak),
    /// No HTTPS client can be made.
    #[error("{0}")]
    Client(EndpointError),
}

/// One question: Keycloak, and the connection to it.
struct Asking<'k, S> {
    client: BoundedClient,
    endpoint: &'k KeycloakEndpoint,
    verifier: &'k AccessTokenVerifier,
    service_client: &'k ServiceClient,
    signer: &'k S,
    service_account: &'k ServiceAccount,
}

impl<S: Assertions> Keycloak<S> {
    /// The realm as it may be asked, by the client whose key `signer` has and the realm knows as `key_id`. Nothing is asked
    /// yet.
    ///
    /// # Errors
    /// [`NoKeycloak`] if the realm's issuer is not Keycloak's, or no HTTPS client can be made.
    pub fn new(realm: RealmAccess, key_id: KeyId, signer: S) -> Result<Self, NoKeycloak> {
        Self::within(DEADLINE, realm, key_id, signer)
    }

    pub(super) fn within(deadline: Duration, realm: RealmAccess, key_id: KeyId, signer: S) -> Result<Self, NoKeycloak> {
        let RealmAccess { verifier, ca, admin_url, client } = realm;
        let endpoint = KeycloakEndpoint::new(verifier.issuer(), admin_url.as_ref()).map_err(NoKeycloak::Issuer)?;
        let service_client = ServiceClient { id: client, key_id };
        // Whether one can be made at all is better known before the first question.
        BoundedClient::conversation(ca.as_ref(), deadline / CONNECT_SHARE).map_err(NoKeycloak::Client)?;
        let service_account = ServiceAccount::default();
        Ok(Self { ca, endpoint, verifier, service_client, signer, service_account, deadline })
    }

    /// Asks everything that the question needs.
    ///
    /// # Errors
    /// [`KeycloakFault`] if Keycloak does not answer, or not to the question.
    pub async fn answers<'q>(&self, question: &'q Question, now: UnixTime) -> Result<Answered<'q>, KeycloakFault> {
        let asking = self.asking(question.inquiry())?;
        self.in_time(asking.answered(question, now)).await
    }

    /// Asks what stands behind the access token of a start, and no more.
    ///
    /// # Errors
    /// [`KeycloakFault`] if Keycloak does not answer, or not to the question.
    pub async fn standing(&self, question: &StartQuestion, now: UnixTime) -> Result<Stood, KeycloakFault> {
        let asking = self.asking(question.inquiry())?;
        let answers = self.in_time(asking.answers(question.inquiry(), now)).await?;
        Ok(question.standing(&answers))
    }

    fn asking(&self, inquiry: &Inquiry) -> Result<Asking<'_, S>, KeycloakFault> {
        let Self { ca, endpoint, verifier, service_client, signer, service_account, deadline } = self;
        if inquiry.issuer() != endpoint.issuer() {
            let (expected, presented) = (endpoint.issuer().clone(), inquiry.issuer().clone());
            return Err(KeycloakFault::AnotherIssuer { expected, presented });
        }
        let client = BoundedClient::conversation(ca.as_ref(), *deadline / CONNECT_SHARE);
        let client = client.map_err(KeycloakFault::NoClient)?;
        Ok(Asking { client, endpoint, verifier, service_client, signer, service_account })
    }

    async fn in_time<T>(&self, asking: impl Future<Output = Result<T, KeycloakFault>>) -> Result<T, KeycloakFault> {
        let timeout = KeycloakFault::Timeout { deadline: self.deadline };
        tokio::time::timeout(self.deadline, asking).await.unwrap_or(Err(timeout))
    }
}

impl<S: Assertions> Asking<'_, S> {
    async fn answered<'q>(&self, question: &'q Question, now: UnixTime) -> Result<Answered<'q>, KeycloakFault> {
        match question.standing(&self.answers(question.inquiry(), now).await?) {
            Ok(standing) => {
                let evaluation = self.evaluation(&standing, question, now).await?;
                Ok(Ok(standing.evaluated(&evaluation, self.verifier, now)?))
            }
            Err(withdrawals) => Ok(Err(withdrawals)),
        }
    }

    /// What the realm says of everybody and everything that has to stand.
    async fn answers(&self, inquiry: &Inquiry, now: UnixTime) -> Result<RealmAnswers, KeycloakFault> {
        let realm = self.realm(inquiry).await?;
        let client = self.client(inquiry, now).await?;
        let user = self.user(inquiry, now).await?;
        let sessions = self.sessions(inquiry, now).await?;
        let consents = self.consents(inquiry, &client, now).await?;
        Ok(RealmAnswers { realm, client, user, sessions, consents })
    }

    async fn realm(&self, inquiry: &Inquiry) -> Result<RealmAnswer, KeycloakFault> {
        let request = Request::get(Document::Realm, self.endpoint.realm(), LIMIT);
        let answer = self.client.exchange(request).await?;
        Ok(RealmAnswer::parse(&answer.body, inquiry)?)
    }

    async fn client(&self, inquiry: &Inquiry, now: UnixTime) -> Result<ClientAnswer, KeycloakFault> {
        let url = self.endpoint.admin(&["clients"], &[("clientId", inquiry.client().as_str())])?;
        let body = self.found(Document::Client, url, LIMIT, now).await?;
        Ok(ClientAnswer::parse(&body, inquiry)?)
    }

    async fn user(&self, inquiry: &Inquiry, now: UnixTime) -> Result<UserAnswer, KeycloakFault> {
        let url = self.endpoint.admin(&["users", inquiry.subject().as_str()], &[])?;
        let Some(body) = self.of_user(Document::User, url, LIMIT, now).await? else { return Ok(UserAnswer::absent()) };
        match UserAnswer::parse(&body, inquiry)? {
            SaidOfUser::Settled(user) => Ok(user),
            SaidOfUser::Disabled(user) => self.disabled(user, inquiry, now).await,
        }
    }

    /// Asks once more, in other words, before a user is taken for disabled.
    async fn disabled(
        &self,
        user: DisabledUser,
        inquiry: &Inquiry,
        now: UnixTime,
    ) -> Result<UserAnswer, KeycloakFault> {
        let query = [("username", user.username()), ("exact", "true"), ("enabled", "false")];
        let url = self.endpoint.admin(&["users"], &query)?;
        let body = self.found(Document::DisabledUsers, url, LIMIT, now).await?;
        Ok(user.confirmed(&body, inquiry)?)
    }

    /// Only where a session has to be alive.
    async fn sessions(&self, inquiry: &Inquiry, now: UnixTime) -> Result<Option<SessionsAnswer>, KeycloakFault> {
        if inquiry.session().is_none() {
            return Ok(None);
        }
        let url = self.endpoint.admin(&["users", inquiry.subject().as_str(), "sessions"], &[])?;
        match self.of_user(Document::Sessions, url, SESSIONS_LIMIT, now).await? {
            Some(body) => Ok(Some(SessionsAnswer::parse(&body, inquiry)?)),
            None => Ok(None),
        }
    }

    /// Only where a session has to be alive, and the client needs consent.
    async fn consents(
        &self,
        inquiry: &Inquiry,
        client: &ClientAnswer,
        now: UnixTime,
    ) -> Result<Option<ConsentsAnswer>, KeycloakFault> {
        if !client.requires_consent() {
            return Ok(None);
        }
        let url = self.endpoint.admin(&["users", inquiry.subject().as_str(), "consents"], &[])?;
        match self.of_user(Document::Consents, url, LIMIT, now).await? {
            Some(body) => Ok(Some(ConsentsAnswer::parse(&body)?)),
            None => Ok(None),
        }
    }

    async fn evaluation(
        &self,
        standing: &Standing<'_>,
        question: &Question,
        now: UnixTime,
    ) -> Result<Vec<u8>, KeycloakFault> {
        let path = ["clients", standing.client_uuid(), "evaluate-scopes", "generate-example-access-token"];
        let query = [("userId", question.inquiry().subject().as_str()), ("scope", question.scope())];
        self.found(Document::Evaluation, self.endpoint.admin(&path, &query)?, LIMIT, now).await
    }

    /// What the administration has there. That it has nothing is no answer: whoever deleted it has just done so.
    async fn found(&self, document: Document, url: Url, limit: usize, now: UnixTime) -> Result<Vec<u8>, KeycloakFault> {
        let answer = self.administration(document, url, limit, now).await?;
        if answer.status == 200 { Ok(answer.body) } else { Err(without_meaning(document, answer.status)) }
    }

    /// What the administration has of a user; none if it says that there is no such user.
    async fn of_user(
        &self,
        document: Document,
        url: Url,
        limit: usize,
        now: UnixTime,
    ) -> Result<Option<Vec<u8>>, KeycloakFault> {
        let answer = self.administration(document, url, limit, now).await?;
        match answer.status {
            200 => Ok(Some(answer.body)),
            404 if RealmRefusal::parse(&answer.body).is_some_and(|refusal| refusal.is_no_user()) => Ok(None),
            status => Err(without_meaning(document, status)),
        }
    }

    /// An answer of the administration with status 200 or 404.
    async fn administration(
        &self,
        document: Document,
        url: Url,
        limit: usize,
        now: UnixTime,
    ) -> Result<HttpResponse, KeycloakFault> {
        let (mut answer, shown) = self.shown(document, url.clone(), limit, now).await?;
        if answer.status == 401 {
            // A token that was kept may have been withdrawn since, with all of the realm's. A new one says more.
            self.service_account.forget(&shown).await;
            let (again, shown) = self.shown(document, url, limit, now).await?;
            if again.status == 401 {
                self.service_account.forget(&shown).await;
                return Err(KeycloakFault::TokenRefused { document });
            }
            answer = again;
        }
        if answer.status != 403 {
            return Ok(answer);
        }
        Err(match RealmRefusal::parse(&answer.body) {
            Some(refusal) => KeycloakFault::Forbidden { document, refusal },
            None => without_meaning(document, 403),
        })
    }

    /// An answer to a request that shows our token, and that token.
    async fn shown(
        &self,
        document: Document,
        url: Url,
        limit: usize,
        now: UnixTime,
    ) -> Result<(HttpResponse, Arc<ServiceToken>), KeycloakFault> {
        let token = self.service_account.token(now, self.service_token(now)).await?;
        let request = Request::get(document, url, limit).with_bearer(token.as_str()).taking(&[200, 401, 403, 404]);
        let answer = self.client.exchange(request).await?;
        Ok((answer, token))
    }

    /// A new access token of our own (RFC 6749 §4.4, with the client authentication of RFC 7523 §2.2).
    async fn service_token(&self, now: UnixTime) -> Result<ServiceToken, KeycloakFault> {
        let assertion = self.service_client.assertion(self.endpoint.issuer(), self.signer, now).await?;
        let form = [
            ("grant_type", "client_credentials"),
            ("client_assertion_type", ASSERTION_TYPE),
            ("client_assertion", &assertion),
        ];
        let document = Document::ServiceToken;
        let request = Request::post(document, self.endpoint.token(), LIMIT, &form).taking(&[200, 400, 401]);
        let answer = self.client.exchange(request).await?;
        if answer.status == 200 {
            return ServiceToken::parse(&answer.body).map_err(KeycloakFault::ServiceToken);
        }
        Err(match RealmRefusal::parse(&answer.body) {
            Some(refusal) => KeycloakFault::ClientRefused { status: answer.status, refusal },
            None => without_meaning(document, answer.status),
        })
    }
}

impl<S: Assertions> Realm for Keycloak<S> {
    async fn ask<'q>(&self, question: &'q Question, now: UnixTime) -> Result<Answered<'q>, Unanswered> {
        Ok(self.answers(question, now).await?)
    }

    async fn ask_before_start(&self, question: &StartQuestion, now: UnixTime) -> Result<Stood, Unanswered> {
        Ok(self.standing(question, now).await?)
    }
}

/// A status in somebody else's words, or where it means nothing.
fn without_meaning(document: Document, presented: u16) -> KeycloakFault {
    KeycloakFault::Exchange(ExchangeFault::Status { document, presented, retry_after: None })
}
