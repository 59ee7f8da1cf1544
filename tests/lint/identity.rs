//! Identity in the workflow: one variable, which only guards read.

use crate::check;

#[test]
fn j9_execution_comes_from_the_context_object() {
    check(
        "j9_execution_from_the_input.json",
        &[
            "States.Pay.Arguments.Payload.context.execution: `{% $states.input.execution %}` instead of `{% $states.context.Execution.Id %}`",
            "States.Pay.Arguments.Payload.context.state: missing; `{% $states.context.State.Name %}` has to stand here",
            "States.Pay.Arguments.Payload.work: `{% $states.input.work %}` instead of what weave counts",
        ],
    );
    check(
        "j9_execution_input_as_a_whole.json",
        &[
            "States.Pay.Arguments.Payload.input: `{% $states.context.Execution.Input %}` reads the execution's input, the token in it",
        ],
    );
}

#[test]
fn j11_execution_name_is_not_the_caller_s_choice() {
    check(
        "j11_execution_name_from_the_input.json",
        &["States.Child.Arguments.Name: the execution's name is `{% $states.input.order %}`, and not random"],
    );
}

#[test]
fn j12_only_what_mints_transaction_tokens_may_start() {
    check(
        "j12_start_by_a_role_that_mints_nothing.yaml",
        &[
            "Resources.StepRole.Properties.Policies/StartToo: `StepRole` may start executions, and mints no transaction token",
        ],
    );
    check(
        "j12_start_by_an_event.yaml",
        &["Resources.Workflow.Properties.Events.Direct: `Api` starts an execution without a transaction token"],
    );
}

#[test]
fn j15_branch_neither_drops_nor_replaces_the_identity() {
    check(
        "j15_branch_drops_the_identity.json",
        &[
            "States.Both.ScreenPayer.Arguments.Payload.transactionToken: missing; `{% $transactionToken1 %}` has to stand here",
        ],
    );
    check(
        "j15_branch_replaces_the_identity.json",
        &["States.Both.Impersonate.Assign: `$transactionToken` is assigned again"],
    );
    check(
        "j15_branch_assigns_the_outer_identity.json",
        &[
            "States.Both.Later.Assign: `$transactionToken1` is assigned again",
            "States.Both.ReceiveIdentity Both 1.Assign: `$transactionToken` is assigned again",
        ],
    );
}

#[test]
fn j17_nothing_is_written_over_the_identity() {
    check("j17_json_path.json", &["QueryLanguage: not JSONata, so there are no variables to hold the identity"]);
    check(
        "j17_result_over_the_identity.json",
        &[
            "States.Pay.Assign: `$transactionToken` is assigned again",
            "States.Pay.ResultPath: JSONPath, which can overwrite the identity",
        ],
    );
    check(
        "j17_token_from_another_function.json",
        &[
            "States.Renew.Assign: `$transactionToken` is assigned again",
            "States.Revalidate Pay.Assign: `$transactionToken` is assigned again",
        ],
    );
    check(
        "j17_age_of_the_start.json",
        &[
            "States.ReceiveIdentity.Assign.transactionTokenSince: the first state does not take the token's age from the execution's input",
        ],
    );
    check(
        "j17_token_stays_in_the_input.json",
        &[
            "States.Pay.Arguments.Payload.transactionToken: `{% $states.input.transactionToken %}` instead of `{% $transactionToken %}`",
            "States.ReceiveIdentity.Output: the token stays in the states' input beside the caller's",
        ],
    );
}

#[test]
fn j19_callback_is_narrow_and_a_guard_comes_after_it() {
    check(
        "j19_callback_on_every_execution.yaml",
        &[
            "Resources.StepRole.Properties.Policies/Answer: `states:SendTaskFailure` is allowed on `*`",
            "Resources.StepRole.Properties.Policies/Answer: `states:SendTaskSuccess` is allowed on `*`",
        ],
    );
    check(
        "j19_callback_without_a_guard.json",
        &["States.Wait.Next: after a callback comes `Done`, which asks no guard"],
    );
}

