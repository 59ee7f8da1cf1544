//! State `ScreenPayment`: looks one party of a payment up in a list.

use claim_guard_lambda::{Error, Grant, TaskError, run};
use payment_tasks::{PartyToScreen, Screening, ScreeningResult};

/// The sample's sanctions list.
const LISTED: [&str; 2] = ["listed-payer", "listed-payee"];

async fn screen(grant: Grant, item: PartyToScreen) -> Result<Screening, TaskError> {
    let listed = LISTED.contains(&item.party.as_str());
    let result = if listed { ScreeningResult::Hit } else { ScreeningResult::Clear };
    Ok(Screening { party: item.party, result, screened_for: grant.subject().to_string() })
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    run("ScreenPayment", include_str!("../../../../access.toml"), screen).await
}
