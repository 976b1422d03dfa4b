//! What rows P do: names in commands, subscribers that are slow, and everybody's bytes at once.

use std::io::Read;
use std::thread;
use std::time::{Duration, Instant};

use crate::peer::{PATIENCE, Pace, Peer};
use crate::row::Expect;
use crate::run::Attempt;
use crate::target::Target;
use crate::wire::{self, BINARY, CONTINUATION, FIN, Request, TEXT, frame};

/// Names that are in every way too long are refused by an answer, and cost no more than reading them.
pub(super) fn endless_topics(attempt: &Attempt<'_>) -> Result<String, String> {
    let long = "a".repeat(65_000);
    let levels = "a/".repeat(32_500);
    let separators = "/".repeat(65_000);
    let stars = "*/".repeat(32_500);
    refused(attempt.target, &[&long, &levels, &separators, &stars])
}

/// Names that look like another, or that end a line somewhere else.
pub(super) fn odd_topics(attempt: &Attempt<'_>) -> Result<String, String> {
    let odd = [
        "",
        "/",
        "a//b",
        "/a",
        "a/",
        ".",
        "..",
        "a/../b",
        "a/./b",
        r"a\u0000b",
        r"a\r\nSUB b",
        r"a\nb",
        r"a\tb",
        r"a\u007fb",
        r"a\u0085b",
        r"a\u2028b",
        r"\ufeffa",
        r"a\u202eb",
        r"a\u200fb",
        r"a\u2066b",
        "a*b",
        "a/**/b",
        "a/+",
        "a/#",
    ];
    let seen = refused(attempt.target, &odd)?;
    let url = |level: &str| {
        let path = format!("/t/{level}");
        let mut peer = Peer::connect(attempt.target).map_err(|error| error.to_string())?;
        let request = Request::handshake(&path, &attempt.target.host());
        peer.send(&request.bytes(), Pace::AtOnce)
            .map_err(|error| error.to_string())?;
        attempt
            .judge(&mut peer, &Expect::Refused(400, "bad_topic"))
            .map_err(|fault| format!("{path}: {fault}"))
    };
    for level in [
        "%0d%0a",
        "%00",
        "%e2%80%ae",
        "%ef%bb%bfa",
        "%ff",
        "a%2fb",
        "%7f",
        "a//b",
    ] {
        url(level)?;
    }
    Ok(format!("{seen}, 400 in URLs"))
}

