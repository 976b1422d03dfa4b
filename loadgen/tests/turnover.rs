//! Subscribers that come at their times, leave and come back: against servers that do the right thing, and against some that do not.
//!
//! Times are real here, and a busy machine adds to them as it likes: so what is expected is what the server has seen. When
//! somebody comes, goes and comes back is shown where time is simulated.

mod scripted;

use std::io::{BufReader, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use clap::Parser;
use ringwire_load::arguments::Arguments;
use ringwire_load::engine::Engine;
use ringwire_load::evidence::Evidence;
use ringwire_load::turnover::{Churned, Outcome, Reconnected};
use scripted::{Act, Subscribers, frame, read_frame, read_head, relay_connection, serve, welcome};
use serde_json::Value;

/// Long enough after the last that is to happen in it for a machine to pause; and as patient.
const LONG: &str = "--duration 4s --patience 3s";

fn run(server: SocketAddr, options: &str) -> Evidence {
    let url = format!("ws://{server}");
    let words = ["ringwire-load", &url]
        .into_iter()
        .chain("--warm-up 20ms --duration 400ms --settle 0s --patience 20s".split(' '))
        .chain(options.split(' '));
    let plan = Arguments::try_parse_from(words)
        .expect("a sensible line")
        .plan()
        .expect("a sensible plan");
    Engine::new(&plan).run().expect("a run")
}

fn outcome(evidence: &Evidence) -> &Outcome {
    evidence.turnover.as_ref().expect("somebody left")
}

fn churned(evidence: &Evidence) -> &Churned {
    outcome(evidence)
        .connections
        .as_ref()
        .expect("there was churn")
}

fn reconnected(evidence: &Evidence) -> &Reconnected {
    outcome(evidence)
        .reconnect
        .as_ref()
        .expect("there was a cut")
}

#[test]
fn churn_replaces_connections_and_nothing_that_should_arrive_is_missed() {
    for options in [
        "-s 10 --rate 500 --churn 50",
        "-s 9 -t 3 -p 6 --rate 600 --churn 50 --threads 2",
    ] {
        let evidence = run(scripted::relay(|_| Act::Relay), options);
        let churned = churned(&evidence);
        assert!(churned.ended > 0, "{options}");
        assert_eq!(churned.stood, churned.ended, "{options}");
        assert_eq!(churned.until_standing.count(), churned.stood);
        assert_eq!(
            churned.until_delivery.count() + churned.unheard,
            churned.stood,
            "{options}"
        );
        assert_eq!(evidence.lost, 0, "{options}");
        assert_eq!(evidence.total.received(), evidence.expected, "{options}");
        assert_eq!(evidence.total.duplicated + evidence.total.reordered, 0);
        assert!(evidence.departures.is_empty(), "{:?}", evidence.departures);
        assert!(outcome(&evidence).setbacks.0.is_empty());
    }
}

#[test]
fn who_is_refused_when_it_comes_back_tries_again() {
    let (subscribers, number) = (Subscribers::default(), Arc::new(AtomicU64::new(0)));
    let server = serve(
        move |mut stream| match number.fetch_add(1, Ordering::SeqCst) {
            // Two subscribers and a publisher are there by then.
            3 | 4 => stream
                .write_all(b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n")
                .expect("the client listens"),
            _ => relay_connection(stream, &subscribers, |_| Act::Relay),
        },
    );
    let evidence = run(
        server,
        &format!("-s 2 --rate 100 --reconnect 100%@50ms {LONG}"),
    );
    let reconnected = reconnected(&evidence);
    assert_eq!((reconnected.cut, reconnected.stood), (2, 2));
    assert!(
        reconnected.until_all_stood_ns >= 100_000_000,
        "{reconnected:?}"
    );
    let setbacks = &outcome(&evidence).setbacks.0;
    assert_eq!(setbacks.values().sum::<u64>(), 2, "{setbacks:?}");
    assert!(
        setbacks.keys().all(|how| how.contains("503")),
        "{setbacks:?}"
    );
}

/// How a server with a history treats a subscriber that names its position.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Recovery {
    Faithful,
    /// Leaves the first of the missing messages out.
    SkipsOne,
    /// Sends the last message that the subscriber has had once more.
    RepeatsOne,
    /// Says that the position is lost, and goes on live.
    Forgets,
}

/// What the server keeps of the one topic there is: every message as it is sent, and where each subscriber hears it.
#[derive(Default)]
struct History {
    messages: Vec<Vec<u8>>,
    subscribers: Vec<TcpStream>,
    connections: u64,
    unsubscriptions: u64,
    /// How many messages lay between the positions that were named and the newest.
    missed: u64,
}

/// A server that speaks as much of ringwire's JSON dialect as the generator does, with a history that a test can look into.
fn keeping(history: Arc<Mutex<History>>, recovery: Recovery) -> SocketAddr {
    serve(move |stream| {
        history.lock().unwrap().connections += 1;
        stream.set_nodelay(true).expect("a TCP stream");
        let mut reader = BufReader::new(stream.try_clone().expect("a descriptor"));
        let Some((_, key)) = read_head(&mut reader) else {
            return;
        };
        let mut writer = stream;
        let fields = "Sec-WebSocket-Protocol: ringwire.v1.json\r\n";
        let hello = frame(1, br#"{"hello":{"server":"scripted"}}"#);
        let _ = writer.write_all(&[welcome(&key, fields), hello].concat());
        while let Some((opcode, payload)) = read_frame(&mut reader) {
            if opcode == 8 {
                let _ = writer.write_all(&frame(8, &payload));
                return;
            }
            let command: Value = serde_json::from_slice(&payload).expect("a command");
            let mut history = history.lock().unwrap();
            match command["base64"].as_str() {
                Some(base64) => history.publish(base64),
                None if command["unsubscribe"] == "load/0" => {
                    history.unsubscribe(&command, &mut writer);
                }
                None => history.subscribe(&command, recovery, &mut writer),
            }
        }
    })
}

impl History {
    fn publish(&mut self, base64: &str) {
        let at = self.messages.len() + 1;
        let message = format!(r#"{{"topic":"load/0","at":"e:{at}","base64":"{base64}"}}"#);
        self.messages.push(frame(1, message.as_bytes()));
        let message = &self.messages[at - 1];
        self.subscribers
            .retain_mut(|stream| stream.write_all(message).is_ok());
    }

    fn unsubscribe(&mut self, command: &Value, writer: &mut TcpStream) {
        let who = writer.peer_addr().expect("a connection");
        let before = self.subscribers.len();
        self.subscribers
            .retain(|stream| stream.peer_addr().is_ok_and(|other| other != who));
        assert_eq!(self.subscribers.len(), before - 1, "it was subscribed once");
        self.unsubscriptions += 1;
        let answer = format!(
            r#"{{"id":{},"ok":{{"unsubscribed":"load/0"}}}}"#,
            command["id"]
        );
        let _ = writer.write_all(&frame(1, answer.as_bytes()));
    }

    fn subscribe(&mut self, command: &Value, recovery: Recovery, writer: &mut TcpStream) {
        let id = &command["id"];
        let at = self.messages.len();
        let since = command["since"].as_str().map(|since| {
            since
                .strip_prefix("e:")
                .expect("our epoch")
                .parse()
                .expect("a number")
        });
        self.missed += since.map_or(0, |since: usize| at.saturating_sub(since) as u64);
        let (answer, from) = match (since, recovery) {
            (None, _) => (String::new(), at),
            (Some(_), Recovery::Forgets) => {
                (r#""recovered":false,"reason":"retention","#.to_owned(), at)
            }
            (Some(since), Recovery::Faithful) => (r#""recovered":true,"#.to_owned(), since),
            (Some(since), Recovery::SkipsOne) => (r#""recovered":true,"#.to_owned(), since + 1),
            (Some(since), Recovery::RepeatsOne) => (r#""recovered":true,"#.to_owned(), since - 1),
        };
        let answer =
            format!(r#"{{"id":{id},"ok":{{"subscribed":"load/0",{answer}"at":"e:{at}"}}}}"#);
        let missed: usize = from.min(at);
        let words = [
            frame(1, answer.as_bytes()),
            self.messages[missed..].concat(),
        ]
        .concat();
        let _ = writer.write_all(&words);
        self.subscribers
            .push(writer.try_clone().expect("a descriptor"));
    }
}

/// Four subscriptions, of which one is begun anew at the beginning of the window and one after 2 s.
const RESUBSCRIBING: &str =
    "--driver ringwire-json -s 4 --rate 50 --churn-subscriptions 0.5 --duration 3900ms";

#[test]
fn subscriptions_are_ended_and_begun_again_on_their_connections() {
    let history = Arc::<Mutex<History>>::default();
    let evidence = run(keeping(history.clone(), Recovery::Faithful), RESUBSCRIBING);
    let subscriptions = outcome(&evidence).subscriptions.as_ref();
    let churned = subscriptions.expect("there was churn");
    assert_eq!((churned.ended, churned.stood, churned.unheard), (2, 2, 0));
    assert_eq!(churned.until_standing.count(), 2);
    assert_eq!(churned.until_delivery.count(), 2);
    let history = history.lock().unwrap();
    assert_eq!((history.connections, history.unsubscriptions), (5, 2));
    assert_eq!(history.messages.len() as u64, evidence.total.published);
    // Those two missed what was sent while they were away, which is not lost.
    assert_eq!(evidence.total.received(), evidence.expected);
    let missed = evidence.total.published * 4 - evidence.expected;
    assert!(missed < evidence.total.published, "{missed}");
    assert_eq!(
        evidence.lost + evidence.total.duplicated + evidence.total.reordered,
        0
    );
    assert!(outcome(&evidence).connections.is_none() && outcome(&evidence).setbacks.0.is_empty());
    assert_eq!(evidence.departures, []);
}

/// Of four subscribers two are cut off 100 ms into the window, and come back 0 and 100 ms later; 200 messages a second. Also
/// told: how many messages they missed, as the server knows it.
fn recover(recovery: Recovery) -> (Evidence, u64) {
    let options = "--driver ringwire-json -s 4 --rate 200 --reconnect 50%@100ms --connect-rate 10";
    let history = Arc::<Mutex<History>>::default();
    let evidence = run(
        keeping(history.clone(), recovery),
        &format!("{options} {LONG}"),
    );
    let missed = history.lock().unwrap().missed;
    (evidence, missed)
}

#[test]
fn what_was_published_meanwhile_arrives_once_and_in_order_and_late() {
    let (evidence, missed) = recover(Recovery::Faithful);
    let reconnected = reconnected(&evidence);
    assert_eq!((reconnected.cut, reconnected.stood), (2, 2));
    assert_eq!((reconnected.resumed, reconnected.recovered), (2, 2));
    assert_eq!(reconnected.position_lost, 0);
    assert!(missed > 0, "{reconnected:?}");
    assert_eq!(reconnected.messages_recovered, missed);
    assert_eq!(
        evidence.lost + evidence.total.duplicated + evidence.total.reordered,
        0
    );
    assert_eq!(evidence.total.received(), evidence.expected);
    let max_ms = evidence.latency.max_ns() / 1_000_000;
    assert!(max_ms >= 90, "the first of them waited {max_ms} ms");
}

#[test]
fn one_message_lost_over_a_reconnection_is_caught() {
    let (evidence, _) = recover(Recovery::SkipsOne);
    // Nothing may have been missing yet at who came back at once: then it loses the next one, or none.
    assert!((1..=2).contains(&evidence.lost), "{}", evidence.lost);
    assert_eq!(evidence.total.duplicated + evidence.total.reordered, 0);
}

#[test]
fn one_message_replayed_twice_is_caught() {
    let (evidence, _) = recover(Recovery::RepeatsOne);
    assert_eq!((evidence.lost, evidence.total.duplicated), (0, 2));
}

#[test]
fn a_position_that_the_server_has_lost_is_told_and_what_was_missed_is_lost() {
    let (evidence, missed) = recover(Recovery::Forgets);
    let reconnected = reconnected(&evidence);
    assert_eq!((reconnected.resumed, reconnected.recovered), (2, 0));
    assert_eq!(reconnected.position_lost, 2);
    assert!(missed > 0, "{reconnected:?}");
    assert_eq!(evidence.lost, missed);
}
