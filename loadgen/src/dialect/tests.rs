//! Every dialect's conversation, word by word, and what all of them must bear from a server.

use proptest::prelude::*;

use super::*;

/// What one end of a conversation came to.
#[derive(Debug, Default, PartialEq)]
struct Outcome {
    delivered: Vec<Vec<u8>>,
    replied: Vec<Vec<u8>>,
    notices: Notices,
    refusal: Option<String>,
}

fn named(name: &str) -> Arc<dyn Dialect> {
    let driver = DRIVERS.iter().find(|driver| driver.name == name);
    let wording = Wording {
        payload_bytes: 32,
        ..Wording::default()
    };
    let dialect = driver.expect("a driver of that name").dialect(&wording);
    dialect.expect("a driver that needs no words")
}

fn part(role: Role, topic: &str) -> Part<'_> {
    Part {
        role,
        topic,
        client: 0xab,
        since: None,
    }
}

fn talk(name: &str, role: Role) -> Talk {
    Talk::new(&named(name), &part(role, "a/b"))
}

fn listen<'m>(talk: &mut Talk, messages: impl IntoIterator<Item = &'m [u8]>) -> Outcome {
    let (mut outcome, mut aside) = (Outcome::default(), Aside::default());
    for message in messages {
        let deliver = |payload: &[u8]| outcome.delivered.push(payload.to_vec());
        if let Err(refusal) = talk.read(message, &mut aside, deliver) {
            outcome.refusal = Some(refusal.to_string());
            break;
        }
    }
    outcome.replied = aside.messages().map(<[u8]>::to_vec).collect();
    outcome.notices = aside.notices;
    outcome
}

/// A conversation, and what the client says first.
fn begun(name: &str, role: Role) -> (Talk, Vec<String>) {
    let (mut talk, mut aside) = (talk(name, role), Aside::default());
    talk.open(&mut aside);
    (talk, said(&aside))
}

fn said(aside: &Aside) -> Vec<String> {
    let text = |message: &[u8]| message.escape_ascii().to_string();
    aside.messages().map(text).collect()
}

/// What the client answers to a message.
fn answer(talk: &mut Talk, message: &[u8]) -> Vec<String> {
    let mut aside = Aside::default();
    let read = talk.read(message, &mut aside, |_| {});
    assert!(read.is_ok(), "{read:?}");
    said(&aside)
}

fn resubscribed(talk: &mut Talk) -> Vec<String> {
    let mut aside = Aside::default();
    assert!(talk.resubscribe("a/b", &mut aside) && !talk.is_ready());
    said(&aside)
}

const NOTHING: [&str; 0] = [];

#[test]
fn a_nats_subscriber_stands_when_its_ping_is_answered() {
    let (mut talk, first) = begun("nats", Role::Subscribe);
    assert_eq!(first, NOTHING, "the server speaks first");
    let words = answer(&mut talk, b"INFO {\"max_payload\":1048576}\r\n").concat();
    assert!(
        words.starts_with("CONNECT {") && words.ends_with("}\\r\\nSUB a/b 1\\r\\nPING\\r\\n"),
        "{words}"
    );
    assert!(!talk.is_ready());
    assert_eq!(answer(&mut talk, b"INFO {}\r\n"), NOTHING, "said once");
    assert_eq!(answer(&mut talk, b"PING\r\nPONG\r\n"), ["PONG\\r\\n"]);
    assert!(talk.is_ready());
    assert_eq!(
        resubscribed(&mut talk),
        ["UNSUB 1\\r\\nSUB a/b 1\\r\\nPING\\r\\n"]
    );
    assert_eq!(answer(&mut talk, b"PONG\r\n"), NOTHING);
    assert!(talk.is_ready());
    let (mut publisher, _) = begun("nats", Role::Publish);
    let words = answer(&mut publisher, b"INFO {}\r\n").concat();
    assert!(!words.contains("SUB"), "{words}");
}

