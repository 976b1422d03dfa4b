//! `Sec-WebSocket-Extensions`: read as a model reads it, up to the first malformed extension.

use crate::model::extensions::{Listed, Listing, read};
use protocol::handshake::extensions::{Extension, parse};
use std::borrow::Cow;

pub(crate) fn judge(input: &[u8]) {
    let Ok(value) = std::str::from_utf8(input) else {
        return;
    };
    let listed: Result<Listed, _> = parse(value).map(|extension| extension.map(owned)).collect();
    assert_eq!(listed.ok(), read(value));
    // An error is the last thing said, and what came before it stands by itself.
    let heard: Vec<_> = parse(value).collect();
    assert!(heard.iter().rev().skip(1).all(Result::is_ok));
    assert!(!heard.is_empty());
}

fn owned(extension: Extension<'_>) -> Listing {
    let parameters = extension.parameters().map(|parameter| {
        let value = parameter.value.map(Cow::into_owned);
        (parameter.name.to_owned(), value)
    });
    (extension.name.to_owned(), parameters.collect())
}
