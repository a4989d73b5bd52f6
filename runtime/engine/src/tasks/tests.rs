//! The table of tasks, with stores that fail or wait, and time that is turned by hand.

use std::sync::Weak;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use impresario_protocol::TaskStatus;
use proptest::prelude::*;

use super::*;

const TTL_MS: u64 = 300_000;

fn caller(principal: &str) -> Caller {
    Caller { principal: Some(principal.into()), ..Caller::default() }
}

fn new_task(caller: &Caller, request: &'static str) -> NewTask {
    NewTask {
        caller: caller.clone(),
        client: crate::caller::ClientFacts::default(),
        tool: "index".into(),
        request: Bytes::from_static(request.as_bytes()),
        ttl_ms: TTL_MS,
        session: Weak::new(),
        kept: None,
    }
}

fn open_with(
    store: Option<Arc<dyn TaskStore>>,
    goes_on: bool,
    change: impl FnOnce(&mut Limits),
) -> Result<(TaskTable, Vec<Arc<Task>>), TaskStoreError> {
    let mut limits = Limits::default();
    change(&mut limits);
    TaskTable::open(&Arc::new(limits), store, |_| goes_on)
}

fn open(store: &MemoryStore) -> TaskTable {
    open_with(Some(Arc::new(store.clone())), false, |_| ()).unwrap().0
}

fn text(text: &str) -> End {
    End::Completed(Arc::new(ToolResult::text(text)))
}

fn stored(store: &impl TaskStore) -> Vec<(String, TaskStatus)> {
    let mut all = Vec::new();
    let mut visit = |id: &str, record: &[u8]| {
        all.push((id.to_owned(), record::read(id, record).unwrap().head.status));
    };
    store.scan(&mut visit).unwrap();
    all
}

fn status(table: &TaskTable, id: &str, caller: &Caller) -> Option<TaskStatus> {
    table.find(id, caller).ok().map(|task| table.view(&task).info.status)
}

