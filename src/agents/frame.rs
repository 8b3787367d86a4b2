//! Frames: an agent's batches as bytes, in its spool and on the wire alike.
//!
//! A frame is the batch's number, the length of what follows, a checksum of both, and the batch. Each stands by itself: the
//! reasons that its samples name are in it, so that whoever reads one need not have read those before.

use super::bytes::{Damaged, Reader, Writer};
use crate::checksum;
use crate::reading::{Reading, SignalId};
use crate::sample::{
    Batch, EndpointId, Exchange, Key, Message, Outcome, Phase, Race, ReasonId, Sample, SoftChecks,
    UserClassId,
};

/// Bytes before the batch itself: its number, its length, and the beginning of the checksum.
pub(super) const HEAD: usize = 8 + 4 + 8;
/// Bytes of the largest frame: less than what a NATS server takes in one message unless it is told otherwise (1 MiB).
pub(super) const MOST: usize = 900 << 10;
/// The form of batches that is written.
const FORM: u64 = 1;

/// A batch as it came out of a frame.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Frame {
    /// Its number among those of its agent.
    pub(super) number: u64,
    /// Its samples; their reasons count in its own list of new ones, from 1.
    pub(super) batch: Batch,
    /// What the agent has read of itself.
    pub(super) readings: Vec<Reading>,
}

/// The length of a frame by its head: with it.
pub(super) fn length(head: &[u8; HEAD]) -> Result<usize, Damaged> {
    let (_, rest) = head.split_first_chunk::<8>().ok_or(Damaged)?;
    let length = rest.first_chunk::<4>().ok_or(Damaged)?;
    let length = usize::try_from(u32::from_le_bytes(*length)).map_err(|_| Damaged)?;
    if length > MOST { Err(Damaged) } else { Ok(HEAD + length) }
}

/// A batch as a frame.
pub(super) fn encode(frame: &Frame) -> Vec<u8> {
    let Frame { number, batch, readings } = frame;
    // What a sample takes at most of the time.
    let mut writer = Writer(Vec::with_capacity(HEAD + 64 + batch.samples.len() * 40));
    writer.0.resize(HEAD, 0);
    writer.uint(FORM);
    writer.uint(batch.worker);
    writer.length(batch.new_reasons.len());
    batch.new_reasons.iter().for_each(|reason| writer.text(reason));
    writer.length(batch.samples.len());
    let mut before_us = 0;
    for sample in &batch.samples {
        write_sample(&mut writer, sample, before_us);
        before_us = sample.intended_us;
    }
    writer.length(batch.exchanges.len());
    batch.exchanges.iter().for_each(|exchange| write_exchange(&mut writer, exchange));
    writer.length(batch.soft_checks.len());
    for counted in &batch.soft_checks {
        writer.uint(counted.check);
        writer.uint(counted.endpoint.0);
        writer.uint(counted.phase as u8);
        writer.uint(counted.passed);
        writer.uint(counted.failed);
    }
    writer.length(readings.len());
    for reading in readings {
        writer.uint(reading.signal.0);
        writer.int(reading.at_us);
        writer.real(reading.value);
    }
    let mut bytes = writer.0;
    let length = u32::try_from(bytes.len() - HEAD).unwrap_or(u32::MAX);
    bytes[..8].copy_from_slice(&number.to_le_bytes());
    bytes[8..12].copy_from_slice(&length.to_le_bytes());
    let sum = sum(&bytes[..12], &bytes[HEAD..]);
    bytes[12..HEAD].copy_from_slice(&sum);
    bytes
}

