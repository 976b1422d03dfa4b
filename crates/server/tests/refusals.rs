//! What a connection refuses before any route sees it, and how: status, code, headers, and that
//! nothing behind a refusal is read. The rows are those of the attack catalogue (H1 to H33) that
//! are about requests; here they meet the connection alone, without socket or clock.

use std::sync::Arc;

use reactor::Socket;
use ringwire::config::Config;
use ringwire::connection::{Connection, Step, Transport};
use ringwire::hub::{Hub, Place, Settings};

const KEY: &str = "sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
const UPGRADE: &str = "upgrade: websocket\r\nconnection: upgrade\r\n";
const VERSION: &str = "sec-websocket-version: 13\r\n";

/// One connection on one core.
struct Client {
    hub: Hub,
    connection: Connection,
}

/// What came back so far, and whether the server has closed behind it.
#[derive(Debug)]
struct Answer {
    text: String,
    ended: bool,
}

impl Client {
    fn new() -> Self {
        let mut config = Config::default();
        config.http.allowed_origins = vec!["https://good.com".into()];
        let place = Place {
            core: 0,
            cores: 1,
            hash_key: [1, 2],
            seed: 3,
        };
        let mut hub = Hub::new(place, &config, Arc::new(Settings::from(&config)));
        let socket = Socket {
            index: 0,
            generation: 0,
        };
        let connection = Connection::new(socket, Transport::Plain, &mut hub);
        Self { hub, connection }
    }

    fn send(&mut self, bytes: &[u8]) {
        self.connection.receive(&mut self.hub, &mut bytes.to_vec());
    }

    fn pass(&mut self, to_ms: u64) {
        self.hub.set_time(to_ms, to_ms);
        self.connection.elapse(&mut self.hub);
    }

    /// Takes all that is sent.
    fn read(&mut self) -> Answer {
        let mut bytes = Vec::new();
        loop {
            self.hub.end_turn();
            while let Some(output) = self.hub.broker.next_output() {
                if let broker::Output::Notice { notice, .. } = output {
                    self.connection.notice(&mut self.hub, notice);
                }
            }
            let mut pieces = Vec::new();
            match self
                .connection
                .next_step(&mut self.hub, &mut pieces, 64, 1 << 20)
            {
                Step::Send => {
                    bytes.extend(pieces.concat());
                    self.connection.sent(&mut self.hub, true);
                }
                step => {
                    return Answer {
                        text: String::from_utf8_lossy(&bytes).into_owned(),
                        ended: step != Step::Wait,
                    };
                }
            }
        }
    }
}

fn ask(request: impl AsRef<[u8]>) -> Answer {
    let mut client = Client::new();
    client.send(request.as_ref());
    client.read()
}

impl Answer {
    fn status(&self) -> u16 {
        let status = self.text.split(' ').nth(1);
        status.and_then(|status| status.parse().ok()).unwrap_or(0)
    }

    /// One answer with this status and code; the connection has ended behind it.
    #[track_caller]
    fn is_last(&self, status: u16, code: &str) {
        self.is(status, code);
        assert!(self.ended, "{self:?}");
        assert!(self.text.contains("connection: close\r\n"), "{self:?}");
    }

