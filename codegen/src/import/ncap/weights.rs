//! The parameters of a swimmer by their names in a file.

use std::collections::BTreeMap;
use std::ops::Range;

use serde_json::Value as Json;

use crate::error::{Error, Result};
use crate::import::tensors::Tensors;

/// What a weight does.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Role {
    Proprioception,
    Oscillator,
    Speed,
    Turn,
    Ipsi,
    Contra,
}

impl Role {
    const ALL: [Self; 6] =
        [Self::Proprioception, Self::Oscillator, Self::Speed, Self::Turn, Self::Ipsi, Self::Contra];

    /// The names that all joints and sides, the dorsal and the ventral sides share.
    fn names(self) -> [&'static str; 3] {
        match self {
            Self::Proprioception => ["bneuron_prop", "bneuron_d_prop", "bneuron_v_prop"],
            Self::Oscillator => ["bneuron_osc", "bneuron_d_osc", "bneuron_v_osc"],
            Self::Speed => ["bneuron_speed", "bneuron_d_speed", "bneuron_v_speed"],
            Self::Turn => ["bneuron_turn", "bneuron_d_turn", "bneuron_v_turn"],
            Self::Ipsi => ["muscle_ipsi", "muscle_d_d", "muscle_v_v"],
            Self::Contra => ["muscle_contra", "muscle_d_v", "muscle_v_d"],
        }
    }

    /// `w` with the sign that the circuit gives it, or 0.
    pub(super) fn constrain(self, w: f64) -> f64 {
        match self {
            Self::Speed | Self::Contra => w.min(0.0),
            _ => w.max(0.0),
        }
    }

    /// The joints that can have a weight of this role.
    fn range(self, joints: usize, turning: usize) -> Range<usize> {
        match self {
            Self::Proprioception => 1..joints,
            Self::Oscillator => 0..1,
            Self::Turn => 0..turning,
            _ => 0..joints,
        }
    }
}

/// The numbers of a file by the names they have there.
pub(super) struct Weights(BTreeMap<String, Vec<f64>>);

impl Weights {
    /// The object under the key `set`.
    pub(super) fn of_json(json: &Json, set: &str) -> Result<Self> {
        let params = json.get(set).and_then(Json::as_object).ok_or_else(|| {
            Error::new("the circuit has no parameters")
                .at(format!("key `{set}`"))
                .expected("an object with bneuron_prop, bneuron_osc, muscle_ipsi, muscle_contra")
                .found(json.get(set).map_or("nothing".into(), Json::to_string))
                .help(format!("put the trained numbers under `{set}`, each under its name"))
        })?;
        let entry = |(name, value): (&String, &Json)| Ok((name.clone(), list(name, value)?));
        Ok(Self(params.iter().map(entry).collect::<Result<_>>()?))
    }

    /// The tensors behind the only prefix that ends in `params.`, or the one of several that was chosen;
    /// all tensors where none has such a name. With them, a note on what was left out.
    pub(super) fn of_tensors(
        file: &Tensors,
        choice: Option<&str>,
    ) -> Result<(Self, Option<String>)> {
        let names = file.names();
        let prefix = |name: &String| {
            let (prefix, _) = name.rsplit_once('.')?;
            (prefix == "params" || prefix.ends_with(".params")).then(|| prefix.to_owned())
        };
        let mut prefixes: Vec<String> = names.iter().filter_map(prefix).collect();
        prefixes.dedup();
        let chosen = match (choice, &prefixes[..]) {
            (Some(choice), _) if prefixes.iter().any(|p| p == choice) => format!("{choice}."),
            (None, []) => String::new(),
            (None, [only]) => format!("{only}."),
            (choice, _) => {
                return Err(Error::new("it is not clear which tensors are the circuit's")
                    .at("key `params`")
                    .expected("one of the prefixes in front of the parameters' names")
                    .found(choice.map_or("no such key".into(), |c| format!("`{c}`")))
                    .help(match prefixes.is_empty() {
                        true => "leave `params` out: no tensor has a prefix".into(),
                        false => format!("set `params` to one of {}", prefixes.join(", ")),
                    }));
            }
        };
        let own = names.iter().filter_map(|name| name.strip_prefix(&chosen));
        let tensor = |own: &str| Ok((own.to_owned(), file.list(&format!("{chosen}{own}"))?));
        let weights = Self(own.map(tensor).collect::<Result<_>>()?);
        let others: Vec<&str> =
            names.iter().filter(|n| !n.starts_with(&chosen)).map(String::as_str).collect();
        let note = (!others.is_empty())
            .then(|| format!("left out, no part of the circuit: {}", others.join(", ")));
        Ok((weights, note))
    }

    /// Each name with what it says, where that is known, and its numbers.
    fn iter(&self) -> impl Iterator<Item = (&String, Option<Place>, &Vec<f64>)> {
        self.0.iter().map(|(name, values)| (name, Place::of(name), values))
    }

    /// How many joints the names and lists speak of; 5 if none does.
    pub(super) fn joints(&self) -> usize {
        let joints = |(_, place, values): (&String, Option<Place>, &Vec<f64>)| match place {
            Some(Place { joint: Some(joint), .. }) => joint.saturating_add(1),
            _ if values.len() > 1 => values.len(),
            _ => 0,
        };
        self.iter().map(joints).max().filter(|n| *n > 0).unwrap_or(5)
    }

