//! Command lines, and what they mean.

use std::time::Duration;

use clap::CommandFactory;

use super::*;
use crate::security::Belief;

fn parse(line: &str) -> Result<Plan, String> {
    let words = std::iter::once("ringwire-load").chain(line.split_whitespace());
    let arguments = Arguments::try_parse_from(words).map_err(|error| error.to_string())?;
    arguments.plan().map_err(|failure| failure.to_string())
}

#[test]
fn the_command_is_sound() {
    Arguments::command().debug_assert();
}

#[test]
fn without_a_word_it_is_an_open_loop_against_a_local_ringwire() {
    let plan = parse("").expect("defaults make sense");
    assert_eq!(
        plan.pace,
        Pace::Open {
            rate_per_second: 100.0
        }
    );
    assert_eq!(plan.subscribe.address.to_string(), "127.0.0.1:7464");
    assert_eq!(
        plan.subscribe.url.target(&plan.topic_names[0]),
        "/t/load/0?mode=sub"
    );
    assert_eq!(
        plan.publish.url.target(&plan.topic_names[0]),
        "/t/load/0?mode=pub"
    );
    assert_eq!((plan.payload_bytes, plan.threads), (64, 1));
}

#[test]
fn other_servers_have_other_urls() {
    let plan = parse(
        "-t 2 -s 2 -w 4 --topic a{n} --subscribe-url ws://127.0.0.1:1/s?x={topic} --publish-url ws://127.0.0.1:2/{topic}",
    );
    let plan = plan.expect("a sensible line");
    assert_eq!(plan.subscribe.url.target(&plan.topic_names[1]), "/s?x=a1");
    assert_eq!(plan.publish.address.port(), 2);
    assert_eq!(plan.pace, Pace::Closed { outstanding: 4 });
}

#[test]
fn the_driver_says_what_becomes_of_the_url_and_options_may_say_otherwise() {
    for (line, is_plain, subscribe, publish) in [
        (
            "--driver url ws://127.0.0.1:1/x/{topic}",
            true,
            "/x/load/0",
            "/x/load/0",
        ),
        ("--driver nats -t 2 -s 2 ws://127.0.0.1:1", false, "/", "/"),
        (
            "--driver nchan ws://127.0.0.1:1/",
            true,
            "/sub/load/0",
            "/pub/load/0",
        ),
        (
            "--driver ringwire ws://127.0.0.1:1 --publish-url ws://127.0.0.1:1/p",
            true,
            "/t/load/0?mode=sub",
            "/p",
        ),
    ] {
        let plan = parse(line).expect(line);
        assert_eq!(plan.dialect.is_plain(), is_plain, "{line}");
        let targets = [&plan.subscribe, &plan.publish]
            .map(|endpoint| endpoint.url.target(&plan.topic_names[0]));
        assert_eq!(targets, [subscribe, publish], "{line}");
    }
}

#[test]
fn words_and_headers_that_make_no_sense_are_refused_with_the_reason() {
    for (line, reason) in [
        (
            "--driver nats --subscribe-message x",
            "for --driver template",
        ),
        ("--payload-as hex", "for --driver template"),
        (
            "--driver template --publish-message x",
            "needs {payload} once",
        ),
        ("--driver template -t 2 -s 2", "place for the name"),
        ("--driver template --payload-as raw", "--messages-as binary"),
        ("--header nothing", "a name, a colon and a value"),
        ("--header Host:h", "of its own"),
        ("--header Sec-WebSocket-Protocol:mqtt", "--subprotocol"),
        ("--subprotocol a,b", "no blanks or commas"),
        ("--driver centrifugo --topic ä", "Centrifugo channel"),
    ] {
        let error = parse(line).expect_err(line);
        assert!(error.contains(reason), "{line}: {error}");
    }
}

