//! Every limit of the runtime: its name, its unit, its default, in one table.
//!
//! A limit is set by name (`--limit body_bytes_max=1048576`), listed by `impresario limits`, and read as a
//! field of [`Limits`]. What is refused at a limit is always told to the caller.

/// One row of the table of limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LimitInfo {
    /// Its name, unit last.
    pub name: &'static str,
    /// What it is counted in.
    pub unit: &'static str,
    /// What it is when nobody sets it.
    pub default: u64,
    /// The least it may be set to.
    pub min: u64,
    /// The most it may be set to.
    pub max: u64,
    /// What it bounds, and what happens there.
    pub meaning: &'static str,
}

/// Why a limit can't be set.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LimitError {
    /// No limit has that name.
    #[error("unknown limit `{name}`{}", suggestion.map(|near| format!("; did you mean `{near}`?")).unwrap_or_default())]
    Unknown {
        /// What was asked for.
        name: String,
        /// The nearest name there is.
        suggestion: Option<&'static str>,
    },
    /// The value is outside of what the limit may be.
    #[error("limit `{name}` must be from {min} to {max} {unit}, not {value}")]
    OutOfRange {
        /// Which limit.
        name: &'static str,
        /// What was asked for.
        value: u64,
        /// The least it may be.
        min: u64,
        /// The most it may be.
        max: u64,
        /// What it is counted in.
        unit: &'static str,
    },
}

macro_rules! limits {
    ($( $name:ident : $unit:literal, $default:expr, $min:literal ..= $max:expr, $meaning:literal; )+) => {
        /// Every limit, as a number to read. [`Limits::default`] has the defaults.
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub struct Limits {
            $( #[doc = concat!($meaning, " Counted in ", $unit, ".")] pub $name: u64, )+
        }

        impl Limits {
            /// The table: every limit there is, in reading order.
            pub const TABLE: &'static [LimitInfo] = &[
                $( LimitInfo {
                    name: stringify!($name), unit: $unit, default: $default, min: $min, max: $max, meaning: $meaning,
                }, )+
            ];

            /// Sets the limit of that name.
            ///
            /// # Errors
            /// When no limit has that name, or the value is outside of its range.
            pub fn set(&mut self, name: &str, value: u64) -> Result<(), LimitError> {
                let Some(info) = Self::TABLE.iter().find(|info| info.name == name) else {
                    return Err(LimitError::Unknown { name: name.into(), suggestion: nearest(name) });
                };
                if !(info.min..=info.max).contains(&value) {
                    let LimitInfo { name, unit, min, max, .. } = *info;
                    return Err(LimitError::OutOfRange { name, value, min, max, unit });
                }
                match name {
                    $( stringify!($name) => self.$name = value, )+
                    _ => unreachable!("the name stands in the table"),
                }
                Ok(())
            }

            /// The value of the limit of that name.
            #[must_use]
            pub fn get(&self, name: &str) -> Option<u64> {
                match name {
                    $( stringify!($name) => Some(self.$name), )+
                    _ => None,
                }
            }
        }

        impl Default for Limits {
            fn default() -> Self {
                Self { $( $name: $default, )+ }
            }
        }
    };
}

const KIB: u64 = 1024;
const MIB: u64 = 1024 * KIB;
/// A ceiling for counts and sizes that nothing real reaches, low enough that sums can't overflow.
const CEILING: u64 = 1 << 40;
const DAY_MS: u64 = 24 * 60 * 60 * 1000;

