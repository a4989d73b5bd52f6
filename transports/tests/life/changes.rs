//! What is added, removed and updated while the house runs, and who hears of it.

use std::time::Duration;

use impresario_engine::hub::{Change, Subscriber};
use impresario_engine::{PromptSpec, ResourceContents, ResourceSpec, TemplateSpec, ToolSpec};
use impresario_protocol::{ListKind, ListenFilter, Notification};
use impresario_transports::Serve as _;
use serde_json::{Value, json};

use crate::house::{House, any, house_with};
use crate::http::{Http, LegacySession, modern_bytes};
use crate::messages::{LEGACY, error_of, legacy, modern, text_of, tool};
use crate::pipe::Pipe;
use crate::wait::within;

const ACKNOWLEDGED: &str = "notifications/subscriptions/acknowledged";
const SUBSCRIPTION: &str = "io.modelcontextprotocol/subscriptionId";

fn open() -> House {
    open_on(2)
}

fn open_on(lanes: usize) -> House {
    let fixed = |uri: &str| ResourceSpec::fixed(uri, ResourceContents::text(uri, "text"));
    house_with(|_| (), |builder, _| builder.lanes(lanes).resource(fixed("a:1")).resource(fixed("a:2")))
}

fn extra() -> ToolSpec {
    ToolSpec::from_context("extra", any(), |_ctx| async { "extra" })
}

fn listen(notifications: &Value) -> Value {
    modern("l", "subscriptions/listen", json!({ "notifications": notifications }))
}

/// A listener over HTTP, acknowledged.
async fn http_listener(house: &House, notifications: Value) -> Http {
    let mut http = Http::connect(house.serve()).await;
    http.send(&modern_bytes(http.address(), &listen(&notifications))).await;
    let head = http.head().await;
    assert!(head.is_stream(), "{head:?}");
    let acknowledged = http.event().await.unwrap();
    assert_eq!(acknowledged["method"], json!(ACKNOWLEDGED));
    assert_eq!(acknowledged["params"]["notifications"], notifications);
    http
}

async fn pipe_listener(house: &House, notifications: Value) -> Pipe {
    let mut pipe = Pipe::open(&house.runtime);
    assert_eq!(pipe.ask(&listen(&notifications)).await["method"], json!(ACKNOWLEDGED));
    pipe
}

async fn get_stream(house: &House) -> (LegacySession, Http) {
    let mut http = Http::connect(house.serve()).await;
    let session = LegacySession::open(&mut http, LEGACY).await;
    assert_eq!(session.stream(&mut http).await.status, 200);
    (session, http)
}

async fn next_kind(listener: &Subscriber) -> ListKind {
    match within("a change", listener.next_change()).await {
        Change::Notification(Notification::ListChanged(kind)) => kind,
        other => panic!("{other:?}"),
    }
}

