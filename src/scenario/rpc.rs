//! gRPC methods, and their messages between JSON and the wire.
//!
//! A message on the wire is framed: a byte that says whether it is compressed, its length as four
//! bytes (big-endian), and then its bytes
//! (<https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md>).

use bytes::{BufMut, Bytes, BytesMut};
use prost_reflect::prost::Message;
use prost_reflect::{DescriptorPool, DynamicMessage, MessageDescriptor, MethodDescriptor, SerializeOptions};

/// Bytes of a frame before its message.
const FRAME_HEAD: usize = 5;

/// A method of a gRPC service, as a scenario names it.
#[derive(Clone, Debug)]
pub struct Rpc {
    /// `package.Service`.
    pub service: String,
    /// The method within it.
    pub method: String,
    /// How its messages are written; none until the server is asked by reflection.
    pub codec: Option<Codec>,
}

/// Writes a method's requests and reads its responses.
#[derive(Clone, Debug)]
pub struct Codec {
    method: MethodDescriptor,
}

/// Why a method cannot be called, or a message not be written or read.
#[derive(Debug, thiserror::Error)]
pub enum RpcError {
    /// The descriptors hold no such service.
    #[error("unknown gRPC service `{0}`")]
    Service(String),
    /// The service has no such method.
    #[error("`{service}` has no method `{method}`")]
    Method {
        /// The service.
        service: String,
        /// The method.
        method: String,
    },
    /// It wants a stream of requests.
    #[error("`{0}` takes a stream of requests: only unary and server-streaming methods can be called")]
    ClientStreaming(String),
    /// The JSON is not a message of the method's request type.
    #[error("not a `{message}`: {reason}")]
    Encode {
        /// The message's type.
        message: String,
        /// What is wrong.
        reason: String,
    },
    /// The bytes are not a message of the method's response type.
    #[error("the answer is not a `{message}`: {reason}")]
    Decode {
        /// The message's type.
        message: String,
        /// What is wrong.
        reason: String,
    },
}

impl Rpc {
    /// The HTTP path of its calls.
    pub fn path(&self) -> String {
        format!("/{}/{}", self.service, self.method)
    }
}

impl Codec {
    /// The codec of a method.
    ///
    /// # Errors
    /// If the descriptors do not hold it, or it takes a stream of requests.
    pub fn find(pool: &DescriptorPool, service: &str, method: &str) -> Result<Self, RpcError> {
        let found = pool.get_service_by_name(service).ok_or_else(|| RpcError::Service(service.to_owned()))?;
        let method = found
            .methods()
            .find(|m| m.name() == method)
            .ok_or_else(|| RpcError::Method { service: service.to_owned(), method: method.to_owned() })?;
        if method.is_client_streaming() {
            return Err(RpcError::ClientStreaming(method.full_name().to_owned()));
        }
        Ok(Self { method })
    }

    /// The names of the request's fields, as JSON has them.
    pub fn request_fields(&self) -> Vec<String> {
        self.method.input().fields().map(|f| f.json_name().to_owned()).collect()
    }

    /// A request as one frame, from its JSON form
    /// (<https://protobuf.dev/programming-guides/json>); no text is an empty message.
    ///
    /// # Errors
    /// If it is not JSON, or not of the request's type.
    pub fn encode(&self, json: &[u8]) -> Result<Bytes, RpcError> {
        let input = self.method.input();
        let message = if json.is_empty() {
            DynamicMessage::new(input)
        } else {
            let mut reader = serde_json::Deserializer::from_slice(json);
            let read = DynamicMessage::deserialize(input.clone(), &mut reader);
            let read = read.and_then(|message| reader.end().map(|()| message));
            read.map_err(|e| RpcError::Encode {
                message: input.full_name().to_owned(),
                reason: e.to_string(),
            })?
        };
        Ok(frame(&message))
    }

    /// Responses as JSON: the message, or a list of messages for a server-streaming method.
    ///
    /// # Errors
    /// If the bytes are no uncompressed frames of the response's type.
    pub fn decode(&self, frames: &[u8]) -> Result<Vec<u8>, RpcError> {
        let output = self.method.output();
        let mut messages = Vec::new();
        for bytes in unframe(frames).map_err(|reason| decode_error(&output, reason))? {
            let message = DynamicMessage::decode(output.clone(), bytes)
                .map_err(|e| decode_error(&output, e.to_string()))?;
            messages.push(message);
        }
        let options = SerializeOptions::new().skip_default_fields(false);
        let mut json = Vec::new();
        let mut writer = serde_json::Serializer::new(&mut json);
        let written = if self.method.is_server_streaming() {
            serde::Serializer::collect_seq(&mut writer, messages.iter().map(|m| Shown(m, &options)))
        } else {
            let message = messages.first().ok_or_else(|| decode_error(&output, "no message".to_owned()))?;
            message.serialize_with_options(&mut writer, &options)
        };
        written.map_err(|e| decode_error(&output, e.to_string()))?;
        Ok(json)
    }
}