    #[track_caller]
    fn is(&self, status: u16, code: &str) {
        assert_eq!(self.status(), status, "{self:?}");
        let code = format!(r#""code":"{code}""#);
        assert!(self.text.contains(&code), "{code} in {self:?}");
        assert_eq!(self.text.matches("content-type").count(), 1, "{self:?}");
    }

    #[track_caller]
    fn has(&self, field: &str) {
        assert!(
            self.text.contains(&format!("\r\n{field}\r\n")),
            "{field} in {self:?}"
        );
    }
}

/// A handshake on both entrances, with `fields` in the place of what they name.
fn handshakes(fields: &str) -> [String; 2] {
    ["/ws", "/t/a"].map(|path| format!("GET {path} HTTP/1.1\r\nhost: localhost\r\n{fields}\r\n"))
}

#[test]
fn h1_to_h3_pages_from_elsewhere_are_refused() {
    for origin in [
        "http://evil.example",
        "null",
        "https://good.com.evil.io",
        "http://good.com",
        "https://good.com:8443",
        "https://good.com@evil.io",
        "https://evilgood.com",
        "http://localhost:7465",
        "",
    ] {
        let origin = format!("origin: {origin}\r\n");
        for request in handshakes(&format!("{UPGRADE}{VERSION}{KEY}{origin}")) {
            ask(request).is_last(403, "origin_denied");
        }
        let post = format!(
            "POST /t/a HTTP/1.1\r\nhost: localhost:7464\r\n{origin}content-length: 1\r\n\r\nx"
        );
        ask(post).is(403, "origin_denied");
    }
    let twice = "origin: https://good.com\r\norigin: https://good.com\r\n";
    for request in handshakes(&format!("{UPGRADE}{VERSION}{KEY}{twice}")) {
        ask(request).is_last(400, "bad_request");
    }
}

#[test]
fn h1_to_h3_the_own_page_the_allowed_one_and_no_page_come_in() {
    for origin in [
        "",
        "origin: https://good.com\r\n",
        "origin: http://localhost\r\n",
    ] {
        for request in handshakes(&format!("{UPGRADE}{VERSION}{KEY}{origin}")) {
            assert_eq!(ask(request).status(), 101, "{origin}");
        }
    }
}

#[test]
fn h4_a_name_that_a_page_could_own_is_refused_whoever_the_page_is() {
    for origin in ["", "origin: http://evil.example:7464\r\n"] {
        for target in ["/ws", "/t/a", "/"] {
            let request = format!(
                "GET {target} HTTP/1.1\r\nhost: evil.example:7464\r\n{origin}{UPGRADE}{VERSION}{KEY}\r\n"
            );
            let answer = ask(request);
            answer.is_last(421, "host_denied");
            assert!(answer.text.contains("http.allowed_hosts"), "{answer:?}");
        }
    }
    // RFC 9112 section 3.2.2: the host of an absolute target counts, for the origin as well.
    let absolute = "GET http://evil.example/t/a HTTP/1.1\r\nhost: localhost\r\n\r\n";
    ask(absolute).is(421, "host_denied");
    let absolute = "GET http://localhost/t/a HTTP/1.1\r\nhost: evil.example\r\norigin: http://evil.example\r\n\r\n";
    ask(absolute).is(403, "origin_denied");
    // Whoever looks after the server may call it as it likes.
    assert_eq!(
        ask("GET /healthz HTTP/1.1\r\nhost: pod-7\r\n\r\n").status(),
        200
    );
}

#[test]
fn h5_other_methods_and_versions_are_refused() {
    let answer = ask("DELETE /t/a HTTP/1.1\r\nhost: localhost\r\n\r\n");
    answer.is(405, "method_not_allowed");
    answer.has("allow: GET, HEAD, POST, PUT, OPTIONS");
    for (method, path) in [("POST", "/ws"), ("POST", "/t/a"), ("HEAD", "/t/a")] {
        let request =
            format!("{method} {path} HTTP/1.1\r\nhost: localhost\r\n{UPGRADE}{VERSION}{KEY}\r\n");
        let answer = ask(request);
        assert_eq!(answer.status(), 405, "{answer:?}");
        answer.has("allow: GET");
        assert!(answer.ended);
    }
    for version in ["1.0", "0.9", "2.0", "1.2"] {
        ask(format!("GET / HTTP/{version}\r\nhost: localhost\r\n\r\n"))
            .is_last(505, "http_version");
    }
}

#[test]
fn h6_to_h9_handshakes_that_are_none_are_refused_and_their_connection_ends() {
    let upgrade = "upgrade: websocket\r\n";
    let connection = "connection: upgrade\r\n";
    for fields in [
        format!("{upgrade}{VERSION}{KEY}"),
        format!("{upgrade}connection: keep-alive\r\n{VERSION}{KEY}"),
    ] {
        for request in handshakes(&fields) {
            let answer = ask(request);
            answer.is_last(426, "upgrade_required");
            answer.has("upgrade: websocket");
        }
    }
    for fields in [
        format!("{connection}{VERSION}{KEY}"),
        format!("{connection}upgrade: h2c\r\n{VERSION}{KEY}"),
    ] {
        for request in handshakes(&fields) {
            let answer = ask(request);
            answer.is(426, "upgrade_required");
            answer.has("upgrade: websocket");
        }
    }
    for versions in ["", "7", "8", "0", "013", "13, 13", "13,8"] {
        let version = format!("sec-websocket-version: {versions}\r\n");
        for request in handshakes(&format!("{UPGRADE}{version}{KEY}")) {
            let answer = ask(request);
            answer.is_last(426, "upgrade_required");
            answer.has("sec-websocket-version: 13");
        }
    }
    for keys in [
        String::new(),
        KEY.repeat(2),
        KEY.replace("==", ""),
        KEY.replace("dGhl", "dG l"),
        KEY.replace("dGhl", ""),
        KEY.replace("dGhl", "dGhldGhl"),
    ] {
        for request in handshakes(&format!("{UPGRADE}{VERSION}{keys}")) {
            ask(request).is_last(400, "bad_request");
        }
    }
    for body in ["content-length: 1\r\n", "transfer-encoding: chunked\r\n"] {
        for request in handshakes(&format!("{UPGRADE}{VERSION}{KEY}{body}")) {
            ask(request + "x").is_last(400, "bad_request");
        }
    }
}

#[test]
fn h10_and_h32_what_follows_a_refused_handshake_is_dropped() {
    let next = "GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n";
    for request in handshakes(&format!("{UPGRADE}{KEY}")) {
        let mut client = Client::new();
        client.send((request + next).as_bytes());
        client.read().is_last(426, "upgrade_required");
        client.send(next.as_bytes());
        assert_eq!(client.read().text, "");
    }
}

#[test]
fn h10_frames_behind_an_accepted_handshake_are_read_after_it() {
    // A masked ping whose mask is zero.
    let ping = [0x89, 0x81, 0, 0, 0, 0, b'!'];
    for request in handshakes(&format!("{UPGRADE}{VERSION}{KEY}")) {
        let answer = ask([request.as_bytes(), &ping].concat());
        assert_eq!(answer.status(), 101);
        assert!(answer.text.ends_with('!'), "{answer:?}");
    }
}

#[test]
fn h11_and_h12_what_two_servers_could_read_differently_is_refused() {
    for fields in [
        "content-length: 5\r\ntransfer-encoding: chunked\r\n",
        "content-length: 5\r\ncontent-length: 5\r\n",
        "content-length: 5\r\ncontent-length: 6\r\n",
        "content-length: +5\r\n",
        "content-length: 5,5\r\n",
        "content-length: 0x5\r\n",
        "content-length:\r\n",
        "transfer-encoding: xchunked\r\ncontent-length: 5\r\n",
        "content-length: 5\r\nx: a\r\n b\r\n",
        "content-length: 5\nx: a\r\n",
        "content-length : 5\r\n",
        "transfer-encoding: chunked\r\ntransfer-encoding: chunked\r\n",
    ] {
        let post = format!("POST /t/a HTTP/1.1\r\nhost: localhost\r\n{fields}\r\nhello");
        ask(post).is_last(400, "bad_request");
    }
    let chunked = "POST /t/a HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked\r\n\r\n";
    for body in ["0ffffffffffffffff\r\n", "-1\r\n", "5\rhello", "\r\n"] {
        ask(format!("{chunked}{body}")).is_last(400, "bad_request");
    }
    ask(format!("{chunked}1;{}\r\n", "x".repeat(2000))).is_last(400, "bad_request");
    ask(format!("{chunked}ffffffffffffffff\r\n")).is_last(413, "too_big");
}

#[test]
fn h13_to_h15_heads_over_the_bound_are_refused_however_they_arrive() {
    let head = |bytes: usize| {
        let start = "GET /healthz HTTP/1.1\r\nhost: localhost\r\nx: ";
        format!("{start}{}\r\n\r\n", "x".repeat(bytes - start.len() - 4))
    };
    for (bytes, status) in [(8191, 200), (8192, 200), (8193, 431)] {
        let whole = ask(head(bytes));
        assert_eq!(whole.status(), status, "{bytes}");
        let mut client = Client::new();
        for byte in head(bytes).as_bytes().chunks(1) {
            client.send(byte);
        }
        let dripped = client.read();
        assert_eq!(dripped.text, whole.text);
        assert_eq!(whole.ended, status == 431);
    }
    let lines = |count: usize| {
        let more = "x: y\r\n".repeat(count - 1);
        format!("GET /healthz HTTP/1.1\r\nhost: localhost\r\n{more}\r\n")
    };
    for count in [63, 64] {
        assert_eq!(ask(lines(count)).status(), 200);
    }
    ask(lines(65)).is_last(431, "headers_too_large");
}

#[test]
fn h16_a_head_that_drips_is_refused_at_an_absolute_time() {
    let mut client = Client::new();
    for at_s in 0..5 {
        client.pass(at_s * 1000);
        client.send(b"G");
    }
    client.pass(4_999);
    assert_eq!(client.read().text, "");
    client.pass(5_000);
    client.read().is_last(408, "request_timeout");
    // Who has said nothing is told nothing.
    let mut silent = Client::new();
    silent.pass(5_000);
    let answer = silent.read();
    assert!(answer.ended && answer.text.is_empty(), "{answer:?}");
}

#[test]
fn h20_extensions_cost_a_look_each_and_are_declined_or_refused() {
    for offer in [
        format!("x{}", ";a".repeat(3000)),
        format!("x;{}a", " ".repeat(6000)),
        "constructor; __proto__=1, toString".into(),
        "x; a=\"quoted\"".into(),
    ] {
        for request in handshakes(&format!(
            "{UPGRADE}{VERSION}{KEY}sec-websocket-extensions: {offer}\r\n"
        )) {
            let answer = ask(request);
            assert_eq!(answer.status(), 101);
            assert!(!answer.text.contains("extensions"), "{answer:?}");
        }
    }
    for offer in ["x; a=\"open", "x;;a", "x; a=", ";", "x y"] {
        for request in handshakes(&format!(
            "{UPGRADE}{VERSION}{KEY}sec-websocket-extensions: {offer}\r\n"
        )) {
            ask(request).is_last(400, "bad_request");
        }
    }
}

#[test]
fn h31_paths_lead_nowhere_but_to_topics() {
    let get = |path: &str| ask(format!("GET {path} HTTP/1.1\r\nhost: localhost\r\n\r\n"));
    for path in [
        "/t/../etc/passwd",
        "/t/%2e%2e/x",
        "/t/a%2Fb",
        "/t/%252e%252e%2f",
        "/t/a/%00",
        "/t/%zz",
        "/t/%ff",
    ] {
        let answer = get(path);
        assert_eq!(answer.status(), 400, "{path}: {answer:?}");
    }
    for path in ["/etc/passwd", "/../t", "/T/a", "//t/a", "/ws/"] {
        get(path).is(404, "not_found");
    }
    get(&format!("/t/{}", "a".repeat(8192))).is_last(414, "target_too_long");
    // Decoded once: a percent sign may be part of a name.
    assert_eq!(get("/t/%252e%252e").status(), 200);
}

#[test]
fn h33_other_protocols_are_told_apart_at_once() {
    ask("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").is_last(505, "http_version");
    ask([0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3]).is_last(400, "wrong_protocol");
    ask("SSH-2.0-OpenSSH_9.2\r\n").is_last(400, "bad_request");
    ask("\0\0\0").is_last(400, "bad_request");
}
