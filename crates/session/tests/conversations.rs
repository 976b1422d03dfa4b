//! Sessions of both dialects: what each message of a client leads to, and what each notice of the broker makes of it.

use broker::{
    Format, History, Kind, Loss, Notice, Outcome, Pattern, Position, Recovery, Refusal, Standing,
    Start, TopicName, TopicRef,
};
use ringwire_session::dialect::json::Id;
use ringwire_session::limits::{LAST_MAX, STRIKES_MAX};
use ringwire_session::{
    Ask, Cause, Message, Opening, Query, Reason, Received, Reply, Request, Session,
};
use std::borrow::Cow;

const TIME_MS: u64 = 1_763_822_400_000;

fn topic(text: &str) -> TopicName {
    TopicName::parse(text).unwrap()
}

fn at(text: &str) -> Position {
    text.parse().unwrap()
}

fn echo(text: &str) -> Option<Box<str>> {
    Some(text.into())
}

/// What a text message leads to, and what is written at once.
fn say<'m>(session: &mut Session, text: &'m str) -> (Received<'m>, String) {
    let mut out = Vec::new();
    let received = session.receive(TIME_MS, Message::Text(text.as_bytes()), &mut out);
    (received, String::from_utf8(out).unwrap())
}

/// The request that a text message leads to.
fn request<'m>(session: &mut Session, text: &'m str) -> Request<'m> {
    match say(session, text) {
        (Received::Request(request), written) if written.is_empty() => request,
        other => panic!("{other:?}"),
    }
}

fn tell(session: &mut Session, notice: &Notice) -> (Reply, String) {
    let mut out = Vec::new();
    let reply = session.notice(TIME_MS, notice, &mut out);
    (reply, String::from_utf8(out).unwrap())
}

/// The message that a notice becomes.
fn told(session: &mut Session, notice: &Notice) -> String {
    match tell(session, notice) {
        (Reply::Text, written) => written,
        other => panic!("{other:?}"),
    }
}

fn silent(session: &mut Session, notice: &Notice) {
    assert_eq!(tell(session, notice), (Reply::Nothing, String::new()));
}

fn subscribed(id: Option<Box<str>>, recovery: Recovery) -> Notice {
    let outcome = Outcome::Topic(Standing {
        topic: topic("t"),
        at: at("k3v9:4"),
        recovery,
    });
    Notice::Subscribed {
        echo: id,
        pattern: topic("t").into(),
        outcome,
        replay: vec![],
    }
}

fn raw(pattern: &str, query: &str) -> Result<Opening, Cause> {
    Session::raw(
        Pattern::parse(pattern).unwrap(),
        Query::parse(query).unwrap(),
        TIME_MS,
    )
}

fn raw_session(pattern: &str, query: &str) -> Session {
    raw(pattern, query).unwrap().session
}

fn gap() -> Notice {
    Notice::Gap {
        topic: topic("t"),
        after: at("k3v9:4"),
        until: at("k3v9:9"),
    }
}

const GAP: &str =
    r#"{"gap":{"topic":"t","after":"k3v9:4","until":"k3v9:9","reason":"slow consumer"}}"#;

