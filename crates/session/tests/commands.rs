//! Every command of the JSON dialect, and what is read from it.
//!
//! What is no command is in `bad_commands.rs`.

use broker::{Kind, Pattern, Position, TopicName};
use ringwire_session::dialect::json::{BadCommand, Command, Token, Verb};
use ringwire_session::limits::{AGE_S_MAX, LAST_MAX};
use ringwire_session::{Payload, Since, Topic};
use std::borrow::Cow;

fn parse(text: &str) -> Result<Command<'_>, BadCommand<'_>> {
    Command::parse(text.as_bytes())
}

fn verb(text: &str) -> Verb<'_> {
    parse(text)
        .unwrap_or_else(|error| panic!("{text}: {error:?}"))
        .verb
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