/// The batch of a frame; the bytes may be anybody's.
pub(super) fn decode(bytes: &[u8]) -> Result<Frame, Damaged> {
    let (head, body) = bytes.split_first_chunk::<HEAD>().ok_or(Damaged)?;
    if length(head)? != bytes.len() || head[12..] != sum(&head[..12], body) {
        return Err(Damaged);
    }
    let number = u64::from_le_bytes(*head.first_chunk().ok_or(Damaged)?);
    let mut reader = Reader(body);
    if reader.uint()? != FORM {
        return Err(Damaged);
    }
    let mut batch = Batch { worker: reader.small()?, ..Batch::default() };
    for _ in 0..reader.length()? {
        batch.new_reasons.push(reader.text()?);
    }
    let mut before_us = 0;
    for _ in 0..reader.length()? {
        let sample = read_sample(&mut reader, before_us)?;
        if usize::from(sample.reason.0) > batch.new_reasons.len() {
            return Err(Damaged);
        }
        before_us = sample.intended_us;
        batch.samples.push(sample);
    }
    for _ in 0..reader.length()? {
        batch.exchanges.push(read_exchange(&mut reader)?);
    }
    for _ in 0..reader.length()? {
        batch.soft_checks.push(SoftChecks {
            check: reader.small()?,
            endpoint: EndpointId(reader.small()?),
            phase: phase(&mut reader)?,
            passed: reader.uint()?,
            failed: reader.uint()?,
        });
    }
    let mut readings = Vec::new();
    for _ in 0..reader.length()? {
        let signal = SignalId(reader.small()?);
        readings.push(Reading { signal, at_us: reader.int()?, value: reader.real()? });
    }
    reader.end()?;
    Ok(Frame { number, batch, readings })
}

/// The beginning of the SHA-256 of a head and what follows it.
fn sum(head: &[u8], body: &[u8]) -> [u8; 8] {
    let digest = checksum::digest_of([head, body]);
    digest.first_chunk().copied().unwrap_or_default()
}

/// Times are written as differences: of the time at which a sample was due from that of the one before, of the others from
/// the one before them.
fn write_sample(writer: &mut Writer, sample: &Sample, before_us: i64) {
    writer.uint(sample.endpoint.0);
    writer.uint(sample.user_class.0);
    writer.uint(sample.user);
    writer.uint(sample.journey);
    writer.uint((sample.phase as u8) << 4 | sample.outcome as u8);
    writer.uint(sample.status);
    writer.uint(sample.reason.0);
    writer.int(sample.intended_us.wrapping_sub(before_us));
    writer.int(sample.sent_us.wrapping_sub(sample.intended_us));
    writer.int(sample.first_byte_us.wrapping_sub(sample.sent_us));
    writer.int(sample.done_us.wrapping_sub(sample.first_byte_us));
    writer.uint(sample.key.code());
    writer.uint(sample.race.code());
    writer.uint(sample.bytes_in);
    writer.uint(sample.bytes_out);
    writer.uint(sample.redirects);
    writer.uint(sample.repeats);
}

fn read_sample(reader: &mut Reader<'_>, before_us: i64) -> Result<Sample, Damaged> {
    let endpoint = EndpointId(reader.small()?);
    let user_class = UserClassId(reader.small()?);
    let (user, journey) = (reader.small()?, reader.small()?);
    let how: u8 = reader.small()?;
    let phase = Phase::ALL.get(usize::from(how >> 4)).copied().ok_or(Damaged)?;
    let outcome = Outcome::ALL.get(usize::from(how & 0xf)).copied().ok_or(Damaged)?;
    let (status, reason) = (reader.small()?, ReasonId(reader.small()?));
    let intended_us = before_us.wrapping_add(reader.int()?);
    let sent_us = intended_us.wrapping_add(reader.int()?);
    let first_byte_us = sent_us.wrapping_add(reader.int()?);
    let done_us = first_byte_us.wrapping_add(reader.int()?);
    Ok(Sample {
        endpoint,
        user_class,
        user,
        journey,
        phase,
        outcome,
        status,
        reason,
        intended_us,
        sent_us,
        first_byte_us,
        done_us,
        key: Key::from_code(reader.uint()?),
        race: Race::from_code(reader.uint()?),
        bytes_in: reader.small()?,
        bytes_out: reader.small()?,
        redirects: reader.small()?,
        repeats: reader.small()?,
    })
}

fn phase(reader: &mut Reader<'_>) -> Result<Phase, Damaged> {
    let code: u8 = reader.small()?;
    Phase::ALL.get(usize::from(code)).copied().ok_or(Damaged)
}

