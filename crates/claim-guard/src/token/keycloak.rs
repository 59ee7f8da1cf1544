//! What is Keycloak's own in an access token: the kind, the roles, the scope.

use crate::excerpt::Excerpt;
use crate::identifier::{Scope, is_printable_ascii};
use crate::json::{Json, Object};
use crate::json::{Members, Part};

use crate::token::rejection::Rejection;

/// The hashes of an ID token (OpenID Connect Core §3.3.2.11): whatever their value, no access token has them.
const HASHES: [&str; 3] = ["at_hash", "c_hash", "s_hash"];

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
    if let Some(name) = foreign_claim(members) {
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

/// The claim by which another kind of token is known whatever its `typ` (RFC 8725 §3.12), if there is one.
///
/// A realm may map an attribute of its own to almost any name, so a name alone tells little: what counts is the shape
/// that the other kind gives the claim.
fn foreign_claim(members: &Members<'_>) -> Option<&'static str> {
    let has_member = |name: &str, member: &str| object(members, name).is_some_and(|value| value.has(member));
    if let Some(name) = HASHES.into_iter().find(|name| members.has(name)) {
        return Some(name);
    }
    // RFC 8417 §2.2: an event, so also a logout, is named by a URI.
    if object(members, "events").is_some_and(|events| events.iter().any(|(name, _)| is_uri(name))) {
        return Some("events");
    }
    // RFC 9449 §4.2: a proof has both. It is signed by its client, so the realm's signature speaks against it already.
    if is_text(members, "htm") && is_text(members, "htu") {
        return Some("htm");
    }
    // RFC 9701 §5 with RFC 7662 §2.2: an introspection's answer says whether the token is active.
    if has_member("token_introspection", "active") {
        return Some("token_introspection");
    }
    // UMA: what a resource server has granted, for itself.
    has_member("authorization", "permissions").then_some("authorization")
}

/// Whether no access token has anything at that path, because a token that has is of another kind.
pub(crate) fn is_of_another_kind(path: &[&str]) -> bool {
    match path {
        ["events", event, ..] => is_uri(event),
        ["token_introspection", "active", ..] | ["authorization", "permissions", ..] => true,
        [name, ..] => HASHES.contains(name),
        [] => false,
    }
}

fn object<'a>(members: &Members<'a>, name: &str) -> Option<Object<'a>> {
    members.get(name)?.object()
}

fn is_text(members: &Members<'_>, name: &str) -> bool {
    members.get(name).and_then(Json::text).is_some()
}

/// An address, or a name of a namespace: a colon alone is in many a name of a realm's own.
fn is_uri(name: &str) -> bool {
    let scheme = |scheme: &str| name.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme));
    ["http://", "https://", "urn:"].into_iter().any(scheme)
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

/// RFC 6749 §3.3. Keycloak may write an empty text where there is no word.
pub(crate) fn scope(members: &Members<'_>) -> Result<Option<Scope>, Rejection> {
    let malformed = |scope| Rejection::MalformedScope { presented: Excerpt::of(scope) };
    let Some(scope) = members.optional_text("scope")?.filter(|scope| !scope.is_empty()) else { return Ok(None) };
    Scope::parse(scope).map(Some).map_err(|_| malformed(scope))
}
