//! Requests that are right: what routes see, how connections are reused, and when time is up.

use crate::{LIMITS, request, requests};
use ringwire_protocol::http1::{Error, Requests};

#[test]
fn a_request_shows_its_parts() {
    let request = request(
        b"POST /t/a%2Fb/*?since=1&last=2 HTTP/1.1\r\nHost: example.org:7464\r\nX-One: 1\r\nx-one:  2 \r\nContent-Length: 5\r\n\r\nhello",
    )
    .unwrap();
    assert_eq!(request.method(), "POST");
    assert_eq!(request.target(), "/t/a%2Fb/*?since=1&last=2");
    assert_eq!(request.path(), "/t/a%2Fb/*");
    assert_eq!(request.query(), Some("since=1&last=2"));
    assert_eq!(request.host(), "example.org:7464");
    assert_eq!(request.header("X-ONE"), Some("1"));
    assert_eq!(request.headers("x-one").collect::<Vec<_>>(), ["1", "2"]);
    assert_eq!(request.header("x-two"), None);
    assert!(request.lists("x-one", "2") && !request.lists("x-one", "3"));
    assert_eq!(request.body(), b"hello");
    assert!(request.keep_alive());
    assert!(!request.asks_for_websocket());
    assert_eq!(request.into_body(), b"hello");
}

#[test]
fn targets_come_in_three_forms() {
    let target = |line: &str| {
        let request =
            request(format!("{line} HTTP/1.1\r\nhost: field\r\n\r\n").as_bytes()).unwrap();
        (
            request.path().to_owned(),
            request.query().map(str::to_owned),
            request.host().to_owned(),
        )
    };
    let parts = |path: &str, query: Option<&str>, host: &str| {
        (path.to_owned(), query.map(str::to_owned), host.to_owned())
    };
    assert_eq!(target("GET /"), parts("/", None, "field"));
    assert_eq!(target("GET /?"), parts("/", Some(""), "field"));
    assert_eq!(target("GET /a?b?c"), parts("/a", Some("b?c"), "field"));
    assert_eq!(target("OPTIONS *"), parts("*", None, "field"));
    assert_eq!(
        target("GET http://Other:80/a?b"),
        parts("/a", Some("b"), "Other:80")
    );
    assert_eq!(target("GET HTTPS://other"), parts("/", None, "other"));
    assert_eq!(target("GET http://other?b"), parts("/", Some("b"), "other"));
}

#[test]
fn pipelined_requests_come_out_one_by_one_and_in_order() {
    let (requests, error) = requests(
        LIMITS,
        b"GET /1 HTTP/1.1\r\nhost: h\r\n\r\n\r\nPOST /2 HTTP/1.1\r\nhost: h\r\ncontent-length: 3\r\n\r\nabc\
          PUT /3 HTTP/1.1\r\nhost: h\r\ntransfer-encoding: Chunked\r\n\r\n2;x=\"y\"\r\nde\r\n01\r\nf\r\n0\r\nTrailer: t\r\n\r\n\
          GET /4 HTTP/1.1\r\nhost: h\r\n\r\n",
    );
    assert_eq!(error, None);
    let seen: Vec<_> = requests
        .iter()
        .map(|request| (request.path(), request.body()))
        .collect();
    let expected: [(&str, &[u8]); 4] = [("/1", b""), ("/2", b"abc"), ("/3", b"def"), ("/4", b"")];
    assert_eq!(seen, expected);
}

#[test]
fn after_connection_close_nothing_more_is_read() {
    let (requests, error) =
        requests(LIMITS, b"GET /1 HTTP/1.1\r\nhost: h\r\nconnection: x, Close\r\n\r\nGET /2 HTTP/1.1\r\nhost: h\r\n\r\n");
    assert_eq!((requests.len(), error), (1, None));
    assert!(!requests[0].keep_alive());
}

#[test]
fn bytes_after_a_request_for_a_websocket_are_left_alone() {
    let mut machine = Requests::new(LIMITS, 0);
    let mut input: &[u8] =
        b"GET /ws HTTP/1.1\r\nhost: h\r\nupgrade: h2c, WebSocket\r\n\r\n\x81\x80\0\0\0\0";
    assert!(
        machine
            .receive(0, &mut input)
            .unwrap()
            .unwrap()
            .asks_for_websocket()
    );
    for _ in 0..2 {
        assert_eq!(machine.receive(0, &mut input), Ok(None));
        assert_eq!(input, b"\x81\x80\0\0\0\0");
    }
    assert_eq!(machine.deadline(), None);
}

#[test]
fn a_request_for_a_websocket_is_the_last_of_its_connection() {
    let request = request(
        b"GET /ws HTTP/1.1\r\nhost: h\r\nconnection: keep-alive\r\nupgrade: websocket\r\n\r\n",
    );
    assert!(!request.unwrap().keep_alive());
}

