//! Flags of `http` and `grpc`, named as users of wrk, oha, hey and ghz expect them.

use std::time::Duration;

use clap::Args;

use super::load::parse_positive_rate;
use super::{Deployment, LOAD, Outputs, PageFlags, Shown, WHAT};
use crate::unit;

pub(super) const HTTP_EXAMPLES: &str = "\
URL, header values and body may hold templates, as in scenario files: 'http://127.0.0.1:8000/orders/{{ int(1, 900) }}'

Examples:
  loadproof http http://127.0.0.1:8000/health -c 50 -d 10s
  loadproof http http://127.0.0.1:8000/orders -q 200 -d 30s -b @order.json -H 'content-type: application/json' --expect 201
  loadproof http http://127.0.0.1:8000/ -n 1000 --label before && loadproof http http://127.0.0.1:8000/ -n 1000 --label after
  loadproof compare before after";

pub(super) const GRPC_EXAMPLES: &str = "\
Examples:
  loadproof grpc 127.0.0.1:50051 shop.v1.Shop/GetItem -d '{\"id\": \"p-1\"}' -c 20 -z 10s
  loadproof grpc 127.0.0.1:50051 shop.v1.Shop/GetItem -d '{\"id\": \"p-{{ int(1, 900) }}\"}' -q 500 --expect OK,NOT_FOUND";

/// Load one HTTP endpoint
#[derive(Debug, Args)]
pub(in crate::cli) struct Http {
    /// The endpoint
    #[arg(value_name = "URL")]
    pub(in crate::cli) url: String,
    /// The method; GET, or POST where there is a body, if not given
    #[arg(short, long, env = "LOADPROOF_METHOD", help_heading = WHAT)]
    pub(in crate::cli) method: Option<String>,
    /// Body text, or `@file` to send a file unchanged
    #[arg(short, long, env = "LOADPROOF_BODY", value_name = "TEXT|@FILE", help_heading = WHAT)]
    pub(in crate::cli) body: Option<String>,
    /// Maximum number of redirects to follow; 0 if --expect names a 3xx status
    #[arg(long, env = "LOADPROOF_REDIRECTS", default_value_t = 10, value_name = "N", help_heading = WHAT)]
    pub(in crate::cli) redirects: u32,
    /// The version of HTTP; `auto` is HTTP/2 over TLS if the server offers it, and HTTP/1.1 otherwise
    #[arg(long = "http", env = "LOADPROOF_HTTP", value_parser = ["auto", "1.1", "2"], default_value = "auto", value_name = "VERSION", help_heading = WHAT)]
    pub(in crate::cli) protocol: String,
    /// The same as --duration
    #[arg(short = 'd', value_parser = unit::parse_duration, value_name = "TIME", conflicts_with = "duration", help_heading = LOAD)]
    pub(in crate::cli) for_time: Option<Duration>,
    #[command(flatten)]
    pub(in crate::cli) flags: EndpointFlags,
}

/// Load one gRPC method
#[derive(Debug, Args)]
pub(in crate::cli) struct Grpc {
    /// The server: `host:port`, or a URL (https for TLS)
    #[arg(value_name = "ADDRESS")]
    pub(in crate::cli) address: String,
    /// The method: `package.Service/Method`, unary or server-streaming
    #[arg(value_name = "METHOD")]
    pub(in crate::cli) method: String,
    /// The message as JSON, or `@file`; an empty message if not given
    #[arg(short = 'd', long, env = "LOADPROOF_DATA", value_name = "JSON|@FILE", help_heading = WHAT)]
    pub(in crate::cli) data: Option<String>,
    #[command(flatten)]
    pub(in crate::cli) flags: EndpointFlags,
}

