//! Questions that try to be more than questions: none writes, reads a file, or reaches what may not be seen.

use std::time::Instant;

use impresario_tools::sql::{Access, Settings};
use serde_json::json;

use crate::shop::{Engine, PATIENCE, Shop, each, engines};

/// What is tried in every engine.
const EVERYWHERE: &[&str] = &[
    // Stacked statements.
    "SELECT 1; DROP TABLE products",
    "SELECT 1;\n;DELETE FROM products",
    "COMMIT; DROP TABLE products",
    "COMMIT; DROP SCHEMA public CASCADE; --",
    "; DROP TABLE products",
    "SELECT 1;;",
    // Out of the subquery.
    "SELECT 1) AS q; DROP TABLE products; --",
    "SELECT 1) AS q; DROP TABLE products; SELECT (1",
    "SELECT 1) UNION SELECT (2",
    // Comment tricks.
    "SELECT 1 --\n; DROP TABLE products",
    "SELECT 1 /* ; */ ; DROP TABLE products",
    "SELECT 1 /*",
    "/**/DROP/**/TABLE/**/products",
    "-- SELECT\nDROP TABLE products",
    "SELECT 'a\\'; DROP TABLE products; --'; DROP TABLE products; --'",
    "SELECT \"a; DROP TABLE products",
    "SELECT 1\0; DROP TABLE products",
    // Not questions at all.
    "DROP TABLE products",
    "DELETE FROM products",
    "INSERT INTO products (name) VALUES ('x')",
    "UPDATE products SET price = 0",
    "WITH x AS (SELECT 1) DELETE FROM products",
    "WITH x AS (DELETE FROM products RETURNING 1) SELECT * FROM x",
    "SELECT * FROM (DELETE FROM products RETURNING 1) x",
    "CREATE TABLE t AS SELECT 1",
    "EXPLAIN SELECT 1",
    "COMMIT",
    "ROLLBACK",
    "BEGIN",
    "REINDEX",
    "ANALYZE",
    "VACUUM",
    "",
    " ; ",
    "--",
];

const SQLITE: &[&str] = &[
    // Its comments do not nest; PostgreSQL's do, and there this is one comment.
    "SELECT 1 /* /* */ ; DROP TABLE products; -- */",
    "ATTACH DATABASE 'evil.db' AS evil",
    "ATTACH 'evil.db' AS evil; CREATE TABLE evil.t (a)",
    "SELECT * FROM products; ATTACH 'evil.db' AS evil",
    "DETACH DATABASE main",
    "VACUUM INTO 'copy.db'",
    "VACUUM main INTO 'copy.db'",
    "PRAGMA writable_schema = 1",
    "PRAGMA query_only = OFF",
    "PRAGMA journal_mode = WAL",
    "PRAGMA user_version = 7",
    "SELECT * FROM pragma_database_list",
    "SELECT * FROM \"pragma_database_list\"",
    "SELECT * FROM [pragma_database_list]",
    "SELECT * FROM `PRAGMA_database_list`",
    "SELECT * FROM 'pragma_database_list'",
    "SELECT load_extension('/tmp/evil.so')",
    "SELECT \"load_extension\"('/tmp/evil.so')",
    "SELECT writefile('evil', 'x')",
    "SELECT readfile('/etc/passwd')",
    "SELECT fts3_tokenizer('simple', x'00')",
    "SELECT * FROM sqlite_dbpage",
    "REPLACE INTO products (name) VALUES ('x')",
    "UPDATE sqlite_schema SET sql = ''",
    "CREATE TEMP TABLE t AS SELECT 1",
];

