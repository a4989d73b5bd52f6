//! Servers for the tests: listeners that count who connects and play what a test wants to see.

use std::io::{self, BufRead, BufReader, Read as _, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use impresario_outbound::{Resolver, Resolving};

/// The one loopback address that the tests allow.
pub(crate) const ALLOWED: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 2);

/// A loopback address that nobody allows.
pub(crate) const BLOCKED: Ipv4Addr = Ipv4Addr::LOCALHOST;

/// A server on a thread of its own.
pub(crate) struct Stage {
    pub(crate) address: SocketAddr,
    connections: Arc<AtomicUsize>,
    requests: Arc<Mutex<Vec<String>>>,
}

impl Stage {
    /// A server on a free port that plays `answer` for each request: it is given the request's text, and may write
    /// what it likes.
    pub(crate) fn start(ip: Ipv4Addr, answer: impl Fn(&str, &mut TcpStream) + Send + Sync + 'static) -> Self {
        Self::on(TcpListener::bind((ip, 0)).unwrap(), answer)
    }

    /// A server on the allowed address, and on the blocked one with the same port a listener that nobody may reach.
    pub(crate) fn pair(answer: impl Fn(&str, &mut TcpStream) + Send + Sync + 'static) -> (Self, Self) {
        let (open, closed) = std::iter::repeat_with(|| {
            let open = TcpListener::bind((ALLOWED, 0)).unwrap();
            let port = open.local_addr().unwrap().port();
            TcpListener::bind((BLOCKED, port)).ok().map(|closed| (open, closed))
        })
        .flatten()
        .next()
        .unwrap();
        (Self::on(open, answer), Self::on(closed, |_, stream| respond(stream, "200 OK", "", "secret")))
    }

    fn on(listener: TcpListener, answer: impl Fn(&str, &mut TcpStream) + Send + Sync + 'static) -> Self {
        let stage = Self {
            address: listener.local_addr().unwrap(),
            connections: Arc::default(),
            requests: Arc::default(),
        };
        let (connections, requests) = (Arc::clone(&stage.connections), Arc::clone(&stage.requests));
        let answer = Arc::new(answer);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                connections.fetch_add(1, Ordering::SeqCst);
                let (requests, answer) = (Arc::clone(&requests), Arc::clone(&answer));
                std::thread::spawn(move || serve(stream, &requests, &*answer));
            }
        });
        stage
    }

    /// How many have connected.
    pub(crate) fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }

    /// What was asked: head and body of each request.
    pub(crate) fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }

    /// A URL here.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }
}

fn serve(mut stream: TcpStream, requests: &Mutex<Vec<String>>, answer: &dyn Fn(&str, &mut TcpStream)) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    while let Ok(Some(request)) = read_request(&mut reader) {
        requests.lock().unwrap().push(request.clone());
        answer(&request, &mut stream);
    }
}

/// The next request, or nothing when the client has gone.
pub(crate) fn read_request(reader: &mut impl BufRead) -> io::Result<Option<String>> {
    let mut request = String::new();
    while !request.ends_with("\r\n\r\n") {
        if reader.read_line(&mut request)? == 0 {
            return Ok(None);
        }
    }
    let length = request
        .lines()
        .find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length: ")?.parse().ok())
        .unwrap_or(0);
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    request.push_str(&String::from_utf8(body).unwrap());
    Ok(Some(request))
}

/// Writes a whole answer. A client that has gone is no failure of the stage.
pub(crate) fn respond(stream: &mut impl Write, status: &str, headers: &str, body: &str) {
    let length = body.len();
    let _gone = write!(stream, "HTTP/1.1 {status}\r\n{headers}content-length: {length}\r\n\r\n{body}");
    let _gone = stream.flush();
}

/// Writes a head and then the same piece until the client goes.
pub(crate) fn pour(stream: &mut TcpStream, head: &str, piece: &[u8]) {
    let mut write = || -> io::Result<()> {
        stream.write_all(head.as_bytes())?;
        loop {
            stream.write_all(piece)?;
        }
    };
    let _gone = write();
}

/// Waits until the client goes.
pub(crate) fn wait_for_end(stream: &mut TcpStream) {
    let _gone = stream.read_to_end(&mut Vec::new());
}

/// Answers with one list of addresses after the other; the last one stays. Counts how often it was asked.
pub(crate) struct Flipping {
    answers: Vec<Vec<IpAddr>>,
    asked: AtomicUsize,
}

impl Flipping {
    pub(crate) fn new(answers: &[&[&str]]) -> Arc<Self> {
        let parse = |addresses: &&[&str]| addresses.iter().map(|address| address.parse().unwrap()).collect();
        Arc::new(Self { answers: answers.iter().map(parse).collect(), asked: AtomicUsize::new(0) })
    }

    pub(crate) fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

impl Resolver for Flipping {
    fn resolve(&self, _host: &str) -> Resolving {
        let asked = self.asked.fetch_add(1, Ordering::SeqCst);
        let answer = self.answers[asked.min(self.answers.len() - 1)].clone();
        Box::pin(std::future::ready(Ok(answer)))
    }
}

/// Finds each name where its last letter says: `a` on the allowed address, all others on the blocked one.
pub(crate) struct ByLetter;

impl Resolver for ByLetter {
    fn resolve(&self, host: &str) -> Resolving {
        let address = if host.ends_with('a') { ALLOWED } else { BLOCKED };
        Box::pin(std::future::ready(Ok(vec![address.into()])))
    }
}

/// Never answers.
pub(crate) struct Silent;

impl Resolver for Silent {
    fn resolve(&self, _host: &str) -> Resolving {
        Box::pin(std::future::pending())
    }
}
