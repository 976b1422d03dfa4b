//! Every way to get a command of the JSON dialect wrong: the reason, the text and the id of the error.
//!
//! Good commands are in `commands.rs`.

use ringwire_session::Reason;
use ringwire_session::dialect::json::{BadCommand, Command};
use ringwire_session::limits::{ID_BYTES_MAX, POSITIONS_MAX};

fn parse(text: &str) -> Result<Command<'_>, BadCommand<'_>> {
    Command::parse(text.as_bytes())
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

/// A message, and the text that refuses it as `bad_command`.
#[rustfmt::skip]
const MISTAKES: &[(&str, &str)] = &[
    (r#"{}"#, "a command has one of subscribe, unsubscribe, publish, history, ping, auth"),
    (r#"{"data":1}"#, "a command has one of subscribe, unsubscribe, publish, history, ping, auth"),
    (r#"{"Subscribe":"t"}"#, "unknown key in a command"),
    (r#"{"subscribe":"t","qos":1}"#, "unknown key in a command"),
    (r#"{"subscribe":"t","subscribe":"t"}"#, "a key stands twice in a command"),
    (r#"{"publish":"t","data":1,"data":1}"#, "a key stands twice in a command"),
    (r#"{"subscribe":"t","publish":"t","data":1}"#, "two commands in one message"),
    (r#"{"ping":true,"unsubscribe":"t"}"#, "two commands in one message"),
    (r#"{"ping":true,"data":1}"#, "a key that does not belong to this command"),
    (r#"{"subscribe":"t","text":"x"}"#, "a key that does not belong to this command"),
    (r#"{"publish":"t","data":1,"since":"1s"}"#, "a key that does not belong to this command"),
    (r#"{"unsubscribe":"t","last":1}"#, "a key that does not belong to this command"),
    (r#"{"auth":"x","last":1}"#, "a key that does not belong to this command"),
    (r#"{"subscribe":5}"#, "this value must be a string"),
    (r#"{"subscribe":["t"]}"#, "this value must be a string"),
    (r#"{"subscribe":null}"#, "this value must be a string"),
    (r#"{"subscribe":"\ud800"}"#, "this value must be a string"),
    (r#"{"unsubscribe":{}}"#, "this value must be a string"),
    (r#"{"publish":1,"data":1}"#, "this value must be a string"),
    (r#"{"history":true}"#, "this value must be a string"),
    (r#"{"auth":1}"#, "this value must be a string"),
    (r#"{"publish":"t","text":1}"#, "this value must be a string"),
    (r#"{"publish":"t","text":null}"#, "this value must be a string"),
    (r#"{"publish":"t","base64":1}"#, "this value must be a string"),
    (r#"{"ping":1}"#, "the value of ping is true"),
    (r#"{"ping":false}"#, "the value of ping is true"),
    (r#"{"ping":"true"}"#, "the value of ping is true"),
    (r#"{"publish":"t"}"#, "publish takes exactly one of data, text and base64"),
    (r#"{"publish":"t","data":1,"text":"x"}"#, "publish takes exactly one of data, text and base64"),
    (r#"{"publish":"t","text":"x","base64":""}"#, "publish takes exactly one of data, text and base64"),
    (r#"{"subscribe":"t","since":"1s","last":1}"#, "since and last exclude each other"),
];

#[test]
fn a_mistake_in_a_command_is_named_and_never_guessed_around() {
    for &(text, message) in MISTAKES {
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

/// A command, and the text that refuses where it would begin.
#[rustfmt::skip]
const BAD_STARTS: &[(&str, &str)] = &[
    (r#"{"subscribe":"t","since":5}"#, "since is a string, or an object of strings"),
    (r#"{"subscribe":"t","since":["k3v9:1"]}"#, "since is a string, or an object of strings"),
    (r#"{"subscribe":"t","since":null}"#, "since is a string, or an object of strings"),
    (r#"{"subscribe":"*","since":{"t":1}}"#, "since is a string, or an object of strings"),
    (r#"{"subscribe":"*","since":{"t":{"t":{}}}}"#, "since is a string, or an object of strings"),
    (r#"{"subscribe":"a/*","since":"k3v9:1"}"#, "a pattern goes on from one position for each topic, not from a single one"),
    (r#"{"subscribe":"a/b","since":{"a/b":"k3v9:1"}}"#, "a topic goes on from one position, not from one for each topic"),
    (r#"{"history":"a/b","since":{"a/b":"k3v9:1"}}"#, "a topic goes on from one position, not from one for each topic"),
    (r#"{"subscribe":"a/*","since":{"b/c":"k3v9:1"}}"#, "since names a topic that the pattern does not match"),
    (r#"{"subscribe":"a/*","since":{"a/b":"k3v9:1","a\/b":"k3v9:2"}}"#, "since names a topic twice"),
    (r#"{"subscribe":"a/*","since":{"a/b":"1h"}}"#, "since is a position, an age like 90s, 5m or 2h, or one position for each topic"),
];

#[test]
fn since_must_suit_what_is_subscribed() {
    for &(text, message) in BAD_STARTS {
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