const POSTGRES: &[&str] = &[
    "COPY products TO PROGRAM 'touch /tmp/impresario-evil'",
    "COPY products FROM '/etc/passwd'",
    "COPY (SELECT 1) TO '/tmp/impresario-evil'",
    "SELECT pg_read_file('/etc/passwd')",
    "SELECT pg_catalog.pg_read_file('/etc/passwd')",
    "SELECT \"pg_read_file\"('/etc/passwd')",
    "SELECT U&\"\\0070g_read_file\"('/etc/passwd')",
    "SELECT ('/etc/passwd'::text).pg_read_file",
    "SELECT pg_ls_dir('/')",
    "SELECT pg_read_binary_file('/etc/passwd')",
    "SELECT lo_import('/etc/passwd')",
    "SELECT lo_export(1, '/tmp/impresario-evil')",
    "SELECT lo_from_bytea(0, 'x')",
    "SELECT * FROM dblink('dbname=postgres', 'SELECT 1') AS t(a int)",
    "SELECT pg_sleep(1000)",
    "SELECT pg_terminate_backend(1)",
    "SELECT pg_advisory_lock(1)",
    "SELECT set_config('transaction_read_only', 'off', false)",
    "SELECT current_setting('data_directory')",
    "SELECT query_to_xml('SELECT pg_sleep(1000)', true, true, '')",
    "SELECT nextval('products_id_seq')",
    "SELECT setval('products_id_seq', 100)",
    "SELECT * INTO evil FROM products",
    "SELECT * FROM products FOR UPDATE",
    "SET default_transaction_read_only = off",
    "SET SESSION AUTHORIZATION postgres",
    "DO $$ BEGIN DELETE FROM products; END $$",
    "CALL evil()",
    "LOCK TABLE products",
    "NOTIFY evil",
    "LISTEN evil",
    "PREPARE x AS DELETE FROM products",
    "EXECUTE x",
    "START TRANSACTION READ WRITE",
    "SELECT 1 $$; DROP TABLE products; --$$",
    "SELECT 1$$; DROP TABLE products; --$$",
    "SELECT $a$ $b$ $a$; DROP TABLE products; --$b$",
    "SELECT E'\\'; DROP TABLE products; --'; DROP TABLE products; --'",
    "SELECT E'a'\n'\\'; DROP TABLE products; --'",
    "SELECT 1 --\r; DROP TABLE products",
    "TABLE products; DROP TABLE products",
];

fn attacks(shop: &Shop) -> impl Iterator<Item = &'static str> {
    let own = if shop.is_sqlite() { SQLITE } else { POSTGRES };
    EVERYWHERE.iter().chain(own).copied()
}

#[test]
fn no_free_query_writes_or_reaches_past_the_tables() {
    each(|shop| {
        // Also where writing is allowed: free queries go another way.
        let access = Access::ReadWrite;
        let server = shop.serve(Settings { query: true, access, ..shop.settings() });
        let before = shop.fingerprint();
        for sql in attacks(shop) {
            let begun = Instant::now();
            let told = server.failure("query", &json!({ "sql": sql }));
            assert!(begun.elapsed() < PATIENCE, "{sql}");
            for leak in [shop.folder.path().to_str().unwrap(), "root:", "SELECT * FROM (", "BEGIN READ"] {
                assert!(!told.contains(leak), "{sql}: {told}");
            }
        }
        assert_eq!(shop.fingerprint(), before, "{:?}", shop.engine);
        assert!(!std::path::Path::new("/tmp/impresario-evil").exists());
        assert_eq!(server.rows("SELECT count(*) AS n FROM products"), json!([{"n": 4}]));
    });
}

#[test]
fn the_engine_refuses_to_write_where_only_the_outer_wall_is_gone() {
    // Statements of the file are not held against the list of what is denied, so they meet the engine alone.
    each(|shop| {
        let before = shop.fingerprint();
        let writes = [
            "DELETE FROM products WHERE id = :id",
            "INSERT INTO secrets VALUES (:word) RETURNING word",
            "WITH x AS (SELECT 1) UPDATE products SET price = 0",
        ];
        for sql in writes {
            let statements = [("s".to_owned(), crate::answers::statement(json!({ "sql": sql })))].into();
            let error = shop.open_sql(Settings { statements, ..shop.settings() }).unwrap_err();
            assert_eq!(error.key, "statements.s.sql", "{sql}: {error}");
            assert!(error.message.contains("read-write"), "{sql}: {error}");
        }
        if !shop.is_sqlite() {
            // A plan does not show what a function does: it is compiled as a question, and fails where it writes.
            shop.as_admin(
                "CREATE FUNCTION evil() RETURNS int LANGUAGE sql AS 'DELETE FROM products; SELECT 1'",
            );
            let statements =
                [("s".to_owned(), crate::answers::statement(json!({"sql": "SELECT evil()"})))].into();
            let server = shop.serve(Settings { statements, query: true, ..shop.settings() });
            assert!(server.failure("s", &json!({})).contains("can only read"));
            assert!(server.failure("query", &json!({"sql": "SELECT evil()"})).contains("can only read"));
            shop.as_admin("DROP FUNCTION evil()");
        }
        assert_eq!(shop.fingerprint(), before);
    });
}

