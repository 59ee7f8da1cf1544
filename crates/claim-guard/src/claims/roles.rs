//! The roles of a subject.

use std::collections::BTreeSet;
use std::sync::OnceLock;

use crate::claims::claim_tree::ClaimTree;
use crate::claims::role::Role;
use crate::identifier::ClientId;
use crate::json::{Json, Object};

/// Roles as a set, or, as long as nobody asks for all of them, where an access token's claims state them:
/// `realm_access.roles` and `resource_access.CLIENT.roles`.
///
/// What no policy can name (an empty or an overlong text, or one with invisible characters) is no role.
#[derive(Debug)]
pub(crate) struct Roles(OnceLock<BTreeSet<Role>>);

impl Roles {
    /// Those that the claims state.
    pub(crate) fn as_claimed() -> Self {
        Self(OnceLock::new())
    }

    pub(super) fn contains(&self, role: &Role, claims: &ClaimTree) -> bool {
        match self.0.get() {
            Some(roles) => roles.contains(role),
            None => is_claimed(role, claims.members()),
        }
    }

    pub(super) fn all(&self, claims: &ClaimTree) -> &BTreeSet<Role> {
        self.0.get_or_init(|| claimed(claims.members()))
    }
}

impl FromIterator<Role> for Roles {
    fn from_iter<I: IntoIterator<Item = Role>>(roles: I) -> Self {
        Self(OnceLock::from(BTreeSet::from_iter(roles)))
    }
}

fn is_claimed(role: &Role, claims: Object<'_>) -> bool {
    let (access, name) = match role {
        Role::Realm { name } => (claims.get("realm_access"), name),
        Role::Client { client, name } => (member(claims.get("resource_access"), client.as_str()), name),
    };
    names(access).any(|presented| presented == name)
}

fn claimed(claims: Object<'_>) -> BTreeSet<Role> {
    let of_realm = names(claims.get("realm_access")).filter_map(|name| Role::realm(name).ok());
    let clients = claims.get("resource_access").and_then(Json::object).unwrap_or_default();
    let of_clients = clients.iter().filter_map(|(client, access)| Some((ClientId::parse(client).ok()?, access)));
    let of_clients = of_clients.flat_map(|(client, access)| {
        names(Some(access)).filter_map(move |name| Role::client(client.clone(), name).ok())
    });
    of_realm.chain(of_clients).collect()
}

fn names<'a>(access: Option<Json<'a>>) -> impl Iterator<Item = &'a str> {
    let names = member(access, "roles").and_then(Json::array);
    names.into_iter().flat_map(|names| names.iter()).filter_map(Json::text)
}

fn member<'a>(value: Option<Json<'a>>, name: &str) -> Option<Json<'a>> {
    value?.object()?.get(name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::Document;

    fn claims(text: &str) -> ClaimTree {
        ClaimTree::assertion(Document::object(text.as_bytes().to_vec()).expect("an object"))
    }

    #[test]
    fn a_role_is_claimed_if_it_is_one_of_all() {
        #[track_caller]
        fn check(text: &str, expected: &[&str]) {
            let (claims, roles) = (claims(text), Roles::as_claimed());
            let read = |role: &&str| Role::parse(role).expect("a role");
            let asked = ["realm:a", "realm:b", "app:a", "app:b", "other%3A1:a", "%72ealm:a"];
            let of = |roles: &Roles| -> Vec<&str> {
                asked.iter().filter(|role| roles.contains(&read(role), &claims)).copied().collect()
            };
            assert_eq!(of(&roles), expected, "{text}");
            let all: Vec<String> = roles.all(&claims).iter().map(ToString::to_string).collect();
            assert_eq!(all, expected, "{text}");
            assert_eq!(of(&roles), expected, "{text}");
        }
        check("{}", &[]);
        check(r#"{"realm_access":{},"resource_access":{"app":{}}}"#, &[]);
        check(r#"{"realm_access":{"roles":["b","a","a"]}}"#, &["realm:a", "realm:b"]);
        check(r#"{"resource_access":{"app":{"roles":["b"]},"other:1":{"roles":["a"]}}}"#, &["app:b", "other%3A1:a"]);
        check(r#"{"resource_access":{"realm":{"roles":["a"]}}}"#, &["%72ealm:a"]);
        check(
            r#"{"realm_access":{"roles":["","\u202e"]},"resource_access":{"":{"roles":["a"]},"app":{"roles":[""]}}}"#,
            &[],
        );
    }

    #[test]
    fn roles_of_a_set_are_not_read_from_the_claims() {
        let (a, b) = (Role::realm("a").expect("a role"), Role::realm("b").expect("a role"));
        let claims = claims(r#"{"realm_access":{"roles":["b"]}}"#);
        let roles: Roles = [a.clone()].into_iter().collect();
        assert!(roles.contains(&a, &claims) && !roles.contains(&b, &claims));
        assert_eq!(roles.all(&claims), &BTreeSet::from([a]));
    }
}
