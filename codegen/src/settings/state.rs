//! `[state]` of `nervecord.toml`: which inputs are states, and what they start as. Stands on errors.

use std::collections::BTreeMap;

use crate::error::{Error, Result};

/// What is said of a network's memory.
#[derive(Debug, Clone, PartialEq)]
pub struct StateSettings {
    /// What becomes of an input of the file: the state that an output gives back, or no state at all.
    pub pairs: BTreeMap<String, Partner>,
    /// Values of states after a reset, by the input's name; zeros by default.
    pub initial: BTreeMap<String, Initial>,
    /// Whether a recurrent layer without a state input keeps its state between steps.
    pub keep: bool,
    /// Which inputs are windows of the last rows, of which the caller has one a step.
    pub window: Option<Window>,
    /// Features of a row of such a window, where its shape does not tell.
    pub features: Option<Features>,
}

/// Inputs that are windows of the last rows.
#[derive(Debug, Clone, PartialEq, serde::Deserialize)]
#[serde(
    untagged,
    expecting = "window is neither \"history\" nor a table such as { obs = \"history\" }"
)]
pub enum Window {
    /// The only input there is.
    Only(History),
    /// Those of these names.
    Named(BTreeMap<String, History>),
}

/// The one thing that a window can be.
#[derive(Debug, Clone, Copy, PartialEq, serde::Deserialize)]
pub enum History {
    /// Rows of as many steps, the oldest first.
    #[serde(rename = "history")]
    History,
}

/// Features of a window's row.
#[derive(Debug, Clone, PartialEq, serde::Deserialize)]
#[serde(untagged, expecting = "features is neither a number nor a table of numbers by input")]
pub enum Features {
    /// Of every window.
    All(usize),
    /// By the input's name.
    Each(BTreeMap<String, usize>),
}

/// The output that the next step finds in an input.
#[derive(Debug, Clone, PartialEq, serde::Deserialize)]
#[serde(untagged, expecting = "an input has neither the name of an output, in quotes, nor false")]
pub enum Partner {
    /// Its name.
    Output(String),
    /// `false`: the input is no state, whatever it is called.
    Kept(bool),
}

/// The value of a state after a reset.
#[derive(Debug, Clone, PartialEq, serde::Deserialize)]
#[serde(untagged, expecting = "an initial value is neither a number nor a list of numbers")]
pub enum Initial {
    /// One for all features.
    All(f64),
    /// One a feature, in the file's order.
    Each(Vec<f64>),
}

/// The section as it stands in the file.
#[derive(serde::Deserialize, Default)]
#[serde(default)]
pub(super) struct Section {
    keep: Option<bool>,
    initial: BTreeMap<String, Initial>,
    window: Option<Window>,
    features: Option<Features>,
    #[serde(flatten)]
    pairs: BTreeMap<String, Partner>,
}

impl Default for StateSettings {
    fn default() -> Self {
        let (pairs, initial) = (BTreeMap::new(), BTreeMap::new());
        Self { pairs, initial, keep: true, window: None, features: None }
    }
}

impl StateSettings {
    /// Checks a section.
    ///
    /// # Errors
    /// A value is not finite, an input is said to be a state without its output, or there are features of no window.
    pub(super) fn of(section: Section) -> Result<Self> {
        let Section { keep, initial, window, features, pairs } = section;
        if window.is_none() && features.is_some() {
            return Err(Error::new("features of a row are declared of no window")
                .at("[state] features")
                .expected("window = \"history\", or window = { NAME = \"history\" }, beside it")
                .found("none")
                .help("write which input is a window of rows, or leave `features` out"));
        }
        if let Some(name) =
            pairs.iter().find_map(|(name, p)| (*p == Partner::Kept(true)).then_some(name))
        {
            return Err(Error::new("a state's output is not named")
                .at(format!("[state] {name}"))
                .expected("the name of the output that the next step finds in it, or false")
                .found("true")
                .help(format!("write {name} = \"NAME_OF_THE_OUTPUT\"")));
        }
        for (name, value) in &initial {
            if let Some(bad) = value.numbers().iter().find(|v| !v.is_finite()) {
                return Err(Error::new("a state's initial value is not finite")
                    .at(format!("[state.initial] {name}"))
                    .expected("a number, or one a feature")
                    .found(bad)
                    .help("leave it out for zeros"));
            }
        }
        Ok(Self { pairs, initial, keep: keep.unwrap_or(true), window, features })
    }

