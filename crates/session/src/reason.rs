//! Every reason for which ringwire ends a connection, refuses a request or answers a command with an error.
//!
//! One closed enum, one row for each reason: the label (metric label and JSON error code at once), the WebSocket close code, the HTTP status, the log
//! level, whether trying again can help, and the text a client reads. The texts are fixed: nothing of the server's inside and nothing that a peer sent
//! ever gets into one. `docs/protocol.md` shows the same table, and a test compares them. Close codes stand here as plain numbers, since this crate
//! knows no frames.

/// How loud the log line of a reason is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// Part of everyday work.
    Debug,
    /// A client's mistake, or the end of a slow one.
    Info,
    /// Something an operator may want to act on.
    Warn,
    /// A fault of our own.
    Error,
}

struct Row {
    label: &'static str,
    close_code: Option<u16>,
    http_status: Option<u16>,
    level: Level,
    retry: bool,
    message: &'static str,
}

/// Makes the enum, the list of all its variants and their rows from one table, so that none of the three can lack a line.
macro_rules! reasons {
    ($($(#[$doc:meta])+ $name:ident = $label:literal, close $close:expr, http $http:expr, $level:ident, retry $retry:literal, $message:literal;)+) => {
        /// Why a connection ends, a request is refused, or a command fails.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Reason {
            $($(#[$doc])+ $name,)+
        }

        impl Reason {
            /// Every reason, in the order of the documentation's table.
            pub const ALL: &'static [Reason] = &[$(Reason::$name,)+];

            const fn row(self) -> Row {
                match self {
                    $(Reason::$name => Row {
                        label: $label, close_code: $close, http_status: $http, level: Level::$level, retry: $retry, message: $message,
                    },)+
                }
            }
        }
    };
}

reasons! {
    /// Both sides closed in order.
    Normal = "normal", close Some(1000), http None, Debug, retry false, "closed normally";
    /// The server stops at once, without draining.
    GoingAway = "going_away", close Some(1001), http Some(503), Info, retry true, "the server is going away";
    /// The transport ended without a closing handshake; nobody is left to be told.
    PeerGone = "peer_gone", close None, http None, Debug, retry true, "the connection ended without a closing handshake";
    /// A rule of RFC 6455 was broken.
    ProtocolError = "protocol_error", close Some(1002), http Some(400), Info, retry false, "WebSocket protocol error";
    /// A binary message where only text ones mean something.
    UnsupportedData = "unsupported_data", close Some(1003), http Some(415), Info, retry false, "this kind of data is not accepted here";
    /// Text that is not UTF-8, or a body that is not what its content type says.
    InvalidPayload = "invalid_payload", close Some(1007), http Some(400), Info, retry false, "the payload is not what its type says";
    /// A rule between frames or requests that has no code of its own.
    Policy = "policy", close Some(1008), http Some(403), Info, retry false, "refused by a rule of this server";
    /// The connection may not do what it asked for.
    Forbidden = "forbidden", close Some(1008), http Some(403), Info, retry false, "this connection may not do that";
    /// The first level starts with `$`: such topics are the broker's own.
    ReservedTopic = "reserved_topic", close Some(1008), http Some(403), Info, retry false, "topics that start with $ are reserved";
    /// A message or a body over the limit.
    TooBig = "too_big", close Some(1009), http Some(413), Info, retry false, "the message is too big";
    /// A fault of our own.
    Internal = "internal", close Some(1011), http Some(500), Error, retry true, "internal error";
    /// More pings and pongs than one client may send.
    ControlFlood = "control_flood", close Some(1008), http None, Info, retry false, "too many pings or pongs";
    /// The client did not answer a ping in time.
    PongTimeout = "pong_timeout", close Some(1008), http None, Info, retry true, "no answer to a keepalive ping";
    /// No room for this now: too many topics or unfinished requests.
    TryAgainLater = "try_again_later", close Some(1013), http Some(503), Warn, retry true, "the server is at a limit, try again later";
    /// As many connections as the node may have.
    ConnectionLimit = "connection_limit", close None, http Some(503), Debug, retry true, "the server has no room for another connection";
    /// As many connections as may come from one address.
    AddressLimit = "address_limit", close None, http Some(429), Debug, retry true, "too many connections from this address";
    /// The reader fell behind what its topic keeps.
    SlowConsumer = "slow_consumer", close Some(4408), http None, Info, retry true, "slow consumer: resume from the last position";
    /// The oldest unsent byte is older than the write timeout; a Close frame would only wait behind it.
    WriteTimeout = "write_timeout", close None, http None, Info, retry true, "nothing could be written for too long";
    /// A raw subscription cannot go on from the position that it named.
    PositionLost = "position_lost", close Some(4410), http Some(410), Info, retry true, "the position cannot be recovered";
    /// The server is about to stop and asks its clients to move.
    Draining = "draining", close Some(4412), http Some(503), Info, retry true, "the server is draining: reconnect";
    /// More in a stretch of time than one client may ask for.
    RateLimit = "rate_limit", close Some(4413), http Some(429), Info, retry true, "rate limit exceeded";
    /// Not a command of the JSON dialect.
    BadCommand = "bad_command", close Some(4500), http Some(400), Info, retry false, "not a valid command";
    /// A topic name or pattern that the validator refuses.
    BadTopic = "bad_topic", close Some(4500), http Some(400), Info, retry false, "not a valid topic";
    /// A position, an age or a count that cannot be read.
    BadPosition = "bad_position", close Some(4500), http Some(400), Info, retry false, "not a valid position";
    /// An unsubscribe of what this connection is not subscribed to.
    NotSubscribed = "not_subscribed", close None, http None, Debug, retry false, "not subscribed to that";
    /// A subscription that was given up before it stood.
    Cancelled = "cancelled", close None, http None, Debug, retry false, "the subscription was cancelled before it was answered";
    /// A token where the server asks for none.
    AuthNotConfigured = "auth_not_configured", close Some(4500), http None, Info, retry false, "this server has no authentication configured";
    /// More subscriptions than one connection may hold.
    SubscriptionLimit = "subscription_limit", close Some(4508), http Some(429), Info, retry false, "too many subscriptions on this connection";
    /// More patterns with wildcards than one connection may hold.
    PatternLimit = "pattern_limit", close Some(4508), http Some(429), Info, retry false, "too many patterns with wildcards on this connection";
    /// The request's head or body breaks HTTP/1.1, or its handshake RFC 6455 section 4.
    BadRequest = "bad_request", close None, http Some(400), Info, retry false, "not a valid request";
    /// A query parameter that is unknown, given twice or unreadable.
    BadQuery = "bad_query", close None, http Some(400), Info, retry false, "not a valid query";
    /// The page's origin is not on the allow-list.
    OriginDenied = "origin_denied", close None, http Some(403), Info, retry false, "this origin is not allowed";
    /// The request is for a host name that is not this server's.
    HostDenied = "host_denied", close None, http Some(421), Info, retry false,
        "this server does not answer to that host name; if it should, list it in http.allowed_hosts";
    /// No such path.
    NotFound = "not_found", close None, http Some(404), Debug, retry false, "no such path";
    /// The path exists, but not with this method.
    MethodNotAllowed = "method_not_allowed", close None, http Some(405), Info, retry false, "this method is not allowed here";
    /// The request did not arrive whole in time.
    RequestTimeout = "request_timeout", close None, http Some(408), Info, retry true, "the request took too long to arrive";
    /// The request target is too long.
    TargetTooLong = "target_too_long", close None, http Some(414), Info, retry false, "the request target is too long";
    /// A handshake for another version, or no handshake where one is wanted.
    UpgradeRequired = "upgrade_required", close None, http Some(426), Info, retry false, "a WebSocket handshake of version 13 is required";
    /// The head is over its limit of bytes or fields.
    HeadersTooLarge = "headers_too_large", close None, http Some(431), Info, retry false, "the request's headers are too large";
    /// A transfer coding or method that this server does not have.
    NotImplemented = "not_implemented", close None, http Some(501), Info, retry false, "not implemented";
    /// TLS where the port is plain, or something else where it speaks TLS.
    WrongProtocol = "wrong_protocol", close None, http Some(400), Info, retry false, "this port speaks another protocol";
    /// The TLS handshake failed, or what came over TLS was damaged.
    TlsError = "tls_error", close None, http None, Info, retry false, "TLS failed";
    /// The TLS handshake did not end in time.
    TlsTimeout = "tls_timeout", close None, http None, Info, retry true, "the TLS handshake took too long";
    /// Not HTTP/1.1 (or 1.0).
    HttpVersion = "http_version", close None, http Some(505), Info, retry false, "this version of HTTP is not supported";
}

impl Reason {
    /// The stable snake_case name: the metric label, and the `code` of a JSON error.
    pub const fn label(self) -> &'static str {
        self.row().label
    }

    /// The fixed text for people; at most 123 bytes, so that it fits a Close frame (RFC 6455 section 5.5).
    pub const fn message(self) -> &'static str {
        self.row().message
    }

    /// The code of the Close frame when a WebSocket connection ends for this; `None` when nobody is left to read one.
    pub const fn close_code(self) -> Option<u16> {
        self.row().close_code
    }

    /// The status of the HTTP answer when a request is refused for this; `None` when it cannot happen to a request.
    pub const fn http_status(self) -> Option<u16> {
        self.row().http_status
    }

    /// How loud its log line is.
    pub const fn level(self) -> Level {
        self.row().level
    }

    /// Whether doing the same again can succeed without any change: a closed connection may be opened again, a failed command sent again.
    pub const fn may_retry(self) -> bool {
        self.row().retry
    }

    /// The reason behind a close code that a lower layer chose for a broken rule of RFC 6455. Codes that no layer chooses are our own fault.
    pub const fn of_close_code(code: u16) -> Reason {
        match code {
            1000 => Reason::Normal,
            1001 => Reason::GoingAway,
            1002 => Reason::ProtocolError,
            1003 => Reason::UnsupportedData,
            1007 => Reason::InvalidPayload,
            1008 => Reason::Policy,
            1009 => Reason::TooBig,
            _ => Reason::Internal,
        }
    }

    /// The reason behind an HTTP status that a lower layer chose for a request it refused.
    pub const fn of_http_status(status: u16) -> Reason {
        match status {
            403 => Reason::OriginDenied,
            404 => Reason::NotFound,
            405 => Reason::MethodNotAllowed,
            408 => Reason::RequestTimeout,
            413 => Reason::TooBig,
            414 => Reason::TargetTooLong,
            415 => Reason::UnsupportedData,
            421 => Reason::HostDenied,
            426 => Reason::UpgradeRequired,
            431 => Reason::HeadersTooLarge,
            501 => Reason::NotImplemented,
            503 => Reason::TryAgainLater,
            505 => Reason::HttpVersion,
            400..=499 => Reason::BadRequest,
            _ => Reason::Internal,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn every_label_is_snake_case_and_its_own() {
        let labels: HashSet<_> = Reason::ALL.iter().map(|reason| reason.label()).collect();
        assert_eq!(labels.len(), Reason::ALL.len(), "two reasons share a label");
        for label in labels {
            assert!(
                !label.is_empty()
                    && label
                        .bytes()
                        .all(|byte| byte.is_ascii_lowercase() || byte == b'_'),
                "{label}"
            );
        }
    }

    #[test]
    fn every_message_fits_a_close_frame_and_is_one_printable_line() {
        for reason in Reason::ALL {
            let message = reason.message();
            assert!((1..=123).contains(&message.len()), "{message}");
            assert!(
                message.bytes().all(|byte| (b' '..=b'~').contains(&byte)),
                "{message}"
            );
        }
    }

    #[test]
    fn close_codes_are_sendable_and_ours_tell_whether_to_reconnect() {
        for reason in Reason::ALL {
            match reason.close_code() {
                None => {}
                // RFC 6455 section 7.4.1: 1005, 1006 and 1015 never stand in a Close frame.
                Some(1000..=1003 | 1007..=1014) => {}
                Some(4400..=4499) => assert!(reason.may_retry(), "{reason:?} closes with a 44xx"),
                Some(4500..=4599) => assert!(!reason.may_retry(), "{reason:?} closes with a 45xx"),
                Some(code) => panic!("{reason:?} closes with {code}"),
            }
        }
    }

    #[test]
    fn http_statuses_are_refusals() {
        for status in Reason::ALL.iter().filter_map(|reason| reason.http_status()) {
            assert!((400..=505).contains(&status), "{status}");
        }
    }

    #[test]
    fn lower_layers_codes_come_back_as_they_were() {
        for code in [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1011] {
            assert_eq!(Reason::of_close_code(code).close_code(), Some(code));
        }
        assert_eq!(Reason::of_close_code(4999), Reason::Internal);
        for status in [
            400, 403, 404, 405, 408, 413, 414, 415, 421, 426, 431, 500, 501, 503, 505,
        ] {
            assert_eq!(Reason::of_http_status(status).http_status(), Some(status));
        }
        assert_eq!(Reason::of_http_status(499), Reason::BadRequest);
    }
}
