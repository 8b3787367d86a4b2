//! Events on their way out.

use std::sync::Arc;

use bytes::Bytes;

use crate::scenario::journey::Publish;
use crate::scenario::scope::Scope;
use crate::scenario::template::{RenderError, Templates};

/// An event on its way out.
pub(super) struct Outgoing {
    pub(super) stream: String,
    #[cfg_attr(not(feature = "kafka"), expect(dead_code, reason = "only Kafka has keys"))]
    pub(super) key: Option<Bytes>,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: Bytes,
}

impl Outgoing {
    /// The event of a step, as it goes out for one user now.
    pub(super) fn render(
        publish: &Publish,
        templates: &Templates,
        scope: &Arc<Scope>,
    ) -> Result<Self, RenderError> {
        let text =
            |text| templates.render(text, scope).map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
        Ok(Self {
            stream: text(&publish.stream)?,
            key: publish.key.as_ref().map(|key| templates.render(key, scope)).transpose()?,
            headers: publish
                .headers
                .iter()
                .map(|(name, value)| Ok((name.clone(), text(value)?)))
                .collect::<Result<_, RenderError>>()?,
            body: publish.body.as_ref().map_or(Ok(Bytes::new()), |body| templates.render(body, scope))?,
        })
    }
}

#[cfg(test)]
mod tests {
    use minijinja::value::Value;

    use super::*;
    use crate::load::prepared::tests::scenario_with;
    use crate::scenario::journey::Step;

    #[test]
    fn stream_headers_and_body_are_filled_for_the_user() {
        let broker = "[broker.bus]\nnats = \"nats://127.0.0.1:4222\"";
        let steps = r#"{ let = { id = "{{ 6 * 7 }}" }, publish = "orders.{{ id }}", headers = { Trace = "t-{{ id }}" },
                         json = { id = "{{ id }}" } }"#;
        let scenario = scenario_with(broker, steps);
        let [Step::With { step, .. }] = &scenario.journeys[0].steps[..] else { panic!("one step") };
        let Step::Publish(publish) = &**step else { panic!("it publishes") };
        let scope = Scope::new(1, || 0);
        scope.set("id", &Value::from(42));
        let event = Outgoing::render(publish, &scenario.templates, &scope).unwrap();
        assert_eq!(event.stream, "orders.42");
        assert_eq!(event.headers, [("trace".to_owned(), "t-42".to_owned())]);
        assert_eq!(event.body, r#"{"id": 42}"#);
    }
}
