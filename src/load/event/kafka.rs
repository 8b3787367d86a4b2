//! Kafka, by librdkafka: delivery reports of all replicas to publish, all partitions from their ends
//! on to await; without a consumer group.

use std::rc::Rc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use rdkafka::consumer::{Consumer, StreamConsumer};
use rdkafka::error::KafkaError;
use rdkafka::message::{Header, Message, OwnedHeaders};
use rdkafka::producer::{FutureProducer, FutureRecord, Producer};
use rdkafka::{ClientConfig, Offset, TopicPartitionList};

use super::outgoing::Outgoing;
use super::waiting::Waiting;

/// How long the broker may take for a question about itself.
const WITHIN: Duration = Duration::from_secs(10);

pub(super) struct Publisher(FutureProducer);

impl Publisher {
    pub(super) fn connect(hosts: &str) -> Result<Self, String> {
        let mut config = ClientConfig::new();
        // Nothing is held back to be sent together with what comes later.
        config.set("bootstrap.servers", hosts).set("acks", "all").set("linger.ms", "0");
        let producer: FutureProducer = config.create().map_err(|e| reason(&e))?;
        producer.client().fetch_metadata(None, WITHIN).map_err(|e| reason(&e))?;
        Ok(Self(producer))
    }

    /// Publishes an event and waits for its delivery report.
    pub(super) async fn publish(&self, event: Outgoing) -> Result<(), String> {
        let headers = event.headers.iter().fold(OwnedHeaders::new(), |headers, (name, value)| {
            headers.insert(Header { key: name, value: Some(value) })
        });
        let mut record: FutureRecord<'_, [u8], [u8]> =
            FutureRecord::to(&event.stream).payload(&event.body[..]).headers(headers);
        if let Some(key) = &event.key {
            record = record.key(&key[..]);
        }
        self.0.send(record, WITHIN).await.map(drop).map_err(|(e, _)| reason(&e))
    }
}

/// Hands every message that is published from now on to `waiting`.
pub(super) fn subscribe(hosts: &str, topic: &str, waiting: Rc<Waiting>) -> Result<(), String> {
    let mut config = ClientConfig::new();
    config
        .set("bootstrap.servers", hosts)
        // Asked for by the library; never used, since partitions are assigned by hand.
        .set("group.id", "loadproof")
        .set("enable.auto.commit", "false")
        .set("fetch.wait.max.ms", "10");
    let consumer: StreamConsumer = config.create().map_err(|e| reason(&e))?;
    let metadata = consumer.fetch_metadata(Some(topic), WITHIN).map_err(|e| reason(&e))?;
    let mut ends = TopicPartitionList::new();
    for partition in metadata.topics().iter().flat_map(rdkafka::metadata::MetadataTopic::partitions) {
        // The end as it is now: `Offset::End` would be that at the first fetch.
        let (_, end) = consumer.fetch_watermarks(topic, partition.id(), WITHIN).map_err(|e| reason(&e))?;
        ends.add_partition_offset(topic, partition.id(), Offset::Offset(end)).map_err(|e| reason(&e))?;
    }
    if ends.count() == 0 {
        return Err(format!("Kafka: no topic `{topic}`"));
    }
    consumer.assign(&ends).map_err(|e| reason(&e))?;
    tokio::task::spawn_local(async move {
        loop {
            match consumer.recv().await {
                Ok(message) => {
                    let body = Bytes::copy_from_slice(message.payload().unwrap_or_default());
                    waiting.arrived(Instant::now(), body);
                }
                Err(error) => return waiting.broke(&reason(&error)),
            }
        }
    });
    Ok(())
}

fn reason(error: &KafkaError) -> String {
    let code = error.rdkafka_error_code();
    code.map_or_else(|| format!("Kafka: {error}"), |code| format!("Kafka: {code}"))
}
