//! What one call has asked and done, by the tool's keys.
//!
//! Kept inside of the call, under its lock, and only for calls that ask: whoever waits for an answer, whoever
//! brings one and whoever ends the call see the same.

use std::collections::VecDeque;
use std::hash::Hasher as _;
use std::sync::Arc;
use std::task::Waker;

use impresario_protocol::client::{ElicitParams, InputRequest, InputResponse};
use impresario_protocol::{Id, McpError};
use serde_json::Value;
use siphasher::sip::SipHasher13;
use tokio::time::Instant;

use super::sealed::{KeptRecord, KeptState, essence, invalid_answer};
use super::{AskError, Kept, Resumed, Told, check};

/// Pins what is no question.
const NO_QUESTION: u64 = 0;

/// Bounds of what one call may ask.
#[derive(Debug, Clone, Copy)]
pub(crate) struct AskedLimits {
    pub(crate) questions_max: usize,
    pub(crate) rounds_max: u64,
}

/// What came of a question.
pub(crate) type Answered = Result<InputResponse, AskError>;

/// What a call has asked and done.
#[derive(Debug, Default)]
pub(crate) struct Asked {
    records: Vec<Record>,
    /// Answers that came before their questions were asked in this run.
    loose: Vec<Loose>,
    pin_key: [u64; 2],
    rounds: u64,
    /// As long as something must not be dropped half done, the call is not ended for its questions.
    holds: usize,
    /// The call ends for its questions, and what is dropped on the way takes none of them back.
    is_frozen: bool,
    /// An answer did not fit its question, and the request has to come with a better one.
    refusal: Option<McpError>,
    /// What is to be sent, oldest first.
    pub(crate) unsent: VecDeque<Told>,
    /// The pages that the person was sent to in this session, by their keys.
    pages: Vec<(String, Id)>,
}

/// An answer that came before its question was asked.
#[derive(Debug)]
struct Loose {
    key: String,
    /// The question that it was given to, when an earlier run asked one.
    pin: Option<u64>,
    answer: Value,
}

#[derive(Debug)]
struct Record {
    key: String,
    pin: u64,
    /// An earlier run left it, and this one has not come to it yet.
    is_earlier: bool,
    state: State,
}

#[derive(Debug)]
enum State {
    Open(Open),
    Answered(Answered),
    /// Being done.
    Doing,
    Done(Value),
}

/// A question that waits for its answer.
#[derive(Debug)]
struct Open {
    question: Arc<InputRequest>,
    /// Under which it was sent in a session.
    id: Option<Id>,
    deadline: Option<Instant>,
    wakers: Vec<Waker>,
    /// How many wait for it; when nobody does any more it is withdrawn.
    waiting: usize,
}

/// What a question comes to when it is asked.
#[derive(Debug)]
pub(crate) enum Begun {
    /// It is answered already.
    Answered(Answered),
    /// Somebody else asks the same.
    Joined,
    /// It is new, and stands open from now on.
    New,
}

/// What something that is done once comes to.
#[derive(Debug)]
pub(crate) enum Once {
    /// An earlier run did it.
    Done(Value),
    /// It is to be done now.
    Due,
}

impl Asked {
    /// What a call has asked that begins with what earlier runs left.
    pub(crate) fn new(resumed: Option<&Resumed>) -> Self {
        let Resumed { kept, loose } = resumed.cloned().unwrap_or_default();
        let kept_pin = |key: &str| {
            let mut records = kept.iter().flat_map(|kept| &kept.records);
            records.find(|record| record.key == key).map(|record| record.pin)
        };
        let loose =
            loose.into_iter().map(|(key, answer)| Loose { pin: kept_pin(&key), key, answer }).collect();
        let Some(Kept { rounds, pin_key, records }) = kept else {
            let mut random = [0_u8; 16];
            // Without random bytes pins could be foreseen, and answers still be checked.
            getrandom::fill(&mut random).unwrap_or_default();
            let halves = u128::from_le_bytes(random);
            let pin_key = [(halves >> 64) as u64, halves as u64];
            return Self { loose, pin_key, ..Self::default() };
        };
        let record = |KeptRecord { key, pin, state }| {
            let state = match state {
                // It is asked again, and finds its answer among the loose ones if that has come.
                KeptState::Open(_) => return None,
                KeptState::Answered(answer) => State::Answered(Ok(answer)),
                KeptState::Done(value) => State::Done(value),
            };
            Some(Record { key, pin, is_earlier: true, state })
        };
        let records = records.into_iter().filter_map(record).collect();
        Self { records, loose, pin_key, rounds, ..Self::default() }
    }

