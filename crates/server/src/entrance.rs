//! How many connections may be inside, in all and from one address.
//!
//! Asked once when a connection comes and told once when it goes, by every core; nothing here is on
//! the way of a message. Addresses are counted only where the configuration bounds them.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use session::Reason;

/// The bounds, as configured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EntranceLimits {
    /// Connections of the node; 0 for as many as it has room for.
    pub connections_max: usize,
    /// Connections from one address; 0 for any number.
    pub per_address_max: usize,
}

/// A connection that is inside: to be given back when it ends.
#[derive(Debug, Default)]
#[must_use = "a guest that does not leave takes a place for ever"]
pub struct Guest {
    /// Under which it is counted, if addresses are.
    pub address: Option<IpAddr>,
}

/// The door of one node.
#[derive(Debug)]
pub struct Entrance {
    /// What the process's descriptors suffice for.
    room: AtomicUsize,
    inside: AtomicUsize,
    by_address: Mutex<HashMap<IpAddr, usize>>,
    refused: AtomicU64,
}

impl Default for Entrance {
    fn default() -> Self {
        Self {
            room: AtomicUsize::new(usize::MAX),
            inside: AtomicUsize::new(0),
            by_address: Mutex::default(),
            refused: AtomicU64::new(0),
        }
    }
}

impl Entrance {
    /// How many connections fit, whatever is configured.
    pub fn set_room(&self, connections: usize) {
        self.room.store(connections, Ordering::Relaxed);
    }

    /// Lets a connection in. Its peer's address is asked for only where it matters; it is unknown
    /// if the peer is gone already.
    ///
    /// # Errors
    /// The limit that is reached.
    pub fn admit(
        &self,
        limits: EntranceLimits,
        peer: impl FnOnce() -> Option<IpAddr>,
    ) -> Result<Guest, Reason> {
        let most = match limits.connections_max {
            0 => usize::MAX,
            connections_max => connections_max,
        }
        .min(self.room.load(Ordering::Relaxed));
        let enter = |inside: usize| (inside < most).then_some(inside + 1);
        self.inside
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, enter)
            .map_err(|_| Reason::ConnectionLimit)?;
        if limits.per_address_max == 0 {
            return Ok(Guest::default());
        }
        let Some(address) = peer().map(counted) else {
            return Ok(Guest::default());
        };
        let mut by_address = self.addresses();
        let count = by_address.entry(address).or_default();
        if *count >= limits.per_address_max {
            self.inside.fetch_sub(1, Ordering::Relaxed);
            return Err(Reason::AddressLimit);
        }
        *count += 1;
        Ok(Guest {
            address: Some(address),
        })
    }

    /// A connection that was let in is gone.
    pub fn leave(&self, guest: Guest) {
        self.inside.fetch_sub(1, Ordering::Relaxed);
        let Some(address) = guest.address else {
            return;
        };
        let mut by_address = self.addresses();
        if let Some(count) = by_address.get_mut(&address) {
            *count -= 1;
            if *count == 0 {
                by_address.remove(&address);
            }
        }
    }

    /// Counts a refusal: how many there were.
    pub fn refused(&self) -> u64 {
        self.refused.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// No core holds this over anything that can panic.
    fn addresses(&self) -> MutexGuard<'_, HashMap<IpAddr, usize>> {
        self.by_address
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// What stands for one client: an IPv4 address, or the 64 bits of an IPv6 address that its network
/// gives out (RFC 4291 section 2.5.4), for whoever has one of those addresses has all.
fn counted(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() >> 64 << 64).into(),
        v4 => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits(connections_max: usize, per_address_max: usize) -> EntranceLimits {
        EntranceLimits {
            connections_max,
            per_address_max,
        }
    }

    fn from(entrance: &Entrance, limits: EntranceLimits, address: &str) -> Result<Guest, Reason> {
        entrance.admit(limits, || Some(address.parse().unwrap()))
    }

    fn unasked() -> Option<IpAddr> {
        unreachable!("nobody bounds addresses")
    }

    #[test]
    fn as_many_come_in_as_the_limit_and_the_next_after_one_has_left() {
        for (limit, room) in [(3, usize::MAX), (0, 3), (5, 3), (3, 5)] {
            let entrance = Entrance::default();
            entrance.set_room(room);
            let limits = limits(limit, 0);
            let mut inside: Vec<_> = (0..3)
                .map(|_| entrance.admit(limits, unasked).unwrap())
                .collect();
            for _ in 0..2 {
                let refused = entrance.admit(limits, unasked).unwrap_err();
                assert_eq!(refused, Reason::ConnectionLimit);
            }
            entrance.leave(inside.pop().unwrap());
            inside.push(entrance.admit(limits, unasked).unwrap());
            assert!(entrance.admit(limits, unasked).is_err());
        }
    }

    #[test]
    fn an_address_has_its_own_limit_and_a_refusal_takes_no_place() {
        let entrance = Entrance::default();
        let limits = limits(4, 2);
        let first = from(&entrance, limits, "10.0.0.1").unwrap();
        let _second = from(&entrance, limits, "10.0.0.1").unwrap();
        for _ in 0..5 {
            let refused = from(&entrance, limits, "10.0.0.1").unwrap_err();
            assert_eq!(refused, Reason::AddressLimit);
        }
        let _third = from(&entrance, limits, "10.0.0.2").unwrap();
        let _fourth = from(&entrance, limits, "10.0.0.2").unwrap();
        let refused = from(&entrance, limits, "10.0.0.3").unwrap_err();
        assert_eq!(refused, Reason::ConnectionLimit);
        entrance.leave(first);
        let _fifth = from(&entrance, limits, "10.0.0.1").unwrap();
    }

    #[test]
    fn addresses_that_one_client_can_choose_among_are_one() {
        let entrance = Entrance::default();
        let limits = limits(0, 1);
        let _guest = from(&entrance, limits, "2001:db8:1:2::1").unwrap();
        assert!(from(&entrance, limits, "2001:db8:1:2:ffff::2").is_err());
        let _guest = from(&entrance, limits, "2001:db8:1:3::1").unwrap();
        let _guest = from(&entrance, limits, "10.0.0.1").unwrap();
        assert!(from(&entrance, limits, "::ffff:10.0.0.1").is_err());
    }

    #[test]
    fn nothing_is_kept_of_those_who_left_and_a_limit_may_change_meanwhile() {
        let entrance = Entrance::default();
        let counted = from(&entrance, limits(0, 1), "10.0.0.1").unwrap();
        let uncounted = entrance.admit(limits(0, 0), unasked).unwrap();
        entrance.leave(uncounted);
        entrance.leave(counted);
        assert!(entrance.addresses().is_empty());
        assert_eq!(entrance.inside.load(Ordering::Relaxed), 0);
    }
}
