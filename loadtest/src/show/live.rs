//! A run while it runs, on standard error: a view that redraws itself on a terminal, plain lines anywhere else.
//!
//! It has a thread of its own, which only looks at the newest progress, so that showing never holds a run up. The view
//! takes a few lines and gives them back at the end.

mod frame;
mod history;

use std::io::{self, IsTerminal};
use std::sync::mpsc::{self, RecvTimeoutError, SyncSender};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use tokio::sync::watch;

use self::history::History;
use crate::progress::Progress;
use crate::show::print;

/// How often the view is drawn.
const DRAWN_EVERY: Duration = Duration::from_millis(120);
/// How often a plain line is written, and how many a phase is given at most.
const LINE_EVERY: Duration = Duration::from_secs(1);
const LINES_MAX: u32 = 60;
/// In a terminal that is narrower, the view's lines would wrap.
const COLUMNS_MIN: usize = 79;
/// The view is never wider than this, however wide the terminal is.
const COLUMNS_MAX: usize = 100;

/// Shows a run until it is dropped.
#[derive(Debug)]
pub struct Live {
    /// Its end tells the thread to stop.
    stop: Option<SyncSender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Live {
    /// Begins to show what `progress` says, under a title like `echo on impresario`.
    #[must_use]
    pub fn start(title: &str, progress: watch::Receiver<Progress>) -> Self {
        let (stop, stopped) = mpsc::sync_channel(1);
        let title = print::one_line(title);
        let show = move || {
            let wait = |time| stopped.recv_timeout(time) == Err(RecvTimeoutError::Timeout);
            if is_drawable() { draw(&title, &progress, wait) } else { write_lines(&title, &progress, wait) }
        };
        // Without a thread nothing is shown, and the run is as good.
        let thread = std::thread::Builder::new().name("live view".to_owned()).spawn(show).ok();
        Self { stop: Some(stop), thread }
    }
}

impl Drop for Live {
    /// Takes the view away, so that the result stands alone.
    fn drop(&mut self) {
        self.stop = None;
        if let Some(thread) = self.thread.take() {
            // What it panicked about is on standard error already.
            let _ = thread.join();
        }
    }
}

/// Whether standard error is a terminal of a person who wants to see things move.
fn is_drawable() -> bool {
    let is_set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    let is_dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
    io::stderr().is_terminal() && !is_set("NO_COLOR") && !is_set("CI") && !is_dumb && columns() >= COLUMNS_MIN
}

fn draw(title: &str, progress: &watch::Receiver<Progress>, wait: impl Fn(Duration) -> bool) {
    let style = ProgressStyle::with_template("{msg}").expect("our own template is valid");
    let target = ProgressDrawTarget::stderr_with_hz(20);
    let bar = ProgressBar::with_draw_target(None, target).with_style(style);
    let mut history = History::default();
    loop {
        let now = progress.borrow().clone();
        history.note(&now);
        bar.set_message(frame::render(title, &now, &history, columns()));
        bar.tick();
        if !wait(DRAWN_EVERY) {
            break;
        }
    }
    bar.finish_and_clear();
}

fn columns() -> usize {
    let size = terminal_size::terminal_size_of(io::stderr());
    size.map_or(80, |(width, _)| usize::from(width.0)).clamp(1, COLUMNS_MAX + 1) - 1
}

fn write_lines(title: &str, progress: &watch::Receiver<Progress>, wait: impl Fn(Duration) -> bool) {
    let mut last = Instant::now();
    while wait(DRAWN_EVERY) {
        let now = progress.borrow().clone();
        if last.elapsed() >= LINE_EVERY.max(now.total.unwrap_or_default() / LINES_MAX) {
            print::tell(&format!("{}\n", frame::line(title, &now)));
            last = Instant::now();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_view_ends_with_its_run() {
        let (sender, receiver) = crate::progress::channel();
        let live = Live::start("echo on nobody", receiver);
        sender.send_replace(Progress { answers: 1, ..Progress::default() });
        drop(live);
    }
}
