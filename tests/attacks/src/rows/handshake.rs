//! Rows H: requests that are no opening handshake, or one that must not be granted.

mod behaviour;
mod protocols;
mod smuggling;

use crate::peer::Pace;
use crate::row::Attack::{Absent, Behaviour, Cases, Flood as Flooding, Ours, Proven};
use crate::row::{Case, Expect, Flood, Opening, Row};
use crate::run::GROWTH_BYTES_MAX;
use crate::target::TLS;
use crate::wire::{FIN, Request, TEXT, frame};

const BAD_REQUEST: Expect = Expect::Refused(400, "bad_request");
const ORIGIN_DENIED: Expect = Expect::Refused(403, "origin_denied");
const METHOD: Expect = Expect::RefusedWith(405, "method_not_allowed", "allow");
const NOT_UPGRADE: Expect = Expect::RefusedWith(426, "upgrade_required", "upgrade");
const VERSION: Expect = Expect::RefusedWith(426, "upgrade_required", "sec-websocket-version");
const TOO_LARGE: Expect = Expect::Refused(431, "headers_too_large");

/// The defaults of `http.head_bytes_max` and `http.headers_max`.
const HEAD_BYTES_MAX: usize = 8 << 10;
const HEADERS_MAX: usize = 64;

const NO_AUTHENTICATION: &str = "ringwire has no authentication yet";