#[test]
fn an_mqtt_subscriber_stands_with_its_suback_and_a_publisher_with_its_connack() {
    let (mut talk, first) = begun("mqtt", Role::Subscribe);
    assert_eq!(
        first,
        ["\\x10 \\x00\\x04MQTT\\x04\\x02\\x00\\x00\\x00\\x14load00000000000000ab"]
    );
    let subscribe = ["\\x82\\x08\\x00\\x01\\x00\\x03a/b\\x00"];
    assert_eq!(answer(&mut talk, b"\x20\x02\x00\x00"), subscribe);
    assert!(!talk.is_ready());
    assert_eq!(answer(&mut talk, b"\x90\x03\x00\x01\x00"), NOTHING);
    assert!(talk.is_ready());
    assert_eq!(
        resubscribed(&mut talk),
        ["\\xa2\\x07\\x00\\x01\\x00\\x03a/b"]
    );
    assert_eq!(answer(&mut talk, b"\xb0\x02\x00\x01"), subscribe);
    assert!(!talk.is_ready());
    assert_eq!(answer(&mut talk, b"\x90\x03\x00\x01\x00"), NOTHING);
    assert!(talk.is_ready());
    let (mut publisher, _) = begun("mqtt", Role::Publish);
    assert_eq!(answer(&mut publisher, b"\x20\x02\x00\x00"), NOTHING);
    assert!(publisher.is_ready());
}

