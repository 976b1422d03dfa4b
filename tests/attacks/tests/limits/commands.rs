//! The limits of the JSON dialect: what one command may hold, what a client may have, and what an answer brings.

use std::collections::BTreeMap;

use ringwire_attacks::peer::{PATIENCE, Pace, Peer};
use ringwire_attacks::target::Target;
use ringwire_attacks::wire::{Request, TEXT, frame};

use super::target;

/// A connection that speaks the JSON dialect and has been greeted.
fn json(target: &Target) -> Peer {
    let handshake = Request::handshake("/ws", &target.host());
    let (mut peer, _) = Peer::upgrade(target, &handshake).unwrap();
    assert!(answer(&mut peer).contains("hello"));
    peer
}

fn answer(peer: &mut Peer) -> String {
    let message = peer.message(PATIENCE).unwrap();
    String::from_utf8(message.payload).unwrap()
}

/// What a command is answered with: `ok`, or the error's code.
fn ask(peer: &mut Peer, command: &str) -> String {
    peer.send(&frame(TEXT, command.as_bytes()), Pace::AtOnce)
        .unwrap();
    let said: serde_json::Value = serde_json::from_str(&answer(peer)).unwrap();
    match said["error"]["code"].as_str() {
        Some(code) => code.to_owned(),
        None if said["ok"].is_object() => "ok".to_owned(),
        None => said.to_string(),
    }
}

