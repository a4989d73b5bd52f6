//! Actors: a state, a bounded mailbox, one message at a time. The only file that names actix.
//!
//! An idle actor on the caller's thread runs its handler at once, on the caller's stack; a busy one
//! queues. That is the difference between 1.16 and 1.35 times a bare HTTP server for a whole request
//! (ARCHITECTURE.md, "Why idle actors run inline"), because a request that never suspends is visited once.
//! From the outside nothing else differs from an ordinary actor: one message at a time, in the order in
//! which a sender sent them, and a full mailbox gives the message back.
//!
//! actix carries what crosses threads: a [`Remote`] handle is an actix address, with its bound.

use std::cell::{Cell, OnceCell, RefCell};
use std::collections::VecDeque;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// How deep actors may call each other on one stack before a message is queued instead.
const INLINE_DEPTH_MAX: usize = 16;

thread_local! {
    static INLINE_DEPTH: Cell<usize> = const { Cell::new(0) };
}

/// Something with a state that is told one message at a time.
pub trait Actor: Sized + 'static {
    /// Everything it can be told: one closed enum.
    type Msg: 'static;

    /// What happens when a message arrives. It never waits; whatever takes time becomes a task.
    ///
    /// # Errors
    /// The reason to end: the actor is dropped, and what is still queued with it.
    fn handle(&mut self, msg: Self::Msg, me: &Local<Self>) -> Result<(), Exit>;
}

/// The ways in which an actor can end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// It has done what it was there for.
    Finished,
    /// The other side has gone.
    PeerClosed,
    /// Its handler panicked. The state is lost, nothing else is.
    Panicked,
}

/// A message that was not taken; it is given back.
#[derive(Debug)]
pub enum Untold<M> {
    /// The mailbox is full.
    Full(M),
    /// The actor has ended.
    Ended(M),
}

/// An actor on this thread: cheap to clone, not to be sent.
pub struct Local<A: Actor>(Rc<Stage<A>>);

/// Told why an actor ended.
type Supervisor = Box<dyn FnOnce(Exit)>;

struct Stage<A: Actor> {
    /// Taken out while the handler runs, gone for good once the actor has ended.
    actor: RefCell<Option<A>>,
    /// The handler is on the stack right now.
    busy: Cell<bool>,
    ended: Cell<Option<Exit>>,
    /// Messages that found the actor busy, oldest first; at most `mailbox_len_max`.
    mailbox: RefCell<VecDeque<A::Msg>>,
    mailbox_len_max: usize,
    /// Started with the first message that can't run on the sender's stack.
    post: OnceCell<actix::Addr<Post<A>>>,
    /// Told once, when the actor ends by itself or panics.
    on_exit: RefCell<Option<Supervisor>>,
}

impl<A: Actor> Clone for Local<A> {
    fn clone(&self) -> Self {
        Self(Rc::clone(&self.0))
    }
}

impl<A: Actor> fmt::Debug for Local<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Local")
            .field("busy", &self.0.busy)
            .field("ended", &self.0.ended)
            .finish_non_exhaustive()
    }
}

impl<A: Actor> Local<A> {
    /// Puts an actor on this thread's stage with a mailbox of `mailbox_len_max` messages.
    pub fn start(actor: A, mailbox_len_max: usize) -> Self {
        Self(Rc::new(Stage {
            actor: RefCell::new(Some(actor)),
            busy: Cell::new(false),
            ended: Cell::new(None),
            mailbox: RefCell::new(VecDeque::new()),
            mailbox_len_max,
            post: OnceCell::new(),
            on_exit: RefCell::new(None),
        }))
    }

    /// Calls `supervisor` once, with the reason, when the actor ends.
    pub fn on_exit(&self, supervisor: impl FnOnce(Exit) + 'static) {
        *self.0.on_exit.borrow_mut() = Some(Box::new(supervisor));
    }

