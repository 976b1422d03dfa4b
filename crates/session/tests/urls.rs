//! Paths and queries of URLs: what they mean, and what is refused rather than guessed.

use broker::TopicName;
use ringwire_session::{Cause, Mode, Query, Reason, Since, path_pattern, path_topic};

fn query(text: &str) -> Query {
    Query::parse(text).unwrap_or_else(|cause| panic!("{text}: {cause:?}"))
}

fn refused(text: &str) -> (Reason, &'static str) {
    let Cause { reason, message } = Query::parse(text).expect_err(text);
    (reason, message)
}

#[test]
fn an_empty_query_is_a_live_subscription_in_both_directions() {
    let expected = Query {
        since: Since::Live,
        mode: Mode::Both,
        envelope: false,
    };
    for text in ["", "&", "&&", "envelope=0", "mode=both"] {
        assert_eq!(query(text), expected, "{text}");
    }
    assert!(Mode::Both.subscribes() && Mode::Both.publishes());
}

#[test]
fn every_parameter_is_read() {
    let position = "k3v9:41".parse().unwrap();
    for (text, since) in [
        ("since=k3v9:41", Since::Position(position)),
        ("since=k3v9%3a41", Since::Position(position)),
        ("since=90s", Since::Age { age_s: 90 }),
        ("last=10", Since::Last(10)),
        (
            "since=%7B%22a%2Fb%22%3A%22k3v9%3A41%22%7D",
            Since::Each(vec![(TopicName::parse("a/b").unwrap(), position)]),
        ),
    ] {
        assert_eq!(query(text).since, since, "{text}");
    }
    assert!(!query("mode=sub").mode.publishes() && query("mode=sub").mode.subscribes());
    assert!(query("mode=pub").mode.publishes() && !query("mode=pub").mode.subscribes());
    let all = query("envelope=1&mode=sub&last=3");
    assert_eq!(
        all,
        Query {
            since: Since::Last(3),
            mode: Mode::Sub,
            envelope: true
        }
    );
}

/// A query, and the reason and the text that refuse it.
#[rustfmt::skip]
const BAD_QUERIES: &[(&str, Reason, &str)] = &[
    ("sinc=1s", Reason::BadQuery, "the query knows since, last, mode and envelope"),
    ("Mode=sub", Reason::BadQuery, "the query knows since, last, mode and envelope"),
    ("m%6Fde=sub", Reason::BadQuery, "the query knows since, last, mode and envelope"),
    ("=1", Reason::BadQuery, "the query knows since, last, mode and envelope"),
    ("mode=sub&mode=sub", Reason::BadQuery, "a parameter stands twice in the query"),
    ("last=1&last=1", Reason::BadQuery, "a parameter stands twice in the query"),
    ("envelope=1&envelope=0", Reason::BadQuery, "a parameter stands twice in the query"),
    ("since=1s&last=1", Reason::BadQuery, "since and last exclude each other"),
    ("mode=", Reason::BadQuery, "mode is both, sub or pub"),
    ("mode", Reason::BadQuery, "mode is both, sub or pub"),
    ("mode=SUB", Reason::BadQuery, "mode is both, sub or pub"),
    ("envelope=true", Reason::BadQuery, "envelope is 0 or 1"),
    ("since=%", Reason::BadQuery, "a percent escape in the query is broken"),
    ("since=%4", Reason::BadQuery, "a percent escape in the query is broken"),
    ("since=%zz", Reason::BadQuery, "a percent escape in the query is broken"),
    ("since=%ff", Reason::BadQuery, "a percent escape in the query is broken"),
    ("last=-1", Reason::BadPosition, "last is a whole number, at most 1000000"),
    ("last=+1", Reason::BadPosition, "last is a whole number, at most 1000000"),
    ("last=", Reason::BadPosition, "last is a whole number, at most 1000000"),
    ("since=", Reason::BadPosition, "since is a position, an age like 90s, 5m or 2h, or one position for each topic"),
    ("since=k3v9:041", Reason::BadPosition, "since is a position, an age like 90s, 5m or 2h, or one position for each topic"),
    ("since={}x", Reason::BadPosition, "since is a string, or an object of strings"),
];

#[test]
fn what_a_query_does_not_know_is_an_error() {
    for &(text, reason, message) in BAD_QUERIES {
        assert_eq!(refused(text), (reason, message), "{text}");
    }
}

#[test]
fn a_path_names_a_topic_level_by_level() {
    for (path, name) in [
        ("chat/room1", "chat/room1"),
        ("chat/room%201", "chat/room 1"),
        ("gr%C3%B6%c3%9fe/東京", "größe/東京"),
        ("50%25", "50%"),
        ("a%26b", "a&b"),
        ("a%3Fb", "a?b"),
        ("a&b=c", "a&b=c"),
    ] {
        assert_eq!(path_topic(path).unwrap().as_str(), name, "{path}");
    }
    for (path, pattern) in [
        ("sports/*/live", "sports/*/live"),
        ("sports/%2A/live", "sports/*/live"),
        ("**", "**"),
        ("%24SYS/**", "$SYS/**"),
    ] {
        assert_eq!(path_pattern(path).unwrap().as_str(), pattern, "{path}");
    }
}

#[test]
fn a_path_that_two_readers_take_differently_is_refused() {
    for path in [
        "a%2Fb",
        "a%2fb",
        "%2F",
        "%",
        "a%2",
        "a%zz",
        "a%ff",
        "a%c3",
        "",
        "a//b",
        "a/",
        "a/%2e%2e/b",
        "a%00",
        "a%0d%0ab",
        "a%E2%80%AE",
        "a+b",
    ] {
        assert_eq!(
            path_pattern(path).unwrap_err().reason,
            Reason::BadTopic,
            "{path}"
        );
        assert_eq!(
            path_topic(path).unwrap_err().reason,
            Reason::BadTopic,
            "{path}"
        );
    }
    assert_eq!(path_topic("a/*").unwrap_err().reason, Reason::BadTopic);
    assert_eq!(
        path_topic("$SYS/cores").unwrap_err().reason,
        Reason::ReservedTopic
    );
    // Decoding happens once: what is left of a double encoding is part of the name.
    assert_eq!(path_topic("a%252Fb").unwrap().as_str(), "a%2Fb");
}
