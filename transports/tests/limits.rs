//! Every limit of the runtime, at it and on both sides of it, over the transport where it bites.
//!
//! A refusal names its limit, executes nothing, and leaves the connection or the server as it was. The test of
//! a limit begins with the limit's name, so a limit without a test is found by its name.
#![allow(missing_docs, reason = "a test binary has no reader of its documentation")]
#![allow(clippy::unwrap_used, reason = "clippy knows only functions with #[test] as tests")]

#[allow(dead_code, reason = "each test binary uses a part of the clients")]
#[path = "common"]
mod common {
    pub(crate) mod frames;
    pub(crate) mod house;
    pub(crate) mod http;
    pub(crate) mod http2;
    pub(crate) mod messages;
    pub(crate) mod pipe;
    pub(crate) mod secure;
    pub(crate) mod wait;
}

#[path = "limits"]
mod limits {
    mod cache;
    mod calls;
    mod connections;
    mod headers;
    mod http2_floods;
    mod lists;
    mod message_sizes;
    mod pools;
    mod sessions;
    mod streams;
    mod tasks;
    mod tls;
}

use std::collections::HashSet;
use std::path::Path;

use impresario_protocol::Limits;

use common::{frames, house, http, http2, messages, pipe, secure, wait};

/// Whether its clients and servers speak TLS; `tls.rs` has the tests that are run over it too.
const IS_TLS: bool = false;

/// Limits whose edges only virtual time or the inside of a crate can reach, or that are part of a longer story:
/// the test that does.
const UNIT_TESTED: &[(&str, &str, &str)] = &[
    ("body_bytes_per_second_min", "transports/src/http/body.rs", "a_body_that_is_too_slow_is_given_up"),
    ("replay_events_max", REPLAY, "too_many_events_go_sent_ones_first_and_answers_last"),
    ("replay_bytes_max", REPLAY, "too_many_bytes_go_but_the_newest_message_is_kept_however_long"),
    ("replay_total_bytes_max", REPLAY, "when_the_process_keeps_too_much_the_largest_holder_gives_up_its_own"),
    ("replay_ttl_ms", REPLAY, "tapes_are_forgotten_when_their_time_is_over"),
    ("replay_ended_ttl_ms", REPLAY, "tapes_are_forgotten_when_their_time_is_over"),
    (
        "sse_out_bytes_max",
        "transports/src/http/outbox.rs",
        "a_reader_that_takes_too_little_for_too_long_is_stalled_and_one_that_takes_enough_is_not",
    ),
    (
        "question_timeout_ms",
        "transports/tests/asking/sessions.rs",
        "a_question_that_is_never_answered_is_given_up_and_the_calls_own_time_stands_still",
    ),
    (
        "questions_per_session_max",
        "transports/tests/asking/sessions.rs",
        "questions_per_session_max_is_how_many_are_open",
    ),
    ("question_rounds_max", "transports/tests/asking/stories.rs", "who_asks_for_ever_is_stopped"),
    (
        "request_state_bytes_max",
        "transports/tests/asking/states.rs",
        "a_call_that_must_keep_more_than_it_may_fails_and_says_so",
    ),
    ("request_state_ttl_ms", "transports/tests/asking/states.rs", "a_state_that_is_too_old_is_refused"),
    // No caller can end an actor of ours: what tools do is caught before.
    ("actor_restarts_max", "runtime/engine/src/actor.rs", "restarts_are_limited_within_a_minute"),
];

const REPLAY: &str = "runtime/engine/src/session/replay/tests.rs";

const SOURCES: &[&str] = &[
    include_str!("limits/cache.rs"),
    include_str!("limits/calls.rs"),
    include_str!("limits/connections.rs"),
    include_str!("limits/headers.rs"),
    include_str!("limits/http2_floods.rs"),
    include_str!("limits/lists.rs"),
    include_str!("limits/message_sizes.rs"),
    include_str!("limits/pools.rs"),
    include_str!("limits/sessions.rs"),
    include_str!("limits/streams.rs"),
    include_str!("limits/tasks.rs"),
    include_str!("limits/tls.rs"),
];

/// The functions of a source that are tests, by the attribute above them.
fn tests_of(source: &str) -> impl Iterator<Item = &str> {
    source.split("#[test]").skip(1).chain(source.split("#[tokio::test").skip(1)).filter_map(|after| {
        let (_, named) = after.split_once("fn ")?;
        named.split_once('(').map(|(name, _)| name)
    })
}

#[test]
fn every_limit_of_the_table_has_a_test_of_its_name() {
    let tests: Vec<&str> = SOURCES.iter().flat_map(|source| tests_of(source)).collect();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut tested: HashSet<&str> = HashSet::new();
    for (limit, file, test) in UNIT_TESTED {
        let source = std::fs::read_to_string(root.join(file)).unwrap();
        assert!(
            tests_of(&source).any(|name| name == *test),
            "{file} has no test {test}, which covers {limit}"
        );
        tested.insert(limit);
    }
    for info in Limits::TABLE {
        let is_its = |test: &&str| test.strip_prefix(info.name).is_some_and(|rest| rest.starts_with('_'));
        if tests.iter().any(is_its) {
            tested.insert(info.name);
        }
    }
    let untested: Vec<_> =
        Limits::TABLE.iter().map(|info| info.name).filter(|name| !tested.contains(name)).collect();
    assert!(untested.is_empty(), "limits without a test: {untested:?}");
    assert_eq!(tested.len(), Limits::TABLE.len(), "a test is named for a limit that is gone");
}
