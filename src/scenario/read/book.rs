//! The book of everything that users may do: bodies (`[body.NAME]`), journeys, endpoints and
//! templates as they are found, and who needs what of whom.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use prost_reflect::DescriptorPool;
use toml::de::DeValue;

use super::Settings;
use super::body::{check_numbers, form_template, json_template};
use super::context::Context;
use super::defaults::Defaults;
use super::endpoints::Endpoints;
use super::vars::VARS;
use crate::run::{RaisedEvent, Tagged};
use crate::sample::{EndpointId, Kind, Subject};
use crate::scenario::World;
use crate::scenario::auth::Auth;
use crate::scenario::broker::{Broker, Subscription};
use crate::scenario::feeder::Feeder;
use crate::scenario::fields::{Fields, Located};
use crate::scenario::journey::{Journey, UserClass};
use crate::scenario::json::Json;
use crate::scenario::keys::KeyList;
use crate::scenario::names;
use crate::scenario::problem::{FileId, Place, Problems};
use crate::scenario::template::{
    BODY, Computed, Templates, Text, Variables, is_template, plain_message, single_expression,
};

/// Variables that every template of a journey can use.
const BUILT_IN: [&str; 2] = ["user", "iteration"];

/// The function that gives the value of a cookie.
const COOKIE: &str = "cookie";

/// What a journey needs and gives, in the order of its steps.
#[derive(Debug)]
pub(super) enum Flow {
    Needs {
        variable: String,
        place: Place,
    },
    Gives(String),
    /// A variable that ends with the step that has it …
    Binds(String),
    /// … here: as many of the last ones.
    Unbinds(usize),
    /// All that this journey gives.
    Inherits(String),
}

/// Journeys, endpoints and templates as they are found.
pub(in crate::scenario) struct Book<'a> {
    pub(super) problems: &'a Problems,
    pub(super) settings: &'a Settings,
    /// Where files of bodies come from, and the folder that they are named relative to.
    files: (&'a dyn World, &'a Path),
    /// What was read from files, in few words.
    pub(in crate::scenario) file_sums: Vec<String>,
    pub(super) defaults: Defaults,
    /// Descriptors of gRPC services, if the scenario names any.
    pub(super) descriptors: Option<DescriptorPool>,
    pub(super) templates: Templates,
    pub(in crate::scenario) keys: Vec<KeyList>,
    pub(in crate::scenario) feeders: Vec<Feeder>,
    pub(in crate::scenario) brokers: Vec<Broker>,
    pub(in crate::scenario) auths: Vec<Auth>,
    subscriptions: Vec<Subscription>,
    bodies: BTreeMap<String, SharedBody>,
    endpoints: Endpoints,
    requests: usize,
    journeys: Vec<Journey>,
    /// Flow of each journey, in the order of `journeys`.
    flows: Vec<Vec<Flow>>,
    /// The journey that each needs to have been performed once.
    once: Vec<Option<Located<String>>>,
    races: Vec<String>,
    counters: Vec<String>,
    queues: Vec<String>,
    sockets: Vec<String>,
    soft_checks: Vec<String>,
    /// WebSockets that something is done with, and those that are opened.
    used_sockets: Vec<(usize, Place)>,
    opened_sockets: BTreeSet<usize>,
    /// Queues that something is taken from, and whether something is put there.
    taken: Vec<(usize, Place)>,
    filled: BTreeSet<usize>,
    /// Requests with servers of their own, by their places.
    pub(in crate::scenario) elsewhere: Vec<(Place, String)>,
    /// Where templates ask for the user's cookies.
    cookie_calls: RefCell<Vec<Place>>,
    /// Shared bodies that are being looked through, each called by the one before it.
    open_bodies: RefCell<Vec<String>>,
    /// The events of each endpoint, and where they are stated.
    raised: BTreeMap<u16, (Vec<(String, String)>, Place)>,
}

