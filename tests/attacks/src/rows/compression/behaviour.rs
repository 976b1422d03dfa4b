//! What rows C do that bytes alone cannot say: many connections, and several that share a topic.

use crate::deflate::{deflate, frame};
use crate::peer::{PATIENCE, Pace, Peer};
use crate::run::{Attempt, GROWTH_BYTES_MAX};
use crate::target::Target;
use crate::wire::{Request, TEXT};

/// Idle connections. A zlib state for each, of 32 KiB at least, would be more than a row may take.
const IDLE: usize = 1000;

const _: () = assert!((IDLE << 15) as u64 > GROWTH_BYTES_MAX);

/// A text that is worth compressing.
const TEXT_TO_COMPRESS: &[u8] = &[b'x'; 2000];

fn offering(target: &Target, path: &str, offer: &str) -> Request {
    Request::handshake(path, &target.host()).field("Sec-WebSocket-Extensions", offer)
}

/// C8: an idle connection keeps no state of a compressor.
pub(super) fn idle_connections(attempt: &Attempt<'_>) -> Result<String, String> {
    let target = attempt.target;
    let message = frame(TEXT, &deflate(TEXT_TO_COMPRESS));
    let mut crowd = Vec::new();
    for _ in 0..IDLE {
        let handshake = offering(target, &target.echo_path(), "permessage-deflate");
        let opened = Peer::upgrade(target, &handshake);
        let (mut peer, _) = opened.map_err(|error| error.to_string())?;
        peer.send(&message, Pace::AtOnce)
            .map_err(|error| error.to_string())?;
        let back = peer.message(PATIENCE).map_err(|end| format!("{end:?}"))?;
        if back.payload != TEXT_TO_COMPRESS {
            return Err("a message came back otherwise".to_owned());
        }
        crowd.push(peer);
    }
    Ok(format!("{IDLE} connections"))
}

/// C10: whatever is offered, the server compresses each message by itself.
pub(super) fn no_shared_context(attempt: &Attempt<'_>) -> Result<String, String> {
    const ANSWER: &str = "server_no_context_takeover";
    let target = attempt.target;
    let offers = [
        "permessage-deflate",
        "permessage-deflate; client_max_window_bits",
        "permessage-deflate; client_no_context_takeover",
    ];
    for offer in offers {
        let opened = Peer::upgrade(target, &offering(target, &target.echo_path(), offer));
        let (_, answer) = opened.map_err(|error| error.to_string())?;
        let agreed = answer.field("sec-websocket-extensions").unwrap_or_default();
        if target.is_ours() && !agreed.contains(ANSWER) {
            return Err(format!("`{offer}` is answered with `{agreed}`"));
        }
    }
    Ok(format!("{ANSWER} always"))
}

/// C11: what is compressed once is sent only to those who can read it.
pub(super) fn different_parameters(attempt: &Attempt<'_>) -> Result<String, String> {
    let target = attempt.target;
    let path = target.echo_path();
    let offers = [
        "permessage-deflate",
        "permessage-deflate; server_max_window_bits=15",
        "permessage-deflate; server_max_window_bits=12",
        "permessage-deflate; server_max_window_bits=9; client_no_context_takeover",
        "permessage-deflate; server_max_window_bits=8",
    ];
    let mut readers = Vec::new();
    let plain = Request::handshake(&path, &target.host());
    for request in [plain]
        .into_iter()
        .chain(offers.map(|offer| offering(target, &path, offer)))
    {
        let opened = Peer::upgrade(target, &request);
        readers.push(opened.map_err(|error| error.to_string())?.0);
    }
    // Repeats itself beyond every small window, and is no mere row of one letter.
    let message: Vec<u8> = (0..20_000u32)
        .map(|at| b'a' + (at.wrapping_mul(2_654_435_761) >> 16) as u8 % 26)
        .collect::<Vec<u8>>()
        .repeat(2);
    for _ in 0..3 {
        let sent = readers[0].send(&crate::wire::frame(TEXT, &message), Pace::AtOnce);
        sent.map_err(|error| error.to_string())?;
        for (number, reader) in readers.iter_mut().enumerate() {
            let back = reader.message(PATIENCE).map_err(|end| format!("{end:?}"))?;
            if back.payload != message {
                return Err(format!("reader {number} got something else"));
            }
        }
    }
    Ok(format!("{} readers, 3 messages", readers.len()))
}

/// C12: there is no way to configure no limit.
pub(super) fn no_limit_configured(attempt: &Attempt<'_>) -> Result<String, String> {
    for value in ["0B", "124B"] {
        let config = format!("[websocket]\nmessage_bytes_max = \"{value}\"\n");
        if attempt.target.accepts_config(&config)? {
            return Err(format!("{value} is accepted"));
        }
    }
    Ok("refused at start".to_owned())
}
