//! The attacker's end of one connection: a socket that sends anything at any pace, and hears what comes back.
//!
//! It reads strictly: a server's frame that no RFC allows is a finding, whoever the server is.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use crate::deflate::Inflater;
use crate::target::Target;
use crate::wire::{self, Request};

/// How long an attacker waits for anything that has to come.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// Largest message that an attacker wants to read.
const INFLATED_BYTES_MAX: usize = 1 << 20;

/// How bytes are cut on their way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pace {
    /// As one write.
    AtOnce,
    /// In pieces of so many bytes, each a write and, without Nagle's algorithm, a segment.
    Pieces(usize),
    /// The same, with a pause after each.
    Drip(usize, Duration),
}

/// How a connection ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// The server closed its half in order.
    Finished,
    /// The server reset the connection.
    Reset,
    /// Neither, as long as was waited.
    Open,
}

/// One frame of the server's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// FIN, RSV and opcode.
    pub first: u8,
    /// What it carries.
    pub payload: Vec<u8>,
}

impl Frame {
    /// The opcode.
    pub fn opcode(&self) -> u8 {
        self.first & 0x0f
    }

    /// The code, if this is a Close that has one.
    pub fn close_code(&self) -> Option<u16> {
        let code = self.payload.first_chunk::<2>()?;
        (self.opcode() == wire::CLOSE).then(|| u16::from_be_bytes(*code))
    }
}

/// Everything that was heard to the end, or as long as was waited.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Heard {
    /// The frames.
    pub frames: Vec<Frame>,
    /// The end.
    pub end: End,
}

impl Heard {
    /// The code of the Close, if there was one.
    pub fn close_code(&self) -> Option<u16> {
        self.frames.iter().find_map(Frame::close_code)
    }
}

/// The head of an HTTP answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The whole head.
    pub head: String,
}

