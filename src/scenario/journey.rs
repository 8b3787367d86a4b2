//! Journeys, their steps, and the user classes that perform them.

use std::time::Duration;

use super::check::{Check, Extract, SoftCheck};
use super::rpc::Rpc;
use super::socket::{Close, Receive, SocketMessage};
use super::template::{Computed, Text};
use crate::sample::EndpointId;

/// Ordered steps; a failed step ends them.
#[derive(Clone, Debug)]
pub struct Journey {
    /// Its name.
    pub name: String,
    /// Its steps; a user thinks after each.
    pub steps: Vec<Step>,
    /// A journey that is performed once in the run, by the first user who needs it; its variables
    /// are this one's, too.
    pub once: Option<usize>,
    /// Whether its user begins it without cookies, but for those of its start-up journey.
    pub clears_cookies: bool,
}

/// What a user does before it thinks again.
#[derive(Clone, Debug)]
pub enum Step {
    /// One request.
    Request(Box<Request>),
    /// Steps back to back, without thinking.
    Steps(Vec<Step>),
    /// A step over and over, without thinking.
    Repeat(Repeat),
    /// A step that is left out unless an expression is true.
    If {
        /// The expression.
        condition: Computed,
        /// The step.
        step: Box<Step>,
    },
    /// A step with variables of its own, set anew each time.
    With {
        /// The variables, which end with the step.
        bindings: Vec<Binding>,
        /// The step.
        step: Box<Step>,
    },
    /// Steps whose whole time is a sample.
    Group(Group),
    /// Requests on connections of their own, released together once all are ready.
    Parallel(Parallel),
    /// Waits for other users, to go on together.
    Meet(Meet),
    /// Puts a value into a queue that all users share.
    Put(Put),
    /// Waits until a request's effect is visible.
    Poll(Box<Poll>),
    /// Publishes an event.
    Publish(Box<Publish>),
    /// Waits for an event.
    Await(Box<Await>),
    /// Does something with a WebSocket.
    Socket(Box<SocketStep>),
    /// One of several branches.
    Choice(Vec<Branch>),
    /// Variables for the steps that follow.
    Let(Vec<Binding>),
    /// Nothing, for a while.
    Pause(Duration),
}

impl Step {
    /// The steps that it consists of, in the order in which they stand; itself has none unless it is
    /// made of others.
    pub fn parts(&self) -> Vec<&Step> {
        match self {
            Self::Steps(steps) => steps.iter().collect(),
            Self::Repeat(Repeat { step, .. })
            | Self::If { step, .. }
            | Self::With { step, .. }
            | Self::Group(Group { step, .. }) => vec![step],
            Self::Choice(branches) => branches.iter().flat_map(|branch| &branch.steps).collect(),
            Self::Request(_)
            | Self::Parallel(_)
            | Self::Meet(_)
            | Self::Put(_)
            | Self::Poll(_)
            | Self::Publish(_)
            | Self::Await(_)
            | Self::Socket(_)
            | Self::Let(_)
            | Self::Pause(_) => Vec::new(),
        }
    }
}

/// A step that is performed over and over.
#[derive(Clone, Debug)]
pub struct Repeat {
    /// How often, and for what.
    pub rounds: Rounds,
    /// The step.
    pub step: Box<Step>,
}

/// How often a step is performed.
#[derive(Clone, Debug)]
pub enum Rounds {
    /// So many times.
    Times(u32),
    /// As long as an expression is true.
    While {
        /// The expression, worked out before each time.
        condition: Computed,
        /// At most so many times.
        most: u32,
    },
    /// Once for each item of a list.
    Each {
        /// The list.
        list: Computed,
        /// The variable that holds the item.
        variable: String,
        /// At most so many times.
        most: u32,
    },
}

/// Steps whose whole time, from when the first is due to the end of the last, is a sample.
#[derive(Clone, Debug)]
pub struct Group {
    /// Where its samples are counted.
    pub endpoint: EndpointId,
    /// The steps.
    pub step: Box<Step>,
}

/// Requests that race each other.
#[derive(Clone, Debug)]
pub struct Parallel {
    /// The race's place in the scenario's list.
    pub race: usize,
    /// The requests.
    pub requests: Vec<Request>,
}

/// Users that wait for each other: their next requests race each other.
#[derive(Clone, Copy, Debug)]
pub struct Meet {
    /// The race's place in the scenario's list.
    pub race: usize,
    /// How many have to be there; none stands for all of the load.
    pub users: Option<u32>,
    /// After this long whoever is there goes on.
    pub within: Duration,
}

/// A value for a queue.
#[derive(Clone, Debug)]
pub struct Put {
    /// The queue's place in the scenario's list.
    pub queue: usize,
    /// The value.
    pub value: Computed,
}