/// Flags of loads on one endpoint
#[derive(Debug, Args)]
pub(in crate::cli) struct EndpointFlags {
    /// A header, or metadata of a gRPC call: `name: value`; may be given several times
    #[arg(short = 'H', long = "header", value_name = "HEADER", help_heading = WHAT)]
    pub(in crate::cli) headers: Vec<String>,
    /// Statuses that are ok, such as `200,404` or `OK,NOT_FOUND`; anything below 400, or OK, if not given
    #[arg(long, env = "LOADPROOF_EXPECT", value_delimiter = ',', value_name = "STATUS", help_heading = WHAT)]
    pub(in crate::cli) expect: Vec<String>,
    /// Timeout from sending to the complete answer; also the deadline of a gRPC call
    #[arg(long, env = "LOADPROOF_TIMEOUT", value_parser = unit::parse_duration, default_value = "30s", value_name = "TIME", help_heading = WHAT)]
    pub(in crate::cli) timeout: Duration,
    /// Accept any certificate
    #[arg(short = 'k', long, env = "LOADPROOF_INSECURE", help_heading = WHAT)]
    pub(in crate::cli) insecure: bool,
    /// Certificates to trust besides the system's: of an authority, or of the server itself (PEM)
    #[arg(long, env = "LOADPROOF_CACERT", value_name = "FILE", help_heading = WHAT)]
    pub(in crate::cli) cacert: Option<String>,
    /// The client's certificate (PEM)
    #[arg(long, env = "LOADPROOF_CLIENT_CERT", value_name = "FILE", requires = "key", help_heading = WHAT)]
    pub(in crate::cli) cert: Option<String>,
    /// The client's private key (PEM)
    #[arg(long, env = "LOADPROOF_CLIENT_KEY", value_name = "FILE", requires = "cert", help_heading = WHAT)]
    pub(in crate::cli) key: Option<String>,
    /// Label for the run, such as a release
    #[arg(long, env = "LOADPROOF_LABEL", help_heading = WHAT)]
    pub(in crate::cli) label: Option<String>,
    #[command(flatten)]
    pub(in crate::cli) deployment: Deployment,
    /// Maximum number of concurrent requests; each has its own connection
    #[arg(short, long, env = "LOADPROOF_CONNECTIONS", value_parser = clap::value_parser!(u32).range(1..), default_value_t = 50, help_heading = LOAD)]
    pub(in crate::cli) connections: u32,
    /// Duration, unless --requests is given
    #[arg(short = 'z', long, env = "LOADPROOF_DURATION", value_parser = unit::parse_duration, default_value = "10s", value_name = "TIME", help_heading = LOAD)]
    pub(in crate::cli) duration: Duration,
    /// Total number of requests, instead of a duration
    #[arg(short = 'n', long, env = "LOADPROOF_REQUESTS", value_parser = clap::value_parser!(u64).range(1..), help_heading = LOAD)]
    pub(in crate::cli) requests: Option<u64>,
    /// Total requests per second, independent of response times; default: as fast as the connections allow
    #[arg(short = 'q', long, env = "LOADPROOF_RATE", value_parser = parse_positive_rate, help_heading = LOAD)]
    pub(in crate::cli) rate: Option<f64>,
    /// Random seed; default: random
    #[arg(long, env = "LOADPROOF_SEED", value_parser = clap::value_parser!(u64).range(0..=i64::MAX as u64), help_heading = LOAD)]
    pub(in crate::cli) seed: Option<u64>,
    /// Threads that generate load; default: one per core
    #[arg(long, env = "LOADPROOF_WORKERS", value_parser = clap::value_parser!(u16).range(1..=1024), help_heading = LOAD)]
    pub(in crate::cli) workers: Option<u16>,
    /// Busy-wait for the last 200 µs before a request is due; requests are sent on time, but workers use their cores fully
    #[arg(long, env = "LOADPROOF_SPIN", help_heading = LOAD)]
    pub(in crate::cli) spin: bool,
    #[command(flatten)]
    pub(in crate::cli) outputs: Outputs,
    #[command(flatten)]
    pub(in crate::cli) shown: Shown,
    #[command(flatten)]
    pub(in crate::cli) ui: PageFlags,
}
