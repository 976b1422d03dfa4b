//! Which server, and what it speaks.

use std::sync::Arc;

use clap::Args;
use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};

use crate::dialect::{DRIVERS, Dialect, Driver, Role};
use crate::failure::Failure;
use crate::plan::{Endpoint, Layout};
use crate::url::{TOPIC_PLACE, UrlTemplate};

/// Where to connect, and how to speak there.
#[derive(Debug, Args)]
pub struct Target {
    /// The server. What becomes of this URL depends on --driver
    #[arg(default_value = "ws://127.0.0.1:7464")]
    pub url: String,

    /// What the server speaks
    #[arg(long, value_parser = drivers(), default_value = "ringwire", value_name = "NAME")]
    pub driver: &'static Driver,

    /// Where subscribers connect, `{topic}` being replaced; instead of what URL says
    #[arg(long, value_name = "URL")]
    pub subscribe_url: Option<String>,

    /// Where publishers connect, `{topic}` being replaced; instead of what URL says
    #[arg(long, value_name = "URL")]
    pub publish_url: Option<String>,
}

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
    /// What is spoken inside WebSocket messages.
    pub(super) fn dialect(&self) -> Arc<dyn Dialect> {
        (self.driver.dialect)()
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
            return Ok((
                endpoint(&self.subscribe_url, Role::Subscribe)?,
                endpoint(&self.publish_url, Role::Publish)?,
            ));
        }
        if self.subscribe_url.is_some() || self.publish_url.is_some() {
            return Err(Failure::Usage(
                "with --echo and --rooms one connection publishes and receives: give its URL alone, with --driver url if it is to be \
                 used as it is"
                    .to_owned(),
            ));
        }
        let both = endpoint(&None, Role::Both)?;
        Ok((both.clone(), both))
    }
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
