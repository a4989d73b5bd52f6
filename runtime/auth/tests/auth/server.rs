//! A small authorization server on loopback: its metadata, its keys, and a count of who asked for what.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

/// How the server answers.
#[derive(Clone)]
pub(crate) enum Mode {
    Serve,
    Status(u16),
    Redirect(String),
    /// Takes the question and never answers.
    Silent,
    Body(Vec<u8>),
}

struct State {
    mode: Mode,
    keys: Value,
    issuer: Option<String>,
    asked: HashMap<String, usize>,
}

pub(crate) struct AuthorizationServer {
    pub(crate) url: String,
    state: Arc<Mutex<State>>,
}

pub(crate) const METADATA: &str = "/.well-known/oauth-authorization-server";
pub(crate) const KEYS: &str = "/jwks";

impl AuthorizationServer {
    pub(crate) fn start(keys: Value) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let state =
            Arc::new(Mutex::new(State { mode: Mode::Serve, keys, issuer: None, asked: HashMap::new() }));
        let (own, own_url) = (Arc::clone(&state), url.clone());
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (state, url) = (Arc::clone(&own), own_url.clone());
                std::thread::spawn(move || serve(stream, &state, &url));
            }
        });
        Self { url, state }
    }

    pub(crate) fn mode(&self, mode: Mode) {
        self.state.lock().unwrap().mode = mode;
    }

    pub(crate) fn keys(&self, keys: Value) {
        self.state.lock().unwrap().keys = keys;
    }

    /// Lets its metadata name another issuer.
    pub(crate) fn calls_itself(&self, issuer: &str) {
        self.state.lock().unwrap().issuer = Some(issuer.to_owned());
    }

    /// How often that path was asked for.
    pub(crate) fn asked(&self, path: &str) -> usize {
        self.state.lock().unwrap().asked.get(path).copied().unwrap_or_default()
    }

    /// How often anything was asked for.
    pub(crate) fn asked_for_anything(&self) -> usize {
        self.state.lock().unwrap().asked.values().sum()
    }
}

fn serve(mut stream: TcpStream, state: &Mutex<State>, url: &str) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    while let Some(path) = read_path(&mut reader) {
        let answer = {
            let mut state = state.lock().unwrap();
            *state.asked.entry(path.clone()).or_default() += 1;
            answer(&state, &path, url)
        };
        let Some((status, head, body)) = answer else {
            // Until the client has had enough.
            let _gone = reader.read_to_end(&mut Vec::new());
            return;
        };
        let head = format!("HTTP/1.1 {status} -\r\n{head}content-length: {}\r\n\r\n", body.len());
        let _gone = stream.write_all(&[head.as_bytes(), &body].concat());
    }
}

fn answer(state: &State, path: &str, url: &str) -> Option<(u16, String, Vec<u8>)> {
    match &state.mode {
        Mode::Silent => None,
        Mode::Status(status) => Some((*status, String::new(), Vec::new())),
        Mode::Redirect(to) => Some((302, format!("location: {to}\r\n"), Vec::new())),
        Mode::Body(body) => Some((200, String::new(), body.clone())),
        Mode::Serve => Some(match path {
            METADATA => {
                let issuer = state.issuer.as_deref().unwrap_or(url);
                let metadata = json!({ "issuer": issuer, "jwks_uri": format!("{url}{KEYS}") });
                (200, String::new(), metadata.to_string().into_bytes())
            }
            KEYS => (200, String::new(), state.keys.to_string().into_bytes()),
            _ => (404, String::new(), Vec::new()),
        }),
    }
}

fn read_path(reader: &mut impl BufRead) -> Option<String> {
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if reader.read_line(&mut head).ok()? == 0 {
            return None;
        }
    }
    head.split(' ').nth(1).map(str::to_owned)
}
