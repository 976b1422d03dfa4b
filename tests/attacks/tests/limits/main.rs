//! Every limit that a client can reach, against the real program: empty, one below, exactly, one above, and a mistake right
//! behind what was just allowed.

mod commands;
mod compressed;

use std::time::Instant;

use ringwire_attacks::peer::{PATIENCE, Pace, Peer};
use ringwire_attacks::row::{Case, Expect, Place};
use ringwire_attacks::run::{Attempt, run_cases};
use ringwire_attacks::target::Target;
use ringwire_attacks::wire::{
    BINARY, CLOSE, CONTINUATION, FIN, PING, PONG, Request, TEXT, TLS_HANDSHAKE, client_hello,
    close, frame, part, tls_record,
};

/// Limits that are small enough to be tried out.
const CONFIG: &str = r#"
[http]
head_bytes_max = "1KiB"
headers_max = 10
[websocket]
message_bytes_max = "300B"
fragments_max = 4
[broker]
subscriptions_max = 3
patterns_max = 2
topics_max = 20
[topic_default]
messages_max = 3
"#;

const TOPICS_MAX: usize = 20;
const HEAD_BYTES_MAX: usize = 1024;
const HEADERS_MAX: usize = 10;
const MESSAGE_BYTES_MAX: usize = 300;
const FRAGMENTS_MAX: usize = 4;
const CONTROL_BYTES_MAX: usize = 125;
/// A minute's worth at one a second.
const CONTROL_FRAMES_MAX: usize = 60;
const PONGS_MAX: usize = 16;
const TLS_HANDSHAKE_BYTES_MAX: usize = 64 << 10;
const CHUNK_EXTENSION_BYTES_MAX: usize = 1024;

const BROKEN: Expect = Expect::Closed(1002, "protocol_error");
const TOO_BIG: Expect = Expect::Closed(1009, "too_big");
const BAD_REQUEST: Expect = Expect::Refused(400, "bad_request");
const TOO_LARGE: Expect = Expect::Refused(431, "headers_too_large");

fn target() -> Target {
    Target::start(CONFIG, None)
}

fn place(target: &Target) -> Place {
    Place {
        path: target.echo_path(),
        host: target.host(),
    }
}

/// One less than the limit, the limit, and one more: what is sent, and what must come of it.
fn around(name: &str, limit: usize, case: impl Fn(String, usize, bool) -> Case) -> Vec<Case> {
    [limit - 1, limit, limit + 1]
        .map(|size| case(format!("{name} {size}"), size, size <= limit))
        .to_vec()
}

fn assert_hold(target: &Target, cases: &[Case]) {
    let attempt = Attempt::begin(target);
    run_cases(&attempt, cases).unwrap();
    attempt.check_reasons().unwrap();
}

/// A reserved opcode.
fn mistake() -> Vec<u8> {
    frame(3, b"")
}

fn echoed(first: u8, payload: Vec<u8>) -> Expect {
    Expect::Echoed(vec![(first, payload)])
}

#[test]
fn heads() {
    let target = target();
    let place = place(&target);
    let judge = |allowed, over: Expect| if allowed { Expect::Upgraded } else { over };
    let mut cases = around("bytes of a head", HEAD_BYTES_MAX, |name, size, allowed| {
        let request = place.handshake().padded_to(size);
        Case::request(name, &request, judge(allowed, TOO_LARGE))
    });
    cases.extend(around(
        "header lines",
        HEADERS_MAX,
        |name, size, allowed| {
            let request = place.handshake();
            let missing = size - request.fields();
            let request = (0..missing).fold(request, |request, _| request.field("X", ""));
            Case::request(name, &request, judge(allowed, TOO_LARGE))
        },
    ));
    // The request line alone may be as long as the head; then its fields no longer fit.
    let line = |bytes: usize| {
        let around = "GET /t/ HTTP/1.1\r\n".len();
        let path = format!("/t/{}", "a".repeat(bytes - around));
        place.handshake_for(&path).bytes()
    };
    let too_long = Expect::Refused(414, "target_too_long");
    cases.push(Case::first(
        "a request line of 1,024",
        line(HEAD_BYTES_MAX),
        TOO_LARGE,
    ));
    cases.push(Case::first("of 1,025", line(HEAD_BYTES_MAX + 1), too_long));
    let nothing = Request::new("GET / HTTP/1.1");
    cases.push(Case::request("no header line", &nothing, BAD_REQUEST));
    let largest = place.handshake().padded_to(HEAD_BYTES_MAX).body(&mistake());
    cases.push(Case::after(
        "a mistake behind the largest head",
        largest,
        Vec::new(),
        BROKEN,
    ));
    assert_hold(&target, &cases);
}

