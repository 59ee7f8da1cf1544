//! State `ExecutePayment`: executes a payment exactly as it was approved.

use claim_guard_lambda::{Error, Grant, TaskError, run};
use payment_tasks::{ApprovedPayment, Receipt};

async fn execute(grant: Grant, payment: ApprovedPayment) -> Result<Receipt, TaskError> {
    let ApprovedPayment { project_id, amount, currency, approval } = payment;
    if (approval.amount, &approval.currency) != (amount, &currency) {
        return Err(TaskError::named("Payment.NotAsApproved", "the approval is for another amount or currency"));
    }
    // A retry, a renewed statement and a redrive run this again, so the payment is named by its piece of work: the same one is the
    // same payment. The transaction would not do: all items of a Map, and nested executions, have the same.
    let key = grant.idempotency_key().ok_or_else(|| TaskError::named("Payment.NoWork", "no state acts"))?;
    Ok(Receipt {
        payment: format!("payment-{}", key.hex()),
        project_id,
        amount,
        currency,
        executed_for: grant.subject().to_string(),
    })
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    run("ExecutePayment", include_str!("../../../../access.toml"), execute).await
}
