//! What a verifier expects, parsed once.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::identifier::ClientId;

/// The clients whose tokens are accepted (`azp`); never empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientList(BTreeSet<ClientId>);

impl ClientList {
    /// A list; none without a client.
    pub fn new(clients: impl IntoIterator<Item = ClientId>) -> Option<Self> {
        let clients: BTreeSet<ClientId> = clients.into_iter().collect();
        (!clients.is_empty()).then_some(Self(clients))
    }

    /// Whether the client is in the list.
    pub fn contains(&self, client: &ClientId) -> bool {
        self.0.contains(client)
    }

    /// The client of that name, if it is in the list.
    pub(crate) fn named(&self, name: &str) -> Option<&ClientId> {
        self.0.get(name)
    }
}

/// How far two clocks may stand apart: 0 to 5 seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Leeway(u8);

impl Leeway {
    /// No leeway.
    pub const NONE: Self = Self(0);
    /// The most that is accepted.
    pub const MAX: Self = Self(5);

    /// A leeway; none over 5 seconds.
    pub fn seconds(seconds: u8) -> Option<Self> {
        (seconds <= Self::MAX.0).then_some(Self(seconds))
    }

    /// As a duration.
    pub fn duration(self) -> Duration {
        Duration::from_secs(u64::from(self.0))
    }
}
