//! What an execution says of itself whose transaction token is signed by a key that the stack has forgotten.

use crate::claims::Identity;
use crate::identifier::{ClientId, Digest, KeyId, TransactionId};
use crate::jws::{Algorithm, UntrustedHeader};
use crate::transaction::acting::StatementMark;
use crate::transaction::binding::PresentedAt;
use crate::transaction::token::{TRANSACTION_TOKEN_TYPES, TransactionToken};
use crate::transaction::verify::{StaleTransaction, TransactionVerifier, verify_binding, verify_lifetime};
use crate::unix_time::UnixTime;

/// The statement of a transaction token that nothing proves any more: it reads like one of this stack for this execution, and
/// names a key that is not in the stack's set.
///
/// It is what is left of an ordinary statement once its key is forgotten. Nobody acts on it: no guard takes it, and it is no
/// [`StaleTransaction`].
///
/// ```compile_fail
/// fn proven(claim: claim_guard::transaction::UntrustedTransaction) -> claim_guard::transaction::StaleTransaction {
///     claim.into()
/// }
/// ```
#[derive(Debug)]
pub struct UntrustedTransaction {
    key_id: KeyId,
    claimed: StaleTransaction,
}

impl UntrustedTransaction {
    /// The key that it names.
    pub fn key_id(&self) -> &KeyId {
        &self.key_id
    }

    /// Whom the token speaks of, if it is true.
    pub(crate) fn claimed_identity(&self) -> &Identity {
        self.claimed.identity()
    }

    /// The client that the starter used, if it is true.
    pub fn claimed_client(&self) -> &ClientId {
        self.claimed.identity().client()
    }

    /// The transaction that began with it, if it is true.
    pub fn claimed_transaction(&self) -> Option<&TransactionId> {
        self.claimed.identity().transaction()
    }

    /// What the execution was started with, if it is true.
    pub fn claimed_input_digest(&self) -> &Digest {
        self.claimed.input_digest()
    }
}

impl TransactionVerifier {
    /// What a token claims that only lacks a key of ours: everything in it is as this stack mints it for this execution, and
    /// the key that it names is in no set of ours.
    ///
    /// None for every other token, and so for one that has been altered, or is of another stack or execution, under a key
    /// that we know: that one is refuted, and not merely unproven.
    pub fn untrusted_of_forgotten_key(
        &self,
        token: &TransactionToken,
        at: &PresentedAt,
        now: UnixTime,
    ) -> Option<UntrustedTransaction> {
        let compact = token.compact().ok()?;
        let UntrustedHeader { algorithm, key_id } = compact.untrusted_header(TRANSACTION_TOKEN_TYPES).ok()?;
        if algorithm != Algorithm::Es256 || self.knows(&key_id) {
            return None;
        }
        let mark = StatementMark::of(compact.signature())?;
        let claimed = self.read(&compact.untrusted_payload()?, mark, now).ok()?;
        verify_binding(&claimed, at).ok()?;
        Some(UntrustedTransaction { key_id, claimed: verify_lifetime(claimed).ok()? })
    }
}
