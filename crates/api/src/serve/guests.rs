//! How many connections are taken, in total and of one peer, and who gives way when there are too many.
//!
//! Invariant: what others open never takes the file descriptors that the engine needs. The numbers come from the limit of
//! this process ([`Limits::of_this_process`]), of which connections get a part and no more.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

/// Connections of one transport.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    pub total: usize,
    pub per_peer: usize,
}

impl Limits {
    /// A quarter of this process's file descriptors for the TCP address, of which one peer gets half.
    pub fn tcp(descriptors: u64) -> Self {
        let total = part(descriptors, 4, 256);
        Self { total, per_peer: total.div_ceil(2) }
    }

    /// An eighth for the socket in the home: whoever opens that is the same user as the engine, and is never kept out by
    /// what comes over TCP.
    pub fn socket(descriptors: u64) -> Self {
        let total = part(descriptors, 8, 64);
        Self { total, per_peer: total }
    }
}

fn part(descriptors: u64, of: u64, most: u64) -> usize {
    usize::try_from((descriptors / of).clamp(4, most)).unwrap_or(4)
}

/// Whom connections are counted for: an address, or for IPv6 the network that one customer gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Peer(IpAddr);

impl Peer {
    pub fn of(address: IpAddr) -> Self {
        Self(match address.to_canonical() {
            IpAddr::V6(v6) if !v6.is_loopback() => {
                let [a, b, c, d, ..] = v6.segments();
                IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
            }
            other => other,
        })
    }

    /// Everybody who opens the socket in the home.
    pub const LOCAL: Self = Self(IpAddr::V6(Ipv6Addr::LOCALHOST));
}

/// The connections of one transport.
pub struct Guests {
    limits: Limits,
    here: Mutex<Here>,
}

#[derive(Default)]
struct Here {
    next: u64,
    /// By arrival.
    guests: BTreeMap<u64, Guest>,
}

struct Guest {
    peer: Peer,
    /// Somebody identified themselves on it.
    known: bool,
    /// Was asked to go, and has not gone yet.
    leaving: bool,
    leave: Arc<Notify>,
}

impl Guests {
    pub fn new(limits: Limits) -> Arc<Self> {
        Arc::new(Self { limits, here: Mutex::default() })
    }

    /// Takes a connection in. Where there is no room, the one that has waited longest without anybody identifying
    /// themselves gives way; where everybody is known, the new one is refused.
    pub fn take(self: &Arc<Self>, peer: Peer) -> Option<Stay> {
        let mut here = self.here();
        let staying = |guest: &&mut Guest| !guest.leaving;
        let of_peer = here.guests.values_mut().filter(staying).filter(|guest| guest.peer == peer).count();
        let in_total = here.guests.values_mut().filter(staying).count();
        // Those who are leaving still hold a descriptor.
        if here.guests.len() >= self.limits.total + self.limits.total.div_ceil(4) {
            return None;
        }
        if of_peer >= self.limits.per_peer || in_total >= self.limits.total {
            let only_peer = of_peer >= self.limits.per_peer;
            let longest = here
                .guests
                .values_mut()
                .find(|guest| !guest.leaving && !guest.known && (!only_peer || guest.peer == peer))?;
            longest.leaving = true;
            longest.leave.notify_one();
        }
        let (id, leave) = (here.next, Arc::new(Notify::new()));
        here.next += 1;
        here.guests.insert(id, Guest { peer, known: false, leaving: false, leave: Arc::clone(&leave) });
        Some(Stay { pass: Pass { guests: Arc::clone(self), id }, leave })
    }

    fn here(&self) -> MutexGuard<'_, Here> {
        self.here.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One connection, counted until it is dropped.
pub struct Stay {
    pass: Pass,
    leave: Arc<Notify>,
}

impl Stay {
    pub fn pass(&self) -> Pass {
        self.pass.clone()
    }

    /// Until it has to give way.
    pub async fn asked_to_leave(&self) {
        self.leave.notified().await;
    }
}

impl Drop for Stay {
    fn drop(&mut self) {
        self.pass.guests.here().guests.remove(&self.pass.id);
    }
}

/// Travels with each request of a connection.
#[derive(Clone)]
pub struct Pass {
    guests: Arc<Guests>,
    id: u64,
}

impl Pass {
    /// Somebody identified themselves: this connection does not give way any more.
    pub fn known(&self) {
        if let Some(guest) = self.guests.here().guests.get_mut(&self.id) {
            guest.known = true;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn peer(text: &str) -> Peer {
        Peer::of(text.parse().expect("an address"))
    }

    fn guests(total: usize, per_peer: usize) -> Arc<Guests> {
        Guests::new(Limits { total, per_peer })
    }

    #[test]
    fn connections_get_a_part_of_the_descriptors_and_the_engine_the_rest() {
        for (descriptors, tcp, per_peer, socket) in
            [(1_024, 256, 128, 64), (1_048_576, 256, 128, 64), (128, 32, 16, 16), (64, 16, 8, 8), (8, 4, 2, 4)]
        {
            assert_eq!(Limits::tcp(descriptors), Limits { total: tcp, per_peer }, "{descriptors}");
            assert_eq!(Limits::socket(descriptors).total, socket, "{descriptors}");
        }
    }

    #[tokio::test]
    async fn the_longest_unknown_one_of_the_same_peer_gives_way() {
        let guests = guests(4, 2);
        let (first, second) =
            (guests.take(peer("10.0.0.1")).expect("room"), guests.take(peer("10.0.0.1")).expect("room"));
        let other = guests.take(peer("10.0.0.2")).expect("room");
        first.pass().known();
        let _third = guests.take(peer("10.0.0.1")).expect("the second one gives way");
        second.asked_to_leave().await;
        for (who, stay) in [("the known one", &first), ("the other peer's", &other)] {
            let asked = tokio::time::timeout(std::time::Duration::ZERO, stay.asked_to_leave()).await;
            assert!(asked.is_err(), "{who} stays");
        }
    }

    #[test]
    fn where_everybody_is_known_the_new_one_is_refused() {
        let guests = guests(2, 2);
        let stays: Vec<Stay> = (0..2).map(|_| guests.take(peer("10.0.0.1")).expect("room")).collect();
        for stay in &stays {
            stay.pass().known();
        }
        assert!(guests.take(peer("10.0.0.1")).is_none());
        assert!(guests.take(peer("10.0.0.9")).is_none(), "nor anybody else");
        drop(stays);
        assert!(guests.take(peer("10.0.0.9")).is_some(), "room again");
    }

    #[test]
    fn those_who_were_asked_to_leave_count_until_they_are_gone() {
        let guests = guests(4, 4);
        let stays: Vec<Option<Stay>> = (0..20).map(|_| guests.take(peer("10.0.0.1"))).collect();
        assert_eq!(stays.iter().flatten().count(), 5, "a quarter more than stay, whatever comes");
    }

    #[test]
    fn a_network_of_one_customer_is_one_peer() {
        assert_eq!(peer("2001:db8:1:2::1"), peer("2001:db8:1:2:ffff::9"));
        assert_ne!(peer("2001:db8:1:2::1"), peer("2001:db8:1:3::1"));
        assert_eq!(peer("::ffff:10.0.0.1"), peer("10.0.0.1"));
        assert_ne!(peer("::1"), peer("::2"));
    }
}
