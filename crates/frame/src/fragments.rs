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

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use proptest::prelude::*;

    use super::*;

    const LIMITS: Limits = Limits {
        message_bytes_max: 1000,
        fragments_max: 4,
    };

    fn frame(opcode: Opcode, fin: bool, payload_len: u64) -> Header {
        Header {
            fin,
            rsv: 0,
            opcode,
            mask: None,
            payload_len,
        }
    }

    fn text(fin: bool, payload_len: u64) -> Header {
        frame(Opcode::Text, fin, payload_len)
    }

    fn more(fin: bool, payload_len: u64) -> Header {
        frame(Opcode::Continuation, fin, payload_len)
    }

    /// Hands over all headers; the result of the last one, with all before it accepted.
    fn outcome(headers: &[Header]) -> Result<Option<Part>, Error> {
        let mut fragments = Fragments::new();
        let (last, before) = headers.split_last().unwrap();
        for header in before {
            fragments.on_frame(header, &LIMITS).unwrap();
        }
        fragments.on_frame(last, &LIMITS)
    }

    #[test]
    fn a_message_of_one_frame_is_first_and_last() {
        let mut fragments = Fragments::new();
        for opcode in [Opcode::Text, Opcode::Binary] {
            let part = fragments
                .on_frame(&frame(opcode, true, 7), &LIMITS)
                .unwrap();
            let whole = Part {
                message: opcode,
                first: true,
                last: true,
                message_bytes: 7,
            };
            assert_eq!(part, Some(whole));
            assert!(!fragments.is_inside_message());
        }
    }

    #[test]
    fn fragments_add_up_and_control_frames_pass_between_them() {
        let mut fragments = Fragments::new();
        let part = |first, last, message_bytes| {
            Ok(Some(Part {
                message: Opcode::Binary,
                first,
                last,
                message_bytes,
            }))
        };
        let start = frame(Opcode::Binary, false, 10);
        assert_eq!(fragments.on_frame(&start, &LIMITS), part(true, false, 10));
        for control in [Opcode::Ping, Opcode::Pong, Opcode::Close] {
            assert_eq!(
                fragments.on_frame(&frame(control, true, 125), &LIMITS),
                Ok(None)
            );
            assert!(fragments.is_inside_message());
        }
        assert_eq!(
            fragments.on_frame(&more(false, 20), &LIMITS),
            part(false, false, 30)
        );
        assert_eq!(
            fragments.on_frame(&more(true, 0), &LIMITS),
            part(false, true, 30)
        );
        assert!(!fragments.is_inside_message());
    }

    #[test]
    fn a_continuation_needs_a_message_and_a_message_needs_its_end() {
        assert_eq!(
            outcome(&[more(true, 0)]),
            Err(Error::ContinuationWithoutStart)
        );
        assert_eq!(
            outcome(&[more(false, 0)]),
            Err(Error::ContinuationWithoutStart)
        );
        let after_the_end = [text(false, 1), more(true, 1), more(true, 1)];
        assert_eq!(
            outcome(&after_the_end),
            Err(Error::ContinuationWithoutStart)
        );
        assert_eq!(
            outcome(&[text(false, 1), text(true, 1)]),
            Err(Error::MessageInterrupted)
        );
        let other_kind = [text(false, 1), frame(Opcode::Binary, true, 1)];
        assert_eq!(outcome(&other_kind), Err(Error::MessageInterrupted));
    }

    #[test]
    fn the_size_is_limited_over_all_frames_of_a_message() {
        for (last, fits) in [(499, true), (500, true), (501, false), (0, true)] {
            let result = outcome(&[text(false, 250), more(false, 250), more(true, last)]);
            assert_eq!(result.is_ok(), fits, "{last}");
            assert!(fits || result == Err(Error::MessageTooBig));
        }
        for (only, fits) in [(999, true), (1000, true), (1001, false)] {
            assert_eq!(outcome(&[text(true, only)]).is_ok(), fits, "{only}");
        }
        // The next message starts from nothing.
        assert!(outcome(&[text(true, 1000), text(false, 500), more(true, 500)]).is_ok());
    }

    #[test]
    fn a_declared_length_near_the_end_of_the_numbers_is_only_too_big() {
        let lengths = [
            (1 << 31) - 1,
            1 << 31,
            1 << 32,
            u64::MAX >> 1,
            usize::MAX as u64 - 14,
        ];
        for length in lengths {
            assert_eq!(outcome(&[text(true, length)]), Err(Error::MessageTooBig));
            assert_eq!(
                outcome(&[text(false, 1), more(true, length)]),
                Err(Error::MessageTooBig)
            );
        }
        // Without a limit to stop it earlier, the sum itself is checked.
        let no_limit = Limits {
            message_bytes_max: u64::MAX,
            fragments_max: u32::MAX,
        };
        let mut fragments = Fragments::new();
        for _ in 0..2 {
            let header = if fragments.is_inside_message() {
                more
            } else {
                text
            };
            fragments
                .on_frame(&header(false, u64::MAX >> 1), &no_limit)
                .unwrap();
        }
        assert!(fragments.on_frame(&more(false, 1), &no_limit).is_ok());
        assert_eq!(
            fragments.on_frame(&more(true, 1), &no_limit),
            Err(Error::MessageTooBig)
        );
    }

    /// ws CVE-2026-62389: a count that skips empty frames lets them come for ever.
    #[test]
    fn the_number_of_frames_is_limited_and_empty_ones_count() {
        for payload_len in [0, 1] {
            let mut headers: Vec<Header> = [text(false, payload_len)].into();
            headers.extend([more(false, payload_len); 2]);
            assert!(outcome(&headers).is_ok());
            headers.push(more(false, payload_len));
            assert!(outcome(&headers).is_ok());
            headers.push(more(true, payload_len));
            assert_eq!(outcome(&headers), Err(Error::TooManyFragments));
        }
    }

    #[test]
    fn a_refused_frame_leaves_the_message_as_it_was() {
        let mut fragments = Fragments::new();
        fragments.on_frame(&text(false, 600), &LIMITS).unwrap();
        assert!(fragments.on_frame(&more(true, 401), &LIMITS).is_err());
        let part = fragments
            .on_frame(&more(true, 400), &LIMITS)
            .unwrap()
            .unwrap();
        assert_eq!(part.message_bytes, 1000);
    }

    proptest! {
        /// A message cut into any frames within the limits is the same message.
        #[test]
        fn any_fragmentation_within_the_limits_is_accepted(
            sizes in prop::collection::vec(0..=250_u64, 1..=4),
            controls in prop::collection::vec(any::<bool>(), 4),
        ) {
            let mut fragments = Fragments::new();
            let mut parts = Vec::new();
            for (at, (&size, control)) in sizes.iter().zip(controls).enumerate() {
                let opcode = if at == 0 { Opcode::Text } else { Opcode::Continuation };
                if control {
                    let ping = frame(Opcode::Ping, true, 125);
                    prop_assert_eq!(fragments.on_frame(&ping, &LIMITS), Ok(None));
                }
                let header = frame(opcode, at + 1 == sizes.len(), size);
                parts.push(fragments.on_frame(&header, &LIMITS).unwrap().unwrap());
            }
            prop_assert!(parts.iter().all(|part| part.message == Opcode::Text));
            prop_assert_eq!(parts.iter().filter(|part| part.first).count(), 1);
            prop_assert_eq!(parts.iter().filter(|part| part.last).count(), 1);
            prop_assert_eq!(parts.last().unwrap().message_bytes, sizes.iter().sum::<u64>());
        }
    }
}
