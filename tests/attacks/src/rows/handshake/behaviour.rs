//! What rows H do that bytes alone cannot say: taking too long, and being too many.

use std::time::{Duration, Instant};

use crate::peer::{End, PATIENCE, Pace, Peer};
use crate::row::Expect;
use crate::run::Attempt;
use crate::wire::{Request, TLS_HANDSHAKE, client_hello, tls_record};

/// Between two bytes.
const DRIP: Duration = Duration::from_millis(20);

/// H16: the deadline of a head is absolute. Whoever drips hears 408 at it, and not one byte later.
pub(super) fn dripping_head(attempt: &Attempt<'_>) -> Result<String, String> {
    let target = attempt.target;
    let head = Request::handshake(&target.echo_path(), &target.host()).padded_to(4096);
    let mut peer = Peer::connect(target).map_err(|error| error.to_string())?;
    let begun = Instant::now();
    for byte in head.bytes() {
        if peer.send(&[byte], Pace::AtOnce).is_err() || peer.has_heard() {
            break;
        }
        if begun.elapsed() > PATIENCE {
            return Err(format!("still reads after {PATIENCE:?}"));
        }
        std::thread::sleep(DRIP);
    }
    let took = begun.elapsed();
    let seen = attempt.judge(&mut peer, &Expect::Refused(408, "request_timeout"))?;
    Ok(format!("{seen} after {} ms", took.as_millis()))
}

/// More than may be there.
const CROWD: usize = 60;

/// H30: who finds no room is told so at once, whoever is inside is served, and there is room again when others have left.
pub(super) fn crowd(attempt: &Attempt<'_>) -> Result<String, String> {
    let target = attempt.target;
    let mut inside = Vec::new();
    let mut refused = 0;
    for _ in 0..CROWD {
        let mut peer = Peer::connect(target).map_err(|error| error.to_string())?;
        let handshake = Request::handshake(&target.echo_path(), &target.host());
        // Whoever is turned away may be so before they have asked.
        let _ = peer.send(&handshake.bytes(), Pace::AtOnce);
        match peer.answer(PATIENCE).map(|answer| answer.status) {
            Ok(101) => inside.push(peer),
            Ok(503 | 429) => refused += 1,
            other => return Err(format!("{other:?}")),
        }
    }
    if target.is_ours() && refused == 0 {
        return Err(format!("room for all {CROWD}"));
    }
    for peer in &mut inside {
        attempt.judge(peer, &Expect::Echoed(Vec::new()))?;
    }
    let told = format!("{} let in, {refused} refused", inside.len());
    drop(inside);
    let deadline = Instant::now() + PATIENCE;
    while Peer::echo(target).is_err() {
        if Instant::now() > deadline {
            return Err("no room when all have left".to_owned());
        }
    }
    Ok(told)
}

/// Connections of one address, and how many of them the row's configuration lets in.
const HELLOS: usize = 300;
const PER_ADDRESS_MAX: usize = 20;

/// H19: who finds no room is closed without a byte, for an answer would take the handshake that the flood is about; who is
/// inside goes on.
pub(super) fn flood_of_hellos(attempt: &Attempt<'_>) -> Result<String, String> {
    let target = attempt.target;
    let failed = |error: std::io::Error| error.to_string();
    let mut honest = Peer::echo(target).map_err(failed)?;
    let hello = tls_record(TLS_HANDSHAKE, &client_hello(512, 200));
    let mut flood = Vec::new();
    for _ in 0..HELLOS {
        let mut peer = Peer::connect_tls(target).map_err(failed)?;
        // Whoever is turned away may be so before they have said anything.
        let _ = peer.send(&hello, Pace::AtOnce);
        flood.push(peer);
    }
    for peer in &mut flood[PER_ADDRESS_MAX - 1..] {
        match peer.rest(PATIENCE) {
            (told, End::Finished | End::Reset) if told.is_empty() => {}
            (told, end) => return Err(format!("{end:?} after {} bytes", told.len())),
        }
    }
    if flood[..PER_ADDRESS_MAX - 1].iter_mut().any(Peer::has_heard) {
        return Err("half a hello was answered".to_owned());
    }
    attempt.judge(&mut honest, &Expect::Echoed(Vec::new()))?;
    drop(flood);
    let deadline = Instant::now() + PATIENCE;
    while Peer::echo(target).is_err() {
        if Instant::now() > deadline {
            return Err("no room when all have left".to_owned());
        }
    }
    let closed = HELLOS + 1 - PER_ADDRESS_MAX;
    Ok(format!("{closed} of {HELLOS} closed without a byte"))
}
