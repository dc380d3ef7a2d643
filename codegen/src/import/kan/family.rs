//! The families a configuration can name, and the layers of those whose layers stand for themselves.

use super::net::{Net, Site};
use super::{chebyshev, efficient, fast, fourier, relu, wavelet};
use crate::error::Result;
use crate::graph::TensorId;

/// Whether `family` is the first word of a format read here.
pub fn knows(family: &str) -> bool {
    FAMILIES.contains(&family)
}

const FAMILIES: [&str; 11] = [
    "pykan",
    "efficient-kan",
    "fastkan",
    "chebykan",
    "fourierkan",
    "wavkan",
    "relu-kan",
    "gr-kan",
    "mixed-kan/1",
    "mixed-kan",
    "stack",
];

/// One layer of a family whose layers stand for themselves.
pub fn layer_of(family: &str, net: &mut Net, site: &Site) -> Option<Result<TensorId>> {
    let layer = match family {
        "efficient-kan" => efficient::layer,
        "fastkan" => fast::layer,
        "chebykan" => chebyshev::layer,
        "fourierkan" => fourier::layer,
        "wavkan" => wavelet::layer,
        "relu-kan" => relu::layer,
        _ => return None,
    };
    Some(layer(net, site))
}
