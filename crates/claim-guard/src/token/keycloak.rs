//! What is Keycloak's own in an access token: the kind, the roles, the scope.

use crate::document::{Json, Object};
use crate::excerpt::Excerpt;
use crate::identifier::{Scope, is_printable_ascii};
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
    if !kind.eq_ignore_ascii_case("bearer") {
        return Err(match kind.to_ascii_lowercase().as_str() {
            "id" => Rejection::IdToken,
            "refresh" => Rejection::RefreshToken,
            "offline" => Rejection::OfflineToken,
            "dpop" => Rejection::DpopBoundToken,
            _ => Rejection::NotABearerToken { presented: Excerpt::of(kind) },
        });
    }
    if let Some(name) = FOREIGN_CLAIMS.into_iter().find(|name| members.has(name)) {
        return Err(Rejection::ForeignClaim { name });
    }
    match bound {
        None => {}
        Some(bound) if bound.has("jkt") => return Err(Rejection::DpopBoundToken),
        Some(bound) if bound.has("x5t#S256") => return Err(Rejection::CertificateBoundToken),
        Some(_) => return Err(Rejection::BoundToken),
    }
    if is_lightweight(members.text("jti")?) { Err(Rejection::LightweightToken) } else { Ok(()) }
}

/// The third and fourth letter before the `jti`'s colon name the kind: `onltro:…` is lightweight, `onrtro:…` regular.
fn is_lightweight(token_id: &str) -> bool {
    token_id.split_once(':').is_some_and(|(prefix, _)| prefix.len() == 6 && prefix.get(2..4) == Some("lt"))
}

/// `realm_access.roles` and `resource_access.CLIENT.roles`. Absent means none; of another shape means malformed. What
/// they grant is read from the claims when it is asked for.
pub(crate) fn verify_roles(members: &Members<'_>) -> Result<(), Rejection> {
    if let Some(access) = members.optional_object("realm_access")? {
        verify_role_names(access)?;
    }
    let Some(clients) = members.optional_object("resource_access")? else { return Ok(()) };
    let faults = clients.iter().filter_map(|(client, access)| {
        let fault = verify_client_roles(members, client, access).err()?;
        Some((client, fault))
    });
    // By name, so that of several faults the same one is named, in whatever order they were written.
    faults.min_by_key(|(client, _)| *client).map_or(Ok(()), |(_, fault)| Err(fault))
}

fn verify_client_roles(members: &Members<'_>, client: &str, access: Json<'_>) -> Result<(), Rejection> {
    let access =
        access.object().ok_or_else(|| members.wrong_type("resource_access", "an object of objects", access))?;
    verify_name(client)?;
    verify_role_names(access)
}

fn verify_role_names(access: Object<'_>) -> Result<(), Rejection> {
    let members = Members::new(Part::Payload, access);
    members.optional_texts("roles")?.map_or(Ok(()), |mut names| names.try_for_each(verify_name))
}

/// A control character has no business in a name.
fn verify_name(name: &str) -> Result<(), Rejection> {
    if !is_printable_ascii(name) && name.chars().any(char::is_control) {
        return Err(Rejection::MalformedRole { presented: Excerpt::of(name) });
    }
    Ok(())
}

/// RFC 6749 §3.3: words of printable ASCII without `"` and `\`, single spaces between them. Keycloak may write none.
///
/// One that is longer than an identifier is passed over: it grants nothing.
pub(crate) fn scope(members: &Members<'_>) -> Result<Option<Scope>, Rejection> {
    let Some(scope) = members.optional_text("scope")? else { return Ok(None) };
    let word = |word: &[u8]| {
        !word.is_empty() && word.iter().all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'\\'))
    };
    if scope.is_empty() || scope.as_bytes().split(|byte| *byte == b' ').all(word) {
        Ok(Scope::parse(scope).ok())
    } else {
        Err(Rejection::MalformedScope { presented: Excerpt::of(scope) })
    }
}
