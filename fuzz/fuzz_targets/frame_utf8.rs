//! The fuzz target `frame_utf8`: libFuzzer's inputs for the oracle of that name in tests/oracles.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| oracles::judge("frame_utf8", input));
