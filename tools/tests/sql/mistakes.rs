//! What is wrong is refused, and told so that it can be mended: to the model, and to whoever writes the file.

use impresario_tools::setting::{Bytes, Span};
use impresario_tools::sql::{Access, Settings};
use serde_json::{Value, json};

use crate::answers::statement;
use crate::shop::{Engine, Shop, each};

#[test]
fn a_call_that_does_not_fit_is_told_what_would() {
    each(|shop| {
        let server = shop.serve(Settings { access: Access::ReadWrite, query: true, ..shop.settings() });
        let where_ = |condition: Value| json!({"table": "products", "conditions": [condition]});
        let insert = |data: Value| json!({"table": "products", "data": data});
        let order = |product: i64, amount: i64| json!({"table": "orders", "data": {"product": product, "amount": amount}});
        let rows = [
            ("query_table", json!({}), "table"),
            ("query_table", json!({"table": "product"}), "did you mean \"products\"?"),
            ("query_table", json!({"table": "nonsense"}), "there are cheap, leak, orders"),
            ("query_table", json!({"table": "products", "columns": ["prise"]}), "did you mean \"price\"?"),
            (
                "query_table",
                json!({"table": "products", "order": [{"column": "names"}]}),
                "`order`: products has no column",
            ),
            ("query_table", json!({"table": "products", "limit": 0}), "`limit` must be from 1 to 1000"),
            ("query_table", json!({"table": "products", "limit": 1001}), "`limit` must be from 1 to 1000"),
            ("query_table", json!({"table": "products", "offset": 9_223_372_036_854_775_808_u64}), "offset"),
            ("query_table", json!({"table": "products", "where": "1=1"}), "where"),
            (
                "query_table",
                where_(json!({"column": "names", "value": 1})),
                "`conditions[0]`: products has no column",
            ),
            ("query_table", where_(json!({"column": "id", "operator": "~", "value": 1})), "operator"),
            ("query_table", where_(json!({"column": "id", "operator": "in", "value": 1})), "IN takes a list"),
            (
                "query_table",
                where_(json!({"column": "id", "operator": "in", "value": []})),
                "1 to 100 values, got 0",
            ),
            (
                "query_table",
                where_(json!({"column": "name", "operator": "like", "value": 1})),
                "LIKE takes a text",
            ),
            (
                "query_table",
                where_(json!({"column": "id", "operator": "is null", "value": 1})),
                "takes no value",
            ),
            ("query_table", where_(json!({"column": "id"})), "`is null`"),
            ("query_table", where_(json!({"column": "photo", "value": "no base64!"})), "base64"),
            ("insert_record", insert(json!({"names": "x"})), "did you mean \"name\"?"),
            ("insert_record", insert(json!({"shout": "X"})), "computed by the database"),
            ("insert_record", insert(json!({"name": "apple"})), "name"),
            ("insert_record", insert(json!({"price": 1})), "name"),
            ("insert_record", order(99, 1), "oreign key"),
            ("insert_record", order(1, 0), "heck"),
            ("insert_record", json!({"table": "products", "data": []}), "data"),
            ("query", json!({"sql": "SELECT names FROM products"}), "names"),
            ("query", json!({"sql": "SELECT * FROM product"}), "product"),
            ("query", json!({"sql": "SELECT FROM WHERE"}), "syntax error"),
            ("query", json!({"sql": "SELECT nosuch(1)"}), "nosuch"),
            ("query", json!({"sql": "DROP TABLE products"}), "only a SELECT can be asked here"),
            ("query", json!({"sql": "SELECT 1; SELECT 2"}), "one statement at a time"),
            ("query", json!({"sql": "SELECT 'a"}), "a string is not closed"),
            ("query", json!({"sql": "SELECT (1"}), "add )"),
            ("query", json!({"sql": "SELECT :id"}), "write the value itself instead of :id"),
            ("query", json!({"sql": format!("SELECT '{}'", "x".repeat(70_000))}), "longer than 65536 bytes"),
        ];
        for (tool, arguments, expected) in rows {
            let told = server.failure(tool, &arguments);
            let told = told.replace("CHECK", "check").replace("FOREIGN KEY", "foreign key");
            assert!(told.contains(expected), "{:?} {tool} {arguments}: {told}", shop.engine);
        }
        let sqlite = shop.is_sqlite();
        let told = server.failure("query", &json!({"sql": "SELECT prise FROM products"}));
        assert!(!sqlite || told.contains("did you mean price?"), "{told}");
        assert_eq!(server.rows("SELECT count(*) AS n FROM products"), json!([{"n": 4}]));
    });
}

