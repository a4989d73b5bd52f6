//! Plays a recording of stdio: starts the server and says the client's lines to it.
//!
//! A line waits for the answers that had come before it in the recording, so that `max` is as fast as that client
//! could have been.

use std::collections::HashMap;
use std::process::Stdio;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::process::{ChildStdout, Command};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout, timeout_at};

use crate::traffic::kind::{self, Kind};
use crate::traffic::recording::{Entry, Recording, Side};
use crate::traffic::speed::Speed;
use crate::traffic::tally::{Answer, Tally};

/// How long a server may take to exit once its input is closed.
const EXIT_WAIT: Duration = Duration::from_secs(5);

/// A line of the client.
#[derive(Debug)]
pub struct Said {
    at_us: u64,
    line: Vec<u8>,
    label: String,
    /// The request's id as text, if it got an answer.
    id: Option<String>,
    got: Option<(Kind, u64)>,
    /// How many answers had come before.
    answers_before: usize,
}

/// What there is to play of a recording of stdio.
#[derive(Debug, Default)]
pub struct Lines {
    said: Vec<Said>,
    answers: usize,
    /// From the first line to the last.
    pub length_us: u64,
}

impl Lines {
    /// How many answers are waited for.
    #[must_use]
    pub fn answers(&self) -> usize {
        self.answers
    }

    /// Makes a script of a recording of stdio. With `is_partial`, what can't be played is left out.
    ///
    /// # Errors
    /// What can't be played, and why.
    pub fn new(recording: &Recording, is_partial: bool) -> Result<Self, String> {
        let mut lines =
            Self { length_us: recording.lines.last().map_or(0, |line| line.at_us), ..Self::default() };
        let mut waiting: HashMap<String, usize> = HashMap::new();
        for (line, number) in recording.lines.iter().zip(2_usize..) {
            let Entry::Said { by, body } = &line.entry else {
                return Err(format!("line {number}: a request of HTTP in a recording of stdio"));
            };
            match by {
                Side::Client if body.is_cut() && is_partial => {}
                Side::Client if body.is_cut() => {
                    return Err(format!(
                        "line {number}: it was cut when it was recorded; raise --body-bytes-max there, or pass --partial here"
                    ));
                }
                Side::Client => {
                    let asked = kind::asked(&body.data);
                    let id = asked.id.map(|id| id.to_string());
                    waiting.extend(id.clone().map(|id| (id, lines.said.len())));
                    let answers_before = lines.answers;
                    let (at_us, line) = (line.at_us, body.data.clone());
                    lines.said.push(Said { at_us, line, label: asked.label, id, got: None, answers_before });
                }
                Side::Server => {
                    let Some((id, kind)) = answer(&body.data) else { continue };
                    if let Some(place) = waiting.remove(&id) {
                        let said = &mut lines.said[place];
                        said.got = Some((kind, line.at_us - said.at_us));
                        lines.answers += 1;
                    }
                }
            }
        }
        Ok(lines)
    }
}

/// The id and the kind of an answer.
fn answer(line: &[u8]) -> Option<(String, Kind)> {
    let message: Value = serde_json::from_slice(line).ok()?;
    if message.get("method").is_some() {
        return None;
    }
    let id = message.get("id").filter(|id| !id.is_null())?;
    Some((id.to_string(), kind::of_body(line)))
}

/// What plays.
#[derive(Debug)]
pub struct Player {
    /// What to say.
    pub lines: Lines,
    /// To whom: a program and its arguments.
    pub command: Vec<String>,
    /// How fast.
    pub speed: Speed,
    /// How long to wait for one answer.
    pub timeout: Duration,
    /// Where it is counted.
    pub tally: Mutex<Tally>,
    /// When the first loop began.
    pub started: Instant,
}

/// What one process has been asked and not answered.
#[derive(Debug, Default)]
struct Waiting {
    asked: Mutex<HashMap<String, (usize, Instant)>>,
    /// Answers that came, or that came wrongly.
    answered: watch::Sender<usize>,
}

impl Player {
    /// Plays it once, to so many processes at a time.
    pub async fn play(self: &Arc<Self>, copies: usize) {
        let mut playing = JoinSet::new();
        for _ in 0..copies {
            let player = Arc::clone(self);
            playing.spawn(async move { player.process().await });
        }
        playing.join_all().await;
    }

