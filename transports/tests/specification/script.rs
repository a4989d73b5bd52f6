//! One session from its first word to the last, made to provoke every kind of message that a server sends.

use impresario_engine::Runtime;
use impresario_protocol::Revision;
use serde_json::{Value, json};

use super::client::{Client, Request, Wire};
use super::house;

/// Holds the whole session. At its end the house is closed.
pub(crate) async fn hold(client: &mut Client, runtime: &Runtime) {
    open(client).await;
    lists(client).await;
    tools(client).await;
    resources(client).await;
    prompts(client).await;
    refusals(client).await;
    unreadable(client).await;
    if client.is_modern() {
        metadata(client).await;
    } else {
        session(client, runtime).await;
    }
    if client.revision() == Revision::V2025_03_26 {
        batch(client).await;
    }
    if client.revision() >= Revision::V2025_11_25 {
        tasks(client).await;
    }
    overload(client).await;
    closing(client, runtime).await;
}

async fn open(client: &mut Client) {
    if client.is_modern() {
        client.ask("server/discover", json!({})).await;
        return;
    }
    client.ask("tools/list", json!({})).await;
    let capabilities = json!({ "roots": { "listChanged": true } });
    let params = json!({
        "protocolVersion": client.revision().as_str(),
        "capabilities": capabilities,
        "clientInfo": { "name": "judge", "version": "1" },
    });
    client.ask("initialize", json!({})).await;
    let answer = client.ask("initialize", params).await;
    let negotiated = answer["result"]["protocolVersion"] == client.revision().as_str();
    client.expect(negotiated, "the revision that was asked for", &answer);
    client.say("notifications/initialized", json!({})).await;
    client.open_stream().await;
}

async fn lists(client: &mut Client) {
    for method in ["tools/list", "resources/list", "resources/templates/list", "prompts/list"] {
        let mut answer = client.ask(method, json!({})).await;
        let mut pages = 1;
        while let Some(cursor) = answer["result"].get("nextCursor").cloned() {
            answer = client.ask(method, json!({ "cursor": cursor })).await;
            pages += 1;
        }
        client.expect(pages > 1, "several pages", &answer);
        client.ask(method, json!({ "cursor": "bm90IG91cnM" })).await;
        client.ask(method, json!({ "cursor": 7 })).await;
    }
}

async fn tools(client: &mut Client) {
    for name in ["reading", "everything", "several", "one", "unsaid", "nothing", "thinks", "tells"] {
        let answer = call(client, name).await;
        client.expect(is_success(&answer), "a success", &answer);
    }
    for name in ["fails", "takes_too_long"] {
        let answer = call(client, name).await;
        client.expect(is_failure(&answer), "a failed call", &answer);
    }
    for name in ["breaks_its_word", "panics", "refuses"] {
        let answer = call(client, name).await;
        client.expect(answer["error"].is_object(), "an error", &answer);
    }
    call(client, "wants_a_model").await;
    let answer = client.ask("tools/call", json!({ "name": "picky", "arguments": { "tenant": "a" } })).await;
    client.expect(is_success(&answer), "a success", &answer);
    let answer = client.ask("tools/call", json!({ "name": "picky", "arguments": {} })).await;
    client.expect(is_failure(&answer), "a failed call", &answer);
}

async fn call(client: &mut Client, name: &str) -> Value {
    client.ask("tools/call", json!({ "name": name, "arguments": {} })).await
}

fn is_success(answer: &Value) -> bool {
    answer["result"].is_object() && !is_failure(answer)
}

/// Whether a tool ran and failed, which is a result.
fn is_failure(answer: &Value) -> bool {
    answer["result"]["isError"] == true
}

async fn resources(client: &mut Client) {
    for uri in [house::WATCHED, "notes://blob", "notes://several", "notes://red/1"] {
        let answer = client.ask("resources/read", json!({ "uri": uri })).await;
        client.expect(answer["result"].is_object(), "a result", &answer);
    }
    for uri in ["notes://broken", "nowhere://", "no uri"] {
        let answer = client.ask("resources/read", json!({ "uri": uri })).await;
        client.expect(answer["error"].is_object(), "an error", &answer);
    }
}

