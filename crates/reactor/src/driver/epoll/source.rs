//! Who an event is about, packed into the 64 bits that the kernel carries along.
//!
//! `generation (32) | index (32)` for a socket, whose index is below 2^31 because descriptors are; the upper half of the
//! indices belongs to listeners and to the event. An event of a socket that was closed since names a generation that has
//! passed, and is recognised by it.

use crate::{ListenerId, Socket};
use rustix::event::epoll::EventData;

const LISTENERS: u32 = 1 << 31;
const EVENT: u64 = u64::MAX;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Source {
    Socket(Socket),
    Listener(ListenerId),
    /// The event that wakers raise.
    Event,
}

impl Source {
    pub(super) fn to_data(self) -> EventData {
        EventData::new_u64(match self {
            Self::Socket(socket) => u64::from(socket.generation) << 32 | u64::from(socket.index),
            Self::Listener(ListenerId(number)) => u64::from(LISTENERS | number),
            Self::Event => EVENT,
        })
    }

    pub(super) fn of(data: EventData) -> Self {
        let bits = data.u64();
        let index = bits as u32;
        if bits == EVENT {
            Self::Event
        } else if index & LISTENERS != 0 {
            Self::Listener(ListenerId(index & !LISTENERS))
        } else {
            Self::Socket(Socket {
                index,
                generation: (bits >> 32) as u32,
            })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_source_survives_the_kernel() {
        let ends = [0, 1, LISTENERS - 1];
        for index in ends {
            for generation in [0, 1, u32::MAX] {
                let source = Source::Socket(Socket { index, generation });
                assert_eq!(Source::of(source.to_data()), source);
            }
            let source = Source::Listener(ListenerId(index));
            assert_eq!(Source::of(source.to_data()), source);
        }
        assert_eq!(Source::of(Source::Event.to_data()), Source::Event);
    }
}
