//! Serves a reference system on the loopback address until SIGTERM or SIGINT.

mod args;

use std::{io, process::ExitCode};

use clap::Parser;
use testbed::{known, server, shopstream};
use tokio::signal::unix::{SignalKind, signal};

use self::args::{Args, System};

fn main() -> ExitCode {
    match run(Args::parse().system) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("testbed: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(system: System) -> io::Result<()> {
    match system {
        System::Shopstream(args) => {
            let api = server::bind(args.port)?;
            let observatory = server::bind(args.observatory_port)?;
            let shop = shopstream::start(api, observatory, args.config())?;
            let (api, observatory) = (shop.url(), shop.observatory_url());
            serve_until_told(&format!("shopstream ready on {api}, observatory on {observatory}"))
        }
        System::Known(args) => {
            let known = known::start(server::bind(args.port)?, args.truth())?;
            serve_until_told(&format!("known ready on {}", known.url()))
        }
        System::Ingestor(args) => {
            let ingestor = args.start()?;
            let on =
                if ingestor.address().is_some() { format!(" on {}", ingestor.url()) } else { String::new() };
            serve_until_told(&format!("ingestor ready{on}"))
        }
        System::Gateway(args) => {
            let gateway = args.start()?;
            serve_until_told(&format!("gateway ready on {}", gateway.url()))
        }
        System::Site(args) => {
            let site = args.start()?;
            let tls = site.tls_url().map_or_else(String::new, |url| format!(", {url}"));
            serve_until_told(&format!("site ready on {}{tls}", site.url()))
        }
        System::Storefront(args) => {
            let services = args.start()?;
            let ready: Vec<&str> = services.iter().map(|service| service.ready.as_str()).collect();
            serve_until_told(&ready.join("\n"))
        }
    }
}

/// Says that the system is ready, and returns when the process is told to stop.
fn serve_until_told(ready: &str) -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let mut terminate = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        // Subtle: after the signals are caught, since whoever reads it may send one at once.
        println!("{ready}");
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        Ok(())
    })
}
