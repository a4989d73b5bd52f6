//! Over HTTP: both eras, streams, sessions, secrets, and what is wrong.

use std::path::Path;

use impresario::{NoArguments, ToolSpec};
use impresario_loadtest::traffic::recording::{Ending, Entry};
use serde_json::json;

use crate::scripted::{
    CANARY, Client, LEGACY, MODERN, Place, Recording, Server, answers, errors, read_until, replay, try_replay,
};

/// A client with a session: a stream of its own, calls that work and calls that don't.
async fn legacy_client(url: &str, server: &Server) -> String {
    let mut client = Client::new(url, LEGACY);
    client.begin().await;
    let mut stream = client.listen().await;
    assert!(client.call("echo", json!({ "message": "hello" })).await.contains("hello"));
    assert!(client.call("fail", json!({})).await.contains("isError"));
    assert!(client.call("nobody", json!({})).await.contains("error"));
    let params = json!({ "name": "steps", "arguments": {}, "_meta": { "progressToken": 1 } });
    assert!(client.ask("tools/call", params).await.contains("notifications/progress"));
    server.runtime.add_tool(ToolSpec::new("late", |_: NoArguments, _ctx| async { "late" })).unwrap();
    read_until(&mut stream, "list_changed").await;
    client.end().await;
    client.session().to_owned()
}

/// A client without: calls, one with progress, and a subscription that it leaves.
async fn modern_client(url: &str, server: &Server) {
    let mut client = Client::new(url, MODERN);
    assert!(client.ask("tools/list", json!({})).await.contains("steps"));
    assert!(client.call("echo", json!({ "message": "hello" })).await.contains("hello"));
    assert!(client.call("nobody", json!({})).await.contains("error"));
    let params = json!({ "name": "steps", "arguments": {}, "_meta": { "progressToken": 1 } });
    assert!(client.ask("tools/call", params).await.contains("notifications/progress"));
    let listen = json!({ "notifications": { "toolsListChanged": true } });
    let mut stream = client.stream("subscriptions/listen", listen).await;
    read_until(&mut stream, "acknowledged").await;
    server.runtime.add_tool(ToolSpec::new("late", |_: NoArguments, _ctx| async { "late" })).unwrap();
    read_until(&mut stream, "list_changed").await;
}

#[tokio::test]
async fn a_session_is_recorded_and_played_to_a_server_that_knows_nothing_of_it() {
    let (server, place) = (Server::start(), Place::new());
    let recording = Recording::start(&server.url, &place, &[]).await;
    let session = legacy_client(&recording.url, &server).await;
    let summary = recording.stop().await;
    assert_eq!(summary.lines, place.lines().len() as u64);
    assert_eq!(place.count(|entry| matches!(entry, Entry::Request { .. })), 8);
    assert!(!place.text().contains(&session), "ids of sessions are secrets");

    let another = Server::start();
    let result =
        replay(&place, &another.url, &["--speed", "max", "--connections-factor", "3", "--loops", "2"]).await;
    assert_eq!(errors(&result), []);
    assert_eq!(answers(&result, "tools/call echo"), 6);
    assert_eq!(answers(&result, "tools/call echo (recorded)"), 6);
    assert_eq!(answers(&result, "initialize"), 6);
    assert_eq!(answers(&result, "DELETE /mcp"), 6);
    assert!(result.series[0].latency.p50_us > 0.0 && result.series[1].latency.p50_us > 0.0);
    assert_eq!((result.load.shape.as_str(), result.target.revision.as_str()), ("replay", LEGACY));
}

#[tokio::test]
async fn modern_requests_are_recorded_and_played() {
    let (server, place) = (Server::start(), Place::new());
    let recording = Recording::start(&server.url, &place, &[]).await;
    modern_client(&recording.url, &server).await;
    recording.stop().await;
    let streamed = |entry: &Entry| matches!(entry, Entry::Message { body, .. } if String::from_utf8_lossy(&body.data).contains("notifications/progress"));
    assert_eq!(place.count(streamed), 3);

    let another = Server::start();
    for speed in ["max", "1x", "10x"] {
        let result = replay(&place, &another.url, &["--speed", speed, "--connections-factor", "2"]).await;
        assert_eq!(errors(&result), [], "{speed}");
        assert_eq!(answers(&result, "tools/call steps"), 2);
        assert_eq!(answers(&result, "tools/call nobody"), 2, "an error that was recorded is right");
        assert_eq!(answers(&result, "subscriptions/listen"), 0, "what was left is no answer");
    }
}

