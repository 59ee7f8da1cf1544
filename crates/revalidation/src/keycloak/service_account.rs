//! The service account's access token, kept while it is good.

use std::sync::Arc;
use std::time::Duration;

use claim_guard::UnixTime;
use tokio::sync::Mutex;

use crate::keycloak::fault::KeycloakFault;
use crate::keycloak::service_token::ServiceToken;

/// A token is not shown any more so long before its end: it has to arrive while it is good.
const RESERVE: Duration = Duration::from_secs(30);
/// However long a token lives, after this time another is asked for.
const LONGEST: Duration = Duration::from_secs(3600);
/// A token that lives no longer than the reserve is good for the question that it was asked for.
const SHORTEST: Duration = Duration::from_secs(1);

/// Keeps one token for all who ask in this process.
///
/// While one asks the realm for a token, all others wait for that one. Nothing but memory ever holds it.
#[derive(Default)]
pub(super) struct ServiceAccount {
    kept: Mutex<Option<Kept>>,
}

struct Kept {
    token: Arc<ServiceToken>,
    until: UnixTime,
}

impl ServiceAccount {
    /// The kept token if it is good at `now`, else the one that `obtained` brings, which is kept from then on. A future that
    /// is not needed is dropped unawaited.
    ///
    /// # Errors
    /// What `obtained` fails with. The next who asks tries anew.
    pub(super) async fn token(
        &self,
        now: UnixTime,
        obtained: impl Future<Output = Result<ServiceToken, KeycloakFault>>,
    ) -> Result<Arc<ServiceToken>, KeycloakFault> {
        let mut kept = self.kept.lock().await;
        if let Some(Kept { token, until }) = kept.as_ref()
            && now < *until
        {
            return Ok(Arc::clone(token));
        }
        *kept = None;
        let token = Arc::new(obtained.await?);
        let good_for = token.lifetime().min(LONGEST).saturating_sub(RESERVE).max(SHORTEST);
        *kept = Some(Kept { token: Arc::clone(&token), until: now.plus(good_for) });
        Ok(token)
    }

    /// Keeps that token no more: the realm has refused it. Another one that was obtained since is kept.
    pub(super) async fn forget(&self, refused: &Arc<ServiceToken>) {
        let mut kept = self.kept.lock().await;
        if kept.as_ref().is_some_and(|kept| Arc::ptr_eq(&kept.token, refused)) {
            *kept = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use serde_json::json;

    use super::*;

    const START: i64 = 1_000_000;

    fn at(seconds: i64) -> UnixTime {
        UnixTime::from_seconds(START + seconds).unwrap()
    }

    /// A realm that numbers the tokens which it gives.
    struct Counter {
        account: ServiceAccount,
        given: AtomicU32,
        expires_in: u64,
    }

    impl Counter {
        fn of(expires_in: u64) -> Self {
            Self { account: ServiceAccount::default(), given: AtomicU32::new(0), expires_in }
        }

        async fn token(&self, seconds: i64) -> Arc<ServiceToken> {
            let obtained = async {
                let number = self.given.fetch_add(1, Ordering::SeqCst);
                tokio::task::yield_now().await;
                let answer = json!({
                    "access_token": number.to_string(), "token_type": "Bearer", "expires_in": self.expires_in,
                });
                Ok(ServiceToken::parse(answer.to_string().as_bytes()).unwrap())
            };
            self.account.token(at(seconds), obtained).await.unwrap()
        }

        async fn check(&self, seconds: i64, expected: &str) {
            assert_eq!(self.token(seconds).await.as_str(), expected, "after {seconds} s");
        }
    }

    #[tokio::test]
    async fn a_token_is_kept_until_thirty_seconds_before_its_end() {
        let counter = Counter::of(300);
        counter.check(0, "0").await;
        counter.check(269, "0").await;
        counter.check(270, "1").await;
        counter.check(270 + 269, "1").await;
        counter.check(270 + 270, "2").await;
    }

    #[tokio::test]
    async fn a_token_that_lives_for_days_is_kept_for_an_hour() {
        let counter = Counter::of(u64::MAX);
        counter.check(0, "0").await;
        counter.check(3569, "0").await;
        counter.check(3570, "1").await;
    }

    #[tokio::test]
    async fn a_token_with_a_short_life_serves_one_question() {
        let counter = Counter::of(7);
        counter.check(0, "0").await;
        counter.check(0, "0").await;
        counter.check(1, "1").await;
    }

    #[tokio::test]
    async fn k12_all_who_ask_at_once_get_the_token_that_one_asked_for() {
        let counter = Counter::of(300);
        let (first, second, third) = tokio::join!(counter.token(0), counter.token(0), counter.token(0));
        assert_eq!([first.as_str(), second.as_str(), third.as_str()], ["0", "0", "0"]);
    }

    #[tokio::test]
    async fn only_the_refused_token_is_forgotten() {
        let counter = Counter::of(300);
        let first = counter.token(0).await;
        counter.account.forget(&first).await;
        counter.check(0, "1").await;
        counter.account.forget(&first).await;
        counter.check(0, "1").await;
    }

    #[tokio::test]
    async fn a_failure_is_not_kept() {
        let account = ServiceAccount::default();
        let failed = account.token(at(0), async { Err(KeycloakFault::NoRandom) }).await;
        assert_eq!(failed, Err(KeycloakFault::NoRandom));
        let answer = br#"{"access_token":"a","token_type":"Bearer","expires_in":300}"#;
        let token = account.token(at(0), async { Ok(ServiceToken::parse(answer).unwrap()) }).await;
        assert_eq!(token.map(|token| token.as_str().to_owned()), Ok("a".to_owned()));
    }
}
