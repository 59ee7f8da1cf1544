//! A panic ends one invocation, and says nothing of what was presented.
//!
//! Lambda's runtime catches panics too, but answers with the panic's own text, which may quote the input and then stands
//! in an execution's history; and no audit line is written. So nothing that may panic is left to it.

use std::future::poll_fn;
use std::io::{self, Write};
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind, set_hook};
use std::task::Poll;

use claim_guard::audit::Reason;

/// The reason's code in the audit line of an invocation that panicked.
pub const PANICKED: &str = "panicked";

/// An invocation panicked. Of the panic's payload nothing is kept; where it happened is on standard error.
///
/// Such an invocation is undecided, and not misconfigured: the fault is the code's or the moment's, so no setting mends
/// it, and what a panic has left unfinished may well be done by another try.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Panicked;

impl Panicked {
    /// The panic for an audit line: always the same words.
    pub fn reason(self) -> Reason {
        Reason::new(PANICKED, &"the function panicked: its log says where")
    }
}

/// From now on, a panic prints where it happened and not what it says: its message may quote what was presented.
pub fn silence_panics() {
    set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        // A hook that panics ends the process, so a closed standard error has to be borne.
        let _ = io::stderr().lock().write_all(format!("panicked at {place}\n").as_bytes());
    }));
}

/// The future's output. A future that has panicked is not polled again, only dropped.
///
/// # Errors
/// [`Panicked`] if the future panics while it is polled or dropped.
pub async fn caught<F: Future>(future: F) -> Result<F::Output, Panicked> {
    let mut future = Box::pin(future);
    let output = poll_fn(|context| match caught_at_once(|| future.as_mut().poll(context)) {
        Ok(Poll::Pending) => Poll::Pending,
        Ok(Poll::Ready(output)) => Poll::Ready(Ok(output)),
        Err(panicked) => Poll::Ready(Err(panicked)),
    })
    .await;
    caught_at_once(|| drop(future))?;
    output
}

/// What the work comes to, which does not wait.
///
/// # Errors
/// [`Panicked`] if it panics.
pub fn caught_at_once<T>(work: impl FnOnce() -> T) -> Result<T, Panicked> {
    catch_unwind(AssertUnwindSafe(work)).map_err(|payload| {
        // Whoever panics with a value of their own may panic once more where it is dropped, and nobody would catch that.
        mem::forget(payload);
        Panicked
    })
}

#[cfg(test)]
#[allow(clippy::panic, reason = "a test may panic")]
mod tests {
    use super::*;

    /// Panics when it is dropped.
    struct Fragile;

    impl Drop for Fragile {
        fn drop(&mut self) {
            panic!("eyJ of a token");
        }
    }

    #[track_caller]
    fn check<F: Future<Output = u8>>(future: F, expected: Result<u8, Panicked>) {
        let runtime = tokio::runtime::Builder::new_current_thread().build();
        assert_eq!(runtime.map(|runtime| runtime.block_on(caught(future))).ok(), Some(expected));
    }

    #[test]
    fn what_does_not_panic_is_handed_through() {
        check(async { 1 }, Ok(1));
        check(
            async {
                tokio::task::yield_now().await;
                2
            },
            Ok(2),
        );
    }

    #[test]
    fn a_panic_is_caught_wherever_it_happens() {
        check(async { panic!("at the first poll") }, Err(Panicked));
        check(
            async {
                tokio::task::yield_now().await;
                panic!("at a later poll")
            },
            Err(Panicked),
        );
        check(poll_fn(|_| panic!("in a future of somebody's own")), Err(Panicked));
        let fragile = Fragile;
        let kept = poll_fn(move |_| {
            let _kept = &fragile;
            Poll::Ready(3)
        });
        check(kept, Err(Panicked));
    }

    #[test]
    fn a_payload_that_panics_in_its_turn_is_caught() {
        check(async { std::panic::panic_any(Fragile) }, Err(Panicked));
    }
}
