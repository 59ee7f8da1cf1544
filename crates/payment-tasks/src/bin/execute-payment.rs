//! State `ExecutePayment`: executes a payment exactly as it was approved.

use claim_guard_lambda::{Error, Grant, TaskError, run};
use payment_tasks::{ApprovedPayment, Receipt};

async fn execute(grant: Grant, payment: ApprovedPayment) -> Result<Receipt, TaskError> {
    let ApprovedPayment { project_id, amount, currency, approval } = payment;
    if (approval.amount, &approval.currency) != (amount, &currency) {
        return Err(TaskError::named("Payment.NotAsApproved", "the approval is for another amount or currency"));
    }
    // A retry runs this again, so the payment is named by its transaction: the same one is the same payment.
    let transaction = grant.transaction().ok_or_else(|| TaskError::named("Payment.NoTransaction", "no transaction"))?;
    Ok(Receipt {
        payment: format!("payment-{transaction}"),
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
