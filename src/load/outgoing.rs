//! A request as it goes out: bytes for HTTP/1.1, written once where they are always the same, and a message for
//! whatever else there is.

use std::io::Write;

use bytes::Bytes;
use hyper::header::{AUTHORIZATION, CONTENT_LENGTH, COOKIE, HeaderName, HeaderValue, TRANSFER_ENCODING};
use hyper::{HeaderMap, Method, Request, Uri};
use tokio::sync::watch;
use url::Url;

use super::buffer::Buffer;

/// W3C Trace Context.
const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
/// Bytes of a body that are kept once more, behind their head.
const MOST_REPEATED: usize = 64 << 10;

/// A request as a message: its URI is a path with a query, its server stands in `Host`.
pub(super) type Message = Request<Bytes>;

/// What all requests of a step have in common.
pub(super) struct Form {
    pub(super) method: Method,
    /// None if it is another one each time.
    pub(super) target: Option<Uri>,
    pub(super) headers: HeaderMap,
    /// Names of headers whose values are others each time.
    pub(super) rendered: Vec<HeaderName>,
    /// What it says in `authorization`, where that is a token that may be renewed.
    pub(super) token: Option<watch::Receiver<HeaderValue>>,
    /// Whether an empty body has to be stated: some servers refuse the request otherwise (411).
    pub(super) tells_length: bool,
    written: Written,
}

/// What is written of a form.
#[derive(Default)]
struct Written {
    /// The request's line, if it is always the same.
    start: Vec<u8>,
    lines: Vec<u8>,
    length: Length,
    /// The whole request, where nothing of it ever changes but what its user adds to it.
    whole: Option<Bytes>,
}

/// Who says how long the body is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Length {
    /// The request does not: it is told.
    #[default]
    Unsaid,
    /// A header of its own.
    Said,
    /// It is sent in chunks.
    Chunked,
}

/// What a request has of its user and its moment; with its form, it makes the request as often as that is needed.
pub(super) struct Draft {
    /// None if it is the form's.
    pub(super) target: Option<Uri>,
    /// Its whole URL, if that is at another server than the form's.
    pub(super) elsewhere: Option<Box<Url>>,
    /// Values of the form's rendered headers, in their order.
    pub(super) headers: Vec<HeaderValue>,
    pub(super) body: Bytes,
}

impl Draft {
    /// Bytes of its body.
    pub(super) fn size(&self) -> usize {
        self.body.len()
    }
}

/// A request as it goes out.
pub(super) enum Outgoing<'a> {
    Drafted(Drafted<'a>),
    /// Boxed: it takes much more room.
    Message(Box<Message>),
}

/// A drafted request, and what its user adds to it.
#[derive(Clone)]
pub(super) struct Drafted<'a> {
    pub(super) form: &'a Form,
    pub(super) draft: &'a Draft,
    /// The header `traceparent`.
    pub(super) trace: Option<HeaderValue>,
    /// The header `cookie`; the form has none then.
    pub(super) cookies: Option<HeaderValue>,
}

impl Form {
    /// A form with these parts; `body`: if it is always the same.
    pub(super) fn new(
        method: Method,
        target: Option<Uri>,
        headers: HeaderMap,
        rendered: Vec<HeaderName>,
        token: Option<watch::Receiver<HeaderValue>>,
        body: Option<Bytes>,
    ) -> Self {
        let states = |name: HeaderName| headers.contains_key(&name) || rendered.contains(&name);
        let length = if states(TRANSFER_ENCODING) {
            Length::Chunked
        } else if states(CONTENT_LENGTH) {
            Length::Said
        } else {
            Length::Unsaid
        };
        let tells_length =
            [Method::POST, Method::PUT, Method::PATCH].contains(&method) && length == Length::Unsaid;
        let mut written = Written { length, ..Written::default() };
        if let Some(target) = &target {
            start(&mut written.start, &method, target);
        }
        for (name, value) in &headers {
            line(&mut written.lines, name, value.as_bytes());
        }
        let mut form = Self { method, target, headers, rendered, token, tells_length, written };
        form.written.whole = body.and_then(|body| form.whole(body));
        form
    }

    /// All of the request, if nothing of it changes.
    fn whole(&self, body: Bytes) -> Option<Bytes> {
        let changes = self.target.is_none() || !self.rendered.is_empty() || self.token.is_some();
        if changes || self.written.length != Length::Unsaid || body.len() > MOST_REPEATED {
            return None;
        }
        let draft = Draft { target: None, elsewhere: None, headers: Vec::new(), body };
        let mut buffer = Buffer::take();
        Drafted { form: self, draft: &draft, trace: None, cookies: None }.write(&mut buffer);
        buffer.push(&draft.body);
        Some(Bytes::copy_from_slice(buffer.filled()))
    }

    /// Whether the request states cookies itself.
    pub(super) fn states_cookies(&self) -> bool {
        self.headers.contains_key(COOKIE) || self.rendered.contains(&COOKIE)
    }
}

