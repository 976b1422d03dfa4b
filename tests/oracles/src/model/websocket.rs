//! A WebSocket connection read by a model: the whole stream at once, by the figures of RFC 6455.
//!
//! It shares no code with the machine but the names of what comes out. Rules are judged in the order
//! of the bytes that show them, for the machine must not wait for more.

use super::inflate::{self, Refused};
use frame::{CloseCode, Error, Limits};
use protocol::limits::{PONGS_MAX, compressed_bytes_max};
use protocol::ws::{Event, Failure, Kind, Role};

/// What a connection hears in one stream, and what it has to say to it.
#[derive(Debug, Default)]
pub(crate) struct Heard {
    pub(crate) events: Vec<Event<'static>>,
    /// The payloads of the pongs that are due, if nothing was transmitted before the end.
    pub(crate) pongs: Vec<Vec<u8>>,
    /// The code of the Close that is due: none in the frame is `Some(None)`.
    pub(crate) close: Option<Option<CloseCode>>,
}

/// The end at which a stream arrives.
#[derive(Debug)]
pub(crate) struct Model {
    role: Role,
    limits: Limits,
    /// This end began to close before the stream came.
    closing: bool,
    deflate: Option<History>,
    message: Option<Message>,
    heard: Heard,
}

/// permessage-deflate was agreed to; what the peer's next message may refer to.
#[derive(Debug)]
pub(crate) struct History {
    plain: Vec<u8>,
    window_bytes: usize,
}

impl History {
    /// `window_bytes` is 0 for a peer that keeps no context.
    pub(crate) fn new(window_bytes: usize) -> Self {
        Self {
            plain: Vec::new(),
            window_bytes,
        }
    }

    /// The next message.
    pub(crate) fn inflate(
        &mut self,
        compressed: &[u8],
        bytes_max: usize,
    ) -> Result<Vec<u8>, Refused> {
        let plain = inflate::message(compressed, &self.plain, 1 << 15, bytes_max)?;
        self.plain.extend_from_slice(&plain);
        let window_at = self.plain.len().saturating_sub(self.window_bytes);
        self.plain.drain(..window_at);
        Ok(plain)
    }
}

#[derive(Debug)]
struct Message {
    kind: Kind,
    compressed: bool,
    frames: u32,
    declared_bytes: u64,
    payload: Vec<u8>,
}

/// A header, its lengths judged.
struct Frame {
    fin: bool,
    compressed: bool,
    opcode: u8,
    key: [u8; 4],
    header_bytes: usize,
    payload_bytes: u64,
}

/// Why the reading of a frame stopped.
enum Stop {
    /// The stream is at its end.
    Waiting,
    Broken(Failure),
    Closed,
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Stop::Broken(Failure::Frame(error))
    }
}

impl From<Refused> for Stop {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::Corrupt => Stop::Broken(Failure::CorruptDeflate),
            Refused::TooBig => Error::MessageTooBig.into(),
        }
    }
}

impl Model {
    pub(crate) fn new(role: Role, limits: Limits, closing: bool, deflate: Option<History>) -> Self {
        let mut heard = Heard::default();
        if closing {
            heard.close = Some(Some(CloseCode::NORMAL));
        }
        Self {
            role,
            limits,
            closing,
            deflate,
            message: None,
            heard,
        }
    }

    /// Reads a whole stream.
    pub(crate) fn hear(mut self, mut stream: &[u8]) -> Heard {
        loop {
            match self.frame(stream) {
                Ok(bytes) => stream = &stream[bytes..],
                Err(Stop::Waiting | Stop::Closed) => return self.heard,
                Err(Stop::Broken(failure)) => {
                    self.heard.events.push(Event::Failed(failure));
                    self.heard.close.get_or_insert(failure.close_code());
                    return self.heard;
                }
            }
        }
    }

    /// One frame: how many bytes it had.
    fn frame(&mut self, stream: &[u8]) -> Result<usize, Stop> {
        let frame = self.header(stream)?;
        if frame.opcode < 8 {
            self.begin(&frame)?;
        }
        let rest = &stream[frame.header_bytes..];
        let whole = rest.len() as u64 >= frame.payload_bytes;
        let arrived = if whole {
            &rest[..frame.payload_bytes as usize]
        } else {
            rest
        };
        let payload: Vec<u8> = arrived
            .iter()
            .enumerate()
            .map(|(at, byte)| byte ^ frame.key[at % 4])
            .collect();
        if frame.opcode < 8 {
            self.data(&frame, whole, &payload)?;
        } else if whole {
            self.control(frame.opcode, payload)?;
        }
        if !whole {
            return Err(Stop::Waiting);
        }
        Ok(frame.header_bytes + arrived.len())
    }

