//! The API's door: an authorizer for every method, one that verifies, and whose answers are not kept for long.

use serde_json::{Value, json};

use super::document::{Document, Finding, items, logical_id, members, text};

/// Seconds for which an authorizer's answer may be used again.
const LONGEST_TTL: i64 = 60;

pub fn findings(document: &Document) -> Vec<Finding> {
    [
        only_rest_apis(document),
        authorizers(document),
        default_authorizers(document),
        preflights(document),
        methods(document),
        bodies(document),
        merged_bodies(document),
        routes_from_elsewhere(document),
        realm_tokens(document),
        headers_that_imitate(document),
    ]
    .concat()
}

/// An HTTP API matches routes by other rules than its authorizer sees them; a REST API decides on the resource.
fn only_rest_apis(document: &Document) -> Vec<Finding> {
    let mut found = Vec::new();
    for kind in ["AWS::Serverless::HttpApi", "AWS::ApiGatewayV2::Api"] {
        for (id, _) in document.resources(kind) {
            found.push(document.finding(format!("Resources.{id}"), format!("`{kind}` is no REST API")));
        }
    }
    for (id, function) in document.functions() {
        for (name, event) in members(&function["Properties"]["Events"]) {
            if event["Type"] == "HttpApi" {
                found.push(document.finding(events_path(id, name), "the event comes from an HTTP API, not a REST API"));
            }
        }
    }
    found
}

/// Every authorizer: where it stands, its time to live, its properties, its function.
fn authorizers(document: &Document) -> Vec<Finding> {
    let mut found = Vec::new();
    for (id, api) in document.resources("AWS::Serverless::Api") {
        for (name, authorizer) in members(&api["Properties"]["Auth"]["Authorizers"]) {
            let path = format!("Resources.{id}.Properties.Auth.Authorizers.{name}");
            let identity = &authorizer["Identity"];
            let place = format!("{path}.Identity.ReauthorizeEvery");
            let per_request = authorizer["FunctionPayloadType"] == "REQUEST";
            found.extend(time_to_live(document, &place, &identity["ReauthorizeEvery"], per_request));
            let filtered = !identity["ValidationExpression"].is_null();
            found.extend(verifier(document, &path, &authorizer["FunctionArn"], filtered));
        }
    }
    for (id, authorizer) in document.resources("AWS::ApiGateway::Authorizer") {
        let authorizer = &authorizer["Properties"];
        let place = format!("Resources.{id}.Properties.AuthorizerResultTtlInSeconds");
        let per_request = authorizer["Type"] == "REQUEST";
        found.extend(time_to_live(document, &place, &authorizer["AuthorizerResultTtlInSeconds"], per_request));
    }
    found
}

/// A cached Allow outlives its token, a revoked role and, if it was about one request, its route.
fn time_to_live(document: &Document, path: &str, ttl: &Value, per_request: bool) -> Option<Finding> {
    if ttl.is_null() {
        return Some(document.finding(path, "not set, so API Gateway keeps an answer for 300 s"));
    }
    let longest = match text(ttl).parse() {
        Ok(seconds) => seconds,
        Err(_) => {
            let parameter = logical_id(ttl).unwrap_or_default();
            let Some(largest) = document.value["Parameters"][parameter]["MaxValue"].as_i64() else {
                return Some(document.finding(path, format!("parameter `{parameter}` has no MaxValue")));
            };
            largest
        }
    };
    if per_request && longest > 0 {
        let message = format!("an answer about one request is used again on other routes for {longest} s");
        return Some(document.finding(path, message));
    }
    let message = || format!("an answer is kept for {longest} s, longer than {LONGEST_TTL} s");
    (longest > LONGEST_TTL).then(|| document.finding(path, message()))
}

/// A `ValidationExpression` filters by form. Whether a token is one of the realm's, only a function that knows the realm
/// can say.
fn verifier(document: &Document, path: &str, function: &Value, filtered: bool) -> Option<Finding> {
    let named = document.named(function);
    let told = named.is_some_and(|(_, resource)| {
        let variables = &resource["Properties"]["Environment"]["Variables"];
        ["REALM_ISSUER", "REALM_AUDIENCE", "REALM_CLIENTS"].iter().all(|name| !variables[name].is_null())
    });
    let name = named.map_or_else(|| text(function), |(id, _)| id.to_owned());
    let filter = if filtered { ", and its ValidationExpression is a filter only" } else { "" };
    (!told).then(|| document.finding(path, format!("`{name}` knows no realm to verify tokens of{filter}")))
}

