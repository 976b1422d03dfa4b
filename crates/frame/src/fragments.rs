//! The rules between the frames of one message (RFC 6455 section 5.4).
//!
//! [`Fragments`] sees each header once, in order, before any byte of its payload: a message that
//! would be too big is refused from the declared lengths alone. It holds no payload, and it lets
//! control frames pass at any place.

use crate::{Error, Header, Limits, Opcode};

/// The message that is open between frames, if there is one.
#[derive(Clone, Debug, Default)]
pub struct Fragments {
    message: Option<Opcode>,
    frames: u32,
    bytes: u64,
}

/// Where a data frame stands in its message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part {
    /// What the message is: [`Opcode::Text`] or [`Opcode::Binary`], never a continuation.
    pub message: Opcode,
    /// The frame begins the message.
    pub first: bool,
    /// The frame ends the message.
    pub last: bool,
    /// Payload bytes of the message up to and with this frame, at most `message_bytes_max`.
    pub message_bytes: u64,
}

impl Fragments {
    /// Between two messages, as a connection starts.
    pub const fn new() -> Fragments {
        Fragments {
            message: None,
            frames: 0,
            bytes: 0,
        }
    }

    /// Whether a message has begun and not ended.
    #[inline]
    pub const fn is_inside_message(&self) -> bool {
        self.message.is_some()
    }

    /// Takes the next header of the connection. `None` for a control frame, which belongs to no
    /// message.
    ///
    /// # Errors
    ///
    /// [`Error::ContinuationWithoutStart`], [`Error::MessageInterrupted`],
    /// [`Error::TooManyFragments`] or [`Error::MessageTooBig`]; the open message stays as it was.
    #[inline]
    pub fn on_frame(&mut self, header: &Header, limits: &Limits) -> Result<Option<Part>, Error> {
        if header.opcode.is_control() {
            return Ok(None);
        }
        let first = self.message.is_none();
        let message = match (header.opcode, self.message) {
            (Opcode::Continuation, Some(message)) => message,
            (Opcode::Continuation, None) => return Err(Error::ContinuationWithoutStart),
            (opcode, None) => opcode,
            (_, Some(_)) => return Err(Error::MessageInterrupted),
        };
        if self.frames >= limits.fragments_max {
            return Err(Error::TooManyFragments);
        }
        let bytes = self
            .bytes
            .checked_add(header.payload_len)
            .ok_or(Error::MessageTooBig)?;
        if bytes > limits.message_bytes_max {
            return Err(Error::MessageTooBig);
        }
        *self = if header.fin {
            Fragments::new()
        } else {
            Fragments {
                message: Some(message),
                frames: self.frames + 1,
                bytes,
            }
        };
        Ok(Some(Part {
            message,
            first,
            last: header.fin,
            message_bytes: bytes,
        }))
    }
}