    /// The figure of RFC 6455 section 5.2.
    fn header(&self, stream: &[u8]) -> Result<Frame, Stop> {
        let byte = |at: usize| stream.get(at).copied().ok_or(Stop::Waiting);
        let first = byte(0)?;
        let (fin, rsv, opcode) = (first >= 0x80, first >> 4 & 7, first & 0xf);
        if !matches!(opcode, 0 | 1 | 2 | 8 | 9 | 10) {
            return Err(Error::ReservedOpcode.into());
        }
        if opcode >= 8 && !fin {
            return Err(Error::ControlFragmented.into());
        }
        let second = byte(1)?;
        let (masked, short) = (second >= 0x80, u64::from(second & 0x7f));
        if opcode >= 8 && short > 125 {
            return Err(Error::ControlTooLong.into());
        }
        let (length_bytes, least) = match short {
            126 => (2, 126),
            127 => (8, 65_536),
            _ => (0, 0),
        };
        let mut payload_bytes = if length_bytes == 0 { short } else { 0 };
        for at in 2..2 + length_bytes {
            payload_bytes = payload_bytes << 8 | u64::from(byte(at)?);
        }
        if payload_bytes >> 63 == 1 {
            return Err(Error::LengthTopBit.into());
        }
        if payload_bytes < least {
            return Err(Error::LengthNotMinimal.into());
        }
        let mut key = [0; 4];
        for (index, slot) in key.iter_mut().enumerate().filter(|_| masked) {
            *slot = byte(2 + length_bytes + index)?;
        }
        match self.role {
            Role::Server if !masked => return Err(Stop::Broken(Failure::Unmasked)),
            Role::Client if masked => return Err(Stop::Broken(Failure::Masked)),
            _ => {}
        }
        // RFC 7692 section 6: RSV1 stands on the first frame of a compressed message alone.
        let compressed = self.deflate.is_some() && rsv == 4 && matches!(opcode, 1 | 2);
        if rsv != 0 && !compressed {
            return Err(Stop::Broken(Failure::ReservedBits));
        }
        Ok(Frame {
            fin,
            compressed,
            opcode,
            key,
            header_bytes: 2 + length_bytes + if masked { 4 } else { 0 },
            payload_bytes,
        })
    }

    /// RFC 6455 section 5.4, and the limits, from the header alone.
    fn begin(&mut self, frame: &Frame) -> Result<(), Stop> {
        match (&self.message, frame.opcode) {
            (None, 0) => return Err(Error::ContinuationWithoutStart.into()),
            (Some(_), 1 | 2) => return Err(Error::MessageInterrupted.into()),
            _ => {}
        }
        let message = self.message.get_or_insert(Message {
            kind: if frame.opcode == 1 {
                Kind::Text
            } else {
                Kind::Binary
            },
            compressed: frame.compressed,
            frames: 0,
            declared_bytes: 0,
            payload: Vec::new(),
        });
        message.frames += 1;
        if message.frames > self.limits.fragments_max {
            return Err(Error::TooManyFragments.into());
        }
        let declared = u128::from(message.declared_bytes) + u128::from(frame.payload_bytes);
        let bytes_max = if message.compressed {
            compressed_bytes_max(self.limits.message_bytes_max)
        } else {
            self.limits.message_bytes_max
        };
        if declared > u128::from(bytes_max) {
            return Err(Error::MessageTooBig.into());
        }
        message.declared_bytes += frame.payload_bytes;
        Ok(())
    }

    fn data(&mut self, frame: &Frame, whole: bool, payload: &[u8]) -> Result<(), Stop> {
        let Some(message) = &mut self.message else {
            return Ok(());
        };
        message.payload.extend_from_slice(payload);
        let ended = whole && frame.fin;
        // RFC 6455 section 5.5.1: after our Close no message is wanted, so none is judged.
        if self.closing {
            self.message.take_if(|_| ended);
            return Ok(());
        }
        if message.kind == Kind::Text
            && !message.compressed
            && let Err(error) = std::str::from_utf8(&message.payload)
            && (ended || error.error_len().is_some())
        {
            return Err(Error::InvalidUtf8.into());
        }
        match self.message.take_if(|_| ended) {
            Some(message) => self.deliver(message),
            None => Ok(()),
        }
    }

    fn deliver(&mut self, message: Message) -> Result<(), Stop> {
        let mut payload = message.payload;
        if let Some(history) = self.deflate.as_mut().filter(|_| message.compressed) {
            payload = history.inflate(&payload, self.limits.message_bytes_max as usize)?;
            if message.kind == Kind::Text && std::str::from_utf8(&payload).is_err() {
                return Err(Error::InvalidUtf8.into());
            }
        }
        self.heard.events.push(Event::Message {
            kind: message.kind,
            payload: payload.into(),
        });
        Ok(())
    }

    fn control(&mut self, opcode: u8, payload: Vec<u8>) -> Result<(), Stop> {
        match opcode {
            8 => return Err(self.close(&payload)?),
            _ if self.closing => {}
            9 => {
                // RFC 6455 section 5.5.3 lets an end answer the latest ping alone; ours does so
                // when too many wait.
                if self.heard.pongs.len() == PONGS_MAX {
                    self.heard.pongs.clear();
                }
                self.heard.pongs.push(payload);
            }
            _ => self.heard.events.push(Event::Pong(payload.into())),
        }
        Ok(())
    }

    /// RFC 6455 section 7.4: the codes that may stand in a frame.
    fn close(&mut self, payload: &[u8]) -> Result<Stop, Stop> {
        let (code, reason) = match payload {
            [] => (None, payload),
            [_] => return Err(Error::CloseTruncated.into()),
            [high, low, reason @ ..] => (Some(u16::from_be_bytes([*high, *low])), reason),
        };
        let assigned = |code| (1000..=1014).contains(&code) && !(1004..=1006).contains(&code);
        if code.is_some_and(|code| !assigned(code) && !(3000..=4999).contains(&code)) {
            return Err(Error::CloseCodeInvalid.into());
        }
        let reason = std::str::from_utf8(reason).map_err(|_| Error::InvalidUtf8)?;
        let code = code.map(CloseCode);
        self.heard.events.push(Event::PeerClosed {
            code,
            reason: reason.to_owned().into(),
        });
        self.heard.close.get_or_insert(code);
        Ok(Stop::Closed)
    }
}
