//! What can be chosen about a socket when it is opened.
//!
//! Options of accepted connections are set once, on the listener, and inherited: an accept then costs no further
//! system call. The defaults are the ones measured to matter for a broker.

/// Choices for one connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SocketOptions {
    /// `TCP_NODELAY`. Without it a broadcast waits for delayed acknowledgements (21 ms instead of 1).
    pub no_delay: bool,
    /// `SO_SNDBUF`, which bounds the kernel memory that one dead reader can hold. `None` leaves it to the kernel,
    /// which then goes up to 4 MB. The kernel doubles the value for its own book-keeping.
    pub send_buffer_bytes: Option<u32>,
    /// `SO_RCVBUF`. `None` leaves it to the kernel's auto-tuning.
    pub receive_buffer_bytes: Option<u32>,
    /// `TCP_USER_TIMEOUT`: how long sent data may stay unacknowledged, a closed window included. `None` is the
    /// kernel's quarter of an hour.
    pub user_timeout_ms: Option<u32>,
}

impl Default for SocketOptions {
    fn default() -> Self {
        Self {
            no_delay: true,
            send_buffer_bytes: None,
            receive_buffer_bytes: None,
            user_timeout_ms: None,
        }
    }
}

/// Choices for a listener and, through it, for every connection that it accepts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ListenOptions {
    /// Inherited by the accepted connections.
    pub socket: SocketOptions,
    /// Connections that wait to be accepted; the kernel caps it at `net.core.somaxconn`.
    pub backlog: u32,
    /// `SO_REUSEPORT`: every core listens on the same port and the kernel spreads connections by hash.
    pub reuse_port: bool,
}

impl Default for ListenOptions {
    fn default() -> Self {
        Self {
            socket: SocketOptions::default(),
            backlog: 4096,
            reuse_port: true,
        }
    }
}
