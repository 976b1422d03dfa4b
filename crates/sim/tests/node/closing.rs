//! Who ends the stream, and when (RFC 6455 sections 5.5.1 and 7.1.1).

use frame::{CloseCode, Header, Opcode};
use protocol::handshake::client::Offer;
use protocol::ws::{Connection, Role};
use ringwire_sim::{Conditions, PeerState, SimNode};
use server::config::Config;

/// Less than any timeout of the server's, in nanoseconds of the network's clock.
const AT_ONCE_NS: u64 = 1_000_000_000;

/// What a client hears behind the 101 when it sends these bytes and then waits, and does not end
/// its half of the stream.
fn hears(seed: u64, frames: &[u8]) -> Vec<u8> {
    let mut node = SimNode::start(seed, Conditions::default(), 2, &Config::default());
    let offer = Offer {
        host: "localhost:7464",
        target: "/t/a",
        subprotocols: &[],
        headers: &[],
        key: [7; 16],
        deflate: None,
    };
    let mut out = Vec::new();
    offer.write(&mut out).expect("a valid offer");
    out.extend_from_slice(frames);
    let mut peer = node.network().connect(node.address(), None);
    let (mut sent, mut got) = (0, Vec::new());
    let mut said_ns = None;
    while peer.state() != PeerState::Finished {
        sent += peer.write(&out[sent..]);
        got.extend(peer.read(1 << 16));
        let now_ns = node.network().now_ns();
        if sent == out.len() {
            let waited_ns = now_ns - *said_ns.get_or_insert(now_ns);
            assert!(waited_ns < AT_ONCE_NS, "seed {seed}: no end after {got:?}");
        }
        node.turn();
    }
    got.extend(peer.read(1 << 16));
    let head = got.windows(4).position(|end| end == b"\r\n\r\n");
    got.split_off(head.expect("a whole answer") + 4)
}

/// "The server MUST close the underlying TCP connection immediately."
#[test]
fn the_server_ends_the_stream_as_soon_as_both_have_said_close() {
    for seed in 0..20 {
        let mut machine = Connection::new(Role::Client, 0, 1);
        machine.close(0, CloseCode::NORMAL, "done");
        let mut close = Vec::new();
        machine.transmit(&mut close);
        assert_eq!(hears(seed, &close), [0x88, 2, 0x03, 0xe8], "seed {seed}");
    }
}

/// Section 7.1.7: it says why it fails the connection, and waits for no answer.
#[test]
fn the_server_ends_the_stream_of_a_client_that_breaks_a_rule() {
    for seed in 0..20 {
        let mut unmasked = [0; Header::BYTES_MAX];
        let header = Header {
            fin: true,
            rsv: 0,
            opcode: Opcode::Text,
            mask: None,
            payload_len: 0,
        };
        let length = header.encode(&mut unmasked);
        let heard = hears(seed, &unmasked[..length]);
        assert_eq!(heard[0], 0x88, "seed {seed}: a Close and nothing else");
        assert_eq!(heard[2..4], 1002_u16.to_be_bytes(), "seed {seed}");
        assert_eq!(heard.len(), 2 + usize::from(heard[1]), "seed {seed}");
    }
}
