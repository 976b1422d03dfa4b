//! The command line: flags over the environment over a file, and the two shell clients.

use std::io::Write;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use tls::Certificates;
use toml::Value;

use crate::cert;
use crate::certificates;
use crate::config::{self, Config, Sources};
use crate::{shell, start};

/// A pub/sub message broker over WebSocket. Without a subcommand it serves.
#[derive(Debug, Parser)]
#[command(name = "ringwire", version, args_conflicts_with_subcommands = true)]
#[command(after_help = "\
EXAMPLES
  ringwire                                     serve on 127.0.0.1:7464
  ringwire sub 'chat/**'                       print what is published
  ringwire pub chat/room1 hello                publish
  ringwire cert --dev                          make a certificate to try wss:// with
  curl -d hello localhost:7464/t/chat/room1    publish without ringwire

EXIT CODES
  0 ended in order   1 could not run, or was ended at once by a second signal
  2 wrong usage or configuration")]
struct Args {
    #[command(subcommand)]
    command: Option<Command>,

    #[command(flatten)]
    serve: Serve,
}

#[derive(Debug, Parser)]
struct Serve {
    /// Configuration file (TOML); configs/default.toml shows every key.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,

    /// Where to listen [default: 127.0.0.1:7464]; port 0 takes any free one.
    #[arg(long, value_name = "ADDR:PORT")]
    listen: Option<SocketAddr>,

    /// A certificate (PEM, with its chain): serve https:// and wss:// as well.
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    tls_certificate: Option<String>,

    /// Its private key (PEM).
    #[arg(long, value_name = "FILE", requires = "tls_certificate")]
    tls_key: Option<String>,

    /// Where to listen for them [default: 127.0.0.1:7465].
    #[arg(long, value_name = "ADDR:PORT")]
    tls_listen: Option<SocketAddr>,

    /// Threads that serve [default: one for each CPU].
    #[arg(long, value_name = "N")]
    cores: Option<u16>,

    /// Listen beyond loopback although no authentication is configured.
    #[arg(long)]
    open: bool,

    /// Read and check the configuration, then exit.
    #[arg(long)]
    check_config: bool,

    /// Print the configuration as it would be used, then exit.
    #[arg(long)]
    print_config: bool,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Publish one message.
    Pub(shell::Publish),
    /// Print the messages of a topic or pattern.
    Sub(shell::Subscribe),
    /// Make a certificate to try TLS with.
    Cert(cert::Cert),
}

/// Runs what the command line asks for.
pub fn run() -> ExitCode {
    let args = Args::parse();
    match args.command {
        Some(Command::Pub(publish)) => shell::report(shell::publish(&publish)),
        Some(Command::Sub(subscribe)) => shell::report(shell::subscribe(&subscribe)),
        Some(Command::Cert(cert)) => shell::report(cert::make(&cert)),
        None => serve(&args.serve),
    }
}

fn serve(args: &Serve) -> ExitCode {
    let sources = sources(args);
    let config = match sources.load() {
        Ok(config) => config,
        Err(error) => {
            eprintln!("ringwire: {error}");
            return ExitCode::from(2);
        }
    };
    if args.print_config {
        let text = toml::to_string_pretty(&config).expect("a configuration is TOML");
        // Whoever reads only the first lines closes the pipe: no reason to fail.
        let _ = std::io::stdout().write_all(text.as_bytes());
        return ExitCode::SUCCESS;
    }
    if args.check_config {
        return check(&config);
    }
    match start::run(config, sources) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("ringwire: {error}");
            ExitCode::FAILURE
        }
    }
}

/// The configuration is whole; whether the files are that it names is seen by reading them.
fn check(config: &Config) -> ExitCode {
    match certificates::read(&config.tls) {
        Ok(certificates) => {
            for warning in certificates.iter().flat_map(Certificates::warnings) {
                println!("warning: {warning}");
            }
            println!("the configuration is fine");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("ringwire: {error}");
            ExitCode::from(2)
        }
    }
}

fn sources(args: &Serve) -> Sources {
    let mut flags = config::Overrides::new();
    if let Some(listen) = args.listen {
        flags.push(("server.listen", Value::String(listen.to_string())));
    }
    if let Some(listen) = args.tls_listen {
        flags.push(("tls.listen", Value::String(listen.to_string())));
    }
    if let (Some(certificate), Some(key)) = (&args.tls_certificate, &args.tls_key) {
        let files = [("certificate", certificate), ("key", key)];
        let files = files.map(|(name, path)| (name.to_owned(), Value::String(path.clone())));
        let files = Value::Table(files.into_iter().collect());
        flags.push(("tls.certificates", Value::Array(vec![files])));
    }
    if let Some(cores) = args.cores {
        flags.push(("server.cores", Value::Integer(cores.into())));
    }
    if args.open {
        flags.push(("server.open", Value::Boolean(true)));
    }
    // A variable that is not UTF-8 cannot be one of ours.
    let environment = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect();
    Sources {
        file: args.config.clone(),
        environment,
        flags,
    }
}