    /// Tells the actor something: now, on this stack, when it is idle; else through its mailbox.
    ///
    /// # Errors
    /// The message back, when the mailbox is full or the actor has ended.
    pub fn tell(&self, msg: A::Msg) -> Result<(), Untold<A::Msg>> {
        let stage = &*self.0;
        if stage.ended.get().is_some() {
            return Err(Untold::Ended(msg));
        }
        let depth = INLINE_DEPTH.get();
        if !stage.busy.get() && depth < INLINE_DEPTH_MAX && stage.mailbox.borrow().is_empty() {
            INLINE_DEPTH.set(depth + 1);
            self.run(msg);
            self.run_queued();
            INLINE_DEPTH.set(depth);
            return Ok(());
        }
        let mut mailbox = stage.mailbox.borrow_mut();
        if mailbox.len() >= stage.mailbox_len_max {
            return Err(Untold::Full(msg));
        }
        mailbox.push_back(msg);
        drop(mailbox);
        // A busy actor looks into its mailbox when its handler returns; an idle one must be woken.
        if !stage.busy.get() {
            self.post().do_send(Wake);
        }
        Ok(())
    }

    /// Why the actor has ended, if it has.
    #[must_use]
    pub fn exit(&self) -> Option<Exit> {
        self.0.ended.get()
    }

    /// A handle for other threads, with a mailbox of its own of the same length.
    #[must_use]
    pub fn remote(&self) -> Remote<A>
    where
        A::Msg: Send,
    {
        let addr = self.post().clone();
        Remote { addr, queued: Arc::new(AtomicUsize::new(0)), mailbox_len_max: self.0.mailbox_len_max }
    }

    fn post(&self) -> &actix::Addr<Post<A>> {
        self.0.post.get_or_init(|| actix::Actor::start(Post { local: Rc::downgrade(&self.0) }))
    }

    fn run(&self, msg: A::Msg) {
        let stage = &*self.0;
        let Some(mut actor) = stage.actor.borrow_mut().take() else { return };
        stage.busy.set(true);
        // The actor's state is dropped on a panic, so nobody sees it half changed.
        let done = catch_unwind(AssertUnwindSafe(|| actor.handle(msg, self)));
        stage.busy.set(false);
        match done {
            Ok(Ok(())) => *stage.actor.borrow_mut() = Some(actor),
            Ok(Err(exit)) => self.end(exit),
            Err(_panic) => self.end(Exit::Panicked),
        }
    }

    fn run_queued(&self) {
        loop {
            let next = self.0.mailbox.borrow_mut().pop_front();
            match next {
                Some(msg) if self.0.ended.get().is_none() => self.run(msg),
                Some(_) => {}
                None => return,
            }
        }
    }

    fn end(&self, exit: Exit) {
        self.0.ended.set(Some(exit));
        self.0.mailbox.borrow_mut().clear();
        let supervisor = self.0.on_exit.borrow_mut().take();
        if let Some(supervisor) = supervisor {
            supervisor(exit);
        }
    }
}

/// An actor on another thread: an actix address that keeps its bound.
pub struct Remote<A: Actor>
where
    A::Msg: Send,
{
    addr: actix::Addr<Post<A>>,
    /// Messages under way. actix lets a fresh clone of an address, and `do_send`, slip past its own bound,
    /// so admission is counted here.
    queued: Arc<AtomicUsize>,
    mailbox_len_max: usize,
}

impl<A: Actor> Clone for Remote<A>
where
    A::Msg: Send,
{
    fn clone(&self) -> Self {
        let Self { addr, queued, mailbox_len_max } = self;
        Self { addr: addr.clone(), queued: Arc::clone(queued), mailbox_len_max: *mailbox_len_max }
    }
}

impl<A: Actor> fmt::Debug for Remote<A>
where
    A::Msg: Send,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Remote").field("queued", &self.queued).finish_non_exhaustive()
    }
}

