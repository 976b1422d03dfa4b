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