fn decode_error(message: &MessageDescriptor, reason: String) -> RpcError {
    RpcError::Decode { message: message.full_name().to_owned(), reason }
}

/// A message in its JSON form, with all its fields.
struct Shown<'a>(&'a DynamicMessage, &'a SerializeOptions);

impl serde::Serialize for Shown<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize_with_options(serializer, self.1)
    }
}

/// A message as an uncompressed frame.
pub fn frame(message: &impl Message) -> Bytes {
    let length = message.encoded_len();
    let mut bytes = BytesMut::with_capacity(FRAME_HEAD + length);
    bytes.put_u8(0);
    bytes.put_u32(u32::try_from(length).unwrap_or(u32::MAX));
    bytes.put_slice(&message.encode_to_vec());
    bytes.freeze()
}

/// The messages within frames.
///
/// # Errors
/// If a frame is compressed, which nobody asked for, or cut off.
pub fn unframe(mut frames: &[u8]) -> Result<Vec<&[u8]>, String> {
    let mut messages = Vec::new();
    while let Some((head, rest)) = frames.split_first_chunk::<FRAME_HEAD>() {
        let [compressed, length @ ..] = head;
        if *compressed != 0 {
            return Err("it is compressed".to_owned());
        }
        let length = usize::try_from(u32::from_be_bytes(*length)).unwrap_or(usize::MAX);
        if rest.len() < length {
            return Err("it is cut off".to_owned());
        }
        let (message, rest) = rest.split_at(length);
        messages.push(message);
        frames = rest;
    }
    if frames.is_empty() { Ok(messages) } else { Err("it is cut off".to_owned()) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn codec(method: &str) -> Result<Codec, RpcError> {
        let source = r#"
            syntax = "proto3";
            package shop.v1;
            message Key { string id = 1; int64 since = 2; }
            message Item { string id = 1; repeated string tags = 2; bool sold_out = 3; }
            service Shop {
                rpc Get(Key) returns (Item);
                rpc List(Key) returns (stream Item);
                rpc Put(stream Item) returns (Key);
            }"#;
        let file = protox::file::File::from_source("shop.proto", source).unwrap();
        let mut pool = DescriptorPool::new();
        pool.add_file_descriptor_proto(file.file_descriptor_proto().clone()).unwrap();
        Codec::find(&pool, "shop.v1.Shop", method)
    }

    #[test]
    fn json_goes_to_the_wire_and_an_answer_comes_back_with_all_its_fields() {
        // The two messages agree in their first field.
        let codec = codec("Get").unwrap();
        let wire = codec.encode(br#"{"id": "p-1"}"#).unwrap();
        assert_eq!(&wire[..], b"\0\0\0\0\x05\x0a\x03p-1");
        let json = codec.decode(&wire).unwrap();
        assert_eq!(String::from_utf8(json).unwrap(), r#"{"id":"p-1","tags":[],"soldOut":false}"#);
        assert_eq!(&codec.encode(b"").unwrap()[..], [0; 5]);
    }

    #[test]
    fn a_stream_is_a_list() {
        let codec = codec("List").unwrap();
        let one = codec.encode(br#"{"id": "a"}"#).unwrap();
        let json: serde_json::Value =
            serde_json::from_slice(&codec.decode(&[&one[..], &one[..]].concat()).unwrap()).unwrap();
        assert_eq!(json.pointer("/1/id"), Some(&"a".into()));
        assert_eq!(codec.decode(b"").unwrap(), b"[]");
    }

    #[test]
    fn mistakes_say_what_they_are() {
        assert_eq!(codec("Got").unwrap_err().to_string(), "`shop.v1.Shop` has no method `Got`");
        assert!(matches!(codec("Put"), Err(RpcError::ClientStreaming(_))));
        let unknown = codec("Get").unwrap().encode(br#"{"name": 1}"#).unwrap_err().to_string();
        assert!(unknown.starts_with("not a `shop.v1.Key`: unrecognized field name 'name'"), "{unknown}");
        assert!(codec("Get").unwrap().decode(b"\x01\0\0\0\0").is_err());
    }

    proptest! {
        #[test]
        fn bytes_that_are_no_frames_never_panic(bytes: Vec<u8>) {
            let _ = codec("List").unwrap().decode(&bytes);
        }
    }
}