limits! {
    // What one message may be.
    body_bytes_max: "bytes", 4 * MIB, 1..=4 * 1024 * MIB, "The body of one HTTP request; a larger one gets 413.";
    line_bytes_max: "bytes", 4 * MIB, 1..=4 * 1024 * MIB, "One line on stdio; a longer one is skipped and answered with -32600.";
    result_bytes_max: "bytes", 16 * MIB, 1..=4 * 1024 * MIB, "One tool result; a larger one becomes an error result.";
    json_depth_max: "levels", 64, 1..=128, "Arrays and objects inside each other; deeper input gets -32700.";
    id_bytes_max: "bytes", 256, 1..=64 * KIB, "A request id, as written; a longer one gets -32600.";
    method_bytes_max: "bytes", 128, 1..=64 * KIB, "A method name; a longer one gets -32600.";
    name_bytes_max: "bytes", 128, 1..=64 * KIB, "A tool or prompt name; a longer one gets -32602.";
    uri_bytes_max: "bytes", 8 * KIB, 1..=MIB, "A resource URI, and the request's own URI, which gets 414.";
    meta_keys_max: "members", 32, 1..=CEILING, "Members of a request's _meta; more get -32602.";
    meta_depth_max: "levels", 8, 1..=128, "Depth of a request's _meta; deeper gets -32602.";
    meta_bytes_max: "bytes", 8 * KIB, 1..=CEILING, "A request's _meta as JSON; a larger one gets -32602.";
    batch_messages_max: "messages", 100, 1..=CEILING, "Messages in one JSON-RPC batch; more get -32600.";
    // HTTP.
    header_bytes_max: "bytes", 32 * KIB, 1_024..=MIB, "All headers of one request; more get 431.";
    header_value_bytes_max: "bytes", 8 * KIB, 1..=MIB, "One header; a longer one gets 431.";
    header_count_max: "headers", 96, 1..=1024, "Headers of one request; more get 431.";
    header_timeout_ms: "milliseconds", 5_000, 1..=DAY_MS, "From a request's first byte to the end of its headers; a slower one is cut.";
    body_timeout_ms: "milliseconds", 30_000, 1..=DAY_MS, "To read one request's body; a slower one gets 408.";
    body_bytes_per_second_min: "bytes a second", KIB, 0..=CEILING, "The least rate at which a body may arrive, after its first 5 seconds.";
    keep_alive_timeout_ms: "milliseconds", 60_000, 1..=DAY_MS, "A connection without a request is closed.";
    connections_max: "connections", 10_000, 1..=CEILING, "Open connections of the process; more wait in the backlog.";
    backlog_connections_max: "connections", 1024, 1..=65_535, "Connections that wait to be accepted, per lane.";
    sse_keep_alive_ms: "milliseconds", 15_000, 1..=DAY_MS, "Between two keep-alive comments on a quiet stream.";
    sse_send_stall_ms: "milliseconds", 30_000, 1..=DAY_MS, "A reader that takes nothing for so long is cut.";
    // Streams that are resumed, and those of HTTP+SSE.
    sse_begin_ms: "milliseconds", 1_000, 0..=DAY_MS, "A call that takes longer becomes a stream where its client can come back for the answer, so that it has an id to come back with.";
    sse_retry_ms: "milliseconds", 3_000, 0..=DAY_MS, "What clients of a resumable stream are told to wait before they connect again; up to a quarter is added.";
    sse_out_bytes_max: "bytes", MIB, 1_024..=CEILING, "Unsent bytes of one HTTP+SSE session, or of one conversation in lines; past it nothing more is begun for it, and if that lasts for sse_send_stall_ms, or an eighth of it when as much again waits, it is cut (but for standard output, whose reader is waited for).";
    replay_events_max: "messages", 256, 1..=CEILING, "Messages that one session's streams keep to be replayed; beyond, the least useful go.";
    replay_bytes_max: "bytes", MIB, 0..=CEILING, "Bytes that one session's streams keep to be replayed; beyond, the least useful go, but for the newest message.";
    replay_total_bytes_max: "bytes", 256 * MIB, 0..=CEILING, "Bytes that all sessions keep to be replayed; beyond, the largest holders give up theirs.";
    replay_ttl_ms: "milliseconds", 300_000, 1..=DAY_MS, "A message of a stream that has not ended, and a session's own stream that was left, can be replayed for so long.";
    replay_ended_ttl_ms: "milliseconds", 60_000, 1..=DAY_MS, "What follows on a call's stream can be replayed for so long after its answer.";
    // TLS, and floods of HTTP/2.
    tls_handshakes_max: "handshakes", 256, 1..=CEILING, "TLS handshakes that have begun, at once, per lane; more wait.";
    tls_handshake_timeout_ms: "milliseconds", 5_000, 1..=DAY_MS, "From a connection's begin to the end of its TLS handshake; a slower one is cut.";
    http2_client_resets_max: "streams", 20, 1..=CEILING, "Streams of one HTTP/2 connection that its client took back before they were looked at; beyond, the connection ends with GOAWAY.";
    http2_fault_resets_max: "streams", 128, 1..=CEILING, "Streams of one HTTP/2 connection that we had to reset for its client's faults; beyond, the connection ends with GOAWAY.";
    // Sessions.
    sessions_max: "sessions", 10_000, 1..=CEILING, "Sessions of the handshake era; then the longest idle ones go, else 429.";
    sessions_per_client_max: "sessions", 1_000, 1..=CEILING, "Sessions of one caller (without authentication: of one address).";
    session_idle_timeout_ms: "milliseconds", 30 * 60_000, 1..=DAY_MS * 30, "A session without a call or an open stream ends.";
    session_lifetime_max_ms: "milliseconds", DAY_MS, 1..=DAY_MS * 30, "A session ends, idle or not.";
    initialized_timeout_ms: "milliseconds", 60_000, 1..=DAY_MS, "From initialize to notifications/initialized or a first call.";
    session_mailbox_messages_max: "messages", 256, 1..=CEILING, "Messages that wait for one busy actor; more are refused.";
    streams_per_session_max: "streams", 4, 1..=CEILING, "Open GET streams of one session; more get 409.";
    subscriptions_per_session_max: "URIs", 256, 1..=CEILING, "Resources that one session or listener watches; more get -32602.";
    subscription_bytes_per_session_max: "bytes", 64 * KIB, 1..=CEILING, "All URIs that one session or listener watches, together; more get -32602.";
    listeners_max: "streams", 10_000, 1..=CEILING, "Open subscriptions/listen requests of the process; more get 42900.";
    listeners_per_connection_max: "streams", 64, 1..=CEILING, "Open subscriptions/listen requests of one connection; more get 42900.";
    // Calls.
    in_flight_per_session_max: "calls", 256, 1..=CEILING, "Calls of one session at once; more get 42900.";
    in_flight_max: "calls", 4_096, 1..=CEILING, "Calls of the process at once; more get 42900.";
    call_timeout_ms: "milliseconds", 60_000, 1..=DAY_MS, "A call of a tool that names no timeout of its own.";
    call_timeout_max_ms: "milliseconds", 300_000, 1..=DAY_MS, "What a tool may name as its timeout at the most.";
    cancel_grace_ms: "milliseconds", 1_000, 0..=DAY_MS, "What a cancelled tool that watches for it may take to clean up.";
    notifications_per_call_max: "messages", 256, 1..=CEILING, "Unsent progress and log messages of one call; more are dropped, oldest first.";
    progress_per_second_max: "messages a second", 10, 1..=CEILING, "Progress messages of one call, after a burst of 100; more are dropped.";
    out_bytes_max: "bytes", MIB, 1_024..=CEILING, "Unsent progress and log messages of one call; beyond, the oldest are dropped.";
    // Questions to the client.
    question_timeout_ms: "milliseconds", 5 * 60_000, 1..=DAY_MS, "A question that waits in a session; then the tool is told that nobody answered.";
    questions_per_session_max: "questions", 256, 1..=CEILING, "Open questions of one session, and of one call; one more fails with an error.";
    question_rounds_max: "rounds", 10, 1..=1_000, "How often one call may ask, several questions at once counted as one; then it fails with an error.";
    request_state_bytes_max: "bytes", 8 * KIB, 256..=MIB, "A requestState; a call that has to keep more fails, and a longer one that comes in gets -32602.";
    request_state_ttl_ms: "milliseconds", 5 * 60_000, 1..=DAY_MS, "From a question to the request that brings its answer; a later one gets -32602.";
    // Pools.
    pool_workers: "workers", 4_096, 1..=CEILING, "Async calls at once in the default pool, over all lanes.";
    pool_queue_max: "calls", 1_024, 0..=CEILING, "Calls that wait for a worker of a pool; more get 42900.";
    pool_queue_timeout_ms: "milliseconds", 5_000, 1..=DAY_MS, "A call that waited so long is refused with 42900.";
    blocking_threads: "threads", 8, 1..=4_096, "Threads of the default blocking pool.";
    blocking_stuck_threads_max: "threads", 16, 0..=4_096, "Threads that a timed-out blocking call may keep; past it, their pool waits for one.";
    actor_restarts_max: "restarts", 5, 0..=CEILING, "Workers of a pool that are replaced within a minute after a defect of ours; past it, their places stay empty for a minute.";
    // Tasks.
    tasks_max: "tasks", 10_000, 1..=CEILING, "Tasks that are kept, running or not; more get 42900.";
    tasks_per_client_max: "tasks", 100, 1..=CEILING, "Tasks of one caller (without authentication: of one address); more get 42900.";
    task_ttl_ms: "milliseconds", 300_000, 1..=DAY_MS * 30, "From a task's creation until it is forgotten, whether it has ended or not; a tool or client may ask for another.";
    task_ttl_max_ms: "milliseconds", DAY_MS, 1..=DAY_MS * 30, "The longest that a tool or client may ask a task to be kept.";
    task_poll_interval_ms: "milliseconds", 1_000, 1..=DAY_MS, "What clients are told to wait between two looks at a task.";
    task_result_bytes_max: "bytes", 4 * MIB, 1..=4 * 1024 * MIB, "The result of one task; a larger one becomes an error result.";
    task_bytes_max: "bytes", 256 * MIB, 1..=CEILING, "Requests and results of all tasks; a request beyond gets 42900, a result beyond becomes an error result.";
    // Cache.
    cache_bytes_max: "bytes", 256 * MIB, 0..=CEILING, "All cached results of all tools, with what it takes to keep them; the least useful of a tool go first, then the oldest of the tool that holds most.";
    cache_entry_bytes_max: "bytes", MIB, 0..=CEILING, "One cached result; a larger one is not kept.";
    cache_ttl_max_ms: "milliseconds", DAY_MS, 1..=DAY_MS * 30, "The longest that a result is kept, stale or not, whatever its tool asks for.";
    cache_warm_calls_max: "calls", 4, 1..=CEILING, "Calls at once that warm caches up; more wait.";
    // Schemas and lists.
    schema_depth_max: "levels", 32, 1..=128, "Depth of a tool's schema; a deeper one is refused at registration.";
    schema_nodes_max: "subschemas", 1_000, 1..=CEILING, "Subschemas of one schema; more are refused at registration.";
    page_items_max: "items", 100, 1..=CEILING, "Items on one page of a list.";
    completion_values_max: "values", 100, 1..=100, "Suggested values in one answer.";
    // The end.
    drain_timeout_ms: "milliseconds", 30_000, 0..=DAY_MS, "What running calls may take after SIGTERM.";
}