fn default_authorizers(document: &Document) -> Vec<Finding> {
    let mut found = Vec::new();
    for (id, api) in document.resources("AWS::Serverless::Api") {
        let auth = &api["Properties"]["Auth"];
        let path = format!("Resources.{id}.Properties.Auth.DefaultAuthorizer");
        match auth["DefaultAuthorizer"].as_str() {
            None => found.push(document.finding(path, "there is none, so a method that names none is public")),
            Some(name) if auth["Authorizers"][name].is_null() => {
                found.push(document.finding(path, format!("`{name}` is none of the API's authorizers")));
            }
            Some(_) => {}
        }
    }
    found
}

fn preflights(document: &Document) -> Vec<Finding> {
    let mut found = Vec::new();
    for (id, api) in document.resources("AWS::Serverless::Api") {
        let cors = &api["Properties"]["Cors"];
        // SAM takes a bare text for the origin.
        let origin = if cors["AllowOrigin"].is_null() { cors } else { &cors["AllowOrigin"] };
        if !origin.is_object() || origin["Fn::Sub"].is_string() {
            let origin = text(origin);
            if origin.contains('*') {
                let path = format!("Resources.{id}.Properties.Cors");
                found.push(document.finding(path, format!("the preflight lets every origin in: `{origin}`")));
            }
        }
    }
    found
}

/// Every method but the preflight asks the authorizer, unless the API's metadata lists it as public; `ANY` would answer
/// methods that nobody has listed.
fn methods(document: &Document) -> Vec<Finding> {
    let mut found = Vec::new();
    for (id, function) in document.functions() {
        for (name, event) in members(&function["Properties"]["Events"]).filter(|(_, event)| event["Type"] == "Api") {
            let path = events_path(id, name);
            let event = &event["Properties"];
            let route = format!("{} {}", text(&event["Method"]).to_ascii_uppercase(), text(&event["Path"]));
            if route.starts_with("ANY ") {
                found.push(document.finding(path.clone(), format!("`{route}` answers methods that nobody lists")));
            }
            let api = document.named(&event["RestApiId"]).filter(|(_, api)| api["Type"] == "AWS::Serverless::Api");
            let Some((_, api)) = api else {
                found
                    .push(document.finding(path, format!("`{route}` is on no API of this template that asks anybody")));
                continue;
            };
            let public = items(&api["Metadata"]["PublicRoutes"]).into_iter().any(|public| public == route.as_str());
            let asked = match event["Auth"]["Authorizer"].as_str() {
                // The default authorizer, which has a rule of its own.
                None => true,
                Some(name) => !api["Properties"]["Auth"]["Authorizers"][name].is_null(),
            };
            if !asked && !public {
                found.push(document.finding(path, format!("`{route}` has no authorizer and is not listed as public")));
            }
        }
    }
    for (id, method) in document.resources("AWS::ApiGateway::Method") {
        let method = &method["Properties"];
        let verb = text(&method["HttpMethod"]);
        if verb != "OPTIONS" && method["AuthorizationType"] != "CUSTOM" {
            found.push(document.finding(format!("Resources.{id}"), format!("`{verb}` has no authorizer")));
        }
    }
    found
}

/// The routes of an API that is written as OpenAPI, whose operations have no default authorizer, and its authorizers.
fn bodies(document: &Document) -> Vec<Finding> {
    let mut found = Vec::new();
    for (id, api) in document.resources("AWS::ApiGateway::RestApi") {
        let body = &api["Properties"]["Body"];
        let base = format!("Resources.{id}.Properties.Body");
        let schemes = [&body["components"]["securitySchemes"], &body["securityDefinitions"]];
        let mut asked = Vec::new();
        for (name, scheme) in schemes.into_iter().flat_map(members) {
            let authorizer = &scheme["x-amazon-apigateway-authorizer"];
            if !authorizer.is_null() {
                asked.push(name);
                let path = format!("{base}/{name}.authorizerResultTtlInSeconds");
                let per_request = authorizer["type"] == "request";
                found.extend(time_to_live(document, &path, &authorizer["authorizerResultTtlInSeconds"], per_request));
            }
        }
        for (route, operations) in members(&body["paths"]) {
            for (verb, operation) in members(operations).filter(|(verb, _)| *verb != "options") {
                let mut names = items(&operation["security"]).into_iter().flat_map(members).map(|(name, _)| name);
                if !names.any(|name| asked.contains(&name)) {
                    let route = format!("{} {route}", verb.to_ascii_uppercase());
                    found.push(document.finding(base.clone(), format!("`{route}` has no authorizer")));
                }
            }
        }
    }
    found
}