#[test]
fn handshakes_carry_what_driver_and_options_say() {
    for (line, subprotocols, headers) in [
        ("", [].as_slice(), [].as_slice()),
        ("--driver mqtt", &["mqtt"], &[]),
        ("--driver mqtt --subprotocol none", &[], &[]),
        (
            "--subprotocol v2.mqtt --header X-Token:a:b --header X-Empty:",
            &["v2.mqtt"],
            &[("X-Token", "a:b"), ("X-Empty", "")],
        ),
    ] {
        let handshake = parse(line).expect(line).handshake;
        assert_eq!(handshake.subprotocols, subprotocols, "{line}");
        let named: Vec<(&str, &str)> = handshake
            .headers
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        assert_eq!(named, headers, "{line}");
        assert!(
            !format!("{handshake:?}").contains("a:b"),
            "tokens are not for logs"
        );
    }
}

#[test]
fn idling_has_subscribers_and_nobody_who_publishes() {
    let plan = parse("--idle -s 5 -t 2").expect("a sensible line");
    assert_eq!(plan.pace, Pace::Idle);
    assert_eq!(
        (
            plan.layout.subscribers,
            plan.layout.publishers,
            plan.layout.lines()
        ),
        (5, 0, 0)
    );
    assert_eq!(plan.times.warm_up, Duration::ZERO);
}

#[test]
fn members_publish_and_receive_over_one_connection() {
    for (line, topics, connections, target) in [
        ("--echo -s 5", 5, 5, "/t/load/4"),
        ("--rooms 2 -s 5 -w 3", 2, 5, "/t/load/1"),
        (
            "--echo -s 5 --driver url ws://127.0.0.1:1/echo",
            5,
            5,
            "/echo",
        ),
        ("--echo -s 5 --driver nats ws://127.0.0.1:1", 5, 5, "/"),
    ] {
        let plan = parse(line).expect(line);
        assert_eq!(
            (plan.layout.topics, plan.layout.connections()),
            (topics, connections),
            "{line}"
        );
        assert_eq!(plan.layout.publishers, plan.layout.subscribers);
        let last = plan.topic_names.last().expect("a topic");
        assert_eq!(plan.subscribe.url.target(last), target, "{line}");
    }
    assert!(
        !parse("--rooms 2 -s 4")
            .expect("a sensible line")
            .layout
            .leaves_out_own()
    );
    assert!(
        parse("--rooms 2 -s 4 --no-local")
            .expect("a sensible line")
            .layout
            .leaves_out_own()
    );
}

#[test]
fn stages_are_the_window() {
    let plan = parse("--rate 100..1000:30s,1000:60s --warm-up 1s").expect("a sensible line");
    assert_eq!(plan.times.measure, Duration::from_secs(90));
    assert_eq!(
        plan.pace,
        Pace::Open {
            rate_per_second: 76_500.0 / 90.0
        }
    );
    assert_eq!(plan.stages.len(), 2);
}

#[test]
fn short_runs_have_short_intervals() {
    for (line, milliseconds) in [
        ("", 100),
        ("--duration 20s", 200),
        ("--duration 60s", 500),
        ("--duration 2m", 1_000),
        ("--duration 1h", 1_000),
        ("--duration 1h --interval 10s", 10_000),
    ] {
        let plan = parse(line).expect(line);
        assert_eq!(plan.interval.as_millis(), milliseconds, "{line}");
    }
}

#[test]
fn units_are_read() {
    let plan = parse("ws://127.0.0.1:1 --payload 16KiB --duration 2m --late-max 250us --source 127.0.0.1-127.0.0.3").expect("a sensible line");
    assert_eq!(plan.payload_bytes, 16_384);
    assert_eq!(plan.times.measure, Duration::from_secs(120));
    assert_eq!(plan.times.late_max, Duration::from_micros(250));
    assert_eq!(plan.sources.len(), 3);
}

#[test]
fn a_secure_url_brings_tls() {
    let plan = parse("--insecure --publish-url ws://127.0.0.1:1 wss://127.0.0.1:2");
    let plan = plan.expect("a sensible line");
    assert_eq!(
        plan.security.map(|security| security.belief),
        Some(Belief::Nothing)
    );
    assert!(plan.subscribe.server_name.is_some() && plan.publish.server_name.is_none());
    assert!(parse("").expect("a sensible line").security.is_none());
}

