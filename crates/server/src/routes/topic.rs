//! `/t/<topic or pattern>`: one URL, four ways in. A WebSocket subscribes, GET reads the history,
//! POST and PUT publish.

use broker::{Kind, Publisher};
use protocol::handshake::server;
use session::{Cause, Opening, Query, Reason, Session, dialect::json, path_pattern, path_topic};

use super::{Exchange, Outcome, subscribe};
use crate::connection::{HISTORY_MESSAGES_MAX, refused_handshake};
use crate::wire;

/// What stands before the topic in a path.
pub(super) const PREFIX: &str = "/t/";

const NO_EVENT_STREAM: Cause = Cause::new(
    Reason::NotImplemented,
    "event streams are not served yet: subscribe by WebSocket",
);
const BAD_TEXT: Cause = Cause::new(Reason::InvalidPayload, "the body is not valid UTF-8");
const CODED_BODY: Cause = Cause::new(
    Reason::UnsupportedData,
    "a body with a content coding is not accepted",
);

pub(super) fn serve(exchange: Exchange<'_>) -> Outcome {
    let request = exchange.request;
    // A key without the right `Upgrade` is a handshake that some proxy has cut: to answer it with a
    // history would say nothing. Another protocol in `Upgrade` (curl --http2) is passed over, as
    // RFC 9110 section 7.8 allows.
    let handshake = request.asks_for_websocket() || request.header("sec-websocket-key").is_some();
    let served = match request.method() {
        _ if handshake => upgrade(exchange),
        "POST" | "PUT" => publish(exchange),
        _ => history(exchange),
    };
    served.unwrap_or_else(|cause| cause.into())
}

fn upgrade(exchange: Exchange<'_>) -> Result<Outcome, Cause> {
    let Exchange {
        hub,
        client,
        request,
        ..
    } = exchange;
    let accepted = match server::accept(request, &hub.handshake_policy(&[])) {
        Ok(accepted) => accepted,
        Err(refusal) => return Ok(refused_handshake(&refusal).into()),
    };
    if hub.draining {
        return Err(Reason::Draining.into());
    }
    let pattern = path_pattern(&request.path()[PREFIX.len()..])?;
    let query = Query::parse(request.query().unwrap_or_default())?;
    let Opening {
        session,
        subscribe: wanted,
    } = Session::raw(pattern, query, hub.time_ms)?;
    let subscribed = wanted.is_some();
    if let Some((pattern, start)) = wanted {
        let agreed = accepted.deflate.map(|answer| answer.agreed());
        let format = wire::format(session.format(), agreed);
        subscribe(hub, client, None, &pattern, format, start)?;
    }
    Ok(Outcome::Raw {
        accepted,
        session,
        subscribed,
    })
}

fn history(exchange: Exchange<'_>) -> Result<Outcome, Cause> {
    let accepts_events = exchange
        .request
        .headers("accept")
        .any(|accept| accept.contains("text/event-stream"));
    if accepts_events {
        return Err(NO_EVENT_STREAM);
    }
    let topic = path_topic(&exchange.request.path()[PREFIX.len()..])?;
    let query = Query::parse(exchange.request.query().unwrap_or_default())?;
    let Exchange { hub, client, .. } = exchange;
    let start = query.since.history_start(hub.time_ms);
    hub.broker
        .history(
            client,
            None,
            &topic,
            start,
            HISTORY_MESSAGES_MAX,
            hub.time_ms,
        )
        .map_err(Cause::from)?;
    Ok(Outcome::Await)
}

fn publish(exchange: Exchange<'_>) -> Result<Outcome, Cause> {
    let topic = path_topic(&exchange.request.path()[PREFIX.len()..])?;
    let Exchange {
        hub,
        client,
        request,
        ..
    } = exchange;
    if hub.draining {
        return Err(Reason::Draining.into());
    }
    if request
        .header("content-encoding")
        .is_some_and(|coding| !coding.eq_ignore_ascii_case("identity"))
    {
        return Err(CODED_BODY);
    }
    let kind = kind_of(request.header("content-type"), request.body())?;
    hub.publish(
        Publisher::Confirmed(client, None),
        (&topic).into(),
        kind,
        request.body(),
    )
    .map_err(Cause::from)?;
    Ok(Outcome::Await)
}

/// What a body is. A type that says nothing (none at all, or the form type that `curl -d` always
/// sends) is text if it can be, so that a browser shows it.
fn kind_of(content_type: Option<&str>, body: &[u8]) -> Result<Kind, Cause> {
    let media = content_type.map(|value| {
        value
            .split(';')
            .next()
            .unwrap_or_default()
            .trim()
            .to_ascii_lowercase()
    });
    match media.as_deref() {
        Some("application/json") => Ok(json::check(body).map(|()| Kind::Json)?),
        Some(media) if media.starts_with("text/") => match std::str::from_utf8(body) {
            Ok(_) => Ok(Kind::Text),
            Err(_) => Err(BAD_TEXT),
        },
        None | Some("" | "application/x-www-form-urlencoded")
            if std::str::from_utf8(body).is_ok() =>
        {
            Ok(Kind::Text)
        }
        _ => Ok(Kind::Binary),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_is_what_its_type_says_and_text_where_the_type_says_nothing() {
        assert_eq!(
            kind_of(Some("application/json; charset=utf-8"), b"{\"a\":1}"),
            Ok(Kind::Json)
        );
        let broken = kind_of(Some("application/json"), b"{").unwrap_err();
        assert_eq!(broken.reason, Reason::InvalidPayload);
        assert_eq!(kind_of(Some("Text/Plain"), b"a"), Ok(Kind::Text));
        assert_eq!(kind_of(Some("text/plain"), b"\xff"), Err(BAD_TEXT));
        assert_eq!(
            kind_of(Some("application/octet-stream"), b"a"),
            Ok(Kind::Binary)
        );
        assert_eq!(
            kind_of(Some("application/x-www-form-urlencoded"), b"hello"),
            Ok(Kind::Text)
        );
        assert_eq!(
            kind_of(Some("application/x-www-form-urlencoded"), b"\xff"),
            Ok(Kind::Binary)
        );
        assert_eq!(kind_of(None, b"hello"), Ok(Kind::Text));
    }
}
