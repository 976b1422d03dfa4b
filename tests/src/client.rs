//! A WebSocket client of the broker: tungstenite, blocking, with a deadline on every wait.
//!
//! A test is a few threads that each hold a client and read like a conversation.

use std::io::{self, ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::Value;
use tungstenite::client::IntoClientRequest;
use tungstenite::{Error, Message, WebSocket};

use crate::Broker;

/// How long a client waits for anything.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// One connection.
#[derive(Debug)]
pub struct Client {
    socket: WebSocket<Steady>,
}

/// A stream whose waits go on when the process was stopped meanwhile. Linux ends those that have a time-out then
/// (signal(7)), and tungstenite takes that for the connection's end.
#[derive(Debug)]
struct Steady(TcpStream);

impl Read for Steady {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        loop {
            match self.0.read(bytes) {
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                done => return done,
            }
        }
    }
}

impl Write for Steady {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        loop {
            match self.0.write(bytes) {
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                done => return done,
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

/// How a connection ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ending {
    /// With a close frame of this code.
    Closed(u16),
    /// Without one: the stream ended or was reset.
    Cut,
}

impl Client {
    /// Upgrades at `path`, for example `/t/room?mode=sub`.
    pub fn connect(broker: &Broker, path: &str) -> Client {
        Client::try_connect(broker, path).expect("the broker upgrades")
    }

    /// As [`Client::connect`], for a broker that may refuse.
    pub fn try_connect(broker: &Broker, path: &str) -> io::Result<Client> {
        let stream = TcpStream::connect(broker.address())?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        let request = format!("ws://{}{path}", broker.address()).into_client_request();
        let request = request.map_err(io::Error::other)?;
        let (socket, _) = tungstenite::client(request, Steady(stream))
            .map_err(|error| io::Error::other(error.to_string()))?;
        Ok(Client { socket })
    }

    /// A connection that speaks the JSON dialect and has taken the greeting.
    pub fn json(broker: &Broker) -> Client {
        let mut client = Client::connect(broker, "/ws");
        let hello = client.value();
        assert!(hello["hello"].is_object(), "{hello}");
        client
    }

    /// Sends one text message.
    pub fn send(&mut self, text: &str) {
        self.socket
            .send(Message::text(text))
            .expect("the broker reads");
    }

    /// The next message as text.
    pub fn text(&mut self) -> String {
        self.receive().expect("the connection lives")
    }

    /// The next message as JSON.
    pub fn value(&mut self) -> Value {
        serde_json::from_str(&self.text()).expect("the JSON dialect speaks JSON")
    }

    /// The next message as text, or how the connection ended.
    ///
    /// # Errors
    /// The connection's end.
    pub fn receive(&mut self) -> Result<String, Ending> {
        loop {
            match self.socket.read() {
                Ok(Message::Text(text)) => return Ok(text.to_string()),
                Ok(Message::Binary(bytes)) => {
                    return Ok(String::from_utf8_lossy(&bytes).into_owned());
                }
                Ok(Message::Close(frame)) => {
                    return Err(
                        frame.map_or(Ending::Cut, |frame| Ending::Closed(frame.code.into()))
                    );
                }
                Ok(_) => {}
                Err(Error::Io(error)) if error.kind() == ErrorKind::WouldBlock => {
                    panic!("nothing came within {PATIENCE:?}")
                }
                Err(_) => return Err(Ending::Cut),
            }
        }
    }

    /// Reads to the connection's end.
    pub fn ending(&mut self) -> Ending {
        loop {
            if let Err(ending) = self.receive() {
                return ending;
            }
        }
    }
}
