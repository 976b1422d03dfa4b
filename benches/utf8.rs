//! Does validating a stream of text keep the speed of validating one slice?
//!
//! The bar is simdutf8's own speed on ASCII and on CJK text. Rows: this crate's stream over the
//! whole text, the same in segments of 1,460 bytes (which cut characters), `simdutf8::basic`,
//! fastwebsockets' check of a frame, and the standard library, which is what tungstenite calls.
//!
//! `cargo bench -p ringwire-benches --bench utf8`

use std::hint::black_box;
use std::time::Duration;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use fastwebsockets::{Frame, Payload};
use frame::Utf8Stream;

const SEGMENT_BYTES: usize = 1460;

fn validate(text: &[u8], piece_bytes: usize) -> bool {
    let mut stream = Utf8Stream::new();
    text.chunks(piece_bytes)
        .all(|piece| stream.push(piece).is_ok())
        && stream.finish().is_ok()
}

fn utf8(criterion: &mut Criterion) {
    let alphabets = [
        ("ascii", "The quick brown fox jumps over the lazy dog. "),
        ("cjk", "色は匂へど散りぬるを我が世誰ぞ常ならむ"),
    ];
    for (alphabet, sentence) in alphabets {
        for text_bytes in [32, 128, 512, 16 << 10, 1 << 20] {
            let mut text = sentence.repeat(text_bytes / sentence.len() + 1);
            while text.len() > text_bytes {
                text.pop();
            }
            let text = text.into_bytes();
            let mut group = criterion.benchmark_group(format!("utf8/{alphabet}/{text_bytes}"));
            group.throughput(Throughput::Bytes(text.len() as u64));
            group.bench_function("ringwire", |bencher| {
                bencher.iter(|| validate(black_box(&text), text_bytes));
            });
            if text_bytes > SEGMENT_BYTES {
                group.bench_function("ringwire_segments", |bencher| {
                    bencher.iter(|| validate(black_box(&text), SEGMENT_BYTES));
                });
            }
            group.bench_function("simdutf8", |bencher| {
                bencher.iter(|| simdutf8::basic::from_utf8(black_box(&text)).is_ok());
            });
            group.bench_function("fastwebsockets", |bencher| {
                let frame = Frame::text(Payload::Borrowed(&text));
                bencher.iter(|| black_box(&frame).is_utf8());
            });
            group.bench_function("std", |bencher| {
                bencher.iter(|| std::str::from_utf8(black_box(&text)).is_ok());
            });
            group.finish();
        }
    }
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(1))
        .sample_size(50);
    targets = utf8
}
criterion_main!(benches);
