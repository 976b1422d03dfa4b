//! The same bytes into this project's machines and into tungstenite, which read the RFC separately.
//!
//! Both must hear the same and refuse the same. Where one of them refuses more, a table says which rule
//! that is and the section that decides it; whatever stands in no table is a finding.

pub(crate) mod connection;
pub(crate) mod handshake;
