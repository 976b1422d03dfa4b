//! The listening sockets of one driver, and their patience when descriptors run out.
//!
//! Where an accept has failed for want of descriptors, the next one would fail at once. So a listener waits: 10 ms first,
//! twice as long each time, a second at most, until an accept succeeds. How a listener is watched is each driver's own.

use crate::sys;
use crate::{ListenOptions, ListenerId, SocketOptions};
use std::io;
use std::net::SocketAddr;
use std::os::fd::OwnedFd;

const BACKOFF_FIRST_MS: u64 = 10;
const BACKOFF_LAST_MS: u64 = 1_000;

pub(super) struct Listener {
    /// Gone once the listener is stopped and its accept is over.
    pub(super) descriptor: Option<OwnedFd>,
    /// A multishot accept of io_uring's is in flight.
    pub(super) accepting: bool,
    pub(super) stopped: bool,
    backoff_ms: u64,
    retry_at_ns: Option<u64>,
}

impl Listener {
    pub(super) fn accepted(&mut self) {
        self.backoff_ms = BACKOFF_FIRST_MS;
    }

    pub(super) fn back_off(&mut self, now_ns: u64) {
        self.retry_at_ns = Some(now_ns + self.backoff_ms * 1_000_000);
        self.backoff_ms = (self.backoff_ms * 2).min(BACKOFF_LAST_MS);
    }

    /// Whether it waits after a failure.
    pub(super) fn is_resting(&self) -> bool {
        self.retry_at_ns.is_some()
    }

    /// Stops; the descriptor is closed at once if no accept holds it.
    pub(super) fn stop(&mut self) {
        self.stopped = true;
        self.retry_at_ns = None;
        if !self.accepting {
            self.descriptor = None;
        }
    }
}

/// All listeners that there ever were: they are few, and their numbers are not used again.
#[derive(Default)]
pub(super) struct Listeners(Vec<Listener>);

impl Listeners {
    pub(super) fn insert(&mut self, descriptor: OwnedFd) -> ListenerId {
        self.0.push(Listener {
            descriptor: Some(descriptor),
            accepting: false,
            stopped: false,
            backoff_ms: BACKOFF_FIRST_MS,
            retry_at_ns: None,
        });
        ListenerId(self.0.len() as u32 - 1)
    }

    pub(super) fn at_mut(&mut self, id: ListenerId) -> Option<&mut Listener> {
        self.0.get_mut(id.0 as usize)
    }

    pub(super) fn ids(&self) -> impl Iterator<Item = ListenerId> + use<> {
        (0..self.0.len() as u32).map(ListenerId)
    }

    /// When the next listener has waited long enough.
    pub(super) fn next_retry_ns(&self) -> Option<u64> {
        self.0
            .iter()
            .filter_map(|listener| listener.retry_at_ns)
            .min()
    }

    /// A listener that has waited long enough; it does not wait any more.
    pub(super) fn take_retry(&mut self, now_ns: u64) -> Option<ListenerId> {
        let due = |listener: &Listener| listener.retry_at_ns.is_some_and(|at_ns| at_ns <= now_ns);
        let index = self.0.iter().position(due)?;
        self.0[index].retry_at_ns = None;
        Some(ListenerId(index as u32))
    }

    /// Whether an accept is in flight anywhere.
    pub(super) fn in_flight(&self) -> bool {
        self.0.iter().any(|listener| listener.accepting)
    }
}

/// Opens a listening socket whose options its connections inherit.
pub(super) fn open(
    address: SocketAddr,
    options: &ListenOptions,
) -> io::Result<(OwnedFd, SocketAddr)> {
    let socket = sys::stream_socket(address)?;
    sys::set_option(&socket, libc::SOL_SOCKET, libc::SO_REUSEADDR, 1)?;
    if options.reuse_port {
        sys::set_option(&socket, libc::SOL_SOCKET, libc::SO_REUSEPORT, 1)?;
    }
    apply(&socket, &options.socket)?;
    sys::bind(&socket, address)?;
    sys::listen(&socket, options.backlog)?;
    let bound = sys::listener_address(&socket)?;
    Ok((socket, bound))
}

/// Sets what was chosen for a connection.
pub(super) fn apply(socket: &OwnedFd, options: &SocketOptions) -> io::Result<()> {
    sys::set_option(
        socket,
        libc::IPPROTO_TCP,
        libc::TCP_NODELAY,
        options.no_delay.into(),
    )?;
    if let Some(bytes) = options.send_buffer_bytes {
        sys::set_option(socket, libc::SOL_SOCKET, libc::SO_SNDBUF, bytes)?;
    }
    if let Some(bytes) = options.receive_buffer_bytes {
        sys::set_option(socket, libc::SOL_SOCKET, libc::SO_RCVBUF, bytes)?;
    }
    if let Some(timeout_ms) = options.user_timeout_ms {
        sys::set_option(
            socket,
            libc::IPPROTO_TCP,
            libc::TCP_USER_TIMEOUT,
            timeout_ms,
        )?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patience_grows_to_a_second_and_starts_anew_after_an_accept() {
        let mut listeners = Listeners::default();
        let id = listeners.insert(sys::event().unwrap());
        let mut now_ns = 0;
        let mut waits_ms = Vec::new();
        for _ in 0..9 {
            listeners.at_mut(id).unwrap().back_off(now_ns);
            let retry_ns = listeners.next_retry_ns().unwrap();
            assert_eq!(listeners.take_retry(retry_ns - 1), None);
            assert!(listeners.at_mut(id).unwrap().is_resting());
            assert_eq!(listeners.take_retry(retry_ns), Some(id));
            waits_ms.push((retry_ns - now_ns) / 1_000_000);
            now_ns = retry_ns;
        }
        assert!(!listeners.at_mut(id).unwrap().is_resting());
        assert_eq!(waits_ms, [10, 20, 40, 80, 160, 320, 640, 1_000, 1_000]);
        listeners.at_mut(id).unwrap().accepted();
        listeners.at_mut(id).unwrap().back_off(now_ns);
        assert_eq!(listeners.next_retry_ns(), Some(now_ns + 10_000_000));
    }
}
