//! That a reader can't write whatever it is given, and that a dropped question stops.

use std::sync::Weak;
use std::time::{Duration, Instant};

use super::*;
use crate::setting::Span;

const ENDLESS: &str =
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 0 FROM n) SELECT count(*) FROM n";

async fn engine(folder: &tempfile::TempDir) -> Sqlite {
    std::fs::write(folder.path().join("t.sql"), "CREATE TABLE t (a); INSERT INTO t VALUES (1);").unwrap();
    let settings = Settings {
        setup: Some("t.sql".into()),
        timeout: Span(Duration::from_secs(600)),
        ..Settings::new("sqlite:t.db")
    };
    let opening = Opening { key: "packs.sql.t".into(), directory: folder.path().into() };
    Sqlite::open(&settings, &opening).await.unwrap()
}

#[tokio::test]
async fn a_reader_can_not_write_even_without_the_walls_before_it() {
    let folder = tempfile::tempdir().unwrap();
    let engine = engine(&folder).await;
    let before = std::fs::read(folder.path().join("t.db")).unwrap();
    let writes = [
        "DROP TABLE t",
        "INSERT INTO t VALUES (2)",
        "PRAGMA query_only = OFF; DELETE FROM t",
        "PRAGMA writable_schema = 1; UPDATE sqlite_schema SET sql = ''",
        "PRAGMA user_version = 7",
        "PRAGMA journal_mode = WAL",
        "CREATE TABLE u (a)",
        "SELECT load_extension('x')",
    ];
    for sql in writes {
        let mut reader = engine.reader().await.unwrap();
        // A PRAGMA may be quiet about what it did not do.
        let _ = reader.connection.execute(sql).await;
        drop(reader);
        assert_eq!(std::fs::read(folder.path().join("t.db")).unwrap(), before, "{sql}");
    }
}

#[tokio::test]
async fn a_question_that_is_dropped_stops() {
    let folder = tempfile::tempdir().unwrap();
    let engine = engine(&folder).await;
    let limits = Limits { rows_max: 1, bytes_max: 100, timeout: Duration::from_secs(600) };
    let mut reader = engine.reader().await.unwrap();
    let stopped: Weak<AtomicBool> = Arc::downgrade(&reader.stopped);
    let query = Query { sql: ENDLESS.into(), arguments: Vec::new() };
    // Only a question that runs may be dropped here: it has then been asked for its columns, which takes a moment.
    tokio::time::timeout(Duration::from_millis(50), reader.question(query, None, &limits)).await.unwrap_err();
    assert!(stopped.upgrade().is_some());
    drop(reader);
    // The progress function goes with its handle, and the handle with the end of its statement.
    let begun = Instant::now();
    while stopped.upgrade().is_some() {
        assert!(begun.elapsed() < Duration::from_secs(60), "the statement still runs");
        std::thread::yield_now();
    }
}

#[tokio::test]
async fn a_plan_says_which_tables_are_opened_and_whether_rows_are_written() {
    let folder = tempfile::tempdir().unwrap();
    let engine = engine(&folder).await;
    let mut reader = engine.reader().await.unwrap();
    let rows = [
        ("SELECT a FROM t", false, true),
        ("INSERT INTO t VALUES (1)", true, false),
        ("INSERT INTO t VALUES (1) RETURNING a", true, true),
        ("WITH x AS (SELECT 1) DELETE FROM t", true, false),
        ("UPDATE t SET a = 1", true, false),
    ];
    for (sql, writes, has_rows) in rows {
        let described = plan::describe(&mut reader.connection, sql).await.unwrap();
        assert_eq!((described.writes, described.has_rows), (writes, has_rows), "{sql}");
    }
    let visible = |only: &[&str]| Visible {
        only: Some(only.iter().map(|name| (*name).to_owned()).collect()),
        hidden: Vec::new(),
        ignores_case: true,
    };
    plan::check_tables(&mut reader.connection, "SELECT a FROM t", &visible(&["T"])).await.unwrap();
    plan::check_tables(&mut reader.connection, "SELECT a FROM t", &visible(&["u"])).await.unwrap_err();
}
