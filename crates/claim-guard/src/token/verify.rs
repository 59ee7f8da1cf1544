//! Access token → verified claims.
//!
//! The JWT library verifies the signature; every claim is looked at here, in a fixed order, and each look has its own
//! [`Rejection`].

use crate::claims::{Actor, ClaimTree, Identity, Roles};
use crate::excerpt::Excerpt;
use crate::identifier::{Audience, ClientId, Issuer, Scope, SessionId, Subject, TokenId};
use crate::json::{Document, Json, MemberError};
use crate::json::{Members, Part};
use crate::jws::JwsError;
use crate::token::access_token::{AccessToken, named_refusal};
use crate::token::expectation::{ClientList, Leeway};
use crate::token::keycloak;
use crate::token::realm_key_set::RealmKeySet;
use crate::token::rejection::Rejection;
use crate::token::required_claim::RequiredClaim;
use crate::unix_time::UnixTime;

/// The longest lifetime that a token may claim, in seconds: a day. Keycloak's default is five minutes.
pub const MAX_LIFETIME_SECONDS: i64 = 86_400;

/// The longest scope. It decides what else an access token says, so an execution carries all of it, in every state.
pub(crate) const MAX_SCOPE_BYTES: usize = 384;

/// What a verified access token says.
///
/// Only [`AccessTokenVerifier::verify`] makes one. It cannot be built, cloned, defaulted or deserialized elsewhere:
///
/// ```compile_fail
/// fn forge(identity: claim_guard::Identity) -> claim_guard::VerifiedClaims {
///     claim_guard::VerifiedClaims { identity }
/// }
/// ```
/// ```compile_fail
/// fn copy(claims: &claim_guard::VerifiedClaims) -> claim_guard::VerifiedClaims {
///     Clone::clone(claims)
/// }
/// ```
/// ```compile_fail
/// let claims: claim_guard::VerifiedClaims = Default::default();
/// ```
/// ```compile_fail
/// let claims: claim_guard::VerifiedClaims = serde_json::from_str("{}").unwrap();
/// ```
#[derive(Debug)]
pub struct VerifiedClaims {
    identity: Identity,
}

impl VerifiedClaims {
    fn assertion(identity: Identity) -> Self {
        Self { identity }
    }

    /// Whom the token speaks of.
    pub fn identity(&self) -> &Identity {
        &self.identity
    }
}

/// Verifies access tokens of one realm for one audience.
#[derive(Debug, Clone)]
pub struct AccessTokenVerifier {
    issuer: Issuer,
    audience: Audience,
    clients: ClientList,
    leeway: Leeway,
}

impl AccessTokenVerifier {
    /// A verifier; every expectation is required.
    pub fn new(issuer: Issuer, audience: Audience, clients: ClientList, leeway: Leeway) -> Self {
        Self { issuer, audience, clients, leeway }
    }

    /// The realm whose tokens are verified.
    pub fn issuer(&self) -> &Issuer {
        &self.issuer
    }

    /// Verifies a token with the realm's keys at a time.
    ///
    /// # Errors
    /// The first [`Rejection`] in the order of its variants.
    pub fn verify(&self, token: &AccessToken, keys: &RealmKeySet, now: UnixTime) -> Result<VerifiedClaims, Rejection> {
        let compact = token.compact();
        let payload = token
            .header()
            .and_then(|header| compact.verified_payload(keys.keys(), header))
            .map_err(|error| named_refusal(compact, error))?;
        self.read(payload, now).and_then(as_presented).map(VerifiedClaims::assertion)
    }

    /// Whom a payload speaks of, whatever vouches for it: a signature, or the connection that the realm answered on.
    ///
    /// These are the rules of *every* access token, so also of the example that the realm makes for a renewal, where a
    /// rejection leaves the renewal undecided for as long as the realm answers so. A rule for what callers present belongs
    /// to `as_presented`.
    pub(crate) fn read(&self, payload: Document, now: UnixTime) -> Result<Identity, Rejection> {
        let members = Members::new(Part::Payload, payload.members());
        let stated = self.stated(&members, now).map_err(|rejection| naming_the_setting(rejection, &members))?;
        Ok(Identity {
            issuer: self.issuer.clone(),
            subject: stated.subject,
            client: stated.client,
            actor: stated.actor,
            token_id: stated.token_id,
            session_id: stated.session_id,
            scope: stated.scope,
            transaction: None,
            issued_at: stated.issued_at,
            expires_at: stated.expires_at,
            verified_at: now,
            roles: Roles::as_claimed(),
            claims: ClaimTree::assertion(payload),
            authentication: None,
        })
    }