impl Answer {
    /// The value of a field, whose name is given in lower case.
    pub fn field(&self, name: &str) -> Option<&str> {
        self.head.lines().skip(1).find_map(|line| {
            let (known, value) = line.split_once(':')?;
            known.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }
}

/// One connection.
#[derive(Debug)]
pub struct Peer {
    stream: TcpStream,
    /// Bytes that arrived and were not looked at.
    inbox: Vec<u8>,
    inflater: Inflater,
}

impl Peer {
    /// Connects and says nothing.
    ///
    /// # Errors
    /// The socket's.
    pub fn connect(target: &Target) -> io::Result<Self> {
        Self::connect_to(target.address())
    }

    /// Connects to where TLS is spoken and says nothing.
    ///
    /// # Errors
    /// The socket's, or there is no such place.
    pub fn connect_tls(target: &Target) -> io::Result<Self> {
        let address = target.tls_address();
        Self::connect_to(address.ok_or_else(|| io::Error::other("no TLS"))?)
    }

    fn connect_to(address: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_write_timeout(Some(PATIENCE))?;
        Ok(Self {
            stream,
            inbox: Vec::new(),
            inflater: Inflater::default(),
        })
    }

    /// Connects and upgrades with this request.
    ///
    /// # Errors
    /// The socket's, or that the server refused.
    pub fn upgrade(target: &Target, request: &Request) -> io::Result<(Self, Answer)> {
        let mut peer = Self::connect(target)?;
        peer.send(&request.bytes(), Pace::AtOnce)?;
        let answer = peer.answer(PATIENCE)?;
        if answer.status != 101 {
            return Err(io::Error::other(format!("no 101 but {}", answer.status)));
        }
        Ok((peer, answer))
    }

    /// Connects and upgrades where messages come back.
    ///
    /// # Errors
    /// As [`upgrade`](Self::upgrade).
    pub fn echo(target: &Target) -> io::Result<Self> {
        let request = Request::handshake(&target.echo_path(), &target.host());
        Self::upgrade(target, &request).map(|(peer, _)| peer)
    }

    /// The same, with permessage-deflate.
    ///
    /// # Errors
    /// As [`upgrade`](Self::upgrade), or the server declines it.
    pub fn deflate(target: &Target) -> io::Result<Self> {
        let request = Request::handshake(&target.echo_path(), &target.host())
            .field("Sec-WebSocket-Extensions", "permessage-deflate");
        let (peer, answer) = Self::upgrade(target, &request)?;
        match answer.field("sec-websocket-extensions") {
            Some(_) => Ok(peer),
            None => Err(io::Error::other("permessage-deflate is declined")),
        }
    }

    /// Its socket.
    pub fn stream(&self) -> &TcpStream {
        &self.stream
    }

    /// Sends all of it.
    ///
    /// # Errors
    /// If the server has ended the connection, or takes nothing for too long.
    pub fn send(&mut self, bytes: &[u8], pace: Pace) -> io::Result<()> {
        match pace {
            Pace::AtOnce => self.stream.write_all(bytes),
            Pace::Pieces(size) => bytes
                .chunks(size)
                .try_for_each(|piece| self.stream.write_all(piece)),
            Pace::Drip(size, pause) => bytes.chunks(size).try_for_each(|piece| {
                self.stream.write_all(piece)?;
                thread::sleep(pause);
                Ok(())
            }),
        }
    }

    /// Says that nothing more will be sent.
    pub fn finish(&self) {
        // The server may have ended it first.
        let _ = self.stream.shutdown(Shutdown::Write);
    }

    /// Ends the connection with a reset.
    ///
    /// # Errors
    /// The socket's.
    pub fn reset(self) -> io::Result<()> {
        rustix::net::sockopt::set_socket_linger(&self.stream, Some(Duration::ZERO))?;
        Ok(())
    }

    /// The head of the next answer.
    ///
    /// # Errors
    /// If none came in time, or what came is none.
    pub fn answer(&mut self, patience: Duration) -> io::Result<Answer> {
        let deadline = Instant::now() + patience;
        loop {
            if let Some(end) = find(&self.inbox, b"\r\n\r\n") {
                let head: Vec<u8> = self.inbox.drain(..end + 4).collect();
                let head = String::from_utf8_lossy(&head).into_owned();
                let status = head.split(' ').nth(1).and_then(|code| code.parse().ok());
                let status = status.ok_or_else(|| io::Error::other("an answer without status"))?;
                if status == 100 {
                    continue;
                }
                return Ok(Answer { status, head });
            }
            match self.fill(deadline) {
                None => {}
                Some(end) => return Err(io::Error::other(format!("{end:?} before an answer"))),
            }
        }
    }

    /// The next message that lies in one frame, inflated if it is compressed. Control frames are passed over.
    ///
    /// # Errors
    /// The end.
    pub fn message(&mut self, patience: Duration) -> Result<Frame, End> {
        loop {
            let frame = self.frame(patience)?;
            if frame.opcode() < wire::CLOSE {
                return Ok(self.plain(frame));
            }
        }
    }

    /// A frame as it was before the server compressed it. What cannot be inflated stays as it is, and so will not be what
    /// was expected.
    pub fn plain(&mut self, frame: Frame) -> Frame {
        if frame.first & wire::RSV1 == 0 {
            return frame;
        }
        match self.inflater.inflate(&frame.payload, INFLATED_BYTES_MAX) {
            Some(payload) => Frame {
                first: frame.first & !wire::RSV1,
                payload,
            },
            None => frame,
        }
    }

    /// The next frame, or how the connection ended before one was whole.
    ///
    /// # Errors
    /// The end.
    pub fn frame(&mut self, patience: Duration) -> Result<Frame, End> {
        let deadline = Instant::now() + patience;
        loop {
            if let Some(frame) = self.take_frame() {
                return Ok(frame);
            }
            if let Some(end) = self.fill(deadline) {
                return Err(end);
            }
        }
    }

    /// Hears frames to the connection's end.
    pub fn hear_out(&mut self, patience: Duration) -> Heard {
        let deadline = Instant::now() + patience;
        let mut frames = Vec::new();
        loop {
            match self.frame(deadline.saturating_duration_since(Instant::now())) {
                Ok(frame) => frames.push(frame),
                Err(end) => return Heard { frames, end },
            }
        }
    }

    /// Whether anything came by now.
    pub fn has_heard(&mut self) -> bool {
        self.fill(Instant::now())
            .is_some_and(|end| end != End::Open)
            || !self.inbox.is_empty()
    }

    /// Everything up to the connection's end.
    pub fn rest(&mut self, patience: Duration) -> (Vec<u8>, End) {
        let deadline = Instant::now() + patience;
        loop {
            if let Some(end) = self.fill(deadline) {
                return (std::mem::take(&mut self.inbox), end);
            }
        }
    }

    /// Whether the connection ends, whatever else is said on it.
    pub fn end(&mut self, patience: Duration) -> End {
        self.rest(patience).1
    }

    /// More bytes, or the end.
    fn fill(&mut self, deadline: Instant) -> Option<End> {
        let left = deadline.saturating_duration_since(Instant::now());
        // A timeout of zero would be none.
        let left = left.max(Duration::from_millis(1));
        if self.stream.set_read_timeout(Some(left)).is_err() {
            return Some(End::Reset);
        }
        let mut bytes = [0; 16 << 10];
        match self.stream.read(&mut bytes) {
            Ok(0) => Some(End::Finished),
            Ok(count) => {
                self.inbox.extend_from_slice(&bytes[..count]);
                (Instant::now() >= deadline).then_some(End::Open)
            }
            Err(error) => match error.kind() {
                ErrorKind::WouldBlock | ErrorKind::TimedOut => Some(End::Open),
                ErrorKind::Interrupted => None,
                _ => Some(End::Reset),
            },
        }
    }

    fn take_frame(&mut self) -> Option<Frame> {
        let (&first, rest) = self.inbox.split_first()?;
        let (&second, rest) = rest.split_first()?;
        let (length, header) = match second & 0x7f {
            126 => (u64::from(u16::from_be_bytes(*rest.first_chunk()?)), 4),
            127 => (u64::from_be_bytes(*rest.first_chunk()?), 10),
            short => (u64::from(short), 2),
        };
        let end = header + usize::try_from(length).ok()?;
        let payload = self.inbox.get(header..end)?.to_vec();
        self.inbox.drain(..end);
        Some(Frame { first, payload })
    }
}

fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes
        .windows(wanted.len())
        .position(|window| window == wanted)
}
