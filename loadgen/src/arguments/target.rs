//! Which server, and what it speaks.

use clap::Args;
use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};

use crate::dialect::{DRIVERS, Dialect, Driver, Role};
use crate::failure::Failure;
use crate::plan::{Endpoint, Handshake, Layout};
use crate::url::{TOPIC_PLACE, UrlTemplate};

/// Where to connect, and how to speak there.
#[derive(Debug, Args)]
pub struct Target {
    /// The server's URL; what becomes of it depends on --driver
    #[arg(default_value = "ws://127.0.0.1:7464")]
    pub url: String,

    /// What the server speaks
    #[arg(long, value_parser = drivers(), default_value = "ringwire", value_name = "NAME")]
    pub driver: &'static Driver,

    /// Where subscribers connect, `{topic}` being replaced; instead of what URL says
    #[arg(long, value_name = "URL")]
    pub subscribe_url: Option<String>,

    /// Where publishers connect, `{topic}` being replaced; instead of what URL says
    ///
    /// With http:// or https:// each message is the body of a POST: one connection for each topic or publisher, one request at a time
    /// on each, later messages wait
    #[arg(long, value_name = "URL")]
    pub publish_url: Option<String>,

    /// A header of each opening handshake, as in 'Authorization: Bearer abc'; may be given several times
    #[arg(long, value_name = "NAME: VALUE")]
    pub header: Vec<String>,

    /// The WebSocket subprotocol to offer, instead of what the driver offers; `none` offers none. A server that does not agree to
    /// one that is offered is refused, as browsers do
    #[arg(long, value_name = "NAME")]
    pub subprotocol: Option<String>,

    /// Offers permessage-deflate as browsers do, and wants the server to agree
    ///
    /// Give --json-payload with it: noise does not compress
    #[arg(long)]
    pub compress: bool,
}

/// What `--subprotocol` calls the absence of one.
const NO_SUBPROTOCOL: &str = "none";

/// Headers that the handshake has already, with values of its own.
const OWN_HEADERS: [&str; 4] = ["host", "upgrade", "connection", "content-length"];

fn drivers() -> impl TypedValueParser<Value = &'static Driver> {
    let names = DRIVERS
        .iter()
        .map(|driver| PossibleValue::new(driver.name).help(driver.help));
    PossibleValuesParser::new(names).try_map(|name| {
        let driver = DRIVERS.iter().find(|driver| driver.name == name);
        driver.copied().ok_or("the table of drivers has it")
    })
}

impl Target {
    /// What opening handshakes carry besides what RFC 6455 wants.
    pub(super) fn handshake(&self, dialect: &dyn Dialect) -> Result<Handshake, String> {
        let subprotocols = match self.subprotocol.as_deref() {
            None => dialect
                .subprotocols()
                .iter()
                .map(ToString::to_string)
                .collect(),
            Some(NO_SUBPROTOCOL) => Vec::new(),
            Some(name) if is_token(name) => vec![name.to_owned()],
            Some(name) => {
                return Err(format!(
                    "--subprotocol {name}: a name has letters, digits and no blanks or commas"
                ));
            }
        };
        let headers = self.header.iter().map(|header| parse_header(header));
        Ok(Handshake {
            subprotocols,
            headers: headers.collect::<Result<_, _>>()?,
            compress: self.compress,
        })
    }

    /// Where subscribers connect, and where publishers do. That is one place for connections that are both.
    pub(super) fn endpoints(
        &self,
        dialect: &dyn Dialect,
        layout: &Layout,
    ) -> Result<(Endpoint, Endpoint), Failure> {
        // A server that sends everybody only what they have sent needs no topics.
        let may_share = layout.topics == 1 || layout.is_echo();
        let endpoint = |own: &Option<String>, role| {
            let url = own.clone().unwrap_or_else(|| dialect.url(&self.url, role));
            endpoint(&url, !may_share && !dialect.names_topic(role))
        };
        if !layout.is_duplex() {
            let subscribe = endpoint(&self.subscribe_url, Role::Subscribe)?;
            refuse_http(&subscribe)?;
            return Ok((subscribe, endpoint(&self.publish_url, Role::Publish)?));
        }
        if self.subscribe_url.is_some() || self.publish_url.is_some() {
            return Err(Failure::Usage(
                "with --echo and --rooms one connection publishes and receives: give its URL alone, with --driver url if it is to be \
                 used as it is"
                    .to_owned(),
            ));
        }
        let both = endpoint(&None, Role::Both)?;
        refuse_http(&both)?;
        Ok((both.clone(), both))
    }
}

fn parse_header(header: &str) -> Result<(String, String), String> {
    let (name, value) = header
        .split_once(':')
        .map(|(name, value)| (name, value.trim()))
        .filter(|(name, value)| is_token(name) && !value.contains(char::is_control))
        .ok_or_else(|| {
            format!("--header {header}: a header is a name, a colon and a value, as in 'Authorization: Bearer abc'")
        })?;
    let own = name.to_ascii_lowercase();
    if own == "sec-websocket-protocol" {
        return Err(format!("--header {header}: give it with --subprotocol"));
    }
    if OWN_HEADERS.contains(&own.as_str()) || own.starts_with("sec-websocket-") {
        return Err(format!(
            "--header {header}: the handshake has that one of its own"
        ));
    }
    Ok((name.to_owned(), value.to_owned()))
}

/// RFC 9110 section 5.6.2.
fn is_token(text: &str) -> bool {
    let is_mark = |letter| "!#$%&'*+-.^_`|~".contains(letter);
    let is_letter = |letter: char| letter.is_ascii_alphanumeric() || is_mark(letter);
    !text.is_empty() && text.chars().all(is_letter)
}

fn refuse_http(endpoint: &Endpoint) -> Result<(), Failure> {
    if endpoint.url.is_http() {
        return Err(Failure::Usage(
            "nobody subscribes over http://: subscribers need a ws:// URL, publishers may have --publish-url http://HOST:PORT/..."
                .to_owned(),
        ));
    }
    Ok(())
}

fn endpoint(url: &str, must_name_topic: bool) -> Result<Endpoint, Failure> {
    let url = UrlTemplate::parse(url).map_err(Failure::Usage)?;
    if must_name_topic && !url.names_topic() {
        return Err(Failure::Usage(format!(
            "with several topics each URL needs a place for the name: {TOPIC_PLACE}"
        )));
    }
    let server_name = url.server_name().map_err(Failure::Usage)?;
    let address = url.resolve()?;
    Ok(Endpoint {
        url,
        address,
        server_name,
    })
}
