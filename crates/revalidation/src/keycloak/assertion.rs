//! What we tell Keycloak about ourselves: a client assertion in place of a secret.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use claim_guard::UnixTime;
use claim_guard::identifier::{ClientId, Issuer, KeyId};
use claim_guard::jws::fixed_from_der;
use serde_json::{Value, json};

use crate::keycloak::fault::KeycloakFault;
use crate::realm::Assertions;

/// How long an assertion may be presented; it is presented at once. Keycloak takes no longer one.
const LIFETIME_SECONDS: i64 = 60;

/// The client of the realm that we are, and the name of the key that proves it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ServiceClient {
    /// Its client id.
    pub(super) id: ClientId,
    /// The `kid` under which the realm knows its key.
    pub(super) key_id: KeyId,
}

impl ServiceClient {
    /// A new assertion for that realm, signed (RFC 7523 §3). It is good for one token: a realm refuses it the second time.
    ///
    /// # Errors
    /// [`KeycloakFault`] if there is no random number for it, or no signature.
    pub(super) async fn assertion(
        &self,
        realm: &Issuer,
        signer: &impl Assertions,
        now: UnixTime,
    ) -> Result<String, KeycloakFault> {
        let jti = minting::hex(&minting::random().map_err(|_| KeycloakFault::NoRandom)?);
        let signing_input = self.signing_input(realm, &jti, now);
        let der = signer.sign(signing_input.as_bytes()).await.map_err(KeycloakFault::Unsigned)?;
        let signature = fixed_from_der(&der).map_err(KeycloakFault::MalformedSignature)?;
        Ok(format!("{signing_input}.{}", URL_SAFE_NO_PAD.encode(signature)))
    }

    fn signing_input(&self, realm: &Issuer, jti: &str, now: UnixTime) -> String {
        let header = json!({ "alg": "ES256", "kid": self.key_id.as_str(), "typ": "JWT" });
        let payload = json!({
            // RFC 7523 §3: 1 and 2.B, who is speaking, and of whom.
            "iss": self.id.as_str(),
            "sub": self.id.as_str(),
            // 3: to whom. The issuer rather than the token endpoint, so that no other server can use what it is sent.
            "aud": realm.as_str(),
            "jti": jti,
            "iat": now.seconds(),
            "exp": now.seconds().saturating_add(LIFETIME_SECONDS),
        });
        let encoded = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        format!("{}.{}", encoded(&header), encoded(&payload))
    }
}
