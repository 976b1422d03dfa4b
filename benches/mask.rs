//! How fast is unmasking, beside copying the same bytes?
//!
//! The bar is 0.8 of the speed of `memcpy`. Rows: this crate in place and copying, the loop of
//! the RFC, `memcpy`, and fastwebsockets. tungstenite exports no unmasking of its own; `header.rs`
//! reads whole frames through it. Every row walks over its memory piece by piece, as a connection
//! walks over its reads, so that no piece waits for the stores of the one before: `near` over
//! 16 KiB, which stay in the first cache (or one piece, where that is larger), `far` over 256 MiB.
//!
//! `cargo bench -p ringwire-benches --bench mask`

use std::hint::black_box;
use std::time::Duration;

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Criterion, Throughput, criterion_group, criterion_main};
use frame::mask;

const KEY: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];
const NEAR_BYTES: usize = 16 << 10;
const FAR_BYTES: usize = 256 << 20;

/// RFC 6455 section 5.3, literally.
fn naive(bytes: &mut [u8], key: [u8; 4]) {
    for (at, byte) in bytes.iter_mut().enumerate() {
        *byte ^= key[at % 4];
    }
}

fn near(criterion: &mut Criterion) {
    for piece_bytes in [16, 64, 128, 512, 16 << 10, 1 << 20] {
        let mut memory = vec![0x5a; 2 * piece_bytes.max(NEAR_BYTES / 2)];
        rows(criterion, "near", &mut memory, piece_bytes);
    }
}

fn far(criterion: &mut Criterion) {
    let mut memory = vec![0x5a; FAR_BYTES];
    for piece_bytes in [512, 16 << 10, 1 << 20] {
        rows(criterion, "far", &mut memory, piece_bytes);
    }
}

fn rows(criterion: &mut Criterion, distance: &str, memory: &mut [u8], piece_bytes: usize) {
    let mut group = criterion.benchmark_group(format!("mask/{distance}/{piece_bytes}"));
    group.throughput(Throughput::Bytes(piece_bytes as u64));
    walk(&mut group, "ringwire", memory, piece_bytes, |piece| {
        mask::apply(piece, black_box(KEY), black_box(0));
    });
    walk(&mut group, "fastwebsockets", memory, piece_bytes, |piece| {
        fastwebsockets::unmask(piece, black_box(KEY));
    });
    walk(&mut group, "naive", memory, piece_bytes, |piece| {
        naive(piece, black_box(KEY))
    });
    // Twice a piece: the first half goes to the second half.
    walk(&mut group, "memcpy", memory, 2 * piece_bytes, |piece| {
        let (source, target) = piece.split_at_mut(piece_bytes);
        target.copy_from_slice(source);
    });
    let mut target = Vec::with_capacity(piece_bytes);
    walk(&mut group, "ringwire_copy", memory, piece_bytes, |piece| {
        target.clear();
        mask::apply_copy(piece, &mut target, black_box(KEY), black_box(0));
        black_box(target.as_ptr());
    });
    walk(&mut group, "memcpy_append", memory, piece_bytes, |piece| {
        target.clear();
        target.extend_from_slice(piece);
        black_box(target.as_ptr());
    });
    group.finish();
}

/// Runs `work` on one piece of the memory after the other, round and round.
fn walk(
    group: &mut BenchmarkGroup<'_, WallTime>,
    name: &str,
    memory: &mut [u8],
    piece_bytes: usize,
    mut work: impl FnMut(&mut [u8]),
) {
    let mut at = 0;
    group.bench_function(name, |bencher| {
        bencher.iter(|| {
            work(black_box(&mut memory[at..at + piece_bytes]));
            at += piece_bytes;
            if at == memory.len() {
                at = 0;
            }
        });
    });
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(1))
        .sample_size(50);
    targets = near, far
}
criterion_main!(benches);
