//! A client of the newline framing, over a pair of streams in memory.

use impresario_engine::Runtime;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines, ReadHalf, WriteHalf};
use tokio::io::{DuplexStream, duplex, split};
use tokio::task::JoinSet;

use crate::messages::{LEGACY, initialize, legacy, modern, notification, tool};
use crate::wait::within;

/// One conversation.
#[derive(Debug)]
pub(crate) struct Pipe {
    lines: Lines<BufReader<ReadHalf<DuplexStream>>>,
    input: Option<WriteHalf<DuplexStream>>,
    served: JoinSet<std::io::Result<()>>,
}

impl Pipe {
    /// Has a conversation with the runtime served in the background.
    pub(crate) fn open(runtime: &Runtime) -> Self {
        const BYTES: usize = 1 << 20;
        let (ours, theirs) = duplex(BYTES);
        let (output, input) = split(ours);
        let (read, write) = split(theirs);
        let mut served = JoinSet::new();
        let runtime = runtime.clone();
        served.spawn(async move { impresario_transports::lines::serve(&runtime, read, write).await });
        Self { lines: BufReader::new(output).lines(), input: Some(input), served }
    }

    /// A conversation whose handshake is done.
    pub(crate) async fn open_legacy(runtime: &Runtime) -> Self {
        Self::open_as(runtime, LEGACY).await
    }

    /// A conversation in that revision.
    pub(crate) async fn open_as(runtime: &Runtime, revision: &str) -> Self {
        let mut pipe = Self::open(runtime);
        let answer = pipe.ask(&initialize("hello", revision)).await;
        assert_eq!(answer["result"]["protocolVersion"], json!(revision), "{answer}");
        pipe.send(&notification("notifications/initialized", json!({}))).await;
        pipe
    }

    pub(crate) async fn send(&mut self, message: &Value) {
        self.send_text(&message.to_string()).await;
    }

    pub(crate) async fn send_text(&mut self, line: &str) {
        let input = self.input.as_mut().expect("the input is open");
        let written = async {
            input.write_all(line.as_bytes()).await?;
            input.write_all(b"\n").await
        };
        within("send a line", written).await.expect("somebody reads");
    }

    /// The next message; nothing at the end.
    pub(crate) async fn next(&mut self) -> Option<Value> {
        let line = within("a line", self.lines.next_line()).await.expect("lines are text")?;
        Some(serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}")))
    }

    /// Sends a message and gives the next one that comes back.
    pub(crate) async fn ask(&mut self, message: &Value) -> Value {
        self.send(message).await;
        self.next().await.expect("an answer comes")
    }

    /// Calls a tool with the metadata of a modern request.
    pub(crate) async fn modern(&mut self, id: impl Into<Value>, name: &str, arguments: Value) -> Value {
        self.ask(&modern(id, "tools/call", tool(name, arguments))).await
    }

    /// Calls a tool after a handshake.
    pub(crate) async fn legacy(&mut self, id: impl Into<Value>, name: &str, arguments: Value) -> Value {
        self.ask(&legacy(id, "tools/call", tool(name, arguments))).await
    }

    /// Ends the input.
    pub(crate) async fn end(&mut self) {
        if let Some(mut input) = self.input.take() {
            drop(input.shutdown().await);
        }
    }

    /// Waits until the conversation has ended.
    pub(crate) async fn ended(&mut self) {
        let ended = within("the conversation ends", self.served.join_next()).await;
        ended.expect("it was served").expect("it does not panic").expect("it ends well");
    }
}
