//! Every message of the server in the JSON dialect: the exact bytes that it writes, and what a client reads from them.

use broker::{
    History, Kind, Loss, Outcome, Position, Publication, Recovery, Retained, Standing, TopicName,
};
use ringwire_session::dialect::json::answer::{self, Greeting};
use ringwire_session::dialect::json::{self, Answer, Kept, NotUnderstood, ServerMessage};
use ringwire_session::{Cause, Payload, Reason, Since};
use std::ops::Range;

fn written(write: impl FnOnce(&mut Vec<u8>)) -> String {
    let mut out = Vec::new();
    write(&mut out);
    String::from_utf8(out).unwrap()
}

fn read(text: &str) -> ServerMessage<'_> {
    ServerMessage::parse(text.as_bytes()).unwrap_or_else(|_| panic!("not understood: {text}"))
}

fn read_answer(text: &str) -> Answer<'_> {
    match read(text) {
        ServerMessage::Answer { id, answer } if id.as_json() == "7" => answer,
        other => panic!("{other:?}"),
    }
}

fn topic(text: &str) -> TopicName {
    TopicName::parse(text).unwrap()
}

fn at(text: &str) -> Position {
    text.parse().unwrap()
}

fn standing(name: &str, position: &str, recovery: Recovery) -> Standing {
    Standing {
        topic: topic(name),
        at: at(position),
        recovery,
    }
}

fn publication(kind: Kind, payload: &[u8]) -> Publication<'_> {
    Publication {
        at: at("k3v9:45"),
        kind,
        time_ms: 1_763_822_400_000,
        payload,
    }
}

fn message(name: &str, kind: Kind, payload: &[u8]) -> (String, Option<Range<usize>>) {
    let mut out = b"before".to_vec();
    let verbatim = json::message(&mut out, name, &publication(kind, payload));
    let shift = |range: Range<usize>| range.start - 6..range.end - 6;
    (
        String::from_utf8(out.split_off(6)).unwrap(),
        verbatim.map(shift),
    )
}

#[test]
fn the_greeting_names_server_dialect_and_limits() {
    let greeting = Greeting {
        message_bytes_max: 65536,
        payload_bytes_max: 65000,
        subscriptions_max: 128,
        pattern_subscriptions_max: 16,
        history_messages_max: 1000,
        history_bytes_max: 262_144,
        ping_interval_ms: 25000,
    };
    let text = written(|out| answer::hello(out, &greeting));
    let version = env!("CARGO_PKG_VERSION");
    assert_eq!(
        text,
        format!(
            r#"{{"hello":{{"server":"ringwire/{version}","protocol":"ringwire.v1.json","limits":{{"message_bytes_max":65536,"payload_bytes_max":65000,"subscriptions_max":128,"pattern_subscriptions_max":16,"history_messages_max":1000,"history_bytes_max":262144,"ping_interval_ms":25000}}}}}}"#
        )
    );
    let expected = ServerMessage::Hello {
        server: format!("ringwire/{version}").into(),
        protocol: "ringwire.v1.json".into(),
    };
    assert_eq!(read(&text), expected);
}

