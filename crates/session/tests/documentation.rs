//! `docs/protocol.md` is true: each example is read or written by the code as it stands there, and each table is the code's.

use broker::{
    History, Kind, Loss, Notice, Outcome, Pattern, Position, Publication, Recovery, Retained,
    Standing, TopicName,
};
use ringwire_session::dialect::json::answer::{self, Greeting};
use ringwire_session::dialect::json::{self, ServerMessage};
use ringwire_session::limits::{
    AGE_S_MAX, ID_BYTES_MAX, JSON_DEPTH_MAX, LAST_MAX, POSITIONS_MAX, STRIKES_MAX,
};
use ringwire_session::{Message, Query, Reason, Received, Reply, Session, path_pattern};
use std::collections::BTreeSet;

const PAGE: &str = include_str!("../../../docs/protocol.md");

/// The lines of all fenced blocks of one kind.
fn blocks(kind: &str) -> Vec<&'static str> {
    let mut lines = Vec::new();
    let mut inside = false;
    for line in PAGE.lines() {
        match line.strip_prefix("```") {
            Some(opened) => inside = !inside && opened == kind,
            None if inside => lines.push(line),
            None => {}
        }
    }
    assert!(!lines.is_empty(), "no block of {kind}");
    lines
}

/// The rows of the table below a heading, cell by cell.
fn table(heading: &str) -> Vec<Vec<&'static str>> {
    let section = PAGE.split_once(&format!("\n{heading}\n")).expect(heading).1;
    let rows = section
        .lines()
        .skip_while(|line| !line.starts_with("| ---"))
        .skip(1);
    rows.take_while(|line| line.starts_with('|'))
        .map(|line| line.trim_matches('|').split(" | ").map(str::trim).collect())
        .collect()
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

fn written(write: impl FnOnce(&mut Vec<u8>)) -> String {
    let mut out = Vec::new();
    write(&mut out);
    String::from_utf8(out).unwrap()
}

fn message(position: &str, kind: Kind, payload: &[u8]) -> String {
    let publication = Publication {
        at: at(position),
        kind,
        time_ms: 0,
        payload,
    };
    written(|out| {
        json::message(out, "chat/room1", &publication);
    })
}

fn retained(position: &str, time_ms: u64, kind: Kind, payload: &'static [u8]) -> Retained {
    Retained {
        at: at(position),
        kind,
        time_ms,
        payload: payload.into(),
    }
}

fn history(first: &str, messages: Vec<Retained>) -> History {
    History {
        first: at(first),
        last: at("k3v9:45"),
        messages,
        recovery: Recovery::NotAsked,
    }
}

fn any_json() -> Retained {
    retained(
        "k3v9:45",
        1_763_822_401_250,
        Kind::Json,
        br#"{"any":"json"}"#,
    )
}

/// One behind which there was no room for more.
fn a_long_text() -> Retained {
    let time_ms = 1_763_822_400_000;
    retained("k3v9:42", time_ms, Kind::Text, b"a long message")
}