fn write_exchange(writer: &mut Writer, exchange: &Exchange) {
    writer.uint(exchange.endpoint.0);
    writer.uint(exchange.user);
    writer.uint(exchange.journey);
    writer.uint(exchange.outcome as u8);
    writer.text(&exchange.reason);
    writer.int(exchange.sent_us);
    writer.int(exchange.done_us);
    write_message(writer, &exchange.request);
    writer.uint(u8::from(exchange.answer.is_some()));
    if let Some(answer) = &exchange.answer {
        write_message(writer, answer);
    }
    writer.length(exchange.redirects.len());
    exchange.redirects.iter().for_each(|text| writer.text(text));
    write_pairs(writer, &exchange.extracted);
}

fn read_exchange(reader: &mut Reader<'_>) -> Result<Exchange, Damaged> {
    let endpoint = EndpointId(reader.small()?);
    let (user, journey) = (reader.small()?, reader.small()?);
    let outcome: u8 = reader.small()?;
    let outcome = Outcome::ALL.get(usize::from(outcome)).copied().ok_or(Damaged)?;
    let (reason, sent_us, done_us) = (reader.text()?, reader.int()?, reader.int()?);
    let request = read_message(reader)?;
    let answer = if reader.uint()? == 0 { None } else { Some(read_message(reader)?) };
    let mut redirects = Vec::new();
    for _ in 0..reader.length()? {
        redirects.push(reader.text()?);
    }
    let extracted = read_pairs(reader)?;
    Ok(Exchange {
        endpoint,
        user,
        journey,
        outcome,
        reason,
        sent_us,
        done_us,
        request,
        answer,
        redirects,
        extracted,
    })
}

fn write_message(writer: &mut Writer, message: &Message) {
    writer.text(&message.start);
    write_pairs(writer, &message.headers);
    writer.text(&message.body);
    writer.uint(message.body_bytes);
    writer.uint(u8::from(message.is_cut));
}

fn read_message(reader: &mut Reader<'_>) -> Result<Message, Damaged> {
    Ok(Message {
        start: reader.text()?,
        headers: read_pairs(reader)?,
        body: reader.text()?,
        body_bytes: reader.uint()?,
        is_cut: reader.uint()? != 0,
    })
}

fn write_pairs(writer: &mut Writer, pairs: &[(String, String)]) {
    writer.length(pairs.len());
    for (name, value) in pairs {
        writer.text(name);
        writer.text(value);
    }
}

fn read_pairs(reader: &mut Reader<'_>) -> Result<Vec<(String, String)>, Damaged> {
    let mut pairs = Vec::new();
    for _ in 0..reader.length()? {
        pairs.push((reader.text()?, reader.text()?));
    }
    Ok(pairs)
}

