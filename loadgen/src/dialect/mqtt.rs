//! MQTT 3.1.1 with quality of service 0: ten of its packets.
//! <https://docs.oasis-open.org/mqtt/mqtt/v3.1.1/os/mqtt-v3.1.1-os.html>
//!
//! Sessions are clean and keep-alive is off (section 3.1.2.10), so there is nothing to store and no ping to send. Wills, retained
//! messages and credentials are not spoken.

use std::sync::Arc;

use super::{Cue, Dialect, Driver, Encoding, Envelope, Heard, Part, Recipe, Refusal, Script, Step};

/// MQTT.
pub(super) const DRIVER: Driver = Driver {
    name: "mqtt",
    help: "MQTT 3.1.1 with quality of service 0, at the URL as it is",
    recipe: Recipe::Fixed(|| Arc::new(Mqtt)),
};

#[derive(Debug)]
struct Mqtt;

// First bytes: packet type and its flags (section 2.2).
const CONNECT: u8 = 0x10;
const CONNACK: u8 = 0x20;
const PUBLISH: u8 = 0x30;
const SUBSCRIBE: u8 = 0x82;
const SUBACK: u8 = 0x90;
const UNSUBSCRIBE: u8 = 0xa2;
const UNSUBACK: u8 = 0xb0;
const PINGRESP: u8 = 0xd0;

/// The type without the flags.
const TYPE_BITS: u8 = 0xf0;
/// The quality of service among the flags of a PUBLISH.
const QOS_BITS: u8 = 0x06;

/// `Remaining Length` has four bytes of seven bits (section 2.2.3).
const REMAINING_MAX: usize = (1 << 28) - 1;

/// The one packet identifier that is ever needed.
const IDENTIFIER: [u8; 2] = [0, 1];

/// Section 3.2.2.3.
const REFUSALS: [&str; 5] = [
    "it does not speak MQTT 3.1.1",
    "it does not take the client identifier",
    "the MQTT service is unavailable",
    "it wants a user name and password",
    "this client is not authorized",
];

