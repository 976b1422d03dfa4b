//! The servers that take part where all of it is TLS, with one certificate for all of them: what `ringwire cert --dev`
//! makes. The load generator checks none of it, for what its own handshakes cost is no figure here.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Command;

use super::arms::{self, Arm, Site};
use super::places::{Places, path_text};
use super::server::pinned;

/// The arms of `cargo xtask handshakes`, and with the plain broker beside them of `cargo xtask tls`.
pub(super) fn arms() -> Vec<Arm> {
    vec![ringwire(), bun(), nginx()]
}

/// The broker without TLS, as what the rest is compared with.
pub(super) fn plain() -> Arm {
    Arm {
        key: "plain",
        title: "ringwire without TLS",
        is_floor: true,
        ..arms::ringwire()
    }
}

fn ringwire() -> Arm {
    Arm {
        prepare: certificate,
        start: |site| {
            let (certificate, key) = files(site.places);
            let mut command = pinned(&site.places.ours("ringwire"));
            command.env("RINGWIRE_IO_DRIVER", "io_uring");
            command.args(["--cores", "1", "--listen", "127.0.0.1:0"]);
            command.args(["--tls-listen", &site.address.to_string()]);
            command.args(["--tls-certificate", &certificate, "--tls-key", &key]);
            Ok(command)
        },
        reach: secured,
        ..arms::ringwire()
    }
}

fn bun() -> Arm {
    Arm {
        prepare: |places| certificate(places).and_then(|()| (arms::bun().prepare)(places)),
        start: |site| {
            let mut command = (arms::bun().start)(site)?;
            let (certificate, key) = files(site.places);
            command.args([certificate, key]);
            Ok(command)
        },
        reach: secured,
        ..arms::bun()
    }
}

fn nginx() -> Arm {
    Arm {
        prepare: |places| certificate(places).and_then(|()| (arms::nchan().prepare)(places)),
        start: start_nginx,
        reach: |address| {
            let mut words: Vec<String> = (arms::nchan().reach)(address)
                .iter()
                .map(|word| word.replace("ws://", "wss://"))
                .collect();
            words.push("--insecure".to_owned());
            words
        },
        ..arms::nchan()
    }
}

fn start_nginx(site: &Site<'_>) -> Result<Command, String> {
    let (certificate, key) = files(site.places);
    let path = arms::configured(site, "nchan", "nginx.conf")?;
    let text = std::fs::read_to_string(&path).map_err(|error| format!("{path}: {error}"))?;
    // Tickets are on by default, and so is a cache of sessions in no process but this one.
    let listen = format!("listen {} backlog=4096", site.address);
    let secured = format!(
        "listen {} ssl backlog=4096;\n    ssl_certificate {certificate};\n    ssl_certificate_key {key};\n    ssl_protocols TLSv1.2 TLSv1.3",
        site.address
    );
    if !text.contains(&listen) {
        return Err("benches/peers/nchan/nginx.conf does not listen as it did".to_owned());
    }
    std::fs::write(&path, text.replace(&listen, &secured))
        .map_err(|error| format!("{path}: {error}"))?;
    let mut command = pinned("nginx");
    command.args(["-c", &path]);
    Ok(command)
}

fn secured(address: SocketAddr) -> Vec<String> {
    vec![format!("wss://{address}"), "--insecure".to_owned()]
}

fn folder(places: &Places) -> PathBuf {
    places.made("tls-certificate")
}

fn files(places: &Places) -> (String, String) {
    let file = |name| path_text(&folder(places).join(name));
    (file("cert.pem"), file("key.pem"))
}

/// Builds the broker, and makes the certificate unless there is one.
fn certificate(places: &Places) -> Result<(), String> {
    places.build("ringwire")?;
    let folder = folder(places);
    if folder.join("key.pem").exists() {
        return Ok(());
    }
    super::places::call(
        Command::new(places.ours("ringwire"))
            .args(["cert", "--dev", "--out"])
            .arg(folder),
    )
}