/// Makes a change of each kind, in the order in which they are told.
fn change_all(house: &House) {
    house.runtime.add_tool(extra()).unwrap();
    house.runtime.add_prompt(PromptSpec::new("extra", |_, _| async { "filled" })).unwrap();
    house
        .runtime
        .add_resource(ResourceSpec::fixed("extra", ResourceContents::text("extra:1", "text")))
        .unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_asked_hears_of_each_list_and_nobody_else() {
    const TOOLS: &str = "notifications/tools/list_changed";
    const PROMPTS: &str = "notifications/prompts/list_changed";
    const RESOURCES: &str = "notifications/resources/list_changed";
    let house = open();
    let (_session, mut get) = get_stream(&house).await;
    let mut legacy_lines = Pipe::open_legacy(&house.runtime).await;
    let mut http =
        http_listener(&house, json!({ "toolsListChanged": true, "resourcesListChanged": true })).await;
    let mut lines = pipe_listener(&house, json!({ "promptsListChanged": true })).await;
    let mut idle = Pipe::open(&house.runtime);
    let client = house.runtime.connect().await.unwrap();
    let listener = client.listen(ListenFilter { resources: true, ..ListenFilter::default() });

    change_all(&house);
    for expected in [TOOLS, PROMPTS, RESOURCES] {
        assert_eq!(get.event().await.unwrap()["method"], json!(expected));
        assert_eq!(legacy_lines.next().await.unwrap()["method"], json!(expected));
    }
    for expected in [TOOLS, RESOURCES] {
        let told = http.event().await.unwrap();
        assert_eq!(told["method"], json!(expected));
        assert_eq!(told["params"]["_meta"][SUBSCRIPTION], json!("l"));
    }
    let told = lines.next().await.unwrap();
    assert_eq!((&told["method"], &told["params"]["_meta"][SUBSCRIPTION]), (&json!(PROMPTS), &json!("l")));
    assert_eq!(next_kind(&listener).await, ListKind::Resources);
    // Who did not ask hears its own answers alone, and so do the others from here on.
    assert_eq!(idle.modern(1, "echo", json!({})).await["id"], json!(1));
    assert_eq!(lines.modern(1, "echo", json!({})).await["id"], json!(1));
    assert_eq!(legacy_lines.legacy(1, "echo", json!({})).await["id"], json!(1));
    // Removals are told too.
    assert!(house.runtime.remove_tool("extra") && !house.runtime.remove_tool("extra"));
    assert!(house.runtime.remove_prompt("extra") && !house.runtime.remove_prompt("extra"));
    assert!(house.runtime.remove_resource("extra:1") && !house.runtime.remove_resource("extra:1"));
    for expected in [TOOLS, PROMPTS, RESOURCES] {
        assert_eq!(get.event().await.unwrap()["method"], json!(expected));
    }
    assert_eq!(http.event().await.unwrap()["method"], json!(TOOLS));
    assert_eq!(lines.next().await.unwrap()["method"], json!(PROMPTS));
    assert_eq!(next_kind(&listener).await, ListKind::Resources);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_changes_are_told_as_one_to_a_reader_that_was_busy() {
    let house = open_on(1);
    let client = house.runtime.connect().await.unwrap();
    let listener =
        client.listen(ListenFilter { tools: true, uris: vec!["a:1".into()], ..ListenFilter::default() });
    let mut lines = Pipe::open_legacy(&house.runtime).await;
    assert!(
        lines.ask(&legacy(1, "resources/subscribe", json!({ "uri": "a:1" }))).await.get("result").is_some()
    );
    // The lane is kept busy, so that nothing is told before all has changed.
    let jam = client.start_tool("jam", json!({})).unwrap();
    house.probe.begun.reaches(1).await;
    for _ in 0..1_000 {
        house.runtime.list_changed(ListKind::Tools);
        house.runtime.resource_updated("a:1");
        house.runtime.resource_updated("a:2");
    }
    house.probe.open();
    assert_eq!(next_kind(&listener).await, ListKind::Tools);
    assert!(matches!(
        within("an update", listener.next_change()).await,
        Change::Notification(Notification::ResourceUpdated { uri }) if uri == "a:1"
    ));
    assert_eq!(lines.next().await.unwrap()["method"], json!("notifications/tools/list_changed"));
    let updated = lines.next().await.unwrap();
    assert_eq!(
        (&updated["method"], &updated["params"]["uri"]),
        (&json!("notifications/resources/updated"), &json!("a:1"))
    );
    let answer = lines.legacy(2, "echo", json!({})).await;
    assert_eq!(answer["id"], json!(2), "nothing else was told: {answer}");
    assert!(!jam.result().await.unwrap().is_error);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_updated_resource_is_told_to_those_who_subscribed_to_it() {
    let house = open();
    let (session, mut get) = get_stream(&house).await;
    let mut other = Http::connect(get.address()).await;
    let subscribe = legacy(1, "resources/subscribe", json!({ "uri": "a:1" }));
    assert_eq!(session.post(&mut other, &subscribe).await.head.status, 200);
    let mut http = http_listener(&house, json!({ "resourceSubscriptions": ["a:2"] })).await;
    let mut lines = pipe_listener(&house, json!({ "resourceSubscriptions": ["a:1", "a:2"] })).await;
    house.runtime.resource_updated("a:1");
    assert_eq!(get.event().await.unwrap()["params"]["uri"], json!("a:1"));
    assert_eq!(lines.next().await.unwrap()["params"]["uri"], json!("a:1"));
    house.runtime.resource_updated("a:2");
    assert_eq!(lines.next().await.unwrap()["params"]["uri"], json!("a:2"));
    let told = http.event().await.unwrap();
    assert_eq!(told["method"], json!("notifications/resources/updated"));
    assert_eq!(told["params"]["uri"], json!("a:2"), "it did not ask for the other");
    let unsubscribe = legacy(2, "resources/unsubscribe", json!({ "uri": "a:1" }));
    assert_eq!(session.post(&mut other, &unsubscribe).await.head.status, 200);
    house.runtime.resource_updated("a:1");
    house.runtime.list_changed(ListKind::Prompts);
    assert_eq!(get.event().await.unwrap()["method"], json!("notifications/prompts/list_changed"));
    let unknown = legacy(3, "resources/subscribe", json!({ "uri": "a:none" }));
    assert_eq!(error_of(&session.post(&mut other, &unknown).await.json()).0, -32002);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_added_can_be_used_at_once_and_what_is_removed_is_gone() {
    let house = open();
    let mut lines = Pipe::open_legacy(&house.runtime).await;
    let mut http = Http::connect(house.serve()).await;
    let session = LegacySession::open(&mut http, LEGACY).await;
    let template = TemplateSpec::new("extra:{x}/y", "extra", |variables, _| {
        let text = variables.get("x").unwrap_or_default().to_owned();
        async move { text }
    });
    change_all(&house);
    house.runtime.add_resource(template).unwrap();
    let asked = |id: u32| {
        [
            legacy(id, "tools/call", tool("extra", json!({}))),
            legacy(id, "prompts/get", json!({ "name": "extra" })),
            legacy(id, "resources/read", json!({ "uri": "extra:1" })),
            legacy(id, "resources/read", json!({ "uri": "extra:two/y" })),
        ]
    };
    let listed = |answer: &Value, member: &str| answer["result"][member].to_string().contains("\"extra\"");
    let lists = [
        ("tools/list", "tools"),
        ("prompts/list", "prompts"),
        ("resources/list", "resources"),
        ("resources/templates/list", "resourceTemplates"),
    ];
    for request in asked(1) {
        assert!(session.post(&mut http, &request).await.json().get("result").is_some(), "{request}");
    }
    for (method, member) in lists {
        assert!(
            listed(&session.post(&mut http, &legacy(2, method, json!({}))).await.json(), member),
            "{method}"
        );
    }
    assert!(house.runtime.add_tool(extra()).unwrap_err().to_string().contains("`extra`"));
    assert!(house.runtime.remove_tool("extra") && house.runtime.remove_prompt("extra"));
    assert!(house.runtime.remove_resource("extra:1") && house.runtime.remove_resource("extra:{x}/y"));
    for request in asked(3) {
        assert!(session.post(&mut http, &request).await.json().get("error").is_some(), "{request}");
    }
    for (method, member) in lists {
        assert!(
            !listed(&session.post(&mut http, &legacy(4, method, json!({}))).await.json(), member),
            "{method}"
        );
    }
    // The conversation was told of the changes before it asks.
    while lines.next().await.unwrap()["method"] != json!("notifications/resources/list_changed") {}
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn running_calls_of_a_removed_tool_go_on_to_their_end() {
    let house = open();
    let mut lines = Pipe::open(&house.runtime);
    lines.send(&modern(1, "tools/call", tool("hold", json!({})))).await;
    house.probe.begun.reaches(1).await;
    assert!(house.runtime.remove_tool("hold"));
    assert_eq!(error_of(&lines.modern(2, "hold", json!({})).await).0, -32602);
    let another = ToolSpec::from_context("hold", any(), |_ctx| async { "another one" });
    house.runtime.add_tool(another).unwrap();
    assert_eq!(text_of(&lines.modern(3, "hold", json!({})).await), "another one");
    house.probe.release.add_permits(1);
    let answer = lines.next().await.unwrap();
    assert_eq!((&answer["id"], text_of(&answer)), (&json!(1), "held"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn changes_while_calls_run_disturb_none_of_them() {
    let house = open();
    let runtime = house.runtime.clone();
    let changing = std::thread::spawn(move || {
        for _ in 0..200 {
            runtime.add_tool(extra()).unwrap();
            assert!(runtime.remove_tool("extra"));
        }
    });
    let mut http = Http::connect(house.serve()).await;
    let begun = std::time::Instant::now();
    let mut calls = 0;
    while !changing.is_finished() || calls < 50 {
        assert_eq!(
            text_of(&http.modern(&modern(1, "tools/call", tool("echo", json!({})))).await.json()),
            "{}"
        );
        let listed = http.modern(&modern(2, "tools/list", json!({}))).await.json();
        assert!(listed["result"]["tools"].as_array().unwrap().len() >= 10);
        calls += 1;
        assert!(begun.elapsed() < Duration::from_secs(30));
    }
    changing.join().unwrap();
}
