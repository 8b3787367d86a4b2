//! `[[journey]]`: named sequences of steps.

use super::book::{Book, Flow};
use super::context::{Context, Tags};
use super::{step, tags};
use crate::scenario::fields::Fields;
use crate::scenario::journey::{Journey, Step};

/// Reads the journeys of a file into the book.
pub(in crate::scenario) fn read(file: &mut Fields<'_>, book: &mut Book<'_>) {
    for mut table in file.tables("journey") {
        let name = table.required_text("name");
        let traffic_class = table.text("traffic_class").map_or(String::new(), |l| l.value);
        let headers = super::defaults::headers(&mut table);
        let auth = super::auth::of(&mut table, book);
        let cookies = table.flag("cookies").unwrap_or(book.defaults.cookies);
        let clears_cookies = table.flag("clear_cookies").unwrap_or(false);
        let tags = tags::read(&mut table, &Tags::none(), book);
        table.require("steps");
        let mut flow = Vec::new();
        let bindings = super::binding::read(&mut table, book, &mut flow, Flow::Gives);
        let once = table.text("once");
        flow.extend(once.iter().map(|name| Flow::Inherits(name.value.clone())));
        let own_name = name.as_ref().map_or("", |name| name.value.as_str());
        let context = Context {
            journey: own_name,
            traffic_class: &traffic_class,
            cookies,
            auth,
            headers: &headers,
            tags: &tags,
        };
        let mut steps = step::steps(&mut table, "steps", book, &context, &mut flow);
        table.refuse_empty("steps");
        table.finish();
        if !bindings.is_empty() && !steps.is_empty() {
            // With the first step, as one: users think after steps, not after variables.
            let first = steps.remove(0);
            steps.insert(0, Step::Steps(vec![Step::Let(bindings), first]));
        }
        if let Some(name) = name {
            let journey = Journey { name: name.value.clone(), steps, once: None, clears_cookies };
            book.add_journey(&name, journey, once, flow);
        }
    }
}
