//! The names that weave writes, and those that it reads.

/// How the comment of every woven state begins. What bears it may be taken away again; nothing else is.
pub(super) const MARK: &str = "Woven: ";

/// Where the names of the guard's errors begin.
pub(super) const GUARD_ERRORS: &str = "ClaimGuard.";

/// The first state of a woven machine.
pub(super) const RECEIVE: &str = "ReceiveIdentity";

/// The end of a denied run, or the author's own denied path.
pub(super) const DENIED: &str = "IdentityDenied";

/// Names that are weave's in every machine.
pub(super) const RESERVED: [&str; 5] =
    [RECEIVE, "IdentityRejected", "GuardMisconfigured", "IdentityUndecided", REFUSAL_BESIDE_INPUT];

/// Where a JSONPath state's refusal is put into the input for the author's denied path.
pub(super) const REFUSAL_BESIDE_INPUT: &str = "RefusalBesideInput";

/// How the names of the variables begin that hold transaction tokens.
pub(super) const VARIABLES: &str = "transactionToken";

/// Where a JSONPath machine notes which state was refused.
pub(super) const REFUSED_AT: &str = "transactionTokenRefusedAt";

/// What Step Functions answers where an execution of that name is there already: after a redrive, or a time-out.
pub(super) const NAME_IS_TAKEN: &str = "StepFunctions.ExecutionAlreadyExistsException";

/// The most characters that Step Functions allows a state's name.
pub(super) const MAX_STATE_NAME: usize = 80;

/// Lambda's own passing errors (https://docs.aws.amazon.com/step-functions/latest/dg/bp-lambda-serviceexception.html).
pub(super) const LAMBDA_ERRORS: [&str; 4] = [
    "Lambda.ServiceException",
    "Lambda.AWSLambdaException",
    "Lambda.SdkClientException",
    "Lambda.TooManyRequestsException",
];

/// The variable that holds the token at a depth of Maps and Parallels. A branch may not assign an outer variable, nor one
/// of an outer variable's name, so each depth has its own.
pub(super) fn token_variable(depth: usize) -> String {
    numbered(VARIABLES, depth)
}

/// The member of an inline Map's item that holds its index, beside the author's part.
pub(super) const ITEM: &str = "transactionTokenItem";

/// The variable that holds which item of which Maps a scope is for; of the states on a loop each has its own, with its round.
pub(super) fn work_variable(depth: usize, looped: Option<usize>) -> String {
    of_loop("transactionTokenWork", depth, looped)
}

/// The variable that counts the rounds of a state.
pub(super) fn round_variable(depth: usize, looped: usize) -> String {
    of_loop("transactionTokenRound", depth, Some(looped))
}

fn of_loop(name: &str, depth: usize, looped: Option<usize>) -> String {
    let number = looped.map(|number| format!("_{number}")).unwrap_or_default();
    format!("{name}{depth}{number}")
}

/// The variable that holds a child execution's token and name.
pub(super) fn bound_variable(depth: usize) -> String {
    numbered("transactionTokenBound", depth)
}

/// How the names of the variables begin that hold a child execution's input.
pub(super) const INPUTS: &str = "transactionTokenInput";

/// The variable that holds a child execution's input.
pub(super) fn input_variable(depth: usize) -> String {
    numbered(INPUTS, depth)
}

/// The variable that holds the error of a state that waits for a callback, until it is known whose word it is.
pub(super) fn refusal_variable(depth: usize) -> String {
    numbered("transactionTokenRefusal", depth)
}

/// The variable that says since when is known what the token of a scope says, in milliseconds as the interpreter's clock has
/// them.
pub(super) fn since_variable(depth: usize) -> String {
    numbered("transactionTokenSince", depth)
}

fn numbered(name: &str, depth: usize) -> String {
    if depth == 0 { name.to_owned() } else { format!("{name}{depth}") }
}

pub(super) fn revalidate(state: &str) -> String {
    format!("Revalidate {state}")
}

pub(super) fn reconsider(state: &str) -> String {
    format!("Reconsider {state}")
}

/// Where it is looked whether a Map or Parallel had better begin with a new token.
pub(super) fn look_before(fan_out: &str) -> String {
    format!("Look before {fan_out}")
}

/// Where it is told whether a refusal is the guard's own.
pub(super) fn refusal_of(state: &str) -> String {
    format!("Refusal of {state}")
}

/// Where a child execution's input is evaluated.
pub(super) fn input_of(state: &str) -> String {
    format!("Input of {state}")
}

pub(super) fn bind(state: &str) -> String {
    format!("Bind {state}")
}

/// Where a round of a state is over.
pub(super) fn round_of(state: &str) -> String {
    format!("Round of {state}")
}

pub(super) fn receive(scope: &str) -> String {
    format!("{RECEIVE} {scope}")
}

pub(super) fn adopt(scope: &str) -> String {
    format!("Adopt identity {scope}")
}

/// A kind of refusal that ends a run, in the order in which they are caught.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum End {
    Denied,
    Rejected,
    Misconfigured,
    Undecided,
}

impl End {
    pub(super) const ALL: [Self; 4] = [Self::Denied, Self::Rejected, Self::Misconfigured, Self::Undecided];

    /// The guard's name of the error.
    pub(super) fn error(self) -> &'static str {
        match self {
            Self::Denied => "ClaimGuard.Denied",
            Self::Rejected => "ClaimGuard.Rejected",
            Self::Misconfigured => "ClaimGuard.Misconfigured",
            Self::Undecided => "ClaimGuard.Undecided",
        }
    }

    /// The state that it ends in: the machine's own, or one inside of a branch, which hands the error on to what is around.
    pub(super) fn state(self, scope: Option<&str>) -> String {
        let name = match self {
            Self::Denied => DENIED,
            Self::Rejected => "IdentityRejected",
            Self::Misconfigured => "GuardMisconfigured",
            Self::Undecided => "IdentityUndecided",
        };
        scope.map_or_else(|| name.to_owned(), |scope| format!("{name} {scope}"))
    }
}

/// What the guard says of an identity that is too old.
pub(super) const EXPIRED: &str = "ClaimGuard.IdentityExpired";
