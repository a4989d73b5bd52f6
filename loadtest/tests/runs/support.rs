//! What the tests of whole runs share: plans out of words, and servers that misbehave in one known way each.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use clap::Parser;
use impresario_loadtest::fault::Fault;
use impresario_loadtest::options::{IdentityOptions, LoadOptions, TargetOptions};
use impresario_loadtest::plan::{Address, Plan};
use impresario_loadtest::progress;
use impresario_loadtest::result::{RunResult, Series};
use impresario_loadtest::run::run;
use impresario_loadtest::work::Work;

#[derive(Parser)]
#[command(no_binary_name = true)]
struct Flags {
    #[command(flatten)]
    server: TargetOptions,
    #[command(flatten)]
    identity: IdentityOptions,
    #[command(flatten)]
    load: LoadOptions,
}

/// The plan for a work, with flags.
pub(crate) fn plan(address: Address, work: &str, flags: &str) -> Plan {
    let flags = Flags::try_parse_from(flags.split_whitespace()).unwrap();
    let plan = flags.load.plan(flags.server.target(address), Work::parse(work).unwrap()).unwrap();
    flags.identity.identify(plan)
}

/// Runs a work against a URL.
pub(crate) async fn ask(url: &str, work: &str, flags: &str) -> Result<RunResult, Fault> {
    // Boxed: every kind of work is in it.
    Box::pin(run(&plan(Address::url(url).unwrap(), work, flags), &progress::channel().0)).await
}

/// Everything together.
pub(crate) fn all(result: &RunResult) -> &Series {
    &result.series[0]
}

/// The kinds of errors with their numbers.
pub(crate) fn errors(result: &RunResult) -> Vec<(&str, u64)> {
    all(result).errors.iter().map(|(kind, count)| (kind.as_str(), count.count)).collect()
}

/// A figure by its name.
pub(crate) fn figure(result: &RunResult, name: &str) -> f64 {
    let found = result.figures.iter().find(|figure| figure.name == name);
    found.unwrap_or_else(|| panic!("no figure `{name}` in {:?}", result.figures)).value
}

/// A request as the misbehaving server sees it.
pub(crate) struct Seen {
    /// The JSON-RPC id, as text.
    pub(crate) id: String,
    /// The whole body.
    pub(crate) body: String,
    /// Which tool call this is, counted from 0 over all connections; none for anything else.
    pub(crate) call: Option<usize>,
}

/// What the server does with a call: writes to the connection; false closes it.
pub(crate) type Behaviour = dyn Fn(&Seen, &mut TcpStream) -> bool + Send + Sync;

/// A server of the modern era with a tool `act`, whose calls are answered by that behaviour. One thread for each
/// connection; they end with their connections.
pub(crate) fn misbehaving(
    behaviour: impl Fn(&Seen, &mut TcpStream) -> bool + Send + Sync + 'static,
) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let behaviour: Arc<Behaviour> = Arc::new(behaviour);
    let calls = Arc::new(AtomicUsize::new(0));
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let (behaviour, calls) = (Arc::clone(&behaviour), Arc::clone(&calls));
            std::thread::spawn(move || serve(stream, &*behaviour, &calls));
        }
    });
    address
}

/// The same, but serves the next connection only when the last one has ended.
pub(crate) fn one_at_a_time(
    behaviour: impl Fn(&Seen, &mut TcpStream) -> bool + Send + Sync + 'static,
) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            serve(stream, &behaviour, &AtomicUsize::new(0));
        }
    });
    address
}

fn serve(mut stream: TcpStream, behaviour: &Behaviour, calls: &AtomicUsize) {
    stream.set_nodelay(true).unwrap();
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    while let Some(body) = request(&mut reader) {
        let after = body.split(r#""id":"#).nth(1).unwrap_or_default();
        let id = after.split([',', '}']).next().unwrap_or_default().to_owned();
        let is_call = body.contains("tools/call");
        let call = is_call.then(|| calls.fetch_add(1, Ordering::SeqCst));
        let seen = Seen { id, body, call };
        let goes_on = if is_call {
            behaviour(&seen, &mut stream)
        } else if seen.body.contains("server/discover") {
            reply(
                &mut stream,
                200,
                &result(&seen.id, r#"{"supportedVersions":["2026-07-28"],"capabilities":{}}"#),
            )
        } else {
            let tools = r#"{"tools":[{"name":"act","inputSchema":{"type":"object"}}]}"#;
            reply(&mut stream, 200, &result(&seen.id, tools))
        };
        if !goes_on {
            break;
        }
    }
}

fn request(reader: &mut BufReader<TcpStream>) -> Option<String> {
    let mut length = 0;
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).ok()? == 0 {
            return None;
        }
        let line = line.trim_end().to_ascii_lowercase();
        if line.is_empty() {
            break;
        }
        if let Some(value) = line.strip_prefix("content-length:") {
            length = value.trim().parse().ok()?;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    String::from_utf8(body).ok()
}

/// A JSON-RPC result.
pub(crate) fn result(id: &str, result: &str) -> String {
    format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{result}}}"#)
}

/// A right answer to a call.
pub(crate) fn right(id: &str) -> String {
    result(id, r#"{"content":[{"type":"text","text":"ok"}]}"#)
}

/// Writes a whole response.
pub(crate) fn reply(stream: &mut TcpStream, status: u16, body: &str) -> bool {
    let head = format!(
        "HTTP/1.1 {status} X\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    raw(stream, &(head + body))
}

/// Writes bytes; false if nobody reads them.
pub(crate) fn raw(stream: &mut TcpStream, text: &str) -> bool {
    stream.write_all(text.as_bytes()).is_ok()
}
