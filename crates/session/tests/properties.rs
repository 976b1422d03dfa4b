//! Properties of the JSON dialect: what one side writes the other reads, and no bytes whatever do harm.

use broker::{History, Kind, Pattern, Position, Publication, Recovery, Retained, TopicName};
use proptest::prelude::*;
use ringwire_session::dialect::json::{
    self, Answer, Command, Id, ServerMessage, Token, Verb, answer,
};
use ringwire_session::limits::{AGE_S_MAX, LAST_MAX};
use ringwire_session::{Message, Payload, Received, Reply, Session, Since, Topic};

/// Names with quotes, backslashes and characters of every width, so that escaping matters.
fn topic_text() -> impl Strategy<Value = String> {
    proptest::collection::vec("[a-z\"\\\\% äß東😀]{1,6}", 1..5).prop_map(|levels| levels.join("/"))
}

fn topic() -> impl Strategy<Value = TopicName> {
    topic_text().prop_map(|text| TopicName::parse(&text).unwrap())
}

fn position() -> impl Strategy<Value = Position> {
    ("[1-9a-hjkmnp-tv-z][0-9a-hjkmnp-tv-z]{0,7}", any::<u64>())
        .prop_map(|(epoch, offset)| format!("{epoch}:{offset}").parse().unwrap())
}

fn json_value() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just("null".to_owned()),
        any::<i64>().prop_map(|number| number.to_string()),
        any::<f64>()
            .prop_filter("finite", |number| number.is_finite())
            .prop_map(|number| format!("{number:e}")),
        any::<String>().prop_map(|text| serde_json::to_string(&text).unwrap()),
    ];
    leaf.prop_recursive(6, 40, 6, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..6)
                .prop_map(|items| format!("[ {} ]", items.join(" ,\n"))),
            proptest::collection::vec((any::<String>(), inner), 0..6).prop_map(|members| {
                let members: Vec<_> = members
                    .into_iter()
                    .map(|(key, value)| {
                        format!("{} : {value}", serde_json::to_string(&key).unwrap())
                    })
                    .collect();
                format!("{{{}}}", members.join(","))
            }),
        ]
    })
}

/// A kind and bytes that suit it.
fn publication() -> impl Strategy<Value = (Kind, Vec<u8>)> {
    prop_oneof![
        json_value().prop_map(|text| (Kind::Json, text.into_bytes())),
        any::<String>().prop_map(|text| (Kind::Text, text.into_bytes())),
        any::<Vec<u8>>().prop_map(|bytes| (Kind::Binary, bytes)),
    ]
}

fn payload() -> impl Strategy<Value = Payload<'static>> {
    publication().prop_map(|(kind, bytes)| Payload {
        kind,
        bytes: bytes.into(),
    })
}

fn id() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<u32>().prop_map(|number| number.to_string()),
        "[a-z\"\\\\é]{0,20}".prop_map(|text| serde_json::to_string(&text).unwrap())
    ]
}

fn since() -> impl Strategy<Value = Since> {
    prop_oneof![
        Just(Since::Live),
        position().prop_map(Since::Position),
        (0..=AGE_S_MAX).prop_map(|age_s| Since::Age { age_s }),
        (0..=LAST_MAX).prop_map(Since::Last),
    ]
}

fn since_each() -> impl Strategy<Value = Since> {
    proptest::collection::btree_map(topic(), position(), 0..5)
        .prop_map(|positions| Since::Each(positions.into_iter().collect()))
}

fn verb() -> impl Strategy<Value = Verb<'static>> {
    prop_oneof![
        (topic(), since()).prop_map(|(topic, since)| Verb::Subscribe {
            pattern: topic.into(),
            since
        }),
        since_each().prop_map(|since| Verb::Subscribe {
            pattern: Pattern::parse("**").unwrap(),
            since
        }),
        topic().prop_map(|topic| Verb::Unsubscribe {
            pattern: topic.into()
        }),
        (topic(), payload()).prop_map(|(topic, payload)| Verb::Publish {
            topic: Topic::Owned(topic),
            payload
        }),
        (topic(), since()).prop_map(|(topic, since)| Verb::History { topic, since }),
        Just(Verb::Ping),
        any::<String>().prop_map(|token| Verb::Auth(Token(token.into()))),
    ]
}

fn written(id: Option<&str>, verb: &Verb<'static>) -> Vec<u8> {
    let mut out = Vec::new();
    let id = id.map(|id| Id::from_json(id).unwrap());
    Command {
        id,
        verb: verb.clone(),
    }
    .write(&mut out);
    out
}

/// Whatever arrives, a session answers with exactly what its reply says, and what it writes is a message that a client reads.
fn check_any_message(message: &[u8]) {
    let mut out = Vec::new();
    match Session::json().receive(0, Message::Text(message), &mut out) {
        Received::Reply(Reply::Text) => assert!(
            ServerMessage::parse(&out).is_ok(),
            "{:?}",
            String::from_utf8_lossy(&out)
        ),
        _ => assert_eq!(out, b""),
    }
}

