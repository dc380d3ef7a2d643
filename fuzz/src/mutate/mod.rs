//! Small changes to valid files, by what a file is made of.

mod bytes;
mod numbers;
mod onnx;
mod table;
mod tensors;
mod tree;

use nervecord_tests::random::Random;
use nervecord_tests::seeds::File;

/// Changes one of the files, in one place.
pub fn mutate(files: &mut [File], random: &mut Random) {
    // The first file is what the seed is about.
    let at = if random.once_in(3) { random.below(files.len()) } else { 0 };
    let Some((name, content)) = files.get_mut(at) else { return };
    let changed = match random.below(8) {
        0 => None,
        _ => match name.rsplit('.').next().unwrap_or_default() {
            "json" => tree::json(content, random),
            "toml" => tree::toml(content, random),
            "safetensors" => tensors::change(content, random),
            "onnx" => onnx::change(content, random),
            "csv" => table::csv(content, random),
            "npy" => table::npy(content, random),
            "arguments" => table::arguments(content, random),
            _ => None,
        },
    };
    // What cannot be read any more, after the changes before, is changed as bytes.
    *content = changed.unwrap_or_else(|| bytes::change(content, random));
}