/// What the server blocks show, made by the code.
fn produced() -> BTreeSet<String> {
    let greeting = Greeting {
        message_bytes_max: 65536,
        payload_bytes_max: 65536,
        subscriptions_max: 128,
        pattern_subscriptions_max: 16,
        history_messages_max: 1000,
        history_bytes_max: 262_144,
        ping_interval_ms: 25000,
    };
    let kept = history(
        "k3v9:44",
        vec![
            retained("k3v9:44", 1_763_822_400_000, Kind::Text, b"hello"),
            any_json(),
        ],
    );
    let bad_topic = path_pattern("chat//room1").unwrap_err();
    BTreeSet::from([
        written(|out| answer::hello(out, &greeting)),
        written(|out| json::published(out, "chat/room1", at("k3v9:45"))),
        written(|out| json::history(out, "chat/room1", &kept)),
        written(|out| answer::error(out, None, bad_topic)),
        message("k3v9:45", Kind::Json, br#"{"any":"json"}"#),
        message("k3v9:46", Kind::Text, br#"say "hi""#),
        message("k3v9:47", Kind::Binary, &[0, 255]),
        written(|out| answer::gap(out, "chat/room1", at("k3v9:45"), at("k3v9:61"))),
        written(|out| answer::draining(out, 1840)),
    ])
}

/// What the broker answers in the conversations, in their order.
fn notices() -> Vec<Notice> {
    let subscribed = |id: &str, pattern: &str, outcome| Notice::Subscribed {
        echo: Some(id.into()),
        pattern: Pattern::parse(pattern).unwrap(),
        outcome,
        replay: vec![],
    };
    let room = |recovery| Outcome::Topic(standing("chat/room1", "k3v9:44", recovery));
    let rooms = vec![
        standing("chat/room1", "k3v9:44", Recovery::Recovered),
        standing("chat/room2", "x1zz:3", Recovery::Lost(Loss::Epoch)),
    ];
    let unsubscribed = |id: &str, existed| Notice::Unsubscribed {
        echo: Some(id.into()),
        pattern: Pattern::parse("chat/*").unwrap(),
        existed,
    };
    vec![
        subscribed("1", "chat/room1", room(Recovery::NotAsked)),
        subscribed("2", "chat/room1", room(Recovery::Recovered)),
        subscribed("5", "chat/*", Outcome::Pattern(rooms)),
        unsubscribed("6", true),
        unsubscribed("7", false),
        Notice::Published {
            echo: Some("8".into()),
            topic: topic("chat/room1"),
            at: at("k3v9:45"),
        },
        Notice::History {
            echo: Some("11".into()),
            topic: topic("chat/room1"),
            history: history("k3v9:1", vec![any_json()]),
        },
        Notice::History {
            echo: Some("12".into()),
            topic: topic("chat/room1"),
            history: History {
                recovery: Recovery::Recovered,
                ..history("k3v9:1", vec![a_long_text()])
            },
        },
    ]
}

#[test]
fn every_server_message_is_one_that_the_code_writes() {
    let shown: BTreeSet<_> = blocks("json server")
        .into_iter()
        .map(str::to_owned)
        .collect();
    assert_eq!(shown, produced());
}

/// What the session itself answers to a command; nothing when the broker is to answer.
fn say(session: &mut Session, command: &'static str) -> Option<String> {
    let mut out = Vec::new();
    match session.receive(0, Message::Text(command.as_bytes()), &mut out) {
        Received::Request(_) => None,
        Received::Reply(Reply::Text) => Some(String::from_utf8(out).unwrap()),
        Received::Reply(other) => panic!("{command}: {other:?}"),
    }
}

fn tell(session: &mut Session, notice: &Notice) -> String {
    let mut out = Vec::new();
    assert_eq!(session.notice(0, notice, &mut out), Reply::Text);
    String::from_utf8(out).unwrap()
}

#[test]
fn every_conversation_happens_as_it_is_told() {
    let mut session = Session::json();
    let mut notices = notices().into_iter();
    let mut answer = None;
    for line in blocks("conversation") {
        match line.split_at(2) {
            ("> ", command) => {
                assert_eq!(answer, None, "not shown before {line}");
                answer = say(&mut session, command);
            }
            ("< ", shown) => {
                let told = answer
                    .take()
                    .unwrap_or_else(|| tell(&mut session, &notices.next().expect(shown)));
                assert_eq!(told, shown);
                assert!(ServerMessage::parse(shown.as_bytes()).is_ok(), "{shown}");
            }
            _ => panic!("neither client nor server: {line}"),
        }
    }
    assert_eq!((answer, notices.next()), (None, None), "not shown");
}

#[test]
fn every_url_opens() {
    for url in blocks("url") {
        let (path, query) = url.split_once('?').unwrap_or((url, ""));
        let pattern = path_pattern(path.strip_prefix("/t/").unwrap()).unwrap();
        let query = Query::parse(query).unwrap();
        assert!(Session::raw(pattern, query, 0).is_ok(), "{url}");
    }
}

#[test]
fn every_name_is_what_the_table_says() {
    let rows = table("## Topics and patterns");
    assert!(rows.len() > 8);
    for row in rows {
        let name = row[0].trim_matches('`');
        let parsed = Pattern::parse(name);
        match row[1].split([':', ' ']).nth(1).unwrap_or_default() {
            "topic" => assert!(TopicName::parse(name).is_ok(), "{name}"),
            "pattern" => assert!(!parsed.unwrap().is_exact(), "{name}"),
            _ if row[1].starts_with("reserved") => {
                assert!(parsed.is_ok() && TopicName::parse(name).is_err(), "{name}")
            }
            _ => assert!(row[1].starts_with("refused") && parsed.is_err(), "{name}"),
        }
    }
    let live = Pattern::parse("sports/*/live").unwrap();
    assert!(live.matches("sports/football/live") && !live.matches("sports/live"));
    let all = Pattern::parse("sports/**").unwrap();
    assert!(
        ["sports", "sports/football", "sports/football/live"]
            .iter()
            .all(|name| all.matches(name))
    );
    assert!(!Pattern::parse("**").unwrap().matches("$SYS/cores"));
    assert!(Pattern::parse("$SYS/**").unwrap().matches("$SYS/cores"));
}

#[test]
fn the_reasons_are_those_of_the_code() {
    let number = |code: Option<u16>| code.map_or("-".to_owned(), |code| code.to_string());
    let row = |reason: &Reason| {
        let (label, close, http) = (
            reason.label(),
            number(reason.close_code()),
            number(reason.http_status()),
        );
        let retry = if reason.may_retry() { "yes" } else { "no" };
        format!(
            "| `{label}` | {close} | {http} | {retry} | {} |",
            reason.message()
        )
    };
    let shown: Vec<_> = table("## Reasons")
        .iter()
        .map(|cells| format!("| {} |", cells.join(" | ")))
        .collect();
    let expected: Vec<_> = Reason::ALL.iter().map(row).collect();
    assert_eq!(
        shown,
        expected,
        "the page should have:\n{}\n",
        expected.join("\n")
    );
}

#[test]
fn the_losses_are_those_of_the_code() {
    let losses = [
        Loss::Epoch,
        Loss::Retention,
        Loss::Limit,
        Loss::Ahead,
        Loss::Live,
    ];
    let rows = table("## Positions and recovery");
    assert_eq!(rows.len(), losses.len());
    for (loss, row) in losses.into_iter().zip(rows) {
        let outcome = Outcome::Topic(standing("t", "k3v9:1", Recovery::Lost(loss)));
        let answer = written(|out| answer::subscribed(out, "1", "t", &outcome));
        let label = row[0].trim_matches('`');
        assert!(
            answer.contains(&format!(r#""reason":"{label}""#)),
            "{label}"
        );
    }
}

#[test]
fn the_limits_are_those_of_the_code() {
    let limits = [
        (
            "an `id` of a command",
            format!("{ID_BYTES_MAX} bytes, quotes and escapes included"),
        ),
        ("nesting of a JSON payload", JSON_DEPTH_MAX.to_string()),
        ("`last`", LAST_MAX.to_string()),
        ("an age in `since`", format!("{} hours", AGE_S_MAX / 3600)),
        (
            "topics in a `since` object, and no more than `subscriptions_max`",
            POSITIONS_MAX.to_string(),
        ),
        (
            "errors of the client's own making, one forgiven each minute",
            (STRIKES_MAX - 1).to_string(),
        ),
    ];
    let expected: Vec<_> = limits
        .iter()
        .map(|(what, most)| vec![*what, most])
        .collect();
    assert_eq!(table("## Limits"), expected);
}
