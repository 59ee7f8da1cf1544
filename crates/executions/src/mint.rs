//! Grant → transaction token.

use claim_guard::audit::Reason;
use claim_guard::decision::Grant;
use claim_guard::identifier::{Digest, ExecutionArn, TransactionId};
use claim_guard::mint::{MintError, Minting, UnsignedTransactionToken};
use claim_guard::transaction::{Binding, CarryError};
use claim_guard::{TransactionToken, UnixTime};
use minting::{ServiceError, hex};

use crate::attribution::presented;
use crate::executions::{Declared, Executions};
use crate::services::Services;

/// Why no transaction token was minted.
pub(crate) enum Unminted {
    /// It says more than an execution can carry.
    NotCarried(CarryError),
    /// Nobody signs it, or what is signed is wrong.
    Failed(ServiceError),
}

impl From<ServiceError> for Unminted {
    fn from(failure: ServiceError) -> Self {
        Self::Failed(failure)
    }
}

/// A transaction token that the guards of this stack take.
pub(crate) struct Minted {
    pub(crate) token: TransactionToken,
    pub(crate) transaction: TransactionId,
}

impl<O: Services> Executions<O> {
    /// Mints the statement that travels in the execution in place of the access token.
    pub(crate) async fn mint(
        &self,
        grant: &Grant,
        workflow: &Declared<'_>,
        execution: &ExecutionArn,
        input: &Digest,
        now: UnixTime,
    ) -> Result<Minted, Unminted> {
        let bits = self.outside.random().map_err(|error| ServiceError::Undecided(Reason::new("no_random", &error)))?;
        let transaction = TransactionId::parse(&hex(&bits))
            .map_err(|error| ServiceError::Misconfigured(Reason::new("malformed_transaction_id", &error)))?;
        let minting = Minting {
            trust_domain: self.trust_domain.clone(),
            key_id: self.key_id.clone(),
            transaction: transaction.clone(),
            lifetime: workflow.rules.lifetime_at(now, now),
            now,
        };
        let name = workflow.rules.name();
        let binding = Binding { workflow: name.clone(), execution: execution.clone(), redrive_count: 0 };
        let unsigned = UnsignedTransactionToken::at_start(grant, &binding, input, &minting);
        unsigned.carriable().map_err(Unminted::NotCarried)?;
        let signature = self.outside.sign(unsigned.signing_input()).await?;
        let refused = |error: MintError| ServiceError::Misconfigured(Reason::new(error.code(), &error));
        let token = unsigned.seal(&signature).map_err(refused)?;
        // A guard would find out too late that KMS signs with another key than the one which the stack publishes.
        match self.transactions.verify_whatever_age(&token, &presented(name, execution), now) {
            Ok(_) => Ok(Minted { token, transaction }),
            Err(rejection) => Err(ServiceError::Misconfigured(Reason::new("minted_token_rejected", &rejection)).into()),
        }
    }
}
