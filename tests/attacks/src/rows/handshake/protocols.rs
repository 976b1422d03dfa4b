//! What comes to a port that is no HTTP, or no TLS, or stays half of it.

use super::BAD_REQUEST;
use crate::row::{Case, Expect, Place};
use crate::wire::{TLS_ALERT, TLS_HANDSHAKE, client_hello, tls_record};

const TLS_ERROR: Expect = Expect::Ended("tls_error");

/// H17: a handshake that does not get on.
pub(super) fn broken_hellos() -> Vec<Case> {
    let half = tls_record(TLS_HANDSHAKE, &client_hello(512, 200));
    let hello = client_hello(0xff_ffff, 200_000);
    let pieces = hello.chunks(1);
    let records = pieces.flat_map(|piece| tls_record(TLS_HANDSHAKE, piece));
    let nothing = tls_record(TLS_HANDSHAKE, b"").repeat(10_000);
    vec![
        Case::tls("silence", Vec::new(), Expect::Ended("tls_timeout")),
        Case::tls("half", half.clone(), Expect::Ended("tls_timeout")),
        Case::tls("one byte in each", records.collect(), TLS_ERROR),
        Case::tls("records of nothing", nothing, TLS_ERROR),
    ]
}

/// H18: alerts before there is anything to be alarmed about.
pub(super) fn early_alerts() -> Vec<Case> {
    let half = tls_record(TLS_HANDSHAKE, &client_hello(512, 200));
    let close_notify = tls_record(TLS_ALERT, &[1, 0]);
    let fatal = tls_record(TLS_ALERT, &[2, 40]);
    let behind = [half, close_notify.clone()].concat();
    vec![
        Case::tls("close_notify first", close_notify.clone(), TLS_ERROR),
        Case::tls(
            "close_notify behind half a hello",
            behind,
            Expect::Ended("tls_timeout"),
        ),
        Case::tls("a fatal alert", fatal, TLS_ERROR),
        Case::tls("a thousand of them", close_notify.repeat(1000), TLS_ERROR),
    ]
}

/// H33: what speaks something else than the port does.
pub(super) fn wrong(place: &Place) -> Vec<Case> {
    let wrong = Expect::Refused(400, "wrong_protocol");
    let preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec();
    let version = Expect::Refused(505, "http_version");
    let hello = tls_record(TLS_HANDSHAKE, &client_hello(512, 512));
    let get = place.handshake().bytes();
    vec![
        Case::first("HTTP/2", preface.clone(), version),
        Case::first("TLS", hello, wrong.clone()),
        Case::first("SSH", b"SSH-2.0-OpenSSH_9.2\r\n".to_vec(), BAD_REQUEST),
        Case::first("zeros", vec![0; 64], BAD_REQUEST),
        Case::first("SMTP", b"EHLO example\r\n".to_vec(), BAD_REQUEST),
        Case::tls("HTTP to TLS", get, wrong.clone()),
        Case::tls("HTTP/2 to TLS", preface, wrong.clone()),
        Case::tls(
            "SSH to TLS",
            b"SSH-2.0-OpenSSH_9.2\r\n".to_vec(),
            wrong.clone(),
        ),
        Case::tls("zeros to TLS", vec![0; 64], wrong),
    ]
}
