//! What each key is where nobody says otherwise.

use std::net::SocketAddr;

use super::*;

impl Default for Config {
    fn default() -> Self {
        Self {
            server: Server::default(),
            tls: Tls::default(),
            http: Http::default(),
            websocket: WebSocket::default(),
            compression: Compression::default(),
            broker: Broker::default(),
            io: Io::default(),
            log: Log {
                level: "info".into(),
                format: LogFormat::Text,
            },
            topics: Vec::new(),
            topic_default: TopicLimits::default(),
        }
    }
}

impl Default for Server {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 7464)),
            open: false,
            cores: 0,
            pin: true,
            connections_max: 0,
            connections_per_address_max: 0,
            drain_timeout: Period::from_secs(10),
            echo: false,
        }
    }
}

impl Default for Tls {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 7465)),
            certificates: Vec::new(),
        }
    }
}

impl Default for Http {
    fn default() -> Self {
        Self {
            allowed_hosts: Vec::new(),
            allowed_origins: Vec::new(),
            head_bytes_max: Size::from_kib(8),
            headers_max: 64,
            head_timeout: Period::from_secs(5),
            body_timeout: Period::from_secs(10),
        }
    }
}

impl Default for WebSocket {
    fn default() -> Self {
        Self {
            message_bytes_max: Size::from_kib(64),
            fragments_max: 64,
            control_frames_per_s_max: 100,
            ping_interval: Period::from_secs(25),
            pong_timeout: Period::from_secs(10),
            close_timeout: Period::from_secs(1),
            write_timeout: Period::from_secs(10),
            outbox_bytes_max: Size::from_kib(256),
        }
    }
}

impl Default for Compression {
    fn default() -> Self {
        Self {
            enabled: false,
            level: 3,
            threshold_bytes: Size::from_bytes(256),
            contexts_bytes_max: Size::from_bytes(0),
            context_window_bits: 12,
        }
    }
}

impl Default for Broker {
    fn default() -> Self {
        Self {
            topics_max: 1_000_000,
            log_bytes_max: Size::from_kib(256 * 1024),
            backlog_bytes_max: Size::from_kib(256 * 1024),
            subscriptions_max: 128,
            patterns_max: 16,
            replay_messages_max: 10_000,
            replay_bytes_max: Size::from_kib(1024),
        }
    }
}

impl Default for Io {
    fn default() -> Self {
        Self {
            driver: IoDriver::Auto,
            receive_buffers: 128,
            receive_buffer_bytes: Size::from_kib(17),
            send_buffer_bytes: Size::from_kib(256),
            receive_window_bytes: Size::from_kib(128),
            lane_capacity: 1024,
        }
    }
}

impl Default for Log {
    fn default() -> Self {
        Config::default().log
    }
}

impl Default for TopicLimits {
    fn default() -> Self {
        Self {
            messages_max: 100,
            bytes_max: Size::from_kib(256),
            age_max: Period::from_secs(300),
            backlog_bytes_max: Size::from_kib(1024),
            on_lag: Lag::Disconnect,
        }
    }
}
