//! `ringwire sub PATTERN`: prints what is published, and goes on where it was after the connection
//! broke, by the positions of the messages it has printed.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::thread;
use std::time::{Duration, Instant};

use broker::{Pattern, Position, TopicName};
use clap::Args;
use frame::CloseCode;
use protocol::handshake::client::{Offer, Response};
use protocol::ws::{self, Event, Input, Kind};
use session::Since;
use session::dialect::json::{Answer, Command, Id, PROTOCOL, ServerMessage, Verb};

use super::pauses::Pauses;
use super::server::{Server, Stream};
use super::{Error, broken};

/// Print the messages of a topic or pattern.
#[derive(Debug, Args)]
pub struct Subscribe {
    /// A topic, or a pattern: `*` is one level, `**` at the end any number.
    pattern: String,

    /// Begin after a position (`k3v9x2:41`), or this long ago (`90s`, `5m`, `2h`).
    #[arg(long, conflicts_with = "last")]
    since: Option<String>,

    /// Begin with at most so many of the newest messages.
    #[arg(long)]
    last: Option<u32>,

    /// End after so many messages.
    #[arg(long, short = 'n')]
    count: Option<u64>,

    /// Print each message as the JSON it came in, with its topic and position.
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    server: Server,
}

/// A server that is silent for so long is taken for gone; it pings every 25 s by default.
const SILENCE_MAX: Duration = Duration::from_secs(60);

/// Runs `ringwire sub`.
///
/// # Errors
/// The broker is not there at first, or refuses the subscription.
pub fn subscribe(args: &Subscribe) -> Result<(), Error> {
    let pattern = Pattern::parse(&args.pattern)
        .map_err(|error| Error(format!("{}: {error}", args.pattern)))?;
    let mut printer = Printer {
        json: args.json,
        left: args.count,
        positions: BTreeMap::new(),
    };
    let since = begin(args)?;
    let peer = args.server.peer()?;
    let mut stream = peer.connect()?;
    let mut pauses = Pauses::default();
    loop {
        let from = printer.resume(&pattern).unwrap_or_else(|| since.clone());
        let begun = Instant::now();
        match follow(stream, peer.authority(), &pattern, from, &mut printer)? {
            Ended::Done => return Ok(()),
            Ended::Broken(why) => eprintln!("ringwire: {why}; connecting again"),
        }
        if begun.elapsed() > Pauses::MAX {
            pauses = Pauses::default();
        }
        stream = loop {
            thread::sleep(pauses.next(getrandom::u32().map_err(no_randomness)?));
            if let Ok(stream) = peer.connect() {
                break stream;
            }
        };
    }
}

fn begin(args: &Subscribe) -> Result<Since, Error> {
    match (&args.since, args.last) {
        (Some(since), _) => Since::parse(since)
            .map_err(|cause| Error(format!("--since {since}: {}", cause.message))),
        (None, Some(last)) => Ok(Since::Last(last)),
        (None, None) => Ok(Since::Live),
    }
}

/// How one connection ended.
enum Ended {
    /// As many messages as were wanted.
    Done,
    /// The connection is gone; the subscription goes on over another.
    Broken(String),
}

/// What is printed, and where the next connection goes on: behind the newest message of each topic,
/// or where the subscription stood before the first.
struct Printer {
    json: bool,
    left: Option<u64>,
    positions: BTreeMap<String, Position>,
}

impl Printer {
    /// Where to go on after what was printed; `None` if that was nothing.
    fn resume(&self, pattern: &Pattern) -> Option<Since> {
        if pattern.is_exact() {
            return self
                .positions
                .values()
                .next()
                .map(|at| Since::Position(*at));
        }
        let name = |(topic, at): (&String, &Position)| Some((TopicName::parse(topic).ok()?, *at));
        let each: Vec<_> = self.positions.iter().filter_map(name).collect();
        (!each.is_empty()).then_some(Since::Each(each))
    }

