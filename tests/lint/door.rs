//! The door: API, authorizer, and who may call functions.

use crate::check;

#[test]
fn d17_cached_allow_may_not_outlive_its_token() {
    check(
        "d17_ttl_of_an_hour.yaml",
        &[
            "Resources.Api.Properties.Auth.Authorizers.Door.Identity.ReauthorizeEvery: an answer is kept for 3600 s, longer than 60 s",
        ],
    );
}

#[test]
fn i8_validation_expression_is_a_filter_and_no_verifier() {
    check(
        "i8_validation_expression_in_place_of_a_verifier.yaml",
        &[
            "Resources.Api.Properties.Auth.Authorizers.Door: `Step` knows no realm to verify tokens of, and its ValidationExpression is a filter only",
        ],
    );
}

#[test]
fn i14_http_api_is_no_rest_api() {
    check(
        "i14_http_api.yaml",
        &[
            "Resources.Executions.Properties.Events.Start.Properties: the event comes from an HTTP API, not a REST API",
            "Resources.Http: `AWS::Serverless::HttpApi` is no REST API",
        ],
    );
}

#[test]
fn i16_every_method_is_listed_and_asks_the_authorizer() {
    check(
        "i16_any_method.yaml",
        &["Resources.Executions.Properties.Events.Start.Properties: `ANY /payments` answers methods that nobody lists"],
    );
    check(
        "i16_head_without_authorizer.yaml",
        &[
            "Resources.Executions.Properties.Events.Peek.Properties: `HEAD /payments` has no authorizer and is not listed as public",
        ],
    );
    check(
        "i16_route_of_an_implicit_api.yaml",
        &[
            "Resources.Executions.Properties.Events.Start.Properties: `POST /payments` is on no API of this template that asks anybody",
        ],
    );
}

#[test]
fn i19_answer_about_one_request_is_not_kept() {
    check(
        "i19_answer_about_one_request_is_kept.yaml",
        &[
            "Resources.Api.Properties.Auth.Authorizers.Door.Identity.ReauthorizeEvery: an answer about one request is used again on other routes for 60 s",
        ],
    );
}

#[test]
fn i22_time_to_live_is_bounded_before_it_is_deployed() {
    check(
        "i22_ttl_without_a_bound.yaml",
        &["Resources.Api.Properties.Auth.Authorizers.Door.Identity.ReauthorizeEvery: parameter `Ttl` has no MaxValue"],
    );
}

#[test]
fn i28_header_that_imitates_the_context_reaches_nobody() {
    check(
        "i28_headers_that_imitate_the_context.yaml",
        &[
            "Resources.Api.Properties.Cors.AllowHeaders: a client may say `X-Auth-User`, as if we had said it",
            "Resources.Executions.Properties.Events.Start.Properties.RequestParameters: the function is handed the client's `x-amzn-oidc-identity`",
            "Resources.Plain.Properties.Integration.RequestParameters: `x-user` is `method.request.header.x-user`, which the client chooses",
        ],
    );
}

#[test]
fn i29_authorizer_is_called_by_one_api() {
    check(
        "i29_authorizer_of_every_api.yaml",
        &[
            "Resources.AuthorizerIsCalledByItsApi.Properties.SourceArn: `arn:${AWS::Partition}:execute-api:${AWS::Region}:${AWS::AccountId}:*/authorizers/*` is every source, not one",
        ],
    );
    check(
        "i29_authorizer_of_every_api_by_a_variable.yaml",
        &[
            "Resources.AuthorizerIsCalledByItsApi.Properties.SourceArn: `arn:aws:execute-api:eu-central-1:123456789012:*/authorizers/*` is every source, not one",
        ],
    );
}

#[test]
fn m11_permission_names_its_source() {
    check(
        "m11_permission_without_source.yaml",
        &[
            "Resources.AuthorizerIsCalledByItsApi.Properties: no SourceArn, so every source of that service may call the function",
        ],
    );
}

#[test]
fn m12_every_method_has_an_authorizer_and_the_preflight_one_origin() {
    check(
        "m12_authorizer_of_another_kind.yaml",
        &[
            "Resources.Executions.Properties.Events.Start.Properties: `POST /payments` has no authorizer and is not listed as public",
        ],
    );
    check(
        "m12_default_authorizer_that_does_not_exist.yaml",
        &["Resources.Api.Properties.Auth.DefaultAuthorizer: `Gate` is none of the API's authorizers"],
    );
    check(
        "m12_written_route_without_authorizer.yaml",
        &[
            "Resources.Api.Properties.DefinitionBody: `DELETE /payments` has no authorizer and is not listed as public",
            "Resources.Api.Properties.DefinitionBody: `POST /payments` has no authorizer and is not listed as public",
        ],
    );
    check("m12_method_without_authorizer.yaml", &["Resources.Plain: `GET` has no authorizer"]);
    check(
        "m12_no_default_authorizer.yaml",
        &["Resources.Api.Properties.Auth.DefaultAuthorizer: there is none, so a method that names none is public"],
    );
    check(
        "m12_preflight_for_every_origin.yaml",
        &["Resources.Api.Properties.Cors: the preflight lets every origin in: `'*'`"],
    );
    check(
        "m12_routes_from_another_file.yaml",
        &["Resources.Api.Properties.DefinitionUri: routes that nobody looks at for their authorizer"],
    );
    check(
        "m12_operation_without_security.yaml",
        &[
            "Resources.Written.Properties.Body: `HEAD /payments` has no authorizer",
            "Resources.Written.Properties.Body: `X-AMAZON-APIGATEWAY-ANY-METHOD /payments` has no authorizer",
        ],
    );
}

#[test]
fn m15_time_to_live_is_set() {
    check(
        "m15_ttl_of_a_plain_authorizer_unset.yaml",
        &["Resources.Plain.Properties.AuthorizerResultTtlInSeconds: not set, so API Gateway keeps an answer for 300 s"],
    );
    check(
        "m15_ttl_unset.yaml",
        &[
            "Resources.Api.Properties.Auth.Authorizers.Door.Identity.ReauthorizeEvery: not set, so API Gateway keeps an answer for 300 s",
        ],
    );
    check(
        "m15_ttl_of_a_written_authorizer_unset.yaml",
        &[
            "Resources.Written.Properties.Body/Door.authorizerResultTtlInSeconds: not set, so API Gateway keeps an answer for 300 s",
        ],
    );
}

#[test]
fn m16_nothing_lets_everybody_in() {
    check(
        "m16_function_url_without_authorization.yaml",
        &[
            "Resources.Step.Properties.FunctionUrlConfig.AuthType: the function's URL lets everybody in",
            "Resources.Url.Properties.AuthType: the function's URL lets everybody in",
        ],
    );
    check(
        "m16_policy_for_everybody.yaml",
        &[
            "Resources.Queue.Properties.PolicyDocument/0: `NotPrincipal` lets all in that it does not name",
            "Resources.StepRole.Properties.AssumeRolePolicyDocument/Anybody: the principal is everybody",
        ],
    );
    check(
        "m16_principal_everybody.yaml",
        &["Resources.AuthorizerIsCalledByItsApi.Properties.Principal: everybody may call the function"],
    );
}
