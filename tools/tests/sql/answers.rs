//! What the tools and resources answer.

use std::collections::BTreeMap;

use impresario_tools::sql::{Access, Settings, StatementSettings};
use serde_json::{Value, json};

use crate::shop::{Shop, each};

/// The settings of a statement as a file says them.
pub(crate) fn statement(value: Value) -> StatementSettings {
    serde_json::from_value(value).unwrap()
}

fn statements<const N: usize>(list: [(&str, Value); N]) -> BTreeMap<String, StatementSettings> {
    list.into_iter().map(|(name, value)| (name.to_owned(), statement(value))).collect()
}

fn names(answer: &Value) -> Vec<&str> {
    answer["rows"].as_array().unwrap().iter().map(|row| row["name"].as_str().unwrap()).collect()
}

#[test]
fn tables_are_listed_and_described() {
    each(|shop| {
        let server = shop.serve(shop.settings());
        let listed = server.answer("list_tables", &json!({}));
        let tables: Vec<_> =
            listed["tables"].as_array().unwrap().iter().map(|table| &table["name"]).collect();
        assert_eq!(tables, ["cheap", "leak", "orders", "products", "secrets"]);
        let described = server.answer("describe_table", &json!({"table": "orders"}));
        assert_eq!(described["kind"], "table");
        let columns = described["columns"].as_array().unwrap();
        let [id, product, _amount] = &columns[..] else { panic!("{columns:?}") };
        assert_eq!((&id["name"], &id["primary_key"]), (&json!("id"), &json!(true)));
        assert_eq!((&product["references"], &product["nullable"]), (&json!("products.id"), &json!(false)));
        let products = server.answer("describe_table", &json!({"table": "products"}));
        assert_eq!(products["columns"][5]["generated"], true, "{products}");
        assert_eq!(server.answer("describe_table", &json!({"table": "cheap"}))["kind"], "view");
    });
}

#[test]
fn rows_are_found_by_conditions_that_are_data() {
    each(|shop| {
        let server = shop.serve(shop.settings());
        let condition = |column: &str, operator: &str, value: Value| {
            json!({"table": "products", "columns": ["name"],
                   "conditions": [{"column": column, "operator": operator, "value": value}]})
        };
        let all = ["apple", "bread", "cheese", "Robert'); DROP--"];
        let rows = [
            (condition("name", "=", json!("bread")), &all[1..2]),
            (condition("name", "=", json!("' OR 1=1 --")), &[]),
            (condition("name", "=", json!("Robert'); DROP--")), &all[3..]),
            (condition("price", "<", json!(3)), &all[..1]),
            (condition("price", ">=", json!(3.25)), &all[1..3]),
            (condition("id", "in", json!([1, "2", 99])), &all[..2]),
            (condition("id", "not in", json!([1, 2])), &all[2..]),
            (condition("name", "like", json!("%e%")), &all[..]),
            (condition("name", "not like", json!("%ea%")), &[]),
            (condition("price", "is null", Value::Null), &all[3..]),
            (condition("in_stock", "=", json!(true)), &all[..]),
            (json!({"table": "cheap"}), &all[..1]),
            (
                json!({"table": "products", "conditions": [
                    {"column": "price", "operator": ">", "value": 1}, {"column": "price", "operator": "<", "value": 5}
                ], "order": [{"column": "price", "descending": true}]}),
                &["bread", "apple"],
            ),
        ];
        for (question, expected) in rows {
            let answer = server.answer("query_table", &question);
            let expected: Vec<_> = match question["conditions"][0]["operator"].as_str() {
                // SQLite and PostgreSQL differ in whether `like` minds upper case, and "bread" has "ea" in it.
                Some("not like") => vec!["apple", "cheese", "Robert'); DROP--"],
                _ => expected.to_vec(),
            };
            assert_eq!(names(&answer), expected, "{:?} {question}", shop.engine);
        }
    });
}

