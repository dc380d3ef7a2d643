//! What a configuration says of a network, read with the limits that hold for every library.

use serde_json::Value as Json;

use crate::error::{Error, Result};
use crate::graph::kan::{DEGREE, MOST_DEGREE};
use crate::import::config::Config;

/// Most functions of a basis, and most terms of an edge's function: each takes a table, or a part of one, and
/// is evaluated at 65,536 inputs.
pub const MOST_TERMS: usize = 128;

/// Most nodes of a level; every edge has tensors of its own, so that more would fill no microcontroller's flash.
pub const MOST_WIDTH: usize = 4096;

pub fn too_many_terms(count: usize) -> Error {
    Error::new("a basis has too many functions")
        .expected(format!("at most {MOST_TERMS} functions or terms"))
        .found(count)
        .help("train with a smaller grid or degree: every function takes a table of its own")
}

/// What a configuration says of a network, or of one layer of a stack.
pub struct Options<'a> {
    pub config: &'a Config,
    pub json: &'a Json,
    /// Where it stands in the file, for messages.
    pub place: String,
}

impl Options<'_> {
    pub fn at(&self, key: &str) -> String {
        format!("key `{}{key}` of config.json", self.place)
    }

    pub fn wrong(&self, key: &str, expected: &str) -> Error {
        let found = self.get(key).map_or("nothing".to_owned(), Json::to_string);
        Error::new("the configuration does not describe the network")
            .at(self.at(key))
            .expected(expected)
            .found(found)
            .help(format!("set `{key}` to what the network was trained with"))
    }

    /// The value under `key`, if there is one.
    pub fn get(&self, key: &str) -> Option<&Json> {
        self.config.get_in(self.json, &self.place, key)
    }

    /// A whole number, at least 1.
    pub fn count(&self, key: &str) -> Result<usize> {
        self.number(key)
            .filter(|n| n.fract() == 0.0 && (1.0..=65536.0).contains(n))
            .map(|n| n as usize)
            .ok_or_else(|| self.wrong(key, "a whole number from 1 to 65536"))
    }

    /// A number of functions or terms, at least 1.
    pub fn terms(&self, key: &str) -> Result<usize> {
        let count = self.count(key)?;
        if count > MOST_TERMS {
            return Err(too_many_terms(count).at(self.at(key)));
        }
        Ok(count)
    }

    pub fn number(&self, key: &str) -> Option<f64> {
        self.config.typed_in(self.json, &self.place, key, "a number", Json::as_f64)
    }

    pub fn flag(&self, key: &str) -> Option<bool> {
        self.config.typed_in(self.json, &self.place, key, "true or false", Json::as_bool)
    }

    pub fn text(&self, key: &str) -> Option<&str> {
        self.config.typed_in(self.json, &self.place, key, "a string", Json::as_str)
    }

    /// The widths under `key`, input first: numbers, or pairs of sums and products as pykan has them.
    pub fn widths(&self, key: &str) -> Result<Vec<usize>> {
        let expected = format!("at least two widths from 1 to {MOST_WIDTH}, input first");
        let width = |w: &Json| match w {
            Json::Array(pair) => {
                pair.iter().try_fold(0u64, |sum, part| sum.checked_add(part.as_u64()?))
            }
            other => other.as_u64(),
        };
        let list = self.get(key).and_then(Json::as_array);
        let list: Option<Vec<u64>> =
            list.and_then(|list| list.iter().map(width).collect::<Option<_>>());
        match list {
            Some(list)
                if list.len() >= 2 && list.iter().all(|w| (1..=MOST_WIDTH as u64).contains(w)) =>
            {
                Ok(list.into_iter().map(|w| w as usize).collect())
            }
            _ => Err(self.wrong(key, &expected)),
        }
    }

    /// The degree of the splines, 3 where the configuration does not say.
    pub fn degree(&self, key: &str) -> Result<usize> {
        let degree = self.number(key).unwrap_or(DEGREE as f64);
        match degree.fract() == 0.0 && (1.0..=MOST_DEGREE as f64).contains(&degree) {
            true => Ok(degree as usize),
            false => Err(self.wrong(key, &format!("an order from 1 to {MOST_DEGREE}"))),
        }
    }
}
