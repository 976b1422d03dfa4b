//! `ringwire sub PATTERN`: prints what is published, and goes on where it was after the connection
//! broke, by the positions of the messages it has printed.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::thread;
use std::time::{Duration, Instant};

use broker::{Pattern, Position, TopicName};
use clap::Args;
use protocol::handshake::client::{Offer, Response};
use protocol::ws::{self, Event, Input, Kind};
use session::Since;
use session::dialect::json::{Answer, Command, Id, PROTOCOL, ServerMessage, Verb};

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

/// Pauses between attempts to connect again: the first, and the longest.
const PAUSE_MIN: Duration = Duration::from_millis(250);
const PAUSE_MAX: Duration = Duration::from_secs(8);
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
    let mut pause = PAUSE_MIN;
    loop {
        let from = printer.resume(&pattern).unwrap_or_else(|| since.clone());
        let begun = Instant::now();
        match follow(stream, peer.authority(), &pattern, from, &mut printer)? {
            Ended::Done => return Ok(()),
            Ended::Broken(why) => eprintln!("ringwire: {why}; connecting again"),
        }
        if begun.elapsed() > PAUSE_MAX {
            pause = PAUSE_MIN;
        }
        stream = loop {
            thread::sleep(pause);
            pause = (pause * 2).min(PAUSE_MAX);
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
    loop {
        if let Err(error) = link.flush() {
            return Ok(Ended::Broken(broken(error).to_string()));
        }
        if let Some(ended) = link.take_input(printer, !pattern.is_exact())? {
            return Ok(ended);
        }
        match link.read() {
            Ok(true) => {}
            Ok(false) => return Ok(Ended::Broken("the server closed the connection".into())),
            Err(error) => return Ok(Ended::Broken(broken(error).to_string())),
        }
    }
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
    ping_interval_ms: 0,
    pong_timeout_ms: 10_000,
    close_timeout_ms: 1000,
};

impl Link {
    /// The opening handshake. The inner error is worth another attempt.
    fn open(mut stream: Stream, host: &str) -> Result<Result<Self, String>, Error> {
        let mut key = [0; 16];
        getrandom::fill(&mut key)
            .map_err(|error| Error(format!("the system gives no randomness: {error}")))?;
        let seed = getrandom::u64()
            .map_err(|error| Error(format!("the system gives no randomness: {error}")))?;
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
        let now_ms = u64::try_from(self.begun.elapsed().as_millis()).unwrap_or(u64::MAX);
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
                    let code = code.map_or(1005, |code| code.0);
                    // 45xx: trying again would end the same way.
                    if (4500..5000).contains(&code) {
                        return Err(Error(format!("closed by the server with {code}: {reason}")));
                    }
                    return Ok(Some(Ended::Broken(format!(
                        "closed by the server with {code}: {reason}"
                    ))));
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
