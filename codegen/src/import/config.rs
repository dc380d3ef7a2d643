//! A model's `config.json`, and what of it was read: a key that no one asks for may be one misspelt.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::path::PathBuf;

use serde_json::Value as Json;

use super::file::read;
use crate::error::{Error, Result};
use crate::text::{self, alike};

/// A model's `config.json`.
pub struct Config {
    /// Where it lies.
    pub path: PathBuf,
    /// What it says.
    pub json: Json,
    /// The keys asked for, each behind the place of its object: `degree`, `stack[2].degree`.
    asked: RefCell<BTreeSet<String>>,
    /// Keys whose value is of another type than was asked for, with that type.
    mistyped: RefCell<Vec<(String, &'static str)>>,
}

impl Config {
    /// Reads the file `path`.
    pub(super) fn read(path: PathBuf) -> Result<Self> {
        let bytes = read(&path)?;
        let json = serde_json::from_slice(&bytes).map_err(|e| {
            Error::new("the configuration is not JSON")
                .file(&path)
                .expected("a JSON object")
                .found(e)
                .help("the file beside the model must be the one its exporter wrote")
        })?;
        Ok(Self::of(path, json))
    }

    /// What the file `path` says.
    pub(super) fn of(path: PathBuf, json: Json) -> Self {
        Self { path, json, asked: RefCell::default(), mistyped: RefCell::default() }
    }

    /// The value under `key`, if there is one.
    pub fn get(&self, key: &str) -> Option<&Json> {
        self.get_in(&self.json, "", key)
    }

    /// The value under `key` of the object `json` at `place`, which ends in a point.
    pub(super) fn get_in<'a>(&self, json: &'a Json, place: &str, key: &str) -> Option<&'a Json> {
        self.asked.borrow_mut().insert(format!("{place}{key}"));
        json.get(key).filter(|value| !value.is_null())
    }

    /// As [`get_in`](Self::get_in), through `of`; a value of another type is refused when all is read.
    pub(super) fn typed_in<'a, T>(
        &self,
        json: &'a Json,
        place: &str,
        key: &str,
        kind: &'static str,
        of: impl Fn(&'a Json) -> Option<T>,
    ) -> Option<T> {
        let value = self.get_in(json, place, key)?;
        let typed = of(value);
        if typed.is_none() {
            self.mistyped.borrow_mut().push((format!("{place}{key}"), kind));
        }
        typed
    }

    /// A string under `key`.
    pub fn text(&self, key: &str) -> Option<&str> {
        self.typed_in(&self.json, "", key, "a string", Json::as_str)
    }

    /// Refuses a key that looks like one that was asked for in vain, and a value of the wrong type; with a note
    /// on what else was not read.
    ///
    /// # Errors
    /// There is such a key.
    pub(super) fn understood(&self) -> Result<Option<String>> {
        if let Some((key, kind)) = self.mistyped.borrow().first() {
            return Err(Error::new("a value of the configuration is of another type")
                .file(&self.path)
                .at(format!("key `{key}`"))
                .expected(kind)
                .found("a value of another type")
                .help("write it without quotes if it is a number or a truth value, with quotes if it is a name"));
        }
        let mut unread = Vec::new();
        self.unread(&self.json, "", &mut unread)?;
        if unread.is_empty() {
            return Ok(None);
        }
        Ok(Some(format!(
            "config.json says more than is read: {}",
            text::shortened(&unread.join(", "), 400)
        )))
    }

    /// The keys of the object `json` at `place` that no one asked for, those of its layers included.
    fn unread(&self, json: &Json, place: &str, unread: &mut Vec<String>) -> Result<()> {
        let Some(object) = json.as_object() else { return Ok(()) };
        let asked = self.asked.borrow();
        let own = |full: &String| {
            let key = full.strip_prefix(place)?;
            (!key.contains('.')).then(|| key.to_owned())
        };
        let missed: Vec<String> =
            asked.iter().filter_map(own).filter(|key| !object.contains_key(key)).collect();
        for (key, value) in object {
            if asked.contains(&format!("{place}{key}")) {
                let items = value.as_array().into_iter().flatten().enumerate();
                for (k, item) in items.filter(|(_, item)| item.is_object()) {
                    self.unread(item, &format!("{place}{key}[{k}]."), unread)?;
                }
                continue;
            }
            if let Some(meant) = missed.iter().find(|meant| alike(key, meant)) {
                return Err(Error::new("a key of the configuration is not known")
                    .file(&self.path)
                    .at(format!("key `{place}{key}`"))
                    .expected(format!("`{meant}`, which is not there"))
                    .found(format!("`{key}`"))
                    .help(format!("write `{meant}` if that is meant; rename the key if not")));
            }
            unread.push(format!("{place}{key}"));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(json: &str) -> Config {
        Config::of("config.json".into(), serde_json::from_str(json).unwrap())
    }

    #[test]
    fn a_key_misspelt_is_refused_and_others_are_noted() {
        let misspelt = config(r#"{"format": "mlp", "activaton": "tanh"}"#);
        assert_eq!(misspelt.text("format"), Some("mlp"));
        assert_eq!(misspelt.text("activation"), None);
        let message = misspelt.understood().unwrap_err().to_string();
        assert!(message.contains("`activaton`") && message.contains("`activation`"), "{message}");

        let other = config(r#"{"seed": 3, "format": "mlp"}"#);
        assert_eq!((other.text("format"), other.text("activation")), (Some("mlp"), None));
        let note = other.understood().unwrap().unwrap();
        assert!(note.contains("seed") && !note.contains("format"), "{note}");
    }

    #[test]
    fn a_layer_of_a_list_has_keys_of_its_own() {
        let stack = config(r#"{"stack": [{"kind": "dense"}, {"knid": "dense"}]}"#);
        let items = stack.get("stack").and_then(Json::as_array).unwrap();
        for (k, item) in items.iter().enumerate() {
            stack.get_in(item, &format!("stack[{k}]."), "kind");
        }
        let message = stack.understood().unwrap_err().to_string();
        assert!(message.contains("key `stack[1].knid`"), "{message}");
    }

    #[test]
    fn a_value_of_another_type_is_no_default() {
        let quoted = config(r#"{"activation": 3}"#);
        assert_eq!(quoted.text("activation"), None);
        assert!(quoted.understood().unwrap_err().to_string().contains("a string"));
    }
}
