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
