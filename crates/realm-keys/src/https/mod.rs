//! Discovery and JWK set over HTTPS, within one deadline.

#[cfg(test)]
mod tests;

use std::time::Duration;

use claim_guard::RealmKeySet;

use crate::endpoint::RealmEndpoint;
use crate::endpoint_error::EndpointError;
use crate::exchange::{BoundedClient, Document, Request};
use crate::key_source::{Fetching, KeySource};
use crate::unavailable::KeysUnavailable;

/// How long discovery and JWK set may take together.
pub(crate) const DEADLINE: Duration = Duration::from_secs(3);
/// The share of the deadline that one connection, TLS included, may take: a third.
const CONNECT_SHARE: u32 = 3;
/// The most bytes of a discovery document; Keycloak's has about 7 KiB.
const DISCOVERY_LIMIT: usize = 64 * 1024;
/// The most bytes of a JWK set; Keycloak's has 1 to 2 KiB a key.
const KEY_SET_LIMIT: usize = 256 * 1024;

/// The realm itself.
pub(crate) struct HttpsSource {
    client: BoundedClient,
    endpoint: RealmEndpoint,
    deadline: Duration,
}

impl HttpsSource {
    pub(crate) fn new(endpoint: RealmEndpoint, deadline: Duration) -> Result<Self, EndpointError> {
        let client = BoundedClient::new(endpoint.ca(), deadline / CONNECT_SHARE)?;
        Ok(Self { client, endpoint, deadline })
    }

    async fn key_set(&self) -> Result<RealmKeySet, KeysUnavailable> {
        let discovery = Request::get(Document::Discovery, self.endpoint.discovery().clone(), DISCOVERY_LIMIT);
        let discovery = self.client.exchange(discovery).await?.body;
        let key_set = Request::get(Document::KeySet, self.endpoint.key_uri_in(&discovery)?, KEY_SET_LIMIT);
        let key_set = self.client.exchange(key_set).await?.body;
        RealmKeySet::parse(&key_set).map_err(|fault| KeysUnavailable::KeySet { fault })
    }
}

impl KeySource for HttpsSource {
    fn fetch(&self) -> Fetching<'_> {
        Box::pin(async {
            let timeout = KeysUnavailable::Timeout { deadline: self.deadline };
            tokio::time::timeout(self.deadline, self.key_set()).await.unwrap_or(Err(timeout))
        })
    }
}
