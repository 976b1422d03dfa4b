//! Every command of the JSON dialect, and every way to get one wrong.

use broker::{Kind, Pattern, Position, TopicName};
use ringwire_session::dialect::json::{BadCommand, Command, Token, Verb};
use ringwire_session::limits::{AGE_S_MAX, ID_BYTES_MAX, LAST_MAX, POSITIONS_MAX};
use ringwire_session::{Payload, Reason, Since, Topic};
use std::borrow::Cow;

fn parse(text: &str) -> Result<Command<'_>, BadCommand<'_>> {
    Command::parse(text.as_bytes())
}

fn verb(text: &str) -> Verb<'_> {
    parse(text)
        .unwrap_or_else(|error| panic!("{text}: {error:?}"))
        .verb
}

/// The reason, the fixed text and the id of an error.
fn refused(text: &str) -> (Reason, &'static str, Option<&str>) {
    let error = parse(text).expect_err(text);
    (
        error.cause.reason,
        error.cause.message,
        error.id.map(|id| id.as_json()),
    )
}

fn pattern(text: &str) -> Pattern {
    Pattern::parse(text).unwrap()
}

fn position(text: &str) -> Position {
    text.parse().unwrap()
}

fn subscribe(pattern_text: &str, since: Since) -> Verb<'static> {
    Verb::Subscribe {
        pattern: pattern(pattern_text),
        since,
    }
}