#[test]
fn pages_follow_one_another() {
    each(|shop| {
        let server = shop.serve(shop.settings());
        let page = |offset: u64| json!({"table": "products", "limit": 3, "offset": offset});
        let first = server.answer("query_table", &page(0));
        assert_eq!(names(&first), ["apple", "bread", "cheese"]);
        assert_eq!((&first["truncated"], &first["next_offset"]), (&json!(true), &json!(3)));
        assert!(first["note"].as_str().unwrap().contains("offset 3"), "{first}");
        let second = server.answer("query_table", &page(3));
        assert_eq!((names(&second).len(), &second["truncated"]), (1, &json!(false)));
        assert!(second.get("next_offset").is_none());
    });
}

#[test]
fn a_row_is_inserted_and_shown_as_it_is_stored() {
    each(|shop| {
        let server = shop.serve(Settings { access: Access::ReadWrite, query: true, ..shop.settings() });
        let name = "dates'); DELETE FROM products; --";
        let data = json!({"name": name, "price": 2.5, "photo": "AP8="});
        let inserted = server.answer("insert_record", &json!({"table": "products", "data": data}));
        let row = &inserted["inserted"];
        assert_eq!(
            (&row["id"], &row["name"], &row["photo"]),
            (&json!(5), &json!(name), &json!("AP8=")),
            "{row}"
        );
        assert_eq!(row["shout"], name.to_uppercase());
        assert_eq!(server.rows("SELECT count(*) AS n FROM products"), json!([{"n": 5}]));
        let defaults = server.answer("insert_record", &json!({"table": "secrets", "data": {}}));
        assert_eq!(defaults["inserted"], json!({"word": null}));
    });
}

#[test]
fn statements_are_tools_with_a_schema_of_their_own() {
    each(|shop| {
        let statements = statements([
            (
                "cheaper_than",
                json!({"sql": "SELECT name, price FROM products -- :no\nWHERE price < :price AND name <> ':x' ORDER BY name;",
                       "parameters": {"price": {"type": "number", "description": "the price"}}}),
            ),
            (
                "one_of",
                json!({"sql": "WITH p AS (SELECT * FROM products) SELECT name FROM p WHERE id IN (:a, :b, :a) ORDER BY id",
                       "parameters": {"a": {"type": "integer"}, "b": {"type": "integer", "default": 3}}}),
            ),
            (
                "reprice",
                json!({"sql": "UPDATE products SET price = :price WHERE name = :name",
                       "parameters": {"price": {"type": "number", "optional": true}, "name": {"values": ["apple"]}}}),
            ),
            ("restock", json!({"sql": "UPDATE products SET in_stock = false WHERE id = :id RETURNING name"})),
        ]);
        let server = shop.serve(Settings {
            access: Access::ReadWrite,
            prefix: "shop_".into(),
            statements,
            ..shop.settings()
        });
        let listed = server.ask("tools/list", &json!({}));
        let tool = |name: &str| {
            listed["tools"]
                .as_array()
                .unwrap()
                .iter()
                .find(|tool| tool["name"] == format!("shop_{name}"))
                .unwrap()
        };
        assert_eq!(
            tool("cheaper_than")["inputSchema"],
            json!({"type": "object", "properties": {"price": {"type": "number", "description": "the price"}},
                   "required": ["price"], "additionalProperties": false})
        );
        assert_eq!(tool("cheaper_than")["annotations"]["readOnlyHint"], true);
        assert_eq!(tool("reprice")["annotations"]["readOnlyHint"], false);
        assert_eq!(tool("one_of")["inputSchema"]["required"], json!(["a"]));

        let answer = server.answer("shop_cheaper_than", &json!({"price": 5}));
        assert_eq!(
            answer["rows"],
            json!([{"name": "apple", "price": 1.5}, {"name": "bread", "price": 3.25}])
        );
        assert_eq!(names(&server.answer("shop_one_of", &json!({"a": 1}))), ["apple", "cheese"]);
        assert_eq!(server.answer("shop_reprice", &json!({"name": "apple"})), json!({"rows_affected": 1}));
        let restocked = server.answer("shop_restock", &json!({"id": 2}));
        assert_eq!((&restocked["rows_affected"], names(&restocked)), (&json!(1), vec!["bread"]));
        assert_eq!(server.answer("shop_restock", &json!({"id": 99}))["rows_affected"], 0);
        server.failure("shop_reprice", &json!({"name": "bread"}));
        server.failure("shop_cheaper_than", &json!({"price": "5 OR 1=1"}));
    });
}