    /// How many joints the names give a turn weight of their own; 1 if none does.
    pub(super) fn turning(&self) -> usize {
        let joints = self.iter().filter_map(|(_, place, _)| match place? {
            Place { role: Role::Turn, joint } => joint.map(|joint| joint.saturating_add(1)),
            _ => None,
        });
        joints.max().unwrap_or(1)
    }

    /// Trained numbers.
    pub(super) fn count(&self) -> usize {
        self.0.values().map(Vec::len).sum()
    }

    /// Whether any name speaks of `role`.
    pub(super) fn has(&self, role: Role) -> bool {
        self.iter().any(|(_, place, _)| place.is_some_and(|place| place.role == role))
    }

    /// The first parameter that is not one number for all joints and sides.
    pub(super) fn unshared(&self) -> Option<&str> {
        let shared = |name: &str| Role::ALL.iter().any(|role| role.names()[0] == name);
        self.0.iter().find(|(name, v)| v.len() != 1 || !shared(name)).map(|(name, _)| name.as_str())
    }

    /// Checks every name and number against the joints there are, of which `turning` turn.
    pub(super) fn check(&self, joints: usize, turning: usize) -> Result<()> {
        for (name, place, values) in self.iter() {
            let at = |e: Error| e.at(format!("parameter `{name}`"));
            let Some(place) = place else {
                let known = |role: Role| role.names().join(" or ");
                return Err(at(Error::new("the circuit does not know a parameter")
                    .expected(format!("{}; for one joint with _i", Role::ALL.map(known).join(", ")))
                    .found(format!("`{name}`"))
                    .help("rename it, or leave it out if it is no part of the circuit")));
            };
            let range = place.role.range(joints, turning);
            if let Some(joint) = place.joint.filter(|joint| !range.contains(joint)) {
                return Err(at(Error::new("a parameter belongs to no joint")
                    .expected(format!("a joint of {range:?}, the end left out"))
                    .found(format!("joint {joint}")).help("set `n_joints` (`n_turn_joints` for turning) to the joints that were trained")));
            }
            let list = if place.joint.is_some() { 1 } else { joints };
            if values.len() != 1 && values.len() != list {
                return Err(at(Error::new("a parameter does not fit the joints")
                    .expected(match list {
                        1 => "one number".to_owned(),
                        _ => format!("one number, or {joints}: one a joint"),
                    })
                    .found(values.len())
                    .help("set `n_joints` to the joints that were trained")));
            }
            if let Some(bad) = values.iter().find(|v| !v.is_finite()) {
                return Err(at(Error::new("a parameter is not a finite number")
                    .expected("a finite number")
                    .found(bad)
                    .help(
                        "the training diverged or the file is damaged: export a healthy checkpoint",
                    )));
            }
        }
        Ok(())
    }

    /// The weight of a role on a side (0 dorsal, 1 ventral) of a joint: what the one name says that
    /// speaks of it.
    pub(super) fn get(&self, role: Role, side: usize, joint: usize) -> Result<f64> {
        let [shared, dorsal, ventral] = role.names();
        let own = [dorsal, ventral][side];
        let names = [own, shared].map(|stem| [stem.to_owned(), format!("{stem}_{joint}")]);
        let mut found = names.iter().flatten().filter_map(|n| Some((n, self.0.get(n)?)));
        match (found.next(), found.next()) {
            (Some((_, values)), None) => Ok(values[if values.len() == 1 { 0 } else { joint }]),
            (Some((one, _)), Some((other, _))) => Err(Error::new("a weight is given twice")
                .at(format!("joint {joint}"))
                .expected("one parameter for it")
                .found(format!("`{one}` and `{other}`"))
                .help("remove one of the two")),
            (None, _) => {
                let error = Error::new("a parameter is missing")
                    .at(format!("joint {joint}"))
                    .expected(format!("`{shared}` for all, or `{own}_{joint}`"))
                    .found(self.0.keys().map(String::as_str).collect::<Vec<_>>().join(", "))
                    .help("add it, or give one number for all joints under the shared name");
                let without =
                    |key: &str| format!("a circuit trained without it says `{key}`: false");
                Err(match role {
                    Role::Proprioception => error.help(without("proprioception")),
                    Role::Oscillator => error.help(without("head_oscillators")),
                    _ => error,
                })
            }
        }
    }
}

/// What a parameter's name says.
struct Place {
    role: Role,
    /// The one joint it speaks of; all where there is none.
    joint: Option<usize>,
}

impl Place {
    fn of(name: &str) -> Option<Self> {
        let (stem, joint) = match name.rsplit_once('_') {
            Some((stem, digits)) if digits.bytes().all(|b| b.is_ascii_digit()) => {
                let joint: usize = digits.parse().ok()?;
                // No other spelling of a joint's number is looked up.
                (stem, Some(joint).filter(|joint| joint.to_string() == digits)?.into())
            }
            _ => (name, None),
        };
        let role = Role::ALL.into_iter().find(|role| role.names().contains(&stem))?;
        Some(Self { role, joint })
    }
}

/// The numbers of one parameter.
fn list(name: &str, value: &Json) -> Result<Vec<f64>> {
    let numbers = match value {
        Json::Array(items) => items.iter().map(Json::as_f64).collect(),
        other => other.as_f64().map(|v| vec![v]),
    };
    numbers.ok_or_else(|| {
        Error::new("a parameter is not a number")
            .at(format!("parameter `{name}`"))
            .expected("a finite number, or a list with one a joint")
            .found(value)
            .help("write plain numbers, without quotes")
    })
}
