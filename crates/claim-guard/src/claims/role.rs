//! Roles as Keycloak structures them: of the realm, or of one client.

use std::fmt;

use crate::identifier::{ClientId, IdentifierError, printable};

/// A role that Keycloak granted, compared byte by byte.
///
/// Its text is `realm:NAME` or `CLIENT:NAME`, where `%` and `:` in the client id are written `%25` and `%3A`, and a
/// client called `realm` is written `%72ealm`. So the text means one role only, whatever the client is called.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// A role of the realm (`realm_access.roles`).
    Realm {
        /// The role's name.
        name: String,
    },
    /// A role of a client (`resource_access.CLIENT.roles`).
    Client {
        /// The client that the role belongs to.
        client: ClientId,
        /// The role's name.
        name: String,
    },
}

impl Role {
    /// A role of the realm.
    ///
    /// # Errors
    /// [`IdentifierError`] if the name is empty, over 256 bytes or not printable.
    pub fn realm(name: &str) -> Result<Self, IdentifierError> {
        Ok(Self::Realm { name: role_name(name)? })
    }

    /// A role of a client.
    ///
    /// # Errors
    /// [`IdentifierError`] if the name is empty, over 256 bytes or not printable.
    pub fn client(client: ClientId, name: &str) -> Result<Self, IdentifierError> {
        Ok(Self::Client { client, name: role_name(name)? })
    }

    /// Parses a role's text, as it stands in `access.toml` and in transaction tokens.
    ///
    /// # Errors
    /// [`IdentifierError`] if there is no `:`, an escape that this type would not write, or a part that is no identifier.
    pub fn parse(text: &str) -> Result<Self, IdentifierError> {
        let shape = IdentifierError::WrongShape { kind: "role", expected: "realm:NAME or CLIENT:NAME" };
        let (owner, name) = text.split_once(':').ok_or(shape.clone())?;
        let role = if owner == "realm" {
            Self::realm(name)?
        } else {
            let client = owner.replace("%72ealm", "realm").replace("%3A", ":").replace("%25", "%");
            Self::client(ClientId::parse(&client)?, name)?
        };
        if role.to_string() == text { Ok(role) } else { Err(shape) }
    }
}

/// The rule of every identifier; a role's name has no type of its own because it means nothing without its owner.
fn role_name(name: &str) -> Result<String, IdentifierError> {
    printable("role", name)?;
    Ok(name.to_owned())
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Realm { name } => write!(f, "realm:{name}"),
            Self::Client { client, name } if client.as_str() == "realm" => write!(f, "%72ealm:{name}"),
            Self::Client { client, name } => {
                let escaped = client.as_str().replace('%', "%25").replace(':', "%3A");
                write!(f, "{escaped}:{name}")
            }
        }
    }
}
