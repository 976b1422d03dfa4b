//! The catalogue: one file for each family, one entry for each row.
//!
//! A row that concerns what ringwire does not have stands here with that reason, so that whoever builds it finds the row.

mod compression;
mod framing;
mod handshake;
mod pubsub;

use crate::row::Row;

/// Every row, in the catalogue's order.
pub fn all() -> Vec<&'static Row> {
    [
        handshake::ROWS,
        framing::ROWS,
        compression::ROWS,
        pubsub::ROWS,
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// The row of that id.
pub fn find(id: &str) -> Option<&'static Row> {
    all()
        .into_iter()
        .find(|row| row.id.eq_ignore_ascii_case(id))
}
