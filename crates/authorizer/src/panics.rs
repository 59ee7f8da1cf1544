//! Panics become errors.

use std::io::{self, Write};
use std::panic::{AssertUnwindSafe, catch_unwind, set_hook};
use std::pin::pin;
use std::task::Poll;

/// From now on, a panic prints where it happened and not what it says: its message may quote what was presented.
pub fn silence_panics() {
    set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        // A hook that panics ends the process, so a closed standard error has to be borne.
        let _ = io::stderr().lock().write_all(format!("panicked at {place}\n").as_bytes());
    }));
}

/// The future's output; none if it panics. The future is not polled again after a panic, only dropped.
pub(crate) async fn caught<T>(future: impl Future<Output = T>) -> Option<T> {
    let mut future = pin!(future);
    std::future::poll_fn(|context| match catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(context))) {
        Ok(Poll::Ready(output)) => Poll::Ready(Some(output)),
        Ok(Poll::Pending) => Poll::Pending,
        Err(_) => Poll::Ready(None),
    })
    .await
}