impl Drafted<'_> {
    /// Where it goes, below its server.
    pub(super) fn target(&self) -> Option<&Uri> {
        self.draft.target.as_ref().or(self.form.target.as_ref())
    }

    /// It as a message.
    pub(super) fn message(&self) -> Message {
        let Self { form, draft, trace, cookies } = self;
        let mut message = Message::new(draft.body.clone());
        *message.method_mut() = form.method.clone();
        if let Some(target) = self.target() {
            *message.uri_mut() = target.clone();
        }
        let headers = message.headers_mut();
        *headers = form.headers.clone();
        for (name, value) in form.rendered.iter().zip(&draft.headers) {
            headers.append(name.clone(), value.clone());
        }
        if let Some(token) = &form.token {
            headers.insert(AUTHORIZATION, token.borrow().clone());
        }
        if let Some(trace) = trace {
            headers.insert(TRACEPARENT, trace.clone());
        }
        if let Some(cookies) = cookies {
            headers.insert(COOKIE, cookies.clone());
        }
        if form.tells_length && draft.body.is_empty() {
            headers.insert(CONTENT_LENGTH, HeaderValue::from_static("0"));
        }
        message
    }

    /// Its head.
    fn write(&self, into: &mut Buffer) {
        let Self { form, draft, trace, cookies } = self;
        match &draft.target {
            Some(target) => start(into, &form.method, target),
            None => into.push(&form.written.start),
        }
        into.push(&form.written.lines);
        for (name, value) in form.rendered.iter().zip(&draft.headers) {
            line(into, name, value.as_bytes());
        }
        if let Some(token) = &form.token {
            line(into, &AUTHORIZATION, token.borrow().as_bytes());
        }
        if let Some(trace) = trace {
            line(into, &TRACEPARENT, trace.as_bytes());
        }
        if let Some(cookies) = cookies {
            line(into, &COOKIE, cookies.as_bytes());
        }
        let length = draft.body.len();
        if form.written.length == Length::Unsaid && (length > 0 || form.tells_length) {
            length_line(into, length);
        }
        into.push(b"\r\n");
    }
}

/// A request in bytes.
pub(super) struct InBytes<'a> {
    head: Head<'a>,
    body: &'a [u8],
    /// Whether the server may take the request for longer or shorter than it is: it says so itself.
    pub(super) is_doubtful: bool,
}

enum Head<'a> {
    Written(Buffer),
    /// With the body.
    Whole(&'a [u8]),
}

impl InBytes<'_> {
    /// Its bytes, in two parts.
    pub(super) fn parts(&self) -> [&[u8]; 2] {
        match &self.head {
            Head::Written(buffer) => [buffer.filled(), self.body],
            Head::Whole(bytes) => [bytes, &[]],
        }
    }
}

impl Outgoing<'_> {
    pub(super) fn method(&self) -> &Method {
        match self {
            Self::Drafted(drafted) => &drafted.form.method,
            Self::Message(message) => message.method(),
        }
    }

    /// Where it goes, below its server.
    pub(super) fn target(&self) -> Option<&Uri> {
        match self {
            Self::Drafted(drafted) => drafted.target(),
            Self::Message(message) => Some(message.uri()),
        }
    }

    /// The first header `cookie`.
    pub(super) fn cookies(&self) -> Option<&HeaderValue> {
        match self {
            Self::Drafted(drafted) => drafted.cookies.as_ref(),
            Self::Message(message) => message.headers().get(COOKIE),
        }
    }

    /// It as a message.
    pub(super) fn message(&self) -> Message {
        match self {
            Self::Drafted(drafted) => drafted.message(),
            Self::Message(message) => (**message).clone(),
        }
    }

    /// It in bytes.
    pub(super) fn in_bytes(&self) -> InBytes<'_> {
        let drafted = match self {
            Self::Drafted(drafted) => drafted,
            Self::Message(message) => return in_bytes(message, message.body()),
        };
        let Written { length, whole, .. } = &drafted.form.written;
        match whole {
            Some(whole) if drafted.trace.is_none() && drafted.cookies.is_none() => {
                InBytes { head: Head::Whole(whole), body: &[], is_doubtful: false }
            }
            _ if *length == Length::Chunked => in_bytes(&drafted.message(), &drafted.draft.body),
            _ => {
                let mut head = Buffer::take();
                drafted.write(&mut head);
                let is_doubtful = *length == Length::Said;
                InBytes { head: Head::Written(head), body: &drafted.draft.body, is_doubtful }
            }
        }
    }
}

/// A message in bytes; one that says that it comes in chunks comes in one.
fn in_bytes<'a>(message: &Message, body: &'a [u8]) -> InBytes<'a> {
    let mut head = Buffer::take();
    start(&mut head, message.method(), message.uri());
    let headers = message.headers();
    for (name, value) in headers {
        line(&mut head, name, value.as_bytes());
    }
    let is_chunked = headers.contains_key(TRANSFER_ENCODING);
    let says_length = headers.contains_key(CONTENT_LENGTH);
    if !is_chunked && !says_length && !body.is_empty() {
        length_line(&mut head, body.len());
    }
    head.push(b"\r\n");
    if !is_chunked {
        return InBytes { head: Head::Written(head), body, is_doubtful: says_length };
    }
    if !body.is_empty() {
        write(&mut head, format_args!("{:x}\r\n", body.len()));
        head.push(body);
        head.push(b"\r\n");
    }
    head.push(b"0\r\n\r\n");
    InBytes { head: Head::Written(head), body: &[], is_doubtful: says_length }
}