async fn prompts(client: &mut Client) {
    client.ask("prompts/get", json!({ "name": "rich", "arguments": { "tone": "calm" } })).await;
    client.ask("prompts/get", json!({ "name": "plain" })).await;
    for refused in ["rich", "broken", "missing"] {
        let answer = client.ask("prompts/get", json!({ "name": refused })).await;
        client.expect(answer["error"].is_object(), "an error", &answer);
    }
    let template = json!({ "type": "ref/resource", "uri": "notes://{shelf}/{note}" });
    let prompt = json!({ "type": "ref/prompt", "name": "rich" });
    for (reference, argument) in
        [(&template, "shelf"), (&template, "note"), (&prompt, "tone"), (&prompt, "missing")]
    {
        let params = json!({ "ref": reference, "argument": { "name": argument, "value": "r" } });
        client.ask("completion/complete", params).await;
    }
}

/// Requests that are well-formed and refused.
async fn refusals(client: &mut Client) {
    client.ask("no/such/method", json!({})).await;
    client.ask("tools/call", json!({ "name": "missing" })).await;
    client.ask("tools/call", json!({ "arguments": {} })).await;
    client.ask("tools/call", json!({ "name": "nothing", "arguments": [] })).await;
    let mut request = client.request("tools/call", json!({ "name": "nothing" }));
    request.body["params"] = json!([1]);
    client.send(request).await;
}

/// What is no request at all.
async fn unreadable(client: &mut Client) {
    let unreadable = [
        "{\"jsonrpc\":",
        "[",
        "42",
        "{\"jsonrpc\":\"1.0\",\"id\":1,\"method\":\"ping\"}",
        "{\"jsonrpc\":\"2.0\",\"id\":null,\"method\":\"ping\"}",
        "{\"jsonrpc\":\"2.0\",\"id\":[],\"method\":\"ping\"}",
        "{\"jsonrpc\":\"2.0\",\"method\":\"tools/list\"}",
    ];
    for text in unreadable {
        let answer = client.send_text(text).await;
        client.expect(answer["error"].is_object(), "an error", &answer);
    }
}

/// Requests whose own description of themselves is wrong.
async fn metadata(client: &mut Client) {
    let mut unknown = client.request("tools/list", json!({}));
    unknown.body["params"]["_meta"]["io.modelcontextprotocol/protocolVersion"] = json!("1900-01-01");
    unknown.headers[0].1 = "1900-01-01".into();
    let answer = client.send(unknown).await;
    client.expect(answer["error"]["code"] == -32022, "code -32022", &answer);

    let mut silent = client.request("server/discover", json!({}));
    silent.body["params"] = json!({});
    client.send(silent).await;
    for (member, value) in
        [("clientCapabilities", json!([])), ("clientInfo", json!("me")), ("logLevel", json!("loud"))]
    {
        let mut odd = client.request("server/discover", json!({}));
        odd.body["params"]["_meta"][format!("io.modelcontextprotocol/{member}")] = value;
        let answer = client.send(odd).await;
        client.expect(answer["error"]["code"] == -32602, "code -32602", &answer);
    }
    if matches!(client.wire, Wire::Http(_)) {
        let mut crossed = client.request("tools/call", json!({ "name": "nothing" }));
        crossed.headers.retain(|(name, _)| *name != "Mcp-Name");
        let answer = client.send(crossed).await;
        client.expect(answer["error"]["code"] == -32020, "code -32020", &answer);
    }
}

