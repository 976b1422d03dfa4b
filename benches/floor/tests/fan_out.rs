//! The floors do what they are there for: every subscriber of a topic gets every frame, publishers none.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tungstenite::Message;

const PATIENCE: Duration = Duration::from_secs(60);
const SUBSCRIBERS: usize = 50;
const MESSAGES: usize = 500;

/// A floor that runs, and ends with its test.
struct Floor {
    child: Child,
    address: SocketAddr,
}

impl Floor {
    fn start(kind: &str) -> Floor {
        let mut child = Command::new(env!("CARGO_BIN_EXE_ringwire-floor"))
            .args([kind, "127.0.0.1:0"])
            .stdout(Stdio::piped())
            .spawn()
            .expect("the floor starts");
        let mut line = String::new();
        let output = child.stdout.take().expect("it is piped");
        BufReader::new(output)
            .read_line(&mut line)
            .expect("it says where it listens");
        let address = line
            .trim()
            .strip_prefix("listening on ")
            .and_then(|text| text.parse().ok());
        Floor {
            child,
            address: address.expect("an address"),
        }
    }

    fn join(&self, target: &str) -> TcpStream {
        let mut stream = TcpStream::connect(self.address).expect("it listens");
        stream
            .set_read_timeout(Some(PATIENCE))
            .expect("a socket has time-outs");
        let key = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==";
        write!(stream, "GET {target} HTTP/1.1\r\nHost: a\r\n{key}\r\n\r\n").expect("it reads");
        let mut answer = Vec::new();
        while !answer.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            stream.read_exact(&mut byte).expect("it answers");
            answer.push(byte[0]);
        }
        assert!(answer.starts_with(b"HTTP/1.1 101 "));
        stream
    }
}

impl Drop for Floor {
    fn drop(&mut self) {
        // It may have ended by itself; then there is nothing to end.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn fans_out(kind: &str) {
    let floor = Floor::start(kind);
    let mut subscribers: Vec<TcpStream> = (0..SUBSCRIBERS)
        .map(|_| floor.join("/t/a?mode=sub"))
        .collect();
    let mut publisher = floor.join("/t/a?mode=pub");
    // A subscriber that leaves is no obstacle.
    drop(subscribers.pop());
    let mut frames = Vec::new();
    let mut expected = Vec::new();
    for number in 0..MESSAGES {
        let payload = format!("{number:08}");
        frames.extend_from_slice(&[0x82, 0x88, 0, 0, 0, 0]);
        frames.extend_from_slice(payload.as_bytes());
        expected.extend_from_slice(&[0x82, 0x08]);
        expected.extend_from_slice(payload.as_bytes());
    }
    publisher.write_all(&frames).expect("it reads");
    for subscriber in &mut subscribers {
        let mut received = vec![0; expected.len()];
        subscriber
            .read_exact(&mut received)
            .expect("every frame comes");
        assert!(received == expected, "in order and whole");
    }
}

/// A real WebSocket client gets what another one publishes.
fn speaks_to_a_client(kind: &str) {
    let floor = Floor::start(kind);
    let join = |mode| {
        let stream = TcpStream::connect(floor.address).expect("it listens");
        stream
            .set_read_timeout(Some(PATIENCE))
            .expect("a socket has time-outs");
        let url = format!("ws://{}/t/a?mode={mode}", floor.address);
        tungstenite::client(url, stream).expect("it upgrades").0
    };
    let (mut subscriber, mut publisher) = (join("sub"), join("pub"));
    for message in [Message::text("a"), Message::binary(vec![7; 100_000])] {
        publisher.send(message.clone()).expect("it reads");
        assert_eq!(subscriber.read().expect("it comes"), message);
    }
}

/// The `send()` floor delivers everything in order.
#[test]
fn send_fans_out() {
    fans_out("send");
    speaks_to_a_client("send");
}

/// The io_uring floor delivers everything in order.
#[test]
fn uring_fans_out() {
    fans_out("uring");
    speaks_to_a_client("uring");
}

/// The tokio-uring floor with one writing task delivers everything in order.
#[test]
fn tokio_uring_fans_out() {
    fans_out("tokio-uring");
    speaks_to_a_client("tokio-uring");
}

/// The tokio-uring floor with a task and a channel for each connection delivers everything in order.
#[test]
fn tokio_uring_with_tasks_fans_out() {
    fans_out("tokio-uring-tasks");
    speaks_to_a_client("tokio-uring-tasks");
}
