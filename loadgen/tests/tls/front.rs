//! TLS in front of a scripted server, on plain threads and blocking sockets: rustls' buffered connection, which the generator
//! does not use, with habits that a test chooses. Certificates are made when the test runs.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::ops::Range;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};

use rcgen::{CertificateParams, KeyPair};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig, ServerConnection, SupportedProtocolVersion};

use crate::scripted;

/// A server's certificate, which is its own authority's.
pub(crate) struct Identity {
    config: ServerConfig,
    roots: RootCertStore,
    /// The file that a client has to trust.
    pub(crate) ca: PathBuf,
}

/// What a front does beside passing bytes on.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Habits {
    /// Writes that many bytes at a time, if not all.
    pub(crate) piece_bytes: Option<usize>,
    /// Takes new keys before it says anything.
    pub(crate) updates_keys: bool,
    /// Breaks off behind that many bytes, in this way.
    pub(crate) breaks_off: Option<(usize, BreakOff)>,
}

/// How a front breaks off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BreakOff {
    HangsUp,
    FallsSilent,
    /// Sends bytes that no key has made.
    RunsWild,
    /// Says `close_notify` and leaves the connection open.
    SaysGoodbye,
}

/// A front and what it has seen.
pub(crate) struct Front {
    pub(crate) address: SocketAddr,
    /// Of each connection that has ended: whether the client has said `close_notify`.
    pub(crate) endings: Receiver<bool>,
}

impl Identity {
    /// Valid for `name` from the first year to the second.
    pub(crate) fn new(
        name: &str,
        years: Range<i32>,
        versions: &[&'static SupportedProtocolVersion],
    ) -> Identity {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let key = KeyPair::generate().expect("randomness");
        let mut request = CertificateParams::new(vec![name.to_owned()]).expect("a good name");
        request.not_before = rcgen::date_time_ymd(years.start, 1, 1);
        request.not_after = rcgen::date_time_ymd(years.end, 1, 1);
        let certificate = request.self_signed(&key).expect("a good request");
        let file = format!(
            "{}-{}.pem",
            std::process::id(),
            NUMBER.fetch_add(1, Ordering::Relaxed)
        );
        let ca = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(file);
        std::fs::write(&ca, certificate.pem()).expect("room on the disk");
        let mut roots = RootCertStore::empty();
        roots.add(certificate.der().clone()).expect("a certificate");
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let mut config = builder(versions)
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], key)
            .expect("a key that fits");
        config.ticketer = rustls::crypto::ring::Ticketer::new().expect("randomness");
        Identity { config, roots, ca }
    }

    /// Valid for the address that every test server has.
    pub(crate) fn good() -> Identity {
        Identity::new("127.0.0.1", 2020..2120, rustls::ALL_VERSIONS)
    }

    /// The same server, to whom clients have to show a certificate as well.
    pub(crate) fn asking_for_certificates(self) -> Identity {
        let verifier = WebPkiClientVerifier::builder_with_provider(
            Arc::new(self.roots.clone()),
            self.config.crypto_provider().clone(),
        );
        let mut config = builder(rustls::ALL_VERSIONS)
            .with_client_cert_verifier(verifier.build().expect("there are roots"))
            .with_cert_resolver(self.config.cert_resolver.clone());
        config.ticketer = self.config.ticketer.clone();
        Identity { config, ..self }
    }

    /// TLS in front of the server at `behind`.
    pub(crate) fn before(&self, behind: SocketAddr, habits: Habits) -> Front {
        let config = Arc::new(self.config.clone());
        let (ended, endings) = channel();
        let address = scripted::serve(move |stream| {
            let tls = ServerConnection::new(config.clone()).expect("a good configuration");
            // Most tests do not ask.
            let _ = ended.send(Connection::new(tls, stream, habits).pass_on(behind));
        });
        Front { address, endings }
    }
}

