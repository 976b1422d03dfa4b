//! From bytes to whole messages and control frames.
//!
//! The way that nearly all traffic takes is short: a frame that is a whole message lies whole in
//! the input, is unmasked there, checked, and handed out as a borrow. Everything else (a frame or
//! its header cut by the end of a read, fragments) goes through a [`Partial`], which exists only
//! while something is incomplete. It holds bytes that arrived, never room for bytes that were
//! declared.

use super::event::{Failure, Kind};
use super::{Input, Role};
use crate::limits::compressed_bytes_max;
use frame::{Fragments, Header, Limits, Opcode, Part, Utf8Stream, mask};
use std::borrow::Cow;
use std::fmt;

/// Reads the frames of one connection.
#[derive(Clone, Debug, Default)]
pub(super) struct Reader {
    partial: Option<Box<Partial>>,
}

/// What a reader needs to know about its connection.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rules<'c> {
    pub(super) role: Role,
    pub(super) limits: &'c Limits,
    /// Messages may be compressed.
    pub(super) deflate: bool,
    /// This end has sent its Close: messages are not wanted any more.
    pub(super) discard_messages: bool,
}

/// One frame was read to its end.
#[derive(Debug)]
pub(super) enum Read<'i> {
    Message(Kind, Cow<'i, [u8]>),
    /// A whole message as it was sent: neither inflated nor checked.
    Compressed(Kind, Cow<'i, [u8]>),
    Control(Opcode, Cow<'i, [u8]>),
    /// A frame after which there is nothing to tell: the message goes on, or nobody wants it.
    Nothing,
}

/// A frame whose header was read and judged.
#[derive(Clone, Debug)]
struct Frame {
    header: Header,
    /// `None` for a control frame.
    part: Option<Part>,
    /// It belongs to a compressed message.
    compressed: bool,
    /// Payload bytes that were read.
    taken_bytes: usize,
}

impl Frame {
    fn left_bytes(&self) -> usize {
        // A frame that is longer than memory can hold is over any limit, and was refused.
        usize::try_from(self.header.payload_len).unwrap_or(usize::MAX) - self.taken_bytes
    }

    /// Whether the payload needs nothing from other frames.
    fn is_alone(&self) -> bool {
        self.part.is_none_or(|part| part.first && part.last)
    }
}

/// What is incomplete.
#[derive(Clone, Default)]
struct Partial {
    header: [u8; Header::BYTES_MAX],
    header_bytes: usize,
    frame: Option<Frame>,
    fragments: Fragments,
    /// The open message is compressed.
    compressed: bool,
    utf8: Utf8Stream,
    /// The message so far, unmasked.
    message: Vec<u8>,
    /// The payload of a control frame so far, unmasked: it may come inside a message.
    control: Vec<u8>,
}

/// How much there is, not what: no log is to show a payload.
impl fmt::Debug for Partial {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Partial")
            .field("header_bytes", &self.header_bytes)
            .field("frame", &self.frame)
            .field("fragments", &self.fragments)
            .field("compressed", &self.compressed)
            .field("message_bytes", &self.message.len())
            .field("control_bytes", &self.control.len())
            .finish_non_exhaustive()
    }
}

impl Reader {
    /// Reads up to the end of one frame; `None` when the input ends before that.
    #[inline]
    pub(super) fn next<'i>(
        &mut self,
        rules: Rules<'_>,
        input: &mut Input<'i>,
    ) -> Result<Option<Read<'i>>, Failure> {
        let open = self
            .partial
            .as_mut()
            .and_then(|partial| partial.frame.take());
        let frame = match open {
            Some(frame) => frame,
            None => match self.header(input)? {
                Some(header) => self.begin(header, rules)?,
                None => return Ok(None),
            },
        };
        let lies_whole =
            frame.taken_bytes == 0 && frame.is_alone() && frame.left_bytes() <= input.len();
        if !lies_whole {
            return self.collect(frame, rules, input);
        }
        let payload = input.take(frame.left_bytes());
        self.release();
        if let Some(key) = frame.header.mask {
            mask::apply(payload, key, 0);
        }
        read_alone(&frame, rules, payload).map(Some)
    }

    /// Drops the message that is being assembled: it will not be delivered.
    pub(super) fn discard_message(&mut self) {
        if let Some(partial) = &mut self.partial {
            partial.message = Vec::new();
        }
    }

    /// Drops everything: nothing more will be read.
    pub(super) fn discard(&mut self) {
        self.partial = None;
    }

    /// Takes a header from the input, and from where the start of it was kept.
    #[inline]
    fn header(&mut self, input: &mut Input<'_>) -> Result<Option<Header>, Failure> {
        if let Some(partial) = self
            .partial
            .as_mut()
            .filter(|partial| partial.header_bytes > 0)
        {
            return partial.header(input);
        }
        if let Some((header, length)) = Header::decode(input.peek())? {
            input.take(length);
            return Ok(Some(header));
        }
        if input.is_empty() {
            return Ok(None);
        }
        self.partial.get_or_insert_default().header(input)
    }

    /// Judges a header: its payload is not read before.
    #[inline]
    fn begin(&mut self, header: Header, rules: Rules<'_>) -> Result<Frame, Failure> {
        match (rules.role, header.mask) {
            (Role::Server, None) => return Err(Failure::Unmasked),
            (Role::Client, Some(_)) => return Err(Failure::Masked),
            _ => {}
        }
        let compressed = self.is_compressed(&header, rules)?;
        let part = if compressed {
            let message_bytes_max = compressed_bytes_max(rules.limits.message_bytes_max);
            let limits = Limits {
                message_bytes_max,
                ..*rules.limits
            };
            self.place(&header, &limits, true)?
        } else {
            self.place(&header, rules.limits, false)?
        };
        Ok(Frame {
            header,
            part,
            compressed,
            taken_bytes: 0,
        })
    }

    /// RFC 7692 section 6: RSV1 says so on the first frame of a message, and on no other frame.
    #[inline]
    fn is_compressed(&self, header: &Header, rules: Rules<'_>) -> Result<bool, Failure> {
        match (header.rsv, header.opcode) {
            (0, Opcode::Continuation) => Ok(self
                .partial
                .as_ref()
                .is_some_and(|partial| partial.compressed)),
            (0, _) => Ok(false),
            (Header::RSV1, Opcode::Text | Opcode::Binary) if rules.deflate => Ok(true),
            _ => Err(Failure::ReservedBits),
        }
    }

    /// Where the frame stands in its message.
    #[inline]
    fn place(
        &mut self,
        header: &Header,
        limits: &Limits,
        compressed: bool,
    ) -> Result<Option<Part>, frame::Error> {
        let partial = match &mut self.partial {
            Some(partial) => partial,
            None => {
                let mut fragments = Fragments::new();
                let part = fragments.on_frame(header, limits)?;
                if fragments.is_inside_message() {
                    let partial = self.partial.get_or_insert_default();
                    partial.fragments = fragments;
                    partial.compressed = compressed;
                }
                return Ok(part);
            }
        };
        let part = partial.fragments.on_frame(header, limits)?;
        if part.is_some_and(|part| part.first) {
            partial.compressed = compressed;
        }
        Ok(part)
    }

    /// The longer way: bytes are kept until the frame, and then the message, is whole.
    fn collect<'i>(
        &mut self,
        mut frame: Frame,
        rules: Rules<'_>,
        input: &mut Input<'i>,
    ) -> Result<Option<Read<'i>>, Failure> {
        let partial = self.partial.get_or_insert_default();
        let payload = input.take(input.len().min(frame.left_bytes()));
        partial.take(&mut frame, rules, payload)?;
        if frame.left_bytes() > 0 {
            partial.frame = Some(frame);
            return Ok(None);
        }
        let read = partial.finish(&frame, rules)?;
        self.release();
        Ok(Some(read))
    }

    /// Frees the state when nothing is incomplete.
    #[inline]
    fn release(&mut self) {
        if self
            .partial
            .as_ref()
            .is_some_and(|partial| !partial.fragments.is_inside_message())
        {
            self.partial = None;
        }
    }
}