#[test]
fn j25_choice_decides_on_no_unverified_claim() {
    check(
        "j25_choice_on_unverified_claims.json",
        &[
            "States.IsThereMoney.Choices.0.Condition: `{% 'admin' in $states.input.identity.claims.roles %}` decides on claims that nobody verified",
            "States.IsThereMoney.Choices.1.Condition: `{% $contains($base64decode($split($transactionToken, '.')[1]), 'admin') %}` reads the transaction token, unverified",
        ],
    );
}

#[test]
fn j27_refusal_is_neither_retried_nor_passed_over() {
    check(
        "j27_refusal_is_passed_over.json",
        &[
            "States.Each.ToleratedFailurePercentage: the Map goes on after a refused item",
            "States.Pay.Catch.0: `States.ALL` takes a refusal in and goes on with `Done`",
        ],
    );
    check(
        "j27_refusal_is_retried.json",
        &[
            "States.Pay.Retry.0: `ClaimGuard.IdentityExpired` asks again after a refusal",
            "States.Pay.Retry.1: `States.TaskFailed` asks again after a refusal",
            "States.Pay.Retry.2: `States.ALL` asks again after a refusal",
        ],
    );
}

#[test]
fn j27_denial_is_asked_about_once_and_then_ends() {
    check(
        "j27_denial_goes_round.json",
        &["States.Reconsider Pay.Catch.1: `ClaimGuard.Denied` takes a refusal in and goes on with `Pay`"],
    );
    check(
        "j27_revalidation_without_a_denied_path.json",
        &[
            "States.Reconsider Pay.Catch: `ClaimGuard.Denied` has no end of its own",
            "States.Reconsider Pay.Catch: `ClaimGuard.Misconfigured` has no end of its own",
            "States.Reconsider Pay.Catch: `ClaimGuard.Rejected` has no end of its own",
        ],
    );
    check(
        "j27_revalidation_passes_a_denial_over.json",
        &[
            "States.Revalidate Pay.Catch.1: `ClaimGuard.Denied` takes a refusal in and goes on with `Done`",
            "States.Revalidate Pay.Catch.1: `ClaimGuard.Misconfigured` takes a refusal in and goes on with `Done`",
        ],
    );
    check(
        "j27_revalidation_of_another_state.json",
        &[
            "States.Pay.Catch.0: `ClaimGuard.IdentityExpired` takes a refusal in and goes on with `Revalidate Both`",
            "States.Pay.Catch.1: `ClaimGuard.Denied` takes a refusal in and goes on with `Revalidate Pay`",
            "States.Revalidate Pay.Next: asks for `Approve` and goes on with `Pay`",
        ],
    );
    check(
        "j27_denied_path_leads_back.json",
        &[
            "States.Reconsider Pay.Catch.0: `ClaimGuard.Denied` takes a refusal in and goes on with `IdentityDenied`",
            "States.Reconsider Pay.Catch.0: `ClaimGuard.Misconfigured` takes a refusal in and goes on with `IdentityDenied`",
            "States.Reconsider Pay.Catch.0: `ClaimGuard.Rejected` takes a refusal in and goes on with `IdentityDenied`",
        ],
    );
    check(
        "j27_wildcard_before_the_guard_s_errors.json",
        &[
            "States.Pay.Catch.2: `States.TaskFailed` takes a refusal in and goes on with `Done`",
            "States.Pay.Retry.0: `States.TaskFailed` asks again after a refusal",
        ],
    );
}

#[test]
fn j30_realm_token_enters_no_input_and_no_log() {
    check(
        "j30_realm_token_in_a_mapping_template_or_log.yaml",
        &[
            "Resources.Api.Properties.MethodSettings.0: API Gateway writes request headers to a log, the realm's token too",
            "Resources.Plain.Properties.Integration.RequestTemplates.application/json: the mapping template copies the realm's token",
        ],
    );
    check(
        "j30_realm_token_in_an_input.json",
        &[
            "States.Notify.Arguments.Headers.X-Token: one of the realm's tokens in an input, where the history shows it",
            "States.Pay.Arguments.Payload.access_token: one of the realm's tokens in an input, where the history shows it",
            "States.Pay.Arguments.Payload.input.token: one of the realm's tokens in an input, where the history shows it",
        ],
    );
}
