//! What rows H do that bytes alone cannot say: taking too long.

use std::time::{Duration, Instant};

use crate::peer::{PATIENCE, Pace, Peer};
use crate::row::Expect;
use crate::run::Attempt;
use crate::wire::Request;

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
