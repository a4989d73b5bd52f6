//! Limits of rows, bytes and time, and calls that are taken back.

use std::sync::mpsc::sync_channel;
use std::time::Duration;

use impresario_tools::setting::{Bytes, Span};
use impresario_tools::sql::{Access, Settings};
use serde_json::{Value, json};

use crate::shop::{Engine, PATIENCE, Shop, each, engines, until};

/// A time limit that is meant to be reached, but not before the database was even opened.
const SHORT: Duration = Duration::from_secs(3);

/// A question that never ends, and answers with nothing until then.
const ENDLESS: &str =
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 0 FROM n) SELECT count(*) FROM n";

/// Rows without an end.
const MANY: &str = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n";

#[test]
fn an_answer_is_cut_at_its_rows_and_says_so() {
    each(|shop| {
        let server = shop.serve(Settings { query: true, rows_max: 3, ..shop.settings() });
        let answer = server.answer("query", &json!({ "sql": MANY }));
        assert_eq!((&answer["row_count"], &answer["truncated"]), (&json!(3), &json!(true)));
        assert!(answer["note"].as_str().unwrap().starts_with("cut at 3 rows"), "{answer}");
        let whole = server.answer("query", &json!({"sql": "SELECT id FROM products WHERE id < 4"}));
        assert_eq!((&whole["row_count"], &whole["truncated"]), (&json!(3), &json!(false)));
        let page = server.answer("query_table", &json!({"table": "products"}));
        assert_eq!((&page["row_count"], &page["next_offset"]), (&json!(3), &json!(3)));
    });
}

#[test]
fn the_defaults_are_a_thousand_rows_and_a_mebibyte() {
    each(|shop| {
        let server = shop.serve(Settings { query: true, ..shop.settings() });
        assert_eq!(server.answer("query", &json!({ "sql": MANY }))["row_count"], 1_000);
        let wide = if shop.is_sqlite() { "hex(zeroblob(300000))" } else { "repeat('00', 300000)" };
        let answer =
            server.answer("query", &json!({ "sql": format!("SELECT {wide} AS w, i FROM ({MANY}) AS m") }));
        assert_eq!(answer["row_count"], 1, "two rows of 600,000 bytes are more than a mebibyte");
        assert!(answer["note"].as_str().unwrap().contains("fewer columns"));
        // What was not read is no part of the next answer.
        assert_eq!(server.rows("SELECT 1 AS one"), json!([{"one": 1}]));
    });
}

#[test]
fn a_value_larger_than_an_answer_is_left_out() {
    each(|shop| {
        let server = shop.serve(Settings { query: true, bytes_max: Bytes(1_000), ..shop.settings() });
        let huge = if shop.is_sqlite() { "zeroblob(5000000)" } else { "repeat('x', 100000000)" };
        let answer = server.answer("query", &json!({ "sql": format!("SELECT {huge} AS v") }));
        assert_eq!((&answer["row_count"], &answer["truncated"]), (&json!(0), &json!(true)));
        assert!(answer["note"].as_str().unwrap().contains("1000 bytes"), "{answer}");
    });
}

#[test]
fn sqlite_has_a_bound_for_its_memory() {
    let shop = Shop::open(Engine::Sqlite);
    let server = shop.serve(Settings { query: true, ..shop.settings() });
    for huge in ["zeroblob(900000000)", "hex(zeroblob(150000000))", "printf('%900000000d', 1)"] {
        let told = server.failure("query", &json!({ "sql": format!("SELECT {huge} AS v") }));
        assert!(told.contains("too much memory"), "{huge}: {told}");
    }
    assert_eq!(server.rows("SELECT 1 AS one"), json!([{"one": 1}]));
}

#[test]
fn a_question_that_takes_too_long_is_stopped() {
    each(|shop| {
        let timeout = Span(SHORT);
        let server = shop.serve(Settings { query: true, timeout, connections_max: 1, ..shop.settings() });
        let told = server.failure("query", &json!({ "sql": ENDLESS }));
        assert!(told.contains("3s") || told.contains("stopped"), "{told}");
        // The only connection is free again.
        let page = || server.call("query_table", &json!({"table": "products", "limit": 1}));
        until("a free connection", || page()["structuredContent"]["row_count"] == 1);
    });
}

#[test]
fn a_call_that_is_taken_back_stops_its_statement_in_postgres() {
    if !engines().contains(&Engine::Postgres) {
        return;
    }
    let shop = Shop::open(Engine::Postgres);
    let timeout = Span(PATIENCE * 10);
    let server = shop.serve(Settings { query: true, timeout, connections_max: 1, ..shop.settings() });
    let running = || {
        let sql = "SELECT count(*)::text FROM pg_stat_activity \
                   WHERE datname = current_database() AND state = 'active' AND pid <> pg_backend_pid()";
        shop.as_admin(sql)
    };
    let (cancel_tx, cancel_rx) = sync_channel(1);
    let call = json!({"name": "query", "arguments": {"sql": ENDLESS}});
    let answer = server.send("tools/call", &call, Some(cancel_rx));
    until("the statement", || running() == "1");
    cancel_tx.send(()).unwrap();
    assert_eq!(answer.recv_timeout(PATIENCE).unwrap(), Value::Null);
    until("the end of the statement", || running() == "0");
    assert_eq!(server.rows("SELECT 1 AS one"), json!([{"one": 1}]));
}

#[test]
fn a_call_that_is_taken_back_frees_its_connection() {
    each(|shop| {
        let timeout = Span(PATIENCE * 10);
        let server = shop.serve(Settings { query: true, timeout, connections_max: 1, ..shop.settings() });
        let (cancel_tx, cancel_rx) = sync_channel(1);
        let call = json!({"name": "query", "arguments": {"sql": ENDLESS}});
        let answer = server.send("tools/call", &call, Some(cancel_rx));
        cancel_tx.send(()).unwrap();
        assert_eq!(answer.recv_timeout(PATIENCE).unwrap(), Value::Null);
        assert_eq!(server.rows("SELECT 1 AS one"), json!([{"one": 1}]));
    });
}

#[test]
fn connections_that_the_server_has_closed_are_replaced() {
    if !engines().contains(&Engine::Postgres) {
        return;
    }
    let shop = Shop::open(Engine::Postgres);
    let server = shop.serve(Settings { query: true, ..shop.settings() });
    assert_eq!(server.rows("SELECT 1 AS one"), json!([{"one": 1}]));
    shop.as_admin(
        "SELECT pg_terminate_backend(pid)::text FROM pg_stat_activity \
         WHERE datname = current_database() AND pid <> pg_backend_pid()",
    );
    assert_eq!(server.rows("SELECT 1 AS one"), json!([{"one": 1}]));
}

#[test]
fn questions_do_not_wait_for_one_who_writes() {
    each(|shop| {
        let server = shop.serve(Settings { query: true, ..shop.settings() });
        let writer =
            shop.serve(Settings { access: Access::ReadWrite, timeout: Span(SHORT), ..shop.settings() });
        let held = shop.hold_rows();
        assert_eq!(server.rows("SELECT count(*) AS n FROM products"), json!([{"n": 4}]));
        let told = writer.failure("insert_record", &json!({"table": "products", "data": {"name": "apple"}}));
        assert!(told.contains("try again") || told.contains("longer than"), "{told}");
        shop.let_go(held);
        assert_eq!(server.rows("SELECT count(*) AS n FROM products"), json!([{"n": 4}]));
    });
}
