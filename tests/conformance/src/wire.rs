//! Frames as this suite writes and reads them: byte by byte, as right or as wrong as a case wants.
//!
//! Nothing here is shared with the crates under test, and nothing is fast: each line is meant to be
//! compared with RFC 6455 section 5.2 by eye.

use crate::compress::inflated;
use std::fmt;
use std::io::{ErrorKind, Read};

/// The opcodes that have a meaning.
pub const CONTINUATION: u8 = 0x0;
/// See [`CONTINUATION`].
pub const TEXT: u8 = 0x1;
/// See [`CONTINUATION`].
pub const BINARY: u8 = 0x2;
/// See [`CONTINUATION`].
pub const CLOSE: u8 = 0x8;
/// See [`CONTINUATION`].
pub const PING: u8 = 0x9;
/// See [`CONTINUATION`].
pub const PONG: u8 = 0xa;

/// The key of frames that do not say another one.
const KEY: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];

/// No case makes an endpoint say more in one frame.
const PAYLOAD_BYTES_MAX: usize = 1 << 24;

/// Which end puts a frame on the wire: clients mask, servers do not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sender {
    /// Masks each frame.
    Client,
    /// Masks none.
    Server,
}

impl Sender {
    /// The other end.
    pub fn peer(self) -> Self {
        match self {
            Self::Client => Self::Server,
            Self::Server => Self::Client,
        }
    }
}

/// How a frame's length is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Length {
    /// In the fewest bytes.
    Minimal,
    /// In two bytes after 126.
    In16Bits,
    /// In eight bytes after 127.
    In64Bits,
}

/// How much of a frame is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cut {
    Whole,
    /// That many bytes.
    Bytes(usize),
    /// The header and that many bytes of payload.
    PayloadBytes(usize),
}

/// One frame that a case sends.
#[derive(Clone)]
pub struct Frame {
    first_byte: u8,
    key: [u8; 4],
    /// Masked by the wrong end, or unmasked by the wrong one.
    wrong_mask: bool,
    length: Length,
    /// Another length than the payload has.
    declared: Option<u64>,
    payload: Vec<u8>,
    /// What is sent of it.
    cut: Cut,
}

impl Frame {
    /// A frame that ends its message.
    pub fn new(opcode: u8, payload: impl AsRef<[u8]>) -> Self {
        Self {
            first_byte: 0x80 | opcode,
            key: KEY,
            wrong_mask: false,
            length: Length::Minimal,
            declared: None,
            payload: payload.as_ref().to_vec(),
            cut: Cut::Whole,
        }
    }

    /// More frames of the message follow.
    pub fn unfinished(mut self) -> Self {
        self.first_byte &= 0x7f;
        self
    }

    /// Sets reserved bits: 4 is RSV1, 2 is RSV2, 1 is RSV3.
    pub fn reserved(mut self, bits: u8) -> Self {
        self.first_byte |= bits << 4;
        self
    }

    /// Masks with that key.
    pub fn key(mut self, key: [u8; 4]) -> Self {
        self.key = key;
        self
    }

    /// A client's frame without a mask, or a server's with one.
    pub fn wrong_mask(mut self) -> Self {
        self.wrong_mask = true;
        self
    }

    /// Writes the length in two bytes whatever it is.
    pub fn length_in_16_bits(mut self) -> Self {
        self.length = Length::In16Bits;
        self
    }

    /// Writes the length in eight bytes whatever it is.
    pub fn length_in_64_bits(mut self) -> Self {
        self.length = Length::In64Bits;
        self
    }

    /// Declares that many bytes of payload, and sends those that it has.
    pub fn declaring(mut self, bytes: u64) -> Self {
        self.declared = Some(bytes);
        self
    }

    /// Sends only the first bytes of the frame.
    pub fn cut_at(mut self, bytes: usize) -> Self {
        self.cut = Cut::Bytes(bytes);
        self
    }

    /// Sends the whole header, and only the first bytes of the payload.
    pub fn cut_in_payload(mut self, bytes: usize) -> Self {
        self.cut = Cut::PayloadBytes(bytes);
        self
    }

    /// Appends what that end would send.
    pub fn write(&self, sender: Sender, out: &mut Vec<u8>) {
        let start = out.len();
        let length = self.declared.unwrap_or(self.payload.len() as u64);
        let masked = (sender == Sender::Client) != self.wrong_mask;
        let mask_bit = if masked { 0x80 } else { 0 };
        out.push(self.first_byte);
        match (self.length, length) {
            (Length::Minimal, 0..=125) => out.push(mask_bit | length as u8),
            (Length::Minimal, 126..=0xffff) | (Length::In16Bits, _) => {
                out.push(mask_bit | 126);
                out.extend((length as u16).to_be_bytes());
            }
            (Length::Minimal | Length::In64Bits, _) => {
                out.push(mask_bit | 127);
                out.extend(length.to_be_bytes());
            }
        }
        if masked {
            out.extend(self.key);
        }
        let payload_start = out.len();
        if masked {
            let key = self.key.iter().cycle();
            out.extend(self.payload.iter().zip(key).map(|(byte, key)| byte ^ key));
        } else {
            out.extend(&self.payload);
        }
        match self.cut {
            Cut::Whole => {}
            Cut::Bytes(bytes) => out.truncate(start + bytes),
            Cut::PayloadBytes(bytes) => out.truncate(payload_start + bytes),
        }
    }
}

/// A text message in one frame.
pub fn text(payload: impl AsRef<[u8]>) -> Frame {
    Frame::new(TEXT, payload)
}

