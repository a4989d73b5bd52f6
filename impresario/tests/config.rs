//! Config files as a person or a script meets them: the real binary, its files, its admin socket.
#![allow(clippy::unwrap_used, reason = "a test that can't go on panics")]

#[path = "command/running.rs"]
#[allow(dead_code, reason = "shared with the tests of the command")]
mod running;

use std::io::{BufReader, Read as _, Write as _};
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use rustix::process::Signal;
use serde_json::{Value, json};
use tempfile::TempDir;

use running::{Server, await_line, impresario, printed_json, text, url_announced};

/// A folder with a config file in it.
struct Folder(TempDir);

impl Folder {
    fn with(text: &str) -> Self {
        let folder = Self(tempfile::tempdir().unwrap());
        folder.write("a.toml", text);
        folder
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), text).unwrap();
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = impresario(arguments);
        command.env("IMPRESARIO_CONFIG", self.path("a.toml"));
        command
    }

    fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    fn serve(&self) -> Server {
        start(self.command(&["serve", "--http", "127.0.0.1:0"]))
    }

    /// What the server answers at its admin socket: the status and the body.
    fn ask(&self, request: &str) -> (u16, Value) {
        ask(&self.path("admin.sock"), request)
    }
}

fn start(mut command: Command) -> Server {
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut stderr = BufReader::new(child.stderr.take().unwrap());
    let url = url_announced(&mut stderr);
    Server { child, stderr, url }
}

