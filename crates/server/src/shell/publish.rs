//! `ringwire pub TOPIC [DATA|-]`: publishes one message, or each line of standard input.

use std::io::{BufRead, Read, Write};

use clap::Args;
use protocol::http1::{Limits, client};
use serde::Deserialize;

use super::server::{Peer, Server};
use super::{Error, broken, topic_path};

/// Publish one message.
#[derive(Debug, Args)]
pub struct Publish {
    /// The topic.
    topic: String,

    /// The message; `-` publishes each line of standard input as a message.
    #[arg(default_value = "-", allow_hyphen_values = true)]
    data: String,

    /// The message is JSON: checked, and marked so.
    #[arg(long)]
    json: bool,

    /// Say nothing; otherwise each message's position is printed.
    #[arg(long, short)]
    quiet: bool,

    #[command(flatten)]
    server: Server,
}

#[derive(Deserialize)]
struct Published {
    at: String,
}

#[derive(Deserialize)]
struct Refused {
    error: Explained,
}

#[derive(Deserialize)]
struct Explained {
    message: String,
}

/// Runs `ringwire pub`.
///
/// # Errors
/// The broker is not there, or refuses.
pub fn publish(args: &Publish) -> Result<(), Error> {
    let peer = args.server.peer()?;
    if args.data != "-" {
        return publish_one(args, &peer, args.data.as_bytes());
    }
    let mut input = std::io::stdin().lock();
    let mut line = Vec::new();
    loop {
        line.clear();
        if input
            .read_until(b'\n', &mut line)
            .map_err(|error| Error(format!("cannot read standard input: {error}")))?
            == 0
        {
            return Ok(());
        }
        publish_one(args, &peer, line.strip_suffix(b"\n").unwrap_or(&line))?;
    }
}

fn publish_one(args: &Publish, peer: &Peer, payload: &[u8]) -> Result<(), Error> {
    let content_type = match (args.json, std::str::from_utf8(payload)) {
        (true, _) => "application/json",
        (false, Ok(_)) => "text/plain",
        (false, Err(_)) => "application/octet-stream",
    };
    let answer = post(peer, &topic_path(&args.topic), content_type, payload)?;
    if answer.status() != 200 {
        let message = serde_json::from_slice(answer.body()).map_or_else(
            |_| "no reason given".to_owned(),
            |refused: Refused| refused.error.message,
        );
        return Err(Error(format!(
            "refused with status {}: {message}",
            answer.status()
        )));
    }
    let published: Published = serde_json::from_slice(answer.body())
        .map_err(|_| Error("the answer is not ringwire's".into()))?;
    if !args.quiet {
        println!("{}", published.at);
    }
    Ok(())
}

fn post(
    peer: &Peer,
    target: &str,
    content_type: &str,
    body: &[u8],
) -> Result<client::Response, Error> {
    let request = client::Request {
        method: "POST",
        host: peer.authority(),
        target,
        headers: &[("content-type", content_type)],
        body,
        keep_alive: false,
    };
    let mut bytes = Vec::new();
    request
        .write(&mut bytes)
        .map_err(|error| Error(error.to_string()))?;
    let mut stream = peer.connect()?;
    stream.write_all(&bytes).map_err(broken)?;
    let mut reader = client::ResponseReader::new(Limits::default());
    let mut buffer = [0; 4096];
    loop {
        let received = stream.read(&mut buffer).map_err(broken)?;
        let answer = match received {
            0 => reader.end().map(Some),
            _ => reader.receive(&mut &buffer[..received]),
        };
        if let Some(response) = answer.map_err(|error| Error(error.to_string()))? {
            return Ok(response);
        }
    }
}
