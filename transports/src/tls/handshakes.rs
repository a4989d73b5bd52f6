//! Handshakes: so many at once on a lane, each within its time.
//!
//! They are what costs a server most per byte that a stranger sends, so a flood of them must neither keep the lane from
//! its other connections nor hold memory for long.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use impresario_engine::PeerCertificate;
use impresario_protocol::Limits;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::Semaphore;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::credentials::ALPN_HTTP2;
use super::{Tls, peer};

/// The handshakes of one lane.
#[derive(Debug)]
pub(crate) struct Handshakes {
    tls: Arc<Tls>,
    places: Semaphore,
    timeout: Duration,
}

/// A connection that speaks TLS.
pub(crate) struct Secured<S> {
    pub(crate) stream: Box<TlsStream<S>>,
    /// What the client showed, if it did.
    pub(crate) certificate: Option<Arc<PeerCertificate>>,
    /// Which of both was agreed upon; nothing where the client named none.
    pub(crate) is_http2: Option<bool>,
}

impl Handshakes {
    pub(crate) fn new(tls: Arc<Tls>, limits: &Limits) -> Self {
        let places = Limits::size(limits.tls_handshakes_max).min(Semaphore::MAX_PERMITS);
        let timeout = Duration::from_millis(limits.tls_handshake_timeout_ms);
        Self { tls, places: Semaphore::new(places), timeout }
    }

    /// Shakes hands with a client that `begins`: one that says nothing takes no place from those that do.
    ///
    /// # Errors
    /// When the client is too slow, speaks something else, or shows a certificate that is not good.
    pub(crate) async fn shake<S>(
        &self,
        stream: S,
        begins: impl AsyncFn(&S) -> io::Result<()>,
    ) -> io::Result<Secured<S>>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let shaking = async {
            begins(&stream).await?;
            let _place = self.places.acquire().await.map_err(io::Error::other)?;
            TlsAcceptor::from(self.tls.current()).accept(stream).await
        };
        let too_slow = |_| {
            io::Error::new(io::ErrorKind::TimedOut, "the handshake took too long (tls_handshake_timeout_ms)")
        };
        let stream = tokio::time::timeout(self.timeout, shaking).await.map_err(too_slow)??;
        let (_, session) = stream.get_ref();
        let own = session.peer_certificates().and_then(|chain| chain.first());
        let certificate = own.map(peer::read).transpose()?.map(Arc::new);
        let is_http2 = session.alpn_protocol().map(|agreed| agreed == ALPN_HTTP2);
        Ok(Secured { stream: Box::new(stream), certificate, is_http2 })
    }
}
