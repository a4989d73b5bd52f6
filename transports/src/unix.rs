//! Unix domain sockets: their files, who may open them, and who is on the other side.
//!
//! A socket's file outlives a process that is killed. One that nobody listens at is replaced; one that somebody
//! listens at, or that is no socket, never is.

use std::io;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _, PermissionsExt as _};
use std::os::unix::net::{UnixListener, UnixStream as StdUnixStream};
use std::path::{Path, PathBuf};

use impresario_engine::Caller;
use socket2::{Domain, SockAddr, Socket, Type};
use tokio::net::UnixStream;

/// A Unix domain socket to listen at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnixSocket {
    /// The socket's file. It is removed when nobody listens any more.
    pub path: PathBuf,
    /// Who may connect, as the permissions of the file; its owner alone by default.
    pub mode: u32,
}

impl UnixSocket {
    /// A socket for its owner alone.
    #[must_use]
    pub fn at(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), mode: 0o600 }
    }

    /// Whether users can connect who are neither the file's owner nor of its group.
    fn lets_everybody_in(&self) -> bool {
        const OTHERS_WRITE: u32 = 0o002;
        self.mode & OTHERS_WRITE != 0
    }

    /// Binds the socket and listens. The file goes when what is returned with it is dropped.
    pub(crate) fn listen(&self, backlog: u64) -> io::Result<(UnixListener, SocketFile)> {
        if self.lets_everybody_in() {
            let (path, mode) = (self.path.display(), format!("{:o}", self.mode));
            tracing::warn!(%path, %mode, "every user of this machine can connect, and nobody is asked who they are");
        }
        remove_stale(&self.path)?;
        let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
        socket.bind(&SockAddr::unix(&self.path)?)?;
        let file = SocketFile::of(&self.path)?;
        // Until it listens nobody can connect, so nobody comes in before the file's permissions are right.
        std::fs::set_permissions(&self.path, std::fs::Permissions::from_mode(self.mode & 0o777))?;
        socket.set_nonblocking(true)?;
        socket.listen(i32::try_from(backlog).unwrap_or(i32::MAX))?;
        Ok((UnixListener::from(std::os::fd::OwnedFd::from(socket)), file))
    }
}

/// Removes the file of a socket at which nobody listens any more.
fn remove_stale(path: &Path) -> io::Result<()> {
    let in_use = |text: String| Err(io::Error::new(io::ErrorKind::AddrInUse, text));
    match std::fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
        Ok(found) if !found.file_type().is_socket() => {
            return in_use(format!("{} is there already and is no socket", path.display()));
        }
        Ok(_) => {}
    }
    match StdUnixStream::connect(path) {
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => std::fs::remove_file(path),
        // Whoever listens may have a full backlog, or not let us in.
        Ok(_) | Err(_) => in_use(format!("somebody listens at {}", path.display())),
    }
}

/// A socket's file, removed when dropped unless somebody else has put another one in its place.
#[derive(Debug)]
pub(crate) struct SocketFile {
    path: PathBuf,
    identity: [i128; 4],
}

impl SocketFile {
    fn of(path: &Path) -> io::Result<Self> {
        Ok(Self { path: path.to_owned(), identity: identity(&std::fs::symlink_metadata(path)?) })
    }
}

/// What tells a socket's file from another one in its place; inodes alone are used again.
fn identity(found: &std::fs::Metadata) -> [i128; 4] {
    [found.dev().into(), found.ino().into(), found.mtime().into(), found.mtime_nsec().into()]
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        let is_ours =
            std::fs::symlink_metadata(&self.path).is_ok_and(|found| identity(&found) == self.identity);
        if is_ours && let Err(error) = std::fs::remove_file(&self.path) {
            tracing::warn!(path = %self.path.display(), %error, "a socket's file can't be removed");
        }
    }
}

/// Who is on the other side: the user that the operating system vouches for.
pub(crate) fn caller(stream: &UnixStream) -> Caller {
    match stream.peer_cred() {
        Ok(peer) => Caller { principal: Some(format!("uid:{}", peer.uid()).into()), ..Caller::default() },
        Err(error) => {
            tracing::debug!(%error, "the user of a connection is not known");
            Caller::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(name: &str) -> PathBuf {
        std::env::temp_dir().join(format!("impresario-{}-{name}.sock", std::process::id()))
    }

    fn mode_of(path: &Path) -> u32 {
        std::fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn a_socket_is_its_owners_alone_unless_said_otherwise_and_goes_with_its_listener() {
        let path = path("mode");
        for (socket, mode) in
            [(UnixSocket::at(&path), 0o600), (UnixSocket { mode: 0o660, ..UnixSocket::at(&path) }, 0o660)]
        {
            let listening = socket.listen(8).unwrap();
            assert_eq!(mode_of(&path), mode);
            StdUnixStream::connect(&path).unwrap();
            drop(listening);
            assert!(!path.exists());
        }
    }

    #[test]
    fn only_a_socket_that_nobody_listens_at_is_replaced() {
        let path = path("stale");
        let (listener, file) = UnixSocket::at(&path).listen(8).unwrap();
        let refused = UnixSocket::at(&path).listen(8).unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::AddrInUse, "{refused}");
        // As after a kill: the file is there, and nobody listens.
        drop(listener);
        assert!(path.exists());
        // Kept by another name, so that its inode is not used again.
        let other_name = self::path("stale-too");
        std::fs::hard_link(&path, &other_name).unwrap();
        let (_second, _its_file) = UnixSocket::at(&path).listen(8).unwrap();
        drop(file);
        assert!(path.exists(), "the first one's end does not take the second one's file");
        std::fs::remove_file(&other_name).unwrap();
        let text = self::path("text");
        std::fs::write(&text, "precious").unwrap();
        assert_eq!(UnixSocket::at(&text).listen(8).unwrap_err().kind(), io::ErrorKind::AddrInUse);
        assert_eq!(std::fs::read_to_string(&text).unwrap(), "precious");
        std::fs::remove_file(&text).unwrap();
    }
}
