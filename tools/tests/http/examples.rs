//! The configs of `examples/`, against shapes as they were recorded: what works, what is empty, what fails.

use std::path::Path;
use std::time::Duration;

use impresario_engine::{CachePolicy, CacheSharing, Offer, Runtime};
use impresario_tools::http::{Http, Settings};
use impresario_tools::part::Opening;
use serde_json::{Value, json};

use crate::stage::{Asked, api, call, request, respond, respond_json};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

/// What an example offers when it is opened with these variables, with that policy for each tool.
async fn offer(file: &str, variables: &[(&str, &str)], policy: Option<CachePolicy>) -> Offer {
    let mut text = std::fs::read_to_string(root().join("examples").join(file)).unwrap();
    while let Some((start, end)) = text.find("${").map(|at| (at, at + text[at..].find('}').unwrap())) {
        let (name, default) = text[start + 2..end].split_once(":-").unwrap();
        let value =
            variables.iter().find(|(known, _)| *known == name).map_or(default, |(_, value)| value).to_owned();
        text.replace_range(start..=end, &value);
    }
    let file: Value = toml::from_str(&text).unwrap();
    let mut offer = Offer::default();
    for (name, section) in file["packs"]["http"].as_object().unwrap() {
        let settings: Settings = serde_json::from_value(section.clone()).unwrap();
        let opening = Opening { key: format!("packs.http.{name}"), directory: root().join("examples") };
        offer = offer.and(Http::open(&settings, &opening).await.unwrap().offer());
    }
    if let Some(policy) = policy {
        offer.tools = offer.tools.into_iter().map(|tool| tool.cache(policy.clone())).collect();
    }
    offer
}

fn started(offer: Offer) -> Runtime {
    Runtime::builder().offer(offer).lanes(1).start().unwrap()
}

/// A recorded shape, with the server's own address in its links.
fn shape(name: &str, request: &str) -> Value {
    let host = request.lines().find_map(|line| line.strip_prefix("host: ")).unwrap();
    let path = root().join("conformance/examples/weather").join(name).with_extension("json");
    let text = std::fs::read_to_string(path).unwrap().replace("{origin}", &format!("http://{host}"));
    serde_json::from_str(&text).unwrap()
}

/// Both services, and what they are asked. New York's alerts are answered once and then not any more.
fn weather() -> (String, Asked) {
    api(|n, request, stream| {
        let path = request.split(' ').nth(1).unwrap();
        let problem = |status: u16, title: &str| json!({ "title": title, "status": status, "detail": title });
        let fail = |stream: &mut _, status: u16, title: &str| {
            let media_type = "content-type: application/problem+json\r\n";
            respond(stream, &format!("{status} {title}"), media_type, &problem(status, title).to_string());
        };
        match path {
            "/v1/search?name=Sacramento&count=3&language=en&format=json"
            | "/v1/search?count=3&format=json&language=en&name=Sacramento" => {
                respond_json(stream, &shape("geocode", request));
            }
            path if path.starts_with("/v1/search?") => {
                respond_json(stream, &json!({ "generationtime_ms": 0.2 }))
            }
            "/points/38.5816,-121.4944" => respond_json(stream, &shape("points", request)),
            "/gridpoints/STO/41,68/forecast" => respond_json(stream, &shape("forecast", request)),
            "/alerts/active?area=TX" => respond_json(stream, &json!({ "features": [] })),
            "/alerts/active?area=NY" if n > 0 => fail(stream, 503, "Service Unavailable"),
            "/alerts/active?area=OR" => fail(stream, 503, "Service Unavailable"),
            path if path.starts_with("/alerts/") => respond_json(stream, &shape("alerts", request)),
            _ => fail(stream, 404, "Data Unavailable For Requested Point"),
        }
    })
}

async fn weather_runtime(address: &str, policy: Option<CachePolicy>) -> Runtime {
    let variables =
        [("GEOCODING_API", address), ("WEATHER_API", address), ("WEATHER_ALLOW_PRIVATE", "127.0.0.0/8")];
    started(offer("weather.toml", &variables, policy).await)
}

#[tokio::test]
async fn the_weather_is_told() {
    let (address, asked) = weather();
    let runtime = weather_runtime(&address, None).await;
    let says = |tool: &str, arguments: Value, expected: &[&str]| {
        let (text, is_error) = call(&runtime, tool, &arguments);
        assert!(!is_error && expected.iter().all(|part| text.contains(part)), "{tool}: {text}");
    };
    says("geocode", json!({ "place": "Sacramento" }), &["California", "38.58157", "-121.4944"]);
    says("geocode", json!({ "place": "Nowhere" }), &["no place is called Nowhere"]);
    let there = json!({ "latitude": 38.5816, "longitude": -121.4944 });
    says("get_forecast", there, &["Today: 63 °F, wind 5 to 10 mph NW. Sunny", "\nTonight: 44"]);
    says(
        "get_alerts",
        json!({ "state": "CA" }),
        &["Wind Advisory (Moderate)", "\n---\n", "What to do: unknown"],
    );
    says("get_alerts", json!({ "state": "TX" }), &["no active alerts in TX"]);
    assert!(
        asked
            .all()
            .iter()
            .filter(|request| !request.contains("/v1/"))
            .all(|r| r.contains("impresario-weather"))
    );

    let alerts = request(&runtime, "resources/read", json!({ "uri": "weather://alerts/CA" }));
    let text: Value = serde_json::from_str(alerts["contents"][0]["text"].as_str().unwrap()).unwrap();
    assert_eq!((&text[1]["event"], &text[1]["severity"]), (&json!("Winter Storm Warning"), &json!("Severe")));
    assert_eq!(alerts["ttlMs"], 60_000);
}