impl Dialect for Mqtt {
    fn subprotocols(&self) -> &'static [&'static str] {
        &["mqtt"]
    }

    fn check_topic(&self, name: &str) -> Result<(), &'static str> {
        if name.contains(['+', '#', '\0']) {
            return Err("an MQTT topic has no `+` or `#`");
        }
        if name.len() > usize::from(u16::MAX) {
            return Err("an MQTT topic has at most 65535 bytes");
        }
        Ok(())
    }

    fn payload_bytes_max(&self, topic: &str) -> Option<usize> {
        Some(REMAINING_MAX - text(topic).len())
    }

    fn envelope(&self, topic: &str, payload_bytes: usize) -> Envelope {
        let topic = text(topic);
        let mut before = vec![PUBLISH];
        remaining(topic.len() + payload_bytes, &mut before);
        before.extend_from_slice(&topic);
        Envelope {
            before,
            encoding: Encoding::Raw,
            after: Vec::new(),
        }
    }

    fn script(&self, part: &Part<'_>) -> Script {
        // Section 3.1.3.1: 23 letters and digits every server takes.
        let identifier = format!("load{:016x}", part.client);
        let mut connect = vec![0, 4, b'M', b'Q', b'T', b'T', 4, 0x02, 0, 0];
        connect.extend_from_slice(&text(&identifier));
        let open = Step::new(Cue::Open, packet(CONNECT, &connect));
        if !part.subscribes() {
            return Script::from([open, Step::new(Cue::Greeted, [])]);
        }
        Script::from([
            open,
            Step::new(Cue::Greeted, subscribe(part.topic)),
            Step::new(Cue::Subscribed, []),
        ])
    }

    fn resubscription(&self, topic: &str) -> Script {
        let filter = [IDENTIFIER.as_slice(), &text(topic)].concat();
        Script::from([
            Step::new(Cue::Open, packet(UNSUBSCRIBE, &filter)),
            Step::new(Cue::Unsubscribed, subscribe(topic)),
            Step::new(Cue::Subscribed, []),
        ])
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

fn subscribe(topic: &str) -> Vec<u8> {
    packet(
        SUBSCRIBE,
        &[IDENTIFIER.as_slice(), &text(topic), &[0]].concat(),
    )
}

/// The first packet in `bytes` and its length; `None` if it goes on beyond them.
#[inline]
fn parse(bytes: &[u8]) -> Result<Option<(Heard<'_>, usize)>, Refusal> {
    let Some((&first, rest)) = bytes.split_first() else {
        return Ok(None);
    };
    if !matches!(
        first & TYPE_BITS,
        PUBLISH | CONNACK | SUBACK | UNSUBACK | PINGRESP
    ) {
        return Err(unknown(first));
    }
    let Some((remaining_bytes, length_bytes)) = decode_remaining(rest)? else {
        return Ok(None);
    };
    let Some(body) = rest.get(length_bytes..length_bytes + remaining_bytes) else {
        return Ok(None);
    };
    let heard = match (first & TYPE_BITS, body) {
        (PUBLISH, _) if first & QOS_BITS == 0 => Heard::Delivery(payload(body)?),
        (CONNACK, [_, 0]) => Heard::Cue(Cue::Greeted),
        (CONNACK, [_, code]) => return Err(refusal(*code)),
        (SUBACK, [_, _, 0..=2]) => Heard::Cue(Cue::Subscribed),
        (SUBACK, [_, _, _]) => return Err(Refusal("it refused the subscription".to_owned())),
        (UNSUBACK, [_, _]) => Heard::Cue(Cue::Unsubscribed),
        (PINGRESP, []) => Heard::Nothing,
        _ => return Err(unknown(first)),
    };
    Ok(Some((heard, 1 + length_bytes + remaining_bytes)))
}

/// A publication without its topic.
fn payload(body: &[u8]) -> Result<&[u8], Refusal> {
    let cut = || Refusal("it sent a publication that is cut inside its topic".to_owned());
    let (topic_bytes, rest) = body.split_first_chunk().ok_or_else(cut)?;
    rest.get(usize::from(u16::from_be_bytes(*topic_bytes))..)
        .ok_or_else(cut)
}

fn refusal(code: u8) -> Refusal {
    let known = usize::from(code)
        .checked_sub(1)
        .and_then(|at| REFUSALS.get(at));
    Refusal(known.map_or_else(
        || format!("it refused with code {code}"),
        |text| (*text).to_owned(),
    ))
}

fn unknown(first: u8) -> Refusal {
    Refusal(format!(
        "it does not speak MQTT 3.1.1: a packet begins with {first:#04x}"
    ))
}

/// The length after a packet's first byte, and how many bytes it takes.
#[inline]
fn decode_remaining(bytes: &[u8]) -> Result<Option<(usize, usize)>, Refusal> {
    let mut length = 0;
    for (at, byte) in bytes.iter().take(4).enumerate() {
        length |= usize::from(byte & 0x7f) << (7 * at);
        if byte & 0x80 == 0 {
            return Ok(Some((length, at + 1)));
        }
    }
    match bytes.len() {
        0..4 => Ok(None),
        _ => Err(Refusal(
            "it does not speak MQTT 3.1.1: a packet's length does not end".to_owned(),
        )),
    }
}

/// A whole packet.
fn packet(first: u8, body: &[u8]) -> Vec<u8> {
    let mut packet = vec![first];
    remaining(body.len(), &mut packet);
    packet.extend_from_slice(body);
    packet
}

fn remaining(mut length: usize, out: &mut Vec<u8>) {
    while length > 0x7f {
        out.push(length as u8 | 0x80);
        length >>= 7;
    }
    out.push(length as u8);
}

/// A text behind its length (section 1.5.3). The callers know that it is short enough.
fn text(text: &str) -> Vec<u8> {
    [&(text.len() as u16).to_be_bytes(), text.as_bytes()].concat()
}