#[test]
fn subscribed_tells_the_position_and_whether_the_past_follows() {
    let answer_for = |recovery| {
        let outcome = Outcome::Topic(standing("chat/room1", "k3v9:44", recovery));
        written(|out| answer::subscribed(out, "7", "chat/room1", &outcome))
    };
    let losses = [
        (Loss::Epoch, "epoch"),
        (Loss::Retention, "retention"),
        (Loss::Limit, "limit"),
        (Loss::Ahead, "ahead"),
        (Loss::Live, "live"),
    ];
    let mut cases = vec![
        (Recovery::NotAsked, String::new(), None),
        (
            Recovery::Recovered,
            r#""recovered":true,"#.to_owned(),
            Some(true),
        ),
    ];
    for (loss, label) in losses {
        cases.push((
            Recovery::Lost(loss),
            format!(r#""recovered":false,"reason":"{label}","#),
            Some(false),
        ));
    }
    for (recovery, members, recovered) in cases {
        let text = answer_for(recovery);
        assert_eq!(
            text,
            format!(r#"{{"id":7,"ok":{{"subscribed":"chat/room1",{members}"at":"k3v9:44"}}}}"#)
        );
        let expected = Answer::Subscribed {
            pattern: "chat/room1".into(),
            at: Since::Position(at("k3v9:44")),
            recovered,
        };
        assert_eq!(read_answer(&text), expected);
    }
}

#[test]
fn a_patterns_answer_has_one_position_for_each_topic() {
    let pattern_answer = |standings| {
        written(|out| answer::subscribed(out, "7", "chat/*", &Outcome::Pattern(standings)))
    };
    assert_eq!(
        pattern_answer(vec![]),
        r#"{"id":7,"ok":{"subscribed":"chat/*","at":{}}}"#
    );
    let live = pattern_answer(vec![standing("chat/a", "k3v9:1", Recovery::NotAsked)]);
    assert_eq!(
        live,
        r#"{"id":7,"ok":{"subscribed":"chat/*","at":{"chat/a":"k3v9:1"}}}"#
    );
    let good = pattern_answer(vec![
        standing("chat/a", "k3v9:1", Recovery::Recovered),
        standing("chat/b", "k3v9:2", Recovery::NotAsked),
    ]);
    assert_eq!(
        good,
        r#"{"id":7,"ok":{"subscribed":"chat/*","recovered":true,"at":{"chat/a":"k3v9:1","chat/b":"k3v9:2"}}}"#
    );

    let mixed = pattern_answer(vec![
        standing("chat/a", "k3v9:1", Recovery::Recovered),
        standing("chat/\"b\"", "k3v9:2", Recovery::Lost(Loss::Epoch)),
        standing("chat/c", "k3v9:3", Recovery::Lost(Loss::Limit)),
    ]);
    assert_eq!(
        mixed,
        r#"{"id":7,"ok":{"subscribed":"chat/*","recovered":false,"at":{"chat/a":"k3v9:1","chat/\"b\"":"k3v9:2","chat/c":"k3v9:3"},"lost":{"chat/\"b\"":"epoch","chat/c":"limit"}}}"#
    );
    let each = vec![
        (topic("chat/\"b\""), at("k3v9:2")),
        (topic("chat/a"), at("k3v9:1")),
        (topic("chat/c"), at("k3v9:3")),
    ];
    assert_eq!(
        read_answer(&mixed),
        Answer::Subscribed {
            pattern: "chat/*".into(),
            at: Since::Each(each),
            recovered: Some(false)
        }
    );
}

#[test]
fn unsubscribed_published_and_pong_are_short() {
    let text = written(|out| answer::unsubscribed(out, "7", "chat/*"));
    assert_eq!(text, r#"{"id":7,"ok":{"unsubscribed":"chat/*"}}"#);
    assert_eq!(
        read_answer(&text),
        Answer::Unsubscribed {
            pattern: "chat/*".into()
        }
    );

    let text = written(|out| answer::published(out, "7", "chat/room1", at("k3v9:45")));
    assert_eq!(
        text,
        r#"{"id":7,"ok":{"topic":"chat/room1","at":"k3v9:45"}}"#
    );
    assert_eq!(
        read_answer(&text),
        Answer::Published {
            topic: "chat/room1".into(),
            at: at("k3v9:45")
        }
    );

    let text = written(|out| answer::pong(out, "7"));
    assert_eq!(text, r#"{"id":7,"ok":{"pong":true}}"#);
    assert_eq!(read_answer(&text), Answer::Pong);
}

#[test]
fn history_lists_what_is_kept_in_every_kind() {
    let retained = |position: &str, kind, payload: &'static [u8]| Retained {
        at: at(position),
        kind,
        time_ms: 17,
        payload: payload.into(),
    };
    let mut history = History {
        first: at("k3v9:43"),
        last: at("k3v9:45"),
        recovery: Recovery::NotAsked,
        messages: vec![
            retained("k3v9:43", Kind::Json, br#"{"a": 1}"#),
            retained("k3v9:44", Kind::Text, b"say \"hi\""),
            retained("k3v9:45", Kind::Binary, &[0, 255]),
        ],
    };
    let body = written(|out| json::history(out, "chat/room1", &history));
    assert_eq!(
        body,
        r#"{"topic":"chat/room1","first":"k3v9:43","last":"k3v9:45","messages":[{"at":"k3v9:43","time":17,"data":{"a": 1}},{"at":"k3v9:44","time":17,"text":"say \"hi\""},{"at":"k3v9:45","time":17,"base64":"AP8="}]}"#
    );
    let text = written(|out| answer::history(out, "7", "chat/room1", &history));
    assert_eq!(text, format!(r#"{{"id":7,"ok":{body}}}"#));
    let kept = |position, payload| Kept {
        at: at(position),
        time_ms: 17,
        payload,
    };
    let messages = vec![
        kept("k3v9:43", Payload::json(r#"{"a": 1}"#)),
        kept("k3v9:44", Payload::text("say \"hi\"")),
        kept("k3v9:45", Payload::binary(vec![0, 255])),
    ];
    let expected = Answer::History {
        topic: "chat/room1".into(),
        first: at("k3v9:43"),
        last: at("k3v9:45"),
        recovered: None,
        messages,
    };
    assert_eq!(read_answer(&text), expected);

    history.messages.clear();
    history.recovery = Recovery::Lost(Loss::Retention);
    let empty = written(|out| json::history(out, "chat/room1", &history));
    assert_eq!(
        empty,
        r#"{"topic":"chat/room1","first":"k3v9:43","last":"k3v9:45","recovered":false,"reason":"retention","messages":[]}"#
    );
}

#[test]
fn an_error_has_a_code_a_text_and_whether_to_try_again() {
    let text = written(|out| answer::error(out, Some("7"), Reason::Forbidden.into()));
    assert_eq!(
        text,
        r#"{"id":7,"error":{"code":"forbidden","message":"this connection may not do that","retry":false}}"#
    );
    let text =
        written(|out| answer::error(out, None, Cause::new(Reason::TryAgainLater, "say \"when\"")));
    assert_eq!(
        text,
        r#"{"error":{"code":"try_again_later","message":"say \"when\"","retry":true}}"#
    );
    for &reason in Reason::ALL {
        let text = written(|out| answer::error(out, None, reason.into()));
        let expected = ServerMessage::Error {
            id: None,
            code: reason.label().into(),
            message: reason.message().into(),
            retry: reason.may_retry(),
        };
        assert_eq!(read(&text), expected);
    }
}

#[test]
fn events_name_positions_and_delays() {
    let text = written(|out| answer::gap(out, "chat/room1", at("k3v9:45"), at("k3v9:61")));
    assert_eq!(
        text,
        r#"{"gap":{"topic":"chat/room1","after":"k3v9:45","until":"k3v9:61","reason":"slow consumer"}}"#
    );
    assert_eq!(
        read(&text),
        ServerMessage::Gap {
            topic: "chat/room1".into(),
            after: at("k3v9:45"),
            until: at("k3v9:61")
        }
    );
    let text = written(|out| answer::draining(out, 1840));
    assert_eq!(text, r#"{"draining":{"reconnect_ms":1840}}"#);
    assert_eq!(read(&text), ServerMessage::Draining { reconnect_ms: 1840 });
}

#[test]
fn a_message_embeds_json_as_published_and_says_where() {
    for data in [r#"{ "any" : [1.50] }"#, "null", "\"x\"", "0"] {
        let (text, verbatim) = message("chat/room1", Kind::Json, data.as_bytes());
        assert_eq!(
            text,
            format!(r#"{{"topic":"chat/room1","at":"k3v9:45","data":{data}}}"#)
        );
        assert_eq!(&text[verbatim.unwrap()], data);
        let expected = ServerMessage::Message {
            topic: "chat/room1".into(),
            at: at("k3v9:45"),
            payload: Payload::json(data),
        };
        assert_eq!(read(&text), expected);
    }
}

#[test]
fn a_message_escapes_text_and_encodes_bytes() {
    let (text, verbatim) = message("chat/room1", Kind::Text, "größer 😀".as_bytes());
    assert_eq!(
        text,
        r#"{"topic":"chat/room1","at":"k3v9:45","text":"größer 😀"}"#
    );
    assert_eq!(&text[verbatim.unwrap()], "größer 😀");

    let (text, verbatim) = message("a\"\\b", Kind::Text, b"\"\\\n\0\x7f");
    assert_eq!(
        text,
        "{\"topic\":\"a\\\"\\\\b\",\"at\":\"k3v9:45\",\"text\":\"\\\"\\\\\\n\\u0000\x7f\"}"
    );
    assert_eq!(verbatim, None);

    for (bytes, encoded) in [
        (&b""[..], ""),
        (b"\0", "AA=="),
        (b"\0\xff", "AP8="),
        (b"abc", "YWJj"),
    ] {
        let (text, verbatim) = message("t", Kind::Binary, bytes);
        assert_eq!(
            text,
            format!(r#"{{"topic":"t","at":"k3v9:45","base64":"{encoded}"}}"#)
        );
        assert_eq!(verbatim, None);
    }
}

#[test]
fn text_that_is_none_is_shown_as_its_bytes() {
    assert_eq!(
        message("t", Kind::Text, b"\xff").0,
        r#"{"topic":"t","at":"k3v9:45","base64":"/w=="}"#
    );
}

#[test]
fn a_client_passes_over_what_it_does_not_know() {
    let text = r#"{"topic":"t","at":"k3v9:45","data":null,"priority":[{"x":1}],"trace":"\u0041"}"#;
    let expected = ServerMessage::Message {
        topic: "t".into(),
        at: at("k3v9:45"),
        payload: Payload::json("null"),
    };
    assert_eq!(read(text), expected);
}

#[test]
fn a_client_refuses_what_is_no_message() {
    for text in [
        "",
        "[]",
        "{}",
        r#"{"id":7}"#,
        r#"{"ok":{"pong":true}}"#,
        r#"{"id":7,"ok":{}}"#,
        r#"{"id":7,"ok":{"pong":false}}"#,
        r#"{"id":7,"ok":{"subscribed":"t"}}"#,
        r#"{"id":[],"ok":{"pong":true}}"#,
        r#"{"error":{"code":"x"}}"#,
        r#"{"topic":"t","at":"k3v9:45"}"#,
        r#"{"topic":"t","at":"nowhere","data":1}"#,
        r#"{"topic":"t","at":{"t":"k3v9:1"},"data":1}"#,
        r#"{"topic":"t","at":"k3v9:45","data":1,"text":"x"}"#,
        r#"{"topic":"t","at":"k3v9:45","base64":"?"}"#,
        r#"{"gap":{"topic":"t","after":"k3v9:1"}}"#,
        r#"{"draining":{}}"#,
        r#"{"hello":{"server":"x"}}"#,
        r#"{"pong":true}"#,
    ] {
        assert_eq!(
            ServerMessage::parse(text.as_bytes()),
            Err(NotUnderstood),
            "{text}"
        );
    }
    assert_eq!(ServerMessage::parse(b"\xff"), Err(NotUnderstood));
    let deep = "{\"ok\":".repeat(100_000);
    assert_eq!(ServerMessage::parse(deep.as_bytes()), Err(NotUnderstood));
}
