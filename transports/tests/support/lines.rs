//! A client of newline-delimited JSON over a pair of pipes in memory: the framing of stdio without a process.

use std::io;

use impresario_engine::Runtime;
use serde_json::Value;
use tokio::io::{
    AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, DuplexStream, ReadHalf, WriteHalf, duplex, split,
};
use tokio::task::JoinSet;

use super::era::{Era, INITIALIZED};

const PIPE_BYTES: usize = 64 * 1024;

/// One conversation.
#[derive(Debug)]
pub(crate) struct Lines {
    read: BufReader<ReadHalf<DuplexStream>>,
    write: Option<WriteHalf<DuplexStream>>,
    serving: JoinSet<io::Result<()>>,
}

impl Lines {
    /// Pipes to a server, with nothing said yet.
    pub(crate) fn open(runtime: &Runtime) -> Self {
        let ((ours, theirs), runtime) = (duplex(PIPE_BYTES), runtime.clone());
        let mut serving = JoinSet::new();
        serving.spawn(async move {
            let (read, write) = split(theirs);
            impresario_transports::lines::serve(&runtime, read, write).await
        });
        let (read, write) = split(ours);
        Self { read: BufReader::new(read), write: Some(write), serving }
    }

    /// Pipes to a server, with the handshake behind, where the era has one.
    pub(crate) async fn enter(runtime: &Runtime, era: Era) -> Self {
        let mut lines = Self::open(runtime);
        if !era.is_modern() {
            lines.send(format!("{}\n{INITIALIZED}\n", era.initialize())).await;
            let answer = lines.next().await.expect("an answer to the handshake");
            let answer: Value = serde_json::from_slice(&answer).expect("JSON");
            assert_eq!(answer["result"]["protocolVersion"], era.0);
        }
        lines
    }

    pub(crate) async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        let write = self.write.as_mut().expect("the input is open");
        write.write_all(bytes.as_ref()).await.expect("the server reads");
        write.flush().await.expect("the server reads");
    }

    /// The next line; none at the end.
    pub(crate) async fn next(&mut self) -> Option<Vec<u8>> {
        let mut line = Vec::new();
        self.read.read_until(b'\n', &mut line).await.expect("pipes in memory do not break");
        line.pop().map(|_line_feed| line)
    }

    /// The next line as JSON.
    pub(crate) async fn next_message(&mut self) -> Value {
        let line = self.next().await.expect("a line");
        serde_json::from_slice(&line).expect("JSON")
    }

    /// Every line up to the one with that id, which is left out; none when the conversation ends before it.
    pub(crate) async fn until(&mut self, id: &str) -> Option<Vec<Vec<u8>>> {
        let mut lines = Vec::new();
        loop {
            let line = self.next().await?;
            let message: Option<Value> = serde_json::from_slice(&line).ok();
            if message.is_some_and(|message| message["id"] == id) {
                return Some(lines);
            }
            lines.push(line);
        }
    }

    /// Says that nothing more will come.
    pub(crate) async fn end_input(&mut self) {
        let mut write = self.write.take().expect("the input is open");
        write.shutdown().await.expect("the server reads");
        drop(write);
    }

    /// What is still written until the conversation ends, which it must do well.
    pub(crate) async fn rest(mut self) -> Vec<Vec<u8>> {
        let mut lines = Vec::new();
        while let Some(line) = self.next().await {
            lines.push(line);
        }
        let ended =
            self.serving.join_next().await.expect("the server was started").expect("it does not panic");
        ended.expect("the conversation ends well");
        lines
    }
}
