//! State `ApprovePayment`: approves a payment whose parties are all clear and whose amount is below the limit.

use claim_guard_lambda::{Error, Grant, TaskError, run};
use payment_tasks::{Approval, ScreenedPayment, ScreeningResult};

/// In minor units of the currency.
const LIMIT: u64 = 10_000_000;

async fn approve(grant: Grant, payment: ScreenedPayment) -> Result<Approval, TaskError> {
    let ScreenedPayment { amount, currency, parties, screenings } = payment;
    let clear = |party: &String| {
        screenings.iter().any(|screening| screening.party == *party && screening.result == ScreeningResult::Clear)
    };
    if !parties.iter().all(clear) {
        return Err(TaskError::named("Payment.PartyNotClear", "not every party was screened and is clear"));
    }
    if amount > LIMIT {
        return Err(TaskError::named("Payment.LimitExceeded", format_args!("the limit is `{LIMIT}`")));
    }
    Ok(Approval { amount, currency, approved_for: grant.subject().to_string() })
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    run("ApprovePayment", include_str!("../../../../access.toml"), approve).await
}