#[tokio::test(start_paused = true)]
async fn a_task_is_stored_before_it_is_known_and_its_end_before_it_is_shown() {
    let (store, ada) = (MemoryStore::default(), caller("ada"));
    let table = open(&store);
    let task = table.create(new_task(&ada, r#"{"name":"index"}"#)).await.unwrap();
    assert_eq!(stored(&store), [(task.id().to_string(), TaskStatus::Working)]);
    table.tell_progress(&task, "step 1", None);
    assert_eq!(table.view(&task).info.message.as_deref(), Some("step 1"));
    assert!(table.end(&task, text("3 files")).await);
    assert_eq!(stored(&store), [(task.id().to_string(), TaskStatus::Completed)]);
    for late in [End::Cancelled, text("4 files"), End::Failed(McpError::internal())] {
        assert!(!table.end(&task, late).await);
    }
    table.tell_progress(&task, "too late", None);
    let view = table.view(&task);
    assert_eq!((view.info.status, view.info.message.as_deref()), (TaskStatus::Completed, Some("step 1")));
    assert!(matches!(view.end, Some(End::Completed(result)) if *result == ToolResult::text("3 files")));
}

#[tokio::test(start_paused = true)]
async fn what_has_expired_is_gone_at_once_and_leaves_nothing_behind() {
    let (store, ada) = (MemoryStore::default(), caller("ada"));
    let table = open(&store);
    let ended = table.create(new_task(&ada, "{}")).await.unwrap();
    table.end(&ended, text("done")).await;
    let running = table.create(new_task(&ada, "{}")).await.unwrap();
    tokio::time::advance(Duration::from_millis(TTL_MS - 1)).await;
    table.sweep().await;
    assert!(status(&table, ended.id(), &ada).is_some() && status(&table, running.id(), &ada).is_some());
    tokio::time::advance(Duration::from_millis(1)).await;
    assert_eq!(status(&table, ended.id(), &ada), None, "before any sweep");
    table.sweep().await;
    assert!(table.is_empty() && stored(&store).is_empty());
    assert_eq!(table.view(&running).info.status, TaskStatus::Failed, "who still waits for it is told");
}

#[tokio::test(start_paused = true)]
async fn another_ones_task_looks_as_if_there_were_none() {
    let table = open(&MemoryStore::default());
    let (ada, bob, nobody) = (caller("ada"), caller("bob"), Caller::default());
    let task = table.create(new_task(&ada, "{}")).await.unwrap();
    let unknown = table.find("no-such-task", &ada).unwrap_err();
    for stranger in [&bob, &nobody] {
        let refused = table.find(task.id(), stranger).unwrap_err();
        assert_eq!((refused.kind, &refused.message), (unknown.kind, &unknown.message));
        assert_eq!(table.list(stranger, &Arc::default(), None).unwrap().0.len(), 0);
    }
    assert!(table.find(task.id(), &ada).is_ok());
    assert_eq!(table.list(&ada, &Arc::default(), None).unwrap().0.len(), 1);
    let anonymous = table.create(new_task(&nobody, "{}")).await.unwrap();
    assert!(table.find(anonymous.id(), &nobody).is_ok(), "without authentication the id is the key");
    assert!(table.find(anonymous.id(), &bob).is_err());
}

#[tokio::test(start_paused = true)]
async fn a_list_has_pages_and_without_authentication_only_what_is_of_the_session() {
    let (table, _) = open_with(None, false, |limits| limits.page_items_max = 2).unwrap();
    let (nobody, session, other) = (Caller::default(), Arc::<Counter>::default(), Arc::default());
    let mut made = Vec::new();
    for _ in 0..5 {
        let new = NewTask { session: Arc::downgrade(&session), ..new_task(&nobody, "{}") };
        made.push(table.create(new).await.unwrap().id().to_string());
        tokio::time::advance(Duration::from_millis(1)).await;
    }
    let (mut listed, mut cursor) = (Vec::new(), None);
    loop {
        let (page, next) = table.list(&nobody, &session, cursor.as_deref()).unwrap();
        assert!(page.len() <= 2);
        listed.extend(page.iter().map(|task| task.id().to_string()));
        cursor = next;
        if cursor.is_none() {
            break;
        }
    }
    assert_eq!(listed, made);
    assert!(table.list(&nobody, &other, None).unwrap().0.is_empty());
    for bad in ["", "x", "dGFza3M6", "dGFza3M6eDp5"] {
        assert!(table.list(&nobody, &session, Some(bad)).is_err(), "{bad}");
    }
}

#[tokio::test(start_paused = true)]
async fn each_limit_holds_and_gives_back_what_it_took() {
    let change = |limits: &mut Limits| {
        (limits.tasks_max, limits.tasks_per_client_max) = (3, 2);
        (limits.task_bytes_max, limits.task_result_bytes_max) = (1_000, 600);
    };
    let (table, _) = open_with(None, false, change).unwrap();
    let (ada, bob) = (caller("ada"), caller("bob"));
    let first = table.create(new_task(&ada, "{}")).await.unwrap();
    let second = table.create(new_task(&ada, "{}")).await.unwrap();
    let refused = |made: Result<Arc<Task>, McpError>| made.unwrap_err().message.into_owned();
    assert!(refused(table.create(new_task(&ada, "{}")).await).contains("tasks_per_client_max"));
    let third = table.create(new_task(&bob, "{}")).await.unwrap();
    assert!(refused(table.create(new_task(&bob, "{}")).await).contains("tasks_max"));
    table.forget(&third).await;
    drop(third);
    let large = NewTask { request: vec![b' '; 997].into(), ..new_task(&bob, "{}") };
    assert!(refused(table.create(large).await).contains("task_bytes_max"));
    let result_of = |task: &Task| match table.view(task).end {
        Some(End::Completed(result)) => result,
        other => panic!("{other:?}"),
    };
    let fits = "x".repeat(600 - 64);
    table.end(&first, text(&fits)).await;
    assert!(!result_of(&first).is_error, "exactly as large as it may be");
    table.end(&second, text(&fits)).await;
    let said = result_of(&second).content[0].as_text().unwrap().to_owned();
    assert!(said.contains("task_bytes_max"), "{said}");
    let other = table.create(new_task(&bob, "{}")).await.unwrap();
    table.end(&other, text(&format!("{fits}x"))).await;
    let said = result_of(&other).content[0].as_text().unwrap().to_owned();
    assert!(said.contains("task_result_bytes_max"), "{said}");
    assert_eq!(
        [None, Some(1), Some(u64::MAX)].map(|asked| table.ttl_ms(asked)),
        [300_000, 1_000, 86_400_000]
    );
}

#[tokio::test(start_paused = true)]
async fn after_a_crash_ends_are_as_they_were_and_what_ran_has_failed_or_goes_on() {
    let (store, ada) = (MemoryStore::default(), caller("ada"));
    let table = open(&store);
    let done = table.create(new_task(&ada, "{}")).await.unwrap();
    table.end(&done, text("kept")).await;
    let cancelled = table.create(new_task(&ada, "{}")).await.unwrap();
    table.end(&cancelled, End::Cancelled).await;
    let failed = table.create(new_task(&ada, "{}")).await.unwrap();
    table.end(&failed, End::Failed(McpError::invalid_params("no such file"))).await;
    let running =
        table.create(new_task(&ada, r#"{"name":"index","arguments":{"deep":true}}"#)).await.unwrap();
    // No close, no drop: as if the process were gone.
    let goes_on = MemoryStore::default();
    store
        .scan(&mut |id, record| {
            let record = Bytes::copy_from_slice(record);
            goes_on.commit(&[StoreChange::Put { id: id.into(), record }]).unwrap();
        })
        .unwrap();
    let after = open(&store);
    let end_of = |id: &str| after.view(&after.find(id, &ada).unwrap()).end;
    assert!(matches!(end_of(done.id()), Some(End::Completed(result)) if *result == ToolResult::text("kept")));
    assert!(matches!(end_of(cancelled.id()), Some(End::Cancelled)));
    assert!(matches!(end_of(failed.id()), Some(End::Failed(error)) if error.message == "no such file"));
    let Some(End::Failed(error)) = end_of(running.id()) else { panic!("it did not run to its end") };
    assert!(error.message.contains("the server stopped while the task ran"), "{error}");
    assert!(after.find(done.id(), &caller("bob")).is_err(), "it belongs to whom it belonged");
    assert!(stored(&store).iter().all(|(_, status)| status.is_terminal()), "that is stored too");

    let (again, unfinished) = open_with(Some(Arc::new(goes_on)), true, |_| ()).unwrap();
    let [unfinished] = &unfinished[..] else { panic!("one had not ended") };
    assert_eq!(unfinished.id(), running.id());
    assert_eq!(&*unfinished.request(), br#"{"name":"index","arguments":{"deep":true}}"#);
    assert_eq!(status(&again, running.id(), &ada), Some(TaskStatus::Working));
    assert!(again.end(unfinished, text("at last")).await);
}

#[tokio::test]
async fn a_record_that_can_t_be_read_stops_the_start_and_says_which() {
    for record in ["", "{}\n{}\n", "{\"version\":2}\n\n", "no json\n\n", "a\nb"] {
        let store = MemoryStore::default();
        store.commit(&[StoreChange::Put { id: "t-1".into(), record: record.into() }]).unwrap();
        let error = open_with(Some(Arc::new(store)), false, |_| ()).unwrap_err().to_string();
        assert!(error.contains("task t-1 can't be read"), "{record:?}: {error}");
    }
}

/// A store whose disk is full now and then.
#[derive(Debug, Default)]
struct Full {
    inner: MemoryStore,
    is_full: AtomicBool,
    /// Whether it has a thread of its own.
    blocks: bool,
}

impl TaskStore for Full {
    fn commit(&self, changes: &[StoreChange]) -> Result<(), StoreError> {
        if self.is_full.load(Ordering::SeqCst) {
            return Err(StoreError::new("no space left on device"));
        }
        self.inner.commit(changes)
    }

    fn scan(&self, visit: &mut dyn FnMut(&str, &[u8])) -> Result<(), StoreError> {
        self.inner.scan(visit)
    }

    fn blocks(&self) -> bool {
        self.blocks
    }
}

#[tokio::test(start_paused = true)]
async fn what_can_t_be_stored_is_refused_and_an_end_is_shown_once_it_is_stored() {
    let (store, ada) = (Arc::new(Full::default()), caller("ada"));
    let (table, _) = open_with(Some(Arc::<Full>::clone(&store)), false, |_| ()).unwrap();
    let [done, cancelled] = [
        table.create(new_task(&ada, "{}")).await.unwrap(),
        table.create(new_task(&ada, "{}")).await.unwrap(),
    ];
    store.is_full.store(true, Ordering::SeqCst);
    let refused = table.create(new_task(&ada, "{}")).await.unwrap_err();
    assert!(refused.message.contains("nothing was executed"), "{refused}");
    assert_eq!(table.len(), 2);
    table.tell_progress(&done, "nearly there", None);
    assert!(table.end(&done, text("kept")).await && table.end(&cancelled, End::Cancelled).await);
    assert!(!table.end(&done, End::Cancelled).await, "it has an end, seen or not");
    for task in [&done, &cancelled] {
        table.sweep().await;
        let view = table.view(task);
        assert!(view.end.is_none() && task.is_unstored());
        assert_eq!(view.info.status, TaskStatus::Working);
        assert!(view.info.message.unwrap().contains("can't be stored yet"));
    }
    assert!(stored(&*store).iter().all(|(_, status)| *status == TaskStatus::Working));
    store.is_full.store(false, Ordering::SeqCst);
    table.sweep().await;
    let view = table.view(&done);
    assert!(matches!(view.end, Some(End::Completed(result)) if *result == ToolResult::text("kept")));
    assert_eq!(view.info.message.as_deref(), Some("nearly there"));
    assert_eq!(status(&table, cancelled.id(), &ada), Some(TaskStatus::Cancelled));
    let mut ends: Vec<_> = stored(&*store).into_iter().map(|(_, status)| status.as_str()).collect();
    ends.sort_unstable();
    assert_eq!(ends, ["cancelled", "completed"]);
}

#[tokio::test(start_paused = true)]
async fn an_end_that_can_t_be_stored_is_tried_once_more_at_the_end_and_goes_with_its_time() {
    let (store, ada) = (Arc::new(Full::default()), caller("ada"));
    let (table, _) = open_with(Some(Arc::<Full>::clone(&store)), false, |_| ()).unwrap();
    let [late, expired] = [
        table.create(new_task(&ada, "{}")).await.unwrap(),
        table.create(NewTask { ttl_ms: 10, ..new_task(&ada, "{}") }).await.unwrap(),
    ];
    store.is_full.store(true, Ordering::SeqCst);
    table.end(&late, text("kept")).await;
    table.end(&expired, text("too late")).await;
    tokio::time::advance(Duration::from_millis(10)).await;
    table.sweep().await;
    assert!(table.get(expired.id()).is_none());
    assert_eq!(table.view(&expired).info.status, TaskStatus::Completed, "who still waits for it is told");
    store.is_full.store(false, Ordering::SeqCst);
    table.close().await;
    assert!(stored(&*store).contains(&(late.id().to_string(), TaskStatus::Completed)));
}

#[tokio::test(start_paused = true)]
async fn how_far_a_task_is_is_told_once_and_not_after_its_end() {
    let table = open(&MemoryStore::default());
    let task = table.create(new_task(&caller("ada"), "{}")).await.unwrap();
    let step = |progress: f64| {
        let token = impresario_protocol::ProgressToken(impresario_protocol::Id::from_text("t"));
        Some(Notification::Progress { token, progress, total: None, message: None })
    };
    table.tell_progress(&task, "1", step(1.0));
    table.tell_progress(&task, "1", step(2.0));
    table.tell_progress(&task, "1", None);
    assert_eq!(task.take_progress(), step(2.0), "the newest");
    assert_eq!(task.take_progress(), None);
    table.tell_progress(&task, "3", step(3.0));
    table.end(&task, text("done")).await;
    assert_eq!(task.take_progress(), None);
    table.tell_progress(&task, "4", step(4.0));
    assert_eq!(task.take_progress(), None);
}

#[tokio::test]
async fn of_ends_that_come_together_one_counts_and_the_store_has_the_same() {
    let store = Arc::new(Full { blocks: true, ..Full::default() });
    let change = |limits: &mut Limits| limits.tasks_per_client_max = 1_000;
    let (table, _) = open_with(Some(Arc::<Full>::clone(&store)), false, change).unwrap();
    let ada = caller("ada");
    for round in 0..200 {
        let task = table.create(new_task(&ada, "{}")).await.unwrap();
        let mut ends = vec![End::Cancelled, text("done"), End::Failed(McpError::internal())];
        ends.rotate_left(round % 3);
        let counted = futures_util::future::join_all(ends.into_iter().map(|end| table.end(&task, end))).await;
        assert_eq!(counted.iter().filter(|counted| **counted).count(), 1);
        let shown = table.view(&task).info.status;
        assert!(stored(&*store).contains(&(task.id().to_string(), shown)));
    }
    table.close().await;
    assert!(table.create(new_task(&ada, "{}")).await.is_err(), "closed");
}

#[tokio::test(start_paused = true)]
async fn ten_thousand_tasks_come_and_go() {
    let store = MemoryStore::default();
    let table = open(&store);
    for number in 0..10_000_u32 {
        let task = table.create(new_task(&caller(&format!("client-{}", number % 100)), "{}")).await.unwrap();
        if number % 2 == 0 {
            table.end(&task, text("done")).await;
        }
    }
    assert_eq!((table.len(), stored(&store).len()), (10_000, 10_000));
    let refused = table.create(new_task(&caller("another"), "{}")).await.unwrap_err();
    assert!(refused.message.contains("tasks_max"), "{refused}");
    assert_eq!(table.list(&caller("client-7"), &Arc::default(), None).unwrap().0.len(), 100);
    tokio::time::advance(Duration::from_millis(TTL_MS)).await;
    table.sweep().await;
    assert!(table.is_empty() && stored(&store).is_empty());
    table.create(new_task(&caller("another"), "{}")).await.unwrap();
}

/// Something that happens to a task.
#[derive(Debug, Clone)]
enum Step {
    Progress(u8),
    Complete,
    Fail,
    Cancel,
    Advance(u64),
    Sweep,
    FullDisk(bool),
    Crash,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        any::<u8>().prop_map(Step::Progress),
        Just(Step::Complete),
        Just(Step::Fail),
        Just(Step::Cancel),
        (1..TTL_MS).prop_map(Step::Advance),
        Just(Step::Sweep),
        any::<bool>().prop_map(Step::FullDisk),
        Just(Step::Crash),
    ]
}

proptest! {
    #[test]
    fn no_end_is_ever_left_and_what_is_gone_stays_gone(steps in prop::collection::vec(step(), 1..40)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        runtime.block_on(hold_to_the_rules(steps));
    }
}

async fn hold_to_the_rules(steps: Vec<Step>) {
    let (store, ada) = (Arc::new(Full::default()), caller("ada"));
    let (mut table, _) = open_with(Some(Arc::<Full>::clone(&store)), false, |_| ()).unwrap();
    let id = table.create(new_task(&ada, "{}")).await.unwrap().id().to_string();
    let (mut before, mut is_full) = (TaskStatus::Working, false);
    for step in steps {
        let found = table.find(&id, &ada);
        match (&step, &found) {
            (Step::Advance(ms), _) => tokio::time::advance(Duration::from_millis(*ms)).await,
            (Step::Sweep, _) => table.sweep().await,
            (Step::FullDisk(now), _) => {
                is_full = *now;
                store.is_full.store(is_full, Ordering::SeqCst);
            }
            // A process can't begin on a full disk.
            (Step::Crash, _) if !is_full => {
                table = open_with(Some(Arc::<Full>::clone(&store)), false, |_| ()).unwrap().0;
            }
            (Step::Progress(percent), Ok(task)) => table.tell_progress(task, &percent.to_string(), None),
            (Step::Complete, Ok(task)) => drop(table.end(task, text("done")).await),
            (Step::Fail, Ok(task)) => drop(table.end(task, End::Failed(McpError::internal())).await),
            (Step::Cancel, Ok(task)) => drop(table.end(task, End::Cancelled).await),
            _ => {}
        }
        let now = table.find(&id, &ada).ok();
        if found.is_err() && !matches!(step, Step::Crash) {
            assert!(now.is_none(), "{step:?}: what is gone stays gone");
        }
        let Some(now) = now else { continue };
        let view = table.view(&now);
        if before.is_terminal() {
            assert_eq!(view.info.status, before, "{step:?}: an end was left");
        }
        assert_eq!(view.end.is_some(), view.info.status.is_terminal());
        assert!(view.info.updated_ms >= view.info.created_ms);
        before = view.info.status;
        let is_stored = |(stored_id, status): &(String, TaskStatus)| *stored_id == id && *status == before;
        assert!(stored(&*store).iter().any(is_stored), "{step:?}: shown and not stored");
    }
}