#[tokio::test]
async fn what_the_services_do_not_know_or_can_not_say_is_told_too() {
    let (address, asked) = weather();
    let runtime = weather_runtime(&address, None).await;
    for (tool, arguments, expected) in [
        ("get_forecast", json!({ "latitude": 0, "longitude": 0 }), "only places in the United States"),
        ("get_alerts", json!({ "state": "OR" }), "503 Service Unavailable"),
    ] {
        let (text, is_error) = call(&runtime, tool, &arguments);
        assert!(is_error && text.contains(expected), "{tool}: {text}");
    }
    let count = asked.all().len();
    for (tool, arguments) in [
        ("get_forecast", json!({ "latitude": 91, "longitude": 0 })),
        ("get_alerts", json!({ "state": "California" })),
        ("get_alerts", json!({ "state": "C&area=TX" })),
    ] {
        assert!(call(&runtime, tool, &arguments).1, "{tool} {arguments}");
    }
    assert_eq!(asked.all().len(), count, "mistakes are not sent");
}

fn public(ttl: Duration) -> CachePolicy {
    CachePolicy::ttl(ttl).sharing(CacheSharing::Public)
}

#[tokio::test]
async fn a_kept_answer_outlives_the_service() {
    let (address, asked) = weather();
    let runtime = weather_runtime(&address, Some(public(Duration::from_secs(600)))).await;
    for _ in 0..3 {
        let (text, is_error) = call(&runtime, "get_alerts", &json!({ "state": "NY" }));
        assert!(!is_error && text.contains("Wind Advisory"), "{text}");
    }
    assert_eq!(asked.all().len(), 1);
}

#[tokio::test]
async fn a_stale_answer_stands_in_for_a_service_that_fails() {
    let (address, asked) = weather();
    let policy = public(Duration::from_millis(1)).stale_if_error(Duration::from_secs(600));
    let runtime = weather_runtime(&address, Some(policy)).await;
    // Its time is over no later than when the service is asked again, and then it fails.
    while asked.all().len() < 2 {
        let (text, is_error) = call(&runtime, "get_alerts", &json!({ "state": "NY" }));
        assert!(!is_error && text.contains("Wind Advisory"), "{text}");
    }
    assert!(
        call(&runtime, "get_alerts", &json!({ "state": "OR" })).1,
        "nothing stands in for what never was"
    );
}

#[tokio::test]
async fn a_failure_is_kept_by_its_code() {
    let (address, asked) = weather();
    let policy = public(Duration::from_secs(600)).keep_errors(["not_found"], Duration::from_secs(600));
    let runtime = weather_runtime(&address, Some(policy)).await;
    for _ in 0..3 {
        assert!(call(&runtime, "get_forecast", &json!({ "latitude": 0, "longitude": 0 })).1);
    }
    assert_eq!(asked.all().len(), 1);
}

#[tokio::test]
async fn a_document_is_fetched_through_the_guard_and_without_our_secrets() {
    let document = json!({
        "openapi": "3.1.0",
        "servers": [{ "url": "/v2" }],
        "paths": { "/ping": { "get": { "operationId": "ping" } } },
    });
    let (address, asked) = api(move |_, _, stream| respond_json(stream, &document));
    let open = async |allowed: &str| {
        let settings = json!({
            "openapi": format!("{address}/openapi.json"),
            "auth": { "bearer": "hunter2-token" },
            "allow_private": allowed,
        });
        let settings: Settings = serde_json::from_value(settings).unwrap();
        let opening = Opening { key: "packs.http.api".into(), directory: root().into() };
        Http::open(&settings, &opening).await
    };
    let refused = open("").await.unwrap_err();
    assert!(refused.key == "openapi" && refused.message.contains("loopback"), "{refused}");
    assert!(asked.all().is_empty());
    let runtime = started(open("127.0.0.0/8").await.unwrap().offer());
    assert!(!call(&runtime, "ping", &json!({})).1);
    assert_eq!(asked.lines(), ["GET /openapi.json", "GET /v2/ping"]);
    let told: Vec<bool> = asked.all().iter().map(|request| request.contains("hunter2")).collect();
    assert_eq!(told, [false, true]);
}

#[tokio::test]
async fn the_pet_store_is_made_of_its_document() {
    let (address, asked) = api(|_, request, stream| match request.split(' ').nth(1).unwrap() {
        "/pet/findByStatus?status=sold" => respond_json(stream, &json!([{ "name": "Tom" }])),
        "/pet" => respond_json(stream, &json!({ "id": 3 })),
        _ => respond(
            stream,
            "404 Not Found",
            "content-type: application/json\r\n",
            r#"{"message":"Pet not found"}"#,
        ),
    });
    let variables = [("PETSTORE_API", address.as_str()), ("PETSTORE_ALLOW_PRIVATE", "127.0.0.0/8")];
    let runtime = started(offer("openapi.toml", &variables, None).await);
    let tools = request(&runtime, "tools/list", json!({}));
    let mut names: Vec<_> = tools["tools"].as_array().unwrap().iter().map(|tool| &tool["name"]).collect();
    names.sort_by_key(|name| name.to_string());
    assert_eq!(names, ["add_pet", "find_pets", "get_pet"]);
    assert!(call(&runtime, "find_pets", &json!({ "status": "sold" })).0.contains("Tom"));
    assert_eq!(
        call(&runtime, "add_pet", &json!({ "body": { "name": "Ada", "photoUrls": [] } })).0,
        r#"{"id":3}"#
    );
    assert!(asked.last().ends_with("\r\n\r\n{\"name\":\"Ada\",\"photoUrls\":[]}"), "{}", asked.last());
    let (text, is_error) = call(&runtime, "get_pet", &json!({ "petId": 9 }));
    assert!(is_error && text.contains("Pet not found"), "{text}");
}
