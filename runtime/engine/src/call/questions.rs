//! What a call asks its client: questions that go out, answers that come in, and what happens to open questions
//! when the call ends.

use std::sync::Arc;
use std::task::{Context as TaskContext, Poll, Waker};
use std::time::Duration;

use impresario_protocol::Id;
use impresario_protocol::client::InputRequest;
use serde_json::Value;
use tokio::time::Instant;

use super::{Call, Ending};
use crate::question::{
    Answered, AskError, Asked, AskedLimits, Asks, Begun, Bound, InputRequired, Kept, Once, Sealer, Told,
    check,
};

impl Call {
    /// Asks a question under a key. Its answer, if there is one already; else the question stands open, and the
    /// caller waits by [`Self::poll_answer`] or leaves by [`Self::leave_question`].
    pub(crate) fn ask(
        self: &Arc<Self>,
        key: &str,
        question: InputRequest,
    ) -> Result<Option<Answered>, AskError> {
        if let Asks::Never(why) = self.facts().asks {
            return Err(AskError::NotHere(why));
        }
        if let Some(missing) = self.client().abilities().missing_for(&question) {
            return Err(AskError::NotSupported { missing });
        }
        let mut state = self.state.lock();
        if state.ended {
            return Err(AskError::CallEnded { key: key.into() });
        }
        let asked = self.asked(&mut state.asked);
        let limits = AskedLimits {
            questions_max: self.limits.questions_max,
            rounds_max: self.limits.question_rounds_max,
        };
        match asked.begin(key, question, limits)? {
            Begun::Answered(answer) => return Ok(Some(answer)),
            Begun::Joined => return Ok(None),
            Begun::New => {}
        }
        let mut reader = None;
        match &self.facts().asks {
            Asks::InSession(open) => {
                let Some(id) = open.enter(self, key, self.limits.questions_max) else {
                    asked.unask(key);
                    return Err(AskError::TooManyQuestions { max: self.limits.questions_max });
                };
                asked.send(key, id, Instant::now() + self.limits.question_timeout);
                reader = state.reader.take();
            }
            Asks::InTask(_) => {
                // It is open as long as the task lives; the message is for the task alone, which looks itself.
                const LONG: Duration = Duration::from_secs(365 * 24 * 60 * 60);
                asked.send(key, Id::from_text(key), Instant::now() + LONG);
                reader = state.reader.take();
            }
            Asks::ByRetry(_) | Asks::Never(_) => {}
        }
        let wakers = state.cancel_wakers.clone();
        drop(state);
        // The worker's clock stops, or it ends the call.
        wakers.into_iter().chain(reader).for_each(Waker::wake);
        Ok(None)
    }

