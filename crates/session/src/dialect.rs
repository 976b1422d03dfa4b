//! The dialects: what a client's messages mean, and how it is spoken to. One file each, parsing and writing together.

pub mod json;
pub(crate) mod raw;
