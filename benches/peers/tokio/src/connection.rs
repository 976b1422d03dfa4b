//! One client from its request to its end. One task reads; writing is the flusher's.

use std::convert::Infallible;
use std::future::ready;
use std::rc::Rc;

use fastwebsockets::{
    FragmentCollectorRead, Frame as Received, OpCode, Payload, Role, WebSocketError,
    after_handshake_split,
};
use tokio::net::TcpStream;
use tokio::net::tcp::OwnedReadHalf;

use crate::outbox::{Frame, Outbox};
use crate::rooms::{Room, Rooms};
use crate::upgrade;

const MESSAGE_BYTES_MAX: usize = 1 << 20;

/// The longest head of a server's frame (RFC 6455 section 5.2).
const HEAD_BYTES_MAX: usize = 10;

/// Serves a connection to its end.
pub(crate) async fn serve(mut stream: TcpStream, rooms: &Rooms) -> Result<(), WebSocketError> {
    let Some(wish) = upgrade::accept(&mut stream).await? else {
        return Ok(());
    };
    let room = rooms.room(wish.topic);
    let (read, write) = stream.into_split();
    let outbox = Rc::new(Outbox::new(write));
    if wish.subscribes {
        room.borrow_mut().push(Rc::clone(&outbox));
    }
    let (mut reader, _) = after_handshake_split(read, tokio::io::sink(), Role::Server);
    reader.set_max_message_size(MESSAGE_BYTES_MAX);
    let ended = publish_all(FragmentCollectorRead::new(reader), rooms, &room, &outbox).await;
    room.borrow_mut()
        .retain(|other| !Rc::ptr_eq(other, &outbox));
    // The answer to a close, if there is one.
    outbox.flush_patiently().await;
    ended
}

/// Publishes what the client sends until it goes, or reads too slowly.
async fn publish_all(
    mut reader: FragmentCollectorRead<OwnedReadHalf>,
    rooms: &Rooms,
    room: &Room,
    outbox: &Rc<Outbox>,
) -> Result<(), WebSocketError> {
    // Pongs, and the answer to a close.
    let mut answer = |frame: Received<'static>| {
        rooms.send(outbox, &encode(frame));
        ready(Ok::<(), Infallible>(()))
    };
    loop {
        let frame = reader.read_frame(&mut answer).await?;
        match frame.opcode {
            OpCode::Text | OpCode::Binary => rooms.publish(room, &encode(frame)),
            OpCode::Close => return Ok(()),
            _ => {}
        }
    }
}

/// The frame as every subscriber gets it.
fn encode(received: Received<'_>) -> Frame {
    let payload = Payload::Borrowed(&received.payload);
    let mut head = [0; HEAD_BYTES_MAX];
    let head_bytes = Received::new(true, received.opcode, None, payload).fmt_head(&mut head);
    let mut frame = Vec::with_capacity(head_bytes + received.payload.len());
    frame.extend_from_slice(&head[..head_bytes]);
    frame.extend_from_slice(&received.payload);
    frame.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each form of the length is written as RFC 6455 section 5.2 wants it.
    #[test]
    fn frames_are_encoded_with_the_shortest_length() {
        for (length, head) in [
            (5, &[0x82, 5][..]),
            (300, &[0x82, 126, 1, 44][..]),
            (65_536, &[0x82, 127, 0, 0, 0, 0, 0, 1, 0, 0][..]),
        ] {
            let payload = vec![7; length];
            let frame = encode(Received::binary(Payload::Borrowed(&payload)));
            assert_eq!(&frame[..head.len()], head);
            assert!(frame[head.len()..] == payload[..]);
        }
    }
}
