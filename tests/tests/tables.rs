//! Tables of numbers: which columns are the model's inputs, what is refused, and tables too long to keep.

mod program;

use std::fmt::Write as _;
use std::io::Write as _;
use std::process::Stdio;

use nervecord_codegen::data::Data;
use nervecord_tests::onnx::{file, small};
use program::{Desk, Outcome, bundled, npy, text};

/// A desk with `net.onnx`, two features to two.
fn desk() -> Desk {
    let desk = Desk::new();
    desk.file("net.onnx", file(small()));
    desk.file("cal.csv", "x0,x1\n0.5,-1\n-2,1.5\n0.25,0.75\n");
    desk
}

/// What `run` writes for a table.
fn run(desk: &Desk, input: &str) -> Outcome {
    desk.nervecord(&[
        "run",
        "net.onnx",
        "--calibration",
        "cal.csv",
        "--input",
        input,
        "-o",
        "y.csv",
    ])
}

#[track_caller]
fn outputs(desk: &Desk, input: &str) -> String {
    run(desk, input).done();
    desk.read("y.csv")
}

#[test]
fn columns_are_taken_by_name_in_any_order() {
    let desk = desk();
    desk.file("a.csv", "x0,x1\n0.5,-1\n-2,1.5\n");
    desk.file("b.csv", "time,x1,note,x0\n1,-1,7,0.5\n2,1.5,8,-2\n");
    assert_eq!(outputs(&desk, "a.csv"), outputs(&desk, "b.csv"));
}

#[test]
fn columns_of_other_names_are_refused() {
    let desk = desk();
    let fit = "does not fit the model's inputs";
    for (header, parts) in [
        (
            "angle,rate",
            &["none of them: angle, rate", "rename the columns to x0, x1", "[\"angle\", \"rate\"]"]
                [..],
        ),
        ("a,b,c", &["none of them: a, b, c", "nervecord.toml", "[calibration] columns"]),
        ("x0,rate", &["no column x1 among 2: x0, rate"]),
        ("x0,X1", &["no column x1", "rename the column X1 to x1"]),
        ("x0,x1,x2", &["an input x2 that the model does not have"]),
    ] {
        let row = header.split(',').map(|_| "1").collect::<Vec<_>>().join(",");
        desk.file("t.csv", format!("{header}\n{row}\n"));
        run(&desk, "t.csv").refused(parts).refused(&[
            fit,
            "t.csv",
            "header",
            "2 input columns, x0 to x1",
        ]);
    }
    desk.file("t.csv", "x0,x1,x0\n1,2,3\n");
    run(&desk, "t.csv").refused(&["two columns have one name", "`x0` twice", "t.csv"]);
    desk.file("t.csv", "x0,x1,y0,y1,y0\n1,2,3,4,5\n");
    let verify = ["verify", "net.onnx", "--calibration", "cal.csv", "--vectors", "t.csv"];
    desk.nervecord(&verify).refused(&["two columns have one name", "`y0` twice"]);
    assert!(!desk.path("y.csv").exists());
}

#[test]
fn declared_columns_are_the_models_inputs_in_every_command() {
    let desk = desk();
    let expected = outputs(&desk, "cal.csv");
    desk.file("nervecord.toml", "[calibration]\ncolumns = [\"angle\", \"rate\"]\n");
    let shown = desk.nervecord(&["inspect", "net.onnx"]).done().stdout;
    assert!(shown.contains("columns: angle, rate"), "{shown}");
    run(&desk, "cal.csv").refused(&["cal.csv", "angle to rate"]);
    desk.file("cal.csv", "rate,angle\n-1,0.5\n1.5,-2\n0.75,0.25\n");
    assert_eq!(outputs(&desk, "cal.csv"), expected);
    let float = ["run", "net.onnx", "--float", "--input", "cal.csv", "-o", "f.csv"];
    desk.nervecord(&float).done();
    // From the equations: relu(W x + b).
    assert_eq!(desk.read("f.csv"), "y0,y1\n0,0\n1.5,11.5\n2.25,1.75\n");
    desk.file("v.csv", "angle,y0,rate,y1\n0.5,0,-1,0\n-2,1.5,1.5,11.5\n0.25,2.25,0.75,1.75\n");
    desk.nervecord(&["verify", "net.onnx", "--calibration", "cal.csv", "--vectors", "v.csv"])
        .done();
    let ranges = "[calibration]\ncolumns = [\"angle\", \"rate\"]\n[inputs]\nangle = [-2, 1]\nrate = [-1, 2]\n";
    desk.file("nervecord.toml", ranges);
    desk.nervecord(&["compile", "net.onnx", "-o", "net.rs"]).done();
    desk.file("nervecord.toml", ranges.replace("rate = [", "x1 = ["));
    desk.nervecord(&["compile", "net.onnx", "-o", "net.rs"])
        .refused(&["[inputs] x1", "angle to rate"]);
}

