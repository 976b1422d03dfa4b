//! Who listens where, and what is to be sent there at the end of a turn.
//!
//! Both servers stand on it: connections are numbers, bytes come in, and each topic that something was
//! published to in a turn has one contiguous batch of frames to send.

use std::collections::HashMap;

use crate::wire;

/// Every topic.
#[derive(Default)]
pub(crate) struct Hub {
    names: HashMap<String, usize>,
    rooms: Vec<Room>,
    touched: Vec<usize>,
}

/// One topic: its subscribers, and this turn's frames.
#[derive(Default)]
struct Room {
    subscribers: Vec<usize>,
    batch: Vec<u8>,
}

/// What the hub keeps of one connection.
#[derive(Default)]
pub(crate) struct Peer {
    room: Option<usize>,
    /// The beginning of a request or frame whose rest is still to come.
    partial: Vec<u8>,
}

/// What is to be done after bytes were received.
pub(crate) enum Outcome {
    Nothing,
    Answer(Vec<u8>),
    End,
}

impl Hub {
    /// Takes what connection `index` sent.
    pub(crate) fn receive(&mut self, index: usize, peer: &mut Peer, bytes: &[u8]) -> Outcome {
        if peer.partial.is_empty() {
            return self.take(index, peer, bytes);
        }
        let mut whole = std::mem::take(&mut peer.partial);
        whole.extend_from_slice(bytes);
        self.take(index, peer, &whole)
    }

    /// Forgets connection `index`.
    pub(crate) fn leave(&mut self, index: usize, peer: &Peer) {
        if let Some(room) = peer.room {
            self.rooms[room]
                .subscribers
                .retain(|subscriber| *subscriber != index);
        }
    }

    /// Ends the turn: hands each touched topic's batch to `send`, together with its subscribers; what `send`
    /// leaves of the batch is cleared and its memory used again.
    pub(crate) fn end_turn(&mut self, mut send: impl FnMut(&[usize], &mut Vec<u8>)) {
        for room in self.touched.drain(..) {
            let room = &mut self.rooms[room];
            send(&room.subscribers, &mut room.batch);
            room.batch.clear();
        }
    }

    fn take(&mut self, index: usize, peer: &mut Peer, bytes: &[u8]) -> Outcome {
        let Some(room) = peer.room else {
            return self.join(index, peer, bytes);
        };
        let batch = &mut self.rooms[room].batch;
        let was_empty = batch.is_empty();
        let taken = wire::reframe(bytes, batch);
        if was_empty && !batch.is_empty() {
            self.touched.push(room);
        }
        peer.partial.extend_from_slice(&bytes[taken.bytes..]);
        if taken.closed {
            Outcome::End
        } else {
            Outcome::Nothing
        }
    }

    fn join(&mut self, index: usize, peer: &mut Peer, bytes: &[u8]) -> Outcome {
        let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") else {
            peer.partial.extend_from_slice(bytes);
            return Outcome::Nothing;
        };
        let Some(upgrade) = wire::upgrade(&bytes[..end]) else {
            return Outcome::End;
        };
        let new = self.rooms.len();
        let room = *self.names.entry(upgrade.topic).or_insert(new);
        if room == new {
            self.rooms.push(Room::default());
        }
        if upgrade.subscribes {
            self.rooms[room].subscribers.push(index);
        }
        peer.room = Some(room);
        // A client speaks only after it was answered; what it sent all the same waits for its next bytes.
        peer.partial.extend_from_slice(&bytes[end + 4..]);
        Outcome::Answer(upgrade.answer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn joined(hub: &mut Hub, index: usize, target: &str) -> Peer {
        let mut peer = Peer::default();
        let request = format!("GET {target} HTTP/1.1\r\nSec-WebSocket-Key: a\r\n\r\n");
        let (first, second) = request.split_at(20);
        assert!(matches!(
            hub.receive(index, &mut peer, first.as_bytes()),
            Outcome::Nothing
        ));
        assert!(matches!(
            hub.receive(index, &mut peer, second.as_bytes()),
            Outcome::Answer(_)
        ));
        peer
    }

    /// A turn's messages of a topic leave as one batch to its subscribers, not to publishers and those who left.
    #[test]
    fn a_turn_makes_one_batch_for_each_topic() {
        let mut hub = Hub::default();
        let _one = joined(&mut hub, 1, "/t/a");
        let two = joined(&mut hub, 2, "/t/a");
        let _other = joined(&mut hub, 3, "/t/b");
        let mut publisher = joined(&mut hub, 4, "/t/a?mode=pub");
        hub.leave(2, &two);
        let frame = [0x81, 0x81, 0, 0, 0, 0, b'x'];
        hub.receive(4, &mut publisher, &frame);
        hub.receive(4, &mut publisher, &frame[..3]);
        hub.receive(4, &mut publisher, &frame[3..]);
        let mut sent = Vec::new();
        hub.end_turn(|subscribers, batch| sent.push((subscribers.to_vec(), batch.clone())));
        assert_eq!(sent, [(vec![1], vec![0x81, 1, b'x', 0x81, 1, b'x'])]);
        hub.end_turn(|_, _| panic!("the second turn has nothing to send"));
    }
}
