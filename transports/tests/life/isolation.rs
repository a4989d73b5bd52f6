//! Every client gets its own answers, however many ask under the same ids at once.

use std::collections::HashMap;

use impresario_transports::Serve as _;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::house::{House, house_with, result_text};
use crate::http::{Http, LegacySession, modern_bytes};
use crate::messages::{LEGACY, legacy, modern, text_of, tool};
use crate::pipe::Pipe;

const CLIENTS: usize = 64;
const CALLS: usize = 500;
/// Calls that one client has under way, where its transport lets it have several.
const AT_ONCE: usize = 50;

fn two_lanes() -> House {
    house_with(|_| (), |builder, _| builder.lanes(2))
}

fn payload(client: usize, call: usize) -> Value {
    json!({ "client": client, "call": call })
}

fn assert_own(answer: &Value, client: usize, call: usize) {
    assert_eq!(answer["id"], json!(call), "client {client}: {answer}");
    assert_eq!(text_of(answer), payload(client, call).to_string());
}

async fn joined(mut tasks: JoinSet<()>) {
    while let Some(done) = tasks.join_next().await {
        done.expect("each client gets its own answers");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn clients_of_http_get_their_own_answers_in_both_eras() {
    let house = two_lanes();
    let address = house.serve();
    let mut clients = JoinSet::new();
    for client in 0..CLIENTS {
        clients.spawn(async move {
            let mut http = Http::connect(address).await;
            let session =
                if client % 2 == 0 { Some(LegacySession::open(&mut http, LEGACY).await) } else { None };
            for call in 0..CALLS {
                let params = tool("echo", payload(client, call));
                let bytes = match &session {
                    Some(session) => session.bytes(address, &legacy(call, "tools/call", params)),
                    None => modern_bytes(address, &modern(call, "tools/call", params)),
                };
                http.send(&bytes).await;
                assert_own(&http.answer().await.json(), client, call);
            }
        });
    }
    joined(clients).await;
    assert_eq!(house.probe.begun.get(), CLIENTS * CALLS);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn clients_of_lines_get_their_own_answers_in_both_eras() {
    let house = two_lanes();
    let mut clients = JoinSet::new();
    for client in 0..CLIENTS {
        let runtime = house.runtime.clone();
        clients.spawn(async move {
            let is_legacy = client % 2 == 0;
            let mut pipe = if is_legacy { Pipe::open_legacy(&runtime).await } else { Pipe::open(&runtime) };
            for first in (0..CALLS).step_by(AT_ONCE) {
                for call in first..first + AT_ONCE {
                    let params = tool("echo", payload(client, call));
                    let asked = if is_legacy { legacy::<usize> } else { modern::<usize> };
                    pipe.send(&asked(call, "tools/call", params)).await;
                }
                let mut answers = HashMap::new();
                for _ in 0..AT_ONCE {
                    let answer = pipe.next().await.unwrap();
                    answers.insert(answer["id"].as_u64().unwrap() as usize, answer);
                }
                for call in first..first + AT_ONCE {
                    assert_own(&answers[&call], client, call);
                }
            }
        });
    }
    joined(clients).await;
    assert_eq!(house.probe.begun.get(), CLIENTS * CALLS);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn clients_in_this_process_get_their_own_answers() {
    let house = two_lanes();
    let mut clients = JoinSet::new();
    for client in 0..CLIENTS {
        let runtime = house.runtime.clone();
        clients.spawn(async move {
            // Every client of this kind counts its ids from 0 by itself.
            let connected = runtime.connect().await.unwrap();
            for first in (0..CALLS).step_by(AT_ONCE) {
                let calls = first..first + AT_ONCE;
                let start = |call| connected.start_tool("echo", payload(client, call)).unwrap();
                let running: Vec<_> = calls.clone().map(start).collect();
                for (call, running) in calls.zip(running) {
                    let result = running.result().await.unwrap();
                    assert_eq!(result_text(&result), payload(client, call).to_string());
                }
            }
        });
    }
    joined(clients).await;
    assert_eq!(house.probe.begun.get(), CLIENTS * CALLS);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_held_by_one_client_ends_under_its_own_id_alone() {
    let house = two_lanes();
    let (mut one, mut other) = (Pipe::open(&house.runtime), Pipe::open_legacy(&house.runtime).await);
    one.send(&modern(7, "tools/call", tool("hold", json!({})))).await;
    other.send(&legacy(7, "tools/call", tool("hold", json!({})))).await;
    house.probe.begun.reaches(2).await;
    // The same id within one client is refused, and the first goes on.
    let twice = one.modern(7, "echo", json!({})).await;
    assert_eq!(crate::messages::error_of(&twice).0, -32600);
    other.send(&crate::messages::notification("notifications/cancelled", json!({ "requestId": 7 }))).await;
    house.probe.gone.reaches(1).await;
    house.probe.release.add_permits(1);
    let answer = one.next().await.unwrap();
    assert_eq!((&answer["id"], text_of(&answer)), (&json!(7), "held"));
    assert_eq!(text_of(&other.legacy(7, "echo", json!({})).await), "{}");
    // A number and a text are two ids.
    one.send(&modern(1, "tools/call", tool("hold", json!({})))).await;
    one.send(&modern("1", "tools/call", tool("hold", json!({})))).await;
    house.calls_are(2).await;
    house.probe.release.add_permits(2);
    let ids = [one.next().await.unwrap()["id"].clone(), one.next().await.unwrap()["id"].clone()];
    assert!(ids.contains(&json!(1)) && ids.contains(&json!("1")), "{ids:?}");
}