struct SharedBody {
    text: Text,
    source: String,
    /// Where its texts stand.
    leaves: Vec<Place>,
}

impl<'a> Book<'a> {
    pub(in crate::scenario) fn new(
        problems: &'a Problems,
        settings: &'a Settings,
        files: (&'a dyn World, &'a Path),
        defaults: Defaults,
        descriptors: Option<DescriptorPool>,
        variables: &Variables,
    ) -> Self {
        let mut templates = Templates::new(variables);
        if let Some(values) = settings.values() {
            templates.know(VARS, values);
        }
        Self {
            problems,
            settings,
            files,
            file_sums: Vec::new(),
            defaults,
            descriptors,
            templates,
            keys: Vec::new(),
            feeders: Vec::new(),
            brokers: Vec::new(),
            auths: Vec::new(),
            subscriptions: Vec::new(),
            bodies: BTreeMap::new(),
            endpoints: Endpoints::default(),
            requests: 0,
            journeys: Vec::new(),
            flows: Vec::new(),
            once: Vec::new(),
            races: Vec::new(),
            counters: Vec::new(),
            queues: Vec::new(),
            sockets: Vec::new(),
            soft_checks: Vec::new(),
            used_sockets: Vec::new(),
            opened_sockets: BTreeSet::new(),
            taken: Vec::new(),
            filled: BTreeSet::new(),
            elsewhere: Vec::new(),
            cookie_calls: RefCell::default(),
            open_bodies: RefCell::default(),
            raised: BTreeMap::new(),
        }
    }

    pub(in crate::scenario) fn read_bodies(&mut self, file: &mut Fields<'_>) {
        let Some(table) = file.table("body") else { return };
        for (name, value) in table.entries() {
            check_numbers(value, table.file(), self.problems);
            let source = json_template(value.get_ref());
            let leaves = leaves(value, table.file());
            match self.templates.add_body(&name.value, &source) {
                Ok(text) => {
                    self.note_unknown(&source, &leaves);
                    self.bodies.insert(name.value, SharedBody { text, source, leaves });
                }
                Err(error) => {
                    self.problems.note_unread("body", Some(&name.value));
                    self.bad_leaves(&leaves, &name.place, &error);
                }
            }
        }
    }

    /// Takes a journey in, with what its steps need and give.
    pub(super) fn add_journey(
        &mut self,
        name: &Located<String>,
        journey: Journey,
        once: Option<Located<String>>,
        flow: Vec<Flow>,
    ) {
        if self.journey(&name.value).is_some() {
            self.problems.add(
                &name.place,
                format!("journey `{}` exists already", name.value),
                "a second one",
            );
        }
        self.journeys.push(journey);
        self.flows.push(flow);
        self.once.push(once);
    }

    /// Resolves which journeys are to be performed once.
    pub(in crate::scenario) fn resolve_once(&mut self) {
        for (place, name) in self.once.iter().enumerate() {
            let Some(name) = name else { continue };
            let found = self.journeys.iter().position(|j| j.name == name.value);
            match found {
                Some(once) if once == place || self.once[once].is_some() => {
                    let label = "it depends on another `once` journey";
                    let title = format!("`{}` cannot be a `once` journey", name.value);
                    self.problems.add(&name.place, title, label);
                }
                Some(_) => self.journeys[place].once = found,
                None => self.problems.add_unknown(&name.place, "journey", &name.value, &self.journey_names()),
            }
        }
    }

    /// The place of a race, new or known.
    pub(super) fn race(&mut self, name: &str) -> usize {
        place_of(&mut self.races, name)
    }

    /// The place of a counter, new or known.
    pub(super) fn counter(&mut self, name: &str) -> usize {
        place_of(&mut self.counters, name)
    }

    /// The place of a soft check's name, new or known.
    pub(super) fn soft_check(&mut self, name: &str) -> u16 {
        u16::try_from(place_of(&mut self.soft_checks, name)).unwrap_or(u16::MAX)
    }

