//! Where a realm's keys are and whom to trust about it.

use claim_guard::Excerpt;
use claim_guard::identifier::Issuer;
use reqwest::Url;

use crate::authority::RealmCa;
use crate::discovery::Discovery;
use crate::endpoint_error::EndpointError;
use crate::unavailable::KeysUnavailable;

/// The most bytes that the address of a JWK set may have.
const MAX_KEY_URI_BYTES: usize = 2048;

/// The address of a JWK set that is allowed by name, although it is not on the issuer's origin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyUri(String);

impl KeyUri {
    /// Parses an absolute `https` URL.
    ///
    /// # Errors
    /// [`EndpointError::NotAKeyUri`] if the text has another scheme, a user, a password, a fragment, a space, a backslash,
    /// anything but printable ASCII, or more than 2048 bytes.
    pub fn parse(text: &str) -> Result<Self, EndpointError> {
        match key_uri(text) {
            Some(_) => Ok(Self(text.to_owned())),
            None => Err(EndpointError::NotAKeyUri { presented: Excerpt::of(text) }),
        }
    }

    /// The address, as presented.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A URL parser mends what it is given (WHATWG URL §4.4), so what it would mend is refused first.
fn key_uri(text: &str) -> Option<Url> {
    let printable = text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
    if text.len() > MAX_KEY_URI_BYTES || !printable || !text.starts_with("https://") {
        return None;
    }
    let url = Url::parse(text).ok()?;
    let authority = text.trim_start_matches("https://").split(['/', '?', '#']).next().unwrap_or_default();
    let plain = !authority.is_empty() && !authority.contains('@') && url.fragment().is_none();
    (url.scheme() == "https" && plain).then_some(url)
}

/// A realm's issuer, whom to trust about its host, and where its keys may be.
#[derive(Debug, Clone)]
pub struct RealmEndpoint {
    issuer: Issuer,
    discovery: Url,
    ca: Option<RealmCa>,
    key_uri: Option<KeyUri>,
}

impl RealmEndpoint {
    /// The endpoint of that issuer.
    ///
    /// With a `ca`, only that authority is trusted; without, the roots that Mozilla trusts, as compiled in. The system's
    /// own store and the environment play no part. With a `key_uri`, discovery has to name exactly that address;
    /// without, an address on the issuer's own origin.
    ///
    /// # Errors
    /// [`EndpointError::IssuerNotAUrl`] if the issuer's text is no URL.
    pub fn new(issuer: Issuer, ca: Option<RealmCa>, key_uri: Option<KeyUri>) -> Result<Self, EndpointError> {
        // OpenID Connect Discovery 1.0 §4: the path is appended to the issuer's.
        let discovery = Url::parse(&format!("{issuer}/.well-known/openid-configuration"))
            .map_err(|_| EndpointError::IssuerNotAUrl { presented: Excerpt::of(issuer.as_str()) })?;
        Ok(Self { issuer, discovery, ca, key_uri })
    }

    /// The realm's issuer.
    pub fn issuer(&self) -> &Issuer {
        &self.issuer
    }

    /// The only authority that is trusted, where one is named.
    pub fn ca(&self) -> Option<&RealmCa> {
        self.ca.as_ref()
    }

    /// Where the discovery document is.
    pub(crate) fn discovery(&self) -> &Url {
        &self.discovery
    }

    /// The URL of the keys, as the realm's discovery document names it.
    ///
    /// # Errors
    /// [`KeysUnavailable::Discovery`] if the bytes are no such document, [`KeysUnavailable::WrongIssuer`] if it is another
    /// realm's, [`KeysUnavailable::ForeignKeyUri`] if its keys are where this realm's may not be.
    pub fn key_uri_in(&self, document: &[u8]) -> Result<Url, KeysUnavailable> {
        let discovery = Discovery::parse(document).map_err(|fault| KeysUnavailable::Discovery { fault })?;
        // OpenID Connect Discovery 1.0 §4.3: the issuer has to be the one that was asked for.
        if discovery.issuer != self.issuer.as_str() {
            let presented = Excerpt::of(&discovery.issuer);
            return Err(KeysUnavailable::WrongIssuer { expected: self.issuer.clone(), presented });
        }
        self.admit(&discovery.jwks_uri)
    }