    /// Looks at every claim, in the order of [`Rejection`]'s variants.
    fn stated(&self, members: &Members<'_>, now: UnixTime) -> Result<Stated, Rejection> {
        self.verify_issuer(members)?;
        keycloak::verify_kind(members)?;
        self.verify_audience(members)?;
        let client = self.verify_client(members)?;
        let (issued_at, expires_at) = self.verify_times(members, now)?;
        let scope = keycloak::scope(members)?;
        let subject = members.identifier("sub", Subject::parse)?;
        let token_id = members.identifier("jti", TokenId::parse)?;
        let session_id = members.optional_identifier("sid", SessionId::parse)?;
        keycloak::verify_roles(members)?;
        let malformed = |(claim, error)| Rejection::MalformedActor { claim, error };
        let actor = Actor::claimed(members).map_err(malformed)?;
        Ok(Stated { subject, client, actor, token_id, session_id, scope, issued_at, expires_at })
    }

    /// RFC 8725 §3.8: the keys belong to this issuer, so the token must name it, byte by byte.
    fn verify_issuer(&self, members: &Members<'_>) -> Result<(), Rejection> {
        let presented = members.text("iss")?;
        if presented == self.issuer.as_str() {
            Ok(())
        } else {
            Err(Rejection::WrongIssuer { expected: self.issuer.clone(), presented: Excerpt::of(presented) })
        }
    }

    /// RFC 8725 §3.9. Keycloak writes one audience as text and several as an array.
    fn verify_audience(&self, members: &Members<'_>) -> Result<(), Rejection> {
        let expected = self.audience.as_str();
        let wrong = |presented: &str| {
            Err(Rejection::WrongAudience { expected: self.audience.clone(), presented: Excerpt::of(presented) })
        };
        let value = members.value("aud")?;
        if let Some(one) = value.text() {
            return if one == expected { Ok(()) } else { wrong(one) };
        }
        if value.array().is_none() {
            return Err(members.wrong_type("aud", "text or an array of text", value).into());
        }
        let presented = members.texts_of("aud", value)?;
        let named = presented.clone().any(|one| one == expected);
        if named { Ok(()) } else { wrong(&presented.collect::<Vec<_>>().join(" ")) }
    }

    fn verify_client(&self, members: &Members<'_>) -> Result<ClientId, Rejection> {
        if let Some(client) = self.clients.named(members.text("azp")?) {
            return Ok(client.clone());
        }
        let presented = members.identifier("azp", ClientId::parse)?;
        Err(Rejection::ForbiddenClient { presented: Excerpt::of(presented.as_str()) })
    }

    /// Off-spec: RFC 7519 leaves `iat` optional and a lifetime unbounded; Keycloak writes both, so both are required.
    fn verify_times(&self, members: &Members<'_>, now: UnixTime) -> Result<(UnixTime, UnixTime), Rejection> {
        let issued_at = members.time("iat")?;
        let expires_at = members.time("exp")?;
        let latest = now.plus(self.leeway.duration());
        if issued_at > latest {
            return Err(Rejection::IssuedInFuture { issued_at, now });
        }
        if let Some(not_before) = members.optional_time("nbf")?.filter(|not_before| *not_before > latest) {
            return Err(Rejection::NotYetValid { not_before, now });
        }
        // RFC 7519 §4.1.4: on or after `exp` it must not be accepted.
        if now >= expires_at.plus(self.leeway.duration()) {
            return Err(Rejection::Expired { expired_at: expires_at, now });
        }
        let presented = expires_at.seconds_since(issued_at);
        if !(1..=MAX_LIFETIME_SECONDS).contains(&presented) {
            return Err(Rejection::WrongLifetime { limit: MAX_LIFETIME_SECONDS, presented });
        }
        Ok((issued_at, expires_at))
    }
}

/// The further rules of a token that a caller presents; they bind no example of the realm's.
///
/// A presented token may start an execution, which carries the whole of the scope.
fn as_presented(identity: Identity) -> Result<Identity, Rejection> {
    let presented = identity.scope().map_or(0, |scope| scope.as_str().len());
    if presented > MAX_SCOPE_BYTES {
        return Err(Rejection::ScopeTooLong { limit: MAX_SCOPE_BYTES, presented });
    }
    Ok(identity)
}

/// What an access token's claims say, all of it looked at.
struct Stated {
    subject: Subject,
    client: ClientId,
    actor: Option<Actor>,
    token_id: TokenId,
    session_id: Option<SessionId>,
    scope: Option<Scope>,
    issued_at: UnixTime,
    expires_at: UnixTime,
}

/// A required claim that is absent, together with the client whose settings leave it out.
fn naming_the_setting(rejection: Rejection, members: &Members<'_>) -> Rejection {
    let Rejection::Jws(JwsError::Member(MemberError::Missing { part: Part::Payload, name })) = &rejection else {
        return rejection;
    };
    let Some(claim) = RequiredClaim::ALL.into_iter().find(|claim| claim.name() == *name) else { return rejection };
    let client = members.get("azp").and_then(Json::text).map(Excerpt::of);
    Rejection::NoClaim { claim, client }
}
