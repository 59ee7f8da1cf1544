//! What is Keycloak's own in an access token: the kind, the roles, the scope.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use crate::claims::Role;
use crate::excerpt::Excerpt;
use crate::identifier::{ClientId, IdentifierError};
use crate::jws::{Members, Part};
use crate::token::rejection::Rejection;

/// Claims that an access token never has, by which another kind of token is known whatever its `typ` (RFC 8725 §3.12):
/// the hashes of an ID token (OpenID Connect Core §3.3.2.11), `events` of a logout token (RFC 8417 §2.2), a DPoP proof's
/// request (RFC 9449 §4.2), an introspection's answer (RFC 9701 §5), and the permissions of UMA, which are for the
/// resource server that granted them.
const FOREIGN_CLAIMS: [&str; 8] =
    ["at_hash", "c_hash", "s_hash", "events", "htm", "htu", "token_introspection", "authorization"];

/// Keycloak's payload `typ` tells its kinds of token apart; it writes `Bearer` in an access token, and compares it
/// without regard to case.
pub(crate) fn verify_kind(members: &Members<'_>) -> Result<(), Rejection> {
    let kind = members.text("typ")?;
    let bound = members.optional_object("cnf")?;
    match kind.to_ascii_lowercase().as_str() {
        "bearer" => {}
        "id" => return Err(Rejection::IdToken),
        "refresh" => return Err(Rejection::RefreshToken),
        "offline" => return Err(Rejection::OfflineToken),
        "dpop" => return Err(Rejection::DpopBoundToken),
        _ => return Err(Rejection::NotABearerToken { presented: Excerpt::of(kind) }),
    }
    if let Some(name) = FOREIGN_CLAIMS.into_iter().find(|name| members.has(name)) {
        return Err(Rejection::ForeignClaim { name });
    }
    match bound {
        None => {}
        Some(bound) if bound.contains_key("jkt") => return Err(Rejection::DpopBoundToken),
        Some(bound) if bound.contains_key("x5t#S256") => return Err(Rejection::CertificateBoundToken),
        Some(_) => return Err(Rejection::BoundToken),
    }
    if is_lightweight(members.text("jti")?) { Err(Rejection::LightweightToken) } else { Ok(()) }
}

/// The third and fourth letter before the `jti`'s colon name the kind: `onltro:…` is lightweight, `onrtro:…` regular.
fn is_lightweight(token_id: &str) -> bool {
    token_id.split_once(':').is_some_and(|(prefix, _)| prefix.len() == 6 && prefix.get(2..4) == Some("lt"))
}

/// `realm_access.roles` and `resource_access.CLIENT.roles`. Absent means none; of another shape means malformed.
pub(crate) fn roles(members: &Members<'_>) -> Result<BTreeSet<Role>, Rejection> {
    let mut roles = BTreeSet::new();
    if let Some(access) = members.optional_object("realm_access")? {
        for name in role_names(access)? {
            roles.extend(nameable(name, Role::realm(name))?);
        }
    }
    let Some(clients) = members.optional_object("resource_access")? else { return Ok(roles) };
    for (client, access) in clients {
        let Value::Object(access) = access else {
            return Err(members.wrong_type("resource_access", "an object of objects", access).into());
        };
        let client = nameable(client, ClientId::parse(client))?;
        for name in role_names(access)? {
            let role = client.clone().map(|client| nameable(name, Role::client(client, name))).transpose()?;
            roles.extend(role.flatten());
        }
    }
    Ok(roles)
}

fn role_names(access: &Map<String, Value>) -> Result<Vec<&str>, Rejection> {
    let members = Members::new(Part::Payload, access);
    if members.has("roles") { Ok(members.texts("roles")?) } else { Ok(Vec::new()) }
}

/// What no policy can name (an empty or an overlong text, or one with invisible characters) grants nothing, and takes
/// nothing from the rest. A control character has no business in a name.
fn nameable<T>(name: &str, parsed: Result<T, IdentifierError>) -> Result<Option<T>, Rejection> {
    if name.chars().any(char::is_control) {
        return Err(Rejection::MalformedRole { presented: Excerpt::of(name) });
    }
    Ok(parsed.ok())
}

/// RFC 6749 §3.3: words of printable ASCII without `"` and `\`, single spaces between them. Keycloak may write none.
pub(crate) fn verify_scope(members: &Members<'_>) -> Result<(), Rejection> {
    let Some(scope) = members.optional_text("scope")? else { return Ok(()) };
    let word = |word: &str| !word.is_empty() && word.chars().all(|c| c.is_ascii_graphic() && c != '"' && c != '\\');
    if scope.is_empty() || scope.split(' ').all(word) {
        Ok(())
    } else {
        Err(Rejection::MalformedScope { presented: Excerpt::of(scope) })
    }
}
