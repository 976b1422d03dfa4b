//! Obviously right versions of what the machines do, on whole inputs and without a thought for speed.

pub(crate) mod extensions;
pub(crate) mod http;
pub(crate) mod inflate;
pub(crate) mod websocket;
