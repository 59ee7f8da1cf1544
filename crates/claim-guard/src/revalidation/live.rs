//! The claims that the subject would get now.

use crate::claims::Identity;
use crate::excerpt::Excerpt;
use crate::json::{Members, Part};

use crate::revalidation::answer::{about_the_subject, object, of};
use crate::revalidation::answer_fault::{AnswerFault, AnswerKind};
use crate::revalidation::inquiry::Inquiry;
use crate::revalidation::question::Question;
use crate::revalidation::standing::Standing;
use crate::revalidation::withdrawal::Withdrawal;
use crate::token::{AccessTokenVerifier, Rejection, RequiredClaim};
use crate::unix_time::UnixTime;

/// What an access token of now would say of a question's subject, as the realm's own mappers make it.
///
/// ```compile_fail
/// let live: claim_guard::revalidation::LiveIdentity<'_> = serde_json::from_str("{}").unwrap();
/// ```
#[derive(Debug)]
pub struct LiveIdentity<'q> {
    pub(super) question: &'q Question,
    pub(super) said: Result<Box<Identity>, Withdrawal>,
}

impl<'q> Standing<'q> {
    /// Reads the claims of an example access token:
    /// `GET /admin/realms/REALM/clients/UUID/evaluate-scopes/generate-example-access-token`.
    ///
    /// They have to be what `verifier` takes for the payload of an access token, and of the subject and the client that
    /// were asked about. Their `jti` and `sid` are of no token and no session, so nothing is made of them.
    ///
    /// # Errors
    /// [`AnswerFault`] if they are anything else.
    pub fn evaluated(
        &self,
        bytes: &[u8],
        verifier: &AccessTokenVerifier,
        now: UnixTime,
    ) -> Result<LiveIdentity<'q>, AnswerFault> {
        let question = self.question;
        let inquiry = question.inquiry();
        let kind = AnswerKind::Evaluation;
        let payload = object(bytes, kind)?;
        let members = Members::new(Part::Payload, payload.members());
        about_the_subject(required(&members, RequiredClaim::Subject, inquiry)?, kind, inquiry)?;
        let client = required(&members, RequiredClaim::Client, inquiry)?;
        if client != inquiry.client().as_str() {
            let (expected, presented) = (inquiry.client().clone(), Excerpt::of(client));
            return Err(AnswerFault::AnotherClient { kind, expected, presented });
        }
        if verifier.issuer() != inquiry.issuer() {
            let presented = Excerpt::of(verifier.issuer().as_str());
            return Err(AnswerFault::AnotherRealm { expected: inquiry.issuer().to_string(), presented });
        }
        let said = match verifier.read(payload, now) {
            Ok(identity) => Ok(Box::new(identity)),
            // A realm that derives the audience from roles writes none for a subject without roles.
            Err(Rejection::WrongAudience { presented, .. }) => Err(Withdrawal::AudienceWithdrawn { presented }),
            Err(Rejection::NoClaim { claim: RequiredClaim::Audience, .. }) => {
                Err(Withdrawal::AudienceWithdrawn { presented: Excerpt::of("") })
            }
            // The stack has taken the client from its list since.
            Err(Rejection::ForbiddenClient { .. }) => {
                Err(Withdrawal::ClientForbidden { client: inquiry.client().clone() })
            }
            Err(rejection) => return Err(AnswerFault::Evaluation(rejection)),
        };
        Ok(LiveIdentity { question, said })
    }
}

/// The text of a claim that every access token has. Where it is absent, the client's settings leave it out.
fn required<'a>(members: &Members<'a>, claim: RequiredClaim, inquiry: &Inquiry) -> Result<&'a str, AnswerFault> {
    if members.has(claim.name()) {
        return of(AnswerKind::Evaluation, members.text(claim.name()));
    }
    let client = Some(Excerpt::of(inquiry.client().as_str()));
    Err(AnswerFault::Evaluation(Rejection::NoClaim { claim, client }))
}