#[test]
fn a_ringwire_subscriber_stands_with_the_answer_and_can_go_on_from_its_position() {
    let (mut talk, first) = begun("ringwire-json", Role::Subscribe);
    assert_eq!(first, NOTHING, "the server speaks first");
    talk.keep_position();
    assert_eq!(
        answer(
            &mut talk,
            br#"{"hello":{"server":"ringwire/0.1.0","protocol":"ringwire.v1.json","limits":{"payload_bytes_max":65536}}}"#
        ),
        [r#"{\"id\":1,\"subscribe\":\"a/b\"}"#]
    );
    assert!(!talk.is_ready());
    answer(
        &mut talk,
        br#"{"id":1,"ok":{"subscribed":"a/b","at":"k3v9:44"}}"#,
    );
    assert!(talk.is_ready());
    assert_eq!(talk.position(), Some(&position("k3v9", 44)));
    let heard = listen(
        &mut talk,
        [
            br#"{"topic":"a/b","at":"k3v9:45","base64":"AP8="}"#.as_slice(),
            br#"{"topic":"a/b","at":"k3v9:46","base64":"\/w=="}"#,
            br#"{"gap":{"topic":"a/b","after":"k3v9:46","until":"k3v9:61","reason":"slow consumer"}}"#,
            br#"{"topic":"a/b","at":"k3v9:62","text":"of another"}"#,
            br#"{"draining":{"reconnect_ms":1840}}"#,
        ],
    );
    assert_eq!(
        heard.delivered,
        [b"\x00\xff".as_slice(), b"\xff", b"of another"]
    );
    assert_eq!((heard.notices.gaps, heard.notices.gap_messages), (1, 15));
    assert_eq!(talk.position(), Some(&position("k3v9", 62)));
    assert_eq!(
        resubscribed(&mut talk),
        [r#"{\"id\":2,\"unsubscribe\":\"a/b\"}"#]
    );
    assert_eq!(
        answer(&mut talk, br#"{"id":2,"ok":{"unsubscribed":"a/b"}}"#),
        [r#"{\"id\":1,\"subscribe\":\"a/b\"}"#]
    );
}

/// A position that the server still has is kept until messages move it; one that it has lost is given up.
#[test]
fn what_is_recovered_goes_on_where_it_was() {
    for (driver, greeting, said, found, lost) in [
        (
            "ringwire-json",
            r#"{"hello":{}}"#,
            r#"{\"id\":1,\"subscribe\":\"a/b\",\"since\":\"k3v9:41\"}"#,
            r#"{"id":1,"ok":{"subscribed":"a/b","recovered":true,"at":"k3v9:44"}}"#,
            r#"{"id":1,"ok":{"subscribed":"a/b","recovered":false,"reason":"epoch","at":"k3v9:44"}}"#,
        ),
        (
            "centrifugo",
            r#"{"id":1,"connect":{"client":"c"}}"#,
            r#"{\"id\":2,\"subscribe\":{\"channel\":\"a/b\",\"recover\":true,\"epoch\":\"k3v9\",\"offset\":41}}"#,
            r#"{"id":2,"subscribe":{"recoverable":true,"epoch":"k3v9","offset":41,"was_recovering":true,"recovered":true}}"#,
            r#"{"id":2,"subscribe":{"recoverable":true,"epoch":"k3v9","offset":44,"was_recovering":true}}"#,
        ),
    ] {
        for (subscribed, recovered, offset) in [(found, true, 41), (lost, false, 44)] {
            let since = position("k3v9", 41);
            let part = Part {
                since: Some(&since),
                ..part(Role::Subscribe, "a/b")
            };
            let mut talk = Talk::new(&named(driver), &part);
            talk.open(&mut Aside::default());
            assert_eq!(answer(&mut talk, greeting.as_bytes()), [said]);
            assert_eq!(talk.recovered(), None);
            assert!(answer(&mut talk, subscribed.as_bytes()).is_empty() && talk.is_ready());
            assert_eq!(talk.recovered(), Some(recovered), "{driver}");
            assert_eq!(talk.position(), Some(&position("k3v9", offset)), "{driver}");
        }
    }
}

fn position(epoch: &str, offset: u64) -> Position {
    Position {
        epoch: epoch.to_owned(),
        offset,
    }
}

#[test]
fn a_centrifugo_subscriber_connects_and_subscribes_and_hears_lines() {
    let (mut talk, first) = begun("centrifugo", Role::Subscribe);
    assert_eq!(
        first,
        [r#"{\"id\":1,\"connect\":{\"name\":\"ringwire-load\"}}"#]
    );
    talk.keep_position();
    let connected =
        br#"{"id":1,"connect":{"client":"9d0f","version":"6.0.0","ping":25,"pong":true}}"#;
    assert_eq!(
        answer(&mut talk, connected),
        [r#"{\"id\":2,\"subscribe\":{\"channel\":\"a/b\"}}"#]
    );
    let heard = listen(
        &mut talk,
        [
            b"{\"id\":2,\"subscribe\":{\"recoverable\":true,\"epoch\":\"xyz\",\"offset\":3,\"publications\":[{\"data\":\"Yg==\",\"offset\":3}]}}\n\
              {\"push\":{\"channel\":\"a/b\",\"pub\":{\"data\":\"YQ==\",\"info\":{\"client\":\"c\"},\"offset\":4}}}\n{}\n".as_slice(),
            br#"{"push":{"channel":"a/b","join":{"info":{"client":"x"}}}}"#,
            br#"{"push":{"channel":"a/b","pub":{"data":{"of":"another"}}}}"#,
        ],
    );
    assert!(talk.is_ready());
    assert_eq!(
        heard.delivered,
        [b"b".as_slice(), b"a", br#"{"of":"another"}"#]
    );
    assert_eq!(heard.replied, [b"{}"], "a ping is answered");
    assert_eq!(talk.position(), Some(&position("xyz", 4)));
    assert_eq!(
        resubscribed(&mut talk),
        [r#"{\"id\":4,\"unsubscribe\":{\"channel\":\"a/b\"}}"#]
    );
    assert_eq!(
        answer(&mut talk, br#"{"id":4,"unsubscribe":{}}"#),
        [r#"{\"id\":2,\"subscribe\":{\"channel\":\"a/b\"}}"#]
    );
}

/// Centrifugo hangs up on answers that it does not want.
#[test]
fn pings_that_want_no_answer_get_none() {
    let (mut talk, _) = begun("centrifugo", Role::Publish);
    answer(&mut talk, br#"{"id":1,"connect":{"client":"c","ping":25}}"#);
    assert!(talk.is_ready());
    assert_eq!(answer(&mut talk, b"{}"), NOTHING);
}

#[test]
fn publications_are_acknowledged_or_rejected_and_refused_for_good() {
    for (driver, acknowledged, rejected, refused, words) in [
        (
            "ringwire-json",
            r#"{"id":3,"ok":{"topic":"a/b","at":"k:1"}}"#,
            r#"{"id":3,"error":{"code":"rate_limit","message":"rate limit exceeded","retry":true}}"#,
            r#"{"id":3,"error":{"code":"forbidden","message":"may not do that","retry":false}}"#,
            "may not do that",
        ),
        (
            "centrifugo",
            r#"{"id":3,"publish":{}}"#,
            r#"{"id":3,"error":{"code":111,"message":"too many requests","temporary":true}}"#,
            r#"{"id":3,"error":{"code":103,"message":"permission denied"}}"#,
            "refused a publication: permission denied (103)",
        ),
    ] {
        let (mut talk, _) = begun(driver, Role::Publish);
        let messages = [acknowledged, rejected, acknowledged, refused];
        let heard = listen(&mut talk, messages.map(str::as_bytes));
        assert_eq!(
            (heard.notices.acknowledged, heard.notices.rejected),
            (2, 1),
            "{driver}"
        );
        let refusal = heard.refusal.expect(driver);
        assert!(refusal.contains(words), "{refusal}");
    }
}

#[test]
fn payloads_stand_in_their_envelopes() {
    for (driver, message) in [
        (
            "ringwire-json",
            r#"{"id":3,"publish":"a/b","base64":"AP8="}"#,
        ),
        (
            "centrifugo",
            r#"{"id":3,"publish":{"channel":"a/b","data":"AP8="}}"#,
        ),
        ("template", "AP8="),
        ("url", "\0\u{ff}"),
    ] {
        let (mut wrapped, envelope) = (Vec::new(), named(driver).envelope("a/b", 2));
        envelope.wrap(b"\x00\xff", &mut wrapped);
        let text: String = wrapped.iter().copied().map(char::from).collect();
        assert_eq!(
            (text.as_str(), wrapped.len()),
            (message, envelope.message_bytes(2))
        );
    }
}

#[test]
fn plain_connections_stand_at_once_and_each_message_is_a_delivery() {
    let (mut talk, first) = begun("url", Role::Subscribe);
    assert!(talk.is_ready() && first.is_empty());
    assert_eq!(
        listen(&mut talk, [b"x".as_slice(), b"", b"y"]).delivered,
        [b"x".as_slice(), b"", b"y"]
    );
    assert!(
        !talk.resubscribe("a/b", &mut Aside::default()),
        "it has no words for that"
    );
    assert!(talk.is_ready());
}

#[test]
fn each_driver_has_its_urls() {
    for (name, subscribe, publish, both) in [
        (
            "ringwire",
            "ws://h/t/{topic}?mode=sub",
            "ws://h/t/{topic}?mode=pub",
            "ws://h/t/{topic}",
        ),
        ("url", "ws://h/", "ws://h/", "ws://h/"),
        (
            "nchan",
            "ws://h/sub/{topic}",
            "ws://h/pub/{topic}",
            "ws://h/pubsub/{topic}",
        ),
        ("nats", "ws://h/", "ws://h/", "ws://h/"),
        ("ringwire-json", "ws://h/ws", "ws://h/ws", "ws://h/ws"),
        (
            "centrifugo",
            "ws://h/connection/websocket",
            "ws://h/connection/websocket",
            "ws://h/connection/websocket",
        ),
    ] {
        let dialect = named(name);
        for (role, url) in [
            (Role::Subscribe, subscribe),
            (Role::Publish, publish),
            (Role::Both, both),
        ] {
            assert_eq!(dialect.url("ws://h/", role), url, "{name}");
            if !url.contains('{') {
                assert_eq!(
                    dialect.url(url, role),
                    url,
                    "{name}: it stands there already"
                );
            }
        }
    }
}

#[test]
fn refusals_are_quoted() {
    for (name, message, words) in [
        (
            "nats",
            b"-ERR 'Authorization Violation'\r\n".as_slice(),
            "Authorization Violation",
        ),
        (
            "nats",
            b"HTTP/1.1 400 Bad Request\r\n",
            "does not speak NATS: `HTTP/1.1 400",
        ),
        ("nats", b"MSG a 1 x\r\n", "does not speak NATS"),
        ("nats", b"MSG a 1 2\r\nabcd", "does not speak NATS"),
        ("mqtt", b"\x20\x02\x00\x05", "not authorized"),
        ("mqtt", b"\x20\x02\x00\x01", "does not speak MQTT 3.1.1"),
        ("mqtt", b"\x20\x02\x00\x63", "code 99"),
        ("mqtt", b"\x90\x03\x00\x01\x80", "refused the subscription"),
        ("mqtt", b"\x30\x81\x80\x80\x80", "length does not end"),
        ("mqtt", b"\x30\x03\x00\x05a", "cut inside its topic"),
        ("mqtt", b"{\"error\":1}", "begins with 0x7b"),
        (
            "ringwire-json",
            br#"{"error":{"code":"bad_command","message":"unknown key","retry":false}}"#,
            "unknown key",
        ),
        (
            "ringwire-json",
            b"INFO {}",
            "does not speak ringwire.v1.json: `INFO {}`",
        ),
        ("ringwire-json", b"{\"text\":\"\xff\"}", "does not speak"),
        (
            "centrifugo",
            br#"{"id":1,"error":{"code":101,"message":"unauthorized"}}"#,
            "refused the connection: unauthorized (101)",
        ),
        (
            "centrifugo",
            br#"{"id":2,"error":{"code":102,"message":"unknown channel"}}"#,
            "the subscription: unknown channel",
        ),
        (
            "centrifugo",
            br#"{"push":{"channel":"a/b","unsubscribe":{"code":2500,"reason":"insufficient state"}}}"#,
            "ended the subscription: insufficient state (2500)",
        ),
        (
            "centrifugo",
            br#"{"push":{"disconnect":{"code":3001,"reason":"shutdown"}}}"#,
            "disconnects: shutdown (3001)",
        ),
        (
            "centrifugo",
            b"{}\n{\"id\":",
            "Centrifugo's JSON protocol: `{\"id\":",
        ),
    ] {
        let refusal = listen(&mut talk(name, Role::Publish), [message]).refusal;
        assert!(
            refusal.as_ref().is_some_and(|text| text.contains(words)),
            "{words}: {refusal:?}"
        );
    }
}

#[test]
fn names_that_would_mean_something_else_are_refused() {
    let long = "a".repeat(256);
    for (name, good, bad) in [
        ("nats", "load/0.x", ["a b", "a.*", ">", "a..b"]),
        ("mqtt", "load/0", ["a/+", "#", "a\0", "a/#/b"]),
        ("template", "load/0 ä", ["a\"", "\\", "a\n", "\t"]),
        ("centrifugo", "load:0", ["ä", &long, "€", "🦀"]),
    ] {
        assert_eq!(named(name).check_topic(good), Ok(()));
        bad.iter()
            .for_each(|topic| assert!(named(name).check_topic(topic).is_err(), "{topic}"));
    }
}

/// A server's stream of protocol messages, and the payloads in it.
fn any_stream(name: &'static str) -> impl Strategy<Value = (Vec<u8>, Vec<Vec<u8>>)> {
    let payload = prop::collection::vec(any::<u8>(), 0..300);
    let piece = prop_oneof![3 => payload.prop_map(Some), 1 => Just(None)];
    prop::collection::vec(piece, 1..12).prop_map(move |pieces| {
        let (mut stream, mut payloads) = (Vec::new(), Vec::new());
        for piece in pieces {
            match (piece, name) {
                (Some(payload), _) => {
                    stream.extend(publication(name, &payload));
                    payloads.push(payload);
                }
                (None, "nats") => stream.extend(b"PING\r\n+OK\r\n"),
                (None, _) => stream.extend(b"\xd0\x00"),
            }
        }
        (stream, payloads)
    })
}

/// A publication as the server passes it on.
fn publication(name: &str, payload: &[u8]) -> Vec<u8> {
    let mut envelope = named(name).envelope("a/b", payload.len());
    if name == "nats" {
        envelope.before = format!("MSG a/b 1 {}\r\n", payload.len()).into_bytes();
    }
    let mut message = Vec::new();
    envelope.wrap(payload, &mut message);
    message
}

fn any_streaming() -> impl Strategy<Value = &'static str> {
    prop_oneof![Just("nats"), Just("mqtt")]
}

proptest! {
    /// Where WebSocket messages end means nothing.
    #[test]
    fn a_stream_is_understood_wherever_it_is_cut(
        (name, (stream, payloads)) in any_streaming().prop_flat_map(|name| (Just(name), any_stream(name))),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..20),
    ) {
        let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(stream.len() + 1)).chain([0, stream.len()]).collect();
        cuts.sort_unstable();
        let whole = listen(&mut talk(name, Role::Publish), [stream.as_slice()]);
        prop_assert_eq!(&whole.delivered, &payloads);
        prop_assert_eq!(&whole.refusal, &None);
        let mut talk = talk(name, Role::Publish);
        let cut = listen(&mut talk, cuts.windows(2).map(|ends| &stream[ends[0]..ends[1]]));
        prop_assert_eq!((cut.delivered, cut.refusal), (whole.delivered, None));
        prop_assert!(talk.may_be_recognised(), "nothing is left over");
    }

    #[test]
    fn nothing_that_a_server_says_panics(
        driver in 0..DRIVERS.len(),
        messages in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..40), 0..6),
    ) {
        listen(&mut talk(DRIVERS[driver].name, Role::Both), messages.iter().map(Vec::as_slice));
    }

    /// Random bytes are no JSON: this is what nearly is.
    #[test]
    fn nothing_that_is_nearly_right_panics(
        driver in 0..DRIVERS.len(),
        said in prop::sample::select(SAID),
        at in any::<prop::sample::Index>(),
        with in prop_oneof![prop::collection::vec(any::<u8>(), 0..4), prop::sample::select(PIECES).prop_map(|piece| piece.as_bytes().to_vec())],
        until in any::<prop::sample::Index>(),
    ) {
        let (at, until) = (at.index(said.len()), until.index(said.len() + 1));
        let message = [&said.as_bytes()[..at], &with, &said.as_bytes()[at.max(until)..]].concat();
        let mut talk = talk(DRIVERS[driver].name, Role::Both);
        talk.keep_position();
        listen(&mut talk, [message.as_slice(), said.as_bytes()]);
    }
}

/// What servers say.
const SAID: &[&str] = &[
    r#"{"hello":{"protocol":"ringwire.v1.json"}}"#,
    r#"{"id":1,"ok":{"subscribed":"a","recovered":true,"at":"k3v9:44"}}"#,
    r#"{"topic":"a","at":"k3v9:45","base64":"AP8="}"#,
    r#"{"gap":{"topic":"a","after":"k3v9:45","until":"k3v9:61"}}"#,
    r#"{"id":9,"error":{"code":"bad_topic","message":"no","retry":false}}"#,
    r#"{"id":1,"connect":{"client":"c","ping":25,"pong":true}}"#,
    r#"{"id":2,"subscribe":{"epoch":"x","offset":3,"publications":[{"data":"YQ==","offset":3}]}}"#,
    r#"{"push":{"channel":"a","pub":{"data":"YQ==","offset":4}}}"#,
    "MSG a 1 4\r\nabcd\r\n",
    "-ERR 'no'\r\n",
    "\x30\x05\0\x01aXY\x30\x02\0\0",
];

/// What is put into it.
const PIECES: &[&str] = &[
    "\"",
    "\\",
    "\\u",
    "{",
    "}",
    "[[[[",
    ":",
    "-1",
    "18446744073709551616",
    "null",
    "\n",
    "\r\n",
    "=",
];

#[test]
fn however_often_a_server_asks_in_one_message_one_answer_says_it() {
    let mut talk = talk("nats", Role::Subscribe);
    let flood = b"PING\r\n".repeat(10_000);
    assert_eq!(
        listen(&mut talk, [flood.as_slice(), b"PING\r\n"]).replied,
        [b"PONG\r\n", b"PONG\r\n"]
    );
}

#[test]
fn only_whole_deliveries_are_the_same_for_everybody() {
    let mut talk = talk("nats", Role::Subscribe);
    let mut gist = |message: &[u8]| talk.read(message, &mut Aside::default(), |_| {});
    assert_eq!(
        gist(b"MSG a 1 2\r\nab\r\nMSG a 1 0\r\n\r\n"),
        Ok(Gist::Deliveries)
    );
    assert_eq!(gist(b"MSG a 1 2\r\nab\r\nPING\r\n"), Ok(Gist::Mixed));
    assert_eq!(gist(b"MSG a 1 2\r\nab\r\nMSG a"), Ok(Gist::Mixed));
    assert_eq!(gist(b" 1 2\r\nab\r\n"), Ok(Gist::Mixed));
    assert_eq!(gist(b"MSG a 1 2\r\nab\r\n"), Ok(Gist::Deliveries));
}