impl<A: Actor> Remote<A>
where
    A::Msg: Send,
{
    /// Tells the actor something, in the order of the calls.
    ///
    /// # Errors
    /// The message back, when the mailbox is full or the actor has ended.
    pub fn tell(&self, msg: A::Msg) -> Result<(), Untold<A::Msg>> {
        if !self.addr.connected() {
            return Err(Untold::Ended(msg));
        }
        if self.queued.fetch_add(1, Ordering::AcqRel) >= self.mailbox_len_max {
            self.queued.fetch_sub(1, Ordering::AcqRel);
            return Err(Untold::Full(msg));
        }
        self.addr.do_send(Told { msg, _place: Place(Arc::clone(&self.queued)) });
        Ok(())
    }
}

/// The actix actor that stands for one of ours and receives what comes from other threads.
struct Post<A: Actor> {
    local: std::rc::Weak<Stage<A>>,
}

impl<A: Actor> actix::Actor for Post<A> {
    type Context = actix::Context<Self>;
}

/// Look into your mailbox.
struct Wake;

impl actix::Message for Wake {
    type Result = ();
}

/// A message from another thread, with the place that it takes in the mailbox.
struct Told<M> {
    msg: M,
    _place: Place,
}

impl<M> actix::Message for Told<M> {
    type Result = ();
}

/// One message of the bound; given back when the message is handled or dropped.
struct Place(Arc<AtomicUsize>);

impl Drop for Place {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

impl<A: Actor> actix::Handler<Wake> for Post<A> {
    type Result = ();

    fn handle(&mut self, _: Wake, _: &mut actix::Context<Self>) {
        if let Some(stage) = self.local.upgrade() {
            Local(stage).run_queued();
        }
    }
}

impl<A: Actor> actix::Handler<Told<A::Msg>> for Post<A>
where
    A::Msg: Send,
{
    type Result = ();

    fn handle(&mut self, told: Told<A::Msg>, ctx: &mut actix::Context<Self>) {
        let Some(stage) = self.local.upgrade() else {
            return actix::ActorContext::stop(ctx);
        };
        let local = Local(stage);
        // This task runs alone on the thread, so the actor is idle and takes the message at once.
        if let Err(Untold::Full(_)) = local.tell(told.msg) {
            tracing::error!("a message from another thread found a full mailbox behind an idle actor");
        }
    }
}

/// A limit on restarts within a minute: what fails more often stays down.
#[derive(Debug)]
pub struct Restarts {
    max: usize,
    recent: VecDeque<tokio::time::Instant>,
}

impl Restarts {
    /// Allows `max` restarts in any minute.
    #[must_use]
    pub fn new(max: usize) -> Self {
        Self { max, recent: VecDeque::new() }
    }

