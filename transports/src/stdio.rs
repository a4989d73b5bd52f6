//! This process's standard input and output as a transport.
//!
//! Standard output belongs to the protocol alone: at the start its file descriptor is moved away and standard
//! error is put in its place, so a tool that prints can't break a message. Reading and writing happen on
//! threads of their own, because a pipe that nobody empties would block a lane.

use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::os::fd::AsFd as _;
use std::time::Duration;

use bytes::Bytes;
use impresario_engine::Runtime;
use tokio::sync::{mpsc, oneshot};

use crate::lines::{LineReceiver, converse_on_lane, outgoing};

const CHUNKS_MAX: usize = 4;
const CHUNK_BYTES: usize = 64 * 1024;
/// Messages that are ready together are written together, up to about so much.
const WRITE_BYTES: usize = 256 * 1024;

/// Serves standard input and output until the input ends and everything is answered, or the output breaks.
///
/// # Errors
/// When standard output can't be taken over, or the runtime has shut down.
pub async fn serve(runtime: &Runtime) -> io::Result<()> {
    let output = take_stdout()?;
    let input = File::from(io::stdin().as_fd().try_clone_to_owned()?);
    let (chunk_tx, chunk_rx) = mpsc::channel(CHUNKS_MAX);
    let (out_tx, out_rx) = outgoing(&runtime.shared().limits);
    let (written_tx, written_rx) = oneshot::channel();
    // Neither thread is joined: one may be waiting for input that never comes, and ends with the process.
    std::thread::Builder::new().name("stdin".into()).spawn(move || read(input, &chunk_tx))?;
    std::thread::Builder::new().name("stdout".into()).spawn(move || {
        write(output, out_rx);
        // Nobody may be waiting for the end.
        written_tx.send(()).ok();
    })?;
    // Errors here say that the lane or the writer has ended, and with it everything there was to do.
    let conversation = converse_on_lane(runtime, chunk_rx, out_tx)?;
    tokio::select! {
        ended = conversation => drop(ended),
        () = parent_gone() => {
            tracing::info!("the parent process has gone");
            return Ok(());
        }
    }
    // A client that reads nothing any more must not keep the process.
    let window = Duration::from_millis(runtime.shared().limits.drain_timeout_ms);
    if tokio::time::timeout(window, written_rx).await.is_err() {
        tracing::warn!("standard output is not read; what is unsent is lost");
    }
    Ok(())
}

/// Resolves when the process that started this one has gone, though somebody may still hold its end of the
/// input. Without a parent of its own, as in a container, a process has none to lose.
async fn parent_gone() {
    const LOOK_INTERVAL: Duration = Duration::from_secs(1);
    let parent = rustix::process::getppid();
    if parent.is_none_or(|parent| parent.is_init()) {
        return std::future::pending().await;
    }
    while rustix::process::getppid() == parent {
        tokio::time::sleep(LOOK_INTERVAL).await;
    }
}

/// Takes standard output for the protocol; whatever else is printed goes to standard error from now on.
fn take_stdout() -> io::Result<File> {
    io::stdout().flush()?;
    let output = io::stdout().as_fd().try_clone_to_owned()?;
    rustix::stdio::dup2_stdout(io::stderr())?;
    Ok(File::from(output))
}

fn read(mut input: File, chunks: &mpsc::Sender<Bytes>) {
    let mut chunk = vec![0; CHUNK_BYTES];
    loop {
        match input.read(&mut chunk) {
            Ok(length @ 1..) => {
                if chunks.blocking_send(Bytes::copy_from_slice(&chunk[..length])).is_err() {
                    return;
                }
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Ok(0) | Err(_) => return,
        }
    }
}

fn write(mut output: File, mut lines: LineReceiver) {
    let mut together = Vec::new();
    while let Some(line) = lines.blocking_next() {
        together.clear();
        together.extend_from_slice(&line.bytes);
        while together.len() < WRITE_BYTES
            && let Some(line) = lines.try_next()
        {
            together.extend_from_slice(&line.bytes);
        }
        if let Err(error) = output.write_all(&together) {
            tracing::info!(%error, "standard output is closed; the client has gone");
            return;
        }
    }
}
