//! The project's own build scripts.
fn main() {}
