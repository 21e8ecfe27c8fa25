//! A port that stays ours: the demo's services get it again after each start, and nobody else is given it.
//!
//! A socket that is bound and does not listen answers nothing (a connection is refused, as with no service at all), lets a
//! service bind the same port and listen there, and keeps the system from giving the port to anybody who asks for any.
//! A port that was merely free a moment ago is somebody else's by the time that a service binds it, when several demos
//! start at once.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};

use tokio::net::TcpSocket;

/// A port of loopback, held as long as this lives.
#[derive(Debug)]
pub struct HeldPort {
    number: u16,
    _socket: TcpSocket,
}

impl HeldPort {
    pub fn any() -> io::Result<Self> {
        let socket = TcpSocket::new_v4()?;
        // So that the service may bind it as well; listeners set the same.
        socket.set_reuseaddr(true)?;
        socket.bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))?;
        Ok(Self { number: socket.local_addr()?.port(), _socket: socket })
    }

    pub const fn number(&self) -> u16 {
        self.number
    }
}

#[cfg(test)]
mod tests {
    use std::net::{TcpListener, TcpStream};

    use super::*;

    #[test]
    fn a_held_port_is_a_services_own_over_and_over_and_silent_in_between() {
        let port = HeldPort::any().expect("a port");
        let at = (Ipv4Addr::LOCALHOST, port.number());
        for _ in 0..3 {
            assert_eq!(TcpStream::connect(at).expect_err("nobody listens").kind(), io::ErrorKind::ConnectionRefused);
            let service = TcpListener::bind(at).expect("the service binds it");
            let client = TcpStream::connect(at).expect("it listens");
            assert!(TcpListener::bind(at).is_err(), "a second one finds it taken");
            // Ended by the server, so that the connection lingers as those of a killed service do.
            drop(service.accept().expect("accepted"));
            drop((service, client));
        }
    }

    /// Each that asks for any port gets another one, however many ask.
    #[test]
    fn nobody_else_is_given_it() {
        let held: Vec<HeldPort> = (0..100).map(|_| HeldPort::any().expect("a port")).collect();
        let given: Vec<u16> = (0..100)
            .map(|_| {
                TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).and_then(|any| any.local_addr()).expect("a port").port()
            })
            .collect();
        assert!(held.iter().all(|held| !given.contains(&held.number())));
        let mut numbers: Vec<u16> = held.iter().map(HeldPort::number).collect();
        numbers.sort_unstable();
        numbers.dedup();
        assert_eq!(numbers.len(), 100, "each is another one");
    }
}
