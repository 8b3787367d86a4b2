//! The shape of a request's body: from bytes to checked fields, or to all that is wrong at once.
//!
//! A field is a row of a table; the checks and their messages are those of a `FastAPI` service.

use serde_json::{Map, Value, json};

/// A JSON object: a checked body, or the state of an aggregate.
pub(crate) type Object = Map<String, Value>;

/// One field of a body.
#[derive(Clone, Copy)]
pub(crate) struct Field {
    name: &'static str,
    kind: Kind,
    need: Need,
}

#[derive(Clone, Copy)]
enum Kind {
    Text { most: usize },
    Number { above: Option<f64>, least: Option<f64> },
    Whole { least: Option<i64> },
    Flag,
    Mapping,
    Texts,
    Object(&'static [Field]),
    List(&'static [Field]),
}

#[derive(Clone, Copy)]
enum Need {
    Required,
    Optional,
    Default(Preset),
}

#[derive(Clone, Copy)]
enum Preset {
    Text(&'static str),
    Number(f64),
    Whole(i64),
    Flag(bool),
}

/// A required text of at most `most` characters.
pub(crate) const fn text(name: &'static str, most: usize) -> Field {
    required(name, Kind::Text { most })
}

/// A required text of any length.
pub(crate) const fn any_text(name: &'static str) -> Field {
    text(name, usize::MAX)
}

/// A required number of at least `least`.
pub(crate) const fn number_from(name: &'static str, least: f64) -> Field {
    let least = Some(least);
    required(name, Kind::Number { above: None, least })
}

/// A required number greater than `above`.
pub(crate) const fn number_above(name: &'static str, above: f64) -> Field {
    let above = Some(above);
    required(name, Kind::Number { above, least: None })
}

/// A required number.
pub(crate) const fn number(name: &'static str) -> Field {
    required(name, Kind::Number { above: None, least: None })
}

/// A required whole number of at least `least`.
pub(crate) const fn whole_from(name: &'static str, least: i64) -> Field {
    let least = Some(least);
    required(name, Kind::Whole { least })
}

/// A required whole number.
pub(crate) const fn whole(name: &'static str) -> Field {
    required(name, Kind::Whole { least: None })
}

/// A required `true` or `false`.
pub(crate) const fn flag(name: &'static str) -> Field {
    required(name, Kind::Flag)
}

/// A required object of any content.
pub(crate) const fn mapping(name: &'static str) -> Field {
    required(name, Kind::Mapping)
}

/// A required list of texts.
pub(crate) const fn texts(name: &'static str) -> Field {
    required(name, Kind::Texts)
}

/// A required object with these fields.
pub(crate) const fn object(name: &'static str, fields: &'static [Field]) -> Field {
    required(name, Kind::Object(fields))
}

/// A required list of objects with these fields.
pub(crate) const fn list(name: &'static str, fields: &'static [Field]) -> Field {
    required(name, Kind::List(fields))
}

const fn required(name: &'static str, kind: Kind) -> Field {
    let need = Need::Required;
    Field { name, kind, need }
}

impl Field {
    /// The field may be left out or null; it is null then.
    pub(crate) const fn optional(self) -> Field {
        self.with(Need::Optional)
    }

    /// The field is this text when left out.
    pub(crate) const fn or_text(self, preset: &'static str) -> Field {
        self.with(Need::Default(Preset::Text(preset)))
    }

    /// The field is this number when left out.
    pub(crate) const fn or_number(self, preset: f64) -> Field {
        self.with(Need::Default(Preset::Number(preset)))
    }

    /// The field is this whole number when left out.
    pub(crate) const fn or_whole(self, preset: i64) -> Field {
        self.with(Need::Default(Preset::Whole(preset)))
    }

    /// The field is this flag when left out.
    pub(crate) const fn or_flag(self, preset: bool) -> Field {
        self.with(Need::Default(Preset::Flag(preset)))
    }

    const fn with(self, need: Need) -> Field {
        Field { need, ..self }
    }
}

/// Reads `body` as an object with these fields, all of them present in what is returned.
///
/// Fields that the table does not have are left out. The error has one entry per problem.
pub(crate) fn check(fields: &[Field], body: &[u8]) -> Result<Object, Vec<Value>> {
    if fields.is_empty() {
        return Ok(Object::new());
    }
    if body.is_empty() {
        return Err(vec![problem("missing", &["body".into()], "Field required", &Value::Null)]);
    }
    let value: Value = serde_json::from_slice(body).map_err(|error| {
        vec![json!({
            "type": "json_invalid",
            "loc": ["body", error.column()],
            "msg": "JSON decode error",
            "input": {},
            "ctx": {"error": error.to_string()},
        })]
    })?;
    let mut problems = Vec::new();
    let checked = check_object(fields, &value, &["body".into()], &mut problems);
    if problems.is_empty() { Ok(checked) } else { Err(problems) }
}

/// One entry of a refusal: what is wrong, where, and with which input.
pub(crate) fn problem(kind: &str, place: &[Value], message: &str, input: &Value) -> Value {
    json!({"type": kind, "loc": place, "msg": message, "input": input})
}

fn check_object(fields: &[Field], value: &Value, place: &[Value], problems: &mut Vec<Value>) -> Object {
    let Value::Object(given) = value else {
        let message = "Input should be a valid dictionary or object to extract fields from";
        problems.push(problem("model_attributes_type", place, message, value));
        return Object::new();
    };
    let mut checked = Object::new();
    for field in fields {
        let place = [place, &[field.name.into()]].concat();
        let value = match (given.get(field.name), field.need) {
            (None, Need::Required) => {
                problems.push(problem("missing", &place, "Field required", value));
                continue;
            }
            (None | Some(Value::Null), Need::Optional) => Value::Null,
            (None, Need::Default(preset)) => preset.value(),
            (Some(value), _) => check_value(field.kind, value, &place, problems),
        };
        checked.insert(field.name.to_owned(), value);
    }
    checked
}

fn check_value(kind: Kind, value: &Value, place: &[Value], problems: &mut Vec<Value>) -> Value {
    let fault = match (kind, value) {
        (Kind::Object(fields), _) => {
            return Value::Object(check_object(fields, value, place, problems));
        }
        (Kind::List(fields), Value::Array(items)) => {
            let each = items.iter().enumerate().map(|(index, item)| {
                let place = [place, &[index.into()]].concat();
                Value::Object(check_object(fields, item, &place, problems))
            });
            return each.collect();
        }
        (Kind::Text { most }, Value::String(text)) => text_fault(text, most),
        (Kind::Number { above, least }, Value::Number(number)) => {
            number_fault(number.as_f64().unwrap_or(f64::MAX), above, least)
        }
        (Kind::Whole { least }, Value::Number(number)) => whole_fault(number.as_i64(), least),
        (Kind::Texts, Value::Array(items)) if items.iter().all(Value::is_string) => None,
        (Kind::Flag, Value::Bool(_)) | (Kind::Mapping, Value::Object(_)) => None,
        _ => Some(wrong_type(kind)),
    };
    if let Some((kind, message)) = fault {
        problems.push(problem(kind, place, &message, value));
    }
    value.clone()
}

/// The name of what is wrong, and the sentence for it.
type Fault = (&'static str, String);

fn text_fault(text: &str, most: usize) -> Option<Fault> {
    (text.chars().count() > most).then(|| {
        let message = format!("String should have at most {most} characters");
        ("string_too_long", message)
    })
}

fn number_fault(number: f64, above: Option<f64>, least: Option<f64>) -> Option<Fault> {
    if let Some(above) = above.filter(|above| number <= *above) {
        return Some(("greater_than", format!("Input should be greater than {above}")));
    }
    least.filter(|least| number < *least).map(at_least)
}

fn whole_fault(number: Option<i64>, least: Option<i64>) -> Option<Fault> {
    let Some(number) = number else {
        return Some(wrong_type(Kind::Whole { least }));
    };
    least.filter(|least| number < *least).map(at_least)
}

fn at_least(least: impl std::fmt::Display) -> Fault {
    let message = format!("Input should be greater than or equal to {least}");
    ("greater_than_equal", message)
}

fn wrong_type(kind: Kind) -> Fault {
    let (name, wanted) = match kind {
        Kind::Text { .. } => ("string_type", "string"),
        Kind::Number { .. } => ("float_type", "number"),
        Kind::Whole { .. } => ("int_type", "integer"),
        Kind::Flag => ("bool_type", "boolean"),
        Kind::Mapping | Kind::Object(_) => ("dict_type", "dictionary"),
        Kind::Texts | Kind::List(_) => ("list_type", "list"),
    };
    (name, format!("Input should be a valid {wanted}"))
}

impl Preset {
    fn value(self) -> Value {
        match self {
            Preset::Text(text) => text.into(),
            Preset::Number(number) => number.into(),
            Preset::Whole(number) => number.into(),
            Preset::Flag(flag) => flag.into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{Field, check, list, number_above, text, whole_from};

    const FIELDS: &[Field] = &[
        text("name", 5),
        text("currency", 3).or_text("USD"),
        text("note", 10).optional(),
        number_above("amount", 0.0),
        list("items", &[whole_from("quantity", 1).or_whole(1)]),
    ];

    fn check_json(body: &Value) -> Result<Value, Vec<Value>> {
        check(FIELDS, body.to_string().as_bytes()).map(Value::Object)
    }

    #[test]
    fn a_right_body_is_returned_with_its_defaults_and_without_what_is_not_asked_for() {
        let checked = check_json(&json!({
            "name": "Ada", "amount": 1, "items": [{"quantity": 2}, {}], "extra": 1,
        }));
        let expected = json!({
            "name": "Ada", "currency": "USD", "note": null, "amount": 1,
            "items": [{"quantity": 2}, {"quantity": 1}],
        });
        assert_eq!(checked, Ok(expected));
    }

    #[test]
    fn all_problems_are_told_at_once_with_their_places() {
        let problems = check_json(&json!({
            "name": "Augusta", "currency": 5, "amount": 0, "items": [{}, {"quantity": 0}],
        }))
        .unwrap_err();
        let told: Vec<_> =
            problems.iter().map(|problem| (problem["type"].clone(), problem["loc"].clone())).collect();
        let expected = [
            (json!("string_too_long"), json!(["body", "name"])),
            (json!("string_type"), json!(["body", "currency"])),
            (json!("greater_than"), json!(["body", "amount"])),
            (json!("greater_than_equal"), json!(["body", "items", 1, "quantity"])),
        ];
        assert_eq!(told, expected);
    }

    #[test]
    fn a_body_that_is_missing_or_no_json_or_no_object_is_refused() {
        for (body, kind) in [("", "missing"), ("{", "json_invalid"), ("[]", "model_attributes_type")] {
            let problems = check(FIELDS, body.as_bytes()).unwrap_err();
            assert_eq!(problems[0]["type"], kind, "{body:?}");
        }
    }
}