#[test]
fn an_input_that_may_be_left_out_is_not_lost_to_its_spelling() {
    let desk = Desk::new();
    let shared =
        [("prop", 1), ("osc", 1), ("speed", -1)].map(|(n, w)| format!("\"bneuron_{n}\": {w}"));
    let params = shared.join(", ") + ", \"muscle_ipsi\": 1, \"muscle_contra\": -1";
    let format = "\"format\": \"ncap-swimmer/1\", \"n_joints\": 2";
    desk.file("swimmer.json", format!("{{{format}, \"params\": {{{params}}}}}"));
    let run = |table: &str| {
        desk.file("t.csv", table);
        desk.nervecord(&["run", "swimmer.json", "--input", "t.csv", "-o", "y.csv"])
    };
    run("x0,x1\n0.5,0.25\n").done();
    run("x0,x1,speed\n0.5,0.25,0.5\n").done();
    run("x0,x1,Speed\n0.5,0.25,0.5\n").refused(&["no column speed", "rename the column Speed"]);
    run("x0,x1,x2\n0.5,0.25,0.5\n").refused(&["an input x2 that the model does not have"]);
}

#[test]
fn arrays_are_taken_by_position() {
    let desk = desk();
    let numbers = [0.5, -1.0, -2.0, 1.5, 0.25, 0.75];
    let expected = outputs(&desk, "cal.csv");
    let header = |order: &str, shape: &str| {
        format!("{{'descr': '<f4', 'fortran_order': {order}, 'shape': {shape}, }}")
    };
    desk.file("rows.npy", npy(&header("False", "(3, 2)"), &numbers));
    desk.file("ROWS.NPY", npy(&header("False", "(3, 2)"), &numbers));
    desk.file("columns.npy", npy(&header("True", "(3, 2)"), &[0.5, -2.0, 0.25, -1.0, 1.5, 0.75]));
    for input in ["rows.npy", "ROWS.NPY", "columns.npy"] {
        assert_eq!(outputs(&desk, input), expected, "{input}");
    }
    // Whatever the inputs are called: an array has no names.
    desk.file("nervecord.toml", "[calibration]\ncolumns = [\"angle\", \"rate\"]\n");
    desk.file("cal.csv", "rate,angle\n-1,0.5\n1.5,-2\n0.75,0.25\n");
    assert_eq!(outputs(&desk, "rows.npy"), expected);
    desk.file("three.npy", npy(&header("False", "(2, 3)"), &numbers));
    run(&desk, "three.npy").refused(&["three.npy", "2 input columns", "3 columns"]);
}

#[test]
fn arrays_that_are_none_are_refused_at_once() {
    let desk = desk();
    let nested = format!("{{'descr': {}{}, 'shape': (3, 2)}}", "[(".repeat(60), ")]".repeat(60));
    let of_shape =
        |shape: &str| format!("{{'descr': '<f4', 'fortran_order': False, 'shape': {shape}, }}");
    for (header, parts) in [
        (nested, &["not a readable .npy array", "header"][..]),
        (of_shape("[99999999999999, 2]"), &["not a readable .npy array", "header"]),
        (
            of_shape("(99999999999999, 2)"),
            &["not a readable .npy array", "ends before its last number"],
        ),
        (of_shape("(2, 99999999999999)"), &["too many columns", "99999999999999"]),
        (of_shape("(4, 2)"), &["ends before its last number", "binary mode"]),
        (of_shape("(2, 2)"), &["more behind the array", "one array a file"]),
        (of_shape("(0, 2)"), &["the table is empty"]),
        (of_shape("(6,)"), &["wrong number of axes", "[6]", "reshape"]),
        (of_shape("(3, 2)").replace("<f4", ">f4"), &["element type", ">f4", "float32"]),
        (
            of_shape("(3, 2)")
                .replace("False", "True")
                .replace("(3, 2)", "(4611686018427387904, 2)"),
            &["ends before its last number"],
        ),
    ] {
        desk.file("t.npy", npy(&header, &[0.5; 6]));
        run(&desk, "t.npy").refused(parts).refused(&["t.npy", "help"]);
    }
    desk.file("t.npy", "x0,x1\n1,2\n");
    run(&desk, "t.npy").refused(&["not a readable .npy array"]);
    for name in ["t.npz", "t.csv"] {
        desk.file(name, b"PK\x03\x04\x14\0\0\0");
        run(&desk, name).refused(&["packed", "a zip archive", ".npz", "numpy.save"]);
    }
}

#[test]
fn separators_and_decimal_commas_are_told_apart() {
    let desk = desk();
    for (table, parts) in [
        ("x0;x1\n1;2\n", &["divided by semicolons", "line 1", "commas between the cells"][..]),
        ("x0\tx1\n1\t2\n", &["divided by tabs", "commas between the cells"]),
        ("x0;x1\n0,5;1,5\n", &["divided by semicolons", "points in the numbers"]),
        ("0,5;1,5\n", &["divided by semicolons"]),
        ("x0 x1\n1 2\n", &["one column: x0 x1", "commas between the cells"]),
        ("x0,x1\n1;2\n", &["not a CSV table", "2 fields"]),
        ("x0,x1\n1,2\n3,4;5\n", &["divided by semicolons", "row 2, column x1", "`4;5`"]),
        ("x0,x1\n0,5,1,5\n", &["not a CSV table", "decimal point"]),
        ("x0,x1\n\"0,5\",\"1,5\"\n", &["row 1, column x0", "`0,5`", "decimal point, not a comma"]),
        ("x0,x1,\n1,2,\n", &["not a number", "found: ``", "end of a line"]),
    ] {
        desk.file("t.csv", table);
        run(&desk, "t.csv").refused(parts).refused(&["t.csv", "help"]);
    }
}

