//! The server in one thread over a virtual network and clock.