#[test]
fn subscribe_begins_live_at_a_position_at_an_age_or_with_the_last() {
    assert_eq!(
        verb(r#"{"id":1,"subscribe":"chat/room1"}"#),
        subscribe("chat/room1", Since::Live)
    );
    assert_eq!(
        verb(r#"{"subscribe":"chat/room1","since":"k3v9:41"}"#),
        subscribe("chat/room1", Since::Position(position("k3v9:41")))
    );
    for (text, age_s) in [
        ("90s", 90),
        ("5m", 300),
        ("2h", 7200),
        ("0s", 0),
        ("9600h", AGE_S_MAX),
    ] {
        let message = format!(r#"{{"subscribe":"chat/*","since":"{text}"}}"#);
        assert_eq!(verb(&message), subscribe("chat/*", Since::Age { age_s }));
    }
    for count in [0, 1, 10, LAST_MAX] {
        let message = format!(r#"{{"subscribe":"chat/**","last":{count}}}"#);
        assert_eq!(verb(&message), subscribe("chat/**", Since::Last(count)));
    }
}

#[test]
fn a_pattern_goes_on_from_one_position_for_each_topic() {
    let each = vec![
        (TopicName::parse("chat/a\"b").unwrap(), position("k3v9:7")),
        (TopicName::parse("chat/room1").unwrap(), position("k3v9:41")),
    ];
    let message =
        r#"{"subscribe":"chat/*","since":{"chat/room1":"k3v9:41","chat\/a\"b":"k3v9:7"}}"#;
    assert_eq!(verb(message), subscribe("chat/*", Since::Each(each)));
    assert_eq!(
        verb(r#"{"subscribe":"chat/*","since":{}}"#),
        subscribe("chat/*", Since::Each(vec![]))
    );
}

#[test]
fn the_brokers_own_topics_can_be_read() {
    assert_eq!(
        verb(r#"{"subscribe":"$SYS/**"}"#),
        subscribe("$SYS/**", Since::Live)
    );
    let Verb::History { topic, .. } = verb(r#"{"history":"$SYS/cores"}"#) else {
        panic!("no history")
    };
    assert_eq!(topic.as_str(), "$SYS/cores");
}

#[test]
fn unsubscribe_names_the_pattern() {
    assert_eq!(
        verb(r#"{"id":2,"unsubscribe":"chat/*"}"#),
        Verb::Unsubscribe {
            pattern: pattern("chat/*")
        }
    );
}

#[test]
fn publish_takes_json_byte_for_byte() {
    for data in [
        r#"{ "any" : [1, 2.50, "\u00e9\/"] , "a":1,"a":2}"#,
        "null",
        "0",
        "\"x\"",
        "[\n\t1\r\n]",
        "-0.0e+00",
    ] {
        let message = format!(r#" {{ "id" : 3 , "publish" : "chat/room1" , "data" :  {data}  }} "#);
        let Verb::Publish { topic, payload } = verb(&message) else {
            panic!("no publish")
        };
        assert_eq!(topic.as_str(), "chat/room1");
        assert_eq!(payload, Payload::json(data));
    }
}

#[test]
fn a_publish_without_escapes_borrows_everything_from_the_message() {
    for payload_text in [r#""data":{"any":"json"}"#, r#""text":"plain""#] {
        let message = format!(r#"{{"id":3,"publish":"chat/room1",{payload_text}}}"#);
        let Verb::Publish { topic, payload } = verb(&message) else {
            panic!("no publish")
        };
        assert!(matches!(topic, Topic::Borrowed(_)));
        assert!(matches!(payload.bytes, Cow::Borrowed(_)));
    }
    let Verb::Publish { topic, .. } = verb(r#"{"publish":"chat\/room1","data":1}"#) else {
        panic!("no publish")
    };
    assert!(matches!(&topic, Topic::Owned(name) if name.as_str() == "chat/room1"));
}

#[test]
fn publish_takes_text_and_bytes() {
    let payload = |text: &str| match Command::parse(text.as_bytes()).unwrap().verb {
        Verb::Publish { payload, .. } => (payload.kind, payload.bytes.into_owned()),
        other => panic!("{other:?}"),
    };
    assert_eq!(
        payload(r#"{"publish":"t","text":"a\n\ud83d\ude00\u0000"}"#),
        (Kind::Text, "a\n😀\0".into())
    );
    assert_eq!(
        payload(r#"{"publish":"t","text":""}"#),
        (Kind::Text, vec![])
    );
    assert_eq!(
        payload(r#"{"publish":"t","base64":"AP8="}"#),
        (Kind::Binary, vec![0, 255])
    );
    assert_eq!(
        payload(r#"{"publish":"t","base64":""}"#),
        (Kind::Binary, vec![])
    );
}

#[test]
fn history_begins_where_it_says() {
    let topic = TopicName::parse("chat/room1").unwrap();
    let history = |since| Verb::History {
        topic: topic.clone(),
        since,
    };
    assert_eq!(
        verb(r#"{"id":4,"history":"chat/room1","last":50}"#),
        history(Since::Last(50))
    );
    assert_eq!(
        verb(r#"{"id":4,"history":"chat/room1","since":"k3v9:1"}"#),
        history(Since::Position(position("k3v9:1")))
    );
    assert_eq!(verb(r#"{"history":"chat/room1"}"#), history(Since::Live));
}

#[test]
fn ping_and_auth_are_read_and_a_token_does_not_show() {
    assert_eq!(verb(r#"{"id":5,"ping":true}"#), Verb::Ping);
    let auth = verb(r#"{"id":6,"auth":"s3cret"}"#);
    assert_eq!(auth, Verb::Auth(Token("s3cret".into())));
    assert!(!format!("{auth:?}").contains("s3cret"));
}

#[test]
fn an_id_comes_back_as_it_was_written() {
    for id in [
        "1",
        "-7",
        "1.50",
        "1e3",
        "123456789012345678901234567890",
        r#""abc""#,
        r#""""#,
        r#""\u0041\/\"""#,
        r#""é""#,
    ] {
        let message = format!(r#"{{"ping":true,"id": {id} }}"#);
        let command = parse(&message).unwrap();
        assert_eq!(command.id.map(|id| id.as_json()), Some(id));
    }
    assert_eq!(parse(r#"{"ping":true}"#).unwrap().id, None);
    // An escaped key is the same key.
    assert_eq!(
        parse(r#"{"\u0069d":1,"p\u0069ng":true}"#)
            .unwrap()
            .id
            .map(|id| id.as_json()),
        Some("1")
    );
}

#[test]
fn an_id_is_a_short_number_or_string() {
    let longest = format!("\"{}\"", "x".repeat(ID_BYTES_MAX - 2));
    let message = format!(r#"{{"id":{longest},"ping":true}}"#);
    assert_eq!(
        parse(&message).unwrap().id.map(|id| id.as_json()),
        Some(&*longest)
    );
    let too_long = format!("\"{}\"", "x".repeat(ID_BYTES_MAX - 1));
    for id in [
        &*too_long,
        "null",
        "true",
        "[1]",
        "{}",
        r#""\ud800""#,
        "1e999",
    ] {
        let message = format!(r#"{{"id":{id},"ping":true}}"#);
        let expected = (
            Reason::BadCommand,
            "an id is a number or a string of at most 128 bytes",
            None,
        );
        assert_eq!(refused(&message), expected, "{id}");
    }
}

#[test]
fn an_error_carries_the_id_wherever_it_stands() {
    for text in [
        r#"{"subscribe":5,"id":7}"#,
        r#"{"id":7,"nonsense":[[{"x":1}]]}"#,
        r#"{"nonsense":null,"id":7}"#,
        r#"{"ping":true,"ping":true,"id":7}"#,
        r#"{"publish":"a//b","data":1,"id":7}"#,
        r#"{"id":7}"#,
        r#"{"id":7,"publish":"t","data":{"cut":"#,
        r#"{"id":7} {"id":8}"#,
    ] {
        assert_eq!(refused(text).2, Some("7"), "{text}");
    }
    assert_eq!(
        refused(r#"{"id":1,"id":2,"ping":true}"#),
        (Reason::BadCommand, "a key stands twice in a command", None)
    );
}

#[test]
fn what_is_no_object_is_no_command() {
    for text in [
        "[]",
        "1",
        "\"subscribe\"",
        "null",
        "true",
        r#"[{"ping":true}]"#,
    ] {
        assert_eq!(
            refused(text),
            (Reason::BadCommand, "the message is not a JSON object", None),
            "{text}"
        );
    }
    let huge_array = format!("[{}0]", "0,".repeat(1_000_000));
    assert_eq!(refused(&huge_array).1, "the message is not a JSON object");
    for text in [
        "",
        "{",
        "}",
        "{}{}",
        "ping",
        r#"{"ping":true,}"#,
        r#"{"ping":NaN}"#,
        "{'ping':true}",
        "\u{feff}{}",
        r#"{"a":01}"#,
        r#"{"\ud800":1}"#,
    ] {
        assert_eq!(refused(text).1, "the message is not valid JSON", "{text}");
    }
    assert_eq!(
        Command::parse(b"{\"ping\":\"\xff\"}")
            .unwrap_err()
            .cause
            .message,
        "the message is not UTF-8"
    );
}

#[test]
fn a_mistake_in_a_command_is_named_and_never_guessed_around() {
    for (text, message) in [
        (
            r#"{}"#,
            "a command has one of subscribe, unsubscribe, publish, history, ping, auth",
        ),
        (
            r#"{"data":1}"#,
            "a command has one of subscribe, unsubscribe, publish, history, ping, auth",
        ),
        (r#"{"Subscribe":"t"}"#, "unknown key in a command"),
        (r#"{"subscribe":"t","qos":1}"#, "unknown key in a command"),
        (
            r#"{"subscribe":"t","subscribe":"t"}"#,
            "a key stands twice in a command",
        ),
        (
            r#"{"publish":"t","data":1,"data":1}"#,
            "a key stands twice in a command",
        ),
        (
            r#"{"subscribe":"t","publish":"t","data":1}"#,
            "two commands in one message",
        ),
        (
            r#"{"ping":true,"unsubscribe":"t"}"#,
            "two commands in one message",
        ),
        (
            r#"{"ping":true,"data":1}"#,
            "a key that does not belong to this command",
        ),
        (
            r#"{"subscribe":"t","text":"x"}"#,
            "a key that does not belong to this command",
        ),
        (
            r#"{"publish":"t","data":1,"since":"1s"}"#,
            "a key that does not belong to this command",
        ),
        (
            r#"{"unsubscribe":"t","last":1}"#,
            "a key that does not belong to this command",
        ),
        (
            r#"{"auth":"x","last":1}"#,
            "a key that does not belong to this command",
        ),
        (r#"{"subscribe":5}"#, "this value must be a string"),
        (r#"{"subscribe":["t"]}"#, "this value must be a string"),
        (r#"{"subscribe":null}"#, "this value must be a string"),
        (r#"{"subscribe":"\ud800"}"#, "this value must be a string"),
        (r#"{"unsubscribe":{}}"#, "this value must be a string"),
        (r#"{"publish":1,"data":1}"#, "this value must be a string"),
        (r#"{"history":true}"#, "this value must be a string"),
        (r#"{"auth":1}"#, "this value must be a string"),
        (r#"{"publish":"t","text":1}"#, "this value must be a string"),
        (
            r#"{"publish":"t","text":null}"#,
            "this value must be a string",
        ),
        (
            r#"{"publish":"t","base64":1}"#,
            "this value must be a string",
        ),
        (r#"{"ping":1}"#, "the value of ping is true"),
        (r#"{"ping":false}"#, "the value of ping is true"),
        (r#"{"ping":"true"}"#, "the value of ping is true"),
        (
            r#"{"publish":"t"}"#,
            "publish takes exactly one of data, text and base64",
        ),
        (
            r#"{"publish":"t","data":1,"text":"x"}"#,
            "publish takes exactly one of data, text and base64",
        ),
        (
            r#"{"publish":"t","text":"x","base64":""}"#,
            "publish takes exactly one of data, text and base64",
        ),
        (
            r#"{"subscribe":"t","since":"1s","last":1}"#,
            "since and last exclude each other",
        ),
    ] {
        assert_eq!(refused(text), (Reason::BadCommand, message, None), "{text}");
    }
}

#[test]
fn base64_has_one_spelling() {
    for encoded in ["AP8", "AP8==", "A", "AP9=", "_-8=", "AP 8=", "AP8=\\n", "é"] {
        let message = format!(r#"{{"publish":"t","base64":"{encoded}"}}"#);
        let expected = (
            Reason::BadCommand,
            "base64 is not valid (standard alphabet, with padding)",
            None,
        );
        assert_eq!(refused(&message), expected, "{encoded}");
    }
}

#[test]
fn a_payload_that_only_some_parsers_can_read_is_refused() {
    let publish = |data: &str| format!(r#"{{"publish":"t","data":{data}}}"#);
    let nested = |depth: usize| publish(&format!("{}{}", "[".repeat(depth), "]".repeat(depth)));
    for depth in [1, 63, 64] {
        assert!(parse(&nested(depth)).is_ok(), "{depth}");
    }
    for depth in [65, 100_000] {
        assert_eq!(
            refused(&nested(depth)).1,
            "the payload nests deeper than 64",
            "{depth}"
        );
    }
    assert_eq!(
        refused(&publish(r#"["\udead"]"#)).1,
        "the payload has a lone surrogate escape"
    );
    assert_eq!(
        refused(&publish("[1e400]")).1,
        "the payload has a number too great for a double"
    );
    assert_eq!(
        refused(&publish(&"9".repeat(100_000))).1,
        "the payload has a number too great for a double"
    );
    // What is deep elsewhere is a wrong key or a wrong type, and must not exhaust the stack either.
    let deep = "[".repeat(100_000) + &"]".repeat(100_000);
    assert_eq!(
        refused(&format!(r#"{{"x":{deep},"id":1}}"#)),
        (Reason::BadCommand, "unknown key in a command", Some("1"))
    );
    assert_eq!(
        refused(&format!(r#"{{"id":{deep},"ping":true}}"#)).0,
        Reason::BadCommand
    );
    assert_eq!(
        refused(&format!(r#"{{"subscribe":{deep}}}"#)).1,
        "this value must be a string"
    );
    assert_eq!(
        refused(&format!(r#"{{"subscribe":"t","since":{deep}}}"#)).1,
        "since is a string, or an object of strings"
    );
    assert_eq!(refused(&deep).1, "the message is not a JSON object");
}

#[test]
fn topics_are_judged_by_the_one_validator() {
    let long = "x".repeat(257);
    let separators = "/".repeat(65_400);
    let deep = "a/".repeat(16) + "a";
    for topic in [
        "",
        "a//b",
        "/a",
        "a/",
        ".",
        "a/..",
        "a\\u0000",
        "a\\r\\nb",
        "a#",
        "a+",
        "\\u202ea",
        "\\ufeffa",
        &long,
        &separators,
        &deep,
    ] {
        for message in [
            format!(r#"{{"subscribe":"{topic}"}}"#),
            format!(r#"{{"unsubscribe":"{topic}"}}"#),
            format!(r#"{{"publish":"{topic}","data":1}}"#),
            format!(r#"{{"history":"{topic}"}}"#),
            format!(r#"{{"subscribe":"**","since":{{"{topic}":"k3v9:1"}}}}"#),
        ] {
            assert_eq!(refused(&message).0, Reason::BadTopic, "{message}");
        }
    }
    for message in [
        r#"{"publish":"a/*","data":1}"#,
        r#"{"publish":"**","data":1}"#,
        r#"{"history":"a/*"}"#,
        r#"{"subscribe":"a*"}"#,
        r#"{"subscribe":"**/a"}"#,
    ] {
        assert_eq!(refused(message).0, Reason::BadTopic, "{message}");
    }
    assert_eq!(
        refused(r#"{"publish":"$SYS/cores","data":1}"#).0,
        Reason::ReservedTopic
    );
}

#[test]
fn positions_ages_and_counts_have_one_spelling() {
    for since in [
        "",
        "k3v9",
        "k3v9:",
        ":1",
        "k3v9:-1",
        "k3v9:01",
        "K3V9:1",
        "k3v9:18446744073709551616",
        "5",
        "s",
        "5 m",
        "+5m",
        "5d",
        "1.5h",
        "9601h",
        "99999999999999999999s",
    ] {
        for message in [
            format!(r#"{{"subscribe":"t","since":"{since}"}}"#),
            format!(r#"{{"history":"t","since":"{since}"}}"#),
        ] {
            assert_eq!(refused(&message).0, Reason::BadPosition, "{message}");
        }
    }
    for last in [
        "-1",
        "1.0",
        "1e1",
        "1000001",
        "99999999999999999999",
        "\"5\"",
        "null",
        "[]",
    ] {
        let message = format!(r#"{{"id":"x","history":"t","last":{last}}}"#);
        assert_eq!(
            refused(&message),
            (
                Reason::BadPosition,
                "last is a whole number, at most 1000000",
                Some("\"x\"")
            ),
            "{last}"
        );
    }
}

#[test]
fn since_must_suit_what_is_subscribed() {
    for (text, message) in [
        (
            r#"{"subscribe":"t","since":5}"#,
            "since is a string, or an object of strings",
        ),
        (
            r#"{"subscribe":"t","since":["k3v9:1"]}"#,
            "since is a string, or an object of strings",
        ),
        (
            r#"{"subscribe":"t","since":null}"#,
            "since is a string, or an object of strings",
        ),
        (
            r#"{"subscribe":"*","since":{"t":1}}"#,
            "since is a string, or an object of strings",
        ),
        (
            r#"{"subscribe":"*","since":{"t":{"t":{}}}}"#,
            "since is a string, or an object of strings",
        ),
        (
            r#"{"subscribe":"a/*","since":"k3v9:1"}"#,
            "a pattern goes on from one position for each topic, not from a single one",
        ),
        (
            r#"{"subscribe":"a/b","since":{"a/b":"k3v9:1"}}"#,
            "a topic goes on from one position, not from one for each topic",
        ),
        (
            r#"{"history":"a/b","since":{"a/b":"k3v9:1"}}"#,
            "a topic goes on from one position, not from one for each topic",
        ),
        (
            r#"{"subscribe":"a/*","since":{"b/c":"k3v9:1"}}"#,
            "since names a topic that the pattern does not match",
        ),
        (
            r#"{"subscribe":"a/*","since":{"a/b":"k3v9:1","a\/b":"k3v9:2"}}"#,
            "since names a topic twice",
        ),
        (
            r#"{"subscribe":"a/*","since":{"a/b":"1h"}}"#,
            "since is a position, an age like 90s, 5m or 2h, or one position for each topic",
        ),
    ] {
        assert_eq!(
            refused(text),
            (Reason::BadPosition, message, None),
            "{text}"
        );
    }
}

#[test]
fn since_names_a_bounded_number_of_topics() {
    let each = |count: usize| {
        let entries: Vec<_> = (0..count)
            .map(|index| format!(r#""a/{index}":"k3v9:1""#))
            .collect();
        format!(r#"{{"subscribe":"a/*","since":{{{}}}}}"#, entries.join(","))
    };
    assert!(parse(&each(POSITIONS_MAX)).is_ok());
    assert_eq!(
        refused(&each(POSITIONS_MAX + 1)).1,
        "since names too many topics"
    );
}