/// A frame that lay whole in the input and needs no other.
#[inline]
fn read_alone<'i>(frame: &Frame, rules: Rules<'_>, payload: &'i [u8]) -> Result<Read<'i>, Failure> {
    match frame.part {
        None => Ok(Read::Control(frame.header.opcode, Cow::Borrowed(payload))),
        Some(_) if rules.discard_messages => Ok(Read::Nothing),
        Some(part) if frame.compressed => Ok(Read::Compressed(
            Kind::of(part.message),
            Cow::Borrowed(payload),
        )),
        Some(Part {
            message: Opcode::Text,
            ..
        }) => {
            let mut utf8 = Utf8Stream::new();
            utf8.push(payload)?;
            utf8.finish()?;
            Ok(Read::Message(Kind::Text, Cow::Borrowed(payload)))
        }
        Some(_) => Ok(Read::Message(Kind::Binary, Cow::Borrowed(payload))),
    }
}

impl Partial {
    /// Adds to the header that was cut, one byte at a time: it is at most fourteen.
    fn header(&mut self, input: &mut Input<'_>) -> Result<Option<Header>, Failure> {
        while !input.is_empty() {
            self.header[self.header_bytes] = input.take(1)[0];
            self.header_bytes += 1;
            if let Some((header, _)) = Header::decode(&self.header[..self.header_bytes])? {
                self.header_bytes = 0;
                return Ok(Some(header));
            }
        }
        Ok(None)
    }

    /// Keeps the next bytes of the frame's payload, and checks text while they come: RFC 6455
    /// section 8.1 fails a connection on bad text, and waiting for the rest of it serves nobody.
    fn take(&mut self, frame: &mut Frame, rules: Rules<'_>, payload: &[u8]) -> Result<(), Failure> {
        let offset = frame.taken_bytes;
        frame.taken_bytes += payload.len();
        let target = match frame.part {
            None => &mut self.control,
            Some(_) if rules.discard_messages => return Ok(()),
            Some(_) => &mut self.message,
        };
        let before = target.len();
        match frame.header.mask {
            Some(key) => mask::apply_copy(payload, target, key, offset),
            None => target.extend_from_slice(payload),
        }
        if !frame.compressed && frame.part.is_some_and(|part| part.message == Opcode::Text) {
            self.utf8.push(&self.message[before..])?;
        }
        Ok(())
    }

    /// The frame's payload is whole.
    fn finish(&mut self, frame: &Frame, rules: Rules<'_>) -> Result<Read<'static>, Failure> {
        let Some(part) = frame.part else {
            return Ok(Read::Control(
                frame.header.opcode,
                Cow::Owned(std::mem::take(&mut self.control)),
            ));
        };
        if !part.last || rules.discard_messages {
            return Ok(Read::Nothing);
        }
        let kind = Kind::of(part.message);
        let message = Cow::Owned(std::mem::take(&mut self.message));
        if frame.compressed {
            return Ok(Read::Compressed(kind, message));
        }
        if kind == Kind::Text {
            self.utf8.finish()?;
        }
        Ok(Read::Message(kind, message))
    }
}