fn builder(
    versions: &[&'static SupportedProtocolVersion],
) -> rustls::ConfigBuilder<ServerConfig, rustls::WantsVerifier> {
    ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_protocol_versions(versions)
        .expect("ring has them")
}

struct Connection {
    stream: TcpStream,
    habits: Habits,
    state: Mutex<State>,
}

struct State {
    tls: ServerConnection,
    written_bytes: usize,
}

impl Connection {
    fn new(tls: ServerConnection, stream: TcpStream, habits: Habits) -> Arc<Connection> {
        stream.set_nodelay(true).expect("a TCP stream");
        Arc::new(Connection {
            stream,
            habits,
            state: Mutex::new(State {
                tls,
                written_bytes: 0,
            }),
        })
    }

    /// Passes on what comes from both sides until one ends. Says whether the client has said `close_notify`.
    fn pass_on(self: Arc<Self>, behind: SocketAddr) -> bool {
        let mut back = TcpStream::connect(behind).expect("it listens");
        back.set_nodelay(true).expect("a TCP stream");
        let other = self.clone();
        let mut from_back = back.try_clone().expect("a descriptor");
        std::thread::spawn(move || other.pass_back(&mut from_back));
        let mut bytes = [0; 4096];
        loop {
            let Ok(count @ 1..) = (&self.stream).read(&mut bytes) else {
                let _ = back.shutdown(Shutdown::Both);
                return false;
            };
            let mut state = self.state.lock().unwrap();
            let mut rest = &bytes[..count];
            while !rest.is_empty() {
                if state.tls.read_tls(&mut rest).is_err() {
                    return false;
                }
                let processed = state.tls.process_new_packets();
                self.write(&mut state);
                let Ok(processed) = processed else {
                    // The alert has left.
                    let _ = self.stream.shutdown(Shutdown::Write);
                    return false;
                };
                let mut plain = Vec::new();
                let _ = state.tls.reader().read_to_end(&mut plain);
                let _ = back.write_all(&plain);
                if processed.peer_has_closed() {
                    return true;
                }
            }
        }
    }

    fn pass_back(&self, from_back: &mut TcpStream) {
        let mut bytes = [0; 4096];
        while let Ok(count @ 1..) = from_back.read(&mut bytes) {
            let mut state = self.state.lock().unwrap();
            if self.habits.updates_keys
                && state.tls.protocol_version() == Some(rustls::ProtocolVersion::TLSv1_3)
            {
                state.tls.refresh_traffic_keys().expect("TLS 1.3");
            }
            state
                .tls
                .writer()
                .write_all(&bytes[..count])
                .expect("memory");
            self.write(&mut state);
        }
        let mut state = self.state.lock().unwrap();
        state.tls.send_close_notify();
        self.write(&mut state);
    }

    /// Writes what TLS has to send. The client may be gone.
    fn write(&self, state: &mut State) {
        let mut out = Vec::new();
        while state.tls.wants_write() {
            state.tls.write_tls(&mut out).expect("memory");
        }
        if let Some((bytes_max, how)) = self.habits.breaks_off
            && state.written_bytes + out.len() >= bytes_max
        {
            if matches!(how, BreakOff::HangsUp | BreakOff::FallsSilent) {
                out.truncate(bytes_max.saturating_sub(state.written_bytes));
            }
            self.write_pieces(state, &out);
            return self.break_off(state, how);
        }
        self.write_pieces(state, &out);
    }

    fn write_pieces(&self, state: &mut State, out: &[u8]) {
        state.written_bytes += out.len();
        for piece in out.chunks(self.habits.piece_bytes.unwrap_or(usize::MAX)) {
            let _ = (&self.stream).write_all(piece);
        }
    }

    fn break_off(&self, state: &mut State, how: BreakOff) {
        match how {
            BreakOff::HangsUp => drop(self.stream.shutdown(Shutdown::Both)),
            BreakOff::FallsSilent => {}
            BreakOff::RunsWild => drop((&self.stream).write_all(&[0x17, 3, 3, 0, 32].repeat(20))),
            BreakOff::SaysGoodbye => {
                state.tls.send_close_notify();
                let mut goodbye = Vec::new();
                while state.tls.wants_write() {
                    state.tls.write_tls(&mut goodbye).expect("memory");
                }
                let _ = (&self.stream).write_all(&goodbye);
            }
        }
    }
}
