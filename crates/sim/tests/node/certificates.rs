//! One certificate for all simulated nodes, and a client that believes it.
//!
//! Keys and handshakes take their randomness from the system: the bytes of a run over TLS differ from one time to the next,
//! and with them now and then a length.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use server::cert::{self, Cert};
use tls::{Certificates, Client, ClientConnection, Resumption, Server, Trust};

const NAME: &str = "localhost";

/// What the nodes' TLS connections are made from.
pub(crate) fn server() -> Server {
    static SERVER: OnceLock<Server> = OnceLock::new();
    let server = SERVER.get_or_init(|| {
        let [certificate, key] = [cert::CERTIFICATE, cert::KEY].map(|name| folder().join(name));
        let certificates = Certificates::read([(&*certificate, &*key)]).expect("a good pair");
        Server::new(&certificates).expect("randomness")
    });
    server.clone()
}

/// A client's end of a connection to such a node. Clients after the first take up its session.
pub(crate) fn client() -> ClientConnection {
    static CLIENT: OnceLock<Client> = OnceLock::new();
    let client = CLIENT.get_or_init(|| {
        let trust = Trust::file(&folder().join(cert::AUTHORITY)).expect("a good file");
        Client::new(trust, Resumption::Offered)
    });
    let name = NAME.try_into().expect("a name");
    client.connect(&name).expect("randomness")
}

/// Where the files are.
fn folder() -> &'static Path {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| {
        let out = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(std::process::id().to_string());
        let made = cert::make(&Cert {
            dev: true,
            out: out.clone(),
            names: Vec::new(),
        });
        made.expect("room on the disk");
        out
    })
}