/// The first line of a request.
fn start(into: &mut impl Write, method: &Method, target: &Uri) {
    write(into, format_args!("{method} {target} HTTP/1.1\r\n"));
}

fn line(into: &mut impl Write, name: &HeaderName, value: &[u8]) {
    for part in [name.as_str().as_bytes(), b": ", value, b"\r\n"] {
        // What is written is memory: it takes everything.
        let _ = into.write_all(part);
    }
}

fn length_line(into: &mut impl Write, length: usize) {
    write(into, format_args!("content-length: {length}\r\n"));
}

fn write(into: &mut impl Write, text: std::fmt::Arguments<'_>) {
    // What is written is memory: it takes everything.
    let _ = into.write_fmt(text);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(lines: &[(&'static str, &'static str)]) -> HeaderMap {
        lines.iter().map(|(n, v)| (HeaderName::from_static(n), HeaderValue::from_static(v))).collect()
    }

    fn draft(target: Option<&'static str>, headers: &[&'static str], body: &'static str) -> Draft {
        Draft {
            elsewhere: None,
            target: target.map(Uri::from_static),
            headers: headers.iter().map(|value| HeaderValue::from_static(value)).collect(),
            body: Bytes::from_static(body.as_bytes()),
        }
    }

    fn text(outgoing: &Outgoing<'_>) -> String {
        String::from_utf8(outgoing.in_bytes().parts().concat()).unwrap()
    }

    /// The request of a form without its user's part.
    fn sent(form: &Form, draft: &Draft) -> String {
        text(&Outgoing::Drafted(Drafted { form, draft, trace: None, cookies: None }))
    }

    #[test]
    fn what_never_changes_is_written_once_and_the_same_as_what_does() {
        let fixed = |method: Method, body: &'static str| {
            let body = Bytes::from_static(body.as_bytes());
            Form::new(
                method,
                Some(Uri::from_static("/a?b")),
                headers(&[("host", "h")]),
                vec![],
                None,
                Some(body),
            )
        };
        let get = fixed(Method::GET, "");
        assert_eq!(sent(&get, &draft(None, &[], "")), "GET /a?b HTTP/1.1\r\nhost: h\r\n\r\n");
        assert_eq!(get.written.whole.as_deref(), Some(&b"GET /a?b HTTP/1.1\r\nhost: h\r\n\r\n"[..]));
        let post = fixed(Method::POST, "body");
        let text = "POST /a?b HTTP/1.1\r\nhost: h\r\ncontent-length: 4\r\n\r\nbody";
        assert_eq!(sent(&post, &draft(None, &[], "body")), text);
        let changing = Form::new(Method::POST, None, headers(&[("host", "h")]), vec![], None, None);
        assert!(changing.written.whole.is_none());
        assert_eq!(sent(&changing, &draft(Some("/a?b"), &[], "body")), text);
    }

    #[test]
    fn a_request_is_the_same_in_bytes_and_as_a_message() {
        let (_sender, token) = watch::channel(HeaderValue::from_static("Bearer t"));
        let form = Form::new(
            Method::PUT,
            None,
            headers(&[("host", "h")]),
            vec![HeaderName::from_static("x-a"), HeaderName::from_static("x-b")],
            Some(token),
            None,
        );
        let draft = draft(Some("/x"), &["1", "2"], "");
        let value = |text| Some(HeaderValue::from_static(text));
        let drafted = Drafted { form: &form, draft: &draft, trace: value("00-1"), cookies: value("a=b") };
        let lines =
            "host: h\r\nx-a: 1\r\nx-b: 2\r\nauthorization: Bearer t\r\ntraceparent: 00-1\r\ncookie: a=b\r\n";
        let wanted = format!("PUT /x HTTP/1.1\r\n{lines}content-length: 0\r\n\r\n");
        assert_eq!(text(&Outgoing::Drafted(drafted.clone())), wanted);
        assert_eq!(text(&Outgoing::Message(Box::new(drafted.message()))), wanted);
    }

    #[test]
    fn how_long_a_body_is_may_be_said_by_the_request_itself() {
        let form =
            |lines| Form::new(Method::POST, Some(Uri::from_static("/")), headers(lines), vec![], None, None);
        let chunked = sent(&form(&[("transfer-encoding", "chunked")]), &draft(None, &[], "fifteen letters"));
        assert_eq!(
            chunked,
            "POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\nf\r\nfifteen letters\r\n0\r\n\r\n"
        );
        let said = form(&[("content-length", "3")]);
        let draft = draft(None, &[], "body");
        assert_eq!(sent(&said, &draft), "POST / HTTP/1.1\r\ncontent-length: 3\r\n\r\nbody");
        let outgoing = Outgoing::Drafted(Drafted { form: &said, draft: &draft, trace: None, cookies: None });
        assert!(outgoing.in_bytes().is_doubtful, "what comes back next may be an answer to the rest");
    }
}