/// A variable and where its value comes from.
#[derive(Clone, Debug)]
pub struct Binding {
    /// Its name.
    pub variable: String,
    /// Where its value comes from.
    pub from: BindingFrom,
}

/// Where the value of a variable comes from.
#[derive(Clone, Debug)]
pub enum BindingFrom {
    /// A key of the list at a place of the scenario's; what follows is about that key.
    Key(usize),
    /// A record of the feeder at a place of the scenario's; what follows is about that record.
    Feed(usize),
    /// A value that is fixed, or worked out.
    Value(Computed),
    /// The next number of the counter at a place of the scenario's list, from 1: no two users get
    /// the same.
    Count(usize),
    /// The first value of a queue.
    Take {
        /// The queue's place in the scenario's list.
        queue: usize,
        /// How long a value is waited for.
        within: Duration,
    },
}

/// A branch of a choice.
#[derive(Clone, Debug)]
pub struct Branch {
    /// Its share, in (0, 1]; the shares of a choice add up to 1.
    pub probability: f64,
    /// Its steps, back to back.
    pub steps: Vec<Step>,
}

/// A request and what is expected of its answer.
#[derive(Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a key or a fact of its own")]
pub struct Request {
    /// Its place among all requests of the scenario, from 0.
    pub number: usize,
    /// Where its samples are counted.
    pub endpoint: EndpointId,
    /// What its method, headers and body mean.
    pub protocol: Protocol,
    /// Base URL of where it goes; none for the target.
    pub origin: Option<String>,
    /// Path and query, from `/`.
    pub path: Text,
    /// Header names, in lower case, and values; a gRPC call's metadata.
    pub headers: Vec<(String, Text)>,
    /// The body, a gRPC call's message as JSON; none is an empty one.
    pub body: Option<Text>,
    /// Which answers are `ok`.
    pub expect: Expect,
    /// Statuses that count as `rejected`: refusals that belong to the game.
    pub reject: Vec<u16>,
    /// What must hold of the answer besides.
    pub checks: Vec<Check>,
    /// What is counted besides, and fails nothing.
    pub soft_checks: Vec<SoftCheck>,
    /// Variables taken from the answer.
    pub extract: Vec<Extract>,
    /// What is counted of the answer's server-sent events, if it has any.
    pub events: Option<Events>,
    /// Redirects that are followed, none if an answer is expected to be one; gRPC and WebSockets have none.
    pub redirects: u32,
    /// The credentials that it is sent with: a place among the scenario's. A header `authorization` of its own counts before
    /// them.
    pub auth: Option<usize>,
    /// Whether its path is a template of a whole URL, or of a path as links have it.
    pub is_url: bool,
    /// Whether its templates ask for the user's cookies.
    pub reads_cookies: bool,
    /// Whether the user's cookies go with it, and those of its answer are taken.
    pub cookies: bool,
    /// Bytes of an answer's body that are kept at most, before and after decompression: one that is longer, and has to
    /// be kept, fails the request.
    pub body_limit: usize,
    /// How long a new connection may take to open.
    pub connect_timeout: Duration,
    /// From sending to the whole answer.
    pub timeout: Duration,
    /// Whether the journey goes on after `failed` or `error`.
    pub continue_on_failure: bool,
}

/// What is counted of an answer's server-sent events.
#[derive(Clone, Copy, Debug)]
pub struct Events {
    /// Where the first event is counted, from when the request was due.
    pub first: EndpointId,
    /// Where the others are, each from the one before it.
    pub gap: Option<EndpointId>,
    /// After so many the answer is read no further, and has ended as it should.
    pub most: Option<u64>,
}

/// How a request is made.
#[derive(Clone, Debug)]
pub enum Protocol {
    /// HTTP, with a method: `GET`, `POST`, …
    Http(String),
    /// gRPC over HTTP/2.
    Grpc(Rpc),
    /// The opening of a WebSocket over HTTP/1.1 (RFC 6455 §4.1): its answer is a 101.
    WebSocket,
}

impl Request {
    /// Whether the answer's body has to be kept to judge it.
    pub fn needs_body(&self) -> bool {
        let soft = self.soft_checks.iter().flat_map(|soft| &soft.checks);
        self.checks.iter().chain(soft).any(Check::needs_body) || self.extract.iter().any(Extract::needs_body)
    }
}

/// Whether an answer of a status points to another place for what was asked (RFC 9110 §15.4); 304 does not.
pub fn is_redirect(status: u16) -> bool {
    matches!(status, 301 | 302 | 303 | 307 | 308)
}

/// The statuses that are `ok`; those of gRPC as [`crate::sample::grpc_status`] has them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expect {
    /// Anything below 400.
    Success,
    /// One of these.
    Statuses(Vec<u16>),
}

impl Expect {
    /// Whether a redirect is among them by its number.
    pub fn names_redirect(&self) -> bool {
        matches!(self, Self::Statuses(list) if list.iter().any(|status| is_redirect(*status)))
    }

