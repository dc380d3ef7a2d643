//! What an exporter wrote beside the network: the joints that its outputs move. Stands on the file's own types.

use std::collections::BTreeSet;

use super::proto::ModelProto;
use crate::graph::Graph;
use crate::text;

/// Key under which exporters of robots' policies list the joints, in the order of the actions.
const JOINTS: &str = "joint_names";
/// Keys of what is done with the actions behind the network.
const BEHIND: [&str; 4] = ["action_scale", "default_joint_pos", "joint_stiffness", "joint_damping"];

/// Calls the outputs of `graph` after the joints that the file names, if it names as many.
pub fn name_outputs(graph: &mut Graph, model: &ModelProto) {
    let value = |key: &str| {
        let entry = model.metadata_props.iter().find(|entry| entry.key.as_deref() == Some(key));
        entry.and_then(|entry| entry.value.as_deref())
    };
    let Some(names) = value(JOINTS).map(list) else { return };
    let apart: BTreeSet<&String> = names.iter().filter(|name| !name.is_empty()).collect();
    if graph.outputs.len() > 1 || apart.len() != graph.output_len() || apart.len() != names.len() {
        return;
    }
    let behind: Vec<&str> = BEHIND.into_iter().filter(|key| value(key).is_some()).collect();
    graph.output_names = names;
    graph.notes.push(match behind.as_slice() {
        [] => format!("the outputs are called after the file's {JOINTS}"),
        behind => format!(
            "the outputs are called after the file's {JOINTS}; its {} belong to what is done with them, not to the network",
            behind.join(", ")
        ),
    });
}

/// A list in JSON, or with commas between its items.
fn list(text: &str) -> Vec<String> {
    let items = match text.trim_start().starts_with('[') {
        true => serde_json::from_str::<Vec<String>>(text).unwrap_or_default(),
        false => text.split(',').map(|item| item.trim().to_owned()).collect(),
    };
    items.iter().map(|item| text::label(item)).collect()
}
