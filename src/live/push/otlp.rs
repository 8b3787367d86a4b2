//! OTLP over HTTP: metrics as `ExportMetricsServiceRequest` (opentelemetry-proto 1.x), named by the conventions of
//! OpenTelemetry: with points, without units in their names.

use prost::Message as _;

use super::Message;
use crate::live::metrics::{Family, Kind};

/// What a request is sent with.
pub(super) const HEADERS: &[(&str, &str)] = &[("content-type", "application/x-protobuf")];

/// Values count from the run's start on.
const CUMULATIVE: i32 = 2;

/// The body of a request.
pub(super) fn body(message: &Message) -> Vec<u8> {
    let service = [("service.name", "loadproof"), ("service.version", env!("CARGO_PKG_VERSION"))];
    let attributes = service.map(|(key, value)| KeyValue::of(key, value)).to_vec();
    let metrics = message.families.iter().filter(|family| !family.values.is_empty());
    let scope = Scope { name: "loadproof".to_owned(), version: env!("CARGO_PKG_VERSION").to_owned() };
    let scope_metrics =
        ScopeMetrics { scope: Some(scope), metrics: metrics.map(|family| metric(family, message)).collect() };
    let of_resource =
        ResourceMetrics { resource: Some(Resource { attributes }), scope_metrics: vec![scope_metrics] };
    Export { resource_metrics: vec![of_resource] }.encode_to_vec()
}

fn metric(family: &Family, message: &Message) -> Metric {
    let point = |(labels, value): &(Vec<(&str, String)>, f64)| Point {
        attributes: labels.iter().map(|(key, value)| KeyValue::of(key, value)).collect(),
        start_time_unix_nano: if family.kind == Kind::Counter { nanos(message.since_ms) } else { 0 },
        time_unix_nano: nanos(message.at_ms),
        value: Some(point::Value::AsDouble(*value)),
    };
    let data_points = family.values.iter().map(point).collect();
    Metric {
        name: name(family.name),
        description: family.help.to_owned(),
        unit: family.unit.to_owned(),
        data: Some(match family.kind {
            Kind::Gauge => metric::Data::Gauge(Gauge { data_points }),
            Kind::Counter => metric::Data::Sum(Sum {
                data_points,
                aggregation_temporality: CUMULATIVE,
                is_monotonic: true,
            }),
        }),
    }
}

/// `loadproof.response_time` of `loadproof_response_time_seconds`.
fn name(of_prometheus: &str) -> String {
    let bare = of_prometheus.trim_end_matches("_total").trim_end_matches("_seconds");
    bare.replacen('_', ".", 1)
}

fn nanos(ms: i64) -> u64 {
    u64::try_from(ms).unwrap_or(0).saturating_mul(1_000_000)
}

impl KeyValue {
    fn of(key: &str, value: &str) -> Self {
        let value = Some(any_value::Value::StringValue(value.to_owned()));
        Self { key: key.to_owned(), value: Some(AnyValue { value }) }
    }
}

#[derive(Clone, PartialEq, prost::Message)]
struct Export {
    #[prost(message, repeated, tag = "1")]
    resource_metrics: Vec<ResourceMetrics>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct ResourceMetrics {
    #[prost(message, optional, tag = "1")]
    resource: Option<Resource>,
    #[prost(message, repeated, tag = "2")]
    scope_metrics: Vec<ScopeMetrics>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct Resource {
    #[prost(message, repeated, tag = "1")]
    attributes: Vec<KeyValue>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct ScopeMetrics {
    #[prost(message, optional, tag = "1")]
    scope: Option<Scope>,
    #[prost(message, repeated, tag = "2")]
    metrics: Vec<Metric>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct Scope {
    #[prost(string, tag = "1")]
    name: String,
    #[prost(string, tag = "2")]
    version: String,
}

#[derive(Clone, PartialEq, prost::Message)]
struct Metric {
    #[prost(string, tag = "1")]
    name: String,
    #[prost(string, tag = "2")]
    description: String,
    #[prost(string, tag = "3")]
    unit: String,
    #[prost(oneof = "metric::Data", tags = "5, 7")]
    data: Option<metric::Data>,
}

mod metric {
    #[derive(Clone, PartialEq, prost::Oneof)]
    pub(super) enum Data {
        #[prost(message, tag = "5")]
        Gauge(super::Gauge),
        #[prost(message, tag = "7")]
        Sum(super::Sum),
    }
}

#[derive(Clone, PartialEq, prost::Message)]
struct Gauge {
    #[prost(message, repeated, tag = "1")]
    data_points: Vec<Point>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct Sum {
    #[prost(message, repeated, tag = "1")]
    data_points: Vec<Point>,
    #[prost(int32, tag = "2")]
    aggregation_temporality: i32,
    #[prost(bool, tag = "3")]
    is_monotonic: bool,
}

#[derive(Clone, PartialEq, prost::Message)]
struct Point {
    #[prost(fixed64, tag = "2")]
    start_time_unix_nano: u64,
    #[prost(fixed64, tag = "3")]
    time_unix_nano: u64,
    #[prost(oneof = "point::Value", tags = "4")]
    value: Option<point::Value>,
    #[prost(message, repeated, tag = "7")]
    attributes: Vec<KeyValue>,
}

mod point {
    #[derive(Clone, Copy, PartialEq, prost::Oneof)]
    pub(super) enum Value {
        #[prost(double, tag = "4")]
        AsDouble(f64),
    }
}

#[derive(Clone, PartialEq, prost::Message)]
struct KeyValue {
    #[prost(string, tag = "1")]
    key: String,
    #[prost(message, optional, tag = "2")]
    value: Option<AnyValue>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct AnyValue {
    #[prost(oneof = "any_value::Value", tags = "1")]
    value: Option<any_value::Value>,
}

mod any_value {
    #[derive(Clone, PartialEq, prost::Oneof)]
    pub(super) enum Value {
        #[prost(string, tag = "1")]
        StringValue(String),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counters_are_monotonic_sums_and_names_have_no_units() {
        let family = |name, kind, unit| Family {
            name,
            kind,
            unit,
            help: "h",
            values: vec![(vec![("endpoint", "GET /".to_owned())], 39.0)],
        };
        let families = vec![
            family("loadproof_samples_total", Kind::Counter, "{sample}"),
            family("loadproof_response_time_seconds", Kind::Gauge, "s"),
            Family { values: Vec::new(), ..family("loadproof_signal", Kind::Gauge, "1") },
        ];
        let message = Message { families, at_ms: 1_795_276_500_250, since_ms: 1_795_276_500_000 };
        let export = Export::decode(&*body(&message)).unwrap();
        let metrics = &export.resource_metrics[0].scope_metrics[0].metrics;
        let names: Vec<(&str, &str)> = metrics.iter().map(|m| (m.name.as_str(), m.unit.as_str())).collect();
        assert_eq!(names, [("loadproof.samples", "{sample}"), ("loadproof.response_time", "s")]);
        let Some(metric::Data::Sum(sum)) = &metrics[0].data else { panic!() };
        assert!(sum.is_monotonic && sum.aggregation_temporality == CUMULATIVE);
        let point = &sum.data_points[0];
        assert_eq!(point.time_unix_nano - point.start_time_unix_nano, 250_000_000);
        assert_eq!(point.value, Some(point::Value::AsDouble(39.0)));
        assert_eq!(point.attributes, [KeyValue::of("endpoint", "GET /")]);
    }
}
