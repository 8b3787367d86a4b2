//! What stands around the action of a step: `if`, `group`, `repeat`, `while`, `for_each`, `let`.

use toml::de::DeValue;

use super::binding;
use super::book::{Book, Flow};
use super::context::Context;
use crate::sample::Kind;
use crate::scenario::fields::{Fields, Located};
use crate::scenario::journey::{Binding, Group, Repeat, Rounds, Step};
use crate::scenario::template::Computed;

/// The keys of this file.
pub(super) const AROUND_KEYS: [&str; 8] = ["if", "group", "repeat", "while", "max", "for_each", "as", "let"];
/// The variable of `for_each` where none is named.
const ITEM: &str = "item";

/// What stands around the action of a step, from the outside in: whether it is performed at all, what
/// its whole time is counted as, how often it is performed, and with which variables each time.
pub(super) struct Around {
    condition: Option<Computed>,
    /// Whether there is a condition that cannot be read.
    is_unread: bool,
    group: Option<crate::sample::EndpointId>,
    rounds: Option<Rounds>,
    bindings: Vec<Binding>,
    /// How many variables end with the step.
    bound: usize,
}

impl Around {
    pub(super) fn read(
        step: &mut Fields<'_>,
        book: &mut Book<'_>,
        context: &Context<'_>,
        flow: &mut Vec<Flow>,
    ) -> Self {
        let condition = step.text("if").and_then(|text| book.expression(&text, flow));
        let is_unread = step.has("if") && condition.is_none();
        let group = step.name("group").map(|name| book.endpoint(name.value, context, Kind::Group));
        let start = flow.len();
        let rounds = rounds(step, book, flow);
        let bindings = binding::read(step, book, flow, Flow::Binds);
        let bound = flow[start..].iter().filter(|flow| matches!(flow, Flow::Binds(_))).count();
        Self { condition, is_unread, group, rounds, bindings, bound }
    }

    /// Puts it around the action that was read meanwhile.
    pub(super) fn put(self, action: Option<Step>, flow: &mut Vec<Flow>) -> Option<Step> {
        let Self { condition, is_unread, group, rounds, bindings, bound } = self;
        if bound > 0 {
            flow.push(Flow::Unbinds(bound));
        }
        let mut step = action?;
        if !bindings.is_empty() {
            step = Step::With { bindings, step: Box::new(step) };
        }
        if let Some(rounds) = rounds {
            step = Step::Repeat(Repeat { rounds, step: Box::new(step) });
        }
        if let Some(endpoint) = group {
            step = Step::Group(Group { endpoint, step: Box::new(step) });
        }
        match condition {
            _ if is_unread => None,
            Some(condition) => Some(Step::If { condition, step: Box::new(step) }),
            None => Some(step),
        }
    }
}

/// `repeat = 3`, `while = "{{ … }}", max = 50` or `for_each = "{{ items }}", as = "item"`.
fn rounds(step: &mut Fields<'_>, book: &mut Book<'_>, flow: &mut Vec<Flow>) -> Option<Rounds> {
    let given: Vec<&str> = ["repeat", "while", "for_each"].into_iter().filter(|key| step.has(key)).collect();
    if let [first, second, ..] = given[..] {
        let title = format!("a step has `{first}` or `{second}`, not both");
        step.problems.add(&step.key_place(second), title, "put one of them around the other with `steps`");
    }
    let most = step.count("max", 1).map(|most| u32::try_from(most).unwrap_or(u32::MAX));
    let times = step.count("repeat", 1).map(|n| Rounds::Times(u32::try_from(n).unwrap_or(u32::MAX)));
    let during = step.text("while").map(|text| {
        if !step.has("max") {
            step.problems.add(&step.key_place("while"), "`while` needs `max`", "how often at most?");
        }
        let condition = book.expression(&text, flow);
        condition.map(|condition| Rounds::While { condition, most: most.unwrap_or(1) })
    });
    let each = step.value("for_each").map(|list| each(step, &list, most, book, flow));
    let variable = step.text("as");
    if let Some(variable) = variable.filter(|_| !step.has("for_each")) {
        step.problems.add(&variable.place, "`as` belongs to `for_each`", "names its variable");
    }
    times.or(during.flatten()).or(each.flatten())
}

fn each(
    step: &mut Fields<'_>,
    list: &Located<&toml::Spanned<DeValue<'_>>>,
    most: Option<u32>,
    book: &mut Book<'_>,
    flow: &mut Vec<Flow>,
) -> Option<Rounds> {
    let variable = step.text("as").map_or_else(
        || ITEM.to_owned(),
        |name| {
            binding::check_variable(step.problems, &name);
            name.value
        },
    );
    step.refuse_empty("for_each");
    let found = match list.value.get_ref() {
        DeValue::Array(_) => book.computed(list.value, &list.place, flow),
        DeValue::String(text) => {
            let text = Located { value: text.to_string(), place: list.place.clone() };
            book.expression(&text, flow)
        }
        other => {
            let expected = "a list, or an expression that gives one";
            crate::scenario::fields::wrong_type(step.problems, &list.place, "for_each", expected, other);
            None
        }
    };
    flow.push(Flow::Binds(variable.clone()));
    Some(Rounds::Each { list: found?, variable, most: most.unwrap_or(u32::MAX) })
}
