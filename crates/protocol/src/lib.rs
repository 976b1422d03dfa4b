//! Every wire protocol of ringwire as a machine that does no I/O.
//!
//! A machine is fed bytes and the time, and answers with what they mean and with bytes to send; it
//! opens no socket, reads no clock and draws no random number, so a whole conversation is a unit
//! test. Three layers, in the order in which a connection meets them: [`http1`] reads requests,
//! [`handshake`] judges the one that asks for a WebSocket, [`ws`] is the connection after that.
//! [`uri`] is where a client learns whom to ask for what.
//!
//! Cutting the input anywhere changes nothing that comes out. A machine that failed discards all
//! later input. Nothing that a peer sends can make one panic, and every buffer has a bound.

#![forbid(unsafe_code)]

pub mod handshake;
pub mod http1;
pub mod limits;
pub mod uri;
pub mod ws;
