//! Centrifugo's client protocol in JSON: objects parted by line ends, one or several in a text message. Payloads are strings
//! of base64. <https://centrifugal.dev/docs/transports/client_protocol>
//!
//! Each connection begins with `connect`, without a token. The server acknowledges each publication; one id for all of them
//! serves, because answers are only counted. An empty object is a ping, and answered by one if the server has said that it
//! wants that: to an answer that it does not want it hangs up.

use std::sync::Arc;

use protocol::ws::Kind;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::json::{self, Text};
use super::{
    Cue, Dialect, Driver, Encoding, Envelope, Heard, Part, Recipe, Refusal, Role, Script, Step,
    under,
};

/// Centrifugo.
pub(super) const DRIVER: Driver = Driver {
    name: "centrifugo",
    help: "Centrifugo's JSON protocol at URL/connection/websocket; the topic's name is the channel",
    recipe: Recipe::Fixed(|| Arc::new(Centrifugo)),
};

const PROTOCOL: &str = "Centrifugo's JSON protocol";

/// Longer names are refused unless the server is configured otherwise.
const CHANNEL_BYTES_MAX: usize = 255;

/// The ids of commands.
const CONNECT: u32 = 1;
const SUBSCRIBE: u32 = 2;
const PUBLISH: u32 = 3;
const UNSUBSCRIBE: u32 = 4;

#[derive(Debug)]
struct Centrifugo;

/// An answer to a command if it has an id, else a push, or a ping if there is nothing in it.
#[derive(Deserialize)]
struct Reply<'m> {
    #[serde(default)]
    id: u32,
    #[serde(borrow)]
    error: Option<Error<'m>>,
    connect: Option<ConnectResult>,
    #[serde(borrow)]
    subscribe: Option<SubscribeResult<'m>>,
    #[serde(borrow)]
    push: Option<Push<'m>>,
}

#[derive(Deserialize)]
struct Error<'m> {
    code: u32,
    #[serde(borrow)]
    message: Text<'m>,
    #[serde(default)]
    temporary: bool,
}

#[derive(Deserialize)]
struct ConnectResult {
    /// Whether pings are to be answered.
    #[serde(default)]
    pong: bool,
}

#[derive(Deserialize)]
struct SubscribeResult<'m> {
    #[serde(borrow)]
    epoch: Option<Text<'m>>,
    #[serde(default)]
    offset: u64,
    #[serde(default)]
    was_recovering: bool,
    #[serde(default)]
    recovered: bool,
    #[serde(borrow, default)]
    publications: Vec<Publication<'m>>,
}

#[derive(Deserialize)]
struct Push<'m> {
    #[serde(borrow, rename = "pub")]
    publication: Option<Publication<'m>>,
    #[serde(borrow)]
    unsubscribe: Option<Advice<'m>>,
    #[serde(borrow)]
    disconnect: Option<Advice<'m>>,
}

#[derive(Deserialize)]
struct Publication<'m> {
    #[serde(borrow)]
    data: Option<&'m RawValue>,
    /// In channels that have a history.
    offset: Option<u64>,
}

/// Why the server ends something.
#[derive(Deserialize)]
struct Advice<'m> {
    #[serde(default)]
    code: u32,
    #[serde(borrow)]
    reason: Option<Text<'m>>,
}

impl Dialect for Centrifugo {
    fn url(&self, url: &str, _role: Role) -> String {
        under(url, "/connection/websocket")
    }

    fn kind(&self) -> Kind {
        Kind::Text
    }

    fn check_topic(&self, name: &str) -> Result<(), &'static str> {
        if !name.is_ascii() || name.len() > CHANNEL_BYTES_MAX {
            return Err("a Centrifugo channel has at most 255 characters, all of them ASCII");
        }
        Ok(())
    }

    fn envelope(&self, topic: &str, _payload_bytes: usize) -> Envelope {
        let channel = json::string(topic);
        let before = format!("{{\"id\":{PUBLISH},\"publish\":{{\"channel\":{channel},\"data\":\"");
        Envelope {
            before: before.into_bytes(),
            encoding: Encoding::Base64,
            after: b"\"}}".to_vec(),
        }
    }

    fn script(&self, part: &Part<'_>) -> Script {
        let connect = format!("{{\"id\":{CONNECT},\"connect\":{{\"name\":\"ringwire-load\"}}}}");
        let connect = Step::new(Cue::Open, connect);
        if !part.subscribes() {
            return Script::from([connect, Step::new(Cue::Greeted, [])]);
        }
        let since = part.since.map_or(String::new(), |since| {
            let epoch = json::string(&since.epoch);
            format!(
                ",\"recover\":true,\"epoch\":{epoch},\"offset\":{}",
                since.offset
            )
        });
        Script::from([
            connect,
            Step::new(Cue::Greeted, subscribe(part.topic, &since)),
            Step::new(Cue::Subscribed, []),
        ])
    }

    fn resubscription(&self, topic: &str) -> Script {
        let channel = json::string(topic);
        let unsubscribe =
            format!("{{\"id\":{UNSUBSCRIBE},\"unsubscribe\":{{\"channel\":{channel}}}}}");
        Script::from([
            Step::new(Cue::Open, unsubscribe),
            Step::new(Cue::Unsubscribed, subscribe(topic, "")),
            Step::new(Cue::Subscribed, []),
        ])
    }

    fn acknowledges(&self) -> bool {
        true
    }

    fn resumes(&self) -> bool {
        true
    }

    fn pong(&self) -> &'static [u8] {
        b"{}"
    }

    fn read(&self, bytes: &[u8], hear: &mut dyn FnMut(Heard<'_>)) -> Result<usize, Refusal> {
        let lines = json::text(bytes, PROTOCOL)?.split('\n');
        for line in lines.filter(|line| !line.trim_ascii().is_empty()) {
            hear_reply(&json::object(line, PROTOCOL)?, hear)?;
        }
        Ok(bytes.len())
    }
}