/// The module without the line that names the calibration file.
fn module(desk: &Desk, path: &str) -> String {
    let text = desk.read(path);
    text.lines().filter(|line| !line.starts_with("// calibration   ")).collect()
}

#[test]
#[cfg(unix)]
fn what_the_shell_pipes_in_is_read_once() {
    let desk = desk();
    let compile = |path: &str| {
        let arguments = ["compile", "net.onnx", "-o", "p.rs", "--calibration", path];
        let mut command = desk.command(&arguments);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
        let table = std::fs::read(desk.path("cal.csv")).unwrap();
        child.stdin.take().unwrap().write_all(&table).unwrap();
        assert!(child.wait().unwrap().success(), "{path}");
        module(&desk, "p.rs")
    };
    desk.nervecord(&["compile", "net.onnx", "-o", "f.rs", "--calibration", "cal.csv"]).done();
    let expected = module(&desk, "f.rs");
    for path in ["/dev/stdin", "/dev/fd/0"] {
        assert_eq!(compile(path), expected, "{path}: the digest is that of what was read");
    }
}

#[test]
#[cfg(unix)]
fn a_pipe_that_nobody_writes_into_is_refused() {
    let desk = desk();
    let pipe = |name: &str| {
        assert!(
            std::process::Command::new("mkfifo").arg(desk.path(name)).status().unwrap().success()
        );
    };
    pipe("p.csv");
    run(&desk, "p.csv").refused(&["p.csv", "a pipe", "/dev/stdin < PIPE"]);
    let compile = ["compile", "net.onnx", "--calibration", "p.csv", "-o", "p.rs"];
    desk.nervecord(&compile).refused(&["p.csv", "a pipe"]);
    pipe("p.onnx");
    desk.nervecord(&["inspect", "p.onnx"]).refused(&["p.onnx", "not a regular file", "a pipe"]);
    let labels =
        ["--vectors", &bundled("digits", "vectors.csv"), "--labels", &text(&desk.path("p.csv"))];
    desk.on("verify", "digits", &labels).refused(&["p.csv", "a pipe"]);
    pipe("p.rs");
    desk.nervecord(&["compile", "net.onnx", "--calibration", "cal.csv", "-o", "p.rs", "--check"])
        .refused(&["p.rs", "a pipe"]);
    pipe("nervecord.toml");
    run(&desk, "cal.csv").refused(&["nervecord.toml", "not a regular file", "a pipe"]);
    std::fs::remove_file(desk.path("nervecord.toml")).unwrap();
    run(&desk, "/dev/null").refused(&["/dev/null", "a device"]);
    run(&desk, ".").refused(&["a folder"]);
}

#[test]
fn of_a_long_table_a_sample_is_kept_and_said() {
    let desk = desk();
    let mut table = String::from("x0,x1\n");
    for i in 0..40_000 {
        let spike = if i == 12_345 { 40.0 } else { f64::from(i % 7) };
        let _ = writeln!(table, "{},{spike}", f64::from(i % 1000) / 1000.0);
    }
    desk.file("long.csv", &table);
    let compile = ["compile", "net.onnx", "--calibration", "long.csv", "-o", "net.rs"];
    let said = desk.nervecord(&compile).done().stdout;
    assert!(said.contains("long.csv: 40000 rows, ") && said.contains("evenly taken"), "{said}");
    let sampled = desk.read("net.rs");
    // The same range as of all rows: the one extreme is among those kept.
    let short = String::from("x0,x1\n0,0\n0.999,6\n0.5,40\n");
    desk.file("short.csv", short);
    let compile = ["compile", "net.onnx", "--calibration", "short.csv", "-o", "net.rs"];
    desk.nervecord(&compile).done();
    let input = |module: &str| module.lines().find(|l| l.contains("FixedI")).map(str::to_owned);
    assert_eq!(input(&sampled), input(&desk.read("net.rs")));
    // `run` writes every row.
    run(&desk, "long.csv").done();
    assert_eq!(Data::read(&desk.path("y.csv")).unwrap().rows.len(), 40_000);
    // A fault far behind is found, and nothing is left.
    std::fs::remove_file(desk.path("y.csv")).unwrap();
    desk.file("long.csv", table + "1,oops\n");
    run(&desk, "long.csv").refused(&["row 40001, column x1", "`oops`"]);
    desk.nervecord(&["compile", "net.onnx", "--calibration", "long.csv", "-o", "no.rs"])
        .refused(&["row 40001, column x1"]);
    assert_eq!(desk.names(), ["cal.csv", "long.csv", "net.onnx", "net.rs", "short.csv"]);
}