#[test]
fn bodies() {
    let target = target();
    let place = place(&target);
    let post = || Request::new(&format!("POST {} HTTP/1.1", place.path)).field("Host", &place.host);
    let judge = |allowed| match allowed {
        true => Expect::Served(200),
        false => Expect::Refused(413, "too_big"),
    };
    let sized = |size: usize| post().field("Content-Length", &size.to_string());
    let chunked = |body: &str| {
        post()
            .field("Transfer-Encoding", "chunked")
            .body(body.as_bytes())
    };
    let mut cases = around("a body", MESSAGE_BYTES_MAX, |name, size, allowed| {
        Case::request(name, &sized(size).body(&vec![b'x'; size]), judge(allowed))
    });
    cases.extend(around(
        "chunks",
        MESSAGE_BYTES_MAX,
        |name, size, allowed| {
            let data = "x".repeat(size - 100);
            let rest = "x".repeat(100);
            let body = format!("{:x}\r\n{data}\r\n64\r\n{rest}\r\n0\r\n\r\n", data.len());
            Case::request(name, &chunked(&body), judge(allowed))
        },
    ));
    let extensions = |name, size: usize, allowed| {
        let extension = "e".repeat(size);
        let body = format!("1;{extension}\r\nx\r\n0\r\n\r\n");
        let expect = if allowed {
            Expect::Served(200)
        } else {
            BAD_REQUEST
        };
        Case::request(name, &chunked(&body), expect)
    };
    cases.extend(around(
        "chunk extensions",
        CHUNK_EXTENSION_BYTES_MAX,
        extensions,
    ));
    cases.extend(around(
        "digits of a chunk's size",
        16,
        |name, size, allowed| {
            let body = format!("{:0size$x}\r\nx\r\n0\r\n\r\n", 1);
            let expect = if allowed {
                Expect::Served(200)
            } else {
                BAD_REQUEST
            };
            Case::request(name, &chunked(&body), expect)
        },
    ));
    cases.push(Case::request(
        "an empty body",
        &sized(0),
        Expect::Served(200),
    ));
    cases.push(Case::request(
        "no chunk",
        &chunked("0\r\n\r\n"),
        Expect::Served(200),
    ));
    assert_hold(&target, &cases);
}

#[test]
fn behind_the_largest_body_stands_no_request() {
    let target = target();
    let place = place(&target);
    let largest = Request::new(&format!("POST {} HTTP/1.1", place.path))
        .field("Host", &place.host)
        .field("Content-Length", &MESSAGE_BYTES_MAX.to_string())
        .body(&[b'x'; MESSAGE_BYTES_MAX]);
    let bytes = [largest.bytes(), b"\0\0".to_vec()].concat();
    let mut peer = Peer::connect(&target).unwrap();
    peer.send(&bytes, Pace::AtOnce).unwrap();
    assert_eq!(peer.answer(PATIENCE).unwrap().status, 200);
    let (rest, _) = peer.rest(PATIENCE);
    assert!(rest.windows(12).any(|line| line == b"HTTP/1.1 400"));
}

#[test]
fn messages() {
    let target = target();
    let mut cases = Vec::new();
    for opcode in [TEXT, BINARY] {
        cases.extend(around(
            "a message",
            MESSAGE_BYTES_MAX,
            |name, size, allowed| {
                let payload = vec![b'm'; size];
                let expect = if allowed {
                    echoed(FIN | opcode, payload.clone())
                } else {
                    TOO_BIG
                };
                Case::frames(name, frame(opcode, &payload), expect)
            },
        ));
        cases.extend(around(
            "fragments together",
            MESSAGE_BYTES_MAX,
            |name, size, allowed| {
                let payload = vec![b'm'; size];
                let (first, last) = payload.split_at(100);
                let bytes = [part(opcode, first), part(FIN | CONTINUATION, last)].concat();
                let expect = if allowed {
                    echoed(FIN | opcode, payload.clone())
                } else {
                    TOO_BIG
                };
                Case::frames(name, bytes, expect)
            },
        ));
        cases.push(Case::frames(
            "empty",
            frame(opcode, b""),
            echoed(FIN | opcode, Vec::new()),
        ));
        let largest = frame(opcode, &[b'm'; MESSAGE_BYTES_MAX]);
        cases.push(Case::frames(
            "a mistake behind it",
            [largest, mistake()].concat(),
            BROKEN,
        ));
    }
    assert_hold(&target, &cases);
}

