//! Statement → transaction token.

use claim_guard::audit::Reason;
use claim_guard::mint::{MintError, UnsignedTransactionToken};
use claim_guard::revalidation::{RenewedStatement, Withdrawals};
use claim_guard::transaction::PresentedAt;
use claim_guard::{TransactionToken, UnixTime};
use minting::{ServiceError, Signer};

use crate::revalidation::{Revalidation, Unrenewed};

impl<R, S: Signer, C, E> Revalidation<R, S, C, E> {
    /// Signs a statement, and sees that a guard will take it.
    ///
    /// # Errors
    /// [`Unrenewed`] if no execution could carry it, KMS does not sign, or what comes of it is no token that the guards of this
    /// stack take.
    pub(crate) async fn signed(
        &self,
        statement: &RenewedStatement,
        now: UnixTime,
    ) -> Result<TransactionToken, Unrenewed> {
        let unsigned = UnsignedTransactionToken::renewed(statement, &self.trust_domain, &self.key_id);
        unsigned.carriable().map_err(Withdrawals::not_carried)?;
        let signature = self.outside.signer.sign(unsigned.signing_input()).await?;
        let refused = |error: MintError| ServiceError::Misconfigured(Reason::new(error.code(), &error));
        let token = unsigned.seal(&signature).map_err(refused)?;
        let binding = statement.binding();
        let at = PresentedAt {
            workflow: binding.workflow.clone(),
            execution: binding.execution.clone(),
            state_machine: binding.execution.state_machine(),
            redrive_count: binding.redrive_count,
        };
        // A guard would find out too late that KMS signs with another key than the one which the stack publishes.
        match self.transactions.verify_whatever_age(&token, &at, now) {
            Ok(_) => Ok(token),
            Err(rejection) => Err(ServiceError::Misconfigured(Reason::new("minted_token_rejected", &rejection)).into()),
        }
    }
}
