//! What a payment that was held asks of Keycloak, by the woven state machine that is deployed.

use std::fmt::Write as _;

use serde_json::{Value, json};
use state_machine_interpreter::{Call, Engine, Execution, ExecutionFailure, Place, World, execute};

const MACHINE: &str = include_str!("../../../../statemachines/payment.asl.json");
/// Where the machine looks at the token's age: it renews the token, or goes on by default.
const LOOK: &str = "Look before ScreenParties";
/// Realm, client, user, session, and what a token of now would say. `revalidation` asks all of them anew each time.
const QUESTIONS: u32 = 5;
/// Before a start: the same without the last, which the access token has just said.
const QUESTIONS_BEFORE_START: u32 = 4;
/// More than a payment takes.
const STEPS: u64 = 1000;

/// What is done about branches that all begin with the same old token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Branches {
    /// Each has it renewed for itself, as if the machine did not look at its age.
    Apart,
    /// It is renewed once before, as the machine is woven.
    Together,
}

/// What an execution of the sample costs others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cost {
    /// Calls of `revalidation` by the state machine.
    pub renewals: u32,
    /// Requests to Keycloak.
    pub questions: u32,
    /// TLS connections to Keycloak.
    pub connections: u32,
    /// Signatures of KMS: one at the start, one for each renewal.
    pub signatures: u32,
}

/// What a payment with so many parties costs that was held for longer than its first token may be acted on, or not at all.
pub fn payment(parties: u32, is_held: bool, branches: Branches) -> Cost {
    let machine: Value = serde_json::from_str(MACHINE).unwrap();
    assert!(machine["States"][LOOK].is_object(), "the machine looks at the token's age");
    let parties: Vec<u32> = (0..parties).collect();
    let payment = json!({ "project_id": "apollo", "amount": 1200, "currency": "EUR", "parties": parties });
    let input = json!({ "transactionToken": "first", "input": payment });
    let mut stack = Stack { is_held, branches, renewals: 0 };
    let execution = Execution { id: "payment".to_owned(), machine: "payment".to_owned(), input };
    execute(&machine, execution, &mut stack, &Engine::as_documented(STEPS)).unwrap();
    let renewals = stack.renewals;
    // The questions before a start are asked on one connection, and so are those of a renewal.
    let questions = QUESTIONS_BEFORE_START + renewals * QUESTIONS;
    Cost { renewals, questions, connections: 1 + renewals, signatures: 1 + renewals }
}

/// The functions of a stack, as far as it matters who asks for a new token.
struct Stack {
    is_held: bool,
    branches: Branches,
    renewals: u32,
}

impl World for Stack {
    fn call(&mut self, called: &Call<'_>) -> Result<Value, ExecutionFailure> {
        let arguments = called.arguments;
        let is_first = arguments["Payload"]["transactionToken"] == "first";
        if arguments["FunctionName"] == "${RevalidationFunctionArn}" {
            self.renewals += 1;
            return Ok(json!({ "Payload": { "transactionToken": format!("renewed {}", self.renewals) } }));
        }
        if called.place.state == "ScreenPayment" && is_first && self.is_held {
            return Err(ExecutionFailure::new("ClaimGuard.IdentityExpired", "too old"));
        }
        Ok(json!({ "Payload": {} }))
    }

    /// The interpreter's clock does not wait for a hold, so what it would show is said here.
    fn choose(&mut self, place: &Place<'_>, _: usize) -> Option<usize> {
        let renews = self.is_held && self.branches == Branches::Together;
        (place.state == LOOK).then_some(usize::from(!renews))
    }
}

/// The table of payments.
pub fn table() -> String {
    let mut text = format!(
        "{:<52}{:>12}{:>12}{:>12}{:>12}",
        "one payment of the sample", "renewals", "questions", "connections", "signatures"
    );
    for (title, parties, is_held, branches) in [
        ("  2 parties, not held", 2, false, Branches::Together),
        ("  2 parties, held for 31 s", 2, true, Branches::Together),
        ("  20 parties, not held", 20, false, Branches::Together),
        ("  20 parties, held for 31 s", 20, true, Branches::Together),
        ("  the same, each branch for itself", 20, true, Branches::Apart),
    ] {
        let Cost { renewals, questions, connections, signatures } = payment(parties, is_held, branches);
        let _ = write!(text, "\n{title:<52}{renewals:>12}{questions:>12}{connections:>12}{signatures:>12}");
    }
    text.push_str(
        "\n  and one question with one signature in 4½ minutes for each warm `revalidation`, for a token of its own",
    );
    text
}
