//! Steps shown as spinners on a terminal and as plain lines elsewhere.

use std::io::IsTerminal;
use std::time::{Duration, Instant};

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

/// Prints a line to standard output, or to standard error with `error:`. A reader that has gone away is no reason to break
/// off: what was started has to be stopped all the same.
macro_rules! tell {
    (error: $($part:tt)*) => {{
        use std::io::Write as _;
        let _ = writeln!(std::io::stderr(), $($part)*);
    }};
    ($($part:tt)*) => {{
        use std::io::Write as _;
        let _ = writeln!(std::io::stdout(), $($part)*);
    }};
}
pub(crate) use tell;

/// Shows the steps of one command; several may run at once.
#[derive(Debug, Clone)]
pub struct Progress {
    bars: Option<MultiProgress>,
}

impl Progress {
    /// Spinners when standard error is a terminal, plain lines otherwise.
    pub fn new() -> Progress {
        Progress { bars: std::io::stderr().is_terminal().then(MultiProgress::new) }
    }

    /// Begins a step; it ends with [`Step::done`], or as failed when it is dropped before that.
    pub fn step(&self, title: impl Into<String>) -> Step {
        let title = title.into();
        self.begin(title.clone(), title)
    }

    /// Begins a step that somebody has to wait for, and says how long it takes on two cores that do nothing else.
    pub fn long_step(&self, title: impl Into<String>, usually: &str) -> Step {
        let title = title.into();
        self.begin(format!("{title}; usually {usually}"), title)
    }

    fn begin(&self, announcement: String, title: String) -> Step {
        let bar = self.bars.as_ref().map(|bars| {
            let bar = bars.add(ProgressBar::new_spinner());
            let style = ProgressStyle::with_template("{spinner} {msg} ({elapsed})");
            bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()));
            bar.set_message(announcement.clone());
            bar.enable_steady_tick(Duration::from_millis(120));
            bar
        });
        if bar.is_none() {
            tell!(error: "… {announcement}");
        }
        Step { title, announcement, bar, bars: self.bars.clone(), began: Instant::now(), ended: false }
    }
}

impl Default for Progress {
    fn default() -> Progress {
        Progress::new()
    }
}

/// One step that is under way.
#[derive(Debug)]
pub struct Step {
    /// What it is called once it has ended.
    title: String,
    /// What it is called until then.
    announcement: String,
    bar: Option<ProgressBar>,
    bars: Option<MultiProgress>,
    began: Instant,
    ended: bool,
}

impl Step {
    /// Shows what the step is busy with; seen on a terminal only.
    pub fn note(&self, note: &str) {
        if let Some(bar) = &self.bar {
            bar.set_message(format!("{} · {note}", self.announcement));
        }
    }

    /// Ends the step well. `detail` is added to its line unless it is empty.
    pub fn done(mut self, detail: &str) {
        let separator = if detail.is_empty() { "" } else { ": " };
        self.end(format!("✔ {}{separator}{detail}", self.title));
    }

    fn end(&mut self, line: String) {
        self.ended = true;
        let line = format!("{line} ({:.1} s)", self.began.elapsed().as_secs_f64());
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
        match &self.bars {
            Some(bars) if bars.println(&line).is_ok() => {}
            Some(_) | None => tell!(error: "{line}"),
        }
    }
}

impl Drop for Step {
    fn drop(&mut self) {
        if !self.ended {
            self.end(format!("✘ {}", self.title));
        }
    }
}
