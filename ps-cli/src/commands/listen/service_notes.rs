//! Notes to the service manager, as `sd_notify` sends them: a datagram to the socket that `NOTIFY_SOCKET` names. Invariant: nobody
//! waits for them, and nothing fails without them.

use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};

/// Where notes go.
#[derive(Debug)]
pub(super) struct ServiceNotes(Option<(UnixDatagram, SocketAddr)>);

impl ServiceNotes {
    /// To a socket: a path, or a name in the abstract space that begins with `@`. Without one, or one that cannot be had, notes are
    /// forgotten.
    pub(super) fn new(socket: Option<&str>) -> Self {
        let open = |name: &str| {
            let address = match name.strip_prefix('@') {
                Some(name) => SocketAddr::from_abstract_name(name),
                None => SocketAddr::from_pathname(name),
            };
            let socket = UnixDatagram::unbound()?;
            socket.set_nonblocking(true)?;
            Ok::<_, std::io::Error>((socket, address?))
        };
        Self(socket.and_then(|name| open(name).ok()))
    }

    /// Sends `READY=1`, `STATUS=…`.
    pub(super) fn send(&self, note: &str) {
        if let Self(Some((socket, address))) = self {
            let _ = socket.send_to_addr(note.as_bytes(), address);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_reaches_the_socket_that_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notify");
        let receiver = UnixDatagram::bind(&path).unwrap();
        ServiceNotes::new(path.to_str()).send("READY=1");
        let mut buffer = [0; 64];
        let length = receiver.recv(&mut buffer).unwrap();
        assert_eq!(&buffer[..length], b"READY=1");
    }

    #[test]
    fn without_a_socket_notes_are_forgotten() {
        ServiceNotes::new(None).send("READY=1");
        ServiceNotes::new(Some("/nowhere/at/all")).send("READY=1");
    }
}
