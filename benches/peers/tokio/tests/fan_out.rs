//! The peer does what it is measured for: real WebSocket clients get what is published to their topic, whole and
//! in order, and nobody else does.

use std::io::{BufRead, BufReader};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tungstenite::stream::MaybeTlsStream;
use tungstenite::{Message, WebSocket};

const PATIENCE: Duration = Duration::from_secs(60);

type Client = WebSocket<MaybeTlsStream<TcpStream>>;

/// A server that runs, and ends with its test.
struct Server {
    child: Child,
    address: String,
}

impl Server {
    fn start() -> Server {
        let mut child = Command::new(env!("CARGO_BIN_EXE_ringwire-peer-tokio"))
            .arg("127.0.0.1:0")
            .stdout(Stdio::piped())
            .spawn()
            .expect("the server starts");
        let mut line = String::new();
        let output = child.stdout.take().expect("it is piped");
        BufReader::new(output)
            .read_line(&mut line)
            .expect("it says where it listens");
        let address = line.trim().strip_prefix("listening on ").map(str::to_owned);
        Server {
            child,
            address: address.expect("an address"),
        }
    }

    fn join(&self, target: &str) -> Client {
        let (client, _) =
            tungstenite::connect(format!("ws://{}{target}", self.address)).expect("it upgrades");
        let MaybeTlsStream::Plain(stream) = client.get_ref() else {
            panic!("ws:// is plain");
        };
        stream
            .set_read_timeout(Some(PATIENCE))
            .expect("a socket has time-outs");
        client
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself; then there is nothing to end.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// Every subscriber of the topic gets every message in order, text as text; one that left is no obstacle.
#[test]
fn a_published_message_reaches_the_subscribers_of_its_topic() {
    let server = Server::start();
    let mut subscribers: Vec<Client> = (0..20).map(|_| server.join("/t/a%2Fb?mode=sub")).collect();
    let mut other = server.join("/t/other");
    let mut publisher = server.join("/t/a%2Fb?mode=pub");
    drop(subscribers.pop());
    let messages: Vec<Message> = (0..300)
        .map(|number: usize| Message::binary(vec![number as u8; number * 40]))
        .chain([Message::text("the last")])
        .collect();
    for message in &messages {
        publisher.write(message.clone()).expect("it reads");
    }
    publisher.flush().expect("it reads");
    for subscriber in &mut subscribers {
        for message in &messages {
            assert_eq!(&subscriber.read().expect("it comes"), message);
        }
    }
    // What the other topic's subscriber gets first is its own message.
    other.send(Message::text("mine")).expect("it reads");
    assert_eq!(other.read().expect("it comes"), Message::text("mine"));
}

/// A ping is answered, and a close is answered with a close.
#[test]
fn pings_and_closes_are_answered() {
    let server = Server::start();
    let mut client = server.join("/t/a");
    client.send(Message::Ping("x".into())).expect("it reads");
    assert_eq!(client.read().expect("a pong"), Message::Pong("x".into()));
    client.close(None).expect("it reads");
    assert!(matches!(client.read(), Ok(Message::Close(_))));
}