    /// Handles one message of the server; true when there is nothing more to wait for.
    fn take(&mut self, text: &[u8], many: bool) -> Result<bool, Error> {
        let message = ServerMessage::parse(text)
            .map_err(|_| Error("the server does not speak ringwire's JSON dialect".into()))?;
        match message {
            ServerMessage::Message { topic, at, payload } => {
                let mut out = std::io::stdout().lock();
                let written = match (self.json, many) {
                    (true, _) => out.write_all(text),
                    (false, true) => {
                        write!(out, "{topic}: ").and_then(|()| out.write_all(&payload.bytes))
                    }
                    (false, false) => out.write_all(&payload.bytes),
                };
                written
                    .and_then(|()| out.write_all(b"\n"))
                    .and_then(|()| out.flush())
                    .map_err(|error| Error(format!("cannot write: {error}")))?;
                self.positions.insert(topic.into_owned(), at);
                self.left = self.left.map(|left| left.saturating_sub(1));
            }
            ServerMessage::Gap {
                topic,
                after,
                until,
            } => {
                eprintln!(
                    "ringwire: {topic}: messages after {after} up to {until} were skipped: this client is too slow"
                );
            }
            ServerMessage::Error { message, .. } => {
                return Err(Error(format!("refused: {message}")));
            }
            ServerMessage::Answer {
                answer:
                    Answer::Subscribed {
                        pattern,
                        at,
                        recovered,
                    },
                ..
            } => {
                if recovered == Some(false) {
                    eprintln!("ringwire: messages were missed that the server no longer keeps");
                }
                match at {
                    Since::Position(at) => drop(self.positions.insert(pattern.into_owned(), at)),
                    Since::Each(each) => self.positions.extend(
                        each.into_iter()
                            .map(|(topic, at)| (topic.as_str().to_owned(), at)),
                    ),
                    _ => {}
                }
            }
            _ => {}
        }
        Ok(self.left == Some(0))
    }
}

/// Subscribes over one connection and prints until it ends.
fn follow(
    stream: Stream,
    host: &str,
    pattern: &Pattern,
    since: Since,
    printer: &mut Printer,
) -> Result<Ended, Error> {
    let mut link = match Link::open(stream, host)? {
        Ok(link) => link,
        Err(why) => return Ok(Ended::Broken(why)),
    };
    let mut command = Vec::new();
    Command {
        id: Id::from_json("1"),
        verb: Verb::Subscribe {
            pattern: pattern.clone(),
            since,
        },
    }
    .write(&mut command);
    link.machine.send(Kind::Text, &command, &mut link.out);
    let ended = link.listen(printer, !pattern.is_exact());
    link.close();
    ended
}

/// One WebSocket over a blocking socket.
struct Link {
    stream: Stream,
    machine: ws::Connection,
    inflater: ws::Inflater,
    received: Vec<u8>,
    out: Vec<u8>,
    begun: Instant,
}

/// The client answers pings and sends none itself.
const CONFIG: ws::Config = ws::Config {
    limits: frame::Limits {
        message_bytes_max: 64 << 20,
        fragments_max: 1024,
    },
    control_frames_per_s_max: 0,
    ping_interval_ms: 0,
    pong_timeout_ms: 10_000,
    close_timeout_ms: 1000,
};

impl Link {
    /// The opening handshake. The inner error is worth another attempt.
    fn open(mut stream: Stream, host: &str) -> Result<Result<Self, String>, Error> {
        let mut key = [0; 16];
        getrandom::fill(&mut key).map_err(no_randomness)?;
        let seed = getrandom::u64().map_err(no_randomness)?;
        let offer = Offer {
            host,
            target: "/ws",
            subprotocols: &[PROTOCOL],
            headers: &[],
            key,
            deflate: None,
        };
        let mut out = Vec::new();
        offer
            .write(&mut out)
            .map_err(|error| Error(error.to_string()))?;
        let mut response = Response::new(&offer);
        let mut received = Vec::new();
        if let Err(error) = stream.write_all(&out) {
            return Ok(Err(broken(error).to_string()));
        }
        loop {
            let mut buffer = [0; 4096];
            let count = match stream.read(&mut buffer) {
                Ok(0) => return Ok(Err("the server closed the connection".into())),
                Ok(count) => count,
                Err(error) => return Ok(Err(broken(error).to_string())),
            };
            let mut input = &buffer[..count];
            if response
                .receive(&mut input)
                .map_err(|error| Error(format!("no WebSocket there: {error}")))?
                .is_some()
            {
                received.extend_from_slice(input);
                break;
            }
        }
        stream.set_read_timeout(SILENCE_MAX).map_err(broken)?;
        let machine = ws::Connection::new(ws::Role::Client, 0, seed);
        Ok(Ok(Self {
            stream,
            machine,
            inflater: ws::Inflater::default(),
            received,
            out: Vec::new(),
            begun: Instant::now(),
        }))
    }