    /// Features of a row of the window `name`, if they are declared.
    pub fn features_of(&self, name: &str) -> Option<usize> {
        match self.features.as_ref()? {
            Features::All(features) => Some(*features),
            Features::Each(each) => each.get(name).copied(),
        }
    }

    /// The value of the state `name` of `len` features after a reset.
    ///
    /// # Errors
    /// There are not as many values as features.
    pub fn initial(&self, name: &str, len: usize) -> Result<Vec<f64>> {
        match self.initial.get(name) {
            None => Ok(vec![0.0; len]),
            Some(Initial::All(value)) => Ok(vec![*value; len]),
            Some(Initial::Each(values)) if values.len() == len => Ok(values.clone()),
            Some(Initial::Each(values)) => {
                Err(Error::new("a state's initial value does not fit its shape")
                    .at(format!("[state.initial] {name}"))
                    .expected(format!("{len} numbers, or one for all"))
                    .found(values.len())
                    .help("write one number a feature, in the file's order"))
            }
        }
    }
}

impl Initial {
    fn numbers(&self) -> &[f64] {
        match self {
            Self::All(value) => std::slice::from_ref(value),
            Self::Each(values) => values,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<StateSettings> {
        StateSettings::of(toml::from_str(text).unwrap())
    }

    #[test]
    fn a_section_names_pairs_and_initial_values() {
        let text =
            "h_in = \"h_out\"\nobs = false\nkeep = false\n[initial]\nh_in = [1.0, 2]\nc_in = 3";
        let state = parse(text).unwrap();
        assert!(!state.keep && parse("").unwrap().keep);
        assert_eq!(state.pairs["h_in"], Partner::Output("h_out".into()));
        assert_eq!(state.pairs["obs"], Partner::Kept(false));
        assert_eq!(state.initial("h_in", 2).unwrap(), [1.0, 2.0]);
        assert_eq!(state.initial("c_in", 2).unwrap(), [3.0, 3.0]);
        assert_eq!(state.initial("other", 1).unwrap(), [0.0]);
        assert!(state.initial("h_in", 3).is_err());
    }

    #[test]
    fn windows_are_the_only_input_or_named() {
        let only = parse("window = \"history\"\nfeatures = 4").unwrap();
        assert_eq!(only.window, Some(Window::Only(History::History)));
        assert_eq!((only.features_of("obs"), only.pairs.len()), (Some(4), 0));
        let named = parse("[window]\nobs = \"history\"\n[features]\nobs = 3").unwrap();
        let windows = BTreeMap::from([("obs".to_owned(), History::History)]);
        assert_eq!(named.window, Some(Window::Named(windows)));
        assert_eq!((named.features_of("obs"), named.features_of("other")), (Some(3), None));
        assert!(toml::from_str::<Section>("window = \"future\"").is_err());
    }

    #[test]
    fn what_a_key_may_be_is_said() {
        for (text, part) in [
            ("window = \"histroy\"", "{ obs = \"history\" }"),
            ("features = \"two\"", "neither a number"),
            ("h_in = 3", "the name of an output"),
            ("[initial]\nh = \"zero\"", "a list of numbers"),
        ] {
            let message = toml::from_str::<Section>(text).err().map(|e| e.message().to_owned());
            assert!(message.as_ref().is_some_and(|m| m.contains(part)), "{text}: {message:?}");
        }
    }

    #[test]
    fn what_says_nothing_is_refused() {
        for (text, part) in [
            ("h_in = true", "NAME_OF_THE_OUTPUT"),
            ("features = 4", "window = \"history\""),
            ("[initial]\nh = nan", "not finite"),
            ("[initial]\nh = [0.0, inf]", "inf"),
        ] {
            let message = parse(text).unwrap_err().to_string();
            assert!(message.contains(part), "{message}");
        }
    }
}
