//! C7: blocks with Huffman trees of their own (RFC 1951 section 3.2.7), as deep as they may be, and such as cannot be.
//!
//! A decoder that goes down a tree, or from block to block, by calling itself runs out of stack here.

use super::CORRUPT;
use crate::deflate::frame;
use crate::row::{Case, Expect};
use crate::wire::{BINARY, FIN};

/// The longest code of a literal.
const DEPTH: usize = 15;
/// Literals that a block with the deepest tree has codes for.
const DEEPEST: u8 = 14;

/// Such blocks in one message.
const BLOCKS: usize = 500;

/// And without any literal: nearly as many as `message_bytes_max` lets be on the wire, and so often that cost.
const EMPTY_BLOCKS: usize = 3000;
const TIMES: usize = 20;

/// Bits, the lowest of each byte first.
#[derive(Default)]
struct Bits {
    bytes: Vec<u8>,
    used: u32,
}

impl Bits {
    /// A number, its lowest bit first.
    fn number(&mut self, value: usize, bits: u32) {
        for bit in 0..bits {
            self.bit(value >> bit & 1 == 1);
        }
    }

    /// A Huffman code, its highest bit first.
    fn code(&mut self, code: usize, bits: u32) {
        for bit in (0..bits).rev() {
            self.bit(code >> bit & 1 == 1);
        }
    }

    fn bit(&mut self, bit: bool) {
        if self.used.is_multiple_of(8) {
            self.bytes.push(0);
        }
        if let Some(last) = self.bytes.last_mut() {
            *last |= u8::from(bit) << (self.used % 8);
        }
        self.used += 1;
    }

    /// A block whose literals 0, 1, 2, ... have codes of these lengths, and the end of the block one of the last.
    fn dynamic_block(&mut self, lengths: &[usize], literals: &[u8]) {
        self.number(0, 1);
        self.number(2, 2);
        // No more than the 257 codes of literals and the end, one unused code of a distance, all 19 codes of lengths.
        self.number(0, 5);
        self.number(0, 5);
        self.number(15, 4);
        // In the order 16, 17, 18, 0, 8, ...: 0 and 18 have 5 bits, 1 to 15 have 4.
        for length in [0, 0, 5, 5].into_iter().chain([4; 15]) {
            self.number(length, 3);
        }
        for length in lengths {
            self.code(length - 1, 4);
        }
        // Zeros up to the end of the block, 256.
        let zeros = 256 - lengths.len();
        for count in [138, zeros - 138] {
            self.code(0b11111, 5);
            self.number(count - 11, 7);
        }
        self.code(lengths[lengths.len() - 1] - 1, 4);
        self.code(0b11110, 5);
        for literal in literals {
            self.literal(*literal);
        }
        self.code((1 << DEPTH) - 1, 15);
    }

    /// In the deepest tree: 0, 10, 110, ..., the last two of 15 bits.
    fn literal(&mut self, literal: u8) {
        let ones = u32::from(literal);
        self.code((2 << ones) - 2, ones + 1);
    }

    /// A block of nothing, in 10 bits.
    fn fixed_block(&mut self) {
        self.number(0, 1);
        self.number(1, 2);
        self.number(0, 7);
    }

    /// As a flush ends, without its last four bytes.
    fn message(mut self) -> Vec<u8> {
        self.number(0, 3);
        self.bytes
    }
}

/// The cases.
pub(super) fn cases() -> Vec<Case> {
    let deepest: Vec<usize> = (1..=DEPTH).collect();
    let literals = [DEEPEST; 20];
    let mut deep = Bits::default();
    (0..BLOCKS).for_each(|_| deep.dynamic_block(&deepest, &literals));
    let whole = Expect::Echoed(vec![(FIN | BINARY, literals.repeat(BLOCKS))]);
    let mut empty = Bits::default();
    (0..EMPTY_BLOCKS).for_each(|_| empty.dynamic_block(&deepest, &[]));
    let empty = frame(BINARY, &empty.message()).repeat(TIMES);
    let mut many = Bits::default();
    (0..50_000).for_each(|_| many.fixed_block());
    let nothing = |times| Expect::Echoed(vec![(FIN | BINARY, Vec::new()); times]);
    let broken = |lengths: &[usize]| {
        let mut bits = Bits::default();
        bits.dynamic_block(lengths, &[]);
        frame(BINARY, &bits.message())
    };
    vec![
        Case::deflated("the deepest trees", frame(BINARY, &deep.message()), whole),
        Case::deflated("the deepest trees for nothing", empty, nothing(TIMES)),
        Case::deflated("50,000 blocks", frame(BINARY, &many.message()), nothing(1)),
        Case::deflated("too many codes", broken(&[1, 1, 1]), CORRUPT),
        Case::deflated("too few codes", broken(&[15, 15]), CORRUPT),
    ]
}