/// A binary message in one frame.
pub fn binary(payload: impl AsRef<[u8]>) -> Frame {
    Frame::new(BINARY, payload)
}

/// The last fragment of a message.
pub fn continuation(payload: impl AsRef<[u8]>) -> Frame {
    Frame::new(CONTINUATION, payload)
}

/// A Ping.
pub fn ping(payload: impl AsRef<[u8]>) -> Frame {
    Frame::new(PING, payload)
}

/// A Pong.
pub fn pong(payload: impl AsRef<[u8]>) -> Frame {
    Frame::new(PONG, payload)
}

/// A Close with a code and a reason.
pub fn close(code: u16, reason: impl AsRef<[u8]>) -> Frame {
    Frame::new(
        CLOSE,
        [code.to_be_bytes().as_slice(), reason.as_ref()].concat(),
    )
}

/// What an endpoint said: one frame, for it fragments nothing of its own.
#[derive(Clone, PartialEq, Eq)]
pub enum Heard {
    /// A text message.
    Text(Vec<u8>),
    /// A binary message.
    Binary(Vec<u8>),
    /// A Pong.
    Pong(Vec<u8>),
    /// A Close, whose reason is free; `None` when it is empty.
    Close(Option<u16>),
}

impl Heard {
    /// Reads one frame that `sender` wrote; `None` at the end of the stream. Where `deflate` was
    /// agreed on, a message may be compressed, on its own.
    ///
    /// # Errors
    /// The frame breaks a rule that whoever writes frames has to keep, or is none that this suite
    /// asks for, or the stream failed.
    pub fn read(
        source: &mut impl Read,
        sender: Sender,
        deflate: bool,
    ) -> Result<Option<Self>, String> {
        let mut first = [0; 2];
        match source.read_exact(&mut first[..1]) {
            Ok(()) => {}
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => return Ok(None),
            Err(error) => return Err(format!("reading failed: {error}")),
        }
        read(source, &mut first[1..])?;
        let compressed = deflate && first[0] & 0xf0 == 0xc0 && first[0] & 0xf < CLOSE;
        if first[0] & 0xf0 != 0x80 && !compressed {
            return Err(format!("a frame that begins with {:02x}", first[0]));
        }
        let masked = first[1] & 0x80 != 0;
        if masked != (sender == Sender::Client) {
            return Err("it masked a frame that it must not mask, or the other way round".into());
        }
        let length = read_length(source, first[1] & 0x7f)?;
        let mut key = [0; 4];
        if masked {
            read(source, &mut key)?;
        }
        let mut payload = vec![0; length];
        read(source, &mut payload)?;
        let key = key.iter().cycle();
        payload
            .iter_mut()
            .zip(key)
            .for_each(|(byte, key)| *byte ^= key);
        if compressed {
            payload = inflated(&payload, PAYLOAD_BYTES_MAX)?;
        }
        Self::of(first[0] & 0xf, payload).map(Some)
    }

    fn of(opcode: u8, payload: Vec<u8>) -> Result<Self, String> {
        if opcode >= CLOSE && payload.len() > 125 {
            return Err(format!(
                "it wrote {} bytes in a control frame",
                payload.len()
            ));
        }
        match (opcode, payload.as_slice()) {
            (TEXT, _) => Ok(Self::Text(payload)),
            (BINARY, _) => Ok(Self::Binary(payload)),
            (PONG, _) => Ok(Self::Pong(payload)),
            (CLOSE, []) => Ok(Self::Close(None)),
            (CLOSE, [high, low, reason @ ..]) if std::str::from_utf8(reason).is_ok() => {
                Ok(Self::Close(Some(u16::from_be_bytes([*high, *low]))))
            }
            _ => Err(format!("it wrote opcode {opcode} with {payload:02x?}")),
        }
    }
}

fn read_length(source: &mut impl Read, length: u8) -> Result<usize, String> {
    let (length, least) = match length {
        126 => {
            let mut bytes = [0; 2];
            read(source, &mut bytes)?;
            (u64::from(u16::from_be_bytes(bytes)), 126)
        }
        127 => {
            let mut bytes = [0; 8];
            read(source, &mut bytes)?;
            (u64::from_be_bytes(bytes), 0x1_0000)
        }
        _ => (u64::from(length), 0),
    };
    if (least..=PAYLOAD_BYTES_MAX as u64).contains(&length) {
        Ok(length as usize)
    } else {
        Err(format!("it wrote a length of {length} in a strange way"))
    }
}

fn read(source: &mut impl Read, bytes: &mut [u8]) -> Result<(), String> {
    source
        .read_exact(bytes)
        .map_err(|error| format!("reading failed inside a frame: {error}"))
}

/// Long payloads are shown by their start and their length.
impl fmt::Debug for Heard {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        const SHOWN_BYTES_MAX: usize = 24;
        let (name, payload) = match self {
            Self::Text(payload) => ("text", payload),
            Self::Binary(payload) => ("binary", payload),
            Self::Pong(payload) => ("pong", payload),
            Self::Close(Some(code)) => return write!(formatter, "close {code}"),
            Self::Close(None) => return formatter.write_str("close without a code"),
        };
        let shown = &payload[..payload.len().min(SHOWN_BYTES_MAX)];
        let more = if shown.len() < payload.len() {
            "..."
        } else {
            ""
        };
        write!(
            formatter,
            "{name} \"{}{more}\" ({} bytes)",
            shown.escape_ascii(),
            payload.len()
        )
    }
}