/// Command lines that make no sense, and what the refusal names.
const NONSENSE: &[(&str, &str)] = &[
    ("--payload 31", "32 bytes"),
    ("--rate 5 --outstanding 1", "cannot be used with"),
    ("--idle --outstanding 1", "cannot be used with"),
    ("--driver smtp", "ringwire, ringwire-json, url"),
    ("--driver nats --topic a.*", "NATS subject"),
    ("--driver mqtt --topic a/#", "MQTT topic"),
    ("--rate 0", "more than 0"),
    ("--rate nan", "100 million"),
    ("--rate 1..2:3", "unit"),
    ("--rate 1..2:3s,4", "no length"),
    ("--rate 1..2:3s --duration 3s", "leave --duration out"),
    ("--outstanding 0", "give 1 to"),
    ("-t 3 -s 2 -w 1", "subscriber on every topic"),
    ("-t 3 --topic fixed", "{n}"),
    ("-t 3 --subscribe-url ws://127.0.0.1:1/x", "{topic}"),
    ("-s 0", "--subscribers 0"),
    ("--connect-rate 0", "--connect-rate 0"),
    ("--churn 0", "--churn 0"),
    ("--churn nan", "more than 0"),
    ("--churn 5 -w 1", "closed loop"),
    ("--churn 5 --echo", "does not publish either"),
    (
        "--churn-subscriptions 5",
        "a connection is its subscription",
    ),
    ("--reconnect 50%", "50%@5s"),
    ("--reconnect 0%@1s", "up to 100"),
    ("--reconnect 101%@1s", "up to 100"),
    ("--reconnect 50%@1", "unit"),
    ("--reconnect 50%@10s", "longer --duration"),
    ("--echo --rooms 3", "cannot be used with"),
    ("--echo --idle", "cannot be used with"),
    ("--echo -p 2", "cannot be used with"),
    ("--rooms 0", "--rooms 0"),
    ("--rooms 5 -s 4", "only 4 members"),
    ("--rooms 3 -s 5 --no-local", "alone"),
    ("--echo --no-local", "alone"),
    ("--rooms 1 -s 10000", "more --topics (or --rooms)"),
    ("-s 10000 -p 10000", "or fewer --publishers"),
    ("--rooms 2 --driver url ws://127.0.0.1:1/x", "{topic}"),
    (
        "--echo --subscribe-url ws://127.0.0.1:1/x",
        "give its URL alone",
    ),
    (
        "--subscribe-url http://127.0.0.1:1/x",
        "nobody subscribes over http://",
    ),
    ("--echo http://127.0.0.1:1", "http"),
    ("--slow half", "50%"),
    ("-s 5 --slow 6", "5 subscribers"),
    ("--slow-rate 1KiB", "--slow"),
    ("-w 1 -s 4 -t 2 --slow 3", "every topic that reads"),
    ("--idle --slow 1", "cannot be used with"),
    ("--rooms 2 --slow 1", "cannot be used with"),
    ("--threads 2 --pin 1", "one for each"),
    ("--connecting 0", "connect"),
    ("--duration 10", "unit"),
    ("--duration 0s", "longer than nothing"),
    ("--interval 1ms", "10ms or more"),
    ("--source 1.2.3", "--source"),
    ("--fail-if p98>5ms", "did you mean"),
    ("--fail-if p99>5", "unit"),
    ("--ca /nowhere/ca.pem", "wss://"),
    ("--insecure", "wss://"),
    ("--tls-handshakes full", "wss://"),
    ("--tls-handshakes half wss://127.0.0.1:1", "resumed, full"),
    ("--ca /nowhere/ca.pem wss://127.0.0.1:1", "/nowhere/ca.pem"),
    ("--ca a --insecure wss://127.0.0.1:1", "cannot be used with"),
    ("--insecure wss://a..b:1", "no certificate"),
];

#[test]
fn what_makes_no_sense_is_refused_with_the_reason() {
    for (line, reason) in NONSENSE {
        let error = parse(line).expect_err(line);
        assert!(error.contains(reason), "{line}: {error}");
    }
}