    /// The place of a queue that something is put into.
    pub(super) fn fill_queue(&mut self, name: &str) -> usize {
        let queue = place_of(&mut self.queues, name);
        self.filled.insert(queue);
        queue
    }

    /// The place of a queue that something is taken from.
    pub(super) fn drain_queue(&mut self, name: &Located<String>) -> usize {
        let queue = place_of(&mut self.queues, &name.value);
        self.taken.push((queue, name.place.clone()));
        queue
    }

    /// The place of a WebSocket that a step opens.
    pub(super) fn open_socket(&mut self, name: &str) -> usize {
        let socket = place_of(&mut self.sockets, name);
        self.opened_sockets.insert(socket);
        socket
    }

    /// The place of a WebSocket that a step needs open.
    pub(super) fn use_socket(&mut self, name: &Located<String>) -> usize {
        let socket = place_of(&mut self.sockets, &name.value);
        self.used_sockets.push((socket, name.place.clone()));
        socket
    }

    /// Notes the events, each a stream and a name, that an endpoint's `ok` answers stand for.
    pub(super) fn raise(&mut self, endpoint: EndpointId, events: Option<Located<Vec<(String, String)>>>) {
        let Some(Located { value: events, place }) = events else { return };
        let (known, _) = self.raised.entry(endpoint.0).or_insert_with(|| (events.clone(), place.clone()));
        let streams = |events: &[(String, String)]| -> BTreeMap<String, usize> {
            events.iter().fold(BTreeMap::new(), |mut counts, (stream, _)| {
                *counts.entry(stream.clone()).or_default() += 1;
                counts
            })
        };
        if streams(known) != streams(&events) {
            let name = &self.endpoints.of(endpoint.0).endpoint;
            let title = format!("`{name}` raises other events elsewhere");
            self.problems.add(&place, title, "give one of the two a different `name`");
        }
    }

    /// Notes queues from which something is taken and into which nothing is put.
    pub(in crate::scenario) fn check_queues(&self) {
        let may_be_filled = |queue: usize| self.problems.is_unread("queue", &self.queues[queue]);
        for (queue, place) in self.taken.iter().filter(|(queue, _)| !self.filled.contains(queue)) {
            if may_be_filled(*queue) {
                continue;
            }
            let title = format!("nothing is put into queue `{}`", self.queues[*queue]);
            let filled: Vec<&str> = self.filled.iter().map(|queue| self.queues[*queue].as_str()).collect();
            let help = crate::scenario::suggestion(&self.queues[*queue], &filled);
            self.problems.add_with_help(place, title, "would wait in vain", help);
        }
    }

    /// Notes WebSockets that are used and that no step opens.
    pub(in crate::scenario) fn check_sockets(&self) {
        for (socket, place) in self.used_sockets.iter().filter(|(s, _)| !self.opened_sockets.contains(s)) {
            let name = &self.sockets[*socket];
            if self.problems.is_unread("socket", name) {
                continue;
            }
            let opened: Vec<&str> = self.opened_sockets.iter().map(|s| self.sockets[*s].as_str()).collect();
            let help = crate::scenario::suggestion(name, &opened);
            let title = format!("no step opens the WebSocket `{name}`");
            self.problems.add_with_help(place, title, "open it with a step `websocket = \"/path\"`", help);
        }
    }

    /// Notes templates that ask for the user's cookies where there is no request to have any.
    pub(in crate::scenario) fn check_cookies(&self) {
        for place in self.cookie_calls.borrow().iter() {
            let label = "only the path, the headers and the body of a request can use it";
            self.problems.add(place, format!("`{COOKIE}` is not known here"), label);
        }
    }

    /// How often templates have asked for the user's cookies so far.
    pub(super) fn cookie_calls(&self) -> usize {
        self.cookie_calls.borrow().len()
    }