#[tokio::test]
async fn a_stream_that_the_client_left_is_written_as_such() {
    let (server, place) = (Server::start(), Place::new());
    let recording = Recording::start(&server.url, &place, &[]).await;
    let mut client = Client::new(&recording.url, MODERN);
    let listen = json!({ "notifications": { "toolsListChanged": true } });
    let mut stream = client.stream("subscriptions/listen", listen).await;
    read_until(&mut stream, "acknowledged").await;
    drop(stream);
    // The proxy sees that the client is gone when it next has something to tell it, or at once.
    let left = |place: &Place| place.text().contains("client-left");
    while !left(&place) {
        server.runtime.add_tool(ToolSpec::new("late", |_: NoArguments, _ctx| async { "late" })).unwrap();
        client.ask("tools/list", json!({})).await;
        server.runtime.remove_tool("late");
    }
    recording.stop().await;
    assert_eq!(place.count(|entry| matches!(entry, Entry::End { how: Ending::ClientLeft, .. })), 1);
}

#[tokio::test]
async fn no_secret_reaches_the_file_and_every_one_reaches_the_server() {
    let (server, place) = (Server::start(), Place::new());
    let recording = Recording::start(&format!("{}?key={CANARY}", server.url), &place, &[]).await;
    let mut client = Client::new(recording.url.split('?').next().unwrap(), LEGACY);
    client.begin().await;
    client.call("echo", json!({ "message": "kept" })).await;
    recording.stop().await;
    let text = place.text();
    assert!(!text.contains(CANARY) && !text.contains(client.session()), "{text}");
    assert!(
        text.contains("kept")
            && text.contains("\"authorization\":\"redacted\"")
            && text.contains("?key=redacted")
    );

    // The headers that were redacted are not sent again, but those that are given anew are.
    let watcher = Server::start();
    let played = Place::new();
    let watching = Recording::start(&watcher.url, &played, &[]).await;
    let result =
        replay(&place, &watching.url, &["--speed", "max", "--header", "x-auth-token: another"]).await;
    watching.stop().await;
    assert_eq!(errors(&result), []);
    assert!(!played.text().contains("authorization") && played.text().contains("x-auth-token"));
}

#[tokio::test]
async fn a_session_from_before_the_recording_is_opened_again() {
    let (server, place) = (Server::start(), Place::new());
    let mut client = Client::new(&server.url, LEGACY);
    client.begin().await;
    let recording = Recording::start(&server.url, &place, &[]).await;
    client.move_to(&recording.url);
    client.call("echo", json!({ "message": "hello" })).await;
    recording.stop().await;

    let another = Server::start();
    let result = replay(&place, &another.url, &["--speed", "max", "--connections-factor", "2"]).await;
    assert_eq!((errors(&result), answers(&result, "tools/call echo")), (vec![], 2));
}

#[tokio::test]
async fn answers_of_another_kind_are_errors() {
    let (server, place) = (Server::start(), Place::new());
    let recording = Recording::start(&server.url, &place, &[]).await;
    modern_client(&recording.url, &server).await;
    recording.stop().await;

    let poorer = Server::without_tools();
    let result = replay(&place, &poorer.url, &["--speed", "max"]).await;
    assert_eq!(errors(&result), [("another kind".to_owned(), 2)], "echo and steps are not there");
    assert!(result.series[0].errors["another kind"].example.contains("an error in place of a result"));
    assert_eq!(answers(&result, "tools/call nobody"), 1);

    let result = replay(&place, &format!("{}/elsewhere", poorer.url), &["--speed", "max"]).await;
    assert_eq!(errors(&result).iter().map(|(kind, _)| kind.as_str()).collect::<Vec<_>>(), ["another status"]);

    let gone = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let result = replay(&place, &format!("http://{gone}/mcp"), &["--speed", "max"]).await;
    assert_eq!((errors(&result), result.series[0].answers), (vec![("not connected".to_owned(), 5)], 0));
}

#[tokio::test]
async fn a_server_that_is_not_there_is_recorded_as_such() {
    let place = Place::new();
    let gone = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let recording = Recording::start(&format!("http://{gone}/mcp"), &place, &[]).await;
    let said = Client::new(&recording.url, MODERN).ask("tools/list", json!({})).await;
    recording.stop().await;
    assert!(said.contains("can't be reached"), "{said}");
    assert_eq!(place.count(|entry| matches!(entry, Entry::Response { status: 502, .. })), 1);
    assert_eq!(place.count(|entry| matches!(entry, Entry::End { how: Ending::ServerLeft, .. })), 1);
}