#[cfg(test)]
pub(super) mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::sample::tests::PLAIN;

    prop_compose! {
        fn sample()(
            (endpoint, user_class, status, reason) in (any::<u16>(), any::<u16>(), any::<u16>(), 0_u16..3),
            (user, journey, bytes_in, bytes_out) in any::<(u32, u32, u32, u32)>(),
            (phase, outcome) in (0_usize..4, 0_usize..5),
            (intended_us, sent_us, first_byte_us, done_us) in any::<(i64, i64, i64, i64)>(),
            (key, race, redirects, repeats) in any::<(u64, u64, u8, u8)>(),
        ) -> Sample {
            Sample {
                endpoint: EndpointId(endpoint), user_class: UserClassId(user_class), user, journey,
                phase: Phase::ALL[phase], outcome: Outcome::ALL[outcome], status, reason: ReasonId(reason),
                intended_us, sent_us, first_byte_us, done_us,
                key: Key::from_code(key), race: Race::from_code(race), bytes_in, bytes_out, redirects, repeats,
            }
        }
    }

    fn message() -> impl Strategy<Value = Message> {
        (any::<String>(), any::<Vec<(String, String)>>(), any::<String>(), any::<u64>(), any::<bool>())
            .prop_map(|(start, headers, body, body_bytes, is_cut)| Message {
                start,
                headers,
                body,
                body_bytes,
                is_cut,
            })
    }

    prop_compose! {
        fn exchange()(
            (endpoint, user, journey, outcome) in (any::<u16>(), any::<u32>(), any::<u32>(), 0_usize..5),
            (reason, redirects, extracted) in any::<(String, Vec<String>, Vec<(String, String)>)>(),
            (sent_us, done_us) in any::<(i64, i64)>(),
            request in message(),
            answer in proptest::option::of(message()),
        ) -> Exchange {
            Exchange {
                endpoint: EndpointId(endpoint), user, journey, outcome: Outcome::ALL[outcome], reason,
                sent_us, done_us, request, answer, redirects, extracted,
            }
        }
    }

    prop_compose! {
        pub(in crate::agents) fn frame()(
            (number, worker) in any::<(u64, u16)>(),
            samples in proptest::collection::vec(sample(), 0..20),
            exchanges in proptest::collection::vec(exchange(), 0..2),
            soft_checks in proptest::collection::vec((any::<u16>(), any::<u16>(), 0_usize..4, any::<u64>(), any::<u64>()), 0..3),
            readings in proptest::collection::vec((any::<u16>(), any::<i64>(), -1e9_f64..1e9), 0..3),
        ) -> Frame {
            let soft_checks = soft_checks.into_iter().map(|(check, endpoint, phase, passed, failed)| SoftChecks {
                check, endpoint: EndpointId(endpoint), phase: Phase::ALL[phase], passed, failed,
            });
            let new_reasons = vec!["timeout".to_owned(), "reset".to_owned()];
            Frame {
                number,
                batch: Batch { worker, samples, new_reasons, exchanges, soft_checks: soft_checks.collect() },
                readings: readings.into_iter().map(|(signal, at_us, value)| Reading { signal: SignalId(signal), at_us, value }).collect(),
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn a_batch_comes_back_as_it_was(frame in frame()) {
            prop_assert_eq!(decode(&encode(&frame)), Ok(frame));
        }

        #[test]
        fn a_changed_byte_is_seen(frame in frame(), at: prop::sample::Index, change in 1_u8..) {
            let mut bytes = encode(&frame);
            let at = at.index(bytes.len());
            bytes[at] ^= change;
            prop_assert_eq!(decode(&bytes), Err(Damaged));
        }

        #[test]
        fn any_bytes_are_refused_or_read(body in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = decode(&with_head(&body));
            let _ = decode(&body);
        }
    }

    /// A body under the right head, so that it is looked at.
    fn with_head(body: &[u8]) -> Vec<u8> {
        let mut bytes = vec![0; HEAD];
        bytes[8..12].copy_from_slice(&u32::try_from(body.len()).unwrap().to_le_bytes());
        let sum = sum(&bytes[..12], body);
        bytes[12..].copy_from_slice(&sum);
        bytes.extend(body);
        bytes
    }

    #[test]
    fn wrong_batches_neither_panic_nor_hang() {
        let reasons = ["timeout", "reset"].map(str::to_owned).to_vec();
        let exchange = Exchange {
            endpoint: EndpointId(0),
            user: 1,
            journey: 2,
            outcome: Outcome::Error,
            reason: reasons[0].clone(),
            sent_us: 5,
            done_us: 9,
            request: Message { start: "GET /".to_owned(), ..Message::default() },
            answer: None,
            redirects: vec!["302 to /".to_owned()],
            extracted: vec![("a".to_owned(), "b".to_owned())],
        };
        let batch = Batch { new_reasons: reasons, exchanges: vec![exchange], ..usual(20) };
        let body = encode(&Frame { batch, ..Frame::default() })[HEAD..].to_vec();
        crate::fuzz::run("batches", &[body], |body| drop(decode(&with_head(body))));
    }

    fn usual(samples: i64) -> Batch {
        let sample = |i: i64| Sample {
            endpoint: EndpointId(3),
            user: 250,
            journey: 1_000_000,
            intended_us: 60_000_000 + i * 1_000,
            sent_us: 60_000_040 + i * 1_000,
            first_byte_us: 60_004_000 + i * 1_000,
            done_us: 60_004_100 + i * 1_000,
            bytes_in: 700,
            bytes_out: 120,
            ..PLAIN
        };
        Batch { samples: (0..samples).map(sample).collect(), ..Batch::default() }
    }

    #[test]
    fn a_usual_sample_takes_few_bytes() {
        let bytes = encode(&Frame { batch: usual(1_000), ..Frame::default() });
        assert!(bytes.len() < 30_000, "{} bytes", bytes.len());
    }
}