pub(super) const ROWS: &[Row] = &[
    Row {
        id: "H1",
        name: "a page of a foreign origin, with the visitor's cookies",
        advisories: &["CVE-2026-59390", "CVE-2026-44211", "GHSA-frjg-g767-7363"],
        config: "",
        attack: Cases(|place| {
            let foreign = place
                .handshake()
                .field("Origin", "https://evil.example")
                .field("Cookie", "session=1");
            let published = Request::new(&format!("POST {} HTTP/1.1", place.path))
                .field("Host", &place.host)
                .field("Origin", "https://evil.example")
                .field("Content-Length", "2")
                .body(b"hi");
            let denied = Expect::Served(403);
            vec![
                Case::request("WebSocket", &foreign, ORIGIN_DENIED).ours(),
                Case::request("publish", &published, denied).ours(),
            ]
        }),
    },
    Row {
        id: "H2",
        name: "no origin, a null one, two",
        advisories: &["CVE-2026-35589"],
        config: "",
        attack: Cases(|place| {
            let origin = |value| place.handshake().field("Origin", value);
            let own = format!("http://{}", place.host);
            let twice = origin(&own).field("Origin", &own);
            let different = origin(&own).field("Origin", "https://evil.example");
            vec![
                Case::request("null", &origin("null"), ORIGIN_DENIED).ours(),
                Case::request("empty", &origin(""), ORIGIN_DENIED).ours(),
                Case::request("twice the same", &twice, BAD_REQUEST).ours(),
                Case::request("two", &different, BAD_REQUEST).ours(),
                Case::request("none", &place.handshake(), Expect::Upgraded),
                Case::request("its own", &origin(&own), Expect::Upgraded),
            ]
        }),
    },
    Row {
        id: "H3",
        name: "origins that look like an allowed one",
        advisories: &["CVE-2026-85183"],
        config: "[http]\nallowed_origins = [\"https://good.example\"]\n",
        attack: Cases(|place| {
            let alike = [
                "https://good.example.evil.example",
                "https://evilgood.example",
                "http://good.example",
                "https://good.example:8443",
                "https://good.example@evil.example",
                "https://evil.example/https://good.example",
                "https://good.example:+443",
                "https://good.example:443:80",
                "wss://good.example",
                "good.example",
            ];
            let ask = |origin| place.handshake().field("Origin", origin);
            let mut cases: Vec<Case> = alike
                .map(|origin| Case::request(origin, &ask(origin), ORIGIN_DENIED).ours())
                .to_vec();
            for origin in ["https://good.example", "https://good.example:443"] {
                cases.push(Case::request(origin, &ask(origin), Expect::Upgraded));
            }
            cases
        }),
    },
    Row {
        id: "H4",
        name: "a host that this server is not (DNS rebinding)",
        advisories: &["CVE-2026-44211"],
        config: "[http]\nallowed_hosts = [\"broker.example\"]\n",
        attack: Cases(|place| {
            let ask = |host: &str| place.handshake().set("Host", host);
            let denied = Expect::Refused(421, "host_denied");
            let hosts = [
                "evil.example",
                "broker.example.evil.example",
                "xbroker.example",
            ];
            let mut cases: Vec<Case> = hosts
                .map(|host| Case::request(host, &ask(host), denied.clone()).ours())
                .to_vec();
            cases.push(Case::request(
                "its name",
                &ask("broker.example"),
                Expect::Upgraded,
            ));
            cases
        }),
    },
    Row {
        id: "H5",
        name: "another method, another version of HTTP",
        advisories: &["CVE-2026-73256"],
        config: "",
        attack: Cases(|place| {
            let line = |method: &str, version| {
                let line = format!("{method} {} {version}", place.path);
                place.handshake().line(&line)
            };
            let version = Expect::Refused(505, "http_version");
            vec![
                Case::request("DELETE", &line("DELETE", "HTTP/1.1"), METHOD),
                Case::request("CONNECT", &line("CONNECT", "HTTP/1.1"), METHOD),
                Case::request("HTTP/1.0", &line("GET", "HTTP/1.0"), version.clone()),
                Case::request("HTTP/0.9", &line("GET", "HTTP/0.9"), version.clone()),
                Case::request("HTTP/2.0", &line("GET", "HTTP/2.0"), version),
                Case::request("http/1.1", &line("GET", "http/1.1"), BAD_REQUEST),
            ]
        }),
    },
    Row {
        id: "H6",
        name: "a handshake without Upgrade or Connection",
        advisories: &["CVE-2026-59898"],
        config: "",
        attack: Cases(|place| {
            let ask = place.handshake();
            let nothing = place.handshake_for("/ws").without("Upgrade");
            let listed = ask.clone().set("Connection", "keep-alive, Upgrade");
            vec![
                Case::request("no Upgrade", &nothing, NOT_UPGRADE).ours(),
                Case::request("h2c", &ask.clone().set("Upgrade", "h2c"), NOT_UPGRADE),
                Case::request(
                    "no Connection",
                    &ask.clone().without("Connection"),
                    NOT_UPGRADE,
                ),
                Case::request(
                    "Connection: keep-alive",
                    &ask.clone().set("Connection", "keep-alive"),
                    NOT_UPGRADE,
                ),
                Case::request(
                    "Connection: upgraded",
                    &ask.set("Connection", "upgraded"),
                    NOT_UPGRADE,
                ),
                Case::request("a list with it", &listed, Expect::Upgraded),
            ]
        }),
    },
    Row {
        id: "H7",
        name: "another version of the protocol",
        advisories: &["CVE-2026-59898"],
        config: "",
        attack: Cases(|place| {
            let name = "Sec-WebSocket-Version";
            let mut cases: Vec<Case> = ["0", "7", "8", "12", "14", "013", "13,13", "+13", ""]
                .map(|version| {
                    Case::request(version, &place.handshake().set(name, version), VERSION)
                })
                .to_vec();
            cases.push(Case::request(
                "none",
                &place.handshake().without(name),
                VERSION,
            ));
            let twice = place.handshake().field(name, "13");
            cases.push(Case::request("twice", &twice, VERSION).ours());
            cases
        }),
    },
    Row {
        id: "H8",
        name: "a key that is none",
        advisories: &[],
        config: "",
        attack: Cases(|place| {
            let name = "Sec-WebSocket-Key";
            let bad = [
                "",
                "x",
                "dGhlIHNhbXBsZSBub25jZQ",
                "dGhlIHNhbXBsZSBub25jZQ=",
                "dGhlIHNhbXBsZSBub25j",
                "dGhlIHNhbXBsZSBub25jZXM=",
                "dGhlIHNhbXBsZSBub25jZR==",
                "dGhlIHNhbXBsZSBub25jZ!==",
                "dGhlIHNhbXBsZ SBub25jZQ=",
            ];
            let mut cases: Vec<Case> = bad
                .map(|key| {
                    Case::request(key, &place.handshake().set(name, key), BAD_REQUEST).ours()
                })
                .to_vec();
            let none = place.handshake().without(name);
            let twice = place.handshake().field(name, "dGhlIHNhbXBsZSBub25jZQ==");
            cases.push(Case::request("none", &none, BAD_REQUEST));
            cases.push(Case::request("twice", &twice, BAD_REQUEST).ours());
            cases
        }),
    },
    Row {
        id: "H9",
        name: "a handshake with a body",
        advisories: &["CVE-2026-69243"],
        config: "",
        attack: Cases(|place| {
            let smuggled = frame(TEXT, b"smuggled");
            let length = smuggled.len().to_string();
            let sized = place.handshake().field("Content-Length", &length);
            let chunked = place.handshake().field("Transfer-Encoding", "chunked");
            vec![
                Case::request("Content-Length", &sized.body(&smuggled), BAD_REQUEST).ours(),
                Case::request("chunked", &chunked.body(b"0\r\n\r\n"), BAD_REQUEST).ours(),
            ]
        }),
    },
    Row {
        id: "H10",
        name: "frames sent before the answer to the handshake",
        advisories: &["CVE-2026-2833"],
        config: "",
        attack: Cases(|place| {
            let early = frame(TEXT, b"early");
            let granted = place.handshake();
            let refused = place.handshake().without("Sec-WebSocket-Key").body(&early);
            let next = place.handshake().set("Sec-WebSocket-Key", "x");
            let next = next.body(&place.handshake().bytes());
            vec![
                Case::after(
                    "granted",
                    granted.body(&early),
                    Vec::new(),
                    Expect::Echoed(vec![(FIN | TEXT, b"early".to_vec())]),
                ),
                Case::request("refused", &refused, BAD_REQUEST),
                Case::request("refused, and another", &next, BAD_REQUEST).ours(),
            ]
        }),
    },
    Row {
        id: "H11",
        name: "requests that two parsers read in two ways",
        advisories: &[
            "RUSTSEC-2021-0078",
            "RUSTSEC-2021-0020",
            "RUSTSEC-2020-0031",
            "CVE-2026-2835",
        ],
        config: "",
        attack: Cases(smuggling::lengths),
    },
    Row {
        id: "H12",
        name: "chunks whose size overflows, and floods of chunk extensions",
        advisories: &["RUSTSEC-2026-0181", "CVE-2025-55315"],
        config: "",
        attack: Cases(smuggling::chunks),
    },
    Row {
        id: "H13",
        name: "a head of one byte more than 8 KiB, at once",
        advisories: &["CVE-2023-43669"],
        config: "",
        attack: Cases(|place| {
            let head = |bytes| place.handshake().padded_to(bytes);
            vec![
                Case::request("8,191", &head(HEAD_BYTES_MAX - 1), Expect::Upgraded).ours(),
                Case::request("8,192", &head(HEAD_BYTES_MAX), Expect::Upgraded).ours(),
                Case::request("8,193", &head(HEAD_BYTES_MAX + 1), TOO_LARGE).ours(),
                Case::request("1 MiB", &head(1 << 20), TOO_LARGE),
            ]
        }),
    },
    Row {
        id: "H14",
        name: "the same head, one byte in each segment",
        advisories: &["CVE-2023-43669"],
        config: "[http]\nhead_timeout = \"30s\"\n",
        attack: Flooding(|place| Flood {
            opening: Opening::Nothing,
            first: place.handshake().padded_to(HEAD_BYTES_MAX + 1).bytes(),
            block: Vec::new(),
            pace: Pace::Pieces(1),
            bytes_max: 0,
            connections: 10,
            expect: TOO_LARGE,
            memory_bytes_max: GROWTH_BYTES_MAX,
            cheaper: true,
        }),
    },
    Row {
        id: "H15",
        name: "one header line more than 64",
        advisories: &["CVE-2024-37890"],
        config: "",
        attack: Cases(|place| {
            let lines = |count| {
                let request = place.handshake();
                let missing = count - request.fields();
                (0..missing).fold(request, |request, _| request.field("X", "y"))
            };
            vec![
                Case::request("63", &lines(HEADERS_MAX - 1), Expect::Upgraded),
                Case::request("64", &lines(HEADERS_MAX), Expect::Upgraded),
                Case::request("65", &lines(HEADERS_MAX + 1), TOO_LARGE).ours(),
                Case::request("1,300", &lines(1300), TOO_LARGE).ours(),
            ]
        }),
    },
    Row {
        id: "H16",
        name: "a head that drips, and never ends",
        advisories: &["CVE-2020-13849"],
        config: "[http]\nhead_timeout = \"3s\"\n",
        attack: Behaviour(
            behaviour::dripping_head,
            "408 `request_timeout` at the deadline",
        ),
    },
    Row {
        id: "H17",
        name: "half a ClientHello, and one in thousands of records",
        advisories: &["RUSTSEC-2024-0399"],
        config: "[http]\nhead_timeout = \"3s\"\n[a certificate]",
        attack: Cases(|_| protocols::broken_hellos()),
    },
    Row {
        id: "H18",
        name: "an alert in the middle of the TLS handshake",
        advisories: &["RUSTSEC-2024-0336"],
        config: "[http]\nhead_timeout = \"3s\"\n[a certificate]",
        attack: Cases(|_| protocols::early_alerts()),
    },
    Row {
        id: "H19",
        name: "a flood of TLS handshakes from one address",
        advisories: &[],
        config: "[server]\nconnections_per_address_max = 20\n[a certificate]",
        attack: Ours(
            behaviour::flood_of_hellos,
            "beyond `address_limit` closed before any cryptography; those inside are served",
        ),
    },
    Row {
        id: "H20",
        name: "Sec-WebSocket-Extensions with thousands of parameters and odd names",
        advisories: &["CVE-2021-32640"],
        config: "",
        attack: Cases(|place| {
            let offer = |value: &str| place.handshake().field("Sec-WebSocket-Extensions", value);
            let many = format!("x{}", ";a".repeat(3500));
            let quoted = format!("x;a=\"{}\"", "\\a".repeat(3500));
            let spaces = format!("x{};a", " ".repeat(7000));
            vec![
                Case::request("3,500 parameters", &offer(&many), Expect::Upgraded).ours(),
                Case::request(
                    "a list of 2,500",
                    &offer(&"x, ".repeat(2500)[..7498]),
                    Expect::Upgraded,
                )
                .ours(),
                Case::request("spaces", &offer(&spaces), Expect::Upgraded).ours(),
                Case::request("quoted", &offer("x;a=\"b\""), Expect::Upgraded),
                Case::request("escaped", &offer(&quoted), Expect::Upgraded).ours(),
                Case::request("constructor", &offer("constructor"), Expect::Upgraded),
                Case::request("__proto__", &offer("x;__proto__=1"), Expect::Upgraded),
                Case::request("an open quote", &offer("x;a=\"b"), BAD_REQUEST),
                Case::request("nothing", &offer(";"), BAD_REQUEST),
            ]
        }),
    },
    Row {
        id: "H21",
        name: "parameters of permessage-deflate that cannot be",
        advisories: &["CVE-2026-2229"],
        config: "[compression]\nenabled = true\n",
        attack: Cases(|place| {
            let parameters = [
                "client_max_window_bits=99",
                "client_max_window_bits=7",
                "client_max_window_bits=0",
                "client_max_window_bits=08",
                "client_max_window_bits=-1",
                "server_max_window_bits",
                "server_max_window_bits=16",
                "server_no_context_takeover=1",
                "client_max_window_bits; client_max_window_bits=12",
            ];
            let declined = |parameter: &&str| {
                let offer = format!("permessage-deflate; {parameter}");
                let request = place.handshake().field("Sec-WebSocket-Extensions", &offer);
                Case::request(parameter.to_string(), &request, Expect::Upgraded).ours()
            };
            parameters.iter().map(declined).collect()
        }),
    },
    Row {
        id: "H22",
        name: "subprotocols that are no tokens",
        advisories: &["CVE-2026-47072", "CVE-2026-1527"],
        config: "",
        attack: Cases(|place| {
            let offer = |value: &str| place.handshake().field("Sec-WebSocket-Protocol", value);
            vec![
                Case::request("a space", &offer("chat room"), BAD_REQUEST).ours(),
                Case::request("a quote", &offer("\"chat\""), BAD_REQUEST).ours(),
                Case::request("a bare CR", &offer("chat\rX-Own: 1"), BAD_REQUEST),
                Case::request("a NUL", &offer("chat\0"), BAD_REQUEST),
                Case::request("twice", &offer("chat, chat"), BAD_REQUEST).ours(),
                Case::request("nothing", &offer(""), BAD_REQUEST).ours(),
                Case::request("unknown", &offer("<script>"), BAD_REQUEST).ours(),
                Case::request("another's", &offer("graphql-ws"), Expect::Upgraded).ours(),
            ]
        }),
    },
    Row {
        id: "H23",
        name: "the client's text in an answer's fields",
        advisories: &[],
        config: "",
        attack: Proven(
            "crates/protocol/src/http1/field.rs",
            "a_field_value_cannot_hold_what_ends_a_line",
        ),
    },
    Row {
        id: "H24",
        name: "a token in the query",
        advisories: &["CVE-2026-44614", "GO-2026-4827"],
        config: "",
        attack: Absent(NO_AUTHENTICATION),
    },
    Row {
        id: "H25",
        name: "an expired or forged token",
        advisories: &[],
        config: "",
        attack: Absent(NO_AUTHENTICATION),
    },
    Row {
        id: "H26",
        name: "keys of another issuer",
        advisories: &["CVE-2026-32301", "CVE-2026-49998", "CVE-2026-102267"],
        config: "",
        attack: Absent(NO_AUTHENTICATION),
    },
    Row {
        id: "H27",
        name: "a token that expires or is revoked while connected",
        advisories: &["GHSA-4hv6-xc92-j86g"],
        config: "",
        attack: Absent(NO_AUTHENTICATION),
    },
    Row {
        id: "H28",
        name: "a connection that never authenticates",
        advisories: &[],
        config: "",
        attack: Absent(NO_AUTHENTICATION),
    },
    Row {
        id: "H29",
        name: "forged X-Forwarded-For or PROXY lines",
        advisories: &["CVE-2024-8184"],
        config: "",
        attack: Absent("ringwire believes no forwarded address: it reads none"),
    },
    Row {
        id: "H30",
        name: "more connections than there may be, of one address and of all",
        advisories: &[],
        config: "[server]\nconnections_max = 40\n",
        attack: Behaviour(
            behaviour::crowd,
            "503 `connection_limit` beyond the limit; those inside are served",
        ),
    },
    Row {
        id: "H31",
        name: "paths that climb, are encoded twice, or have no end",
        advisories: &["RUSTSEC-2022-0082"],
        config: "",
        attack: Cases(|place| {
            let ask = |path: &str| place.handshake_for(path);
            let topic = Expect::Refused(400, "bad_topic");
            let long = format!("/t/{}", "a".repeat(HEAD_BYTES_MAX));
            let name = format!("/t/{}", "a".repeat(257));
            let too_long = Expect::Refused(414, "target_too_long");
            vec![
                Case::request("..", &ask("/t/../etc/passwd"), topic.clone()).ours(),
                Case::request("%2e%2e", &ask("/t/%2e%2e/etc"), topic.clone()).ours(),
                Case::request("%2F", &ask("/t/a%2Fb"), topic.clone()).ours(),
                Case::request("%00", &ask("/t/a%00b"), topic.clone()).ours(),
                Case::request("%0d%0a", &ask("/t/a%0d%0ab"), topic.clone()).ours(),
                Case::request("%zz", &ask("/t/%zz"), topic.clone()).ours(),
                Case::request("%ff", &ask("/t/%ff"), topic.clone()).ours(),
                Case::request("257 bytes", &ask(&name), topic).ours(),
                Case::request("8 KiB", &ask(&long), too_long),
                Case::request(
                    "unknown",
                    &ask("/etc/passwd"),
                    Expect::Refused(404, "not_found"),
                )
                .ours(),
            ]
        }),
    },
    Row {
        id: "H32",
        name: "more requests behind one that was refused",
        advisories: &["CVE-2026-59725"],
        config: "",
        attack: Cases(|place| {
            let good = place.handshake().bytes();
            let refused = |request: Request| request.body(&good);
            let key = refused(place.handshake().without("Sec-WebSocket-Key"));
            let version = refused(place.handshake().set("Sec-WebSocket-Version", "8"));
            let origin = refused(place.handshake().field("Origin", "null"));
            let path = refused(place.handshake_for("/nowhere"));
            let not_found = Expect::Refused(404, "not_found");
            vec![
                Case::request("key", &key, BAD_REQUEST).ours(),
                Case::request("version", &version, VERSION).ours(),
                Case::request("origin", &origin, ORIGIN_DENIED).ours(),
                Case::request("path", &path, not_found).ours(),
            ]
        }),
    },
    Row {
        id: "H33",
        name: "another protocol than the port speaks",
        advisories: &["CVE-2026-33218"],
        config: TLS,
        attack: Cases(protocols::wrong),
    },
];
