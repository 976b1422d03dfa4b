//! The least of HTTP and WebSocket that a well-behaved client needs.
//!
//! An upgrade is taken from its request line and its key; frames are taken as they come, unmasked and
//! framed again. Nothing is refused but what cannot be read.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha1::{Digest, Sha1};

/// RFC 6455 section 1.3.
const ACCEPT_GUID: &str = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/// An upgrade request, as far as it matters here.
pub(crate) struct Upgrade {
    pub(crate) topic: String,
    pub(crate) subscribes: bool,
    pub(crate) answer: Vec<u8>,
}

/// Where the frames in a stretch of bytes end.
pub(crate) struct Taken {
    /// Bytes of whole frames.
    pub(crate) bytes: usize,
    pub(crate) closed: bool,
}

/// Reads an upgrade request, without its last empty line.
pub(crate) fn upgrade(head: &[u8]) -> Option<Upgrade> {
    let head = std::str::from_utf8(head).ok()?;
    let target = head.strip_prefix("GET ")?.split(' ').next()?;
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let key = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("sec-websocket-key")
            .then(|| value.trim())
    })?;
    let accept = STANDARD.encode(Sha1::digest(format!("{key}{ACCEPT_GUID}")));
    let answer = format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Accept: {accept}\r\n\r\n"
    );
    Some(Upgrade {
        topic: path.to_owned(),
        subscribes: !query.contains("mode=pub"),
        answer: answer.into_bytes(),
    })
}

/// Appends each whole data frame of `input` to `out` as a server frame.
pub(crate) fn reframe(input: &[u8], out: &mut Vec<u8>) -> Taken {
    let mut at = 0;
    while let Some((opcode, key, start, end)) = header(&input[at..]) {
        let (start, end) = (at + start, at + end);
        if end > input.len() {
            break;
        }
        at = end;
        match opcode {
            8 => {
                return Taken {
                    bytes: at,
                    closed: true,
                };
            }
            0..=2 => append(opcode, key, &input[start..end], out),
            _ => {}
        }
    }
    Taken {
        bytes: at,
        closed: false,
    }
}

/// A client frame's opcode and mask, and where its payload begins and ends; `None` until all of the header
/// is there.
fn header(input: &[u8]) -> Option<(u8, [u8; 4], usize, usize)> {
    let [first, second, ..] = *input else {
        return None;
    };
    let (length, key_at) = match second & 0x7f {
        126 => (
            usize::from(u16::from_be_bytes(*input[2..].first_chunk()?)),
            4,
        ),
        127 => (
            usize::try_from(u64::from_be_bytes(*input[2..].first_chunk()?)).ok()?,
            10,
        ),
        short => (usize::from(short), 2),
    };
    let key = *input.get(key_at..)?.first_chunk()?;
    Some((
        first & 0x0f,
        key,
        key_at + 4,
        (key_at + 4).checked_add(length)?,
    ))
}

fn append(opcode: u8, key: [u8; 4], payload: &[u8], out: &mut Vec<u8>) {
    out.push(0x80 | opcode);
    match payload.len() {
        short @ 0..126 => out.push(short as u8),
        middle @ 126..0x1_0000 => {
            out.push(126);
            out.extend_from_slice(&(middle as u16).to_be_bytes());
        }
        long => {
            out.push(127);
            out.extend_from_slice(&(long as u64).to_be_bytes());
        }
    }
    let start = out.len();
    out.extend_from_slice(payload);
    // Four bytes at a time, which the compiler turns into its widest vectors.
    let mut words = out[start..].chunks_exact_mut(4);
    for word in &mut words {
        for (byte, key) in word.iter_mut().zip(key) {
            *byte ^= key;
        }
    }
    for (byte, key) in words.into_remainder().iter_mut().zip(key) {
        *byte ^= key;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 6455 section 1.3's own example, and both ways to take part.
    #[test]
    fn upgrades_are_answered_with_the_key_of_the_rfc() {
        let head = b"GET /t/a?mode=pub HTTP/1.1\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==";
        let found = upgrade(head).expect("a request");
        assert!(
            found
                .answer
                .windows(28)
                .any(|text| text == b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")
        );
        assert_eq!((found.topic.as_str(), found.subscribes), ("/t/a", false));
        assert!(upgrade(b"GET /t/a HTTP/1.1\r\nHost: a").is_none());
    }

    /// Frames of every length form come out unmasked; the cut one at the end waits.
    #[test]
    fn frames_are_unmasked_and_framed_again() {
        for length in [0, 5, 125, 126, 65_535, 65_536] {
            let payload: Vec<u8> = (0..length).map(|at| (at % 251) as u8).collect();
            let mut expected = Vec::new();
            append(1, [0; 4], &payload, &mut expected);
            let mut masked = Vec::new();
            append(1, [1, 2, 3, 4], &payload, &mut masked);
            let header = masked.len() - payload.len();
            masked[1] |= 0x80;
            masked.splice(header..header, [1, 2, 3, 4]);
            let whole = masked.len();
            masked.extend_from_slice(&[0x81, 0x85]);
            let mut out = Vec::new();
            let taken = reframe(&masked, &mut out);
            assert_eq!((taken.bytes, taken.closed), (whole, false));
            assert!(out == expected, "{length}");
        }
    }

    /// Frames before a close count, nothing behind it does.
    #[test]
    fn a_close_ends_it() {
        let mut out = Vec::new();
        let taken = reframe(
            &[0x81, 0x80, 0, 0, 0, 0, 0x88, 0x80, 0, 0, 0, 0, 0x81],
            &mut out,
        );
        assert_eq!((taken.bytes, taken.closed, out), (12, true, vec![0x81, 0]));
    }
}
