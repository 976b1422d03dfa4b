//! The opening handshake, done by hand: it is a few lines, and a client's socket stays a plain socket, which
//! an HTTP library would wrap.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use percent_encoding::percent_decode_str;
use sha1::{Digest, Sha1};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const HEAD_BYTES_MAX: usize = 8 * 1024;
const HEADERS_MAX: usize = 32;

/// RFC 6455 section 1.3.
const ACCEPT_GUID: &str = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/// What a client wants.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Wish {
    pub(crate) topic: String,
    pub(crate) subscribes: bool,
}

/// Reads the request and answers it; `None` when it was no upgrade to a topic.
pub(crate) async fn accept(stream: &mut TcpStream) -> std::io::Result<Option<Wish>> {
    let mut head = Vec::with_capacity(512);
    loop {
        if stream.read_buf(&mut head).await? == 0 || head.len() > HEAD_BYTES_MAX {
            return Ok(None);
        }
        if head.ends_with(b"\r\n\r\n") {
            break;
        }
    }
    let Some((wish, answer)) = answer(&head) else {
        let refusal =
            b"HTTP/1.1 426 Upgrade Required\r\nUpgrade: websocket\r\nContent-Length: 0\r\n\r\n";
        stream.write_all(refusal).await?;
        return Ok(None);
    };
    stream.write_all(answer.as_bytes()).await?;
    Ok(Some(wish))
}

fn answer(head: &[u8]) -> Option<(Wish, String)> {
    let mut headers = [httparse::EMPTY_HEADER; HEADERS_MAX];
    let mut request = httparse::Request::new(&mut headers);
    request.parse(head).ok()?;
    let (path, query) = request
        .path
        .map(|it| it.split_once('?').unwrap_or((it, "")))?;
    let topic = percent_decode_str(path.strip_prefix("/t/")?)
        .decode_utf8()
        .ok()?;
    let key = request
        .headers
        .iter()
        .find(|header| header.name.eq_ignore_ascii_case("sec-websocket-key"))?;
    let mut digest = Sha1::new();
    digest.update(key.value);
    digest.update(ACCEPT_GUID);
    let answer = format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Accept: {}\r\n\r\n",
        STANDARD.encode(digest.finalize())
    );
    let wish = Wish {
        topic: topic.into_owned(),
        subscribes: !query.split('&').any(|pair| pair == "mode=pub"),
    };
    Some((wish, answer))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 6455 section 1.3's own example, and both ways to take part.
    #[test]
    fn a_request_says_topic_and_mode() {
        let head = b"GET /t/a%2Fb?mode=pub HTTP/1.1\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
        let (wish, answer) = answer(head).expect("an upgrade");
        assert_eq!((wish.topic.as_str(), wish.subscribes), ("a/b", false));
        assert!(answer.contains("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="));
    }

    /// No key, no topic: no upgrade.
    #[test]
    fn other_requests_are_refused() {
        assert_eq!(answer(b"GET /t/a HTTP/1.1\r\nHost: a\r\n\r\n"), None);
        assert_eq!(
            answer(b"GET / HTTP/1.1\r\nSec-WebSocket-Key: a\r\n\r\n"),
            None
        );
    }
}
