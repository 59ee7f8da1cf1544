//! What the sample workflow's tasks hand to each other. The tasks themselves are the binaries in `src/bin`, one a state.
//!
//! They call nobody: what they decide follows from their input and from the grant.

use serde::{Deserialize, Serialize};

/// One party of a payment, as the state machine hands it to a screening.
#[derive(Debug, Deserialize)]
pub struct PartyToScreen {
    /// The party's name.
    pub party: String,
}

/// What a screening found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ScreeningResult {
    /// Nothing speaks against the party.
    Clear,
    /// The party is listed.
    Hit,
}

/// The screening of one party.
#[derive(Debug, Deserialize, Serialize)]
pub struct Screening {
    /// The party's name.
    pub party: String,
    /// What was found.
    pub result: ScreeningResult,
    /// On whose behalf it was done: the grant's subject.
    pub screened_for: String,
}

/// A payment as its starter asked for it, with its screenings.
#[derive(Debug, Deserialize)]
pub struct ScreenedPayment {
    /// In minor units of the currency: 1200 is 12.00 EUR.
    pub amount: u64,
    /// ISO 4217.
    pub currency: String,
    /// Who takes part in it.
    pub parties: Vec<String>,
    /// One screening for each party.
    pub screenings: Vec<Screening>,
}

/// The approval of a payment.
#[derive(Debug, Deserialize, Serialize)]
pub struct Approval {
    /// The amount that was approved, in minor units.
    pub amount: u64,
    /// Its currency.
    pub currency: String,
    /// On whose behalf it was done: the grant's subject.
    pub approved_for: String,
}

/// A payment with its approval.
#[derive(Debug, Deserialize)]
pub struct ApprovedPayment {
    /// The project that pays.
    pub project_id: String,
    /// In minor units of the currency.
    pub amount: u64,
    /// ISO 4217.
    pub currency: String,
    /// What `ApprovePayment` answered.
    pub approval: Approval,
}

/// The receipt of a payment.
#[derive(Debug, Serialize)]
pub struct Receipt {
    /// One payment for each piece of work: a retry gives the same receipt, another item of a Map another one.
    pub payment: String,
    /// The project that has paid.
    pub project_id: String,
    /// In minor units of the currency.
    pub amount: u64,
    /// ISO 4217.
    pub currency: String,
    /// On whose behalf it was done: the grant's subject.
    pub executed_for: String,
}
