//! A port for what a test starts. Held and not listened on, so that nobody else is given it and what is started may bind it,
//! as often as it likes. Until then a connection is refused.

use std::net::{Ipv4Addr, SocketAddr};

use tokio::net::TcpSocket;

/// A port of loopback, held as long as this lives.
#[derive(Debug)]
pub struct HeldPort {
    number: u16,
    _socket: TcpSocket,
}

impl HeldPort {
    pub fn any() -> Self {
        let socket = TcpSocket::new_v4().expect("a socket");
        socket.set_reuseaddr(true).expect("set");
        socket.bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).expect("a port of loopback");
        Self { number: socket.local_addr().expect("an address").port(), _socket: socket }
    }

    pub const fn number(&self) -> u16 {
        self.number
    }
}