#[test]
fn postgres_says_what_the_parameters_are() {
    each(|shop| {
        if shop.is_sqlite() {
            return;
        }
        let sql = "SELECT :a + id AS a, :b::date AS b, price > :c AS c, id = ANY(:d) AS d, in_stock = :e AS e \
                   FROM products WHERE name = :f";
        let server = shop.serve(Settings {
            statements: statements([("typed", json!({ "sql": sql }))]),
            ..shop.settings()
        });
        let listed = server.ask("tools/list", &json!({}));
        let typed = listed["tools"].as_array().unwrap().iter().find(|tool| tool["name"] == "typed").unwrap();
        let expected = json!({
            "a": {"type": "integer"},
            "b": {"type": "string", "format": "date"},
            "c": {"type": "number"},
            "d": {"type": "array", "items": {"type": "integer"}},
            "e": {"type": "boolean"},
            "f": {"type": "string"},
        });
        assert_eq!(typed["inputSchema"]["properties"], expected);
        let arguments = json!({"a": 1, "b": "2026-02-03", "c": 1, "d": [1, 2], "e": true, "f": "apple"});
        let row = json!({"a": 2, "b": "2026-02-03", "c": true, "d": true, "e": true});
        assert_eq!(server.answer("typed", &arguments)["rows"], json!([row]));
    });
}

#[test]
fn free_queries_answer_in_the_order_that_was_asked_for() {
    each(|shop| {
        let server = shop.serve(Settings { query: true, ..shop.settings() });
        let rows = [
            (
                "SELECT name FROM products ORDER BY name DESC LIMIT 2",
                json!([{"name": "cheese"}, {"name": "bread"}]),
            ),
            ("  select count(*) as n from orders ; -- done", json!([{"n": 2}])),
            ("VALUES (1), (2)", json!([{"column1": 1}, {"column1": 2}])),
            (
                "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3) SELECT max(i) AS i FROM n",
                json!([{"i": 3}]),
            ),
            ("SELECT ';' AS a, '--' AS b, 'it''s' AS c /* ; */", json!([{"a": ";", "b": "--", "c": "it's"}])),
            ("SELECT 1 AS a, 2 AS a", json!([{"a": 1, "a:2": 2}])),
        ];
        for (sql, expected) in rows {
            let mut expected = expected;
            if shop.is_sqlite() && sql.ends_with("AS a") && sql.contains("1 AS a") {
                expected = json!([{"a": 1, "a:1": 2}]);
            }
            assert_eq!(server.rows(sql), expected, "{:?} {sql}", shop.engine);
        }
    });
}

