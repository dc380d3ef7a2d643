"""Turns the checkpoint of a Kolmogorov-Arnold library into a folder nervecord reads.

    python models/convert_kan.py efficient-kan model.pt OUT --layers 4,8,1 --set grid_size=5
    python models/convert_kan.py pykan model/0.1 OUT            (pykan's 0.1_config.yml and 0.1_state)

Where a checkpoint is a plain state_dict, nervecord reads the .pt file as it is, beside a config.json with `format`,
`layers` and the keys below. This script writes that folder, unwraps a trainer's checkpoint, and reads pykan's files.
It needs torch and safetensors. What a state_dict does not say is given by --set key=value (numbers and booleans are
read as such); a key that is needed and missing is named:

    library        needed                    as far as it is not the library's default
    efficient-kan  grid_size                 spline_order (3), base (silu), standalone_scale_spline
    fastkan        num_grids, and denominator or grid_min and grid_max        use_base_update, layernorm, base
    chebykan       degree                    layernorm (false)
    fourierkan     gridsize                  addbias
    wavkan                                   wavelet_type (mexican_hat; dog, meyer, morlet, shannon)
    relu-kan       grid, k
    gr-kan         groups                    denominator (sum-of-abs; sum-of-abs-weights of KAT_Group_Torch, abs-of-sum,
                                             tenth-and-abs, plain), order, order_of_ops
    pykan          what its _config.yml says
"""

import argparse
import ast
import json
import pathlib

import torch
from safetensors.torch import save_file

# What config.json must say of each library beside `layers`; of alternatives in a tuple one.
NEEDED = {
    "pykan": [],
    "efficient-kan": ["grid_size"],
    "fastkan": ["num_grids", ("denominator", "grid_min")],
    "chebykan": ["degree"],
    "fourierkan": ["gridsize"],
    "wavkan": [],
    "relu-kan": ["grid", "k"],
    "gr-kan": ["groups"],
}


def state_of(path):
    """The state_dict in a checkpoint, also where a trainer has wrapped it."""
    state = torch.load(path, map_location="cpu", weights_only=True)
    for key in ("state_dict", "model_state_dict", "model"):
        if isinstance(state.get(key), dict):
            state = state[key]
    return {k.removeprefix("module."): v for k, v in state.items() if isinstance(v, torch.Tensor)}


def value_of(text):
    try:
        return ast.literal_eval(text.strip())
    except (ValueError, SyntaxError):
        return {"true": True, "false": False, "null": None}.get(text.strip(), text.strip())


def read_yml(path):
    """The part of YAML that pykan writes: scalars, and nested lists in block or flow style."""
    lines = [l.rstrip() for l in path.read_text().splitlines() if l.strip() and not l.lstrip().startswith("#")]

    def block(i, indent):
        items = []
        while i < len(lines):
            own = len(lines[i]) - len(lines[i].lstrip())
            if own != indent or not lines[i].lstrip().startswith("-"):
                break
            rest = lines[i].lstrip()[1:]
            if rest.lstrip().startswith("- ") or rest.lstrip() == "-":
                # "- - x": a list whose first item stands in the same line.
                lines[i] = " " * (own + 1 + len(rest) - len(rest.lstrip())) + rest.lstrip()
                value, i = block(i, len(lines[i]) - len(lines[i].lstrip()))
            elif rest.strip():
                value, i = value_of(rest), i + 1
            else:
                inner = len(lines[i + 1]) - len(lines[i + 1].lstrip())
                value, i = block(i + 1, inner)
            items.append(value)
        return items, i

    config, i = {}, 0
    while i < len(lines):
        key, _, rest = lines[i].partition(":")
        if rest.strip():
            config[key.strip()], i = value_of(rest), i + 1
        elif i + 1 < len(lines) and lines[i + 1].lstrip().startswith("-"):
            indent = len(lines[i + 1]) - len(lines[i + 1].lstrip())
            config[key.strip()], i = block(i + 1, indent)
        else:
            config[key.strip()], i = None, i + 1
    return config


def pykan(prefix):
    yml = read_yml(pathlib.Path(f"{prefix}_config.yml"))
    state = state_of(f"{prefix}_state")
    keep = ("act_fun.", "symbolic_fun.", "node_bias_", "node_scale_", "subnode_bias_", "subnode_scale_")
    tensors = {k: v for k, v in state.items() if k.startswith(keep)}
    width = yml["width"]
    names = []
    for l in range(len(width) - 1):
        names.append(yml[f"symbolic.funs_name.{l}"])
    config = {
        "format": "pykan",
        "width": width,
        "grid": yml["grid"],
        "k": yml["k"],
        "base_fun": yml.get("base_fun_name", "silu"),
        "mult_arity": yml.get("mult_arity", 2),
        "symbolic_enabled": yml.get("symbolic_enabled", True),
        "symbolic_funs_name": names,
    }
    return tensors, config


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("family", choices=NEEDED)
    parser.add_argument("checkpoint", help="a .pt file; for pykan the path before _config.yml and _state")
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("--layers", help="widths, input first, divided by commas")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="a key of config.json")
    options = parser.parse_args()
    if options.family == "pykan":
        tensors, config = pykan(options.checkpoint)
    else:
        if not options.layers:
            parser.error("--layers is needed: a state_dict does not name its layers' order")
        tensors = state_of(options.checkpoint)
        config = {"format": options.family, "layers": [int(n) for n in options.layers.split(",")]}
    for pair in options.set:
        key, _, value = pair.partition("=")
        config[key] = value_of(value)
    for keys in NEEDED[options.family]:
        keys = keys if isinstance(keys, tuple) else (keys,)
        if not any(key in config for key in keys):
            parser.error(f"{options.family} needs --set {' or --set '.join(f'{key}=VALUE' for key in keys)}")
    options.out.mkdir(parents=True, exist_ok=True)
    floats = {k: v.detach().to(torch.float32).contiguous() for k, v in tensors.items() if v.is_floating_point()}
    save_file(floats, options.out / "model.safetensors")
    (options.out / "config.json").write_text(json.dumps(config, indent=1) + "\n")
    print(f"wrote {len(floats)} tensors to {options.out}; next: nervecord inspect {options.out}")


if __name__ == "__main__":
    main()