fn subscribe(channel: &str, since: &str) -> String {
    let channel = json::string(channel);
    format!("{{\"id\":{SUBSCRIBE},\"subscribe\":{{\"channel\":{channel}{since}}}}}")
}

fn hear_reply(reply: &Reply<'_>, hear: &mut dyn FnMut(Heard<'_>)) -> Result<(), Refusal> {
    if let Some(error) = &reply.error {
        if reply.id == PUBLISH && error.temporary {
            hear(Heard::Rejected);
            return Ok(());
        }
        let what = match reply.id {
            CONNECT => "the connection",
            SUBSCRIBE => "the subscription",
            PUBLISH => "a publication",
            _ => "a command",
        };
        return Err(Refusal(format!(
            "it refused {what}: {} ({})",
            error.message.0, error.code
        )));
    }
    match reply.id {
        0 => return hear_push(reply.push.as_ref(), hear),
        CONNECT => {
            if !reply.connect.as_ref().is_some_and(|result| result.pong) {
                hear(Heard::PingsAreIdle);
            }
            hear(Heard::Cue(Cue::Greeted));
        }
        SUBSCRIBE => {
            if let Some(result) = &reply.subscribe {
                hear_subscribed(result, hear);
            }
            hear(Heard::Cue(Cue::Subscribed));
        }
        UNSUBSCRIBE => hear(Heard::Cue(Cue::Unsubscribed)),
        PUBLISH => hear(Heard::Acknowledged),
        _ => hear(Heard::Nothing),
    }
    Ok(())
}

/// What is not the answer to a command.
fn hear_push(push: Option<&Push<'_>>, hear: &mut dyn FnMut(Heard<'_>)) -> Result<(), Refusal> {
    let Some(push) = push else {
        hear(Heard::Ping);
        return Ok(());
    };
    if let Some(publication) = &push.publication {
        hear_publication(publication, hear);
    } else if let Some(advice) = &push.unsubscribe {
        return Err(advice.refusal("it ended the subscription"));
    } else if let Some(advice) = &push.disconnect {
        return Err(advice.refusal("it disconnects"));
    } else {
        hear(Heard::Nothing);
    }
    Ok(())
}

fn hear_subscribed(result: &SubscribeResult<'_>, hear: &mut dyn FnMut(Heard<'_>)) {
    // A recovered subscription goes on where it was, and moves on with each publication.
    if let Some(epoch) = &result.epoch
        && !result.recovered
    {
        hear(Heard::Position {
            epoch: Some(&epoch.0),
            offset: result.offset,
        });
    }
    if result.was_recovering || result.recovered {
        hear(Heard::Recovered(result.recovered));
    }
    for publication in &result.publications {
        hear_publication(publication, hear);
    }
}

fn hear_publication(publication: &Publication<'_>, hear: &mut dyn FnMut(Heard<'_>)) {
    if let Some(offset) = publication.offset {
        hear(Heard::Position {
            epoch: None,
            offset,
        });
    }
    let data = publication.data.map_or("", RawValue::get);
    match serde_json::from_str::<Text<'_>>(data) {
        Ok(text) => json::deliver_base64(&text.0, hear),
        // What others publish as JSON is none of ours, and judged so.
        Err(_) => hear(Heard::Delivery(data.as_bytes())),
    }
}

impl Advice<'_> {
    fn refusal(&self, what: &str) -> Refusal {
        let reason = self.reason.as_ref().map_or("no reason", |text| &text.0);
        Refusal(format!("{what}: {reason} ({})", self.code))
    }
}
