//! Failures of connections in words that do not vary from request to request, so that equal ones count
//! together.

use super::tls;

/// Why hyper gave up.
pub(super) fn reason(error: &hyper::Error) -> String {
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        if let Some(io) = cause.downcast_ref::<std::io::Error>() {
            return tls::reason(io).unwrap_or_else(|| format!("{error}: {}", io_reason(io)));
        }
        source = cause.source();
    }
    // HTTP/2 has its own causes.
    match std::error::Error::source(error) {
        Some(cause) => format!("{error}: {cause}"),
        None => error.to_string(),
    }
}

/// Why a stream of bytes has broken.
pub(super) fn stream_reason(error: &std::io::Error) -> String {
    tls::reason(error).unwrap_or_else(|| io_reason(error))
}

/// Why the system gave up.
pub(super) fn io_reason(error: &std::io::Error) -> String {
    match error.kind() {
        std::io::ErrorKind::ConnectionRefused => "connection refused".to_owned(),
        std::io::ErrorKind::ConnectionReset => "connection reset".to_owned(),
        std::io::ErrorKind::BrokenPipe => "broken pipe".to_owned(),
        _ => error.to_string(),
    }
}
