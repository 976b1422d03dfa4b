//! The NATS client protocol, as much of it as publishing and subscribing needs: lines that end with CR LF, and behind the
//! line of a message its payload. <https://docs.nats.io/reference/reference-protocols/nats-protocol>
//!
//! The server speaks first (INFO). A PING behind the subscription is answered when the subscription stands. Headers, queue
//! groups, credentials and TLS are not spoken.

use std::sync::Arc;

use super::{
    Cue, Dialect, Driver, Encoding, Envelope, Heard, Part, Recipe, Refusal, Script, Step, quoted,
};

/// NATS.
pub(super) const DRIVER: Driver = Driver {
    name: "nats",
    help: "The NATS client protocol, at the URL as it is; the topic's name is the subject",
    recipe: Recipe::Fixed(|| Arc::new(Nats)),
};

#[derive(Debug)]
struct Nats;

/// `verbose` would have each publication acknowledged; with `echo` who is subscribed hears its own publications as well.
const CONNECT: &[u8] =
    b"CONNECT {\"verbose\":false,\"pedantic\":false,\"tls_required\":false,\"echo\":true,\
\"name\":\"ringwire-load\",\"lang\":\"rust\",\"version\":\"1\",\"protocol\":1}\r\n";

/// The longest line that is waited for; an INFO of a large cluster has some thousand bytes.
const LINE_BYTES_MAX: usize = 64 << 10;

const LINE_END: &[u8] = b"\r\n";

impl Dialect for Nats {
    fn check_topic(&self, name: &str) -> Result<(), &'static str> {
        if name.contains(|letter: char| letter.is_whitespace() || matches!(letter, '*' | '>')) {
            return Err("a NATS subject has no blanks, `*` or `>`");
        }
        if name.split('.').any(str::is_empty) {
            return Err("a NATS subject has something between its dots");
        }
        Ok(())
    }

    fn envelope(&self, topic: &str, payload_bytes: usize) -> Envelope {
        Envelope {
            before: format!("PUB {topic} {payload_bytes}\r\n").into_bytes(),
            encoding: Encoding::Raw,
            after: LINE_END.to_vec(),
        }
    }

    fn script(&self, part: &Part<'_>) -> Script {
        let mut words = CONNECT.to_vec();
        if part.subscribes() {
            words.extend_from_slice(format!("SUB {} 1\r\n", part.topic).as_bytes());
        }
        words.extend_from_slice(b"PING\r\n");
        Script::from([
            Step::new(Cue::Greeted, words),
            Step::new(Cue::Subscribed, []),
        ])
    }

    fn resubscription(&self, topic: &str) -> Script {
        Script::from([
            Step::new(Cue::Open, format!("UNSUB 1\r\nSUB {topic} 1\r\nPING\r\n")),
            Step::new(Cue::Subscribed, []),
        ])
    }

    /// Without it the server hangs up after a while.
    fn pong(&self) -> &'static [u8] {
        b"PONG\r\n"
    }

    fn read(&self, bytes: &[u8], hear: &mut dyn FnMut(Heard<'_>)) -> Result<usize, Refusal> {
        let mut at = 0;
        while let Some((heard, length)) = parse(&bytes[at..])? {
            hear(heard);
            at += length;
        }
        Ok(at)
    }
}

/// The first protocol message in `bytes` and its length; `None` if it goes on beyond them.
#[inline]
fn parse(bytes: &[u8]) -> Result<Option<(Heard<'_>, usize)>, Refusal> {
    let Some(line_end) = bytes.iter().position(|byte| *byte == b'\n') else {
        return if bytes.len() > LINE_BYTES_MAX {
            Err(unknown(bytes))
        } else {
            Ok(None)
        };
    };
    let Some(line) = bytes[..line_end].strip_suffix(b"\r") else {
        return Err(unknown(&bytes[..line_end]));
    };
    let length = line_end + 1;
    if let Some(arguments) = line.strip_prefix(b"MSG ") {
        return delivery(arguments, line, bytes, length);
    }
    let heard = match line {
        b"PING" => Heard::Ping,
        b"PONG" => Heard::Cue(Cue::Subscribed),
        b"+OK" => Heard::Nothing,
        _ if line.starts_with(b"INFO ") => Heard::Cue(Cue::Greeted),
        _ if line.starts_with(b"-ERR") => return Err(refusal(&line[4..])),
        _ => return Err(unknown(line)),
    };
    Ok(Some((heard, length)))
}

/// `MSG subject sid [reply-to] bytes`, then the payload and an end of line.
fn delivery<'m>(
    arguments: &[u8],
    line: &[u8],
    bytes: &'m [u8],
    payload_from: usize,
) -> Result<Option<(Heard<'m>, usize)>, Refusal> {
    let digits = arguments
        .rsplit(|byte| *byte == b' ')
        .next()
        .unwrap_or_default();
    let payload_bytes = number(digits).ok_or_else(|| unknown(line))?;
    let payload_until = payload_from.saturating_add(payload_bytes);
    let Some(end) = bytes.get(payload_until..payload_until.saturating_add(LINE_END.len())) else {
        return Ok(None);
    };
    if end != LINE_END {
        return Err(unknown(line));
    }
    Ok(Some((
        Heard::Delivery(&bytes[payload_from..payload_until]),
        payload_until + LINE_END.len(),
    )))
}

fn number(digits: &[u8]) -> Option<usize> {
    // Nine digits are 1 GB, and fit any machine.
    if digits.is_empty() || digits.len() > 9 {
        return None;
    }
    digits.iter().try_fold(0, |number, digit| {
        digit
            .is_ascii_digit()
            .then(|| number * 10 + usize::from(digit - b'0'))
    })
}

fn refusal(reason: &[u8]) -> Refusal {
    let reason = reason.trim_ascii();
    let inner = reason
        .strip_prefix(b"'")
        .and_then(|reason| reason.strip_suffix(b"'"));
    Refusal(format!(
        "it refused: {}",
        inner.unwrap_or(reason).escape_ascii()
    ))
}

fn unknown(line: &[u8]) -> Refusal {
    Refusal(format!("it does not speak NATS: `{}`", quoted(line)))
}
