//! How far the run is: a bar with the time left on a terminal, a plain line now and then in a log,
//! nothing with `--quiet`.

use crate::ensemble::Progress;
use indicatif::{HumanDuration, ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io::IsTerminal;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// A log gets a line at every tenth of the run, and at least this often.
const SILENCE: Duration = Duration::from_secs(30);

/// The bar on the screen, so that a message can be written above it and not through it.
static ON_SCREEN: Mutex<Option<ProgressBar>> = Mutex::new(None);

/// Tells the user how far the run is. Rank 0 holds one and feeds it about once a second.
pub struct Reporter {
    voice: Voice,
}

enum Voice {
    Silent,
    Bar(ProgressBar),
    Lines(Pace),
}

impl Reporter {
    /// A bar if standard error is a terminal, else lines of the log; neither if `quiet`.
    pub fn new(quiet: bool) -> Reporter {
        let voice = match (quiet, std::io::stderr().is_terminal()) {
            (true, _) => Voice::Silent,
            (false, true) => Voice::Bar(bar()),
            (false, false) => Voice::Lines(Pace::default()),
        };
        Reporter { voice }
    }

    /// The run has come this far.
    pub fn update(&mut self, progress: &Progress) {
        match &mut self.voice {
            Voice::Silent => {}
            Voice::Bar(bar) => {
                bar.set_length(progress.steps_total);
                bar.set_message(rate(progress));
                bar.set_position(progress.steps_behind());
            }
            Voice::Lines(pace) => {
                if pace.is_due(progress) {
                    log::info!("{}", line(progress));
                }
            }
        }
    }

    /// The run is over, well or not: the bar goes away.
    pub fn finish(&mut self) {
        if let Voice::Bar(bar) = std::mem::replace(&mut self.voice, Voice::Silent) {
            bar.finish_and_clear();
            *on_screen() = None;
        }
    }
}

impl Drop for Reporter {
    fn drop(&mut self) {
        self.finish();
    }
}

/// Writes to the terminal what must not mix with the bar.
pub(super) fn above_the_bar<T>(write: impl FnOnce() -> T) -> T {
    let bar = on_screen().clone();
    match bar {
        Some(bar) => bar.suspend(write),
        None => write(),
    }
}

/// A panic elsewhere does not make the bar unusable.
fn on_screen() -> std::sync::MutexGuard<'static, Option<ProgressBar>> {
    ON_SCREEN.lock().unwrap_or_else(PoisonError::into_inner)
}

fn bar() -> ProgressBar {
    let style = ProgressStyle::with_template("{bar:32} {percent:>3} %  {msg}  {elapsed} gone, {eta} to go")
        .expect("the template is fixed and every key in it exists");
    let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr()).with_style(style);
    *on_screen() = Some(bar.clone());
    bar
}

/// When a log is due its next line.
#[derive(Default)]
struct Pace {
    tenths: u128,
    last: Duration,
}

impl Pace {
    fn is_due(&mut self, progress: &Progress) -> bool {
        let tenths = 10 * u128::from(progress.steps_behind()) / u128::from(progress.steps_total.max(1));
        let due = tenths > self.tenths || progress.elapsed.saturating_sub(self.last) >= SILENCE;
        if due {
            (self.tenths, self.last) = (tenths, progress.elapsed);
        }
        due
    }
}

fn rate(progress: &Progress) -> String {
    format!("{:.2e} steps/s", progress.steps_done as f64 / progress.elapsed.as_secs_f64().max(1e-9))
}

fn line(progress: &Progress) -> String {
    let done = progress.steps_behind() as f64 / progress.steps_total.max(1) as f64;
    // The time left is unknown before the first step and never worth more than a century of digits.
    let to_go = progress.steps_total.saturating_sub(progress.steps_behind()) as f64;
    let left = (progress.elapsed.as_secs_f64() * to_go / (progress.steps_done as f64).max(1e-9)).clamp(0.0, 3e9);
    let (gone, left) = (HumanDuration(progress.elapsed), HumanDuration(Duration::from_secs_f64(left)));
    format!("{:.0} %, {}, {gone} gone, {left} to go", 100.0 * done, rate(progress))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(steps_done: u64, seconds: u64) -> Progress {
        Progress { steps_done, steps_earlier: 0, steps_total: 1000, elapsed: Duration::from_secs(seconds) }
    }

    #[test]
    fn a_log_gets_a_line_every_tenth() {
        let mut pace = Pace::default();
        let spoken: Vec<u64> = (0..=1000).filter(|done| pace.is_due(&at(*done, done / 100))).collect();
        assert_eq!(spoken, [100, 200, 300, 400, 500, 600, 700, 800, 900, 1000]);
    }

    #[test]
    fn a_slow_run_is_not_silent_for_more_than_half_a_minute() {
        let mut pace = Pace::default();
        let spoken: Vec<u64> = (0..100).filter(|second| pace.is_due(&at(second / 2, *second))).collect();
        assert_eq!(spoken, [30, 60, 90]);
    }

    #[test]
    fn a_line_says_how_much_how_fast_and_how_long() {
        assert_eq!(line(&at(250, 20)), "25 %, 1.25e1 steps/s, 20 seconds gone, 60 seconds to go");
        let resumed = Progress { steps_earlier: 500, ..at(250, 20) };
        assert_eq!(line(&resumed), "75 %, 1.25e1 steps/s, 20 seconds gone, 20 seconds to go");
        assert!(line(&at(0, 0)).starts_with("0 %"));
        assert!(
            line(&Progress { steps_done: 0, steps_earlier: 0, steps_total: 0, elapsed: Duration::MAX })
                .starts_with("0 %")
        );
        assert!(!line(&at(250, 20)).contains('\r'));
    }

    #[test]
    fn counts_near_the_largest_do_not_overflow() {
        let all = Progress { steps_done: u64::MAX, steps_earlier: 7, steps_total: u64::MAX, elapsed: Duration::ZERO };
        assert!(Pace::default().is_due(&all));
        assert!(line(&all).starts_with("100 %"));
    }

    #[test]
    fn quiet_is_silent() {
        let mut reporter = Reporter::new(true);
        reporter.update(&at(1000, 1));
        assert!(matches!(reporter.voice, Voice::Silent));
    }
}