    /// Where they have since then; these are a request's.
    pub(super) fn take_cookie_calls(&self, since: usize) -> Vec<Place> {
        self.cookie_calls.borrow_mut().split_off(since)
    }

    /// The place of a journey in the list.
    pub(super) fn journey(&self, name: &str) -> Option<usize> {
        self.journeys.iter().position(|j| j.name == name)
    }

    pub(in crate::scenario) fn journey_names(&self) -> Vec<&str> {
        self.journeys.iter().map(|j| j.name.as_str()).collect()
    }

    /// The id of an endpoint, new or known.
    pub(super) fn endpoint(&mut self, endpoint: String, context: &Context<'_>, kind: Kind) -> EndpointId {
        let subject = Subject { kind, traffic_class: context.traffic_class.to_owned(), endpoint };
        self.endpoints.id(subject, context.tags, self.problems)
    }

    /// The place of a subscription, new or known.
    pub(super) fn subscription(&mut self, wanted: Subscription) -> usize {
        self.subscriptions.iter().position(|known| *known == wanted).unwrap_or_else(|| {
            self.subscriptions.push(wanted);
            self.subscriptions.len() - 1
        })
    }

    /// The number of the next request.
    pub(super) fn next_request(&mut self) -> usize {
        self.requests += 1;
        self.requests - 1
    }

    /// Parses a text of a journey and notes what it needs.
    pub(super) fn text(&mut self, source: &Located<String>, flow: &mut Vec<Flow>) -> Option<Text> {
        self.template(&source.value, std::slice::from_ref(&source.place), flow)
    }

    /// Takes in a value of a journey that is fixed or worked out, and notes what it needs. A text that is
    /// one `{{ expression }}` keeps the type of what that gives.
    pub(super) fn computed(
        &mut self,
        value: &toml::Spanned<DeValue<'_>>,
        place: &Place,
        flow: &mut Vec<Flow>,
    ) -> Option<Computed> {
        if let Some(text) = value.get_ref().as_str() {
            let located = Located { value: text.to_owned(), place: place.clone() };
            return match single_expression(text) {
                Some(_) => self.expression(&located, flow),
                None if is_template(text) => self.text(&located, flow).map(Computed::Text),
                None => Some(Computed::Fixed(text.into())),
            };
        }
        check_numbers(value, place.file, self.problems);
        let json = json_template(value.get_ref());
        if is_template(&json) {
            return self.json(value, place, flow).map(Computed::Json);
        }
        Json::parse(&json).map(|json| Computed::Fixed(json.value()))
    }

    /// Parses what is one `{{ expression }}`, and notes what it needs.
    pub(super) fn expression(&mut self, text: &Located<String>, flow: &mut Vec<Flow>) -> Option<Computed> {
        let Some(expression) = single_expression(&text.value) else {
            let title = format!("`{}` is not a single expression", text.value);
            self.problems.add(&text.place, title, "expected e.g. `{{ stock > 0 }}`");
            return None;
        };
        match self.templates.add_expression(expression) {
            Ok(name) => {
                self.note_names(&name, &text.value, std::slice::from_ref(&text.place), flow);
                Some(Computed::Expression(name))
            }
            Err(error) => {
                self.bad_template(&text.place, &error);
                None
            }
        }
    }

    /// Parses a JSON body of a journey and notes what it needs.
    pub(super) fn json(
        &mut self,
        value: &toml::Spanned<DeValue<'_>>,
        place: &Place,
        flow: &mut Vec<Flow>,
    ) -> Option<Text> {
        check_numbers(value, place.file, self.problems);
        let mut leaves = leaves(value, place.file);
        leaves.push(place.clone());
        self.template(&json_template(value.get_ref()), &leaves, flow)
    }

    /// Parses a form body of a journey and notes what it needs.
    pub(super) fn form(
        &mut self,
        pairs: &[(String, String)],
        place: &Place,
        flow: &mut Vec<Flow>,
    ) -> Option<Text> {
        self.template(&form_template(pairs), std::slice::from_ref(place), flow)
    }

