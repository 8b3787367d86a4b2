//! What a recording holds besides the work of users: headers that clients set by themselves, files of pages, trackers.

/// Headers that the client sets itself, that belong to a browser or its cache, or to one request alone.
const HEADERS: [&str; 35] = [
    "host",
    "authority",
    "connection",
    "content-length",
    "cookie",
    "accept-encoding",
    "user-agent",
    "keep-alive",
    "te",
    "transfer-encoding",
    "upgrade",
    "upgrade-insecure-requests",
    "proxy-connection",
    "dnt",
    "priority",
    "pragma",
    "cache-control",
    "if-none-match",
    "if-modified-since",
    "if-range",
    "range",
    "purpose",
    "x-client-data",
    "save-data",
    "traceparent",
    "tracestate",
    "x-request-id",
    "x-correlation-id",
    "newrelic",
    "sentry-trace",
    "baggage",
    "postman-token",
    "expect",
    "device-memory",
    "downlink",
];

/// Parts of hosts that count visitors, show advertisements or collect errors.
const TRACKERS: [&str; 48] = [
    "google-analytics.",
    "googletagmanager.",
    "googleadservices.",
    "googlesyndication.",
    "doubleclick.",
    "analytics.google.",
    "stats.g.",
    "facebook.",
    "fbcdn.",
    "connect.facebook",
    "hotjar.",
    "segment.io",
    "segment.com",
    "sentry.io",
    "mixpanel.",
    "newrelic.",
    "nr-data.",
    "datadoghq",
    "fullstory.",
    "clarity.ms",
    "amplitude.",
    "optimizely.",
    "cloudflareinsights.",
    "bat.bing.",
    "scorecardresearch.",
    "adservice.",
    "adsystem.",
    "adnxs.",
    "criteo.",
    "taboola.",
    "outbrain.",
    "quantserve.",
    "matomo.",
    "plausible.io",
    "posthog.",
    "bugsnag.",
    "rollbar.",
    "logrocket.",
    "intercom",
    "hubspot.",
    "hs-analytics",
    "chartbeat.",
    "omtrdc.",
    "demdex.",
    "cookielaw.",
    "onetrust.",
    "tiktok.",
    "launchdarkly.",
];

/// Ends of paths of files that pages consist of.
const FILES: [&str; 29] = [
    "avif",
    "bmp",
    "css",
    "eot",
    "gif",
    "ico",
    "jpeg",
    "jpg",
    "js",
    "map",
    "mjs",
    "mp3",
    "mp4",
    "ogg",
    "otf",
    "png",
    "svg",
    "swf",
    "ttf",
    "wasm",
    "wav",
    "webm",
    "webmanifest",
    "webp",
    "woff",
    "woff2",
    "less",
    "scss",
    "m4s",
];

/// Whether a header, in lower case, is left out.
pub(super) fn is_header(name: &str) -> bool {
    HEADERS.contains(&name)
        || name.starts_with(':')
        || ["sec-", "x-datadog-", "x-b3-", "proxy-", "cf-", "x-amzn-trace"]
            .iter()
            .any(|start| name.starts_with(start))
}

/// Whether a host belongs to trackers or advertisements.
pub(super) fn is_tracker(host: &str) -> bool {
    let host = host.to_ascii_lowercase();
    let dotted = format!(".{host}.");
    TRACKERS.iter().any(|tracker| {
        let tracker = if tracker.contains('.') { format!(".{tracker}") } else { (*tracker).to_owned() };
        dotted.contains(&tracker)
    })
}

/// What a path's end says that it is, if a file of a page.
pub(super) fn is_page_file(path: &str) -> bool {
    let path = path.split(['?', '#']).next().unwrap_or_default();
    let last = path.rsplit('/').next().unwrap_or_default();
    last.rsplit_once('.').is_some_and(|(_, end)| FILES.contains(&end.to_ascii_lowercase().as_str()))
}

/// Whether an answer of a media type is a file of a page.
pub(super) fn is_page_media(media: &str) -> bool {
    let media = media.to_ascii_lowercase();
    ["image/", "font/", "video/", "audio/", "text/css", "text/javascript", "application/javascript"]
        .iter()
        .any(|start| media.starts_with(start))
        || [
            "application/x-javascript",
            "application/font-woff",
            "application/wasm",
            "application/manifest+json",
        ]
        .contains(&media.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn noise_is_told_from_work() {
        assert!(is_header("sec-ch-ua") && is_header(":authority") && is_header("cookie"));
        assert!(!is_header("accept") && !is_header("x-api-key") && !is_header("authorization"));
        assert!(is_tracker("www.google-analytics.com") && is_tracker("o1.ingest.sentry.io"));
        assert!(
            !is_tracker("shop.example") && !is_tracker("notfacebook.example") && !is_tracker("127.0.0.1")
        );
        assert!(is_page_file("/a/b.CSS?v=1") && !is_page_file("/api/report.json") && !is_page_file("/js"));
        assert!(is_page_media("image/png") && is_page_media("text/javascript; charset=utf-8"));
        assert!(!is_page_media("application/json") && !is_page_media("text/html"));
    }
}