#[test]
fn what_a_log_shows_of_a_request_holds_no_secret() {
    let bytes = b"POST /t?token=secret HTTP/1.1\r\nhost: h\r\nauthorization: Bearer secret\r\ncontent-length: 6\r\n\r\nsecret";
    let request = request(bytes).unwrap();
    assert!(
        request
            .query()
            .is_some_and(|query| query.contains("secret"))
    );
    let shown = format!("{request:?}");
    assert!(
        shown.contains("POST") && shown.contains("/t") && !shown.contains("secret"),
        "{shown}"
    );
    let mut machine = Requests::new(LIMITS, 0);
    for cut in [bytes.len() - 10, 60] {
        machine.receive(0, &mut &bytes[..cut]).unwrap();
        assert!(!format!("{machine:?}").contains("secret"));
        machine = Requests::new(LIMITS, 0);
    }
}

#[test]
fn an_upgrade_to_something_else_is_an_ordinary_request() {
    let post = b"POST / HTTP/1.1\r\nhost: h\r\nconnection: upgrade\r\nupgrade: h2c\r\ncontent-length: 1\r\n\r\nx";
    assert_eq!(request(post).unwrap().body(), b"x");
}

#[test]
fn the_wish_for_100_continue_is_told_once_and_only_while_the_body_is_to_come() {
    let head = b"POST / HTTP/1.1\r\nhost: h\r\nexpect: 100-Continue\r\ncontent-length: 2\r\n\r\n";
    let mut machine = Requests::new(LIMITS, 0);
    assert!(!machine.continue_wanted());
    assert_eq!(machine.receive(0, &mut head.as_slice()), Ok(None));
    assert!(machine.continue_wanted());
    assert!(!machine.continue_wanted());
    assert!(machine.receive(0, &mut b"ab".as_slice()).unwrap().is_some());

    let whole = [head.as_slice(), b"ab"].concat();
    assert!(machine.receive(0, &mut whole.as_slice()).unwrap().is_some());
    assert!(!machine.continue_wanted());

    let empty = b"POST / HTTP/1.1\r\nhost: h\r\nexpect: 100-continue\r\ncontent-length: 0\r\n\r\n";
    assert!(machine.receive(0, &mut empty.as_slice()).unwrap().is_some());
    assert!(!machine.continue_wanted());
}

#[test]
fn dripping_bytes_do_not_prolong_the_time_for_a_head() {
    let mut machine = Requests::new(LIMITS, 1_000);
    assert!(machine.is_idle());
    for (second, byte) in (1..).zip("GET /".bytes()) {
        assert_eq!(
            machine.receive(1_000 * second, &mut [byte].as_slice()),
            Ok(None)
        );
        assert_eq!(machine.deadline(), Some(6_000));
    }
    assert!(!machine.is_idle());
    assert_eq!(machine.elapse(5_999), Ok(()));
    assert_eq!(machine.elapse(6_000), Err(Error::Timeout));
    assert_eq!(machine.elapse(7_000), Ok(()), "told once");
    assert_eq!(machine.deadline(), None);
    let mut late: &[u8] = b" HTTP/1.1\r\nhost: h\r\n\r\n";
    assert_eq!(machine.receive(6_000, &mut late), Ok(None));
    assert!(late.is_empty(), "input after the end is discarded");
}

#[test]
fn a_body_has_its_own_time_from_the_end_of_its_head() {
    let mut machine = Requests::new(LIMITS, 0);
    let mut head: &[u8] = b"POST / HTTP/1.1\r\nhost: h\r\ncontent-length: 2\r\n\r\n";
    assert_eq!(machine.receive(4_000, &mut head), Ok(None));
    assert_eq!(machine.receive(13_000, &mut b"a".as_slice()), Ok(None));
    assert_eq!(machine.deadline(), Some(14_000));
    assert_eq!(machine.elapse(14_000), Err(Error::Timeout));
}

#[test]
fn the_time_for_the_next_head_can_begin_with_the_answer() {
    let mut machine = Requests::new(LIMITS, 0);
    assert!(
        machine
            .receive(1_000, &mut b"GET / HTTP/1.1\r\nhost: h\r\n\r\n".as_slice())
            .unwrap()
            .is_some()
    );
    assert_eq!(machine.deadline(), Some(6_000));
    machine.answered(5_500);
    assert_eq!(machine.deadline(), Some(10_500));
    assert!(machine.is_idle());
    assert_eq!(machine.receive(5_600, &mut b"\r\n".as_slice()), Ok(None));
    assert!(!machine.is_idle());
}