#[test]
fn fragments() {
    let target = target();
    let mut cases = Vec::new();
    for payload in [b"f".as_slice(), b""] {
        let message = |count: usize, last: u8| {
            let mut bytes = part(TEXT, payload);
            bytes.extend(part(CONTINUATION, payload).repeat(count - 2));
            bytes.extend(part(last | CONTINUATION, payload));
            bytes
        };
        cases.extend(around(
            "fragments",
            FRAGMENTS_MAX,
            |name, count, allowed| {
                let whole = echoed(FIN | TEXT, payload.repeat(count));
                let expect = if allowed {
                    whole
                } else {
                    Expect::Closed(1008, "policy")
                };
                Case::frames(name, message(count, FIN), expect)
            },
        ));
        let unfinished = [message(FRAGMENTS_MAX, 0), mistake()].concat();
        cases.push(Case::frames(
            "a mistake behind the last",
            unfinished,
            BROKEN,
        ));
    }
    assert_hold(&target, &cases);
}

#[test]
fn control_frames() {
    let target = target();
    let mut cases = around("a ping", CONTROL_BYTES_MAX, |name, size, allowed| {
        let payload = vec![b'p'; size];
        let expect = if allowed {
            echoed(FIN | PONG, payload.clone())
        } else {
            BROKEN
        };
        Case::frames(name, frame(PING, &payload), expect)
    });
    cases.extend(around(
        "a pong",
        CONTROL_BYTES_MAX,
        |name, size, allowed| {
            let expect = if allowed {
                Expect::Echoed(Vec::new())
            } else {
                BROKEN
            };
            Case::frames(name, frame(PONG, &vec![b'p'; size]), expect)
        },
    ));
    cases.extend(around(
        "a close",
        CONTROL_BYTES_MAX,
        |name, size, allowed| {
            let expect = if allowed {
                Expect::Closed(1000, "normal")
            } else {
                BROKEN
            };
            Case::frames(name, close(1000, &vec![b'r'; size - 2]), expect)
        },
    ));
    cases.push(Case::frames(
        "an empty ping",
        frame(PING, b""),
        echoed(FIN | PONG, Vec::new()),
    ));
    cases.push(Case::frames(
        "an empty close",
        frame(CLOSE, b""),
        Expect::Ended("normal"),
    ));
    let largest = [frame(PING, &[b'p'; CONTROL_BYTES_MAX]), mistake()].concat();
    cases.push(Case::frames(
        "a mistake behind the largest",
        largest,
        BROKEN,
    ));
    assert_hold(&target, &cases);
}

#[test]
fn control_frames_in_a_minute() {
    let target = Target::start("[websocket]\ncontrol_frames_per_s_max = 1", None);
    // One more than may wait for the socket, and the next is the only one that does.
    let pongs = |pings: usize| {
        let waiting = (pings - 1) % PONGS_MAX + 1;
        Expect::Echoed(vec![(FIN | PONG, b"p".to_vec()); waiting])
    };
    let flood = Expect::Closed(1008, "control_flood");
    let mut cases = around("pongs that wait", PONGS_MAX, |name, count, _| {
        Case::frames(name, frame(PING, b"p").repeat(count), pongs(count))
    });
    cases.extend(around(
        "pings",
        CONTROL_FRAMES_MAX,
        |name, count, allowed| {
            let expect = if allowed { pongs(count) } else { flood.clone() };
            Case::frames(name, frame(PING, b"p").repeat(count), expect)
        },
    ));
    cases.extend(around(
        "pongs",
        CONTROL_FRAMES_MAX,
        |name, count, allowed| {
            let nothing = Expect::Echoed(Vec::new());
            let expect = if allowed { nothing } else { flood.clone() };
            Case::frames(name, frame(PONG, b"p").repeat(count), expect)
        },
    ));
    assert_hold(&target, &cases);
}

#[test]
fn handshakes_of_tls() {
    let target = Target::start("[http]\nhead_timeout = \"3s\"\n[a certificate]", None);
    let hello = client_hello(0xffff, TLS_HANDSHAKE_BYTES_MAX);
    let cases = around("bytes", TLS_HANDSHAKE_BYTES_MAX, |name, size, allowed| {
        let records = hello.chunks(8_000);
        let mut bytes: Vec<u8> = records
            .flat_map(|part| tls_record(TLS_HANDSHAKE, part))
            .collect();
        bytes.truncate(size);
        let end = if allowed { "tls_timeout" } else { "tls_error" };
        Case::tls(name, bytes, Expect::Ended(end))
    });
    assert_hold(&target, &cases);
}

/// Connections of which so many may be there: what each beyond is told, and that there is room when one has left.
fn assert_crowd(config: &str, room: usize, beyond: u16) {
    let target = Target::start(config, None);
    let come = || {
        let mut peer = Peer::connect(&target).unwrap();
        let handshake = Request::handshake(&target.echo_path(), &target.host());
        // Whoever is turned away may be so before they have asked.
        let _ = peer.send(&handshake.bytes(), Pace::AtOnce);
        let status = peer.answer(PATIENCE).unwrap().status;
        (peer, status)
    };
    let come_soon = |_| {
        let deadline = Instant::now() + PATIENCE;
        loop {
            match come() {
                (peer, 101) => break peer,
                (_, status) => assert!(Instant::now() < deadline, "{status}, though there is room"),
            }
        }
    };
    // The one that warmed the server up may not be gone yet.
    let mut inside: Vec<Peer> = (0..room).map(come_soon).collect();
    assert_eq!([come().1, come().1], [beyond; 2]);
    inside.pop();
    inside.push(come_soon(0));
    assert_eq!(come().1, beyond);
}

