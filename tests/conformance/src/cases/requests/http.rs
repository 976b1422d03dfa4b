//! The HTTP around a handshake: what could be read in two ways is refused (RFC 9112), and bounds hold.

use super::super::RequestCase;
use super::{Asking, asking, refused, switched};

/// What one head may be (`http.head_bytes_max`, `http.headers_max`), at their defaults.
const HEAD_BYTES_MAX: usize = 8 * 1024;
const HEADERS_MAX: usize = 64;

pub(super) fn cases() -> Vec<RequestCase> {
    [lines(), fields(), hosts(), origins(), bounds()].concat()
}

fn case(name: &str, section: &'static str, asking: Asking, status: u16) -> RequestCase {
    let answer = if status == 101 {
        switched()
    } else {
        refused(status)
    };
    asking.answered(name, section, answer)
}

fn lines() -> Vec<RequestCase> {
    const SECTION: &str = "RFC 9112 section 2.2";
    let case = |name: &str, asking: Asking| case(&format!("lines/{name}"), SECTION, asking, 400);
    vec![
        case("lone_line_feeds", asking().line_end("\n")),
        case(
            "lone_carriage_returns",
            asking().line_end("\r").body("\r\n\r\n"),
        ),
        case("two_carriage_returns", asking().line_end("\r\r\n")),
        case("line_feed_in_a_value", asking().and("X-A", "a\nb")),
        case("carriage_return_in_a_value", asking().and("X-A", "a\rb")),
        case("nul_in_a_value", asking().and("X-A", "a\0b")),
        case("delete_in_a_value", asking().and("X-A", "a\u{7f}b")),
        case("escape_in_a_value", asking().and("X-A", "a\u{1b}b")),
        case(
            "line_feed_in_the_target",
            asking().line("GET /ws\n HTTP/1.1"),
        ),
        case("nul_in_the_method", asking().line("GE\0T /ws HTTP/1.1")),
        case(
            "tls_instead",
            asking().line("\u{16}\u{3}\u{1}\u{0}\u{a5}\u{1}"),
        ),
    ]
}

fn fields() -> Vec<RequestCase> {
    const SECTION: &str = "RFC 9112 section 5";
    let case = |name: &str, asking: Asking, status| {
        case(&format!("fields/{name}"), SECTION, asking, status)
    };
    vec![
        case("folded", asking().and("X-A", "a\r\n b"), 400),
        case("folded_with_a_tab", asking().and("X-A", "a\r\n\tb"), 400),
        case(
            "folded_upgrade",
            asking().with("Upgrade", &["\r\n websocket"]),
            400,
        ),
        case(
            "folded_first",
            asking().line("GET /ws HTTP/1.1\r\n X-A: b"),
            400,
        ),
        case("space_before_the_colon", asking().and("X-A ", "a"), 400),
        case("tab_before_the_colon", asking().and("X-A\t", "a"), 400),
        case("space_before_the_name", asking().and(" X-A", "a"), 400),
        case("space_in_the_name", asking().and("X A", "a"), 400),
        case("no_name", asking().and("", "a"), 400),
        case(
            "no_colon",
            asking().line("GET /ws HTTP/1.1\r\nno colon"),
            400,
        ),
        case("slash_in_the_name", asking().and("X/A", "a"), 400),
        case("nul_in_the_name", asking().and("X\0A", "a"), 400),
        case("name_beyond_ascii", asking().and("X-\u{c4}", "a"), 400),
        case(
            "all_characters_of_a_name",
            asking().and("X!#$%&'*+-.^_`|~9", "a"),
            101,
        ),
    ]
}

fn hosts() -> Vec<RequestCase> {
    const SECTION: &str = "RFC 9112 section 3.2";
    let case = |name: &str, hosts: &[&str]| {
        case(
            &format!("host/{name}"),
            SECTION,
            asking().with("Host", hosts),
            400,
        )
    };
    vec![
        case("missing", &[]),
        case("twice", &["127.0.0.1", "127.0.0.1"]),
        case("twice_and_different", &["127.0.0.1", "localhost"]),
        case("two_words", &["a b"]),
        case("with_a_user", &["user@127.0.0.1"]),
        case("with_a_path", &["127.0.0.1/ws"]),
        case("with_a_query", &["127.0.0.1?a"]),
        case("quoted", &["\"127.0.0.1\""]),
        case("not_ascii", &["gr\u{fc}n"]),
    ]
}

/// Who may connect is the server's own rule (RFC 6455 section 10.2), compared as scheme, host and port.
fn origins() -> Vec<RequestCase> {
    const SECTION: &str = "RFC 6455 section 10.2";
    let case = |name: &str, origins: &[&str], status| {
        let case = case(
            &format!("origin/{name}"),
            SECTION,
            asking().with("Origin", origins),
            status,
        );
        RequestCase {
            is_of_the_server_alone: true,
            ..case
        }
    };
    vec![
        case("own", &["http://127.0.0.1"], 101),
        case("own_with_default_port", &["http://127.0.0.1:80"], 101),
        case("foreign", &["http://evil.example"], 403),
        case("null", &["null"], 403),
        case("empty", &[""], 403),
        case("other_port", &["http://127.0.0.1:81"], 403),
        case("own_as_a_prefix", &["http://127.0.0.1.evil.example"], 403),
        case("own_as_a_suffix", &["http://evil127.0.0.1"], 403),
        case("own_as_a_user", &["http://127.0.0.1@evil.example"], 403),
        case("own_with_a_path", &["http://127.0.0.1/path"], 403),
        case("other_scheme", &["ftp://127.0.0.1"], 403),
        case("twice", &["http://127.0.0.1", "http://127.0.0.1"], 400),
    ]
}

fn bounds() -> Vec<RequestCase> {
    const SECTION: &str = "RFC 6455 section 10.4";
    let case = |name: String, asking: Asking, status| {
        case(&format!("bounds/{name}"), SECTION, asking, status)
    };
    let mut cases = Vec::new();
    for (bytes, status) in [
        (HEAD_BYTES_MAX - 1, 101),
        (HEAD_BYTES_MAX, 101),
        (HEAD_BYTES_MAX + 1, 431),
        (2 * HEAD_BYTES_MAX, 431),
    ] {
        cases.push(case(
            format!("head_of_{bytes}_bytes"),
            asking().padded_to(bytes),
            status,
        ));
    }
    for (count, status) in [
        (HEADERS_MAX - 1, 101),
        (HEADERS_MAX, 101),
        (HEADERS_MAX + 1, 431),
        (1_000, 431),
    ] {
        let missing = count - asking().fields.len();
        let asking = (0..missing).fold(asking(), |asking, number| {
            asking.and(&format!("X-{number}"), "a")
        });
        cases.push(case(format!("{count}_headers"), asking, status));
    }
    for (bytes, status) in [(4_000, 101), (HEAD_BYTES_MAX, 414), (100_000, 414)] {
        let line = format!("GET /ws?{} HTTP/1.1", "q".repeat(bytes));
        cases.push(case(
            format!("target_of_{bytes}_bytes"),
            asking().line(&line),
            status,
        ));
    }
    cases
}
