//! Tapes: resumed at any place, by nobody else, within their bounds and their time. Time is virtual.

use super::*;

fn store(change: impl FnOnce(&mut Limits)) -> (Arc<ReplayStore>, Arc<Limits>) {
    let mut limits = Limits::default();
    change(&mut limits);
    (ReplayStore::new(&limits), Arc::new(limits))
}

fn replay(change: impl FnOnce(&mut Limits)) -> Arc<Replay> {
    let (store, limits) = store(change);
    Replay::open(&store, &limits)
}

/// What can be read now: the messages, and whether that was the end.
fn read(playback: &Playback) -> (Vec<String>, bool) {
    let mut read = Vec::new();
    loop {
        match playback.poll_next(&mut TaskContext::from_waker(Waker::noop())) {
            Poll::Ready(Some(played)) => read.push(String::from_utf8(played.message.to_vec()).unwrap()),
            Poll::Ready(None) => return (read, true),
            Poll::Pending => return (read, false),
        }
    }
}

fn read_one(playback: &Playback) -> Played {
    match playback.poll_next(&mut TaskContext::from_waker(Waker::noop())) {
        Poll::Ready(Some(played)) => played,
        other => panic!("nothing to read: {other:?}"),
    }
}

fn has_room(recorder: &Recorder) -> bool {
    recorder.poll_room(&mut TaskContext::from_waker(Waker::noop())).is_ready()
}

fn events(replay: &Replay) -> usize {
    replay.tapes.lock().events
}

async fn pass(ms: u64) {
    tokio::time::advance(Duration::from_millis(ms)).await;
}