fn ask(socket: &Path, request: &str) -> (u16, Value) {
    let mut stream = UnixStream::connect(socket).unwrap();
    let (line, body) = request.split_once('\n').unwrap_or((request, ""));
    let length = body.len();
    write!(
        stream,
        "{line} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{body}"
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let status = answer[9..12].parse().unwrap();
    let body = answer.split_once("\r\n\r\n").unwrap().1;
    (status, serde_json::from_str(body).unwrap_or(Value::Null))
}

fn tools(url: &str) -> Vec<String> {
    let listed = printed_json(&running::run(&["list", url, "--json"]));
    let names = listed["tools"].as_array().unwrap().iter();
    names.map(|tool| tool["name"].as_str().unwrap().to_owned()).collect()
}

const SERVER: &str = "[server]\nadmin = 'unix:admin.sock'\nname = 'mine'\n";

fn with(packs: &str) -> String {
    format!("{SERVER}{packs}")
}

#[test]
fn a_file_is_served_and_flags_and_variables_win_over_it() {
    let folder = Folder::with(&with("http = '127.0.0.1:1'\n[packs.calc]\n[tools.add]\ntitle = 'Sum'\n"));
    let mut command = folder.command(&["serve", "--http", "127.0.0.1:0"]);
    command
        .env("IMPRESARIO_SERVER__TITLE", "From the environment")
        .env("IMPRESARIO_TOOLS__ADD__TITLE", "Plus");
    let server = start(command);
    let seen = printed_json(&running::run(&["inspect", &server.url, "--json"]));
    let told = seen.to_string();
    for expected in ["\"mine\"", "From the environment", "\"Plus\""] {
        assert!(told.contains(expected), "{expected}: {told}");
    }
    assert!(
        !tools(&server.url).contains(&"echo".to_owned()),
        "packs that the file does not name are not offered"
    );
}

#[test]
fn the_running_server_follows_its_file_and_refuses_a_bad_one() {
    let folder = Folder::with(&with("[packs.calc]\n"));
    let mut server = folder.serve();
    assert_eq!(tools(&server.url).len(), 5);
    // As editors do: another file in its place.
    folder.write("next", &with("[packs.calc]\n[packs.lab]\n"));
    std::fs::rename(folder.path("next"), folder.path("a.toml")).unwrap();
    await_line(&mut server.stderr, "reloaded");
    assert!(tools(&server.url).contains(&"echo".to_owned()));
    folder.write("a.toml", &with("[packs.clac]\n"));
    await_line(&mut server.stderr, "packs.clac: unknown pack `clac`; did you mean `calc`?");
    assert!(tools(&server.url).contains(&"echo".to_owned()), "a bad file changes nothing");
    let (status, told) = folder.ask("GET /status");
    assert_eq!((status, &told["last_reload"]["outcome"]), (200, &json!("refused")));
    folder.write("a.toml", &(with("lanes = 1\n") + "[packs.calc]\n"));
    await_line(&mut server.stderr, "these keys need a restart");
    assert_eq!(tools(&server.url).len(), 5);
    assert_eq!(folder.ask("GET /status").1["needs_restart"], json!(["server.lanes"]));
    server.signal(Signal::HUP);
    await_line(&mut server.stderr, "SIGHUP");
    server.signal(Signal::TERM);
    assert_eq!(server.ended().0, Some(0));
}

#[test]
fn a_directory_that_kubernetes_mounts_is_followed() {
    let folder = Folder(tempfile::tempdir().unwrap());
    let mounted = |version: &str, text: &str, token: &str| {
        let directory = folder.path(version);
        std::fs::create_dir(&directory).unwrap();
        std::fs::write(directory.join("server.toml"), text).unwrap();
        std::fs::write(directory.join("token"), token).unwrap();
        symlink(version, folder.path("..data_tmp")).unwrap();
        // In one step, as the kubelet does.
        std::fs::rename(folder.path("..data_tmp"), folder.path("..data")).unwrap();
    };
    let text = |packs: &str| format!("[server]\nname = '${{file:token}}'\n{packs}");
    mounted("..one", &text("[packs.calc]\n"), "first");
    for name in ["server.toml", "token"] {
        symlink(Path::new("..data").join(name), folder.path(name)).unwrap();
    }
    let config = folder.path("");
    let mut server =
        start(impresario(&["serve", "--http", "127.0.0.1:0", "--config", config.to_str().unwrap()]));
    assert_eq!(tools(&server.url).len(), 5);
    mounted("..two", &text("[packs.lab]\n"), "first");
    await_line(&mut server.stderr, "parts +1 ~0 -1");
    assert!(!tools(&server.url).contains(&"add".to_owned()));
    // What a text was made of counts too.
    mounted("..three", &text("[packs.lab]\n"), "second");
    await_line(&mut server.stderr, "keys=server.name");
}

#[test]
fn the_admin_socket_is_its_owners_and_answers_what_it_knows() {
    let folder = Folder::with(&with("[packs.calc]\n[tools.add]\ndescription = '${WHAT}'\n"));
    let mut command = folder.command(&["serve", "--http", "127.0.0.1:0"]);
    command.env("WHAT", "canary-4711");
    let server = start(command);
    let mode = std::fs::metadata(folder.path("admin.sock")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let (status, config) = folder.ask("GET /config");
    assert_eq!((status, &config["tools"]["add"]["description"]), (200, &json!("${WHAT}")));
    let rows = [
        ("GET /nowhere", 404, "GET /status"),
        ("POST /status", 405, "send GET"),
        ("POST /plan\n{\"files\": 7}", 400, "files"),
        (
            "POST /plan\n{\"files\": [{\"path\": \"x.toml\", \"text\": \"[packs.x]\"}]}",
            422,
            "unknown pack `x`",
        ),
        ("POST /plan", 200, "\"added\":[]"),
        ("POST /reload", 200, "\"needs_restart\":[]"),
        ("GET /cache", 200, "bytes"),
        ("DELETE /cache", 200, "cleared"),
    ];
    for (request, expected, part) in rows {
        let (status, answer) = folder.ask(request);
        assert_eq!(status, expected, "{request}: {answer}");
        assert!(answer.to_string().contains(part), "{request}: {answer}");
    }
    let large = format!("POST /plan\n{}", "x".repeat(5 << 20));
    let refused = std::panic::catch_unwind(|| folder.ask(&large).0);
    assert!(refused.is_err() || refused.is_ok_and(|status| status == 413), "a large body is not read");
    drop(server);
}

#[test]
fn a_plan_says_what_would_change_by_its_words_and_by_its_exit_code() {
    let folder = Folder::with(&with("[packs.calc]\n"));
    let server = folder.serve();
    assert_eq!(text(&folder.run(&["plan"])), ("nothing would change\n".into(), String::new(), Some(0)));
    let next = with("[packs.lab]\n[limits]\nin_flight_max = 9\n[tools.echo]\nenabled = false\n");
    folder.write("b.toml", &next);
    let other = folder.path("b.toml");
    let (stdout, stderr, code) = text(&folder.run(&["plan", "--config", other.to_str().unwrap()]));
    assert_eq!((stderr.as_str(), code), ("", Some(2)));
    for line in [
        "parts",
        "  + packs.lab",
        "  - packs.calc",
        "  - add",
        "overlays",
        "  + echo",
        "  ! limits.in_flight_max",
    ] {
        assert!(stdout.lines().any(|told| told == line), "{line}: {stdout}");
    }
    let output = folder.run(&["plan", "--json", "--config", other.to_str().unwrap()]);
    assert_eq!(printed_json(&output)["parts"]["added"], json!(["packs.lab"]));
    folder.write("b.toml", &with("[packs.nothing]\n"));
    let (_, stderr, code) = text(&folder.run(&["plan", "--config", other.to_str().unwrap()]));
    assert_eq!(code, Some(1));
    assert!(stderr.contains("b.toml:4:8: packs.nothing: unknown pack `nothing`"), "{stderr}");
    drop(server);
    let (_, stderr, code) = text(&folder.run(&["plan"]));
    assert_eq!(code, Some(1));
    assert!(stderr.contains("is one running with this `admin` socket?"), "{stderr}");
}

#[test]
fn the_cache_of_a_running_server_is_shown_and_cleared() {
    let folder = Folder::with(&with(
        "[packs.calc]\n[tools.add.cache]\nttl = '1h'\nscope = 'public'\ntags = ['sums']\n",
    ));
    let server = folder.serve();
    let add = |a: &str| assert!(running::run(&["call", &server.url, "add", a, "b=2"]).status.success());
    ["a=1", "a=1", "a=3"].into_iter().for_each(add);
    let shown = printed_json(&folder.run(&["cache", "--json"]));
    let figures =
        |shown: &Value| ["hits", "misses", "entries"].map(|figure| shown["tools"][0][figure].clone());
    assert_eq!(figures(&shown), [json!(1), json!(2), json!(2)], "{shown}");
    let (stdout, stderr, code) = text(&folder.run(&["cache"]));
    assert!(stdout.contains("33.3 %") && stdout.contains("sums"), "{stdout}");
    assert_eq!((stderr.as_str(), code), ("", Some(0)));
    for (arguments, cleared) in [
        (&["clear", "--tool", "add"][..], "cleared tool add: 2 answers\n"),
        (&["clear", "--tag", "sums"], "cleared tag sums: 0 answers\n"),
        (&["clear"], "cleared everything: 0 answers\n"),
    ] {
        let (stdout, stderr, code) = text(&folder.run(&[&["cache"], arguments].concat()));
        assert_eq!((stdout.as_str(), stderr.as_str(), code), (cleared, "", Some(0)), "{arguments:?}");
    }
    let unknown = text(&folder.run(&["cache", "clear", "--tool", "ad"]));
    assert!(unknown.1.contains("no tool `ad` keeps its answers") && unknown.2 == Some(1), "{unknown:?}");
}

#[test]
fn check_tells_everything_that_is_wrong_in_a_line_each_or_as_json() {
    let folder = Folder::with(
        "[server]\nnaem = 'x'\n[packs.skills]\ndirectory = 'nowhere'\n[packs.calc]\n[tools.ad]\n",
    );
    let (stdout, stderr, code) = text(&folder.run(&["check"]));
    assert_eq!((stdout.as_str(), code), ("", Some(1)));
    assert!(
        stderr.ends_with("a.toml:2:1: server.naem: unknown key `naem`; did you mean `name`?\n"),
        "{stderr}"
    );
    assert_eq!(stderr.lines().count(), 1, "what is outside is not opened: {stderr}");
    folder.write("a.toml", "[packs.skills]\ndirectory = 'nowhere'\n[packs.calc]\n");
    assert_eq!(text(&folder.run(&["check"])), ("nothing is wrong: 2 parts\n".into(), String::new(), Some(0)));
    let output = folder.run(&["check", "--open", "--json"]);
    let problem = &printed_json(&output)["problems"][0];
    assert_eq!((&problem["line"], &problem["key"]), (&json!(2), &json!("packs.skills.directory")));
    folder.write("a.toml", "[packs.calc]\n[tools.ad]\n");
    let (_, stderr, code) = text(&folder.run(&["check", "--open"]));
    assert_eq!(code, Some(1));
    assert!(
        stderr.contains("a.toml:2:1: tools.ad: no part offers a tool `ad`; did you mean `add`?"),
        "{stderr}"
    );
    let (_, stderr, code) = text(&running::run(&["check"]));
    assert_eq!(code, Some(2));
    assert!(stderr.contains("--config PATH"), "{stderr}");
}

#[test]
fn a_variable_that_means_nothing_stops_the_server() {
    let mut command = impresario(&["serve", "--http", "127.0.0.1:0"]);
    let (stdout, stderr, code) = text(&command.env("IMPRESARIO_PAK", "calc").output().unwrap());
    assert_eq!((stdout.as_str(), code), ("", Some(1)));
    assert!(
        stderr.contains("IMPRESARIO_PAK: ") && stderr.contains("did you mean `IMPRESARIO_PACK`?"),
        "{stderr}"
    );
}

/// No verb shows what was put in, whether all is well or not.
#[test]
fn secrets_are_in_no_output() {
    const CANARY: &str = "canary-4711-secret";
    let folder = Folder::with(&with(
        "title = '${CANARY}'\nversion = '${file:token}'\n[packs.calc]\n[packs.skills]\ndirectory = '.'\n[tools.add]\n\
         description = 'x'\n",
    ));
    folder.write("token", CANARY);
    let canary = |arguments: &[&str]| {
        let mut command = folder.command(arguments);
        command.env("CANARY", CANARY).env("IMPRESARIO_SERVER__INSTRUCTIONS", CANARY);
        command
    };
    let mut server = start(canary(&["serve", "--http", "127.0.0.1:0", "--log", "impresario=trace,warn"]));
    let mut told = String::new();
    let bad = [
        "title = '${CANARY}'\n",
        "[packs.skills]\ndirectory = '${CANARY}'\n",
        "[limits]\nin_flight_max = '${CANARY}'\n",
        "sse = '${CANARY}'\n",
        "[packs.calc]\n[tools.add]\npool = '${file:token}'\n",
    ];
    for arguments in
        [&["check"][..], &["check", "--open", "--json"], &["plan"], &["plan", "--json"], &["cache"]]
    {
        let (stdout, stderr, _) = text(&canary(arguments).output().unwrap());
        told += &(stdout + &stderr);
    }
    for text_of_file in bad {
        folder.write("bad.toml", &with(text_of_file));
        let path = folder.path("bad.toml");
        for verb in [&["check", "--open"][..], &["check", "--open", "--json"], &["plan"], &["plan", "--json"]]
        {
            let arguments = [verb, &["--config", path.to_str().unwrap()]].concat();
            let (stdout, stderr, code) = text(&canary(&arguments).output().unwrap());
            assert_ne!(code, Some(101), "{stderr}");
            told += &(stdout + &stderr);
        }
    }
    for request in ["GET /status", "GET /config", "POST /plan", "POST /reload", "GET /cache"] {
        told += &folder.ask(request).1.to_string();
    }
    folder.write(
        "a.toml",
        &with("title = '${CANARY}'\n[packs.skills]\ndirectory = '${CANARY}/${file:token}'\n"),
    );
    folder.ask("POST /reload");
    told += &folder.ask("GET /status").1.to_string();
    server.signal(Signal::TERM);
    server.stderr.read_to_string(&mut told).unwrap();
    assert!(told.contains("not reloaded") && told.contains("${CANARY}"), "{told}");
    assert!(!told.contains(CANARY), "{told}");
}

#[test]
fn every_example_is_what_the_schema_says_and_what_check_takes() {
    let schema = printed_json(&running::run(&["config", "schema"]));
    let validator = jsonschema::validator_for(&schema).unwrap();
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples");
    let mut count = 0;
    for entry in std::fs::read_dir(examples).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|end| end != "toml") {
            continue;
        }
        count += 1;
        let file: toml::Table = std::fs::read_to_string(&path).unwrap().parse().unwrap();
        let errors: Vec<_> = validator
            .iter_errors(&serde_json::to_value(file).unwrap())
            .map(|error| error.to_string())
            .collect();
        assert!(errors.is_empty(), "{}: {errors:?}", path.display());
        let (_, stderr, code) = text(&running::run(&["check", "--config", path.to_str().unwrap()]));
        assert_eq!((stderr.as_str(), code), ("", Some(0)), "{}", path.display());
    }
    assert!(count > 0);
    let wrong = [
        json!({ "sever": {} }),
        json!({ "server": { "lanes": "many" } }),
        json!({ "server": { "insecure": "very" } }),
        json!({ "server": { "tls": { "certificate": "chain.pem" } } }),
        json!({ "server": { "tls": { "client_optional": 1 } } }),
        json!({ "packs": { "skills": {} } }),
        json!({ "tools": { "add": { "timeout": "soon" } } }),
        json!({ "limits": { "body_bytes_max": 0 } }),
        json!({ "cache": { "eviction": "oldest" } }),
    ];
    for wrong in wrong {
        assert!(!validator.is_valid(&wrong), "{wrong}");
    }
    let tls =
        json!({ "cert": "chain.pem", "key": "key.pem", "client_ca": "${CA}", "client_optional": "${O}" });
    let filled = json!({ "server": { "lanes": "${LANES}", "insecure": true, "tls": tls }, "tools": { "add": { "timeout": "${T:-5s}" } } });
    assert!(validator.is_valid(&filled));
    let described =
        |pointer: &str| schema.pointer(pointer).and_then(|schema| schema.get("description")).is_some();
    for pointer in [
        "/properties/server",
        "/properties/limits/properties/body_bytes_max",
        "/properties/packs/properties/skills",
    ] {
        assert!(described(pointer) || schema.pointer(pointer).unwrap().get("$ref").is_some(), "{pointer}");
    }
}