/// What only a session has: levels, subscriptions, changes that it is told of unasked.
async fn session(client: &mut Client, runtime: &Runtime) {
    client.ask("ping", json!({})).await;
    client.ask("logging/setLevel", json!({ "level": "error" })).await;
    call(client, "tells").await;
    client.ask("logging/setLevel", json!({ "level": "loud" })).await;
    client.ask("resources/subscribe", json!({ "uri": house::WATCHED })).await;
    client.ask("resources/subscribe", json!({ "uri": "nowhere://" })).await;
    changes(runtime);
    for _ in 0..4 {
        client.next_unasked().await;
    }
    client.ask("resources/unsubscribe", json!({ "uri": house::WATCHED })).await;
    if let Wire::Http(http) = &mut client.wire {
        let session = http.pretend(Some("not-a-session"));
        client.ask("ping", json!({})).await;
        if let Wire::Http(http) = &mut client.wire {
            http.resume(session);
        }
    }
}

/// One change of each kind.
fn changes(runtime: &Runtime) {
    runtime.add_tool(house::passing_tool()).unwrap();
    runtime.add_resource(house::passing_resource()).unwrap();
    runtime.add_prompt(house::passing_prompt()).unwrap();
    runtime.resource_updated(house::WATCHED);
}

/// Several messages in one, in the revision that has that.
async fn batch(client: &mut Client) {
    client.will_ask(&json!(9001), "ping");
    client.will_ask(&json!("9002"), "tools/call");
    let batch = json!([
        { "jsonrpc": "2.0", "id": 9001, "method": "ping" },
        { "jsonrpc": "2.0", "method": "notifications/initialized" },
        { "jsonrpc": "2.0", "id": "9002", "method": "tools/call", "params": { "name": "everything" } },
        { "jsonrpc": "2.0", "id": 9003, "method": "no/such/method" },
        7,
    ]);
    let answers = client.send_text(&batch.to_string()).await;
    client.expect(answers.as_array().map(Vec::len) == Some(4), "four answers", &answers);
}

/// Calls that become tasks, and everything that is asked about those.
async fn tasks(client: &mut Client) {
    let (done, waits) = (start(client, "lasting").await, start(client, "ticks").await);
    for _ in 0..2 {
        start(client, "lasting").await;
    }
    for id in [&done, &waits, &json!("unknown")] {
        about_task(client, "tasks/get", json!({ "taskId": id })).await;
    }
    while about_task(client, "tasks/get", json!({ "taskId": done })).await["result"]["status"] != "completed"
    {
    }
    if client.is_modern() {
        extended_tasks(client, &done, &waits).await;
    } else {
        let page = client.ask("tasks/list", json!({})).await;
        let cursor = page["result"]["nextCursor"].clone();
        client.expect(cursor.is_string(), "several pages", &page);
        client.ask("tasks/list", json!({ "cursor": cursor })).await;
        let outcome = client.ask("tasks/result", json!({ "taskId": done })).await;
        client.expect(is_success(&outcome), "a success", &outcome);
        let request = client.request("tasks/result", json!({ "taskId": waits }));
        let key = client.start(request).await;
        // It is told how the task is, and how far.
        let mut told = Vec::new();
        while !(told.contains(&json!("notifications/progress"))
            && told.contains(&json!("notifications/tasks/status")))
        {
            told.push(client.next_about(&key).await["method"].clone());
        }
    }
    for _ in 0..2 {
        about_task(client, "tasks/cancel", json!({ "taskId": waits })).await;
    }
    about_task(client, "tasks/get", json!({ "taskId": waits })).await;
}