/// The routes that a SAM API writes itself, beside those of functions. They have the default authorizer, unless they refuse it.
fn merged_bodies(document: &Document) -> Vec<Finding> {
    let mut found = Vec::new();
    for (id, api) in document.resources("AWS::Serverless::Api") {
        let public = items(&api["Metadata"]["PublicRoutes"]);
        for (route, operations) in members(&api["Properties"]["DefinitionBody"]["paths"]) {
            for (verb, operation) in members(operations).filter(|(verb, _)| *verb != "options") {
                let route = format!("{} {route}", verb.to_ascii_uppercase());
                let schemes = items(&operation["security"]).into_iter().flat_map(members).map(|(name, _)| name);
                let known = |name: &str| !api["Properties"]["Auth"]["Authorizers"][name].is_null();
                let asked = schemes.into_iter().all(known) && operation["security"] != json!([{}]);
                if !asked && !public.iter().any(|listed| *listed == route.as_str()) {
                    let message = format!("`{route}` has no authorizer and is not listed as public");
                    found.push(document.finding(format!("Resources.{id}.Properties.DefinitionBody"), message));
                }
            }
        }
    }
    found
}

/// Routes in another file would be served without a look at whether they ask an authorizer.
fn routes_from_elsewhere(document: &Document) -> Vec<Finding> {
    let apis = document.resources("AWS::Serverless::Api");
    let elsewhere = apis.filter(|(_, api)| !api["Properties"]["DefinitionUri"].is_null());
    let path = |id: &str| format!("Resources.{id}.Properties.DefinitionUri");
    elsewhere.map(|(id, _)| document.finding(path(id), "routes that nobody looks at for their authorizer")).collect()
}

/// The realm's token goes to the authorizer and to `executions`: no mapping template copies it, no log holds it.
fn realm_tokens(document: &Document) -> Vec<Finding> {
    let mut found = Vec::new();
    for (id, method) in document.resources("AWS::ApiGateway::Method") {
        for (kind, mapping) in members(&method["Properties"]["Integration"]["RequestTemplates"]) {
            let mapping = text(mapping).to_ascii_lowercase();
            if mapping.contains("authorization") || mapping.contains("params()") || mapping.contains("params('header')")
            {
                let path = format!("Resources.{id}.Properties.Integration.RequestTemplates.{kind}");
                found.push(document.finding(path, "the mapping template copies the realm's token"));
            }
        }
    }
    for (id, api) in document.resources("AWS::Serverless::Api") {
        for (number, setting) in items(&api["Properties"]["MethodSettings"]).into_iter().enumerate() {
            if setting["DataTraceEnabled"] == true || setting["LoggingLevel"] == "INFO" {
                let path = format!("Resources.{id}.Properties.MethodSettings.{number}");
                found
                    .push(document.finding(path, "API Gateway writes request headers to a log, the realm's token too"));
            }
        }
    }
    found
}

/// Who calls stands in `requestContext.authorizer`. A header that says so too is the client's own word.
fn headers_that_imitate(document: &Document) -> Vec<Finding> {
    let mut found = Vec::new();
    for (id, api) in document.resources("AWS::Serverless::Api") {
        let headers = &api["Properties"]["Cors"]["AllowHeaders"];
        for name in text(headers).trim_matches('\'').split(',').map(str::trim).filter(|name| imitates(name)) {
            let path = format!("Resources.{id}.Properties.Cors.AllowHeaders");
            found.push(document.finding(path, format!("a client may say `{name}`, as if we had said it")));
        }
    }
    for (id, function) in document.functions() {
        for (name, event) in members(&function["Properties"]["Events"]) {
            for parameter in items(&event["Properties"]["RequestParameters"]) {
                let names = members(parameter).map(|(name, _)| name).chain(parameter.as_str());
                for header in names.filter_map(|name| name.strip_prefix("method.request.header.")) {
                    if imitates(header) {
                        let path = format!("{}.RequestParameters", events_path(id, name));
                        found.push(document.finding(path, format!("the function is handed the client's `{header}`")));
                    }
                }
            }
        }
    }
    for (id, method) in document.resources("AWS::ApiGateway::Method") {
        for (target, source) in members(&method["Properties"]["Integration"]["RequestParameters"]) {
            let header = target.strip_prefix("integration.request.header.").unwrap_or_default();
            if imitates(header) && !text(source).starts_with("context.authorizer.") {
                let path = format!("Resources.{id}.Properties.Integration.RequestParameters");
                let message = format!("`{header}` is `{}`, which the client chooses", text(source));
                found.push(document.finding(path, message));
            }
        }
    }
    found
}

fn imitates(header: &str) -> bool {
    let header = header.to_ascii_lowercase();
    ["x-amzn-", "x-auth", "x-user", "x-forwarded-user", "x-claims", "x-roles", "*"]
        .iter()
        .any(|prefix| header.starts_with(prefix))
}

fn events_path(function: &str, event: &str) -> String {
    format!("Resources.{function}.Properties.Events.{event}.Properties")
}
