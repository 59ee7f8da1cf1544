//! A browser as far as logging in takes one: cookies, Keycloak's form, the authorization code with PKCE.

use std::collections::BTreeMap;

use reqwest::blocking::{Client, RequestBuilder, Response};
use serde_json::Value;

use crate::failure::{Failure, OrFailure};
use crate::keycloak::{CLIENT, Keycloak, Tokens};

/// Where the realm lets the client's codes be sent; nobody listens there.
const CALLBACK: &str = "http://127.0.0.1/callback";
/// RFC 7636, appendix B.
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
const REMEDY: &str = "see `cargo xtask lab status`, and that the realm's client allows the authorization code";

/// One cookie jar, all of whose cookies are Keycloak's.
pub struct Browser<'a> {
    keycloak: &'a Keycloak,
    client: Client,
    cookies: BTreeMap<String, String>,
}

impl<'a> Browser<'a> {
    /// A browser that has been nowhere yet.
    ///
    /// # Errors
    /// The lab's authority cannot be read.
    pub fn new(keycloak: &'a Keycloak) -> Result<Browser<'a>, Failure> {
        Ok(Browser { keycloak, client: keycloak.client()?, cookies: BTreeMap::new() })
    }

    /// Logs in, and answers the access token: by user name and password, or by nothing but its cookies where Keycloak still
    /// knows whose they are.
    ///
    /// # Errors
    /// Keycloak is out of reach, refuses, or shows something else than its form.
    pub fn log_in(&mut self, user: &str, password: &str) -> Result<String, Failure> {
        self.log_in_to(CLIENT, user, password).map(|tokens| tokens.access)
    }

    /// Logs in to another client of the realm than the usual one, likewise, and answers all tokens.
    ///
    /// # Errors
    /// As for [`Browser::log_in`].
    pub fn log_in_to(&mut self, client: &str, user: &str, password: &str) -> Result<Tokens, Failure> {
        let query = [
            ("client_id", client),
            ("response_type", "code"),
            ("scope", "openid"),
            ("redirect_uri", CALLBACK),
            ("code_challenge", CHALLENGE),
            ("code_challenge_method", "S256"),
        ];
        let protocol = format!("{}/protocol/openid-connect", self.keycloak.issuer());
        let mut answer = self.send(self.client.get(format!("{protocol}/auth")).query(&query))?;
        if answer.status().is_success() {
            let form = form(&answer.text().or_failure("read the log-in form", REMEDY)?)?;
            answer = self.send(self.client.post(form).form(&[("username", user), ("password", password)]))?;
        }
        let code = code(&answer)?;
        let form = [
            ("grant_type", "authorization_code"),
            ("client_id", client),
            ("redirect_uri", CALLBACK),
            ("code_verifier", VERIFIER),
            ("code", &code),
        ];
        let answer: Value = self
            .send(self.client.post(format!("{protocol}/token")).form(&form))?
            .json()
            .or_failure("read the tokens", REMEDY)?;
        Tokens::read(&answer).ok_or_else(|| Failure::new(format!("Keycloak gave no tokens: {answer}"), REMEDY))
    }

    fn send(&mut self, request: RequestBuilder) -> Result<Response, Failure> {
        let cookies: Vec<String> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let answer = request.header("cookie", cookies.join("; ")).send().or_failure("log in", REMEDY)?;
        for cookie in answer.headers().get_all("set-cookie") {
            let pair = cookie.to_str().unwrap_or_default().split(';').next().unwrap_or_default();
            if let Some((name, value)) = pair.split_once('=') {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
        Ok(answer)
    }
}

/// Where the form of a page is sent.
fn form(page: &str) -> Result<String, Failure> {
    let action = page.split_once("action=\"").and_then(|(_, rest)| rest.split_once('"'));
    action
        .map(|(address, _)| address.replace("&amp;", "&"))
        .ok_or_else(|| Failure::new("Keycloak shows no log-in form", REMEDY))
}

/// The code that the client is sent.
fn code(answer: &Response) -> Result<String, Failure> {
    let location = answer.headers().get("location").and_then(|location| location.to_str().ok()).unwrap_or_default();
    let query = location.split_once('?').map_or("", |(_, query)| query);
    let code = query.split('&').find_map(|pair| pair.strip_prefix("code="));
    code.map(str::to_owned)
        .ok_or_else(|| Failure::new(format!("the log-in ended with {}, expected a code", answer.status()), REMEDY))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn form_s_address_is_unescaped() {
        let page = "<form id=\"kc\" action=\"https://x/authenticate?a=1&amp;b=2\" method=\"post\">";
        assert_eq!(form(page).map_err(|failure| failure.to_string()), Ok("https://x/authenticate?a=1&b=2".to_owned()));
        assert!(form("<p>Sorry</p>").is_err_and(|failure| failure.to_string().contains("no log-in form")));
    }
}
