//! Who plays on the lab at the same time.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// So many drills play at once that act while their payment is held. They wait most of the time; what they do has to be done
/// within the hold on a small machine, too.
const AT_ONCE: u32 = 4;

static STAGE: Mutex<Stage> = Mutex::new(Stage { acting: 0, ageing: 0, waiting: 0, alone: false });
static CHANGED: Condvar = Condvar::new();

#[derive(Debug, Clone, Copy)]
struct Stage {
    /// Those that leave the others in peace.
    acting: u32,
    /// Those of them that only wait for a statement to grow old, which disturbs nobody.
    ageing: u32,
    /// Those that would like to be one of them.
    waiting: u32,
    /// Whether somebody has the whole lab.
    alone: bool,
}

/// A place on the lab, until it is dropped.
#[derive(Debug)]
pub struct Turn {
    leave: fn(&mut Stage),
}

impl Drop for Turn {
    fn drop(&mut self) {
        (self.leave)(&mut stage());
        CHANGED.notify_all();
    }
}

/// The lab, for a drill that leaves the others in peace.
pub fn shared() -> Turn {
    enter(|stage| stage.acting < AT_ONCE, |stage| stage.acting += 1, |stage| stage.acting -= 1)
}

/// The lab, for a drill whose payment is held until its statement is old.
pub fn ageing() -> Turn {
    enter(|_| true, |stage| stage.ageing += 1, |stage| stage.ageing -= 1)
}

fn enter(has_a_place: fn(&Stage) -> bool, take: fn(&mut Stage), leave: fn(&mut Stage)) -> Turn {
    let mut stage = stage();
    stage.waiting += 1;
    let mut stage = wait(stage, |stage| stage.alone || !has_a_place(stage));
    stage.waiting -= 1;
    take(&mut stage);
    Turn { leave }
}

/// The whole lab, for a drill that takes from everybody: the realm, or the keys. Whoever can play beside others goes first, so
/// that they play beside each other.
pub fn whole() -> Turn {
    let mut stage = wait(stage(), |stage| stage.alone || stage.acting + stage.ageing + stage.waiting > 0);
    stage.alone = true;
    Turn { leave: |stage| stage.alone = false }
}

fn stage() -> MutexGuard<'static, Stage> {
    STAGE.lock().unwrap_or_else(PoisonError::into_inner)
}

fn wait(stage: MutexGuard<'static, Stage>, while_it: impl Fn(&Stage) -> bool) -> MutexGuard<'static, Stage> {
    CHANGED.wait_while(stage, |stage| while_it(stage)).unwrap_or_else(PoisonError::into_inner)
}