#[test]
fn a_subscribe_begins_where_it_says() {
    let mut session = Session::json();
    assert_eq!(session.format(), Format::JSON);
    let Request { id, ask } = request(&mut session, r#"{"id":1,"subscribe":"t","since":"90s"}"#);
    assert_eq!(id.map(Id::to_echo), echo("1"));
    let begun = |start| Ask::Subscribe {
        pattern: topic("t").into(),
        start,
    };
    assert_eq!(ask, begun(Start::SinceTime(TIME_MS - 90_000)));
    for (text, start) in [
        (r#"{"subscribe":"t"}"#, Start::Live),
        (
            r#"{"subscribe":"t","since":"k3v9:4"}"#,
            Start::Since(at("k3v9:4")),
        ),
        (r#"{"subscribe":"t","last":3}"#, Start::Last(3)),
    ] {
        assert_eq!(request(&mut session, text).ask, begun(start));
    }
    let text = r#"{"subscribe":"a/*","since":{"a/b":"k3v9:4"}}"#;
    let Ask::Subscribe { start, .. } = request(&mut session, text).ask else {
        panic!("no subscribe")
    };
    assert_eq!(start, Start::SinceEach(vec![(topic("a/b"), at("k3v9:4"))]));
}

#[test]
fn other_commands_become_requests() {
    let mut session = Session::json();
    let unsubscribe = request(&mut session, r#"{"unsubscribe":"t"}"#).ask;
    assert_eq!(
        unsubscribe,
        Ask::Unsubscribe {
            pattern: topic("t").into()
        }
    );
    for (text, start) in [
        (r#"{"history":"t"}"#, Start::Last(LAST_MAX)),
        (r#"{"history":"t","last":0}"#, Start::Last(0)),
        (
            r#"{"history":"t","since":"1s"}"#,
            Start::SinceTime(TIME_MS - 1000),
        ),
    ] {
        assert_eq!(
            request(&mut session, text).ask,
            Ask::History {
                topic: topic("t"),
                start
            }
        );
    }
    let publish = request(&mut session, r#"{"publish":"t","text":"x"}"#).ask;
    let Ask::Publish { topic, payload } = publish else {
        panic!("no publish")
    };
    assert_eq!(TopicRef::from(&topic).as_str(), "t");
    assert_eq!((payload.kind, &*payload.bytes), (Kind::Text, &b"x"[..]));
}

#[test]
fn an_age_older_than_time_itself_is_everything() {
    let mut session = Session::json();
    let mut out = Vec::new();
    let message = Message::Text(br#"{"subscribe":"t","since":"9600h"}"#);
    let Received::Request(request) = session.receive(1000, message, &mut out) else {
        panic!("no request")
    };
    assert_eq!(
        request.ask,
        Ask::Subscribe {
            pattern: topic("t").into(),
            start: Start::SinceTime(0)
        }
    );
}

#[test]
fn ping_and_auth_are_answered_at_once() {
    let mut session = Session::json();
    assert_eq!(
        say(&mut session, r#"{"id":5,"ping":true}"#),
        (
            Received::Reply(Reply::Text),
            r#"{"id":5,"ok":{"pong":true}}"#.into()
        )
    );
    assert_eq!(
        say(&mut session, r#"{"ping":true}"#),
        (Received::Reply(Reply::Nothing), String::new())
    );
    let (received, written) = say(&mut session, r#"{"id":6,"auth":"secret"}"#);
    assert_eq!(received, Received::Reply(Reply::Text));
    assert_eq!(
        written,
        r#"{"id":6,"error":{"code":"auth_not_configured","message":"this server has no authentication configured","retry":false}}"#
    );
}

/// What the sender said comes back to it, whatever it is, and nothing is asked of the broker.
#[test]
fn an_echo_is_the_message_in_its_own_kind() {
    let mut session = Session::echo();
    for (message, reply) in [
        (Message::Text(b"ping"), Reply::Text),
        (Message::Binary(b"\xff\0"), Reply::Binary),
        (Message::Text(b""), Reply::Text),
    ] {
        let mut out = Vec::new();
        let received = session.receive(0, message, &mut out);
        assert_eq!(received, Received::Reply(reply));
        let (Message::Text(sent) | Message::Binary(sent)) = message;
        assert_eq!(out, sent);
    }
    let mut out = Vec::new();
    assert_eq!(session.draining(500, &mut out), Reply::Nothing);
    assert!(out.is_empty());
}

#[test]
fn a_bad_command_is_answered_and_repeated_ones_close() {
    let mut session = Session::json();
    for _ in 1..STRIKES_MAX {
        let (received, written) = say(&mut session, r#"{"id":"a","publish":"a//b","data":1}"#);
        assert_eq!(received, Received::Reply(Reply::Text));
        assert_eq!(
            written,
            r#"{"id":"a","error":{"code":"bad_topic","message":"a topic has no empty level","retry":false}}"#
        );
    }
    let (received, written) = say(&mut session, "nonsense");
    let Received::Reply(Reply::Close(cause)) = received else {
        panic!("{received:?}")
    };
    assert_eq!(
        (cause.reason.close_code(), cause.message, &*written),
        (Some(4500), "the message is not valid JSON", "")
    );
}

#[test]
fn repeated_refusals_at_a_limit_close_with_its_code() {
    let mut session = Session::json();
    let refused = Notice::Refused {
        echo: echo("1"),
        refusal: Refusal::Subscriptions,
    };
    for _ in 1..STRIKES_MAX {
        assert_eq!(
            told(&mut session, &refused),
            r#"{"id":1,"error":{"code":"subscription_limit","message":"too many subscriptions on this connection","retry":false}}"#
        );
    }
    assert_eq!(
        tell(&mut session, &refused),
        (
            Reply::Close(Reason::SubscriptionLimit.into()),
            String::new()
        )
    );
    assert_eq!(Reason::SubscriptionLimit.close_code(), Some(4508));
}

#[test]
fn the_json_dialect_takes_text_messages_only() {
    let received = Session::json().receive(
        TIME_MS,
        Message::Binary(br#"{"ping":true}"#),
        &mut Vec::new(),
    );
    let Received::Reply(Reply::Close(cause)) = received else {
        panic!("{received:?}")
    };
    assert_eq!(cause.reason.close_code(), Some(1003));
}

#[test]
fn answers_go_to_commands_with_an_id_alone() {
    let mut session = Session::json();
    assert_eq!(
        told(&mut session, &subscribed(echo("1"), Recovery::Recovered)),
        r#"{"id":1,"ok":{"subscribed":"t","recovered":true,"at":"k3v9:4"}}"#
    );
    let unsubscribed = |id, existed| Notice::Unsubscribed {
        echo: id,
        pattern: topic("t").into(),
        existed,
    };
    assert_eq!(
        told(&mut session, &unsubscribed(echo("2"), true)),
        r#"{"id":2,"ok":{"unsubscribed":"t"}}"#
    );
    let published = |id| Notice::Published {
        echo: id,
        topic: topic("t"),
        at: at("k3v9:5"),
    };
    assert_eq!(
        told(&mut session, &published(echo("\"p\""))),
        r#"{"id":"p","ok":{"topic":"t","at":"k3v9:5"}}"#
    );
    let history = |id| {
        let history = History {
            first: at("k3v9:1"),
            last: at("k3v9:0"),
            messages: vec![],
            recovery: Recovery::NotAsked,
        };
        Notice::History {
            echo: id,
            topic: topic("t"),
            history,
        }
    };
    assert_eq!(
        told(&mut session, &history(echo("3"))),
        r#"{"id":3,"ok":{"topic":"t","first":"k3v9:1","last":"k3v9:0","messages":[]}}"#
    );
    for notice in [
        subscribed(None, Recovery::Lost(Loss::Epoch)),
        unsubscribed(None, true),
        published(None),
        history(None),
    ] {
        silent(&mut session, &notice);
    }
    assert_eq!(
        told(&mut session, &unsubscribed(None, false)),
        r#"{"error":{"code":"not_subscribed","message":"not subscribed to that","retry":false}}"#
    );
    assert_eq!(
        told(
            &mut session,
            &Notice::Unpublished {
                refusal: Refusal::Payload
            }
        ),
        r#"{"error":{"code":"too_big","message":"the message is too big","retry":false}}"#
    );
}

#[test]
fn every_refusal_has_a_reason_of_its_own() {
    for (refusal, reason) in [
        (Refusal::Subscriptions, Reason::SubscriptionLimit),
        (Refusal::PatternSubscriptions, Reason::PatternLimit),
        (Refusal::Pending, Reason::RateLimit),
        (Refusal::Format, Reason::Policy),
        (Refusal::Start, Reason::BadPosition),
        (Refusal::Payload, Reason::TooBig),
        (Refusal::Topics, Reason::TryAgainLater),
        (Refusal::Patterns, Reason::TryAgainLater),
        (Refusal::Cancelled, Reason::Cancelled),
        (Refusal::Closed, Reason::PeerGone),
    ] {
        assert_eq!(Cause::from(refusal).reason, reason, "{refusal:?}");
        let mut out = Vec::new();
        let reply = raw_session("t", "").refuse(TIME_MS, None, refusal, &mut out);
        assert_eq!(
            (reply, &*out),
            (Reply::Close(refusal.into()), &b""[..]),
            "{refusal:?}"
        );
    }
}

#[test]
fn gaps_and_drains_are_told_and_lag_closes() {
    let lagged = Notice::Lagged { topic: topic("t") };
    let draining = |session: &Session| {
        let mut out = Vec::new();
        (
            session.draining(250, &mut out),
            String::from_utf8(out).unwrap(),
        )
    };
    for mut session in [Session::json(), raw_session("t", "envelope=1")] {
        assert_eq!(session.format(), Format::JSON);
        assert_eq!(told(&mut session, &gap()), GAP);
        assert_eq!(
            draining(&session),
            (Reply::Text, r#"{"draining":{"reconnect_ms":250}}"#.into())
        );
        assert_eq!(
            tell(&mut session, &lagged).0,
            Reply::Close(Reason::SlowConsumer.into())
        );
    }
    let mut session = raw_session("t", "");
    assert_eq!(session.format(), Format::RAW);
    silent(&mut session, &gap());
    assert_eq!(draining(&session), (Reply::Nothing, String::new()));
    assert_eq!(
        tell(&mut session, &lagged).0,
        Reply::Close(Reason::SlowConsumer.into())
    );
    assert_eq!(Reason::SlowConsumer.close_code(), Some(4408));
}

#[test]
fn a_raw_clients_messages_are_publications() {
    let mut session = raw_session("sports/football", "");
    for (message, kind, bytes) in [
        (
            Message::Text("grün".as_bytes()),
            Kind::Text,
            "grün".as_bytes(),
        ),
        (Message::Binary(b"\xff"), Kind::Binary, b"\xff"),
    ] {
        let Received::Request(Request {
            id: None,
            ask: Ask::Publish { topic, payload },
        }) = session.receive(TIME_MS, message, &mut Vec::new())
        else {
            panic!("no publish")
        };
        assert_eq!((topic.as_str(), payload.kind), ("sports/football", kind));
        assert!(matches!(payload.bytes, Cow::Borrowed(borrowed) if borrowed == bytes));
    }
}

#[test]
fn a_raw_client_that_may_not_publish_is_closed_when_it_does() {
    for (pattern, query, code, reason) in [
        ("sports/*", "", 1008, Reason::Forbidden),
        ("sports/football", "mode=sub", 1008, Reason::Forbidden),
        ("$SYS/cores", "", 1008, Reason::ReservedTopic),
    ] {
        let received =
            raw_session(pattern, query).receive(TIME_MS, Message::Text(b"x"), &mut Vec::new());
        let Received::Reply(Reply::Close(cause)) = received else {
            panic!("{pattern}: {received:?}")
        };
        assert_eq!(
            (cause.reason, cause.reason.close_code()),
            (reason, Some(code)),
            "{pattern}"
        );
    }
}

#[test]
fn a_raw_connection_opens_as_its_url_says() {
    let subscribe = |pattern, query| raw(pattern, query).unwrap().subscribe;
    assert_eq!(subscribe("t", ""), Some((topic("t").into(), Start::Live)));
    assert_eq!(
        subscribe("t", "since=k3v9:4&mode=sub"),
        Some((topic("t").into(), Start::Since(at("k3v9:4"))))
    );
    assert_eq!(
        subscribe("a/*", "last=5&envelope=1"),
        Some((Pattern::parse("a/*").unwrap(), Start::Last(5)))
    );
    assert_eq!(
        subscribe("t", "since=5m"),
        Some((topic("t").into(), Start::SinceTime(TIME_MS - 300_000)))
    );
    assert_eq!(subscribe("t", "mode=pub"), None);

    let refused = |pattern, query| raw(pattern, query).unwrap_err().reason;
    assert_eq!(refused("a/*", "mode=pub"), Reason::Forbidden);
    assert_eq!(refused("$SYS/cores", "mode=pub"), Reason::ReservedTopic);
    assert_eq!(refused("a/*", "since=k3v9:4"), Reason::BadPosition);
    assert_eq!(
        refused("t", "since=%7B%22t%22%3A%22k3v9%3A4%22%7D"),
        Reason::BadPosition
    );
}

#[test]
fn a_raw_resume_that_cannot_be_honoured_closes_and_says_why() {
    for (loss, why) in [
        (Loss::Epoch, "epoch"),
        (Loss::Retention, "retention"),
        (Loss::Limit, "limit"),
        (Loss::Ahead, "ahead"),
        (Loss::Live, "live"),
    ] {
        let (reply, written) = tell(
            &mut raw_session("t", "since=k3v9:4"),
            &subscribed(None, Recovery::Lost(loss)),
        );
        let Reply::Close(cause) = reply else {
            panic!("{reply:?}")
        };
        assert_eq!((cause.reason.close_code(), &*written), (Some(4410), ""));
        assert!(cause.message.ends_with(why), "{}", cause.message);
    }
    silent(
        &mut raw_session("t", "since=k3v9:4"),
        &subscribed(None, Recovery::Recovered),
    );
    silent(
        &mut raw_session("t", ""),
        &subscribed(None, Recovery::NotAsked),
    );

    let standing = |name, recovery| Standing {
        topic: topic(name),
        at: at("k3v9:4"),
        recovery,
    };
    let standings = vec![
        standing("a/b", Recovery::Recovered),
        standing("a/c", Recovery::Lost(Loss::Limit)),
    ];
    let notice = Notice::Subscribed {
        echo: None,
        pattern: Pattern::parse("a/*").unwrap(),
        outcome: Outcome::Pattern(standings),
        replay: vec![],
    };
    let (reply, _) = tell(&mut raw_session("a/*", "envelope=1"), &notice);
    assert!(
        matches!(
            reply,
            Reply::Close(Cause {
                reason: Reason::PositionLost,
                ..
            })
        ),
        "{reply:?}"
    );
}

#[test]
fn an_idle_session_is_small_and_owns_no_buffer() {
    assert!(size_of::<Session>() <= 48, "{}", size_of::<Session>());
}
