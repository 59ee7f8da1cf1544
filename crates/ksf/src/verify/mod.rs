//! `ksf verify`: the guard's own verifier, asked from a shell.

mod answer;
mod batch;
mod case;
mod key_cache;
mod lines;
mod question;

use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use claim_guard::identifier::{Audience, ClientId, Issuer};
use claim_guard::token::MAX_ACCESS_TOKEN_BYTES;
use claim_guard::{ClientList, Leeway, RealmKeySet, UnixTime};
use clap::Args;

use crate::outcome::{CommandError, Outcome};
use crate::verify::answer::VerdictLine;
use crate::verify::question::{Expected, Question};

/// The most bytes of a token that are kept. A longer one is rejected for its length, whatever it holds.
const KEPT_TOKEN_BYTES: u64 = 8 * MAX_ACCESS_TOKEN_BYTES as u64;

/// Verify an access token as the guards do, and say in one line of JSON what it is worth
///
/// Reads one bare token, without `Bearer`, from standard input; one line end behind it is left out.
/// Answers
///
///   {"verdict":"accepted|rejected","reason":CODE,"message":TEXT,"claims":{…}}
///
/// where `reason` is null and `claims` is there only when the token is accepted. A key set that
/// cannot be used rejects every token. Exit codes: 0 accepted, 1 rejected, 2 not answered.
///
/// With --batch, one JSON case a line is read instead, and each is answered with one line, in order:
///
///   {"id":…,"token":TEXT,"jwks":{…}|TEXT,"issuer":TEXT,"audience":TEXT,"now":SECONDS,"client":TEXT}
///   {"id":…,"verdict":"accepted|rejected","reason":CODE}
///
/// `id` is a text or a number; `client` may be left out, and then means what it means without
/// --client. A line that is no such case is answered with the verdict `error`, the reason
/// `malformed_case` and a message. Answers are written whenever the next line is not there yet, so a
/// program may wait for each. Exit codes: 0 every line was answered, 2 it was not.
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub struct Arguments {
    /// The realm's JWK set, as its `jwks_uri` answers it
    #[arg(long, value_name = "FILE", required_unless_present = "batch")]
    realm_keys: Option<PathBuf>,
    /// The realm: what `iss` must be, byte by byte
    #[arg(long, value_name = "URL", value_parser = Issuer::parse, required_unless_present = "batch")]
    issuer: Option<Issuer>,
    /// Whom the token must be for: one of its `aud`
    #[arg(long, value_name = "NAME", value_parser = Audience::parse, required_unless_present = "batch")]
    audience: Option<Audience>,
    /// A client that the token may have been issued to (`azp`); may be given several times
    ///
    /// Without it, WHICH client the token was issued to is not looked at: whatever client id `azp` names is taken for one that
    /// is allowed, and the answer's message says so. A token without a proper `azp` is rejected all the same. The deployed
    /// guards always have a list.
    #[arg(long = "client", value_name = "ID", value_parser = ClientId::parse)]
    clients: Vec<ClientId>,
    /// The time to verify at, in seconds since 1970; the system's clock when left out
    #[arg(long, value_name = "SECONDS", value_parser = time)]
    now: Option<UnixTime>,
    /// How far the issuer's clock may stand from ours: 0 to 5 seconds
    #[arg(long, value_name = "SECONDS", value_parser = leeway, default_value = "5")]
    leeway: Leeway,
    /// VerdictLine one JSON case a line, with one line each
    #[arg(long, conflicts_with_all = ["realm_keys", "issuer", "audience", "clients", "now"])]
    batch: bool,
    /// With --batch: put the claims of accepted tokens into the answers
    #[arg(long, requires = "batch")]
    claims: bool,
}

fn time(text: &str) -> Result<UnixTime, String> {
    let seconds = text.parse().ok().and_then(UnixTime::from_seconds);
    seconds.ok_or_else(|| "expected whole seconds from 1970 to the end of year 9999".to_owned())
}

fn leeway(text: &str) -> Result<Leeway, String> {
    let seconds = text.parse().ok().and_then(Leeway::seconds);
    seconds.ok_or_else(|| "expected whole seconds from 0 to 5".to_owned())
}

/// Verifies the token, or the cases, of `input`, and answers on `output`.
///
/// # Errors
/// A file, the input or the clock cannot be read, or the output not written.
pub fn run(arguments: Arguments, input: impl Read, output: impl Write) -> Result<Outcome, CommandError> {
    let Arguments { realm_keys, issuer, audience, clients, now, leeway, batch, claims } = arguments;
    match (batch, realm_keys, issuer, audience) {
        (true, ..) => batch::answer_all(input, output, leeway, claims),
        (false, Some(realm_keys), Some(issuer), Some(audience)) => {
            let now = now.map_or_else(clock, Ok)?;
            let expected = Expected { issuer, audience, clients: ClientList::new(clients), leeway, now };
            answer_one(&realm_keys, expected, input, output)
        }
        (false, ..) => Err(CommandError::new("expected `--realm-keys`, `--issuer` and `--audience`, or `--batch`")),
    }
}

fn clock() -> Result<UnixTime, CommandError> {
    UnixTime::from_system_time(SystemTime::now()).map_err(|error| CommandError::new(error.to_string()))
}

fn answer_one(
    realm_keys: &Path,
    expected: Expected,
    input: impl Read,
    mut output: impl Write,
) -> Result<Outcome, CommandError> {
    let name = format!("read the key set `{}`", realm_keys.display());
    let keys = RealmKeySet::parse(&std::fs::read(realm_keys).map_err(CommandError::during(&name))?);
    let token = read_token(input).map_err(CommandError::during("read the token from standard input"))?;
    let question = Question { token: &token, expected };
    let verdict = question.verdict(&keys);
    let outcome = if verdict.is_ok() { Outcome::Yes } else { Outcome::No };
    let answer = VerdictLine::to_one(&question, &verdict);
    answer.write(&mut output).and_then(|()| output.flush()).map_err(CommandError::during("write the answer"))?;
    Ok(outcome)
}

/// The token as text. Bytes that are no UTF-8 become characters that no token has, so they are rejected as any others.
fn read_token(input: impl Read) -> std::io::Result<String> {
    let mut bytes = Vec::new();
    input.take(KEPT_TOKEN_BYTES).read_to_end(&mut bytes)?;
    let token = bytes.strip_suffix(b"\n").unwrap_or(&bytes);
    let token = token.strip_suffix(b"\r").unwrap_or(token);
    Ok(String::from_utf8_lossy(token).into_owned())
}