    /// What the call has asked, with what earlier runs left.
    fn asked<'s>(&self, asked: &'s mut Option<Box<Asked>>) -> &'s mut Asked {
        asked.get_or_insert_with(|| {
            let resumed = match &self.facts().asks {
                Asks::ByRetry(resumed) => resumed.as_deref(),
                Asks::InTask(resumed) => Some(&**resumed),
                Asks::Never(_) | Asks::InSession(_) => None,
            };
            Box::new(Asked::new(resumed))
        })
    }

    /// The answer to a question that stands open.
    pub(crate) fn poll_answer(&self, key: &str, task: &TaskContext<'_>) -> Poll<Answered> {
        let mut state = self.state.lock();
        let ended = || Some(Err(AskError::CallEnded { key: key.into() }));
        let answer = state.asked.as_mut().map_or_else(ended, |asked| asked.answer_or_wait(key, task.waker()));
        answer.map_or(Poll::Pending, Poll::Ready)
    }

    /// Somebody who asked waits no more.
    pub(crate) fn leave_question(&self, key: &str) {
        let mut state = self.state.lock();
        if state.ended {
            return;
        }
        let Some(id) = state.asked.as_mut().and_then(|asked| asked.leave(key)) else { return };
        let mut wakers = state.cancel_wakers.clone();
        wakers.extend(state.reader.take());
        drop(state);
        self.close_question(&id);
        wakers.into_iter().for_each(Waker::wake);
    }

    /// The client has answered a question: with a result, or an error of that code and message.
    pub(crate) fn on_answer(&self, key: &str, reply: Result<Value, (i64, String)>) {
        let question = self.state.lock().asked.as_mut().and_then(|asked| asked.question(key));
        let Some(question) = question else { return };
        let answer = match reply {
            Ok(answer) => {
                check(&question, answer).map_err(|why| AskError::InvalidAnswer { key: key.into(), why })
            }
            Err((code, message)) => Err(AskError::Refused { key: key.into(), code, message }),
        };
        self.settle(key, answer);
    }

    /// The questions that are open, by their keys.
    pub(crate) fn open_questions(&self) -> Vec<(String, Arc<InputRequest>)> {
        self.state.lock().asked.as_ref().map_or_else(Vec::new, |asked| asked.questions())
    }

    /// What was asked and done so far; nothing for a call that did neither.
    pub(crate) fn kept_questions(&self) -> Option<Kept> {
        self.state.lock().asked.as_ref().map(|asked| asked.kept())
    }

    /// A question is over, in whatever way.
    pub(crate) fn settle(&self, key: &str, answer: Answered) {
        let mut state = self.state.lock();
        let Some(asked) = &mut state.asked else { return };
        let mut wakers = asked.settle(key, answer);
        wakers.extend(state.cancel_wakers.iter().cloned());
        drop(state);
        wakers.into_iter().for_each(Waker::wake);
    }

    /// When the first open question is to be given up; as long as there is one, the call's own time stands
    /// still.
    pub(crate) fn question_deadline(&self) -> Option<Instant> {
        self.state.lock().asked.as_ref()?.deadline()
    }

    /// Gives up the questions whose time is over.
    pub(crate) fn give_up_questions(&self, now: Instant) {
        let mut state = self.state.lock();
        let Some(asked) = &mut state.asked else { return };
        let overdue = asked.overdue(now);
        overdue.iter().filter_map(|(_, id)| id.as_ref()).for_each(|id| asked.withdraw(id));
        let reader = state.reader.take();
        drop(state);
        for (key, id) in overdue {
            id.iter().for_each(|id| self.close_question(id));
            self.settle(&key, Err(AskError::NeverAnswered { key: key.clone() }));
        }
        reader.into_iter().for_each(Waker::wake);
    }

    /// The ending of a call that can't go on without an answer from its client; nothing, for one that can.
    pub(crate) fn interruption(&self, sealer: &Sealer) -> Option<Ending> {
        let Asks::ByRetry(_) = self.facts().asks else { return None };
        let mut state = self.state.lock();
        let asked = state.asked.as_mut().filter(|asked| asked.must_end(0))?;
        // It stays: a blocking tool's thread and the call's worker may both come here, and must end the call alike.
        if let Some(refusal) = asked.refusal() {
            return Some(Ending::Failed(refusal));
        }
        let (requests, kept) = (asked.questions(), asked.kept());
        drop(state);
        let bound = Bound::of(self.facts().caller.principal.as_deref(), self.message());
        Some(match sealer.seal(kept, &bound) {
            Ok(state) => Ending::InputRequired(Box::new(InputRequired { requests, state })),
            Err(error) => Ending::Failed(error),
        })
    }

    /// Whether nothing but the one hold of a waiting thread keeps the call from being ended. If so, the thread
    /// is to leave its tool, and what it drops on its way out is asked nevertheless.
    pub(crate) fn begin_interruption(&self) -> bool {
        let Asks::ByRetry(_) = self.facts().asks else { return false };
        let mut state = self.state.lock();
        state.asked.as_mut().is_some_and(|asked| asked.freeze(1))
    }

    /// The ending of a call whose thread has left its tool. The worker waits for it.
    pub(crate) fn end_interruption(&self, sealer: &Sealer) -> Option<Ending> {
        let mut state = self.state.lock();
        self.asked(&mut state.asked).release();
        drop(state);
        self.interruption(sealer)
    }

    /// Begins something that is done once, whatever number of runs the call takes.
    pub(crate) fn begin_once(&self, key: &str) -> Result<Once, AskError> {
        let mut state = self.state.lock();
        self.asked(&mut state.asked).begin_once(key)
    }

    /// It is done, or was given up.
    pub(crate) fn end_once(&self, key: &str, value: Option<Value>) {
        let mut state = self.state.lock();
        self.asked(&mut state.asked).end_once(key, value);
    }

    /// Until [`Self::release_questions`] the call is not ended for what it asks.
    pub(crate) fn hold_questions(&self) {
        let mut state = self.state.lock();
        self.asked(&mut state.asked).hold();
    }

    /// Ends a hold.
    pub(crate) fn release_questions(&self) {
        let mut state = self.state.lock();
        self.asked(&mut state.asked).release();
        let wakers = state.cancel_wakers.clone();
        drop(state);
        wakers.into_iter().for_each(Waker::wake);
    }

    /// Tells the client that what its person was sent to a page for is settled, where there is a word for it.
    pub(crate) fn tell_settled(&self, key: &str) {
        let Asks::InSession(_) = self.facts().asks else { return };
        let mut state = self.state.lock();
        let Some(id) = state.asked.as_mut().and_then(|asked| asked.page_id(key)) else { return };
        if let Some(asked) = &mut state.asked {
            asked.unsent.push_back(Told::Settled(id));
        }
        let reader = state.reader.take();
        drop(state);
        reader.into_iter().for_each(Waker::wake);
    }

    /// The call has ended: its open questions are withdrawn, and whoever waits for them is told.
    pub(super) fn end_questions(&self, asked: &mut Asked, watchers: &mut Vec<Waker>) {
        for (key, id) in asked.open_ids() {
            if let Some(id) = id {
                asked.withdraw(&id);
                self.close_question(&id);
            }
            watchers.extend(asked.settle(&key, Err(AskError::CallEnded { key: key.clone() })));
        }
    }

    fn close_question(&self, id: &Id) {
        if let Asks::InSession(open) = &self.facts().asks {
            drop(open.take(id));
        }
    }
}
