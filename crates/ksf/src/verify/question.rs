//! One token and what is expected of it.

use std::fmt;
use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use claim_guard::identifier::{Audience, ClientId, Issuer};
use claim_guard::jws::KeySetError;
use claim_guard::{
    AccessToken, AccessTokenVerifier, ClientList, Leeway, RealmKeySet, Rejection, UnixTime, VerifiedClaims,
};
use serde::Deserialize;

/// What a token has to show.
pub(super) struct Expected {
    pub(super) issuer: Issuer,
    pub(super) audience: Audience,
    /// None if it does not matter which client the token was issued to.
    pub(super) clients: Option<ClientList>,
    pub(super) leeway: Leeway,
    pub(super) now: UnixTime,
}

/// A token, and what it has to show.
pub(super) struct Question<'a> {
    pub(super) token: &'a str,
    pub(super) expected: Expected,
}

/// Why a token is rejected here: because of the keys, or because of itself.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum VerifyRejection<'a> {
    /// No token can be verified with this key set.
    Keys(&'a KeySetError),
    /// The verifier's own refusal.
    Token(Rejection),
}

impl VerifyRejection<'_> {
    /// A fixed name of the cause.
    pub(super) fn code(&self) -> &'static str {
        match self {
            Self::Keys(KeySetError::TooLong { .. }) => "key_set_too_long",
            Self::Keys(KeySetError::NotAKeySet) => "not_a_key_set",
            Self::Keys(KeySetError::TooManyKeys { .. }) => "too_many_keys",
            Self::Keys(KeySetError::NoUsableKey { .. }) => "no_usable_key",
            Self::Token(rejection) => rejection.code(),
        }
    }
}

impl fmt::Display for VerifyRejection<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Keys(error) => write!(f, "{error}"),
            Self::Token(rejection) => write!(f, "{rejection}"),
        }
    }
}

#[expect(clippy::expect_used, reason = "a constant")]
static NOBODY: LazyLock<ClientList> = LazyLock::new(|| {
    let nobody = ClientId::parse("nobody").expect("printable text is a client id");
    ClientList::new([nobody]).expect("one client is a list")
});

/// Which client a payload names; everything else of it is passed over.
#[derive(Deserialize)]
struct UntrustedClient {
    azp: String,
}

impl Question<'_> {
    /// Verifies the token with the keys.
    pub(super) fn verdict<'k>(
        &self,
        keys: &'k Result<RealmKeySet, KeySetError>,
    ) -> Result<VerifiedClaims, VerifyRejection<'k>> {
        let keys = keys.as_ref().map_err(VerifyRejection::Keys)?;
        let token = AccessToken::parse(self.token).map_err(VerifyRejection::Token)?;
        let Expected { issuer, audience, leeway, now, .. } = &self.expected;
        let verifier = AccessTokenVerifier::new(issuer.clone(), audience.clone(), self.clients(), *leeway);
        verifier.verify(&token, keys, *now).map_err(VerifyRejection::Token)
    }

    /// The verifier has no way to pass over a client, so where none is expected the token's own is the list. If the payload
    /// names none that can be read, the verifier rejects it for that, whatever the list holds.
    fn clients(&self) -> ClientList {
        let own = || ClientList::new([self.untrusted_client()?]);
        self.expected.clients.clone().or_else(own).unwrap_or_else(|| NOBODY.clone())
    }

    fn untrusted_client(&self) -> Option<ClientId> {
        let payload = self.payload()?;
        let UntrustedClient { azp } = serde_json::from_slice(&payload).ok()?;
        ClientId::parse(&azp).ok()
    }

    /// The bytes of the payload. They are the verified ones if the verdict was to accept the token.
    pub(super) fn payload(&self) -> Option<Vec<u8>> {
        URL_SAFE_NO_PAD.decode(self.token.split('.').nth(1)?).ok()
    }
}