/// What only the extension has: questions that stand in the task, and listening for it.
async fn extended_tasks(client: &mut Client, done: &Value, waits: &Value) {
    let asks = start(client, "wonders").await;
    let mut view = json!({});
    while view["result"]["status"] != "input_required" {
        view = about_task(client, "tasks/get", json!({ "taskId": asks })).await;
    }
    let watched = json!({ "notifications": { "taskIds": [done, waits, asks] } });
    let request = knowing(client, "subscriptions/listen", watched);
    let key = client.start(request).await;
    // That it listens, and then how each of the three is.
    for _ in 0..4 {
        client.next_about(&key).await;
    }
    client.cancel(&key).await;
    let answer = json!({ "name": { "action": "accept", "content": { "name": "Ada" } } });
    let update = json!({ "taskId": asks, "inputResponses": answer });
    about_task(client, "tasks/update", update).await;
    while about_task(client, "tasks/get", json!({ "taskId": asks })).await["result"]["status"] != "completed"
    {
    }
    let fails = start(client, "lasting_refusal").await;
    while about_task(client, "tasks/get", json!({ "taskId": fails })).await["result"]["status"] != "failed" {}
}

/// Calls a tool as a task. Gives the task's id.
async fn start(client: &mut Client, name: &str) -> Value {
    let mut request = knowing(client, "tools/call", json!({ "name": name, "arguments": {} }));
    if !client.is_modern() {
        request.body["params"]["task"] = json!({ "ttl": 60_000 });
    }
    let answer = client.send(request).await;
    let task = if client.is_modern() { &answer["result"] } else { &answer["result"]["task"] };
    client.expect(task["taskId"].is_string(), "a task", &answer);
    task["taskId"].clone()
}

async fn about_task(client: &mut Client, method: &str, params: Value) -> Value {
    let request = knowing(client, method, params);
    client.send(request).await
}

/// A request of a client that knows tasks and answers questions.
fn knowing(client: &mut Client, method: &str, params: Value) -> Request {
    let mut request = client.request(method, params);
    if client.is_modern() {
        let knows = json!({ "extensions": { "io.modelcontextprotocol/tasks": {} }, "elicitation": {} });
        request.body["params"]["_meta"]["io.modelcontextprotocol/clientCapabilities"] = knows;
    }
    request
}

/// More calls than there is room for.
async fn overload(client: &mut Client) {
    let mut waiting = Vec::new();
    for _ in 0..house::NARROW {
        let request = client.request("tools/call", json!({ "name": "waits" }));
        waiting.push(client.start(request).await);
    }
    let answer = call(client, "passes").await;
    client.expect(answer["error"]["code"] == 42900, "code 42900", &answer);
    for key in waiting {
        client.cancel(&key).await;
    }
    // A call that was taken back leaves its place a moment later.
    while call(client, "passes").await["error"]["code"] == 42900 {}
}

/// The last words: subscriptions end with a result, calls with an answer or an error.
async fn closing(client: &mut Client, runtime: &Runtime) {
    let listening = if client.is_modern() { Some(listen(client, runtime).await) } else { None };
    let request = client.request("tools/call", json!({ "name": "waits" }));
    let waiting = client.start(request).await;
    // From its first sign of life on it is a call that the closing house has to wait for.
    client.next_about(&waiting).await;
    let late = async {
        if matches!(client.wire, Wire::Http(_)) {
            let answer = call(client, "nothing").await;
            client.expect(answer["error"]["code"] == 50300, "code 50300", &answer);
        }
        if let Some(listening) = listening {
            let end = client.next_about(&listening).await;
            client.expect(end["result"].is_object(), "a result", &end);
        }
        let end = client.next_about(&waiting).await;
        client.expect(end["error"].is_object(), "an error", &end);
    };
    tokio::join!(runtime.shutdown(), late);
}

/// A request that stays open and is told of changes.
async fn listen(client: &mut Client, runtime: &Runtime) -> String {
    let wanted = json!({
        "toolsListChanged": true,
        "promptsListChanged": true,
        "resourcesListChanged": true,
        "resourceSubscriptions": [house::WATCHED],
    });
    client.ask("subscriptions/listen", json!({ "notifications": 7 })).await;
    let request = client.request("subscriptions/listen", json!({ "notifications": wanted }));
    let key = client.start(request).await;
    client.next_about(&key).await;
    changes(runtime);
    for _ in 0..4 {
        client.next_about(&key).await;
    }
    key
}
