//! What does the header cost, alone and as part of reading a whole masked frame?
//!
//! `read` feeds the same masked frame again and again through a reader that copies it into a
//! buffer, as a socket would: through [`frame::Header`] and [`frame::mask`], and through
//! tungstenite's `WebSocket::read`, which also keeps the rest of a connection. tungstenite exports
//! its header parser but not its unmasking, so that figure is for the whole.
//!
//! `cargo bench -p ringwire-benches --bench header`

use std::hint::black_box;
use std::io::{self, Read, Write};
use std::time::Duration;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use frame::{Fragments, Header, Limits, Opcode, mask};
use tungstenite::protocol::{Role, WebSocket, frame as peer};

const LIMITS: Limits = Limits {
    message_bytes_max: 1 << 20,
    fragments_max: 64,
};

fn masked(payload_len: u64) -> Header {
    let mask = Some([0x37, 0xfa, 0x21, 0x3d]);
    Header {
        fin: true,
        rsv: 0,
        opcode: Opcode::Binary,
        mask,
        payload_len,
    }
}

fn header(criterion: &mut Criterion) {
    for payload_len in [16, 512, 1 << 20] {
        let header = masked(payload_len);
        let mut bytes = [0; Header::BYTES_MAX];
        let header_bytes = header.encode(&mut bytes);

        let mut group = criterion.benchmark_group(format!("header/decode/{payload_len}"));
        group.bench_function("ringwire", |bencher| {
            bencher.iter(|| Header::decode(black_box(&bytes[..header_bytes])));
        });
        group.bench_function("tungstenite", |bencher| {
            bencher.iter(|| {
                let mut cursor = io::Cursor::new(black_box(&bytes[..header_bytes]));
                peer::FrameHeader::parse(&mut cursor)
            });
        });
        group.finish();

        let mut group = criterion.benchmark_group(format!("header/encode/{payload_len}"));
        group.bench_function("ringwire", |bencher| {
            bencher.iter(|| black_box(&header).encode(black_box(&mut bytes)));
        });
        group.bench_function("tungstenite", |bencher| {
            let header = peer::FrameHeader {
                mask: header.mask,
                ..Default::default()
            };
            bencher.iter(|| {
                let mut out = black_box(&mut bytes[..]);
                black_box(&header)
                    .format(black_box(payload_len), &mut out)
                    .is_ok()
            });
        });
        group.finish();
    }
}

fn read(criterion: &mut Criterion) {
    for payload_len in [16, 512, 16 << 10] {
        let mut out = [0; Header::BYTES_MAX];
        let header_bytes = masked(payload_len).encode(&mut out);
        let mut frame = out[..header_bytes].to_vec();
        frame.resize(header_bytes + payload_len as usize, 0x5a);

        let mut group = criterion.benchmark_group(format!("header/read/{payload_len}"));
        group.throughput(Throughput::Bytes(payload_len));
        group.bench_function("ringwire", |bencher| {
            let mut feed = Feed {
                frame: frame.clone(),
                sent: 0,
            };
            let mut buffer = vec![0; 32 << 10];
            let mut fragments = Fragments::new();
            bencher.iter(|| {
                let received = feed.read(&mut buffer).unwrap();
                let (header, header_bytes) = Header::decode(&buffer[..received]).unwrap().unwrap();
                let part = fragments.on_frame(&header, &LIMITS).unwrap();
                mask::apply(&mut buffer[header_bytes..received], header.mask.unwrap(), 0);
                black_box(&buffer);
                part
            });
        });
        group.bench_function("tungstenite", |bencher| {
            let feed = Feed {
                frame: frame.clone(),
                sent: 0,
            };
            let mut socket = WebSocket::from_raw_socket(feed, Role::Server, None);
            bencher.iter(|| socket.read().unwrap());
        });
        group.finish();
    }
}

/// A peer that sends the same frame for ever.
struct Feed {
    frame: Vec<u8>,
    sent: usize,
}

impl Read for Feed {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let rest = &self.frame[self.sent..];
        let length = rest.len().min(buffer.len());
        buffer[..length].copy_from_slice(&rest[..length]);
        self.sent = (self.sent + length) % self.frame.len();
        Ok(length)
    }
}

impl Write for Feed {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(1))
        .sample_size(50);
    targets = header, read
}
criterion_main!(benches);