    /// The URL of the keys, if `presented` is where this realm's keys may be.
    ///
    /// # Errors
    /// [`KeysUnavailable::ForeignKeyUri`] if it is not.
    fn admit(&self, presented: &str) -> Result<Url, KeysUnavailable> {
        let foreign = |expected: &str| KeysUnavailable::ForeignKeyUri {
            expected: Excerpt::of(expected),
            presented: Excerpt::of(presented),
        };
        if let Some(named) = &self.key_uri {
            return key_uri(presented).filter(|_| presented == named.0).ok_or_else(|| foreign(&named.0));
        }
        let origin = self.discovery.origin();
        key_uri(presented).filter(|url| url.origin() == origin).ok_or_else(|| foreign(&origin.ascii_serialization()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn endpoint(key_uri: Option<&str>) -> RealmEndpoint {
        let issuer = Issuer::parse("https://id.example/realms/w").unwrap();
        RealmEndpoint::new(issuer, None, key_uri.map(|text| KeyUri::parse(text).unwrap())).unwrap()
    }

    #[track_caller]
    fn check(endpoint: &RealmEndpoint, expected: &str, presented: &str, admitted: bool) {
        let result = endpoint.admit(presented).map(|_| ());
        let foreign =
            KeysUnavailable::ForeignKeyUri { expected: Excerpt::of(expected), presented: Excerpt::of(presented) };
        assert_eq!(result, if admitted { Ok(()) } else { Err(foreign) }, "{presented}");
    }

    #[test]
    fn discovery_is_appended_to_the_issuer() {
        assert_eq!(endpoint(None).discovery().as_str(), "https://id.example/realms/w/.well-known/openid-configuration");
    }

    #[test]
    fn g25_keys_are_taken_from_the_issuers_origin_only() {
        let endpoint = endpoint(None);
        for same in ["https://id.example/k", "https://id.example:443/k", "https://ID.example/k?a=b"] {
            check(&endpoint, "https://id.example", same, true);
        }
        for foreign in [
            "",
            "/k",
            "k",
            "http://id.example/k",
            "HTTPS://id.example/k",
            "https:id.example/k",
            "https://id.example:8443/k",
            "https://id.example.evil.example/k",
            "https://evil.example/k",
            "https://169.254.169.254/latest/meta-data/",
            "https://id.example@evil.example/k",
            "https://user@id.example/k",
            "https://user:word@id.example/k",
            "https://@id.example/k",
            "https://:@id.example/k",
            "https://id.example\\@evil.example/k",
            "https://evil.example\\.id.example/k",
            "https://id.example/k#f",
            "https://id.example/k#",
            "https:///id.example/k",
            "https://id.example\\k",
            " https://id.example/k",
            "https://id.example/k\n",
            "https://id.ex\tample/k",
            "https://\u{456}d.example/k",
            "file:///etc/passwd",
            "data:application/json,{}",
        ] {
            check(&endpoint, "https://id.example", foreign, false);
        }
        check(&endpoint, "https://id.example", &format!("https://id.example/{}", "k".repeat(3000)), false);
    }

    #[test]
    fn a_named_address_is_the_only_one_that_is_taken() {
        let named = "https://keys.example/w";
        let endpoint = endpoint(Some(named));
        check(&endpoint, named, named, true);
        for other in
            ["https://keys.example/w/", "https://keys.example:443/w", "https://keys.example/v", "https://id.example/k"]
        {
            check(&endpoint, named, other, false);
        }
    }

    #[test]
    fn a_named_address_is_an_https_url() {
        for text in ["", "http://keys.example/w", "https://u@keys.example/w", "https://keys.example/w#k", "https://"] {
            assert_eq!(KeyUri::parse(text), Err(EndpointError::NotAKeyUri { presented: Excerpt::of(text) }));
        }
    }

    #[test]
    fn an_issuer_that_is_no_url_is_named() {
        let issuer = Issuer::parse("https://id.example:99999/realms/w").unwrap();
        let presented = Excerpt::of(issuer.as_str());
        assert_eq!(RealmEndpoint::new(issuer, None, None).map(|_| ()), Err(EndpointError::IssuerNotAUrl { presented }));
    }
}