#[tokio::test(start_paused = true)]
async fn a_tape_is_played_from_any_place_to_its_end_as_often_as_that_is_asked_for() {
    let replay = replay(|_| ());
    let (recorder, playback) = replay.record_call();
    let mut ids = vec![playback.first_id()];
    for message in ["a", "b", "c"] {
        recorder.push(message, message == "c");
        assert!(!has_room(&recorder), "the reader has not taken it");
        ids.push(read_one(&playback).id);
        assert!(has_room(&recorder));
    }
    drop(recorder);
    assert_eq!(read(&playback), (vec![], true));
    drop(playback);
    for _ in 0..2 {
        for (at, id) in ids.iter().enumerate() {
            let rest: Vec<_> = ["a", "b", "c"][at..].iter().map(ToString::to_string).collect();
            assert_eq!(read(&replay.resume(id).unwrap()), (rest, true), "from {at}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_goes_on_while_nobody_reads_and_is_read_once_where_it_was_left() {
    let replay = replay(|_| ());
    let (recorder, playback) = replay.record_call();
    recorder.push("a", false);
    let last = read_one(&playback).id;
    drop(playback);
    for message in ["b", "c", "answer"] {
        assert!(has_room(&recorder), "nobody is waited for");
        recorder.push(message, message == "answer");
    }
    drop(recorder);
    let playback = replay.resume(&last).unwrap();
    assert_eq!(read(&playback), (vec!["b".into(), "c".into(), "answer".into()], true));
}

#[tokio::test(start_paused = true)]
async fn an_id_that_is_forged_or_of_another_session_replays_nothing_and_disturbs_nobody() {
    let (store, limits) = store(|_| ());
    let (ours, theirs) = (Replay::open(&store, &limits), Replay::open(&store, &limits));
    let (recorder, playback) = ours.record_call();
    recorder.push("a", false);
    let id = read_one(&playback).id;
    let name = id.rsplit_once('.').unwrap().0;
    let (_foreign_recorder, foreign) = theirs.record_call();
    let forged = [
        String::new(),
        ".".into(),
        name.into(),
        format!("{name}."),
        format!("{name}.2"),
        format!("{name}.01"),
        format!("{name}.+1"),
        format!("{name}.-1"),
        format!("{name}.1.0"),
        format!("{name}x.1"),
        format!("{}.1", &name[1..]),
        format!("{name}.18446744073709551616"),
        foreign.first_id(),
    ];
    for id in forged {
        assert!(ours.resume(&id).is_err(), "{id}");
    }
    assert_eq!(name.len(), 22, "128 bits");
    recorder.push("b", true);
    drop(recorder);
    assert_eq!(read(&playback), (vec!["b".into()], true), "who reads goes on");
}

#[tokio::test(start_paused = true)]
async fn who_resumes_takes_the_place_of_who_reads_and_nothing_is_read_twice() {
    let replay = replay(|_| ());
    let (recorder, first) = replay.record_call();
    recorder.push("a", false);
    let id = read_one(&first).id;
    let second = replay.resume(&id).unwrap();
    recorder.push("b", true);
    assert_eq!(read(&first), (vec![], true));
    drop(first);
    drop(recorder);
    assert_eq!(read(&second), (vec!["b".into()], true), "the first one's end is not the second one's");
}

#[tokio::test(start_paused = true)]
async fn a_reader_that_is_dismissed_reads_what_is_there_and_can_come_back() {
    let replay = replay(|_| ());
    let (recorder, playback) = replay.record_call();
    recorder.push("a", false);
    recorder.dismiss_reader();
    let id = read_one(&playback).id;
    assert_eq!(read(&playback), (vec![], true));
    drop(playback);
    recorder.push("b", true);
    assert_eq!(read(&replay.resume(&id).unwrap()).0, ["b"]);
}

#[tokio::test(start_paused = true)]
async fn too_many_events_go_sent_ones_first_and_answers_last() {
    let replay = replay(|limits| limits.replay_events_max = 4);
    let (chatty, chatty_reader) = replay.record_call();
    for message in ["a", "b"] {
        chatty.push(message, false);
        read_one(&chatty_reader);
    }
    let start = chatty_reader.first_id();
    drop(chatty_reader);
    let (first, first_reader) = replay.record_call();
    let (second, second_reader) = replay.record_call();
    let ids = [first_reader.first_id(), second_reader.first_id()];
    drop((first_reader, second_reader));
    first.push("one", true);
    second.push("two", true);
    for message in ["c", "d", "e"] {
        pass(1).await;
        chatty.push(message, false);
    }
    assert_eq!(events(&replay), 4);
    drop((first, second));
    assert_eq!(read(&replay.resume(&ids[0]).unwrap()).0, ["one"]);
    assert_eq!(read(&replay.resume(&ids[1]).unwrap()).0, ["two"]);
    assert_eq!(read(&replay.resume(&start).unwrap()).0, ["d", "e"], "the oldest messages are thinned");
}

#[tokio::test(start_paused = true)]
async fn too_many_bytes_go_but_the_newest_message_is_kept_however_long() {
    let replay = replay(|limits| limits.replay_bytes_max = 1_000);
    let (recorder, playback) = replay.record_call();
    let id = playback.first_id();
    drop(playback);
    for _ in 0..50 {
        recorder.push("x".repeat(100), false);
        assert!(replay.bytes() <= 1_000);
    }
    recorder.push("y".repeat(5_000), true);
    drop(recorder);
    let (read, is_over) = read(&replay.resume(&id).unwrap());
    assert_eq!((read.len(), read[0].len(), is_over), (1, 5_000, true));
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_was_given_up_unsent_is_refused_and_not_skipped() {
    let replay = replay(|limits| limits.replay_bytes_max = 100);
    let (first, first_reader) = replay.record_call();
    let (second, second_reader) = replay.record_call();
    let id = first_reader.first_id();
    drop((first_reader, second_reader));
    first.push("x".repeat(90), true);
    pass(1).await;
    second.push("y".repeat(90), true);
    assert!(replay.resume(&id).is_err(), "while the call is open");
    drop((first, second));
    assert!(replay.resume(&id).is_err(), "and after it");
    assert_eq!(replay.len(), 1, "nothing is kept of it");
}

#[tokio::test(start_paused = true)]
async fn what_a_reader_is_about_to_get_is_never_taken_from_it() {
    let replay = replay(|limits| limits.replay_events_max = 1);
    let (recorder, playback) = replay.record_call();
    for message in ["a", "b", "c"] {
        recorder.push(message, false);
    }
    assert_eq!(read(&playback).0, ["a", "b", "c"]);
}

#[tokio::test(start_paused = true)]
async fn tapes_are_forgotten_when_their_time_is_over() {
    let replay = replay(|_| ());
    let (recorder, playback) = replay.record_call();
    let id = playback.first_id();
    recorder.push("a", false);
    drop(playback);
    pass(299_999).await;
    replay.expire();
    assert_eq!(events(&replay), 1);
    pass(1).await;
    replay.expire();
    assert_eq!((events(&replay), replay.bytes()), (0, 0), "a message that is too old");
    assert_eq!(replay.len(), 1, "and the call goes on");
    recorder.push("answer", true);
    drop(recorder);
    pass(59_999).await;
    assert_eq!(read(&replay.resume(&id).unwrap()), (vec!["answer".into()], true));
    // Whoever was just there has the time again.
    pass(59_999).await;
    assert!(replay.resume(&id).is_ok());
    pass(60_000).await;
    assert!(replay.resume(&id).is_err());
    assert_eq!((replay.len(), replay.bytes(), replay.store.bytes()), (0, 0, 0));
    // A session's own stream.
    let playback = replay.record_session();
    playback.push("told");
    let id = playback.first_id();
    pass(600_000).await;
    replay.expire();
    assert_eq!(replay.len(), 1, "it is read");
    drop(playback);
    pass(299_999).await;
    drop(replay.resume(&id).unwrap());
    pass(300_000).await;
    assert!(replay.resume(&id).is_err());
}

#[tokio::test(start_paused = true)]
async fn a_session_keeps_few_of_its_own_streams_that_were_left() {
    let replay = replay(|limits| limits.streams_per_session_max = 2);
    let mut ids = Vec::new();
    for _ in 0..10 {
        let playback = replay.record_session();
        playback.push("told");
        ids.push(playback.first_id());
        drop(playback);
        pass(1).await;
    }
    assert!(replay.len() <= 2, "{}", replay.len());
    assert!(replay.resume(ids.last().unwrap()).is_ok());
    assert!(replay.resume(&ids[0]).is_err());
    assert_eq!(events(&replay), replay.len());
}

#[tokio::test(start_paused = true)]
async fn when_the_process_keeps_too_much_the_largest_holder_gives_up_its_own() {
    let (store, limits) = store(|limits| limits.replay_total_bytes_max = 16_000);
    let (large, small) = (Replay::open(&store, &limits), Replay::open(&store, &limits));
    let keep = |replay: &Arc<Replay>, bytes: usize| {
        let (recorder, playback) = replay.record_call();
        let id = playback.first_id();
        drop(playback);
        recorder.push("x".repeat(bytes), true);
        id
    };
    let kept = keep(&small, 2_000);
    let given_up = keep(&large, 9_000);
    assert!(large.resume(&given_up).is_ok(), "there is room for all");
    keep(&large, 3_000);
    keep(&large, 3_000);
    assert!(store.bytes() <= 16_000, "{}", store.bytes());
    assert!(small.resume(&kept).is_ok());
    drop((large, small));
    assert_eq!((store.bytes(), store.holders.len()), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn a_session_that_ends_leaves_nothing_behind() {
    let replay = replay(|_| ());
    let (recorder, playback) = replay.record_call();
    let (left, reader) = replay.record_call();
    drop(reader);
    left.push("lost", true);
    let session = replay.record_session();
    recorder.push("a", false);
    session.push("s");
    replay.close();
    assert_eq!(replay.len(), 2, "what nobody reads is forgotten");
    left.push("lost too", true);
    assert_eq!(read(&session), (vec!["s".to_owned()], true));
    assert_eq!(read(&playback), (vec!["a".to_owned()], false), "until the call's last word");
    recorder.push("b", true);
    drop(recorder);
    assert_eq!(read(&playback), (vec!["b".to_owned()], true));
    let (unread, leaves) = replay.record_call();
    unread.push("c", true);
    drop((playback, session, leaves));
    assert!(replay.is_empty());
    assert_eq!((replay.bytes(), replay.store.bytes()), (0, 0));
    let (_, late) = replay.record_call();
    assert_eq!(read(&late), (vec![], true));
}
