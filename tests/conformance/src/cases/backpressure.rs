//! Peers that write and do not read, until the endpoint stops reading from them.
//!
//! Only a running server can be judged by these: the bounds are those of its queues and of the
//! kernel's. What was held back must come whole and in order once the peer reads.

use super::{FrameCase, MESSAGE_BYTES_MAX, noise};
use crate::wire::{Frame, Heard, binary, ping};

/// More than any kernel's buffers hold on both sides together.
const FLOOD_BYTES: usize = 48 << 20;

const SECTION: &str = "RFC 6455 section 10.4";

pub(super) fn cases() -> Vec<FrameCase> {
    vec![
        FrameCase::lives(
            "backpressure/large_messages",
            SECTION,
            &messages(),
            echoes(),
        ),
        FrameCase::ends(
            "backpressure/failure_behind_large_messages",
            SECTION,
            &[messages(), vec![Frame::new(0x3, "")]].concat(),
            [echoes(), vec![Heard::Close(Some(1002))]].concat(),
        ),
        FrameCase::lives(
            "backpressure/pings_between_large_messages",
            SECTION,
            &messages()
                .into_iter()
                .flat_map(|frame| [ping("p"), frame])
                .collect::<Vec<_>>(),
            echoes()
                .into_iter()
                .flat_map(|heard| [Heard::Pong(b"p".into()), heard])
                .collect(),
        ),
    ]
}

fn messages() -> Vec<Frame> {
    let message = binary(noise(MESSAGE_BYTES_MAX));
    vec![message; FLOOD_BYTES / MESSAGE_BYTES_MAX]
}

fn echoes() -> Vec<Heard> {
    let echo = Heard::Binary(noise(MESSAGE_BYTES_MAX));
    vec![echo; FLOOD_BYTES / MESSAGE_BYTES_MAX]
}