    fn tally<T>(&self, f: impl FnOnce(&mut Tally, Duration) -> T) -> T {
        f(&mut self.tally.lock().unwrap_or_else(PoisonError::into_inner), self.started.elapsed())
    }

    fn error(&self, label: &str, kind: &str, example: &str) {
        self.tally(|tally, at| tally.error(label, at, kind, example));
    }

    async fn process(self: Arc<Self>) {
        let [program, arguments @ ..] = &self.command[..] else { return };
        let started = Command::new(program)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn();
        let mut child = match started {
            Ok(child) => child,
            Err(error) => {
                return self.error("start", "not connected", &format!("start `{program}`: {error}"));
            }
        };
        let (Some(mut input), Some(output)) = (child.stdin.take(), child.stdout.take()) else { return };
        let waiting = Arc::new(Waiting::default());
        let mut reader = JoinSet::new();
        reader.spawn(Arc::clone(&self).listen(output, Arc::clone(&waiting)));
        let began = Instant::now();
        for (place, said) in self.lines.said.iter().enumerate() {
            if !self.may_say(said, began, &waiting).await {
                break;
            }
            if said.got.is_some()
                && let Some(id) = &said.id
            {
                waiting.lock().insert(id.clone(), (place, Instant::now()));
            }
            let line = [&said.line[..], b"\n"].concat();
            if let Err(error) = input.write_all(&line).await {
                self.error(&said.label, "broken off", &error.to_string());
                break;
            }
        }
        self.answered(&waiting, self.lines.answers).await;
        drop(input);
        if timeout(EXIT_WAIT, child.wait()).await.is_err() {
            let _ = child.kill().await;
        }
        reader.join_all().await;
        for (place, _) in std::mem::take(&mut *waiting.lock()).into_values() {
            self.error(&self.lines.said[place].label, "timed out", "no answer came");
        }
    }

    /// Waits until it is time for a line; says whether what it needs has come.
    async fn may_say(&self, said: &Said, began: Instant, waiting: &Waiting) -> bool {
        let is_ready = self.answered(waiting, said.answers_before).await;
        if !is_ready {
            self.error(&said.label, "not sent", "an answer that it waits for did not come");
        } else if let Speed::Times(factor) = self.speed {
            tokio::time::sleep_until(began + Duration::from_micros(said.at_us).div_f64(factor)).await;
        }
        is_ready
    }

    async fn answered(&self, waiting: &Waiting, count: usize) -> bool {
        let mut seen = waiting.answered.subscribe();
        let deadline = Instant::now() + self.timeout;
        let reached = seen.wait_for(|answered| *answered >= count);
        // A server that has ended answers nothing more: its reader then says that everything was answered.
        timeout_at(deadline, reached)
            .await
            .is_ok_and(|reached| reached.is_ok_and(|now| *now != usize::MAX || count == 0))
    }

    async fn listen(self: Arc<Self>, output: ChildStdout, waiting: Arc<Waiting>) {
        let mut output = BufReader::new(output);
        let mut line = Vec::new();
        while output.read_until(b'\n', &mut line).await.is_ok_and(|length| length > 0) {
            self.heard(&line, &waiting);
            line.clear();
        }
        waiting.answered.send_replace(usize::MAX);
    }

    fn heard(&self, line: &[u8], waiting: &Waiting) {
        let Some((id, kind)) = answer(line) else { return };
        let Some((place, begin)) = waiting.lock().remove(&id) else { return };
        let said = &self.lines.said[place];
        if let Some((expected, latency_us)) = said.got {
            if kind == expected {
                let answer = Answer {
                    latency: begin.elapsed(),
                    recorded: Some(Duration::from_micros(latency_us)),
                    sent_bytes: said.line.len() as u64 + 1,
                    received_bytes: line.len() as u64,
                };
                self.tally(|tally, at| tally.answer(&said.label, at, answer));
            } else {
                self.error(&said.label, "another kind", &format!("{kind} in place of {expected}"));
            }
        }
        waiting.answered.send_modify(|answered| *answered += 1);
    }
}

impl Waiting {
    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<String, (usize, Instant)>> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