#[test]
fn subscriptions_and_patterns() {
    let target = target();
    let subscribe = |patterns: &[&str]| {
        let mut peer = json(&target);
        let commands = patterns.iter();
        commands
            .map(|pattern| ask(&mut peer, &format!(r#"{{"id":1,"subscribe":"{pattern}"}}"#)))
            .collect::<Vec<_>>()
    };
    assert_eq!(
        subscribe(&["a", "b", "c", "d", "a"]),
        ["ok", "ok", "ok", "subscription_limit", "ok"]
    );
    assert_eq!(
        subscribe(&["a/*", "b/*", "c/*", "a/*", "d"]),
        ["ok", "ok", "pattern_limit", "ok", "ok"]
    );
    // What is given back may be used again, and no more than that.
    let mut peer = json(&target);
    let commands = [
        (r#"{"id":1,"subscribe":"a"}"#, "ok"),
        (r#"{"id":1,"subscribe":"b"}"#, "ok"),
        (r#"{"id":1,"subscribe":"c"}"#, "ok"),
        (r#"{"id":1,"unsubscribe":"b"}"#, "ok"),
        (r#"{"id":1,"unsubscribe":"b"}"#, "not_subscribed"),
        (r#"{"id":1,"subscribe":"d"}"#, "ok"),
        (r#"{"id":1,"subscribe":"e"}"#, "subscription_limit"),
    ];
    for (command, wanted) in commands {
        assert_eq!(ask(&mut peer, command), wanted, "{command}");
    }
}

/// A command that names so many positions.
fn since(count: usize) -> String {
    let topics: BTreeMap<String, &str> = (0..count)
        .map(|topic| (format!("a/{topic}"), "k3v9:1"))
        .collect();
    let topics = serde_json::to_string(&topics).unwrap();
    format!(r#"{{"id":1,"subscribe":"a/*","since":{topics}}}"#)
}

#[test]
fn what_one_command_may_hold() {
    // Only here messages have to be longer than what is tried out.
    let target = Target::start("", None);
    let id = |bytes: usize| format!(r#"{{"id":"{}","subscribe":"a"}}"#, "i".repeat(bytes - 2));
    let nested = |depth: usize| {
        let (open, end) = ("[".repeat(depth), "]".repeat(depth));
        format!(r#"{{"id":1,"publish":"a","data":{open}{end}}}"#)
    };
    let last = |count: u32| format!(r#"{{"id":1,"history":"a","last":{count}}}"#);
    let age = |hours: u32| format!(r#"{{"id":1,"history":"a","since":"{hours}h"}}"#);
    let commands = [
        (id(2), "ok"),
        (id(127), "ok"),
        (id(128), "ok"),
        (id(129), "bad_command"),
        (nested(1), "ok"),
        (nested(63), "ok"),
        (nested(64), "ok"),
        (nested(65), "bad_command"),
        (last(0), "ok"),
        (last(999_999), "ok"),
        (last(1_000_000), "ok"),
        (last(1_000_001), "bad_position"),
        (age(0), "ok"),
        (age(9_599), "ok"),
        (age(9_600), "ok"),
        (age(9_601), "bad_position"),
        (since(0), "ok"),
        // As many as one client may subscribe to, though a command could name more.
        (since(127), "ok"),
        (since(128), "ok"),
        (since(129), "bad_position"),
        (since(1_024), "bad_position"),
    ];
    for (command, wanted) in commands {
        let heard = ask(&mut json(&target), &command);
        let is_history = wanted == "ok" && heard.contains(r#""messages""#);
        assert!(
            heard == wanted || is_history,
            "{heard} instead of {wanted}: {command:.80}"
        );
    }
}

#[test]
fn mistakes_that_are_forgiven() {
    let target = target();
    let mut peer = json(&target);
    for _ in 0..9 {
        assert_eq!(ask(&mut peer, "{}"), "bad_command");
    }
    peer.send(&frame(TEXT, b"{}"), Pace::AtOnce).unwrap();
    assert_eq!(peer.hear_out(PATIENCE).close_code(), Some(4500));
}

#[test]
fn history() {
    let target = target();
    let mut peer = json(&target);
    for kept in [0, 1, 2, 3, 3] {
        peer.send(&frame(TEXT, br#"{"id":1,"history":"h"}"#), Pace::AtOnce)
            .unwrap();
        let history: serde_json::Value = serde_json::from_str(&answer(&mut peer)).unwrap();
        let messages = history["ok"]["messages"].as_array().unwrap();
        assert_eq!(messages.len(), kept, "{history}");
        assert_eq!(ask(&mut peer, r#"{"id":1,"publish":"h","data":1}"#), "ok");
    }
}

#[test]
fn bytes_of_a_history() {
    const BYTES_MAX: usize = 256 * 1024;
    // Only here bodies and topics have to be larger than what is tried out.
    let target = Target::start("[topic_default]\nbytes_max = \"1MiB\"", None);
    let mut peer = json(&target);
    let publish = |topic: &str, bytes: usize| {
        let post = Request::new(&format!("POST /t/{topic} HTTP/1.1"))
            .field("Host", &target.host())
            .field("Content-Length", &bytes.to_string())
            .body(&vec![b'h'; bytes]);
        let mut peer = Peer::connect(&target).unwrap();
        peer.send(&post.bytes(), Pace::AtOnce).unwrap();
        assert_eq!(peer.answer(PATIENCE).unwrap().status, 200);
    };
    let mut page = |topic: &str, from: &str| {
        let command = format!(r#"{{"id":1,"history":"{topic}",{from}}}"#);
        peer.send(&frame(TEXT, command.as_bytes()), Pace::AtOnce)
            .unwrap();
        let history: serde_json::Value = serde_json::from_str(&answer(&mut peer)).unwrap();
        let history = &history["ok"];
        let messages = history["messages"].as_array().unwrap();
        let at = |message: &serde_json::Value| message["at"].as_str().unwrap().to_owned();
        let last = messages.last().map(at).unwrap_or_default();
        (messages.len(), history["last"] == last, last)
    };
    let (whole, quarter) = (true, BYTES_MAX / 4);
    for (topic, last_bytes, pages) in [
        ("a", 0, vec![(4, whole)]),
        ("b", quarter - 1, vec![(4, whole)]),
        ("c", quarter, vec![(4, whole)]),
        // One more byte: the client goes on behind the last message, until that is the newest.
        ("d", quarter + 1, vec![(4, !whole), (1, whole)]),
    ] {
        (0..3).for_each(|_| publish(topic, quarter));
        publish(topic, last_bytes.min(quarter));
        (quarter..last_bytes).for_each(|_| publish(topic, 1));
        let mut from = r#""since":"1h""#.to_owned();
        for (messages, is_whole) in pages {
            let (count, whole, last) = page(topic, &from);
            assert_eq!((count, whole), (messages, is_whole), "{topic} {from}");
            from = format!(r#""since":"{last}""#);
        }
        assert_eq!(page(topic, &from).0, 0, "{topic}: nothing behind it");
        // Without a beginning, it is the newest that come.
        let (count, whole, _) = page(topic, r#""last":9"#);
        assert_eq!((count, whole), (4, true), "{topic}");
    }
}

#[test]
fn messages_of_a_history() {
    let target = Target::start("[topic_default]\nmessages_max = 2000", None);
    let mut peer = json(&target);
    let mut published = 0;
    // Without an answer to each; the last has one.
    let mut publish = |peer: &mut Peer, until: usize| {
        let silent = frame(TEXT, br#"{"publish":"h","data":1}"#);
        peer.send(&silent.repeat(until - published - 1), Pace::AtOnce)
            .unwrap();
        assert_eq!(ask(peer, r#"{"id":1,"publish":"h","data":1}"#), "ok");
        published = until;
    };
    for kept in [999, 1_000, 1_001] {
        publish(&mut peer, kept);
        for from in ["\"last\":1000000", "\"since\":\"1h\""] {
            let command = format!(r#"{{"id":1,"history":"h",{from}}}"#);
            peer.send(&frame(TEXT, command.as_bytes()), Pace::AtOnce)
                .unwrap();
            let history: serde_json::Value = serde_json::from_str(&answer(&mut peer)).unwrap();
            let messages = history["ok"]["messages"].as_array().unwrap().len();
            assert_eq!(messages, kept.min(1_000), "{from}");
        }
    }
}

/// What a subscription that asks for this past is answered: whether it recovered, and why not.
fn recovery(target: &Target, since: &str) -> String {
    let mut peer = json(target);
    let command = format!(r#"{{"id":1,"subscribe":"r","since":"{since}"}}"#);
    peer.send(&frame(TEXT, command.as_bytes()), Pace::AtOnce)
        .unwrap();
    let said: serde_json::Value = serde_json::from_str(&answer(&mut peer)).unwrap();
    match said["ok"]["reason"].as_str() {
        Some(reason) => reason.to_owned(),
        None => said["ok"]["recovered"].to_string(),
    }
}

#[test]
fn replays() {
    let messages = "[broker]\nreplay_messages_max = 5";
    let bytes = "[broker]\nreplay_bytes_max = \"55B\"";
    for config in [messages, bytes] {
        let target = Target::start(config, None);
        let mut peer = json(&target);
        let mut last = String::new();
        for _ in 0..8 {
            // Ten bytes each, and one of the name.
            let command = r#"{"id":1,"publish":"r","text":"0123456789"}"#;
            peer.send(&frame(TEXT, command.as_bytes()), Pace::AtOnce)
                .unwrap();
            let said: serde_json::Value = serde_json::from_str(&answer(&mut peer)).unwrap();
            last = said["ok"]["at"].as_str().unwrap().to_owned();
        }
        let (epoch, offset) = last.split_once(':').unwrap();
        assert_eq!(offset, "8");
        let missed = |count: usize| recovery(&target, &format!("{epoch}:{}", 8 - count));
        let seen = [0, 4, 5, 6].map(missed);
        assert_eq!(seen, ["true", "true", "true", "limit"], "{config}");
    }
}

#[test]
fn positions_in_one_command() {
    // Where a client may have more subscriptions than a command can name.
    let target = Target::start("[broker]\nsubscriptions_max = 2000", None);
    for (count, wanted) in [(1_023, "ok"), (1_024, "ok"), (1_025, "bad_position")] {
        assert_eq!(ask(&mut json(&target), &since(count)), wanted, "{count}");
    }
}
