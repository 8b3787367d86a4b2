//! Descriptors of a gRPC service, asked of the server itself
//! (<https://github.com/grpc/grpc/blob/master/doc/server-reflection.md>).

use std::time::Duration;

use bytes::Bytes;
use hyper::{Method, Uri};
use prost_reflect::DescriptorPool;
use prost_reflect::prost::Message as _;
use prost_reflect::prost_types::FileDescriptorProto;
use tonic_reflection::pb::v1::server_reflection_request::MessageRequest;
use tonic_reflection::pb::v1::server_reflection_response::MessageResponse;
use tonic_reflection::pb::v1::{ServerReflectionRequest, ServerReflectionResponse};

use super::connection::Connection;
use super::grpc;
use super::origin::Origin;
use super::outgoing::{Message, Outgoing};
use super::reply::{Keep, SendFailure};
use crate::sample::{grpc_status, status_text};
use crate::scenario::rpc::{frame, unframe};
use crate::unit;

/// The two names of the reflection service; their messages are the same on the wire.
const SERVICES: [&str; 2] = ["grpc.reflection.v1", "grpc.reflection.v1alpha"];
/// How long a server may take for an answer.
const WITHIN: Duration = Duration::from_secs(10);
/// A server whose files never end is not one.
const MOST_FILES: usize = 1000;
/// Bytes of an answer at most.
const MOST_BYTES: usize = 16 << 20;

/// The descriptors of a service and of all that they refer to.
///
/// # Errors
/// In words, if the server cannot be reached, has no reflection, or does not know the service.
pub(super) async fn descriptors(origin: &Origin, service: &str) -> Result<DescriptorPool, String> {
    let mut unknown = String::new();
    for package in SERVICES {
        let mut asked = Asked { origin, package, files: Vec::new() };
        match asked.collect(service).await {
            Ok(()) => return pool(asked.files),
            Err(Refusal::NoReflection) => unknown = format!("{} has no server reflection", origin.url),
            Err(Refusal::Other(reason)) => return Err(reason),
        }
    }
    Err(unknown)
}

/// Files may come in any order; each is added when what it imports is there.
fn pool(mut files: Vec<FileDescriptorProto>) -> Result<DescriptorPool, String> {
    let mut pool = DescriptorPool::new();
    while !files.is_empty() {
        let known = |name: &String| pool.get_file_by_name(name).is_some();
        let ready = files.iter().position(|file| file.dependency.iter().all(known));
        let ready = ready.ok_or("the server's files import each other circularly")?;
        pool.add_file_descriptor_proto(files.swap_remove(ready)).map_err(|e| e.to_string())?;
    }
    Ok(pool)
}

/// Why a question was not answered.
enum Refusal {
    NoReflection,
    Other(String),
}

impl From<String> for Refusal {
    fn from(reason: String) -> Self {
        Self::Other(reason)
    }
}

struct Asked<'a> {
    origin: &'a Origin,
    package: &'static str,
    files: Vec<FileDescriptorProto>,
}

impl Asked<'_> {
    /// The file of a service, and the files that it imports, and so on.
    async fn collect(&mut self, service: &str) -> Result<(), Refusal> {
        let mut connection = Connection::open(self.origin, WITHIN).await?;
        let mut questions = vec![MessageRequest::FileContainingSymbol(service.to_owned())];
        while let Some(question) = questions.pop() {
            for bytes in self.ask(&mut connection, question).await? {
                let file = FileDescriptorProto::decode(&*bytes)
                    .map_err(|e| format!("reflection gave no file descriptor: {e}"))?;
                if self.files.iter().any(|known| known.name == file.name) {
                    continue;
                }
                if self.files.len() == MOST_FILES {
                    return Err(format!("reflection gave more than {MOST_FILES} files").into());
                }
                questions.extend(file.dependency.iter().cloned().map(MessageRequest::FileByFilename));
                self.files.push(file);
            }
            questions.retain(|question| match question {
                MessageRequest::FileByFilename(name) => {
                    !self.files.iter().any(|f| f.name.as_ref() == Some(name))
                }
                _ => true,
            });
        }
        Ok(())
    }

    /// The files that answer a question, encoded.
    async fn ask(
        &self,
        connection: &mut Connection,
        question: MessageRequest,
    ) -> Result<Vec<Vec<u8>>, Refusal> {
        let request = ServerReflectionRequest { host: String::new(), message_request: Some(question) };
        let uri = format!("/{}.ServerReflection/ServerReflectionInfo", self.package);
        let mut message = Message::new(frame(&request));
        *message.method_mut() = Method::POST;
        *message.uri_mut() = Uri::try_from(uri).map_err(|e| e.to_string())?;
        *message.headers_mut() = grpc::headers(WITHIN);
        let answered = tokio::time::timeout(WITHIN, answer(connection, message)).await;
        let frames = answered.map_err(|_| format!("reflection: timeout after {WITHIN:?}"))??;
        let message = unframe(&frames)?.first().copied().unwrap_or_default();
        let response = ServerReflectionResponse::decode(message).map_err(|e| format!("reflection: {e}"))?;
        match response.message_response {
            Some(MessageResponse::FileDescriptorResponse(files)) => Ok(files.file_descriptor_proto),
            Some(MessageResponse::ErrorResponse(error)) => {
                Err(format!("reflection: {}", error.error_message).into())
            }
            _ => Err("reflection: unexpected kind of answer".to_owned().into()),
        }
    }
}

/// The frames of an answer.
async fn answer(connection: &mut Connection, message: Message) -> Result<Bytes, Refusal> {
    let sent = connection.send(&Outgoing::Message(message), Keep::UpTo(MOST_BYTES)).await;
    let reply = sent.map_err(SendFailure::reason)?;
    if reply.is_cut {
        return Err(format!("reflection: an answer of more than {}", unit::size(MOST_BYTES as u64)).into());
    }
    let ok = grpc_status(0);
    match grpc::status(reply.status, &reply.headers) {
        Some(status) if status == ok => Ok(Bytes::copy_from_slice(reply.body())),
        Some(status) if status_text(status) == "UNIMPLEMENTED" || status == 404 => Err(Refusal::NoReflection),
        Some(status) => Err(format!("reflection: status {}", status_text(status)).into()),
        None => Err("reflection: an answer without a gRPC status".to_owned().into()),
    }
}
