//! Where Keycloak answers what.

use std::fmt;

use claim_guard::Excerpt;
use claim_guard::identifier::Issuer;
use realm_keys::Url;

use crate::keycloak::fault::KeycloakFault;
use crate::settings::AdminUrl;

/// The issuer is not of a realm of Keycloak, `https://HOST[:PORT][/PATH]/realms/REALM`, so nothing tells where its
/// administration is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotARealmOfKeycloak {
    /// The issuer.
    pub presented: Excerpt,
}

impl fmt::Display for NotARealmOfKeycloak {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the issuer `{}` is not of the shape `https://HOST[:PORT][/PATH]/realms/REALM`", self.presented)
    }
}

impl std::error::Error for NotARealmOfKeycloak {}

/// One realm of one Keycloak: what it tells everybody, and what it tells its administrators.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct KeycloakEndpoint {
    issuer: Issuer,
    realm: Url,
    token: Url,
    admin: Url,
}

impl KeycloakEndpoint {
    /// The realm of that issuer, `BASE/realms/REALM`. It is administered at `ADMIN/admin/realms/REALM`, where `ADMIN` is
    /// `admin_url`, else the issuer's own `BASE`.
    ///
    /// # Errors
    /// [`NotARealmOfKeycloak`] if the issuer has another shape.
    pub(super) fn new(issuer: &Issuer, admin_url: Option<&AdminUrl>) -> Result<Self, NotARealmOfKeycloak> {
        let fault = || NotARealmOfKeycloak { presented: Excerpt::of(issuer.as_str()) };
        let (base, name) = issuer.as_str().rsplit_once("/realms/").ok_or_else(fault)?;
        if name.is_empty() || name.contains('/') {
            return Err(fault());
        }
        let realm = Url::parse(issuer.as_str()).map_err(|_| fault())?;
        let base = Url::parse(admin_url.map_or(base, AdminUrl::as_str)).map_err(|_| fault())?;
        let token = extended(realm.clone(), &["protocol", "openid-connect", "token"]).ok_or_else(fault)?;
        // A realm called `My Realm` is `My%20Realm` in its issuer; encoded a second time it would be another one.
        let admin = extended(base, &["admin", "realms", &issuer.realm()]).ok_or_else(fault)?;
        Ok(Self { issuer: issuer.clone(), realm, token, admin })
    }

    /// The realm's issuer.
    pub(super) fn issuer(&self) -> &Issuer {
        &self.issuer
    }

    /// Where the realm speaks of itself.
    pub(super) fn realm(&self) -> Url {
        self.realm.clone()
    }

    /// Where a client gets a token of its own (RFC 6749 §3.2).
    pub(super) fn token(&self) -> Url {
        self.token.clone()
    }

    /// Where the realm's administration answers on that path, to that query. Both may hold any character.
    ///
    /// # Errors
    /// [`KeycloakFault::NotAPathPart`] if a part of the path is `.` or `..`: every reader of URLs takes it for a step.
    pub(super) fn admin(&self, path: &[&str], query: &[(&str, &str)]) -> Result<Url, KeycloakFault> {
        let presented = || Excerpt::of(&path.join("/"));
        let mut url =
            extended(self.admin.clone(), path).ok_or_else(|| KeycloakFault::NotAPathPart { presented: presented() })?;
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        Ok(url)
    }
}