#[test]
fn connections() {
    assert_crowd("[server]\nconnections_max = 3", 3, 503);
    assert_crowd("[server]\nconnections_per_address_max = 3", 3, 429);
}

#[test]
fn topics() {
    let target = target();
    let place = place(&target);
    let ask = |name, path: &str, allowed| {
        let refused = Expect::Refused(400, "bad_topic");
        let expect = if allowed { Expect::Upgraded } else { refused };
        Case::request(name, &place.handshake_for(path), expect)
    };
    let mut cases = around("bytes of a topic", 256, |name, size, allowed| {
        ask(name, &format!("/t/{}", "t".repeat(size)), allowed)
    });
    cases.extend(around("bytes of a pattern", 256, |name, size, allowed| {
        ask(name, &format!("/t/{}/*", "t".repeat(size - 2)), allowed)
    }));
    cases.extend(around("levels", 16, |name, count, allowed| {
        ask(name, &format!("/t/{}", vec!["l"; count].join("/")), allowed)
    }));
    cases.push(ask("empty".to_owned(), "/t/", false));
    cases.push(ask("an empty level".to_owned(), "/t/a//b", false));
    assert_hold(&target, &cases);
}

#[test]
fn topics_that_are_listened_to() {
    let target = target();
    let listen = |topic: usize| {
        let mut peer = Peer::connect(&target).unwrap();
        let handshake = Request::handshake(&format!("/t/m/{topic}"), &target.host());
        peer.send(&handshake.bytes(), Pace::AtOnce).unwrap();
        let status = peer.answer(PATIENCE).unwrap().status;
        (peer, status)
    };
    // A topic that nobody listens to makes room for another, as soon as the server has seen that.
    let listen_soon = |topic: usize| {
        let deadline = Instant::now() + PATIENCE;
        loop {
            match listen(topic) {
                (peer, 101) => break peer,
                (_, status) => assert!(Instant::now() < deadline, "{status} for topic {topic}"),
            }
        }
    };
    let mut listeners: Vec<Peer> = (0..TOPICS_MAX).map(listen_soon).collect();
    assert_eq!(listen(TOPICS_MAX).1, 503);
    assert_eq!(listen(0).1, 101, "a topic that is there");
    listeners.pop();
    listen_soon(TOPICS_MAX);
}

#[test]
fn configured_limits_have_limits() {
    let target = target();
    let accepts = |section: &str, key: &str, value: &str| {
        let config = format!("[{section}]\n{key} = {value}\n");
        target.accepts_config(&config).unwrap()
    };
    let sizes = [
        ("http", "head_bytes_max", 512),
        ("websocket", "message_bytes_max", 125),
        ("websocket", "outbox_bytes_max", 1024),
        ("io", "receive_buffer_bytes", 256),
        ("io", "send_buffer_bytes", 4096),
        ("io", "receive_window_bytes", 4096),
    ];
    for (section, key, least) in sizes {
        let with = |bytes: u64| accepts(section, key, &format!("\"{bytes}B\""));
        assert!(!with(0) && !with(least - 1), "{key} below {least}");
        assert!(with(least) && with(least + 1), "{key} from {least}");
        assert!(
            !accepts(section, key, "\"\"") && !accepts(section, key, "-1"),
            "{key}"
        );
    }
    let counts = [
        ("http", "headers_max", 8),
        ("websocket", "fragments_max", 1),
        ("broker", "topics_max", 1),
        ("broker", "subscriptions_max", 1),
        ("io", "lane_capacity", 2),
    ];
    for (section, key, least) in counts {
        let with = |count: u64| accepts(section, key, &count.to_string());
        assert!(!with(least - 1), "{key} below {least}");
        assert!(with(least) && with(least + 16), "{key} from {least}");
        assert!(
            !accepts(section, key, "\"\"") && !accepts(section, key, "-1"),
            "{key}"
        );
    }
    let most = [
        ("websocket", "control_frames_per_s_max", 1_000),
        ("compression", "context_window_bits", 15),
        ("compression", "level", 9),
    ];
    for (section, key, most) in most {
        let with = |value: u64| accepts(section, key, &value.to_string());
        assert!(with(most - 1) && with(most), "{key} up to {most}");
        assert!(!with(most + 1), "{key} beyond {most}");
    }
}
