//! The limits of permessage-deflate: bytes on the wire, final blocks, and contexts that all clients have together.

use std::time::Instant;

use ringwire_attacks::peer::{PATIENCE, Peer};
use ringwire_attacks::row::{Case, Expect};
use ringwire_attacks::target::Target;
use ringwire_attacks::wire::{FIN, RSV1, Request, TEXT, part};

use super::{MESSAGE_BYTES_MAX, TOO_BIG, around, assert_hold, echoed};

/// Room for the contexts of two clients.
const CONFIG: &str = r#"
[websocket]
message_bytes_max = "300B"
[compression]
enabled = true
contexts_bytes_max = "8KiB"
"#;

/// What a message of 300 bytes may take on the wire.
const COMPRESSED_BYTES_MAX: usize = MESSAGE_BYTES_MAX + MESSAGE_BYTES_MAX / 8 + 64;
const FINAL_BLOCKS_MAX: usize = 16;
const CONTEXTS_MAX: usize = 2;

/// A stored block.
fn stored(first: u8, plain: &[u8]) -> Vec<u8> {
    let length = (plain.len() as u16).to_le_bytes();
    [&[first], &length[..], &length.map(|byte| !byte), plain].concat()
}

#[test]
fn compressed_messages() {
    let target = Target::start(CONFIG, None);
    let message = |compressed: &[u8]| part(FIN | RSV1 | TEXT, compressed);
    let mut cases = around(
        "on the wire",
        COMPRESSED_BYTES_MAX,
        |name, size, allowed| {
            // Blocks of nothing, and some text in the last.
            let blocks = stored(0, b"").repeat(70);
            let text = vec![b't'; size - blocks.len() - 6];
            let compressed = [blocks, stored(0, &text), vec![0]].concat();
            assert_eq!(compressed.len(), size);
            let expect = if allowed {
                echoed(FIN | TEXT, text)
            } else {
                TOO_BIG
            };
            Case::deflated(name, message(&compressed), expect)
        },
    );
    cases.extend(around(
        "inflated",
        MESSAGE_BYTES_MAX,
        |name, size, allowed| {
            let text = vec![b't'; size];
            let compressed = [stored(0, &text), vec![0]].concat();
            let expect = if allowed {
                echoed(FIN | TEXT, text)
            } else {
                TOO_BIG
            };
            Case::deflated(name, message(&compressed), expect)
        },
    ));
    let corrupt = Expect::Closed(1007, "invalid_payload");
    cases.extend(around(
        "final blocks",
        FINAL_BLOCKS_MAX,
        |name, count, allowed| {
            let compressed = [stored(1, b"f").repeat(count), vec![0]].concat();
            let whole = echoed(FIN | TEXT, vec![b'f'; count]);
            let expect = if allowed { whole } else { corrupt.clone() };
            Case::deflated(name, message(&compressed), expect)
        },
    ));
    cases.push(Case::deflated(
        "empty",
        message(b""),
        echoed(FIN | TEXT, Vec::new()),
    ));
    let largest = stored(0, &[b't'; MESSAGE_BYTES_MAX]);
    let mistake = message(&[largest, vec![7]].concat());
    cases.push(Case::deflated(
        "a mistake behind the largest",
        mistake,
        corrupt,
    ));
    assert_hold(&target, &cases);
}

#[test]
fn contexts() {
    let target = Target::start(CONFIG, None);
    let open = || {
        let offer = "permessage-deflate; client_max_window_bits";
        let handshake = Request::handshake(&target.echo_path(), &target.host())
            .field("Sec-WebSocket-Extensions", offer);
        let (peer, answer) = Peer::upgrade(&target, &handshake).unwrap();
        let agreed = answer.field("sec-websocket-extensions").unwrap();
        (peer, !agreed.contains("client_no_context_takeover"))
    };
    let mut inside: Vec<_> = (0..CONTEXTS_MAX + 1).map(|_| open()).collect();
    let granted: Vec<bool> = inside.iter().map(|(_, granted)| *granted).collect();
    assert_eq!(granted, [true, true, false]);
    // What one gives back another may have, as soon as the server has seen that.
    drop(inside.remove(0));
    let deadline = Instant::now() + PATIENCE;
    while !open().1 {
        assert!(Instant::now() < deadline, "no room after one has left");
    }
}
