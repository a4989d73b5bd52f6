//! What lists and completions hold, and how large a tool's schema may be.

use impresario_engine::{
    BuildError, PromptArgument, PromptSpec, ResourceContents, ResourceSpec, Runtime, StartError,
    TemplateSpec, ToolSpec,
};
use impresario_protocol::Limits;
use serde_json::{Value, json};

use crate::house::{any, house_with};
use crate::http::{Http, LegacySession};
use crate::messages::{LEGACY, legacy, modern};
use crate::pipe::Pipe;

fn started(change: impl FnOnce(&mut Limits), schema: Value) -> Result<Runtime, BuildError> {
    let mut limits = Limits::default();
    change(&mut limits);
    let tool = ToolSpec::from_context("culprit", schema, |_ctx| async { "ran" });
    match Runtime::builder().lanes(1).limits(limits).tool(tool).start() {
        Ok(runtime) => Ok(runtime),
        Err(StartError::Build(error)) => Err(error),
        Err(other) => panic!("{other}"),
    }
}

fn assert_too_large(built: Result<Runtime, BuildError>, limit: &str) {
    let text = built.expect_err("it is beyond its limit").to_string();
    assert!(text.contains("`culprit`") && text.contains(limit), "{text}");
}

/// A schema of so many levels: the first is the schema itself.
fn nested(levels: usize) -> Value {
    (1..levels).fold(any(), |inner, _| json!({ "type": "object", "properties": { "x": inner } }))
}

#[test]
fn schema_depth_max_is_how_deep_a_schema_is() {
    const MAX: usize = 5;
    let limited = |limits: &mut Limits| limits.schema_depth_max = MAX as u64;
    assert!(started(limited, nested(MAX - 1)).is_ok());
    assert!(started(limited, nested(MAX)).is_ok());
    assert_too_large(started(limited, nested(MAX + 1)), "schema_depth_max");
}

#[test]
fn schema_nodes_max_is_how_many_subschemas_there_are() {
    const MAX: usize = 10;
    let limited = |limits: &mut Limits| limits.schema_nodes_max = MAX as u64;
    // The schema itself is one of them.
    let wide = |nodes: usize| {
        let properties = (1..nodes).map(|node| (format!("p{node}"), json!({ "type": "string" })));
        json!({ "type": "object", "properties": properties.collect::<serde_json::Map<_, _>>() })
    };
    assert!(started(limited, wide(MAX - 1)).is_ok());
    assert!(started(limited, wide(MAX)).is_ok());
    assert_too_large(started(limited, wide(MAX + 1)), "schema_nodes_max");
}

/// The names on each page of a list.
async fn pages(pipe: &mut Pipe, method: &str, member: &str) -> Vec<Vec<String>> {
    let mut pages = Vec::new();
    let mut params = json!({});
    loop {
        let answer = pipe.ask(&legacy(pages.len(), method, params)).await;
        let items = answer["result"][member].as_array().unwrap_or_else(|| panic!("{answer}"));
        pages.push(items.iter().map(|item| item["name"].as_str().unwrap().to_owned()).collect());
        match answer["result"].get("nextCursor") {
            Some(cursor) => params = json!({ "cursor": cursor }),
            None => return pages,
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn page_items_max_is_how_many_items_a_page_has() {
    const MAX: usize = 3;
    for (count, lengths) in [(MAX - 1, vec![2]), (MAX, vec![3]), (MAX + 1, vec![3, 1]), (2 * MAX, vec![3, 3])]
    {
        let limits = Limits { page_items_max: MAX as u64, ..Limits::default() };
        let mut builder = Runtime::builder().lanes(1).limits(limits);
        for number in 0..count {
            let name = format!("n{number}");
            builder = builder
                .tool(ToolSpec::from_context(&name, any(), |_ctx| async { "ran" }))
                .resource(ResourceSpec::fixed(&name, ResourceContents::text(format!("a:{number}"), "text")))
                .resource(TemplateSpec::new(format!("t{number}:{{x}}"), &name, |_, _| async { "text" }))
                .prompt(PromptSpec::new(&name, |_, _| async { "text" }));
        }
        let runtime = builder.start().unwrap();
        let mut pipe = Pipe::open_legacy(&runtime).await;
        for (method, member) in [
            ("tools/list", "tools"),
            ("resources/list", "resources"),
            ("resources/templates/list", "resourceTemplates"),
            ("prompts/list", "prompts"),
        ] {
            let pages = pages(&mut pipe, method, member).await;
            assert_eq!(pages.iter().map(Vec::len).collect::<Vec<_>>(), lengths, "{method} of {count}");
            let all: Vec<_> = pages.concat();
            assert_eq!(all, (0..count).map(|number| format!("n{number}")).collect::<Vec<_>>());
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn completion_values_max_is_how_many_values_are_suggested() {
    const MAX: usize = 3;
    let prompt = PromptSpec::new("p", |_, _| async { "text" })
        .argument(PromptArgument { name: "count".into(), ..PromptArgument::default() })
        .complete("count", |request| {
            (0..request.value.parse().unwrap()).map(|number: usize| number.to_string()).collect()
        });
    let house =
        house_with(|limits| limits.completion_values_max = MAX as u64, |builder, _| builder.prompt(prompt));
    let mut http = Http::connect(house.serve()).await;
    let session = LegacySession::open(&mut http, LEGACY).await;
    for count in [MAX - 1, MAX, MAX + 1] {
        let argument = json!({ "name": "count", "value": count.to_string() });
        let params = json!({ "ref": { "type": "ref/prompt", "name": "p" }, "argument": argument });
        let old = session.post(&mut http, &legacy(1, "completion/complete", params.clone())).await.json();
        let new = http.modern(&modern(1, "completion/complete", params)).await.json();
        for answer in [old, new] {
            let completion = &answer["result"]["completion"];
            assert_eq!(completion["values"].as_array().map(Vec::len), Some(count.min(MAX)), "{answer}");
            assert_eq!(completion["total"], json!(count));
            assert_eq!(completion["hasMore"], json!(count > MAX));
        }
    }
}
