//! Prometheus text that is right and yet awkward, as that of real systems is.

/// Counted requests and errors, and the backlog, in text format 0.0.4, with everything in it that a parser tends to get wrong.
pub(crate) fn text((requests, errors): (u64, u64), backlog: usize) -> String {
    format!(
        r#"# HELP known_requests_total Requests answered.
# TYPE known_requests_total counter
known_requests_total {requests}
# HELP known_errors_total Requests answered with the error.
# TYPE known_errors_total counter
known_errors_total {errors}
# HELP known_backlog Jobs accepted and not yet visible.
# TYPE known_backlog gauge
known_backlog {backlog}
# HELP known_empty A family without a single sample.
# TYPE known_empty gauge
# HELP known_apart A family whose samples do not stand together.
# TYPE known_apart gauge
known_apart{{part="first"}} 1
# TYPE known_undefined gauge
known_undefined NaN
# TYPE known_unlimited gauge
known_unlimited +Inf
known_apart{{part="second"}} 2
# A label value with a quote, a backslash and a line end in it, and one outside ASCII.
known_escaped{{text="a \"quoted\" \\ value\nin two lines"}} 3
known_escaped{{text="source → sink",}} 4
known_stamped 5.5e-1 1700000000000
"#
    )
}