    /// Sends what waits and prints what comes, until the subscription or the connection ends.
    fn listen(&mut self, printer: &mut Printer, many: bool) -> Result<Ended, Error> {
        loop {
            if let Err(error) = self.flush() {
                return Ok(Ended::Broken(broken(error).to_string()));
            }
            if let Some(ended) = self.take_input(printer, many)? {
                return Ok(ended);
            }
            match self.read() {
                Ok(true) => {}
                Ok(false) => return Ok(Ended::Broken("the server closed the connection".into())),
                Err(error) => return Ok(Ended::Broken(broken(error).to_string())),
            }
        }
    }

    /// Says goodbye, or answers the server's: RFC 6455 section 5.5.1 wants a Close for a Close. Then
    /// the server ends the stream (section 7.1.1); one that does not is not waited for.
    fn close(mut self) {
        let timeout = Duration::from_millis(CONFIG.close_timeout_ms);
        let begun = Instant::now();
        self.machine.close(self.now_ms(), CloseCode::NORMAL, "");
        let mut goes_on = self.stream.set_read_timeout(timeout).is_ok() && self.flush().is_ok();
        while goes_on && begun.elapsed() < timeout {
            goes_on = self.read().is_ok_and(|more| more);
        }
    }

    fn now_ms(&self) -> u64 {
        u64::try_from(self.begun.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.machine.transmit(&mut self.out);
        let written = self.stream.write_all(&self.out);
        self.out.clear();
        written
    }

    /// Waits for bytes; false at the end of the stream.
    fn read(&mut self) -> std::io::Result<bool> {
        self.received.resize(64 * 1024, 0);
        let count = self.stream.read(&mut self.received);
        self.received.truncate(*count.as_ref().unwrap_or(&0));
        count.map(|count| count > 0)
    }

    fn take_input(&mut self, printer: &mut Printer, many: bool) -> Result<Option<Ended>, Error> {
        let now_ms = self.now_ms();
        let mut input = Input::new(&mut self.received);
        while let Some(event) =
            self.machine
                .receive(&CONFIG, &mut self.inflater, now_ms, &mut input)
        {
            match event {
                Event::Message { payload, .. } => {
                    if printer.take(&payload, many)? {
                        return Ok(Some(Ended::Done));
                    }
                }
                Event::PeerClosed { code, reason } => {
                    let code = code.unwrap_or(CloseCode::NO_STATUS).0;
                    // Whoever runs this reads the reason as a developer does, and no character of it
                    // steers the terminal.
                    let why = format!(
                        "closed by the server with {code}: {}",
                        reason.escape_debug()
                    );
                    // 45xx: trying again would end the same way.
                    if (4500..5000).contains(&code) {
                        return Err(Error(why));
                    }
                    return Ok(Some(Ended::Broken(why)));
                }
                Event::Failed(failure) => {
                    return Err(Error(format!("the server broke the protocol: {failure}")));
                }
                Event::Pong(_) => {}
            }
        }
        Ok(None)
    }
}

fn no_randomness(error: getrandom::Error) -> Error {
    Error(format!("the system gives no randomness: {error}"))
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use clap::Parser;
    use protocol::handshake::server::{Policy, accept, write_accept};
    use protocol::http1::{Limits, Requests};

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        args: Subscribe,
    }

    /// `ringwire sub a --count 1`, of whom `listener` hears.
    fn client(listener: &TcpListener) -> thread::JoinHandle<Result<(), Error>> {
        let url = format!("ws://{}", listener.local_addr().unwrap());
        let line = Line::parse_from(["sub", "a", "--count", "1", "--server", &url]);
        thread::spawn(move || subscribe(&line.args))
    }

