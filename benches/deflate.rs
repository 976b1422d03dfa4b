//! Which library compresses and inflates a message that stands alone, at what level, and from what
//! size on is it worth it?
//!
//! Rows: zlib-rs, which the broker uses; miniz_oxide through flate2; libdeflate, whose blocks are
//! final (so it would need a byte more) and which knows neither windows below 32 KiB nor
//! dictionaries. Each library keeps its state from one message to the next. The sizes that come out
//! are printed first. Messages are rows of JSON as an API sends them, with numbers and words that vary.
//!
//! `cargo bench -p ringwire-benches --bench deflate`

use std::hint::black_box;
use std::time::Duration;

use criterion::{Criterion, criterion_group, criterion_main};
use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress};
use libdeflater::{CompressionLvl, Compressor, Decompressor};
use protocol::ws::Deflater;
use zlib_rs::{Inflate, InflateFlush};

/// A JSON message of so many bytes; no two numbers give the same.
fn message(bytes: usize, number: u64) -> Vec<u8> {
    let mut state = number.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut next = move |below: u64| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state % below
    };
    let mut text = String::from("[");
    while text.len() < bytes {
        let side = ["buy", "sell"][next(2) as usize];
        let name = ["EURUSD", "GBPUSD", "USDJPY", "AUDNZD", "EURCHF"][next(5) as usize];
        let (id, price, amount) = (next(1 << 40), next(1_000_000), next(10_000));
        text += &format!(
            "{{\"id\":{id},\"symbol\":\"{name}\",\"side\":\"{side}\",\"price\":{}.{:02},\"amount\":{amount}}},",
            price / 100,
            price % 100
        );
    }
    text.truncate(bytes);
    text.into_bytes()
}

const SIZES: [usize; 6] = [64, 128, 256, 512, 1024, 16 << 10];

/// Compresses one message; the bytes that it took.
type Way = Box<dyn FnMut(&[u8]) -> usize>;

fn ways() -> Vec<(String, Way)> {
    let mut ways: Vec<(String, Way)> = Vec::new();
    for (level, window_bits) in [(1, 15), (2, 15), (3, 15), (6, 15), (6, 12), (6, 9)] {
        let mut deflater = Deflater::new(level, window_bits);
        ways.push((
            format!("zlib-rs level {level}, {window_bits} bits"),
            Box::new(move |message| deflater.deflate(message).map_or(message.len(), <[u8]>::len)),
        ));
    }
    for level in [1, 6] {
        let mut compress = Compress::new(Compression::new(level), false);
        let mut out = vec![0; 64 << 10];
        ways.push((
            format!("miniz_oxide level {level}"),
            Box::new(move |message| {
                compress.reset();
                compress
                    .compress(message, &mut out, FlushCompress::Sync)
                    .expect("room enough");
                compress.total_out() as usize - 4
            }),
        ));
        let mut compressor = Compressor::new(CompressionLvl::new(level as i32).expect("a level"));
        let mut out = vec![0; 64 << 10];
        ways.push((
            format!("libdeflate level {level}"),
            Box::new(move |message| {
                1 + compressor
                    .deflate_compress(message, &mut out)
                    .expect("room enough")
            }),
        ));
    }
    ways
}

fn compress(criterion: &mut Criterion) {
    for (name, mut way) in ways() {
        let sizes = SIZES.map(|bytes| {
            let of_many: usize = (0..100).map(|number| way(&message(bytes, number))).sum();
            format!("{bytes} -> {}", of_many / 100)
        });
        println!("{name}: {}", sizes.join(", "));
    }
    for bytes in SIZES {
        let mut group = criterion.benchmark_group(format!("compress/{bytes}"));
        let messages: Vec<_> = (0..64).map(|number| message(bytes, number)).collect();
        for (name, mut way) in ways() {
            let mut at = 0;
            group.bench_function(name, |bencher| {
                bencher.iter(|| {
                    at = (at + 1) % messages.len();
                    way(black_box(&messages[at]))
                });
            });
        }
        group.finish();
    }
}

fn inflate(criterion: &mut Criterion) {
    for bytes in [256, 1024, 16 << 10] {
        let plain = message(bytes, 7);
        let mut flushed = Deflater::new(6, 15)
            .deflate(&plain)
            .expect("it compresses")
            .to_vec();
        flushed.extend([0, 0, 0xff, 0xff]);
        // libdeflate wants a last block.
        let ended = [&flushed[..], &[3, 0]].concat();
        let mut out = vec![0; 64 << 10];
        let mut group = criterion.benchmark_group(format!("inflate/{bytes}"));
        let mut stream = Inflate::new(false, 15);
        group.bench_function("zlib-rs", |bencher| {
            bencher.iter(|| {
                stream.reset(false);
                let input = black_box(&flushed);
                stream
                    .decompress(input, &mut out, InflateFlush::SyncFlush)
                    .expect("valid");
                assert_eq!(stream.total_out() as usize, bytes);
            });
        });
        let mut stream = Decompress::new(false);
        group.bench_function("miniz_oxide", |bencher| {
            bencher.iter(|| {
                stream.reset(false);
                let input = black_box(&flushed);
                stream
                    .decompress(input, &mut out, FlushDecompress::Sync)
                    .expect("valid");
                assert_eq!(stream.total_out() as usize, bytes);
            });
        });
        let mut decompressor = Decompressor::new();
        group.bench_function("libdeflate", |bencher| {
            bencher.iter(|| {
                let written = decompressor.deflate_decompress(black_box(&ended), &mut out);
                assert_eq!(written, Ok(bytes));
            });
        });
        group.finish();
    }
}

fn short() -> Criterion {
    Criterion::default()
        .warm_up_time(Duration::from_millis(200))
        .measurement_time(Duration::from_millis(500))
        .sample_size(20)
}

criterion_group! {
    name = benches;
    config = short();
    targets = compress, inflate
}
criterion_main!(benches);
