//! Policies as RLtools saves them, made in memory: folders of `meta` and `data` in a tar archive.

use crate::state_dict::StateDict;

/// An archive with these texts beside the tensors of a network and of its example, each under the path of its folder.
///
/// # Panics
/// It cannot be written.
pub fn archive(metas: &[(&str, &str)], tensors: &StateDict) -> Vec<u8> {
    let mut files: Vec<(String, Vec<u8>)> = metas
        .iter()
        .map(|(path, text)| (format!("{path}/meta"), text.as_bytes().to_vec()))
        .collect();
    for (path, (shape, values)) in &tensors.0 {
        let dims: String =
            shape.iter().enumerate().map(|(k, d)| format!("\ndim_{k}: {d}")).collect();
        let meta = format!("type: tensor\ndtype: float32\nnum_dims: {}{dims}", shape.len());
        files.push((format!("{path}/meta"), meta.into_bytes()));
        let data = values.iter().flat_map(|v| v.to_le_bytes()).collect();
        files.push((format!("{path}/data"), data));
    }
    let mut archive = tar::Builder::new(vec![]);
    let mut write = || {
        for (path, bytes) in &files {
            let mut header = tar::Header::new_ustar();
            header.set_size(bytes.len() as u64);
            header.set_mode(0o644);
            archive.append_data(&mut header, path, bytes.as_slice())?;
        }
        Ok::<_, std::io::Error>(())
    };
    match write().and_then(|()| archive.into_inner()) {
        Ok(bytes) => bytes,
        Err(error) => panic!("no archive: {error}"),
    }
}

/// What the layers of a policy of a dense layer, a GRU and a dense layer say of themselves.
pub const LAYERS: [(&str, &str); 4] = [
    ("actor", "type: sequential"),
    ("actor/layers/0", "activation_function: RELU\ntype: dense"),
    ("actor/layers/1", "type: gru"),
    ("actor/layers/2", "activation_function: TANH\ntype: dense"),
];

/// The tensors of such a policy of 3 inputs, 4 units, a GRU of 2 and 1 output.
pub const SHAPES: [(&str, &[usize]); 9] = [
    ("actor/layers/0/weights/parameters", &[4, 3]),
    ("actor/layers/0/biases/parameters", &[4]),
    ("actor/layers/1/weights_input/parameters", &[6, 4]),
    ("actor/layers/1/biases_input/parameters", &[6]),
    ("actor/layers/1/weights_hidden/parameters", &[6, 2]),
    ("actor/layers/1/biases_hidden/parameters", &[6]),
    ("actor/layers/1/initial_hidden_state/parameters", &[2]),
    ("actor/layers/2/weights/parameters", &[1, 2]),
    ("actor/layers/2/biases/parameters", &[1]),
];
