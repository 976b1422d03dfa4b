//! How fast is unmasking, beside copying the same bytes?
//!
//! The bar is 0.8 of the speed of `memcpy`. Rows: this crate in place and copying, the loop of
//! the RFC, `memcpy`, and fastwebsockets. tungstenite exports no unmasking of its own; `header.rs`
//! reads whole frames through it. `near` works on one piece again and again: up to 16 KiB it stays
//! in the first cache, 1 MiB in the second. `far` walks over 256 MiB.
//!
//! `cargo bench -p ringwire-benches --bench mask`

use std::hint::black_box;
use std::time::Duration;

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Criterion, Throughput, criterion_group, criterion_main};
use frame::mask;

const KEY: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];
const FAR_BYTES: usize = 256 << 20;

/// RFC 6455 section 5.3, literally.
fn naive(bytes: &mut [u8], key: [u8; 4]) {
    for (at, byte) in bytes.iter_mut().enumerate() {
        *byte ^= key[at % 4];
    }
}

fn near(criterion: &mut Criterion) {
    for piece_bytes in [16, 64, 125, 512, 16 << 10, 1 << 20] {
        let mut group = criterion.benchmark_group(format!("mask/near/{piece_bytes}"));
        group.throughput(Throughput::Bytes(piece_bytes as u64));
        let mut piece = vec![0x5a; piece_bytes];
        let source = vec![0x5a; piece_bytes];
        group.bench_function("ringwire", |bencher| {
            bencher.iter(|| mask::apply(black_box(&mut piece), black_box(KEY), black_box(0)));
        });
        group.bench_function("ringwire_copy", |bencher| {
            let mut target = Vec::with_capacity(piece_bytes);
            bencher.iter(|| {
                target.clear();
                mask::apply_copy(
                    black_box(&source),
                    &mut target,
                    black_box(KEY),
                    black_box(0),
                );
                black_box(target.as_ptr());
            });
        });
        group.bench_function("memcpy", |bencher| {
            bencher.iter(|| black_box(&mut piece[..]).copy_from_slice(black_box(&source)));
        });
        group.bench_function("naive", |bencher| {
            bencher.iter(|| naive(black_box(&mut piece), black_box(KEY)));
        });
        group.bench_function("fastwebsockets", |bencher| {
            bencher.iter(|| fastwebsockets::unmask(black_box(&mut piece), black_box(KEY)));
        });
        group.finish();
    }
}

fn far(criterion: &mut Criterion) {
    let mut memory = vec![0x5a; FAR_BYTES];
    for piece_bytes in [512, 16 << 10, 1 << 20] {
        let mut group = criterion.benchmark_group(format!("mask/far/{piece_bytes}"));
        group.throughput(Throughput::Bytes(piece_bytes as u64));
        walk(&mut group, "ringwire", &mut memory, piece_bytes, |piece| {
            mask::apply(piece, black_box(KEY), black_box(0));
        });
        walk(&mut group, "naive", &mut memory, piece_bytes, |piece| {
            naive(piece, black_box(KEY))
        });
        walk(
            &mut group,
            "fastwebsockets",
            &mut memory,
            piece_bytes,
            |piece| {
                fastwebsockets::unmask(piece, black_box(KEY));
            },
        );
        // A piece twice as long: its first half is copied to its second.
        walk(
            &mut group,
            "memcpy",
            &mut memory,
            2 * piece_bytes,
            |piece| {
                let (source, target) = piece.split_at_mut(piece_bytes);
                target.copy_from_slice(source);
            },
        );
        group.finish();
    }
}

/// Runs `work` on one piece of the memory after the other, round and round.
fn walk(
    group: &mut BenchmarkGroup<'_, WallTime>,
    name: &str,
    memory: &mut [u8],
    piece_bytes: usize,
    work: impl Fn(&mut [u8]),
) {
    let mut at = 0;
    group.bench_function(name, |bencher| {
        bencher.iter(|| {
            work(black_box(&mut memory[at..at + piece_bytes]));
            at = (at + piece_bytes) % FAR_BYTES;
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
