//! A running broker before the judge, over a socket.

use super::{Cut, Head, compare};
use crate::cases::{Answer, Deflate, End, FrameCase, RequestCase};
use crate::wire::{Heard, Sender};
use std::io::{self, BufRead, BufReader, ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::thread;
use std::time::Duration;

/// How long the server may take for anything.
const PATIENCE: Duration = Duration::from_secs(30);

/// A write that waits for so long is to somebody who does not read.
const NOBODY_READS_AFTER: Duration = Duration::from_secs(1);

/// What a server may hold for a peer that does not read: what was received before it stopped
/// reading, one message in and some out, each in a buffer that grew by doubling. The flood is more.
const HELD_BYTES_MAX: u64 = 16 << 20;

/// The bytes of a head that no answer exceeds.
const HEAD_BYTES_MAX: u64 = 64 * 1024;

const HANDSHAKE: &[u8] =
    b"GET /echo HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
      Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n";

/// One connection to the server.
struct Talk {
    stream: TcpStream,
    input: BufReader<TcpStream>,
}

impl Talk {
    fn start(server: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect(server)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        let input = BufReader::new(stream.try_clone()?);
        Ok(Self { stream, input })
    }

    /// An open connection to `/echo`, and whether messages on it may be compressed.
    fn of(server: SocketAddr, case: &FrameCase) -> Result<(Self, bool), String> {
        let mut talk = Self::start(server).map_err(|error| format!("no connection: {error}"))?;
        let offer = case.deflate.map_or_else(String::new, |deflate| {
            format!("Sec-WebSocket-Extensions: {}\r\n", deflate.offer())
        });
        write(&talk.stream, &[HANDSHAKE, offer.as_bytes(), b"\r\n"]);
        let head = talk.read_head()?;
        let extensions = head.all("sec-websocket-extensions");
        let due = case.deflate.map(Deflate::offer);
        if head.status != 101 || extensions != Vec::from_iter(due) {
            return Err(format!(
                "/echo answered {} with {extensions:?}",
                head.status
            ));
        }
        Ok((talk, case.deflate.is_some()))
    }

    /// The same socket, for a thread that writes.
    fn second(&self) -> Result<TcpStream, String> {
        self.stream.try_clone().map_err(|error| error.to_string())
    }

    fn read_head(&mut self) -> Result<Head, String> {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut bounded = (&mut self.input).take(HEAD_BYTES_MAX - head.len() as u64);
            match bounded.read_until(b'\n', &mut head) {
                Ok(0) => return Err(format!("no answer, only \"{}\"", head.escape_ascii())),
                Ok(_) => {}
                Err(error) => return Err(format!("no answer: {error}")),
            }
        }
        Head::parse(&head[..head.len() - 4])
    }

    /// All that it says, up to its end; it says no more than that many frames.
    fn read_to_end(&mut self, frames_max: usize, deflate: bool) -> Result<Vec<Heard>, String> {
        let mut heard = Vec::new();
        while let Some(frame) = Heard::read(&mut self.input, Sender::Server, deflate)
            .map_err(|wrong| format!("after {heard:?}: {wrong}"))?
        {
            heard.push(frame);
            if heard.len() > frames_max {
                break;
            }
        }
        Ok(heard)
    }
}

/// Writes while something else reads: a server may stop reading until its answers are taken. It may
/// also end before it has read everything, which is then for the reader to judge.
fn write(mut stream: &TcpStream, pieces: &[&[u8]]) {
    pieces
        .iter()
        .take_while(|piece| stream.write_all(piece).is_ok())
        .count();
}

/// Frames, on a connection of their own, whole and in pieces.
///
/// # Errors
/// What came back instead of what the case says.
pub fn frames(server: SocketAddr, case: &FrameCase) -> Result<(), String> {
    let bytes = case.bytes(Sender::Client);
    [Cut::Whole, Cut::Random(1)]
        .into_iter()
        .try_for_each(|cut| {
            let judged = converse(server, case, &cut.pieces(&bytes));
            judged.map_err(|wrong| format!("cut {cut:?}: {wrong}"))
        })
}

