//! The statement that a question becomes.

use serde_json::json;

use super::*;

fn table() -> Table {
    let column = |name: &str, cast: &str, primary_key| Column {
        name: name.into(),
        type_name: cast.into(),
        cast: cast.into(),
        nullable: true,
        default: None,
        primary_key,
        generated: false,
        references: None,
        description: None,
    };
    let columns = vec![column("id", "bigint", true), column("na\"me", "text", false)];
    Table { name: "t".into(), kind: "table", description: None, columns, quoted: "\"s\".\"t\"".into() }
}

fn check(question: Value, dialect: Dialect, expected: &str, arguments: &[Argument]) {
    let question: Question = serde_json::from_value(question).unwrap();
    let query = built(&table(), &question, 10, dialect).unwrap();
    assert_eq!(query.sql, expected);
    assert_eq!(query.arguments, arguments);
}

#[test]
fn names_are_quoted_and_values_are_bound() {
    check(
        json!({"table": "t"}),
        Dialect::Sqlite,
        "SELECT \"id\", \"na\"\"me\" FROM \"s\".\"t\" ORDER BY \"id\" LIMIT 11 OFFSET 0",
        &[],
    );
    check(
        json!({
            "table": "t",
            "columns": ["na\"me"],
            "conditions": [
                {"column": "id", "operator": "in", "value": [1, 2]},
                {"column": "na\"me", "operator": "like", "value": "%'%"},
                {"column": "id", "operator": "is not null"},
            ],
            "order": [{"column": "na\"me", "descending": true}, {"column": "id"}],
            "offset": 20,
        }),
        Dialect::Postgres,
        "SELECT \"na\"\"me\" FROM \"s\".\"t\" WHERE \"id\" IN (($1::text)::bigint, ($2::text)::bigint) \
         AND CAST(\"na\"\"me\" AS text) LIKE ($3::text)::text AND \"id\" IS NOT NULL \
         ORDER BY \"na\"\"me\" DESC, \"id\" LIMIT 11 OFFSET 20",
        &[Argument::Integer(1), Argument::Integer(2), Argument::Text("%'%".into())],
    );
}

#[test]
fn too_many_conditions_are_refused() {
    let conditions = vec![json!({"column": "id", "value": 1}); CONDITIONS_MAX + 1];
    let question: Question = serde_json::from_value(json!({"table": "t", "conditions": conditions})).unwrap();
    assert!(
        built(&table(), &question, 10, Dialect::Sqlite).unwrap_err().to_string().contains("more than 32")
    );
}