    /// Whether one more restart is allowed now; if so, it is counted.
    pub fn allow(&mut self) -> bool {
        let now = tokio::time::Instant::now();
        let minute = std::time::Duration::from_secs(60);
        while self.recent.front().is_some_and(|&at| now.duration_since(at) >= minute) {
            self.recent.pop_front();
        }
        let allowed = self.recent.len() < self.max;
        if allowed {
            self.recent.push_back(now);
        }
        allowed
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::task::LocalSet;

    use super::*;

    /// Writes down what it is told; `Again(n)` tells itself `n` more messages from inside its handler.
    #[derive(Default)]
    struct Scribe {
        told: Rc<RefCell<Vec<u32>>>,
    }

    #[derive(Debug, PartialEq)]
    enum ScribeMsg {
        Note(u32),
        Again { first: u32, count: u32 },
        Panic,
        Leave,
    }

    impl Actor for Scribe {
        type Msg = ScribeMsg;

        fn handle(&mut self, msg: ScribeMsg, me: &Local<Self>) -> Result<(), Exit> {
            match msg {
                ScribeMsg::Note(number) => self.told.borrow_mut().push(number),
                ScribeMsg::Again { first, count } => {
                    for number in first..first + count {
                        me.tell(ScribeMsg::Note(number)).map_err(|_| Exit::Finished)?;
                    }
                    self.told.borrow_mut().push(0);
                }
                ScribeMsg::Panic => panic!("on purpose"),
                ScribeMsg::Leave => return Err(Exit::Finished),
            }
            Ok(())
        }
    }

    fn scribe(mailbox_len_max: usize) -> (Local<Scribe>, Rc<RefCell<Vec<u32>>>) {
        let scribe = Scribe::default();
        let told = Rc::clone(&scribe.told);
        (Local::start(scribe, mailbox_len_max), told)
    }

    #[test]
    fn an_idle_actor_runs_at_once_and_needs_no_runtime() {
        let (actor, told) = scribe(4);
        actor.tell(ScribeMsg::Note(7)).unwrap();
        assert_eq!(*told.borrow(), [7]);
    }

    #[test]
    fn what_a_busy_actor_is_told_waits_in_order_until_its_handler_returns() {
        let (actor, told) = scribe(4);
        actor.tell(ScribeMsg::Again { first: 1, count: 3 }).unwrap();
        assert_eq!(*told.borrow(), [0, 1, 2, 3]);
    }

    #[test]
    fn a_full_mailbox_gives_the_message_back() {
        let (actor, _told) = scribe(2);
        let seen = Rc::new(Cell::new(None));
        let exits = Rc::clone(&seen);
        actor.on_exit(move |exit| exits.set(Some(exit)));
        // The third note does not fit: `Again` ends the actor with what `tell` gave back.
        actor.tell(ScribeMsg::Again { first: 1, count: 3 }).unwrap();
        assert_eq!(seen.get(), Some(Exit::Finished));
    }

    #[test]
    fn a_panic_ends_the_actor_alone_and_its_supervisor_is_told() {
        let (actor, _told) = scribe(2);
        let seen = Rc::new(Cell::new(None));
        let exits = Rc::clone(&seen);
        actor.on_exit(move |exit| exits.set(Some(exit)));
        actor.tell(ScribeMsg::Panic).unwrap();
        assert_eq!(seen.get(), Some(Exit::Panicked));
        assert!(matches!(actor.tell(ScribeMsg::Note(1)), Err(Untold::Ended(ScribeMsg::Note(1)))));
    }

    #[tokio::test]
    async fn other_threads_reach_the_actor_in_order_and_within_its_bound() {
        let tasks = LocalSet::new();
        tasks
            .run_until(async {
                let (actor, told) = scribe(3);
                let remote = actor.remote();
                let sender = std::thread::spawn(move || {
                    let full =
                        (1..=5).map(|n| remote.tell(ScribeMsg::Note(n))).filter(Result::is_err).count();
                    (remote, full)
                });
                // The actor's thread is blocked here, so nothing is taken out while the five are sent.
                let (remote, full) = sender.join().unwrap();
                assert_eq!(full, 2);
                while told.borrow().len() < 3 {
                    tokio::task::yield_now().await;
                }
                assert_eq!(*told.borrow(), [1, 2, 3]);
                actor.tell(ScribeMsg::Leave).unwrap();
                assert_eq!(actor.exit(), Some(Exit::Finished));
                drop(actor);
                drop(remote.tell(ScribeMsg::Note(6)));
                while remote.addr.connected() {
                    tokio::task::yield_now().await;
                }
                assert!(matches!(remote.tell(ScribeMsg::Note(7)), Err(Untold::Ended(_))));
            })
            .await;
    }

    #[tokio::test(start_paused = true)]
    async fn restarts_are_limited_within_a_minute() {
        let mut restarts = Restarts::new(2);
        assert!(restarts.allow() && restarts.allow() && !restarts.allow());
        tokio::time::advance(Duration::from_secs(61)).await;
        assert!(restarts.allow());
    }
}
