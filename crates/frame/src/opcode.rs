//! The opcode registry of RFC 6455 section 11.8.
//!
//! Only registered opcodes have a value here. The reserved ones (3 to 7, 0xb to 0xf) have no
//! meaning without an extension that defines them, and no registered extension does.

/// What a frame carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Opcode {
    /// More of the message that an earlier frame began.
    Continuation = 0x0,
    /// The first frame of a message of UTF-8 text.
    Text = 0x1,
    /// The first frame of a message of bytes.
    Binary = 0x2,
    /// The end of the connection, with a code and a reason.
    Close = 0x8,
    /// A question that a [`Pong`](Opcode::Pong) with the same payload answers.
    Ping = 0x9,
    /// The answer to a ping, or a heartbeat that nobody asked for.
    Pong = 0xa,
}

impl Opcode {
    /// The opcode that the low four bits of a header's first byte name; `None` if reserved.
    #[inline]
    pub const fn from_bits(bits: u8) -> Option<Opcode> {
        match bits {
            0x0 => Some(Opcode::Continuation),
            0x1 => Some(Opcode::Text),
            0x2 => Some(Opcode::Binary),
            0x8 => Some(Opcode::Close),
            0x9 => Some(Opcode::Ping),
            0xa => Some(Opcode::Pong),
            _ => None,
        }
    }

    /// The four bits on the wire.
    #[inline]
    pub const fn bits(self) -> u8 {
        self as u8
    }

    /// Whether frames of this opcode control the connection, and may stand between the fragments
    /// of a message (RFC 6455 section 5.5).
    #[inline]
    pub const fn is_control(self) -> bool {
        self.bits() & 0x8 != 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_registry_is_complete_and_nothing_else_has_a_meaning() {
        let registry = [
            (0x0, Opcode::Continuation, false),
            (0x1, Opcode::Text, false),
            (0x2, Opcode::Binary, false),
            (0x8, Opcode::Close, true),
            (0x9, Opcode::Ping, true),
            (0xa, Opcode::Pong, true),
        ];
        for bits in 0..=u8::MAX {
            let entry = registry.iter().find(|entry| entry.0 == bits);
            assert_eq!(
                Opcode::from_bits(bits),
                entry.map(|entry| entry.1),
                "{bits:#x}"
            );
        }
        for (bits, opcode, control) in registry {
            assert_eq!(opcode.bits(), bits);
            assert_eq!(opcode.is_control(), control);
        }
    }
}
