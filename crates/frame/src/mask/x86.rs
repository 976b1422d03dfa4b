//! Masking with the vectors of x86-64: SSE2, which every machine has, AVX2 and AVX-512.
//!
//! All three are one algorithm, `kernel!` below, at three widths. [`Kernel`] is the proof that a
//! machine has the instructions; it is looked for once and remembered in an atomic. This is one of
//! the two doors of the crate to `unsafe`: pointers into a slice and instructions that not every
//! machine has.

use alloc::vec::Vec;
use core::arch::x86_64::*;
use core::sync::atomic::{AtomicU8, Ordering};

use crate::limits::MASK_VECTOR_BYTES_MAX;

const _: () = assert!(size_of::<__m512i>() == MASK_VECTOR_BYTES_MAX);

/// A kernel whose instructions this machine has: only [`Kernel::available`] finds one, and
/// [`Kernel::chosen`] remembers one that it found.
#[derive(Clone, Copy)]
pub(super) struct Kernel(Vectors);

#[derive(Clone, Copy)]
#[repr(u8)]
enum Vectors {
    Sse2 = 1,
    Avx2 = 2,
    Avx512 = 3,
}

#[inline]
pub(super) fn apply(bytes: &mut [u8], key: [u8; 4]) {
    Kernel::chosen().apply(bytes, key);
}

#[inline]
pub(super) fn apply_copy(source: &[u8], target: &mut Vec<u8>, key: [u8; 4]) {
    Kernel::chosen().apply_copy(source, target, key);
}

pub(super) fn name() -> &'static str {
    Kernel::chosen().name()
}

/// What the processor says; without `std` what the compile target promises.
#[cfg(feature = "std")]
macro_rules! has {
    ($feature:tt) => {
        std::is_x86_feature_detected!($feature)
    };
}
#[cfg(not(feature = "std"))]
macro_rules! has {
    ($feature:tt) => {
        cfg!(target_feature = $feature)
    };
}

impl Kernel {
    /// Every kernel of this machine, the widest first.
    pub(super) fn available() -> impl Iterator<Item = Kernel> {
        let found = [
            has!("avx512f").then_some(Vectors::Avx512),
            has!("avx2").then_some(Vectors::Avx2),
            // Part of x86-64.
            Some(Vectors::Sse2),
        ];
        found.into_iter().flatten().map(Kernel)
    }

    /// The widest kernel of this machine, looked for at the first call.
    #[inline]
    fn chosen() -> Kernel {
        // The discriminant of `Vectors`, or 0. All threads that look at once find the same, and
        // no other memory depends on it: relaxed order is enough.
        static CHOSEN: AtomicU8 = AtomicU8::new(0);

        #[cold]
        fn choose() -> Kernel {
            let kernel = Kernel::available().next().expect("SSE2 is part of x86-64");
            CHOSEN.store(kernel.0 as u8, Ordering::Relaxed);
            kernel
        }

        match CHOSEN.load(Ordering::Relaxed) {
            3 => Kernel(Vectors::Avx512),
            2 => Kernel(Vectors::Avx2),
            1 => Kernel(Vectors::Sse2),
            _ => choose(),
        }
    }