    /// The shared body of a name, and what it needs.
    pub(super) fn shared_body(&self, name: &Located<String>, flow: &mut Vec<Flow>) -> Option<Text> {
        let Some(body) = self.bodies.get(&name.value) else {
            let known: Vec<&str> = self.bodies.keys().map(String::as_str).collect();
            self.problems.add_unknown(&name.place, "body", &name.value, &known);
            return None;
        };
        self.note_needs(&body.text, &body.source, &body.leaves, flow);
        Some(body.text.clone())
    }

    /// The body that a file is, as it stands there.
    pub(super) fn file(&mut self, name: &Located<String>) -> Option<Text> {
        let (world, folder) = self.files;
        let path = self.settings.fill(name, self.problems);
        match world.read_bytes(&folder.join(&path)) {
            Ok(bytes) => {
                self.file_sums.push(crate::checksum::sha256(&bytes));
                Some(Text::Fixed(bytes.into()))
            }
            Err(error) => {
                self.problems.add(&name.place, format!("cannot read `{path}`"), error.to_string());
                None
            }
        }
    }

    /// `leaves`: where the texts of the template stand; never empty.
    fn template(&mut self, source: &str, leaves: &[Place], flow: &mut Vec<Flow>) -> Option<Text> {
        match self.templates.add_text(source) {
            Ok(text) => {
                self.note_needs(&text, source, leaves, flow);
                Some(text)
            }
            Err(error) => {
                self.bad_leaves(leaves, &leaves[0], &error);
                None
            }
        }
    }

    fn note_needs(&self, text: &Text, source: &str, leaves: &[Place], flow: &mut Vec<Flow>) {
        if let Text::Template(name) = text {
            self.note_names(name, source, leaves, flow);
        }
    }

    /// Notes what a template needs, and what it names that does not exist.
    fn note_names(&self, name: &str, source: &str, leaves: &[Place], flow: &mut Vec<Flow>) {
        // Shared bodies were looked through as they were read.
        let is_sound = !name.starts_with(BODY) && self.note_unknown(source, leaves);
        if names::calls(source, COOKIE) {
            self.cookie_calls.borrow_mut().extend(self.problems.find(leaves, COOKIE));
        }
        let needs = self.templates.needs(name);
        if is_sound && needs.iter().all(|variable| BUILT_IN.contains(&variable.as_str())) {
            self.rehearse(name, leaves);
        }
        let needs = needs.into_iter();
        flow.extend(needs.filter_map(|variable| {
            Some(Flow::Needs { place: self.problems.find(leaves, &variable)?, variable })
        }));
        for name in called_bodies(source) {
            let is_open = self.open_bodies.borrow().iter().any(|open| open == name);
            match self.bodies.get(name) {
                // A body that calls itself, even by way of others, would never end.
                Some(body) if body.source != source && !is_open => {
                    self.open_bodies.borrow_mut().push(name.to_owned());
                    self.note_needs(&body.text, &body.source, &body.leaves, flow);
                    self.open_bodies.borrow_mut().pop();
                }
                called => {
                    let Some(place) = self.problems.find(leaves, name) else { continue };
                    if called.is_some() {
                        self.problems.add(&place, format!("body `{name}` calls itself"), "would never end");
                    } else {
                        let known: Vec<&str> = self.bodies.keys().map(String::as_str).collect();
                        self.problems.add_unknown(&place, "body", name, &known);
                    }
                }
            }
        }
    }

