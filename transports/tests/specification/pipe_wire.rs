//! Lines of JSON through a pipe in memory, as stdio has them.

use serde_json::Value;
use tokio::io::{
    AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, DuplexStream, Lines, ReadHalf, WriteHalf,
};

pub(crate) struct Pipe {
    write: WriteHalf<DuplexStream>,
    lines: Lines<BufReader<ReadHalf<DuplexStream>>>,
}

impl Pipe {
    pub(crate) fn new(stream: DuplexStream) -> Self {
        let (read, write) = tokio::io::split(stream);
        Self { write, lines: BufReader::new(read).lines() }
    }

    pub(crate) async fn write(&mut self, message: &Value) {
        self.write_text(&message.to_string()).await;
    }

    pub(crate) async fn write_text(&mut self, text: &str) {
        self.write.write_all(format!("{text}\n").as_bytes()).await.unwrap();
    }

    /// The next message; null once nothing more comes.
    pub(crate) async fn read(&mut self) -> Value {
        let Some(line) = self.lines.next_line().await.unwrap() else { return Value::Null };
        serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}"))
    }
}
