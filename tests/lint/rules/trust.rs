//! Roles that are worn with a realm's token: one realm, one audience, one subject or client, compared exactly.

use serde_json::Value;

use super::document::{Document, Finding, items, members, text};

pub fn findings(document: &Document) -> Vec<Finding> {
    let mut found = Vec::new();
    for (id, provider) in document.resources("AWS::IAM::OIDCProvider") {
        let url = text(&provider["Properties"]["Url"]);
        if !names_a_realm(&url) {
            let path = format!("Resources.{id}.Properties.Url");
            found.push(document.finding(path, format!("`{url}` names no realm, so it is not one realm's issuer")));
        }
    }
    for (id, role) in document.resources("AWS::IAM::Role") {
        let statements = items(&role["Properties"]["AssumeRolePolicyDocument"]["Statement"]);
        for (number, statement) in statements.into_iter().enumerate() {
            let web = items(&statement["Action"]).into_iter().any(|action| allows_web_identity(&text(action)));
            if statement["Effect"] == "Allow" && web {
                let name = statement["Sid"].as_str().map_or_else(|| number.to_string(), str::to_owned);
                let path = format!("Resources.{id}.Properties.AssumeRolePolicyDocument/{name}");
                found.extend(providers(document, &path, statement));
                found.extend(operators(document, &path, statement));
                found.extend(keys(document, &path, statement));
            }
        }
    }
    found
}

fn allows_web_identity(action: &str) -> bool {
    ["sts:AssumeRoleWithWebIdentity", "sts:AssumeRole*", "sts:*", "*"].contains(&action)
}

/// `https://host/realms/NAME`, with nothing behind the name.
fn names_a_realm(provider: &str) -> bool {
    let name = provider.split_once("/realms/").map_or("", |(_, name)| name);
    !name.is_empty() && !name.contains(['/', '*'])
}

/// The provider of a statement, by its host and path: what stands behind `oidc-provider/`, or in the named resource's URL.
fn provider(document: &Document, federated: &Value) -> String {
    if let Some((_, resource)) = document.named(federated) {
        return text(&resource["Properties"]["Url"]).trim_start_matches("https://").to_owned();
    }
    let text = text(federated);
    text.split_once("oidc-provider/").map_or_else(|| text.clone(), |(_, provider)| provider.to_owned())
}

fn providers(document: &Document, path: &str, statement: &Value) -> Vec<Finding> {
    let mut found = Vec::new();
    let all = items(&statement["Principal"]["Federated"]);
    if all.is_empty() {
        found.push(document.finding(path, "no provider is named, so every realm's tokens will do"));
    }
    for provider in all.into_iter().map(|one| provider(document, one)).filter(|provider| !names_a_realm(provider)) {
        found.push(document.finding(path, format!("the provider `{provider}` names no realm")));
    }
    found
}

/// `ForAllValues:` is true of an absent key, and so is `…IfExists`.
fn operators(document: &Document, path: &str, statement: &Value) -> Vec<Finding> {
    let hollow = members(&statement["Condition"])
        .filter(|(name, _)| name.starts_with("ForAllValues:") || name.ends_with("IfExists") || *name == "Null");
    hollow.map(|(name, _)| document.finding(path, format!("`{name}` is true of a claim that is absent"))).collect()
}

/// `aud` and one of `sub` and `azp` are compared, under the provider's own name, and with no pattern that matches all.
fn keys(document: &Document, path: &str, statement: &Value) -> Vec<Finding> {
    let mut found = Vec::new();
    let mut compared = Vec::new();
    let providers: Vec<String> =
        items(&statement["Principal"]["Federated"]).into_iter().map(|one| provider(document, one)).collect();
    for (operator, keys) in members(&statement["Condition"]) {
        for (key, values) in members(keys) {
            let (host, claim) = key.rsplit_once(':').unwrap_or(("", key));
            if !providers.iter().any(|provider| provider == host) {
                continue;
            }
            if operator.contains("String") && !operator.contains("Not") {
                compared.push(claim);
            }
            for value in items(values).into_iter().map(text) {
                if value.starts_with('*') || value.is_empty() || (operator.contains("Like") && value.starts_with('?')) {
                    let message = format!("`{operator}` with `{value}` lets everybody's `{claim}` through");
                    found.push(document.finding(path, message));
                }
            }
        }
    }
    if !compared.contains(&"aud") {
        found.push(document.finding(path, "`aud` is not compared, so a token for anybody will do"));
    }
    if !compared.contains(&"sub") && !compared.contains(&"azp") {
        found.push(document.finding(path, "neither `sub` nor `azp` is compared, so anybody's token will do"));
    }
    found
}