    /// Notes filters, tests and methods that do not exist: minijinja would only say so when it renders.
    /// Whether there are none.
    fn note_unknown(&self, source: &str, leaves: &[Place]) -> bool {
        let unknown = self.templates.unknown(source);
        let is_sound = self.settings.knows(source, leaves, self.problems) && unknown.is_empty();
        for (what, name, known) in unknown {
            let Some(place) = self.problems.find(leaves, name) else { continue };
            match what {
                "method" => {
                    let title = format!("values have no method `{name}`");
                    let help =
                        known.contains(&name).then(|| format!("did you mean the filter: `x | {name}`?"));
                    self.problems.add_with_help(&place, title, "not known here", help);
                }
                "statement" => {
                    let help = "`{{ body(\"name\") }}` gives a shared body".to_owned();
                    let title = format!("templates cannot `{name}` files");
                    self.problems.add_with_help(&place, title, "not known here", Some(help));
                }
                "environment variable" => {
                    let title = format!("the environment variable `{name}` is not set");
                    let label = format!("set it, or give a default: `env(\"{name}\", \"…\")`");
                    // It may be set where the load is made.
                    self.problems.warn(&place, title, label);
                }
                _ => self.problems.add_unknown(&place, what, name, known),
            }
        }
        is_sound
    }

    /// Notes a template that could never be rendered, such as one with a wrong argument.
    fn rehearse(&self, name: &str, leaves: &[Place]) {
        if let (Err(error), Some(place)) = (self.templates.rehearse(name), leaves.first()) {
            self.problems.add(place, "this template cannot be rendered", plain_message(&error));
        }
    }

    /// Notes all texts that are no templates by themselves; `fallback` with the error of the whole if that cannot be
    /// told.
    fn bad_leaves(&self, leaves: &[Place], fallback: &Place, of_all: &minijinja::Error) {
        let environment = minijinja::Environment::new();
        let mistake = |place: &Place| {
            let text = self.problems.text(place);
            environment.template_from_str(&text).err()
        };
        let mut bad: Vec<(&Place, minijinja::Error)> =
            leaves.iter().filter_map(|place| Some((place, mistake(place)?))).collect();
        // A value as a whole is among the places of its texts, behind them: it has their mistakes.
        let is_whole = |place: &Place| leaves.last() == Some(place);
        if bad.len() > 1 {
            bad.retain(|(place, _)| !is_whole(place));
        }
        if bad.is_empty() {
            self.bad_template(fallback, of_all);
        }
        for (place, error) in bad {
            self.bad_template(place, &error);
        }
    }

    fn bad_template(&self, place: &Place, error: &minijinja::Error) {
        self.problems.add(place, "bad template", plain_message(error));
    }

    /// Notes the variables that no earlier step gives.
    pub(in crate::scenario) fn check_variables(&self, user_classes: &[UserClass]) {
        for (place, flow) in self.flows.iter().enumerate() {
            let mut known: BTreeSet<&str> = BUILT_IN.into_iter().collect();
            for class in user_classes {
                if let Some(start) = class.start
                    && class.journeys.iter().any(|(journey, _)| *journey == place)
                {
                    known.extend(self.flows[start].iter().filter_map(Flow::given));
                }
            }
            // Variables that end with their step, and whether they were known before.
            let mut bound: Vec<(&str, bool)> = Vec::new();
            for step in flow {
                match step {
                    Flow::Gives(variable) => {
                        known.insert(variable);
                    }
                    Flow::Binds(variable) => bound.push((variable, !known.insert(variable))),
                    Flow::Unbinds(count) => {
                        for (variable, was_known) in bound.split_off(bound.len().saturating_sub(*count)) {
                            if !was_known {
                                known.remove(variable);
                            }
                        }
                    }
                    Flow::Inherits(journey) => {
                        let once = self.journey(journey).map(|place| &self.flows[place]);
                        known.extend(once.into_iter().flatten().filter_map(Flow::given));
                    }
                    Flow::Needs { variable, place } if !known.contains(variable.as_str()) => {
                        self.missing_variable(variable, place, &known);
                    }
                    Flow::Needs { .. } => {}
                }
            }
        }
    }