/// Subscribes and publishes to each name, which has to be answered with an error; the connection lives.
fn refused(target: &Target, names: &[&str]) -> Result<String, String> {
    let answer = |peer: &mut Peer| {
        let message = peer.message(PATIENCE).map_err(|end| format!("{end:?}"))?;
        Ok::<_, String>(String::from_utf8_lossy(&message.payload).into_owned())
    };
    for name in names {
        let (mut peer, _) = Peer::upgrade(target, &Request::handshake("/ws", &target.host()))
            .map_err(|error| error.to_string())?;
        answer(&mut peer)?;
        let commands = [
            (format!(r#"{{"id":1,"subscribe":"{name}"}}"#), "bad_topic"),
            (
                format!(r#"{{"id":1,"publish":"{name}","data":1}}"#),
                "bad_topic",
            ),
            (
                r#"{"id":1,"subscribe":"still/here"}"#.to_owned(),
                "subscribed",
            ),
        ];
        for (command, wanted) in commands {
            peer.send(&frame(TEXT, command.as_bytes()), Pace::AtOnce)
                .map_err(|error| error.to_string())?;
            let said = answer(&mut peer)?;
            if !said.contains(wanted) {
                return Err(format!("{command:.60} is answered with {said:.120}"));
            }
        }
    }
    Ok("bad_topic".to_owned())
}

/// Connections that subscribe to one topic, and one that publishes to it.
fn audience(target: &Target, count: usize) -> Result<(Vec<Peer>, Peer), String> {
    let path = target.echo_path();
    let open = |mode| {
        let handshake = Request::handshake(&format!("{path}?mode={mode}"), &target.host());
        let opened = Peer::upgrade(target, &handshake);
        opened
            .map(|(peer, _)| peer)
            .map_err(|error| error.to_string())
    };
    let readers: Result<Vec<Peer>, String> = (0..count).map(|_| open("sub")).collect();
    Ok((readers?, open("pub")?))
}

const STALLED: usize = 20;
const MESSAGE_BYTES: usize = 16 << 10;

/// Twice what the kernel takes for a stalled connection on its largest buffers, and the backlog's bound.
const MESSAGES: usize = 1024;

/// P12: those who stop reading are closed with 4408, and cost the topic's bound, not one for each.
pub(super) fn stalled_subscribers(attempt: &Attempt<'_>) -> Result<String, String> {
    let (stalled, mut publisher) = audience(attempt.target, STALLED)?;
    let message = frame(BINARY, &[7; MESSAGE_BYTES]);
    for _ in 0..MESSAGES {
        publisher
            .send(&message, Pace::AtOnce)
            .map_err(|error| error.to_string())?;
    }
    let behind = Expect::Closed(4408, "slow_consumer");
    for mut reader in stalled {
        attempt.judge(&mut reader, &behind)?;
    }
    Ok(format!("{STALLED} of {STALLED} closed with 4408"))
}

/// P13: the write timeout counts from the oldest byte that was not taken, not from the last that was.
pub(super) fn dripping_reader(attempt: &Attempt<'_>) -> Result<String, String> {
    let (mut readers, mut publisher) = audience(attempt.target, 1)?;
    let message = frame(BINARY, &[7; MESSAGE_BYTES]);
    for _ in 0..MESSAGES {
        publisher
            .send(&message, Pace::AtOnce)
            .map_err(|error| error.to_string())?;
    }
    attempt.want("write_timeout");
    let begun = Instant::now();
    while attempt.check_reasons_now().is_err() {
        if begun.elapsed() > PATIENCE {
            return Err(format!("still written to after {PATIENCE:?}"));
        }
        let byte = readers[0].stream().read(&mut [0]);
        byte.map_err(|error| error.to_string())?;
        thread::sleep(Duration::from_millis(20));
    }
    readers.clear();
    Ok(format!("given up after {} ms", begun.elapsed().as_millis()))
}

const SPEAKERS: usize = 16;
const ROUNDS: usize = 60;

/// P30: messages of every size, whole, cut and in fragments, over many connections at once; everybody gets back exactly what
/// they said. A build with debug assertions poisons every receive buffer between two uses, so that one byte too many of it
/// could not be mistaken for anybody's; all other buffers that are used again are vectors in crates without `unsafe`, of which
/// only what was written since they were cleared can be read.
pub(super) fn recycled_buffers(attempt: &Attempt<'_>) -> Result<String, String> {
    let mut speakers = Vec::new();
    for _ in 0..SPEAKERS {
        speakers.push(Peer::echo(attempt.target).map_err(|error| error.to_string())?);
    }
    let mut heard_bytes = 0;
    for round in 0..ROUNDS {
        for (number, speaker) in speakers.iter_mut().enumerate() {
            let (bytes, pace) = said(number, round);
            speaker
                .send(&bytes, pace)
                .map_err(|error| error.to_string())?;
        }
        for (number, speaker) in speakers.iter_mut().enumerate() {
            let heard = speaker
                .message(PATIENCE)
                .map_err(|end| format!("{end:?}"))?;
            if heard.payload != payload(number, round) {
                return Err(format!(
                    "connection {number} got other bytes in round {round}"
                ));
            }
            heard_bytes += heard.payload.len();
        }
    }
    Ok(format!(
        "{} messages, {} KiB",
        SPEAKERS * ROUNDS,
        heard_bytes >> 10
    ))
}

/// Bytes of that connection and round alone, of sizes from none to 40 KiB.
fn payload(number: usize, round: usize) -> Vec<u8> {
    let length = (round * round * 11 + number * 7) % 40_000;
    let own = format!("<{number}/{round}>");
    own.bytes().cycle().take(length).collect()
}

fn said(number: usize, round: usize) -> (Vec<u8>, Pace) {
    let payload = payload(number, round);
    match (number + round) % 4 {
        0 => (frame(TEXT, &payload), Pace::AtOnce),
        1 => (frame(TEXT, &payload), Pace::Pieces(997)),
        2 => {
            let (first, last) = payload.split_at(payload.len() / 3);
            let parts = [
                wire::part(TEXT, first),
                wire::part(FIN | CONTINUATION, last),
            ];
            (parts.concat(), Pace::Pieces(4099))
        }
        _ => (frame(BINARY, &payload), Pace::AtOnce),
    }
}