#[test]
fn names_and_values_can_not_break_out_of_a_question() {
    each(|shop| {
        let server = shop.serve(Settings { access: Access::ReadWrite, ..shop.settings() });
        let before = shop.fingerprint();
        let evil = [
            "products; DROP TABLE products",
            "products\" --",
            "\"products\"",
            "sqlite_schema",
            "pg_class",
            "PRODUCTS",
            "",
        ];
        for name in evil {
            server.failure("query_table", &json!({ "table": name }));
            server.failure("describe_table", &json!({ "table": name }));
            server.failure("insert_record", &json!({ "table": name, "data": {"id": 1} }));
            server.failure("query_table", &json!({ "table": "products", "columns": [name] }));
            server.failure("query_table", &json!({ "table": "products", "order": [{ "column": name }] }));
            server.failure(
                "query_table",
                &json!({ "table": "products", "conditions": [{ "column": name, "value": 1 }] }),
            );
            server.failure("insert_record", &json!({ "table": "products", "data": { name: 1 } }));
            let condition = json!({ "column": "name", "value": name });
            let found =
                server.answer("query_table", &json!({ "table": "products", "conditions": [condition] }));
            assert_eq!(found["row_count"], 0);
        }
        for operator in ["= 1 OR 1", "LIKE", "is", "<>", "; --"] {
            let condition = json!({ "column": "name", "operator": operator, "value": 1 });
            server.failure("query_table", &json!({ "table": "products", "conditions": [condition] }));
        }
        assert_eq!(shop.fingerprint(), before);
    });
}

#[test]
fn what_may_not_be_seen_is_out_of_reach_of_free_queries_in_sqlite() {
    let shop = Shop::open(Engine::Sqlite);
    let lists = [
        Settings { tables: Some(vec!["products".into(), "orders".into()]), ..shop.settings() },
        Settings { hidden_tables: vec!["secrets".into()], ..shop.settings() },
    ];
    let hidden = [
        "SELECT * FROM secrets",
        "SELECT * FROM main.\"secrets\"",
        "SELECT * FROM [SECRETS] AS products",
        "SELECT (SELECT word FROM secrets) FROM products",
        "SELECT name FROM products UNION SELECT word FROM secrets",
        "SELECT name FROM products WHERE EXISTS (SELECT 1 FROM secrets WHERE word > 'a')",
        "WITH products AS (SELECT * FROM secrets) SELECT * FROM products",
        "SELECT p.name FROM products p JOIN secrets s",
        "SELECT * FROM leak",
        "SELECT count(*) FROM secrets",
        "SELECT sql FROM sqlite_schema",
        "SELECT sql FROM sqlite_master",
        "SELECT * FROM sqlite_temp_master, secrets",
        "SELECT * FROM json_each('[1]')",
    ];
    for settings in lists {
        let server = shop.serve(Settings { query: true, ..settings });
        for sql in hidden {
            let told = server.failure("query", &json!({ "sql": sql }));
            assert!(told.contains("list_tables") && !told.contains("xyzzy"), "{sql}: {told}");
        }
        assert_eq!(server.rows("SELECT name FROM products WHERE name = 'bread'"), json!([{"name": "bread"}]));
        assert_eq!(
            server.rows("SELECT name FROM products JOIN orders ON product = products.id WHERE amount = 1"),
            json!([{"name": "bread"}])
        );
        assert_eq!(server.rows("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3) SELECT sum(i) AS s FROM n"), json!([{"s": 6}]));
        for tool in ["describe_table", "query_table"] {
            assert!(server.failure(tool, &json!({"table": "secrets"})).contains("no table"));
        }
    }
}

#[test]
fn a_role_that_may_do_too_much_gets_no_free_queries_in_postgres() {
    if !engines().contains(&Engine::Postgres) {
        return;
    }
    let shop = Shop::open(Engine::Postgres);
    let refused = |settings: Settings| {
        let error = shop.open_sql(Settings { query: true, ..settings }).unwrap_err();
        assert_eq!(error.key, "query", "{error}");
        error.message
    };
    let admin = Settings::new(shop.admin_url.as_str());
    assert!(refused(admin.clone()).contains("superuser"));
    let role =
        shop.as_admin("SELECT datdba::regrole::text FROM pg_database WHERE datname = current_database()");
    shop.as_admin(&format!("GRANT pg_read_server_files TO {role}"));
    assert!(refused(shop.settings()).contains("pg_read_server_files"));
    shop.as_admin(&format!("REVOKE pg_read_server_files FROM {role}"));

    // A list of tables is not what bounds a free query here: the role's rights are, and they are asked for.
    let visible = Settings { hidden_tables: vec!["secrets".into()], ..shop.settings() };
    assert!(refused(visible.clone()).contains("may read secrets"));

    // Whoever insists: the outer wall still stands.
    let server = shop.serve(Settings { query: true, query_as_superuser: true, ..admin });
    let before = shop.fingerprint();
    for sql in attacks(&shop) {
        server.failure("query", &json!({ "sql": sql }));
    }
    assert_eq!(shop.fingerprint(), before);
    assert!(!std::path::Path::new("/tmp/impresario-evil").exists());
}