/// The URL with these parts behind its path, each percent-encoded as a whole (RFC 3986 §3.3).
fn extended(mut url: Url, parts: &[&str]) -> Option<Url> {
    if parts.iter().any(|part| [".", ".."].contains(part)) {
        return None;
    }
    url.path_segments_mut().ok()?.pop_if_empty().extend(parts);
    Some(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn endpoint(issuer: &str, admin: Option<&str>) -> Result<KeycloakEndpoint, NotARealmOfKeycloak> {
        let admin = admin.map(|text| AdminUrl::parse(text).unwrap());
        KeycloakEndpoint::new(&Issuer::parse(issuer).unwrap(), admin.as_ref())
    }

    #[track_caller]
    fn check(issuer: &str, admin: Option<&str>, expected: [&str; 3]) {
        let endpoint = endpoint(issuer, admin).unwrap();
        let user = endpoint.admin(&["users", "u"], &[]).unwrap();
        assert_eq!([endpoint.realm(), endpoint.token(), user].map(String::from), expected);
    }

    #[test]
    fn the_administration_is_beside_the_realm_or_where_it_is_said_to_be() {
        check(
            "https://id.example/realms/w",
            None,
            [
                "https://id.example/realms/w",
                "https://id.example/realms/w/protocol/openid-connect/token",
                "https://id.example/admin/realms/w/users/u",
            ],
        );
        check(
            "https://id.example:8443/auth/realms/w",
            None,
            [
                "https://id.example:8443/auth/realms/w",
                "https://id.example:8443/auth/realms/w/protocol/openid-connect/token",
                "https://id.example:8443/auth/admin/realms/w/users/u",
            ],
        );
        check(
            "https://id.example/realms/w",
            Some("https://admin.example/kc"),
            [
                "https://id.example/realms/w",
                "https://id.example/realms/w/protocol/openid-connect/token",
                "https://admin.example/kc/admin/realms/w/users/u",
            ],
        );
        check(
            "https://id.example/realms/My%20Realm",
            Some("https://admin.example"),
            [
                "https://id.example/realms/My%20Realm",
                "https://id.example/realms/My%20Realm/protocol/openid-connect/token",
                "https://admin.example/admin/realms/My%20Realm/users/u",
            ],
        );
        check(
            "https://id.example/realms/Z%C3%BCrich",
            None,
            [
                "https://id.example/realms/Z%C3%BCrich",
                "https://id.example/realms/Z%C3%BCrich/protocol/openid-connect/token",
                "https://id.example/admin/realms/Z%C3%BCrich/users/u",
            ],
        );
        check(
            "https://id.example/realms/realms/realms/w",
            None,
            [
                "https://id.example/realms/realms/realms/w",
                "https://id.example/realms/realms/realms/w/protocol/openid-connect/token",
                "https://id.example/realms/realms/admin/realms/w/users/u",
            ],
        );
    }

    #[test]
    fn an_issuer_of_another_shape_is_no_realm_of_keycloak() {
        for issuer in
            ["https://id.example", "https://id.example/realms/w/x", "https://id.example/w", "https://realms/w"]
        {
            let presented = Excerpt::of(issuer);
            assert_eq!(endpoint(issuer, None), Err(NotARealmOfKeycloak { presented }), "{issuer}");
        }
    }

    #[test]
    fn k19_an_administration_without_https_or_with_more_than_an_address_is_refused() {
        for text in [
            "",
            "http://id.example",
            "https://",
            "https://id.example/",
            "https://u@id.example",
            "https://u:p@id.example",
            "https://id.example?q",
            "https://id.example#f",
            "https://id.example/../x",
            "ftp://id.example",
        ] {
            assert_eq!(AdminUrl::parse(text), Err(Excerpt::of(text)), "{text}");
        }
    }

    #[test]
    fn whatever_a_subject_or_a_client_id_holds_stays_in_its_part() {
        let endpoint = endpoint("https://id.example/realms/w", None).unwrap();
        for (part, path, query) in [
            ("a/b", "a%2Fb", "a%2Fb"),
            ("a b", "a%20b", "a+b"),
            ("a?b#c", "a%3Fb%23c", "a%3Fb%23c"),
            ("a&b=c", "a&b=c", "a%26b%3Dc"),
            ("a%2e%2e", "a%252e%252e", "a%252e%252e"),
            ("%2e%2e", "%252e%252e", "%252e%252e"),
            ("../..", "..%2F..", "..%2F.."),
            ("..\\..", "..%5C..", "..%5C.."),
            ("f:1:ü", "f:1:%C3%BC", "f%3A1%3A%C3%BC"),
            ("a+b", "a+b", "a%2Bb"),
        ] {
            let url = endpoint.admin(&["users", part, "sessions"], &[("q", part)]).unwrap();
            let expected = format!("https://id.example/admin/realms/w/users/{path}/sessions?q={query}");
            assert_eq!(url.as_str(), expected, "{part}");
            // What a server reads is what was meant.
            let read: Vec<_> = url.query_pairs().collect();
            assert_eq!(read, [("q".into(), part.into())]);
        }
    }

    #[test]
    fn a_subject_of_dots_is_no_part_of_a_path() {
        let endpoint = endpoint("https://id.example/realms/w", None).unwrap();
        for dots in [".", ".."] {
            let presented = Excerpt::of(&format!("users/{dots}"));
            assert_eq!(endpoint.admin(&["users", dots], &[]), Err(KeycloakFault::NotAPathPart { presented }));
        }
        assert!(endpoint.admin(&["users", "..."], &[]).is_ok());
    }
}