impl Limits {
    /// A limit as a `usize`, for lengths and counts.
    #[must_use]
    pub fn size(limit: u64) -> usize {
        usize::try_from(limit).unwrap_or(usize::MAX)
    }
}

/// The name in the table that differs from `name` in the fewest places, if it is near at all.
fn nearest(name: &str) -> Option<&'static str> {
    let distance = |info: &&LimitInfo| edit_distance(name, info.name);
    Limits::TABLE.iter().min_by_key(distance).filter(|info| distance(info) <= 6).map(|info| info.name)
}

/// Levenshtein's distance between two short names.
fn edit_distance(left: &str, right: &str) -> usize {
    let right: Vec<char> = right.chars().collect();
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (i, l) in left.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, r) in right.iter().enumerate() {
            let above = row[j + 1];
            row[j + 1] = (above + 1).min(row[j] + 1).min(diagonal + usize::from(l != *r));
            diagonal = above;
        }
    }
    row[right.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_limit_of_the_table_has_its_default_and_can_be_set_and_read() {
        let mut limits = Limits::default();
        for info in Limits::TABLE {
            assert_eq!(limits.get(info.name), Some(info.default), "{}", info.name);
            assert!((info.min..=info.max).contains(&info.default), "{}", info.name);
            limits.set(info.name, info.max).unwrap();
            assert_eq!(limits.get(info.name), Some(info.max), "{}", info.name);
        }
    }

    #[test]
    fn a_misspelt_limit_is_told_its_nearest_neighbour() {
        let error = Limits::default().set("body_byte_max", 1).unwrap_err();
        assert_eq!(error.to_string(), "unknown limit `body_byte_max`; did you mean `body_bytes_max`?");
    }

    #[test]
    fn a_value_outside_of_the_range_is_refused_and_changes_nothing() {
        let mut limits = Limits::default();
        let error = limits.set("json_depth_max", 129).unwrap_err();
        assert_eq!(error.to_string(), "limit `json_depth_max` must be from 1 to 128 levels, not 129");
        assert_eq!(limits, Limits::default());
    }
}