    /// Whether `status` is `ok`.
    pub fn accepts(&self, status: u16) -> bool {
        match self {
            // An interim status is no answer, and a protocol that nobody asked for is none that was expected.
            Self::Success => (200..400).contains(&status),
            Self::Statuses(list) => list.contains(&status),
        }
    }
}

/// Asks until an effect is visible; the time from the end of the request before it is a sample of
/// its own, the effect latency.
#[derive(Clone, Debug)]
pub struct Poll {
    /// The question; its `expect` holds the statuses of an effect not yet visible, too.
    pub request: Request,
    /// Where the effect's samples are counted.
    pub effect: EndpointId,
    /// The effect is visible at one of these statuses, and when all checks hold.
    pub until: Vec<u16>,
    /// What must hold of the answer's body for the effect to be visible.
    pub until_checks: Vec<Check>,
    /// What makes the effect `rejected`, should all of it hold of the answer that shows it; never if
    /// empty.
    pub reject_checks: Vec<Check>,
    /// Least time between two questions.
    pub every: Duration,
    /// The questions grow rarer: at least this share of the time waited so far lies between two,
    /// which bounds both the error of the latency and the load of the asking.
    pub precision: f64,
    /// When the effect is given up, and stored as `failed`.
    pub within: Duration,
    /// Whether the user goes on meanwhile.
    pub background: bool,
}

/// An event that is published.
#[derive(Clone, Debug)]
pub struct Publish {
    /// Where its samples are counted.
    pub endpoint: EndpointId,
    /// Place of the broker in the scenario's list.
    pub broker: usize,
    /// The stream, subject or topic.
    pub stream: Text,
    /// Kafka's key of the event.
    pub key: Option<Text>,
    /// Header names, in lower case, and values; further fields of a Redis entry.
    pub headers: Vec<(String, Text)>,
    /// The body; none is an empty one.
    pub body: Option<Text>,
    /// From publishing to the broker's acknowledgement.
    pub timeout: Duration,
    /// Whether the journey goes on after `failed` or `error`.
    pub continue_on_failure: bool,
}

/// Waits for an event; the time from the end of the step before it is a sample of its own.
#[derive(Clone, Debug)]
pub struct Await {
    /// Where the effect's samples are counted.
    pub effect: EndpointId,
    /// Place in the scenario's subscriptions.
    pub subscription: usize,
    /// The values that the event must have at the subscription's pointers.
    pub values: Vec<Text>,
    /// What must hold of the event's body besides; else the effect has `failed`.
    pub checks: Vec<Check>,
    /// When the event is given up, and stored as `failed`.
    pub within: Duration,
    /// Whether the user goes on meanwhile.
    pub background: bool,
    /// Whether the journey goes on after `failed` or `error`.
    pub continue_on_failure: bool,
}

/// A step on one of a user's WebSockets.
#[derive(Clone, Debug)]
pub struct SocketStep {
    /// Place of the socket among the scenario's; each user has its own in every place.
    pub socket: usize,
    /// The socket's name.
    pub name: String,
    /// What is done.
    pub action: SocketAction,
    /// Whether the journey goes on after `failed` or `error`.
    pub continue_on_failure: bool,
}

/// What is done with a WebSocket.
#[derive(Clone, Debug)]
pub enum SocketAction {
    /// It is opened, in place of one that is open already.
    Open(Box<Request>),
    /// A message is sent.
    Send(SocketMessage),
    /// A message is waited for.
    Receive(Receive),
    /// It is closed, and the server's consent waited for.
    Close(Close),
}

impl SocketAction {
    /// Where the samples of the step are counted.
    pub fn endpoint(&self) -> EndpointId {
        match self {
            Self::Open(request) => request.endpoint,
            Self::Send(message) => message.endpoint,
            Self::Receive(receive) => receive.effect,
            Self::Close(close) => close.endpoint,
        }
    }
}

/// Users of one kind.
#[derive(Clone, Debug)]
pub struct UserClass {
    /// Its name.
    pub name: String,
    /// Its share of a load's users, relative to the other classes.
    pub weight: f64,
    /// `(place in the journeys, weight)`; each next journey is drawn by weight.
    pub journeys: Vec<(usize, f64)>,
    /// What lies between two steps, or between two starts.
    pub think: Think,
    /// A journey that each user performs once, before all others.
    pub start: Option<usize>,
}

/// How a user spends the time between steps.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Think {
    /// Not at all.
    None,
    /// The same time after every step.
    Constant(Duration),
    /// A time drawn evenly from a range after every step.
    Uniform(Duration, Duration),
    /// A time drawn from an exponential distribution of this mean after every step.
    Exponential(Duration),
    /// None between steps; journeys start at least this far apart, without catching up.
    Pacing(Duration),
}