#[tokio::test]
async fn a_page_that_points_its_name_here_is_refused() {
    let (server, place) = (Server::start(), Place::new());
    let recording = Recording::start(&server.url, &place, &[]).await;
    let request = reqwest::Client::new().post(&recording.url).header("host", "evil.example").body("{}");
    assert_eq!(request.send().await.unwrap().status(), 403);
    recording.stop().await;
    assert_eq!(place.lines().len(), 0);
}

#[tokio::test]
async fn the_recordings_own_timing_is_kept() {
    let (server, place) = (Server::start(), Place::new());
    let recording = Recording::start(&server.url, &place, &[]).await;
    let mut client = Client::new(&recording.url, MODERN);
    client.call("echo", json!({ "message": "first" })).await;
    client.call("echo", json!({ "message": "second" })).await;
    recording.stop().await;
    // As if a third of a second had passed between the two.
    let later = |text: &str| {
        let mut lines: Vec<serde_json::Value> =
            text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let second = lines.iter().rposition(|line| line["what"] == "request").unwrap();
        lines[second..]
            .iter_mut()
            .for_each(|line| line["at_us"] = json!(line["at_us"].as_u64().unwrap() + 300_000));
        lines.iter().map(|line| format!("{line}\n")).collect::<String>()
    };
    std::fs::write(place.path(), later(&place.text())).unwrap();
    let own = replay(&place, &server.url, &[]).await;
    let twice = replay(&place, &server.url, &["--speed", "2x"]).await;
    assert!((own.measured_s >= 0.3, twice.measured_s >= 0.15) == (true, true), "{own:?} {twice:?}");
    assert_eq!((errors(&own), own.series[0].answers), (vec![], 2));
}

#[tokio::test]
async fn what_was_cut_is_not_played_unless_that_is_wanted() {
    let (server, place) = (Server::start(), Place::new());
    let recording = Recording::start(&server.url, &place, &["--body-bytes-max", "1KB"]).await;
    let mut client = Client::new(&recording.url, MODERN);
    let long = "long ".repeat(1000);
    assert!(client.call("echo", json!({ "message": long })).await.contains(&long), "the traffic is not cut");
    client.call("echo", json!({ "message": "short" })).await;
    recording.stop().await;
    let fault = try_replay(&place, &[&server.url], &[]).await.unwrap_err();
    assert!(fault.contains("line 2") && fault.contains("--body-bytes-max"), "{fault}");
    let result = replay(&place, &server.url, &["--partial"]).await;
    assert_eq!((errors(&result), answers(&result, "tools/call echo")), (vec![], 1));
}

#[tokio::test]
async fn what_can_not_be_played_says_why() {
    let (server, place) = (Server::start(), Place::new());
    let recording = Recording::start(&server.url, &place, &[]).await;
    Client::new(&recording.url, MODERN).call("echo", json!({ "message": "x" })).await;
    recording.stop().await;
    let whole = place.text();
    let cases = [
        (whole[..whole.len() - 5].to_owned(), "cut off"),
        (whole.replacen("\"what\":\"request\"", "\"what\":\"wish\"", 1), "line 2 is damaged"),
        (whole.replacen("\"recording\":1", "\"recording\":9", 1), "format 9"),
        (whole.replacen("\"transport\":\"http\"", "\"transport\":\"stdio\"", 1), "--command"),
        (
            whole.lines().next().unwrap().to_owned()
                + "\n{\"at_us\":0,\"connection\":0,\"what\":\"closed\",\"reason\":\"stopped\",\"lines\":0}\n",
            "nothing to play",
        ),
        (String::new(), "empty"),
    ];
    for (text, expected) in cases {
        std::fs::write(place.path(), text).unwrap();
        let fault = try_replay(&place, &[&server.url], &[]).await.unwrap_err();
        assert!(fault.contains(expected) && fault.contains(place.path().to_str().unwrap()), "{fault}");
    }
    std::fs::write(place.path(), &whole[..whole.len() - 5]).unwrap();
    assert_eq!(replay(&place, &server.url, &["--partial"]).await.series[0].answers, 1);
    assert!(Path::new(place.path()).exists());
}
