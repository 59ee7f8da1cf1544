//! Roles, environments and logs.

use crate::check;

#[test]
fn k18_secret_stands_in_no_value_of_the_environment() {
    check(
        "k18_secret_as_a_value.yaml",
        &[
            "Globals.Function.Environment.Variables.KEYCLOAK: the value is a parameter with NoEcho, that is a secret",
            "Resources.Step.Properties.Environment.Variables.KEYCLOAK_LOGIN: the value holds a secret",
            "Resources.Step.Properties.Environment.Variables.PASS_PHRASE: the value holds a secret",
            "Resources.Step.Properties.Environment.Variables.SIGNER: the value holds a secret",
        ],
    );
}

#[test]
fn m2_web_identity_is_one_subject_or_client() {
    check(
        "m2_no_condition.yaml",
        &[
            "Resources.AuditorRole.Properties.AssumeRolePolicyDocument/Auditor: `aud` is not compared, so a token for anybody will do",
            "Resources.AuditorRole.Properties.AssumeRolePolicyDocument/Auditor: neither `sub` nor `azp` is compared, so anybody's token will do",
        ],
    );
    check(
        "m2_subject_of_everybody.yaml",
        &[
            "Resources.AuditorRole.Properties.AssumeRolePolicyDocument/Auditor: `StringLike` with `*-app` lets everybody's `azp` through",
            "Resources.AuditorRole.Properties.AssumeRolePolicyDocument/Auditor: `StringLike` with `*` lets everybody's `sub` through",
        ],
    );
}

#[test]
fn m3_condition_is_not_true_of_an_absent_claim() {
    check(
        "m3_hollow_operators.yaml",
        &[
            "Resources.AuditorRole.Properties.AssumeRolePolicyDocument/Auditor: `ForAllValues:StringEquals` is true of a claim that is absent",
            "Resources.AuditorRole.Properties.AssumeRolePolicyDocument/Auditor: `StringEqualsIfExists` is true of a claim that is absent",
        ],
    );
}

#[test]
fn m4_provider_is_one_realm() {
    check(
        "m4_condition_on_another_provider.yaml",
        &[
            "Resources.AuditorRole.Properties.AssumeRolePolicyDocument/Auditor: `aud` is not compared, so a token for anybody will do",
            "Resources.AuditorRole.Properties.AssumeRolePolicyDocument/Auditor: neither `sub` nor `azp` is compared, so anybody's token will do",
        ],
    );
    check(
        "m4_provider_without_a_realm.yaml",
        &[
            "Resources.AuditorRole.Properties.AssumeRolePolicyDocument/Auditor: the provider `id.example.com` names no realm",
            "Resources.Realm.Properties.Url: `https://id.example.com` names no realm, so it is not one realm's issuer",
        ],
    );
}

#[test]
fn m5_role_is_chosen_neither_by_a_token_nor_by_an_input() {
    check(
        "m5_role_chosen_by_the_input.json",
        &["States.Pay.Credentials.RoleArn: the role is chosen while running: `{% $states.input.role %}`"],
    );
    check(
        "m5_role_chosen_by_the_token.yaml",
        &["Resources.RolesByClaim.Properties.RoleMappings.Realm: the token itself chooses the role"],
    );
}

#[test]
fn m6_role_map_is_exact_and_unambiguous() {
    check(
        "m6_role_map_that_is_not_exact.yaml",
        &[
            "Resources.RolesByClaim.Properties.RoleMappings.Realm: `department` is matched by `StartsWith`, not exactly",
            "Resources.RolesByClaim.Properties.RoleMappings.Realm: two rules for `department` = `audit`, of which the first wins",
            "Resources.RolesByClaim.Properties.RoleMappings.Realm: who fits no rule gets a role all the same",
        ],
    );
}

#[test]
fn m8_session_tag_is_compared_exactly() {
    check(
        "m8_session_tag_in_a_pattern.yaml",
        &[
            "Resources.StepRole.Properties.Policies/OwnFolder: a session tag of `*` makes `arn:aws:s3:::payments/${aws:PrincipalTag/project}/*` match everything",
            "Resources.StepRole.Properties.Policies/OwnProject: a session tag of `*` makes every `StringLike` true",
        ],
    );
}

#[test]
fn m9_no_role_may_do_everything() {
    check(
        "m9_everything_on_everything.yaml",
        &[
            "Resources.StepRole.Properties.Policies/AllButOne: `NotAction` allows all that it does not name",
            "Resources.StepRole.Properties.Policies/AllButOne: `NotResource` allows all that it does not name",
            "Resources.StepRole.Properties.Policies/Everything: `iam:PassRole` is allowed on `*`",
            "Resources.StepRole.Properties.Policies/Everything: `lambda:InvokeFunction` is allowed on `*`",
            "Resources.StepRole.Properties.Policies/Workflows: the action `states:*` is a pattern",
        ],
    );
    check(
        "m9_managed_policy_for_everything.yaml",
        &[
            "Resources.StepRole.Properties.ManagedPolicyArns: `AWSStepFunctionsFullAccess` allows a whole service or more",
            "Resources.StepRole.Properties.ManagedPolicyArns: `AdministratorAccess` allows a whole service or more",
        ],
    );
}

#[test]
fn m10_executions_are_started_of_one_state_machine() {
    check(
        "m10_start_of_every_workflow.yaml",
        &[
            "Resources.ExecutionsRole.Properties.Policies/StartAnyWorkflow: `states:SendTaskSuccess` is allowed on `arn:${AWS::Partition}:states:${AWS::Region}:${AWS::AccountId}:stateMachine:*`",
            "Resources.ExecutionsRole.Properties.Policies/StartAnyWorkflow: `states:StartExecution` is allowed on `arn:${AWS::Partition}:states:${AWS::Region}:${AWS::AccountId}:stateMachine:*`",
        ],
    );
}

#[test]
fn m14_environment_holds_no_secret_and_logs_forget() {
    check(
        "m14_logs_without_retention_or_key.yaml",
        &[
            "Resources.Log.Properties: the log is kept for ever",
            "Resources.Step.Properties.LoggingConfig: no log group of this template, so the log is kept for ever",
            "Resources.Workflow.Properties.Logging: the log holds tokens and inputs, and its group has no KMS key",
        ],
    );
    check(
        "m14_secret_in_the_environment.yaml",
        &[
            "Parameters.ClientSecret: a secret that the console shows",
            "Resources.Step.Properties.Environment.Variables.CLIENT_SECRET: the name says that it holds a secret",
        ],
    );
}
