//! Maps from claims to roles, as identity pools hold them: exact, unambiguous, and ours rather than the token's.

use std::collections::BTreeSet;

use super::document::{Document, Finding, items, members, text};

pub fn findings(document: &Document) -> Vec<Finding> {
    let mut found = Vec::new();
    for (id, attachment) in document.resources("AWS::Cognito::IdentityPoolRoleAttachment") {
        for (name, map) in members(&attachment["Properties"]["RoleMappings"]) {
            let path = format!("Resources.{id}.Properties.RoleMappings.{name}");
            if text(&map["Type"]) == "Token" {
                found.push(document.finding(path.clone(), "the token itself chooses the role"));
            }
            if map["AmbiguousRoleResolution"] != "Deny" {
                found.push(document.finding(path.clone(), "who fits no rule gets a role all the same"));
            }
            let mut seen = BTreeSet::new();
            for rule in items(&map["RulesConfiguration"]["Rules"]) {
                let (claim, value) = (text(&rule["Claim"]), text(&rule["Value"]));
                let kind = text(&rule["MatchType"]);
                if kind != "Equals" {
                    found
                        .push(document.finding(path.clone(), format!("`{claim}` is matched by `{kind}`, not exactly")));
                }
                if !seen.insert((claim.clone(), value.clone())) {
                    let message = format!("two rules for `{claim}` = `{value}`, of which the first wins");
                    found.push(document.finding(path.clone(), message));
                }
            }
        }
    }
    found
}