    fn pin(&self, question: &InputRequest) -> u64 {
        let mut hasher = SipHasher13::new_with_keys(self.pin_key[0], self.pin_key[1]);
        hasher.write(&serde_json::to_vec(question).unwrap_or_default());
        hasher.finish().max(NO_QUESTION + 1)
    }

    /// Asks a question.
    pub(crate) fn begin(
        &mut self,
        key: &str,
        question: InputRequest,
        limits: AskedLimits,
    ) -> Result<Begun, AskError> {
        let pin = self.pin(&question);
        if let Some(place) = self.records.iter().position(|record| record.key == key) {
            let record = &mut self.records[place];
            if record.pin == pin {
                record.is_earlier = false;
                return Ok(match &mut record.state {
                    State::Answered(answer) => Begun::Answered(answer.clone()),
                    State::Open(open) => {
                        open.waiting += 1;
                        Begun::Joined
                    }
                    State::Doing | State::Done(_) => return Err(AskError::KeyReused { key: key.into() }),
                });
            }
            if !record.is_earlier {
                return Err(AskError::KeyReused { key: key.into() });
            }
            // An earlier run asked something else: its answer is none to this question.
            self.records.swap_remove(place);
        }
        let answers_this = |loose: &Loose| loose.key == key && loose.pin.is_none_or(|asked| asked == pin);
        if let Some(place) = self.loose.iter().position(answers_this) {
            match check(&question, self.loose.swap_remove(place).answer) {
                Ok(answer) => {
                    self.keep(key, pin, State::Answered(Ok(answer.clone())));
                    return Ok(Begun::Answered(Ok(answer)));
                }
                Err(why) => self.refusal = Some(invalid_answer(key, &why)),
            }
        }
        let open = self.open().count();
        if open >= limits.questions_max {
            return Err(AskError::TooManyQuestions { max: limits.questions_max });
        }
        if open == 0 {
            if self.rounds >= limits.rounds_max {
                return Err(AskError::TooManyRounds { max: limits.rounds_max });
            }
            self.rounds += 1;
        }
        let open =
            Open { question: Arc::new(question), id: None, deadline: None, wakers: Vec::new(), waiting: 1 };
        self.keep(key, pin, State::Open(open));
        Ok(Begun::New)
    }

    fn keep(&mut self, key: &str, pin: u64, state: State) {
        self.records.push(Record { key: key.into(), pin, is_earlier: false, state });
    }

    fn find(&mut self, key: &str) -> Option<&mut Record> {
        self.records.iter_mut().find(|record| record.key == key)
    }

    fn open(&self) -> impl Iterator<Item = (&Record, &Open)> {
        self.records.iter().filter_map(|record| match &record.state {
            State::Open(open) => Some((record, open)),
            State::Answered(_) | State::Doing | State::Done(_) => None,
        })
    }

    /// A question goes out under an id, and is given up at a time.
    pub(crate) fn send(&mut self, key: &str, id: Id, deadline: Instant) {
        let Some(Record { state: State::Open(open), .. }) = self.find(key) else { return };
        open.id = Some(id.clone());
        open.deadline = Some(deadline);
        let question = Arc::clone(&open.question);
        if matches!(&*question, InputRequest::Elicit(elicit) if matches!(elicit.params, ElicitParams::Url(_)))
        {
            self.pages.push((key.to_owned(), id.clone()));
        }
        self.unsent.push_back(Told::Asked(id, question));
    }

    /// The id under which the person was sent to a page.
    pub(crate) fn page_id(&self, key: &str) -> Option<Id> {
        self.pages.iter().find(|(known, _)| known == key).map(|(_, id)| id.clone())
    }

    /// A question that could not be asked after all.
    pub(crate) fn unask(&mut self, key: &str) {
        self.records.retain(|record| record.key != key);
    }

    /// The answer to a question, once it has come.
    pub(crate) fn answer_or_wait(&mut self, key: &str, waker: &Waker) -> Option<Answered> {
        match self.find(key).map(|record| &mut record.state) {
            Some(State::Answered(answer)) => Some(answer.clone()),
            Some(State::Open(open)) => {
                if !open.wakers.iter().any(|known| known.will_wake(waker)) {
                    open.wakers.push(waker.clone());
                }
                None
            }
            Some(State::Doing | State::Done(_)) | None => Some(Err(AskError::CallEnded { key: key.into() })),
        }
    }

    /// What was asked under a key, while it is open.
    pub(crate) fn question(&mut self, key: &str) -> Option<Arc<InputRequest>> {
        match self.find(key).map(|record| &record.state) {
            Some(State::Open(open)) => Some(Arc::clone(&open.question)),
            _ => None,
        }
    }

