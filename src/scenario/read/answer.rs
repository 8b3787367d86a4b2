//! The statuses that are expected of an answer.

use toml::de::DeValue;

use crate::sample::{grpc_status, grpc_status_of_word};
use crate::scenario::fields::{Fields, Located, whole, wrong_type};
use crate::scenario::journey::Protocol;
use crate::scenario::problem::Place;

/// A status, or a list of them.
pub(super) fn statuses(step: &mut Fields<'_>, key: &'static str) -> Option<Located<Vec<u16>>> {
    let Located { value, place } = step.value(key)?;
    let items: Vec<&toml::Spanned<DeValue<'_>>> = match value.get_ref() {
        DeValue::Array(array) => array.iter().collect(),
        _ => vec![value],
    };
    let statuses = items
        .into_iter()
        .filter_map(|item| {
            let number = || whole(item.get_ref()).and_then(|n| u16::try_from(n).ok());
            let status = match item.get_ref().as_str() {
                Some(word) => grpc_status_of_word(word),
                None => number().filter(|status| (100..=599).contains(status)),
            };
            if status.is_none() {
                let place = Place { file: place.file, span: item.span() };
                wrong_type(
                    step.problems,
                    &place,
                    key,
                    "an HTTP status from 100 to 599, or one of gRPC such as `\"NOT_FOUND\"`",
                    item.get_ref(),
                );
            }
            status
        })
        .collect();
    Some(Located { value: statuses, place })
}

/// Notes statuses of the other protocol: no answer would ever have them.
pub(super) fn check_statuses<'a>(
    step: &Fields<'_>,
    protocol: &Protocol,
    statuses: impl Iterator<Item = &'a Located<Vec<u16>>>,
) {
    for Located { value, place } in statuses {
        let (is_other, label) = match protocol {
            Protocol::Http(_) | Protocol::WebSocket => {
                (value.iter().any(|s| *s >= grpc_status(0)), "HTTP has numbers: 200, 404")
            }
            Protocol::Grpc(_) => {
                (value.iter().any(|s| *s < grpc_status(0)), "gRPC has words: `\"NOT_FOUND\"`")
            }
        };
        if is_other {
            step.problems.add(place, "a status of another protocol", label);
        }
    }
}
