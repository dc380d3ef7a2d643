//! A circuit at the scale of a connectome.
//!
//! It is generated. The C. elegans Connectome Toolbox ships measured ones under the MIT licence, but they are
//! supplements of publications with terms of their own, which that licence does not speak of;
//! `models/convert_connectome.py` turns them into circuits.

use std::collections::BTreeSet;
use std::fmt::Write;

use nervecord_codegen::{Compiled, Compiler};
use nervecord_plants::RandomState;

/// As many neurons and connections as the worm has, in a generated wiring: a few neurons have many
/// synapses and most have few, weights are small, one in five inhibits.
pub fn text() -> String {
    let mut random = RandomState::new(302);
    let mut pick = |n: usize| (random.unit() * n as f64) as usize;
    let mut text = String::from("substeps = 2\n");
    for i in 0..8 {
        let _ = write!(text, "[[inputs]]\nname = \"in{i}\"\n");
    }
    for i in 0..302 {
        let _ = write!(text, "[[neurons]]\nname = \"n{i}\"\nkind = \"threshold\"\n");
    }
    let mut seen = BTreeSet::new();
    while seen.len() < 3700 {
        // The smaller of two draws: a skewed distribution of degrees.
        let (pre, post) = (pick(302).min(pick(302)), pick(302).min(pick(302)));
        if !seen.insert((pre, post)) {
            continue;
        }
        let weight = 1 + pick(9).min(pick(30)) as i32;
        let weight = if pick(5) == 0 { -weight } else { weight };
        let _ =
            write!(text, "[[synapses]]\nfrom = \"n{pre}\"\nto = \"n{post}\"\nweight = {weight}\n");
    }
    for i in 0..8 {
        for _ in 0..6 {
            let _ = write!(
                text,
                "[[synapses]]\nfrom = \"in{i}\"\nto = \"n{}\"\nweight = 31\n",
                pick(302)
            );
        }
    }
    text += "[[outputs]]\nname = \"y0\"\nplus = [\"n0\", \"n1\", \"n2\"]\nminus = [\"n3\", \"n4\", \"n5\"]\n";
    text += "[[outputs]]\nname = \"y1\"\nplus = [\"n6\", \"n7\"]\nminus = [\"n8\", \"n9\"]\n";
    text
}

/// The connectome compiled for firmware.
///
/// # Panics
/// It cannot be.
pub fn compile() -> Compiled {
    let build = || {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("connectome.toml");
        std::fs::write(&path, text())?;
        Ok::<_, std::io::Error>(Compiler::new(path).name("model").build())
    };
    match build() {
        Ok(Ok(compiled)) => compiled,
        Ok(Err(error)) => panic!("{error}"),
        Err(error) => panic!("no folder for the connectome: {error}"),
    }
}
