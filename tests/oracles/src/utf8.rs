//! Incremental UTF-8 against the standard library, on text cut anywhere.
//!
//! The first byte says how long the pieces are. After every piece the stream must have failed
//! exactly if no continuation can make the bytes so far valid.

use frame::Utf8Stream;

pub(crate) fn judge(input: &[u8]) {
    let Some((&piece_bytes, text)) = input.split_first() else {
        return;
    };
    let mut stream = Utf8Stream::new();
    let mut seen = 0;
    for piece in text.chunks(usize::from(piece_bytes).max(1)) {
        seen += piece.len();
        let valid = match std::str::from_utf8(&text[..seen]) {
            Ok(_) => true,
            Err(error) => error.error_len().is_none(),
        };
        assert_eq!(stream.push(piece).is_ok(), valid);
        if !valid {
            return;
        }
    }
    assert_eq!(stream.finish().is_ok(), std::str::from_utf8(text).is_ok());
}