#[test]
fn settings_that_do_not_fit_are_named_with_what_to_change() {
    each(|shop| {
        let base = || shop.settings();
        let one = |settings: Value| [("s".to_owned(), statement(settings))].into();
        let rows = [
            (
                Settings { tables: Some(vec!["orders".into(), "product".into()]), ..base() },
                "tables[1]",
                "did you mean \"products\"?",
            ),
            (
                Settings { hidden_tables: vec!["secret".into()], ..base() },
                "hidden_tables[0]",
                "did you mean \"secrets\"?",
            ),
            (Settings { rows_max: 0, ..base() }, "rows_max", "greater than 0"),
            (Settings { bytes_max: Bytes(0), ..base() }, "bytes_max", "greater than 0"),
            (Settings { timeout: Span(std::time::Duration::ZERO), ..base() }, "timeout", "greater than 0"),
            (Settings { connections_max: 0, ..base() }, "connections_max", "greater than 0"),
            (Settings { memory_max: Bytes(1), ..base() }, "memory_max", "at least 8MiB"),
            (Settings { table_tools: false, ..base() }, "", "offers nothing"),
            (
                Settings { statements: one(json!({"sql": "SELECT * FROM product"})), ..base() },
                "statements.s.sql",
                "product",
            ),
            (
                Settings { statements: one(json!({"sql": "SELECT 1; SELECT 2"})), ..base() },
                "statements.s.sql",
                "one statement",
            ),
            (
                Settings { statements: one(json!({"sql": "DROP TABLE products"})), ..base() },
                "statements.s.sql",
                "begins with DROP",
            ),
            (
                Settings { statements: one(json!({"sql": "SELECT 'x"})), ..base() },
                "statements.s.sql",
                "not closed",
            ),
            (
                Settings { statements: one(json!({"sql": "SELECT 1 FROM products LIMIT :n) --"})), ..base() },
                "statements.s.sql",
                "",
            ),
            (
                Settings {
                    statements: one(json!({"sql": "SELECT :word", "parameters": {"wrd": {}}})),
                    ..base()
                },
                "statements.s.parameters.wrd",
                "did you mean \"word\"?",
            ),
            (
                Settings {
                    statements: [("query_table".to_owned(), statement(json!({"sql": "SELECT 1"})))].into(),
                    ..base()
                },
                "statements.query_table",
                "another tool",
            ),
        ];
        for (settings, key, expected) in rows {
            let error = shop.open_sql(settings).unwrap_err();
            assert_eq!(error.key, key, "{error}");
            assert!(error.message.contains(expected), "{:?}: {error}", shop.engine);
        }
    });
}

#[test]
fn addresses_that_lead_nowhere_are_told_without_their_secrets() {
    let shop = Shop::open(Engine::Sqlite);
    std::fs::write(shop.folder.path().join("notes.txt"), "no database, but long enough to look like a file")
        .unwrap();
    std::fs::write(shop.folder.path().join("bad.sql"), "CREATE TABLE t (a; DROP").unwrap();
    let setup = |file: &str, url: &str| Settings { setup: Some(file.into()), ..Settings::new(url) };
    let rows = [
        (Settings::new("sqlite:missing.db"), "database", "there is no file"),
        (Settings::new("sqlite::memory:"), "database", "must name a file"),
        (Settings::new("sqlite:"), "database", "must name a file"),
        (Settings::new("sqlite:shop.db?mode=rwc"), "database", "takes no parameters"),
        (Settings::new("sqlite:notes.txt"), "database", "can't be opened as a SQLite database"),
        (Settings::new("mysql://root:hunter2@localhost/x"), "database", "must begin with"),
        (Settings::new("hunter2"), "database", "must begin with"),
        (Settings::new("postgres://u:hunter2@localhost:99999/x"), "database", "is no address"),
        (Settings::new("postgres://u:hunter2@localhost:1/x"), "database", "localhost:1 lets nobody in"),
        (setup("shop.sql", "postgres://u:hunter2@localhost:1/x"), "setup", "is for SQLite"),
        (setup("missing.sql", "sqlite:new.db"), "setup", "missing.sql"),
        (setup("bad.sql", "sqlite:new.db"), "setup", "syntax error"),
    ];
    for (settings, key, expected) in rows {
        let error = shop.open_sql(settings).unwrap_err();
        assert_eq!(error.key, key, "{error}");
        assert!(error.message.contains(expected) && !error.message.contains("hunter2"), "{error}");
    }
    let left: Vec<_> =
        std::fs::read_dir(shop.folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(!left.iter().any(|name| name.to_string_lossy().starts_with("new.db")), "{left:?}");
}

#[test]
fn a_file_is_made_once_and_then_left_alone() {
    let shop = Shop::open(Engine::Sqlite);
    let before = shop.fingerprint();
    let setup = Settings { setup: Some("shop.sql".into()), query: true, ..shop.settings() };
    let server = shop.serve(setup);
    assert_eq!(server.rows("SELECT count(*) AS n FROM products"), json!([{"n": 4}]));
    assert_eq!(shop.fingerprint(), before);
}

#[test]
fn read_only_offers_nothing_that_writes() {
    each(|shop| {
        let server = shop.serve(Settings { query: true, ..shop.settings() });
        let listed = server.ask("tools/list", &json!({}));
        let tools = listed["tools"].as_array().unwrap();
        let names: Vec<_> = tools.iter().map(|tool| tool["name"].as_str().unwrap()).collect();
        assert_eq!(names, ["list_tables", "describe_table", "query_table", "query"]);
        for tool in tools {
            assert_eq!(tool["annotations"]["readOnlyHint"], true, "{tool}");
            assert!(tool["title"].is_string() && tool["description"].is_string(), "{tool}");
            for (parameter, schema) in tool["inputSchema"]["properties"].as_object().into_iter().flatten() {
                assert!(schema["description"].is_string(), "{parameter} of {tool}");
            }
        }
    });
}