proptest! {
    #[test]
    fn a_command_that_was_written_is_read(id in proptest::option::of(id()), verb in verb()) {
        let message = written(id.as_deref(), &verb);
        let command = Command::parse(&message).map_err(|error| TestCaseError::fail(format!("{error:?}")))?;
        prop_assert_eq!(command.id.map(Id::as_json), id.as_deref());
        prop_assert_eq!(command.verb, verb);
    }

    #[test]
    fn a_publication_arrives_as_it_was_published(topic in topic_text(), at in position(), time_ms: u64, (kind, payload) in publication()) {
        let mut out = b"chunk".to_vec();
        let verbatim = json::message(&mut out, &topic, &Publication { at, kind, time_ms, payload: &payload });
        if let Some(range) = verbatim.clone() {
            prop_assert_eq!(&out[range], &*payload);
        }
        prop_assert!(verbatim.is_some() || kind != Kind::Json);
        let message = ServerMessage::parse(&out[5..]).unwrap();
        prop_assert_eq!(message, ServerMessage::Message { topic: topic.into(), at, payload: Payload { kind, bytes: payload.into() } });
    }

    #[test]
    fn a_history_arrives_as_it_is_kept(topic in topic(), id in id(), first in position(), last in position(), kept in proptest::collection::vec((position(), any::<u64>(), publication()), 0..5)) {
        let retained = |(at, time_ms, (kind, bytes)): (Position, u64, (Kind, Vec<u8>))| Retained { at, kind, time_ms, payload: bytes.into() };
        let history = History { first, last, messages: kept.into_iter().map(retained).collect(), recovery: Recovery::Recovered };
        let mut out = Vec::new();
        answer::history(&mut out, &id, topic.as_str(), &history);
        let ServerMessage::Answer { id: echoed, answer: Answer::History { messages, recovered, .. } } = ServerMessage::parse(&out).unwrap() else {
            return Err(TestCaseError::fail("no history"));
        };
        prop_assert_eq!((echoed.as_json(), recovered, messages.len()), (&*id, Some(true), history.messages.len()));
        for (message, retained) in messages.iter().zip(&history.messages) {
            prop_assert_eq!((message.at, message.time_ms, message.payload.kind), (retained.at, retained.time_ms, retained.kind));
            prop_assert_eq!(&*message.payload.bytes, &*retained.payload);
        }
    }

    #[test]
    fn json_that_passes_the_check_is_json_to_a_strict_parser(text in json_value()) {
        prop_assert_eq!(json::check(text.as_bytes()), Ok(()));
        prop_assert!(serde_json::from_str::<serde_json::Value>(&text).is_ok());
    }

    #[test]
    fn the_check_agrees_with_a_strict_parser(text in "[\\[\\]{}:,0-9eE.+\\-\" \\\\udD8cC\\x00na]{0,24}") {
        // Within its depth limit serde_json's own value parser refuses lone surrogates and numbers out of range too.
        prop_assert_eq!(json::check(text.as_bytes()).is_ok(), serde_json::from_str::<serde_json::Value>(&text).is_ok());
    }

    #[test]
    fn any_bytes_get_a_command_or_an_error(bytes: Vec<u8>) {
        check_any_message(&bytes);
    }

    #[test]
    fn text_like_a_command_gets_a_command_or_an_error(pieces in proptest::collection::vec(prop_oneof![
        Just("{"), Just("}"), Just("["), Just("]"), Just(":"), Just(","), Just("\""), Just("\\"), Just("\\ud800"), Just("1"), Just("-"), Just("e9"), Just("null"), Just("true"),
        Just("\"id\":"), Just("\"subscribe\":"), Just("\"publish\":"), Just("\"data\":"), Just("\"base64\":"), Just("\"since\":"), Just("\"last\":"), Just("\"a/b\""), Just("\"k3v9:1\""),
    ], 0..24)) {
        check_any_message(pieces.concat().as_bytes());
    }

    #[test]
    fn a_cut_or_changed_command_gets_a_command_or_an_error(id in id(), verb in verb(), cut: prop::sample::Index, at: prop::sample::Index, byte: u8) {
        let message = written(Some(&id), &verb);
        let cut = &message[..cut.index(message.len())];
        check_any_message(cut);
        prop_assert!(Command::parse(cut).is_err(), "a cut command was taken: {:?}", String::from_utf8_lossy(cut));
        let mut changed = message.clone();
        changed[at.index(message.len())] = byte;
        check_any_message(&changed);
    }

    #[test]
    fn any_bytes_to_a_client_do_no_harm(bytes: Vec<u8>, at: prop::sample::Index, byte: u8, topic in topic_text(), at_position in position(), (kind, payload) in publication()) {
        let _ = ServerMessage::parse(&bytes);
        let mut out = Vec::new();
        json::message(&mut out, &topic, &Publication { at: at_position, kind, time_ms: 0, payload: &payload });
        let index = at.index(out.len());
        out[index] = byte;
        let _ = ServerMessage::parse(&out);
    }
}
