//! Calls that outlive their request: the same tools over every wire and in both revisions that have tasks.

use std::sync::Arc;
use std::time::Duration;

use impresario_engine::{Context, TaskSupport, ToolError, ToolSpec};
use impresario_protocol::client::{InputRequest, RequestedSchema, StringSchema};
use serde_json::{Value, json};

use crate::house::{self, House, Probe, any, house_with, result_text};
use crate::http::{Http, LegacySession, modern_bytes};
use crate::messages::{
    LEGACY, MODERN, error_of, initialize, legacy, modern, notification, text_of, tool, with_progress,
};
use crate::pipe::Pipe;
use crate::wait::{until, within};

mod lasting;

const EXTENSION: &str = "io.modelcontextprotocol/tasks";
const RELATED: &str = "io.modelcontextprotocol/related-task";

/// A client that knows tasks.
enum Wire {
    Pipe(Pipe, &'static str),
    Http(Http, Option<LegacySession>),
}

impl Wire {
    /// One over each transport in each revision that has tasks.
    async fn all(house: &House) -> Vec<Self> {
        let mut hello = initialize("hello", LEGACY);
        hello["params"]["capabilities"] = json!({ "elicitation": {} });
        let mut pipe = Pipe::open(&house.runtime);
        pipe.ask(&hello).await;
        pipe.send(&notification("notifications/initialized", json!({}))).await;
        let mut http = Http::connect(house.serve()).await;
        let answer = http.post(&hello, &[]).await;
        let id = answer.head.header("mcp-session-id").unwrap().to_owned();
        let session = LegacySession { id, revision: LEGACY.to_owned() };
        vec![
            Self::Pipe(pipe, LEGACY),
            Self::Http(http, Some(session)),
            Self::Pipe(Pipe::open(&house.runtime), MODERN),
            Self::Http(Http::connect(house.serve()).await, None),
        ]
    }

    fn is_modern(&self) -> bool {
        matches!(self, Self::Pipe(_, MODERN) | Self::Http(_, None))
    }

    fn request(&self, method: &str, mut params: Value) -> Value {
        if self.is_modern() {
            let knows = json!({ "extensions": { EXTENSION: {} }, "elicitation": {} });
            params["_meta"] = json!({ "io.modelcontextprotocol/clientCapabilities": knows });
            return modern("q", method, params);
        }
        legacy("q", method, params)
    }

    /// Asks, and gives the answer; what comes before it is answered by `on_message` where it is a question.
    async fn ask_with(
        &mut self,
        method: &str,
        params: Value,
        mut on_message: impl FnMut(&Value) -> Option<Value>,
    ) -> Value {
        let request = self.request(method, params);
        match self {
            Self::Pipe(pipe, _) => {
                pipe.send(&request).await;
                loop {
                    let message = pipe.next().await.unwrap();
                    if message.get("method").is_none() && message["id"] == json!("q") {
                        return message;
                    }
                    if let Some(reply) = on_message(&message) {
                        pipe.send(&reply).await;
                    }
                }
            }
            Self::Http(http, None) => http.modern(&request).await.message(),
            Self::Http(http, Some(session)) => {
                http.send(&session.bytes(http.address(), &request)).await;
                let head = http.head().await;
                if !head.is_stream() {
                    return serde_json::from_str(&http.body(&head).await).unwrap();
                }
                let mut side = Http::connect(http.address()).await;
                while let Some(message) = http.event().await {
                    if message.get("method").is_none() {
                        while http.event().await.is_some() {}
                        return message;
                    }
                    if let Some(reply) = on_message(&message) {
                        assert_eq!(session.post(&mut side, &reply).await.head.status, 202);
                    }
                }
                panic!("the stream ended without an answer");
            }
        }
    }

    async fn ask(&mut self, method: &str, params: Value) -> Value {
        self.ask_with(method, params, |_| None).await
    }

    /// Calls a tool as a task, and gives the task.
    async fn start(&mut self, name: &str, arguments: Value) -> Value {
        let mut params = tool(name, arguments);
        if !self.is_modern() {
            params["task"] = json!({ "ttl": 60_000 });
        }
        let answer = self.ask("tools/call", params).await;
        let (task, ttl) = if self.is_modern() {
            assert_eq!(answer["result"]["resultType"], json!("task"), "{answer}");
            (answer["result"].clone(), "ttlMs")
        } else {
            (answer["result"]["task"].clone(), "ttl")
        };
        assert!(task["taskId"].as_str().is_some_and(|id| id.len() >= 22), "{answer}");
        assert_eq!(task["status"], json!("working"), "{answer}");
        assert!(task[ttl].is_u64(), "{answer}");
        task
    }