    pub(super) fn name(self) -> &'static str {
        match self.0 {
            Vectors::Sse2 => "sse2",
            Vectors::Avx2 => "avx2",
            Vectors::Avx512 => "avx512",
        }
    }

    /// Masks a long piece in place.
    pub(super) fn apply(self, bytes: &mut [u8], key: [u8; 4]) {
        let target = bytes.as_mut_ptr();
        // SAFETY: source and target are the same exclusively borrowed bytes.
        unsafe { self.run(target, target, bytes.len(), key) }
    }

    /// Appends a masked copy of a long piece.
    pub(super) fn apply_copy(self, source: &[u8], target: &mut Vec<u8>, key: [u8; 4]) {
        target.reserve(source.len());
        let spare = target.spare_capacity_mut().as_mut_ptr().cast::<u8>();
        // SAFETY: the spare capacity holds `source.len()` bytes, and nothing else refers to it.
        unsafe { self.run(source.as_ptr(), spare, source.len(), key) }
        // SAFETY: `run` has written each of the `source.len()` bytes behind the old length.
        unsafe { target.set_len(target.len() + source.len()) }
    }

    /// # Safety
    ///
    /// `source` can be read and `target` written for `length` bytes; they are the same address or
    /// do not overlap. All `length` bytes of `target` are written.
    unsafe fn run(self, source: *const u8, target: *mut u8, length: usize, key: [u8; 4]) {
        assert!(
            length >= MASK_VECTOR_BYTES_MAX,
            "a short piece is not a kernel's"
        );
        let key = u32::from_le_bytes(key);
        // SAFETY: the caller promises the memory; a `Kernel` exists only where its instructions
        // do, and the assertion covers the widest vector.
        unsafe {
            match self.0 {
                Vectors::Sse2 => sse2(source, target, length, key),
                Vectors::Avx2 => avx2(source, target, length, key),
                Vectors::Avx512 => avx512(source, target, length, key),
            }
        }
    }
}

// One kernel, for vectors of W bytes:
//
//     first = load(0) ^ key, last = load(length - W) ^ key       kept in registers
//     from the first aligned target address on, W bytes at a time: target = source ^ key
//     store last, store first
//
// The ends may overlap the aligned middle. They were read before anything was written, so in place
// as well they store what the middle stored there, and no byte is masked twice. There is no loop
// over single bytes, and the stores of the middle never straddle a cache line.
macro_rules! kernel {
    (
        $name:ident, $feature:literal, $vector:ty,
        $splat:ident, $load:ident, $xor:ident, $store:ident, $store_aligned:ident
    ) => {
        /// # Safety
        ///
        /// As for [`Kernel::run`]; besides, the machine has this function's feature, and `length`
        /// is at least one vector.
        #[target_feature(enable = $feature)]
        unsafe fn $name(source: *const u8, target: *mut u8, length: usize, key: u32) {
            const W: usize = size_of::<$vector>();
            let splat = |phase: usize| $splat(key.rotate_right(8 * (phase % 4) as u32) as i32);
            let masked = |at: usize, key: $vector| {
                // SAFETY: every caller below has `at + W <= length`.
                $xor(unsafe { $load(source.add(at).cast()) }, key)
            };
            let last_at = length - W;
            let first = masked(0, splat(0));
            let last = masked(last_at, splat(last_at));

            let mut at = target.addr().wrapping_neg() % W;
            let key = splat(at);
            while at + 4 * W <= length {
                let four = [
                    masked(at, key),
                    masked(at + W, key),
                    masked(at + 2 * W, key),
                    masked(at + 3 * W, key),
                ];
                for vector in four {
                    // SAFETY: `target + at` is a multiple of W here and stays one, and the four
                    // vectors end within `length`.
                    unsafe { $store_aligned(target.add(at).cast(), vector) }
                    at += W;
                }
            }
            while at + W <= length {
                let vector = masked(at, key);
                // SAFETY: as above, for one vector.
                unsafe { $store_aligned(target.add(at).cast(), vector) }
                at += W;
            }
            // SAFETY: both stores lie within `length`; unaligned.
            unsafe {
                $store(target.add(last_at).cast(), last);
                $store(target.cast(), first);
            }
        }
    };
}

kernel!(
    sse2,
    "sse2",
    __m128i,
    _mm_set1_epi32,
    _mm_loadu_si128,
    _mm_xor_si128,
    _mm_storeu_si128,
    _mm_store_si128
);
kernel!(
    avx2,
    "avx2",
    __m256i,
    _mm256_set1_epi32,
    _mm256_loadu_si256,
    _mm256_xor_si256,
    _mm256_storeu_si256,
    _mm256_store_si256
);
kernel!(
    avx512,
    "avx512f",
    __m512i,
    _mm512_set1_epi32,
    _mm512_loadu_si512,
    _mm512_xor_si512,
    _mm512_storeu_si512,
    _mm512_store_si512
);