#[test]
fn values_are_said_in_json_without_a_loss() {
    each(|shop| {
        let server = shop.serve(Settings { query: true, ..shop.settings() });
        let rows: &[(&str, Value)] = if shop.is_sqlite() {
            &[
                ("9007199254740991", json!(9_007_199_254_740_991_i64)),
                ("9007199254740993", json!("9007199254740993")),
                ("1.5", json!(1.5)),
                ("9e999", json!("inf")),
                ("x'00ff'", json!("AP8=")),
                ("'größe'", json!("größe")),
                ("NULL", json!(null)),
                ("date('2026-02-03')", json!("2026-02-03")),
            ]
        } else {
            &[
                ("9007199254740991", json!(9_007_199_254_740_991_i64)),
                ("9007199254740993", json!("9007199254740993")),
                ("1.10::numeric", json!("1.10")),
                ("0.1::real", json!(0.1)),
                ("'NaN'::float8", json!("NaN")),
                ("'\\x00ff'::bytea", json!("AP8=")),
                ("NULL::int", json!(null)),
                ("NULL", json!(null)),
                ("true", json!(true)),
                ("date '2026-02-03'", json!("2026-02-03")),
                ("time '10:20'", json!("10:20:00")),
                ("timestamp '2026-02-03 10:20'", json!("2026-02-03T10:20:00")),
                ("timestamptz '2026-02-03 10:20+00' AT TIME ZONE 'UTC'", json!("2026-02-03T10:20:00")),
                ("interval '1 day 2 hours'", json!("P1DT2H")),
                ("'{\"a\": [1, null]}'::json", json!({"a": [1, null]})),
                ("'{\"a\": [1, null]}'::jsonb", json!({"a": [1, null]})),
                ("ARRAY[1, 2, NULL]", json!([1, 2, null])),
                ("ROW(1, 'a')", json!({"f1": 1, "f2": "a"})),
                ("'127.0.0.1'::inet", json!("127.0.0.1/32")),
                ("int4range(1, 3)", json!("[1,3)")),
                (
                    "'00000000-0000-0000-0000-000000000001'::uuid",
                    json!("00000000-0000-0000-0000-000000000001"),
                ),
            ]
        };
        for (expression, expected) in rows {
            assert_eq!(
                server.rows(&format!("SELECT {expression} AS v")),
                json!([{"v": expected}]),
                "{expression}"
            );
        }
    });
}

#[test]
fn the_schema_is_a_resource_and_so_is_each_table() {
    each(|shop| {
        let server =
            shop.serve(Settings { hidden_tables: vec!["secrets".into(), "leak".into()], ..shop.settings() });
        let listed = server.ask("resources/list", &json!({}));
        assert_eq!(listed["resources"][0]["uri"], "sql://shop/schema");
        let read = |uri: &str| server.ask("resources/read", &json!({ "uri": uri }));
        let schema = read("sql://shop/schema");
        let schema: Value = serde_json::from_str(schema["contents"][0]["text"].as_str().unwrap()).unwrap();
        let tables: Vec<_> =
            schema["tables"].as_array().unwrap().iter().map(|table| &table["name"]).collect();
        assert_eq!(tables, ["cheap", "orders", "products"]);
        let table = read("sql://shop/tables/orders");
        assert_eq!(table["contents"][0]["uri"], "sql://shop/tables/orders");
        assert!(table["contents"][0]["text"].as_str().unwrap().contains("amount"));
        for missing in ["sql://shop/tables/secrets", "sql://shop/tables/nothing"] {
            assert!(matches!(read(missing)["code"].as_i64(), Some(-32002 | -32602)), "{missing}");
        }
        let complete = json!({"ref": {"type": "ref/resource", "uri": "sql://shop/tables/{table}"},
                              "argument": {"name": "table", "value": "o"}});
        assert_eq!(server.ask("completion/complete", &complete)["completion"]["values"], json!(["orders"]));
    });
}

#[test]
fn a_schema_that_changes_is_noticed() {
    let shop = Shop::open(crate::shop::Engine::Sqlite);
    let server = shop.serve(Settings {
        access: Access::ReadWrite,
        statements: statements([("seed", json!({"sql": "INSERT INTO secrets VALUES (:word)"}))]),
        ..shop.settings()
    });
    server.failure("query_table", &json!({"table": "later"}));
    shop.tokio.block_on(async {
        use sqlx::{ConnectOptions as _, Connection as _, Executor as _};
        let options = sqlx::sqlite::SqliteConnectOptions::new().filename(shop.file());
        let mut other = options.connect().await.unwrap();
        other.execute("CREATE TABLE later (id INTEGER)").await.unwrap();
        other.close().await.unwrap();
    });
    assert_eq!(server.answer("query_table", &json!({"table": "later"}))["row_count"], 0);
    assert_eq!(server.answer("seed", &json!({"word": "plugh"}))["rows_affected"], 1);
}