    async fn get(&mut self, id: &Value) -> Value {
        self.ask("tasks/get", json!({ "taskId": id })).await["result"].take()
    }

    /// Looks until the task has that status.
    async fn reaches(&mut self, id: &Value, status: &str) -> Value {
        let looking = async {
            loop {
                let task = self.get(id).await;
                if task["status"] == json!(status) {
                    return task;
                }
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        within(&format!("the task is {status}"), looking).await
    }

    /// What the call would have been answered with.
    async fn outcome(&mut self, id: &Value) -> Value {
        if self.is_modern() {
            return self.reaches(id, "completed").await["result"].take();
        }
        let answer = self.ask("tasks/result", json!({ "taskId": id })).await;
        assert_eq!(answer["result"]["_meta"][RELATED]["taskId"], *id, "{answer}");
        answer["result"].clone()
    }
}

async fn asks(ctx: Context) -> Result<String, ToolError> {
    let form = || RequestedSchema::new().require("name", StringSchema::default());
    let questions =
        ["first", "second"].map(|key| (key, InputRequest::form(format!("the {key} name"), form())));
    let answers = ctx.ask_all(questions).await?;
    Ok(serde_json::to_value(&answers).unwrap().to_string())
}

/// Says how far it is before each release.
fn steps(probe: &Arc<Probe>) -> ToolSpec {
    let probe = Arc::clone(probe);
    ToolSpec::from_context("steps", any(), move |ctx: Context| {
        let probe = Arc::clone(&probe);
        async move {
            for step in 1..=2 {
                ctx.progress(f64::from(step), Some(2.0), Some("on the way"));
                probe.release.acquire().await.expect("it is never closed").forget();
            }
            "there"
        }
    })
}

fn open() -> House {
    house_with(
        |_| (),
        |builder, probe| {
            let task = |tool: ToolSpec, support| tool.task(support);
            builder
                .tool(task(house::hold("slow", probe), TaskSupport::Optional))
                .tool(task(house::hold("only_as_task", probe), TaskSupport::Always))
                .tool(task(steps(probe), TaskSupport::Optional))
                .tool(task(ToolSpec::from_context("asks", any(), asks), TaskSupport::Optional))
                .tool(task(
                    ToolSpec::from_context("breaks", any(), |_| async {
                        Err::<(), _>(ToolError::from("broken"))
                    }),
                    TaskSupport::Optional,
                ))
        },
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_becomes_a_task_and_its_outcome_is_what_the_call_would_have_had() {
    let house = open();
    for mut wire in Wire::all(&house).await {
        let task = wire.start("slow", json!({})).await;
        let id = &task["taskId"];
        assert_eq!(wire.get(id).await["status"], json!("working"));
        house.probe.release.add_permits(1);
        let result = wire.outcome(id).await;
        assert_eq!(result["content"][0]["text"], json!("held"), "{result}");
        let view = wire.reaches(id, "completed").await;
        assert_eq!(view.get("result").is_some(), wire.is_modern(), "{view}");
        let failed = wire.start("breaks", json!({})).await;
        let status = if wire.is_modern() { "completed" } else { "failed" };
        wire.reaches(&failed["taskId"], status).await;
        if !wire.is_modern() {
            assert_eq!(wire.outcome(&failed["taskId"]).await["isError"], json!(true));
        }
        let unknown = wire.ask("tasks/get", json!({ "taskId": "none" })).await;
        assert_eq!(error_of(&unknown).0, -32602);
        assert_eq!(house.calls(), 0);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_task_is_cancelled_once_and_stays_so() {
    let house = open();
    for (count, mut wire) in Wire::all(&house).await.into_iter().enumerate() {
        let id = wire.start("slow", json!({})).await["taskId"].take();
        house.probe.begun.reaches(count + 1).await;
        let cancelled = wire.ask("tasks/cancel", json!({ "taskId": id })).await;
        assert_eq!(cancelled["result"].get("status").is_some(), !wire.is_modern(), "{cancelled}");
        assert_eq!(wire.get(&id).await["status"], json!("cancelled"));
        house.probe.gone.reaches(count + 1).await;
        let again = wire.ask("tasks/cancel", json!({ "taskId": id })).await;
        if wire.is_modern() {
            assert_eq!(again["result"]["resultType"], json!("complete"));
        } else {
            assert_eq!(error_of(&again).0, -32602);
            let outcome = wire.ask("tasks/result", json!({ "taskId": id })).await;
            assert!(error_of(&outcome).1.contains("cancelled"), "{outcome}");
        }
    }
    assert_eq!(house.probe.done.get(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_task_asks_is_answered_in_the_words_of_each_revision() {
    let house = open();
    for mut wire in Wire::all(&house).await {
        let id = wire.start("asks", json!({})).await["taskId"].take();
        let waits = wire.reaches(&id, "input_required").await;
        let result = if wire.is_modern() {
            assert_eq!(waits["inputRequests"].as_object().unwrap().len(), 2, "{waits}");
            let mut update = async |answers: Value| {
                wire.ask("tasks/update", json!({ "taskId": id, "inputResponses": answers })).await
            };
            let answer = |name: Value| json!({ "action": "accept", "content": { "name": name } });
            let bad = update(json!({ "first": answer(json!(7)) })).await;
            assert_eq!(error_of(&bad).0, -32602, "{bad}");
            let part = update(json!({ "first": answer(json!("Ada")), "unknown": { "x": 1 } })).await;
            assert_eq!(part["result"]["resultType"], json!("complete"), "{part}");
            let again = update(json!({ "first": answer(json!("Eve")) })).await;
            assert_eq!(again["result"]["resultType"], json!("complete"), "{again}");
            let waits = wire.get(&id).await;
            let open: Vec<_> = waits["inputRequests"].as_object().unwrap().keys().cloned().collect();
            assert_eq!(open, ["second"], "{waits}");
            wire.ask(
                "tasks/update",
                json!({ "taskId": id, "inputResponses": { "second": answer(json!("Bob")) } }),
            )
            .await;
            wire.outcome(&id).await
        } else {
            assert!(waits.get("inputRequests").is_none(), "{waits}");
            let mut asked = 0;
            let reply = |message: &Value| {
                (message["method"] == json!("elicitation/create")).then(|| {
                    assert_eq!(message["params"]["_meta"][RELATED]["taskId"], id, "{message}");
                    asked += 1;
                    let name =
                        if message["params"]["message"] == json!("the first name") { "Ada" } else { "Bob" };
                    let result = json!({ "action": "accept", "content": { "name": name } });
                    json!({ "jsonrpc": "2.0", "id": message["id"], "result": result })
                })
            };
            let answer = wire.ask_with("tasks/result", json!({ "taskId": id }), reply).await;
            assert_eq!(asked, 2);
            answer["result"].clone()
        };
        let said = result["content"][0]["text"].as_str().unwrap();
        let (ada, bob) = (said.find("Ada"), said.find("Bob"));
        assert!(ada.is_some() && ada < bob && !said.contains("Eve"), "{said}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_knows_no_tasks_gets_a_plain_call_or_is_told_why_not() {
    let house = open();
    house.probe.release.add_permits(100);
    let mut pipe = Pipe::open(&house.runtime);
    assert_eq!(text_of(&pipe.modern(1, "slow", json!({})).await), "held");
    let refused = pipe.modern(2, "only_as_task", json!({})).await;
    assert_eq!(error_of(&refused).0, -32021);
    let required = &refused["error"]["data"]["requiredCapabilities"]["extensions"][EXTENSION];
    assert_eq!(*required, json!({}));
    for method in ["tasks/get", "tasks/update", "tasks/cancel"] {
        let params = json!({ "taskId": "any", "inputResponses": {} });
        assert_eq!(error_of(&pipe.ask(&modern(3, method, params)).await).0, -32021, "{method}");
    }
    let listen = json!({ "notifications": { "taskIds": ["any"] } });
    assert_eq!(error_of(&pipe.ask(&modern(4, "subscriptions/listen", listen)).await).0, -32021);
    for method in ["tasks/result", "tasks/list"] {
        assert_eq!(error_of(&pipe.ask(&modern(5, method, json!({}))).await).0, -32601, "{method}");
    }

    let mut pipe = Pipe::open_legacy(&house.runtime).await;
    assert_eq!(text_of(&pipe.legacy(1, "slow", json!({})).await), "held");
    assert_eq!(error_of(&pipe.legacy(2, "only_as_task", json!({})).await).0, -32601);
    let mut never = tool("echo", json!({}));
    never["task"] = json!({});
    assert_eq!(error_of(&pipe.ask(&legacy(3, "tools/call", never)).await).0, -32601);
    let mut bad = tool("slow", json!({}));
    bad["task"] = json!({ "ttl": "long" });
    assert_eq!(error_of(&pipe.ask(&legacy(4, "tools/call", bad)).await).0, -32602);
    assert_eq!(error_of(&pipe.ask(&legacy(5, "tasks/update", json!({ "taskId": "x" }))).await).0, -32601);

    let mut older = Pipe::open_as(&house.runtime, "2025-06-18").await;
    let mut ignored = tool("slow", json!({}));
    ignored["task"] = json!({ "ttl": 1 });
    assert_eq!(text_of(&older.ask(&legacy(1, "tools/call", ignored)).await), "held");
    assert_eq!(error_of(&older.ask(&legacy(2, "tasks/list", json!({}))).await).0, -32601);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tasks_are_declared_and_listed_where_there_are_any() {
    let house = open();
    let mut pipe = Pipe::open(&house.runtime);
    let discovered = pipe.ask(&modern(1, "server/discover", json!({}))).await;
    assert_eq!(discovered["result"]["capabilities"]["extensions"][EXTENSION], json!({}));
    assert!(discovered["result"]["capabilities"].get("tasks").is_none());
    let initialized = Pipe::open(&house.runtime).ask(&initialize(1, LEGACY)).await;
    let declared = json!({ "list": {}, "cancel": {}, "requests": { "tools": { "call": {} } } });
    assert_eq!(initialized["result"]["capabilities"]["tasks"], declared);
    let plain = house::house(|_| ());
    let bare = Pipe::open(&plain.runtime).ask(&initialize(1, LEGACY)).await;
    assert!(bare["result"]["capabilities"].get("tasks").is_none(), "{bare}");
    let unknown = Pipe::open_legacy(&plain.runtime).await.ask(&legacy(1, "tasks/list", json!({}))).await;
    assert_eq!(error_of(&unknown).0, -32601);

    let mut wires = Wire::all(&house).await;
    let Some(mut other) = wires.drain(..2).next_back() else { panic!("there are legacy wires") };
    let mut mine = wires_of(&house).await;
    let first = mine.start("slow", json!({})).await["taskId"].take();
    let second = mine.start("slow", json!({})).await["taskId"].take();
    let listed = mine.ask("tasks/list", json!({})).await;
    let mut ids: Vec<_> =
        listed["result"]["tasks"].as_array().unwrap().iter().map(|task| &task["taskId"]).collect();
    ids.sort_by_key(|id| id.as_str());
    let mut expected = [&first, &second];
    expected.sort_by_key(|id| id.as_str());
    assert_eq!(ids, expected);
    assert_eq!(other.ask("tasks/list", json!({})).await["result"]["tasks"], json!([]));
    assert_eq!(error_of(&mine.ask("tasks/list", json!({ "cursor": "x" })).await).0, -32602);
    let tools = mine.ask("tools/list", json!({})).await;
    let support = |name: &str| {
        let tools = tools["result"]["tools"].as_array().unwrap();
        tools.iter().find(|tool| tool["name"] == json!(name)).unwrap()["execution"]["taskSupport"].clone()
    };
    let supports = ["echo", "slow", "only_as_task"].map(support);
    assert_eq!(supports, [json!(null), json!("optional"), json!("required")]);
    house.probe.release.add_permits(2);
}

async fn wires_of(house: &House) -> Wire {
    let mut wires = Wire::all(house).await;
    wires.swap_remove(0)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_listener_hears_how_its_tasks_are_and_no_others() {
    let house = open();
    let mut wire = Wire::Pipe(Pipe::open(&house.runtime), MODERN);
    let id = wire.start("slow", json!({})).await["taskId"].take();
    let request =
        wire.request("subscriptions/listen", json!({ "notifications": { "taskIds": [id, "unknown"] } }));
    let mut http = Http::connect(house.serve()).await;
    http.send(&modern_bytes(http.address(), &request)).await;
    assert!(http.head().await.is_stream());
    let acknowledged = http.event().await.unwrap();
    assert_eq!(acknowledged["params"]["notifications"], json!({ "taskIds": [id] }));
    let first = http.event().await.unwrap();
    assert_eq!(
        (&first["method"], &first["params"]["status"]),
        (&json!("notifications/tasks"), &json!("working"))
    );
    let other = wire.start("slow", json!({})).await["taskId"].take();
    wire.ask("tasks/cancel", json!({ "taskId": other })).await;
    house.probe.release.add_permits(1);
    let last = http.event().await.unwrap();
    assert_eq!(last["params"]["taskId"], id, "{last}");
    assert_eq!(last["params"]["result"]["content"][0]["text"], json!("held"), "{last}");
    assert_eq!(last["params"]["_meta"]["io.modelcontextprotocol/subscriptionId"], json!("q"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_task_runs_past_its_client_and_the_drain_waits_for_it() {
    let house = open();
    let mut wire = Wire::Http(Http::connect(house.serve()).await, None);
    let id = wire.start("slow", json!({})).await["taskId"].take();
    drop(wire);
    house.probe.begun.reaches(1).await;
    let mut other = Wire::Http(Http::connect(house.serve()).await, None);
    assert_eq!(other.get(&id).await["status"], json!("working"), "its client left, and it goes on");
    drop(other);
    let runtime = house.runtime.clone();
    let mut closing = tokio::task::JoinSet::new();
    closing.spawn(async move { runtime.shutdown().await });
    until("the house closes", || !house.runtime.is_ready()).await;
    assert_eq!(house.runtime.shared().tasks.running(), 1);
    house.probe.release.add_permits(1);
    within("the house is closed", closing.join_next()).await.unwrap().unwrap();
    assert_eq!((house.probe.done.get(), house.runtime.shared().tasks.running()), (1, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn progress_of_a_task_goes_to_whoever_waits_under_the_token_of_its_call() {
    let house = open();
    for mut wire in Wire::all(&house).await.into_iter().filter(|wire| !wire.is_modern()) {
        let mut params = with_progress(tool("steps", json!({})), "mine");
        params["task"] = json!({});
        let made = wire.ask("tools/call", params).await;
        let id = made["result"]["task"]["taskId"].clone();
        let mut progress = Vec::new();
        let release = &house.probe.release;
        let hear = |message: &Value| {
            if message["method"] == json!("notifications/progress") {
                assert_eq!(message["params"]["progressToken"], json!("mine"), "{message}");
                assert_eq!(message["params"]["_meta"][RELATED]["taskId"], id, "{message}");
                assert_eq!(message["params"]["message"], json!("on the way"), "{message}");
                progress.push(message["params"]["progress"].clone());
                release.add_permits(1);
            } else {
                assert_eq!(message["method"], json!("notifications/tasks/status"), "{message}");
                assert!(message["params"].get("_meta").is_none(), "{message}");
            }
            None
        };
        let outcome = wire.ask_with("tasks/result", json!({ "taskId": id }), hear).await;
        assert_eq!(text_of(&outcome), "there");
        assert_eq!(progress, [json!(1), json!(2)]);

        // Another session does not know the token, and is told the state alone.
        let made = wire.ask("tools/call", {
            let mut params = with_progress(tool("steps", json!({})), "mine");
            params["task"] = json!({});
            params
        });
        let id = made.await["result"]["task"]["taskId"].clone();
        release.add_permits(2);
        let mut other = wires_of(&house).await;
        let silent = |message: &Value| {
            assert_ne!(message["method"], json!("notifications/progress"), "{message}");
            None
        };
        other.ask_with("tasks/result", json!({ "taskId": id }), silent).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_in_this_process_waits_for_its_calls_whatever_their_tools_say() {
    let house = house_with(
        |limits| limits.call_timeout_ms = 10,
        |builder, probe| {
            let probe = Arc::clone(probe);
            let long = ToolSpec::from_context("long", any(), move |ctx: Context| {
                let probe = Arc::clone(&probe);
                async move {
                    ctx.progress(1.0, None, None);
                    // The work of this tool takes longer than a plain call may.
                    tokio::time::sleep(Duration::from_millis(50)).await;
                    probe.done.add();
                    "done"
                }
            });
            let bounded = ToolSpec::from_context("bounded", any(), |ctx: Context| async move {
                ctx.cancelled().await;
            });
            let bounded = bounded.timeout(Duration::from_millis(20)).task(TaskSupport::Always);
            let asks = ToolSpec::from_context("asks", any(), asks).task(TaskSupport::Always);
            builder.tool(long.task(TaskSupport::Always)).tool(bounded).tool(asks)
        },
    );
    let client = impresario_transports::in_process::connect(&house.runtime).await.unwrap();
    let mut running = client.start_tool("long", json!({})).unwrap();
    let progress = running.next_notification().await.expect("progress comes first");
    assert!(matches!(progress, impresario_protocol::Notification::Progress { .. }), "{progress:?}");
    assert_eq!(result_text(&running.result().await.unwrap()), "done");
    assert!(client.call_tool("bounded", json!({})).await.unwrap().is_error, "its own timeout holds");
    assert!(house.runtime.shared().tasks.is_empty());

    let capabilities = json!({ "elicitation": {}, "extensions": { EXTENSION: {} } });
    let capabilities = serde_json::from_value(capabilities).unwrap();
    let answering = client.answering(&capabilities, |key, _| async move {
        serde_json::from_value(json!({ "action": "accept", "content": { "name": key } })).unwrap()
    });
    let asked = answering.call_tool("asks", json!({})).await.unwrap();
    assert!(result_text(&asked).contains("second"), "{asked:?}");
    assert_eq!(result_text(&answering.call_tool("long", json!({})).await.unwrap()), "done");
}
