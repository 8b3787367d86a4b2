//! Prometheus's remote write, version 1 (<https://prometheus.io/docs/specs/prw/remote_write_spec/>): time series as
//! protobuf, compressed with Snappy.

use prost::Message as _;

use super::Message;
use crate::live::metrics::{Family, Kind};

/// What a request is sent with.
pub(super) const HEADERS: &[(&str, &str)] = &[
    ("content-type", "application/x-protobuf"),
    ("content-encoding", "snappy"),
    ("x-prometheus-remote-write-version", "0.1.0"),
    ("user-agent", concat!("loadproof/", env!("CARGO_PKG_VERSION"))),
];

/// The body of a request.
pub(super) fn body(message: &Message) -> Result<Vec<u8>, String> {
    let request = WriteRequest {
        timeseries: message.families.iter().flat_map(|family| series(family, message.at_ms)).collect(),
        metadata: message.families.iter().map(metadata).collect(),
    };
    snap::raw::Encoder::new().compress_vec(&request.encode_to_vec()).map_err(|error| error.to_string())
}

fn series(family: &Family, at_ms: i64) -> impl Iterator<Item = TimeSeries> {
    family.values.iter().map(move |(labels, value)| {
        let name = std::iter::once(("__name__", family.name));
        // An empty label is as good as none, and must not be sent.
        let labels =
            labels.iter().map(|(name, value)| (*name, value.as_str())).filter(|(_, value)| !value.is_empty());
        let mut labels: Vec<Label> = name
            .chain(labels)
            .map(|(name, value)| Label { name: name.to_owned(), value: value.to_owned() })
            .collect();
        labels.sort_by(|a, b| a.name.cmp(&b.name));
        TimeSeries { labels, samples: vec![Sample { value: *value, timestamp: at_ms }] }
    })
}

fn metadata(family: &Family) -> Metadata {
    Metadata {
        kind: if family.kind == Kind::Counter { 1 } else { 2 },
        metric_family_name: family.name.to_owned(),
        help: family.help.to_owned(),
    }
}

#[derive(Clone, PartialEq, prost::Message)]
struct WriteRequest {
    #[prost(message, repeated, tag = "1")]
    timeseries: Vec<TimeSeries>,
    #[prost(message, repeated, tag = "3")]
    metadata: Vec<Metadata>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct TimeSeries {
    #[prost(message, repeated, tag = "1")]
    labels: Vec<Label>,
    #[prost(message, repeated, tag = "2")]
    samples: Vec<Sample>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct Label {
    #[prost(string, tag = "1")]
    name: String,
    #[prost(string, tag = "2")]
    value: String,
}

#[derive(Clone, PartialEq, prost::Message)]
struct Sample {
    #[prost(double, tag = "1")]
    value: f64,
    #[prost(int64, tag = "2")]
    timestamp: i64,
}

#[derive(Clone, PartialEq, prost::Message)]
struct Metadata {
    #[prost(int32, tag = "1")]
    kind: i32,
    #[prost(string, tag = "2")]
    metric_family_name: String,
    #[prost(string, tag = "4")]
    help: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_sorted_and_none_is_empty() {
        let labels = [("scenario", "shop"), ("kind", "request"), ("traffic_class", "")];
        let labels = labels.map(|(name, value)| (name, value.to_owned())).to_vec();
        let family = Family {
            name: "loadproof_samples_total",
            kind: Kind::Counter,
            unit: "{sample}",
            help: "Requests.",
            values: vec![(labels, 39.0)],
        };
        let message = Message { families: vec![family], at_ms: 1_795_276_500_250, since_ms: 0 };
        let bytes = snap::raw::Decoder::new().decompress_vec(&body(&message).unwrap()).unwrap();
        let request = WriteRequest::decode(&*bytes).unwrap();
        let names: Vec<&str> = request.timeseries[0].labels.iter().map(|label| label.name.as_str()).collect();
        assert_eq!(names, ["__name__", "kind", "scenario"]);
        assert_eq!(request.timeseries[0].samples, [Sample { value: 39.0, timestamp: 1_795_276_500_250 }]);
        assert_eq!((request.metadata[0].kind, request.metadata[0].help.as_str()), (1, "Requests."));
    }
}