    /// A server for one client: it sends `last`, ends nothing, and tells what code the client's Close
    /// had and whether the client waited for the server to end the stream.
    fn converse(
        last: fn(&mut ws::Connection, &mut Vec<u8>),
    ) -> (Result<(), Error>, Option<u16>, bool) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let client = client(&listener);
        let mut stream = listener.accept().unwrap().0;
        let mut buffer = [0; 4096];
        let mut requests = Requests::new(Limits::default(), 0);
        let mut out = Vec::new();
        while out.is_empty() {
            let count = stream.read(&mut buffer).unwrap();
            if let Some(request) = requests.receive(0, &mut &buffer[..count]).unwrap() {
                let policy = Policy {
                    subprotocols: &[PROTOCOL],
                    deflate: None,
                };
                write_accept(&accept(&request, &policy).unwrap(), &mut out);
            }
        }
        let mut machine = ws::Connection::new(ws::Role::Server, 0, 0);
        let mut inflater = ws::Inflater::default();
        last(&mut machine, &mut out);
        machine.transmit(&mut out);
        let begun = Instant::now();
        stream.write_all(&out).unwrap();
        let mut code = None;
        while code.is_none() {
            let count = stream.read(&mut buffer).unwrap();
            assert!(count > 0, "the client left without a Close");
            let mut input = Input::new(&mut buffer[..count]);
            while let Some(event) = machine.receive(&CONFIG, &mut inflater, 0, &mut input) {
                if let Event::PeerClosed { code: closed, .. } = event {
                    code = closed;
                }
            }
        }
        stream
            .set_read_timeout(Some(Duration::from_millis(100)))
            .unwrap();
        let has_left = stream.read(&mut buffer).is_ok();
        // On a busy machine its patience may have come to its end.
        let waits = !has_left || begun.elapsed() >= Duration::from_millis(CONFIG.close_timeout_ms);
        drop(stream);
        (client.join().unwrap(), code.map(|code| code.0), waits)
    }

    /// RFC 6455 sections 5.5.1 and 7.1.1: a Close is answered with its code, and the server ends the
    /// stream.
    #[test]
    fn the_servers_close_is_answered_and_its_words_do_not_steer_the_terminal() {
        let (ended, code, waits) = converse(|machine, _| {
            machine.close(0, CloseCode(4500), "\x1b[31mno");
        });
        let said = ended.unwrap_err().to_string();
        assert!(
            said.contains("4500") && said.contains("\\u{1b}[31mno"),
            "{said}"
        );
        assert_eq!((code, waits), (Some(4500), true));
    }

    /// What a client sends before it has an answer: its key line, when nothing more comes.
    fn asked() -> String {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let client = client(&listener);
        let mut stream = listener.accept().unwrap().0;
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            stream.read_exact(&mut byte).unwrap();
            head.extend(byte);
        }
        stream
            .set_read_timeout(Some(Duration::from_millis(100)))
            .unwrap();
        assert!(stream.read(&mut [0]).is_err(), "more than a request came");
        stream
            .write_all(b"HTTP/1.1 404 x\r\ncontent-length: 0\r\n\r\n")
            .unwrap();
        assert!(client.join().unwrap().is_err());
        let head = String::from_utf8(head).unwrap();
        let key = head
            .lines()
            .find(|line| line.starts_with("sec-websocket-key: "));
        key.unwrap().to_owned()
    }

    /// Section 4.1: the nonce "MUST be selected randomly for each connection", and the client "MUST
    /// wait for a response from the server before sending any further data".
    #[test]
    fn each_key_is_new_and_nothing_is_sent_before_the_servers_handshake() {
        assert_ne!(asked(), asked());
    }

    /// Section 7.3: a client that is done starts the closing handshake.
    #[test]
    fn a_client_that_has_what_it_wanted_says_goodbye() {
        let (ended, code, waits) = converse(|machine, out| {
            machine.send(Kind::Text, br#"{"topic":"a","at":"k3v9:1","data":1}"#, out);
        });
        ended.unwrap();
        assert_eq!((code, waits), (Some(1000), true));
    }
}