    /// A question is over; whoever waited for it is to be woken.
    pub(crate) fn settle(&mut self, key: &str, answer: Answered) -> Vec<Waker> {
        let Some(record) = self.find(key) else { return Vec::new() };
        match std::mem::replace(&mut record.state, State::Answered(answer)) {
            State::Open(open) => open.wakers,
            other => {
                // The first answer wins.
                record.state = other;
                Vec::new()
            }
        }
    }

    /// Somebody waits for an answer no more. When nobody does, the question is withdrawn, and its id given
    /// back.
    pub(crate) fn leave(&mut self, key: &str) -> Option<Id> {
        if self.is_frozen {
            return None;
        }
        let Some(Record { state: State::Open(open), .. }) = self.find(key) else { return None };
        open.waiting -= 1;
        if open.waiting > 0 {
            return None;
        }
        let id = open.id.take();
        self.unask(key);
        if let Some(id) = &id {
            self.withdraw(id);
        }
        id
    }

    /// Tells the client that a question is no longer of interest, or does not ask it at all.
    pub(crate) fn withdraw(&mut self, id: &Id) {
        let before = self.unsent.len();
        self.unsent.retain(|told| !matches!(told, Told::Asked(unsent, _) if unsent == id));
        if self.unsent.len() == before {
            self.unsent.push_back(Told::Withdrawn(id.clone()));
        }
    }

    /// The questions that are open at that time and should not be: their keys and ids.
    pub(crate) fn overdue(&self, now: Instant) -> Vec<(String, Option<Id>)> {
        let is_overdue = |open: &Open| open.deadline.is_some_and(|deadline| deadline <= now);
        self.open()
            .filter(|(_, open)| is_overdue(open))
            .map(|(record, open)| (record.key.clone(), open.id.clone()))
            .collect()
    }

    /// Every open question: its key and id.
    pub(crate) fn open_ids(&self) -> Vec<(String, Option<Id>)> {
        self.open().map(|(record, open)| (record.key.clone(), open.id.clone())).collect()
    }

    /// When the first open question is given up.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.open().filter_map(|(_, open)| open.deadline).min()
    }

    /// Begins what is done once, unless an earlier run has done it.
    pub(crate) fn begin_once(&mut self, key: &str) -> Result<Once, AskError> {
        let reused = || AskError::KeyReused { key: key.into() };
        match self.find(key) {
            Some(Record { state: State::Done(value), .. }) => Ok(Once::Done(value.clone())),
            Some(_) => Err(reused()),
            None => {
                self.holds += 1;
                self.keep(key, NO_QUESTION, State::Doing);
                Ok(Once::Due)
            }
        }
    }

    /// Something was done once, or given up.
    pub(crate) fn end_once(&mut self, key: &str, value: Option<Value>) {
        self.holds -= 1;
        match (value, self.find(key)) {
            (Some(value), Some(record)) => record.state = State::Done(value),
            (None, _) => self.unask(key),
            (Some(_), None) => {}
        }
    }

    /// The call is not ended for its questions until the hold is released.
    pub(crate) fn hold(&mut self) {
        self.holds += 1;
    }

    /// One hold less.
    pub(crate) fn release(&mut self) {
        self.holds -= 1;
    }

    /// Whether the call has to end for what it asked, when no more than that holds it.
    pub(crate) fn must_end(&self, holds: usize) -> bool {
        self.holds <= holds && (self.refusal.is_some() || self.open().next().is_some())
    }

    /// The same; and if so, what is open stays open, whoever leaves it.
    pub(crate) fn freeze(&mut self, holds: usize) -> bool {
        self.is_frozen |= self.must_end(holds);
        self.is_frozen
    }

    /// Why the call can't go on, when an answer did not fit.
    pub(crate) fn refusal(&self) -> Option<McpError> {
        self.refusal.clone()
    }

    /// The open questions, by their keys.
    pub(crate) fn questions(&self) -> Vec<(String, Arc<InputRequest>)> {
        self.open().map(|(record, open)| (record.key.clone(), Arc::clone(&open.question))).collect()
    }

    /// What is to be kept until the next run.
    pub(crate) fn kept(&self) -> Kept {
        let record = |record: &Record| {
            let state = match &record.state {
                State::Open(open) => KeptState::Open(Some(essence(&open.question))),
                State::Answered(Ok(answer)) => KeptState::Answered(answer.clone()),
                State::Done(value) => KeptState::Done(value.clone()),
                State::Answered(Err(_)) | State::Doing => return None,
            };
            Some(KeptRecord { key: record.key.clone(), pin: record.pin, state })
        };
        Kept {
            rounds: self.rounds,
            pin_key: self.pin_key,
            records: self.records.iter().filter_map(record).collect(),
        }
    }
}