fn converse(server: SocketAddr, case: &FrameCase, pieces: &[&[u8]]) -> Result<(), String> {
    let (mut talk, deflate) = Talk::of(server, case)?;
    let stream = talk.second()?;
    thread::scope(|scope| {
        scope.spawn(|| write(&stream, pieces));
        let mut heard = Vec::new();
        if case.end == End::Cut {
            for _ in &case.hears {
                heard.extend(Heard::read(&mut talk.input, Sender::Server, deflate)?);
            }
            // Only now: a server need not write to a peer that has ended.
            let ended = talk.stream.shutdown(Shutdown::Write);
            ended.map_err(|error| format!("the connection was gone: {error}"))?;
        }
        heard.extend(talk.read_to_end(case.hears.len(), deflate)?);
        compare(&heard, &case.hears)
    })
}

/// Frames of a peer that reads nothing before the server has stopped reading from it. Meanwhile the
/// server holds little: `held_bytes` tells how much memory it has.
///
/// # Errors
/// What came back instead of what the case says, or that the server took everything.
pub fn backpressure(
    server: SocketAddr,
    held_bytes: &dyn Fn() -> u64,
    case: &FrameCase,
) -> Result<(), String> {
    let bytes = case.bytes(Sender::Client);
    let (mut talk, deflate) = Talk::of(server, case)?;
    let before = held_bytes();
    let written = flood(&talk.stream, &bytes)?;
    let grown = held_bytes().saturating_sub(before);
    if grown > HELD_BYTES_MAX {
        return Err(format!(
            "it holds {grown} bytes for a peer that does not read"
        ));
    }
    let stream = talk.second()?;
    thread::scope(|scope| {
        scope.spawn(|| write(&stream, &[&bytes[written..]]));
        let heard = talk.read_to_end(case.hears.len(), deflate)?;
        compare(&heard, &case.hears)
    })
}

/// Writes until nobody takes more; returns how much was taken.
fn flood(mut stream: &TcpStream, bytes: &[u8]) -> Result<usize, String> {
    let timeout = |timeout| {
        stream
            .set_write_timeout(Some(timeout))
            .map_err(|error| error.to_string())
    };
    timeout(NOBODY_READS_AFTER)?;
    let mut written = 0;
    loop {
        match stream.write(&bytes[written..]) {
            Ok(0) => {
                return Err(format!(
                    "it took all of {written} bytes, and none of its answers was read"
                ));
            }
            Ok(count) => written += count,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) if error.kind() == ErrorKind::WouldBlock => break,
            Err(error) => return Err(format!("writing failed: {error}")),
        }
    }
    timeout(PATIENCE)?;
    Ok(written)
}

/// A request on a connection of its own, whole and in pieces.
///
/// # Errors
/// What came back instead of what the case says.
pub fn request(server: SocketAddr, case: &RequestCase) -> Result<(), String> {
    let bytes = case.bytes();
    [Cut::Whole, Cut::Random(1)]
        .into_iter()
        .try_for_each(|cut| {
            let judged = ask(server, case, &cut.pieces(&bytes));
            judged.map_err(|wrong| format!("cut {cut:?}: {wrong}"))
        })
}

fn ask(server: SocketAddr, case: &RequestCase, pieces: &[&[u8]]) -> Result<(), String> {
    let mut talk = Talk::start(server).map_err(|error| format!("no connection: {error}"))?;
    let stream = talk.second()?;
    thread::scope(|scope| {
        scope.spawn(|| write(&stream, pieces));
        let head = talk.read_head()?;
        head.check(&case.answer)?;
        match &case.answer {
            Answer::Switched { hears, .. } if hears.is_empty() => Ok(()),
            Answer::Switched { hears, .. } => {
                compare(&talk.read_to_end(hears.len(), false)?, hears)
            }
            Answer::Refused { .. } => {
                ended_politely(&head, &mut talk, case.request.starts_with(b"HEAD "))
            }
        }
    })
}

/// A refusal says that it is the last answer, has the length that it declares, and is the last.
fn ended_politely(head: &Head, talk: &mut Talk, to_head: bool) -> Result<(), String> {
    let mut body = Vec::new();
    let read = talk.input.read_to_end(&mut body);
    read.map_err(|error| format!("the connection did not end after the refusal: {error}"))?;
    if head.all("connection") != ["close"] {
        return Err(format!(
            "a refusal with connection: {:?}",
            head.all("connection")
        ));
    }
    let length = body.len().to_string();
    if !to_head && head.all("content-length") != [length.as_str()] {
        return Err(format!(
            "{length} bytes behind content-length: {:?}",
            head.all("content-length")
        ));
    }
    Ok(())
}
