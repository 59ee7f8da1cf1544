//! What a client presents, before anything of it is proven.

use std::fmt;

use crate::excerpt::Excerpt;
use crate::identifier::KeyId;
use crate::jws::{Compact, Dots, JwsError, TokenTypes, UntrustedHeader};
use crate::token::rejection::Rejection;

/// The most bytes that an access token may have. Keycloak's are about 1.6 KB.
pub const MAX_ACCESS_TOKEN_BYTES: usize = 8 * 1024;

/// Keycloak writes `JWT`, or `at+jwt` where the client asks for RFC 9068.
const ACCESS_TOKEN_TYPES: TokenTypes =
    TokenTypes { accepted: &["jwt", "at+jwt"], absent_is_accepted: true, expected: "JWT or at+jwt" };

/// An access token as presented: three parts, at most 8 KiB, unproven. It never prints its text.
#[derive(Clone)]
pub struct AccessToken {
    text: String,
    dots: Dots,
    /// Read once: what is wrong with it is said when it is asked for.
    header: Result<UntrustedHeader, JwsError>,
}

impl AccessToken {
    /// Reads the value of an `Authorization` header: `Bearer`, exactly one space, the token (RFC 6750 §2.1).
    ///
    /// # Errors
    /// [`Rejection::NoBearerToken`] for any other shape or scheme; [`Rejection::Jws`] for a token that is too long or has
    /// not three parts.
    pub fn from_authorization_header(value: &str) -> Result<Self, Rejection> {
        let (scheme, token) = value.split_once(' ').ok_or(Rejection::NoBearerToken)?;
        // RFC 9110 §11.1: the scheme is case-insensitive.
        if !scheme.eq_ignore_ascii_case("bearer") || token.is_empty() {
            return Err(Rejection::NoBearerToken);
        }
        Self::parse(token)
    }

    /// Reads a bare token.
    ///
    /// # Errors
    /// [`Rejection::Jws`] for a token that is too long or has not three parts.
    pub fn parse(token: &str) -> Result<Self, Rejection> {
        let dots = Dots::of(token, MAX_ACCESS_TOKEN_BYTES)?;
        let header = Compact::at(token, dots).untrusted_header(ACCESS_TOKEN_TYPES);
        Ok(Self { text: token.to_owned(), dots, header })
    }

    /// Which key the token names, so that it can be looked up. Nothing of it is proven.
    ///
    /// # Errors
    /// The [`Rejection`] that [`crate::AccessTokenVerifier::verify`] would give for this header.
    pub fn untrusted_key_id(&self) -> Result<KeyId, Rejection> {
        self.header().map(|header| header.key_id.clone()).map_err(|error| named_refusal(self.compact(), error))
    }

    /// Which token this claims to be: only for naming a refusal.
    pub fn untrusted_token_id(&self) -> Option<Excerpt> {
        let payload = self.compact().untrusted_payload()?;
        payload.members().get("jti")?.text().map(Excerpt::of)
    }

    pub(crate) fn header(&self) -> Result<&UntrustedHeader, JwsError> {
        self.header.as_ref().map_err(Clone::clone)
    }

    pub(crate) fn compact(&self) -> Compact<'_> {
        Compact::at(&self.text, self.dots)
    }
}

/// Keycloak signs refresh tokens with HS512, so they fall at the algorithm; say what they are all the same.
pub(crate) fn named_refusal(compact: Compact<'_>, error: JwsError) -> Rejection {
    if matches!(error, JwsError::ForbiddenAlgorithm { .. }) {
        let untrusted_payload = compact.untrusted_payload();
        let kind = untrusted_payload.as_ref().and_then(|payload| payload.members().get("typ")?.text());
        match kind {
            Some("Refresh") => return Rejection::RefreshToken,
            Some("Offline") => return Rejection::OfflineToken,
            Some(_) | None => {}
        }
    }
    Rejection::Jws(error)
}

impl fmt::Debug for AccessToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AccessToken(…)")
    }
}
