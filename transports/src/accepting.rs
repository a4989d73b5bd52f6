//! Accepting connections, wherever they come in: as many as there may be, until the house closes.

use std::io;
use std::time::Duration;

use impresario_engine::gate::Entry;
use impresario_engine::session::Stage;
use impresario_protocol::Limits;

/// Between two looks for a free place or file descriptor.
const PAUSE: Duration = Duration::from_millis(50);

/// Accepts connections until the house closes, and serves each on this lane. Its place among the open ones goes with
/// it. With no place or no file descriptor left one waits here, and those behind it in the backlog.
pub(crate) async fn until_closing<C, S>(
    stage: &Stage,
    accept: impl AsyncFn() -> io::Result<C>,
    serve: impl Fn(C, Entry) -> S,
) where
    S: Future<Output = ()> + 'static,
{
    let shared = &stage.shared;
    let connections_max = Limits::size(shared.limits.connections_max);
    let accepting = async {
        loop {
            let connection = match accept().await {
                Ok(connection) => connection,
                Err(error) => {
                    tracing::warn!(%error, "a connection can't be accepted; trying again");
                    tokio::time::sleep(PAUSE).await;
                    continue;
                }
            };
            let place = loop {
                match shared.connections.enter(connections_max) {
                    Some(place) => break place,
                    None => tokio::time::sleep(PAUSE).await,
                }
            };
            tokio::task::spawn_local(serve(connection, place));
        }
    };
    tokio::select! {
        () = accepting => {}
        () = shared.closing.begun() => {}
    }
}
