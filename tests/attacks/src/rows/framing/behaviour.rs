//! What rows F do that bytes alone cannot say: silence, and ends at the wrong moment.

use std::time::{Duration, Instant};

use crate::peer::{End, PATIENCE, Pace, Peer};
use crate::row::Expect;
use crate::run::{Attempt, GROWTH_BYTES_MAX};
use crate::wire::{self, BINARY, FIN, KEY, Length, TEXT, frame, header};

/// Connections that each declare as much as a message may have: if only that were allocated, it would be more than a row may
/// take.
const DECLARERS: usize = 400;

const _: () = assert!((DECLARERS << 16) as u64 > GROWTH_BYTES_MAX);

/// F10: nothing is allocated for what was only declared, and silence ends the connection.
pub(super) fn declared_and_silent(attempt: &Attempt<'_>) -> Result<String, String> {
    let target = attempt.target;
    let declaration = header(FIN | BINARY, 64 << 10, Length::Minimal, Some(KEY));
    let mut peers = Vec::new();
    for _ in 0..DECLARERS {
        let mut peer = Peer::echo(target).map_err(|error| error.to_string())?;
        // On a busy machine it may have been given up for its silence by now.
        let _ = peer.send(&declaration, Pace::AtOnce);
        peers.push(peer);
    }
    let silence = Expect::Closed(1008, "pong_timeout");
    let mut seen = String::new();
    for peer in &mut peers {
        seen = attempt.judge(peer, &silence)?;
    }
    Ok(format!("{DECLARERS} connections, {seen}"))
}

/// F21: whoever ignores our Close and our FIN is dropped soon.
pub(super) fn close_never_answered(attempt: &Attempt<'_>) -> Result<String, String> {
    let target = attempt.target;
    let mut peer = Peer::echo(target).map_err(|error| error.to_string())?;
    peer.send(&frame(3, b""), Pace::AtOnce)
        .map_err(|error| error.to_string())?;
    let begun = Instant::now();
    if peer.hear_out(PATIENCE).end == End::Open {
        return Err("no end of the server's half".to_owned());
    }
    // A socket that is gone answers with a reset, which makes the write after it fail.
    while begun.elapsed() < PATIENCE {
        if peer.send(&frame(TEXT, b"nobody"), Pace::AtOnce).is_err() {
            return Ok(format!("dropped after {} ms", begun.elapsed().as_millis()));
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    Err(format!("still there after {PATIENCE:?}"))
}

/// F26: at every byte of a session the peer closes its half, or resets the connection. Nothing but whole messages comes of
/// it, and nothing stays behind.
pub(super) fn cut_off_everywhere(attempt: &Attempt<'_>) -> Result<String, String> {
    let target = attempt.target;
    let path = target.echo_path();
    let handshake = wire::Request::handshake(&path, &target.host());
    let (mut watcher, _) = Peer::upgrade(target, &handshake).map_err(|error| error.to_string())?;
    let message = frame(TEXT, b"whole");
    let session = [handshake.bytes(), message.clone(), message].concat();
    let mut whole = 0;
    for cut in 0..=session.len() {
        for broken in [false, true] {
            let mut peer = Peer::connect(target).map_err(|error| error.to_string())?;
            peer.send(&session[..cut], Pace::AtOnce)
                .map_err(|error| error.to_string())?;
            if broken {
                peer.reset().map_err(|error| error.to_string())?;
            } else {
                peer.finish();
                if peer.end(PATIENCE) == End::Open {
                    return Err(format!("kept open after an end at byte {cut}"));
                }
            }
        }
    }
    // What the resets destroyed on the way never reached the server, so only whole messages are asked for.
    watcher
        .send(&frame(TEXT, b"that was all"), Pace::AtOnce)
        .map_err(|error| error.to_string())?;
    loop {
        match watcher.frame(PATIENCE) {
            Ok(frame) if frame.payload == b"that was all" => break,
            Ok(frame) if frame.payload == b"whole" => whole += 1,
            other => return Err(format!("{other:?} at a subscriber")),
        }
    }
    Ok(format!(
        "{} ends, {whole} whole messages",
        2 * session.len() + 2
    ))
}
