//! The example config does what the clients in CI will ask of it.

use std::path::Path;

use impresario_tools::sql::Settings;
use serde_json::{Value, json};

use crate::shop::{Engine, Shop};

#[test]
fn the_example_answers_what_its_page_of_calls_expects() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let shop = Shop::open(Engine::Sqlite);
    std::fs::remove_file(shop.file()).unwrap();
    std::fs::copy(root.join("examples/shop.sql"), shop.folder.path().join("shop.sql")).unwrap();
    let config = std::fs::read_to_string(root.join("examples/database.toml")).unwrap();
    let mut config: toml::Table = config.parse().unwrap();
    let settings = config["packs"]["sql"]["shop"].clone().try_into::<Settings>().unwrap();
    let server = shop.serve(settings);
    config.retain(|key, _| !matches!(key, "server" | "packs"));
    assert!(config.is_empty(), "the example has settings that this test does not know: {config}");

    let expected = std::fs::read_to_string(root.join("conformance/examples/database.json")).unwrap();
    let expected: Value = serde_json::from_str(&expected).unwrap();
    let listed = server.ask("tools/list", &json!({}));
    let names: Vec<_> = listed["tools"].as_array().unwrap().iter().map(|tool| tool["name"].clone()).collect();
    assert_eq!(Value::Array(names), expected["tools"]);
    let holds = |answer: &Value, case: &Value| {
        let text = answer.to_string();
        for part in case["contains"].as_array().unwrap() {
            assert!(text.contains(part.as_str().unwrap()), "{case}: {text}");
        }
    };
    for case in expected["calls"].as_array().unwrap() {
        let answer = server.call(case["tool"].as_str().unwrap(), &case["arguments"]);
        assert_eq!(answer["isError"] == true, case["is_error"] == true, "{case}: {answer}");
        holds(&answer["content"], case);
    }
    for case in expected["resources"].as_array().unwrap() {
        holds(&server.ask("resources/read", &json!({ "uri": case["uri"] }))["contents"], case);
    }
}
