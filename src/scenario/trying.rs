//! A scenario for trying its journeys out: a user class for each of them.

use super::journey::{Journey, Think, UserClass};
use super::{Scenario, ScenarioError, suggestion};

impl Scenario {
    /// The same with a user class for each journey, in the order of the journeys, that performs nothing else and does not
    /// think. It has the name and the start-up journey of the first class that performs the journey. Journeys that others
    /// begin with (`start`, `once`) are performed as parts of these and get no class of their own, unless they are asked
    /// for by name.
    ///
    /// # Errors
    /// With a suggestion, if there is no journey of that name.
    pub fn with_a_class_per_journey(mut self, only: Option<&str>) -> Result<Self, ScenarioError> {
        if let Some(name) = only
            && !self.journeys.iter().any(|journey| journey.name == name)
        {
            let known: Vec<&str> = self.journeys.iter().map(|journey| journey.name.as_str()).collect();
            let text = format!("the scenario has no journey `{name}`");
            return Err(ScenarioError::plain(text, suggestion(name, &known)));
        }
        let is_wanted = |(place, journey): &(usize, &Journey)| match only {
            Some(name) => journey.name == name,
            None => !self.is_a_beginning(*place),
        };
        let classes =
            self.journeys.iter().enumerate().filter(is_wanted).map(|(place, _)| self.class_for(place));
        self.user_classes = classes.collect();
        Ok(self)
    }

    /// Whether other journeys begin with the one at a place.
    fn is_a_beginning(&self, place: usize) -> bool {
        self.journeys.iter().any(|journey| journey.once == Some(place))
            || self.user_classes.iter().any(|class| class.start == Some(place))
    }

    fn class_for(&self, place: usize) -> UserClass {
        let performs = |class: &&UserClass| class.journeys.iter().any(|(journey, _)| *journey == place);
        let class = self.user_classes.iter().find(performs);
        UserClass {
            name: class.map_or(String::new(), |class| class.name.clone()),
            weight: 1.0,
            journeys: vec![(place, 1.0)],
            think: Think::None,
            start: class.and_then(|class| class.start),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::scenario::compile;
    use crate::scenario::tests::Written;

    const SHOP: &str = r#"
name = "Shop"
base_url = "http://127.0.0.1:9"
journey = [
    { name = "Log in", steps = [{ request = "GET /login" }] },
    { name = "Browse", steps = [{ request = "GET /" }] },
    { name = "Buy", steps = [{ request = "POST /orders" }] },
]
[[user_class]]
name = "Visitor"
start = "Log in"
think = "1s"
journeys = { Browse = 3, Buy = 1 }
"#;

    /// `class: journey` of each class, with `*` behind those that start up.
    fn tried(only: Option<&str>) -> Result<Vec<String>, String> {
        let scenario = compile(Path::new("s.toml"), &Written(SHOP.to_owned())).map_err(|e| e.to_string())?;
        let scenario = scenario.with_a_class_per_journey(only).map_err(|e| e.to_string())?;
        let text = |class: &UserClass| {
            let journey = &scenario.journeys[class.journeys[0].0].name;
            format!("{}: {journey}{}", class.name, if class.start.is_some() { "*" } else { "" })
        };
        Ok(scenario.user_classes.iter().map(text).collect())
    }

    #[test]
    fn each_journey_is_tried_once_and_what_others_begin_with_as_a_part_of_them() {
        assert_eq!(tried(None).unwrap(), ["Visitor: Browse*", "Visitor: Buy*"]);
        assert_eq!(tried(Some("Buy")).unwrap(), ["Visitor: Buy*"]);
        assert_eq!(tried(Some("Log in")).unwrap(), [": Log in"]);
    }

    #[test]
    fn an_unknown_journey_is_refused_with_a_suggestion() {
        let error = tried(Some("Buying")).unwrap_err();
        assert!(error.contains("the scenario has no journey `Buying`") && error.contains("Buy"), "{error}");
    }
}