    fn missing_variable(&self, variable: &str, place: &Place, known: &BTreeSet<&str>) {
        if self.problems.is_unread("variable", variable) {
            return;
        }
        if self.problems.is_full() {
            return self.problems.add(
                place,
                format!("missing variable `{variable}`"),
                "no earlier step extracts it",
            );
        }
        let functions = self.templates.functions();
        let words: Vec<&str> = known.iter().copied().chain(functions.iter().map(String::as_str)).collect();
        let title = format!("missing variable `{variable}`");
        let help = crate::scenario::suggestion(variable, &words);
        self.problems.add_with_help(
            place,
            title,
            "no earlier step extracts it, and no function has this name",
            help,
        );
    }

    pub(in crate::scenario) fn finish(self) -> Work {
        let endpoint = |place: u16| self.endpoints.of(place);
        let raised = self
            .raised
            .iter()
            .flat_map(|(place, (events, _))| events.iter().map(move |event| (endpoint(*place), event)))
            .map(|(endpoint, (stream, event))| RaisedEvent {
                traffic_class: endpoint.traffic_class.clone(),
                endpoint: endpoint.endpoint.clone(),
                stream: stream.clone(),
                event: event.clone(),
            })
            .collect();
        let Self { endpoints, journeys, templates, keys, feeders, brokers, subscriptions, .. } = self;
        let Self { races, counters, queues, soft_checks, auths, .. } = self;
        let (endpoints, tags) = endpoints.finish();
        Work {
            endpoints,
            tags,
            journeys,
            templates,
            keys,
            feeders,
            brokers,
            auths,
            subscriptions,
            races,
            counters,
            queues,
            soft_checks,
            raised,
        }
    }
}

/// What a book comes to.
pub(in crate::scenario) struct Work {
    pub(in crate::scenario) endpoints: Vec<Subject>,
    /// The tags of those that have some.
    pub(in crate::scenario) tags: Vec<Tagged>,
    pub(in crate::scenario) journeys: Vec<Journey>,
    pub(in crate::scenario) templates: Templates,
    pub(in crate::scenario) keys: Vec<KeyList>,
    pub(in crate::scenario) feeders: Vec<Feeder>,
    pub(in crate::scenario) brokers: Vec<Broker>,
    pub(in crate::scenario) auths: Vec<Auth>,
    pub(in crate::scenario) subscriptions: Vec<Subscription>,
    pub(in crate::scenario) races: Vec<String>,
    pub(in crate::scenario) counters: Vec<String>,
    pub(in crate::scenario) queues: Vec<String>,
    pub(in crate::scenario) soft_checks: Vec<String>,
    pub(in crate::scenario) raised: Vec<RaisedEvent>,
}

/// The place of a name in a list, which it is added to if it is new.
fn place_of(list: &mut Vec<String>, name: &str) -> usize {
    list.iter().position(|known| known == name).unwrap_or_else(|| {
        list.push(name.to_owned());
        list.len() - 1
    })
}

impl Flow {
    fn given(&self) -> Option<&str> {
        match self {
            Self::Gives(variable) => Some(variable),
            Self::Needs { .. } | Self::Binds(_) | Self::Unbinds(_) | Self::Inherits(_) => None,
        }
    }
}

/// Where the texts of a value stand, nested ones too.
fn leaves(value: &toml::Spanned<DeValue<'_>>, file: FileId) -> Vec<Place> {
    match value.get_ref() {
        DeValue::Array(items) => items.iter().flat_map(|item| leaves(item, file)).collect(),
        DeValue::Table(table) => table.iter().flat_map(|(_, item)| leaves(item, file)).collect(),
        _ => vec![Place { file, span: value.span() }],
    }
}

/// The names in `body("…")` calls.
fn called_bodies(source: &str) -> impl Iterator<Item = &str> {
    source.split("body(").skip(1).filter_map(|rest| {
        let quote = rest.trim_start().chars().next().filter(|c| ['"', '\''].contains(c))?;
        rest.trim_start()[1..].split(quote).next()
    })
}
