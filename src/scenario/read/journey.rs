//! `[[journey]]`: named sequences of steps.

use super::book::Book;
use super::step;
use crate::scenario::fields::Fields;
use crate::scenario::journey::Journey;

/// Reads the journeys of a file into the book.
pub(in crate::scenario) fn read(file: &mut Fields<'_>, book: &mut Book<'_>) {
    for mut table in file.tables("journey") {
        let name = table.required_text("name");
        let traffic_class = table.text("class").map_or(String::new(), |l| l.value);
        let headers = super::defaults::headers(&mut table);
        table.require("steps");
        let mut flow = Vec::new();
        let context = step::Context { traffic_class: &traffic_class, headers: &headers };
        let steps = table
            .items("steps")
            .into_iter()
            .filter_map(|item| {
                let fields = Fields::of(item.value, item.place.file, "a step", book.problems)?;
                step::read(fields, book, &context, &mut flow)
            })
            .collect();
        table.finish();
        if let Some(name) = name {
            let journey = Journey { name: name.value.clone(), traffic_class, steps };
            book.add_journey(&name, journey, flow);
        }
    }
}
