//! Files that are written: where a path leads, whole or not at all, together, and nothing left behind.

#![cfg(unix)]

mod program;

use std::fs::{self, File, OpenOptions};
use std::io::{Read, Write};
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt, symlink};
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use nervecord_tests::onnx::{file, small};
use program::{Desk, bundled};

/// A desk with `net.onnx` and its calibration.
fn desk() -> Desk {
    let desk = Desk::new();
    desk.file("net.onnx", file(small()));
    desk.file("cal.csv", "x0,x1\n0.5,-1\n-2,1.5\n0.25,0.75\n");
    desk
}

/// The arguments that compile the network to `output`.
fn compile<'a>(output: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    [&["compile", "net.onnx", "--calibration", "cal.csv", "-o", output], more].concat()
}

#[test]
fn a_pipe_or_a_device_is_written_into() {
    let desk = desk();
    desk.nervecord(&compile("net.rs", &[])).done();
    let module = desk.read("net.rs");
    let pipe = desk.path("pipe");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let reader = thread::spawn({
        let pipe = pipe.clone();
        move || fs::read_to_string(pipe).unwrap()
    });
    desk.nervecord(&compile("pipe", &[])).done();
    assert_eq!(reader.join().unwrap(), module);
    assert!(fs::metadata(&pipe).unwrap().file_type().is_fifo());

    let said = desk.nervecord(&compile("/dev/stdout", &[]));
    assert_eq!((said.code, &said.stdout), (0, &module));
    assert!(said.stderr.contains("multiply-accumulates"), "{}", said.stderr);
    let draw = ["inspect", "net.onnx", "--svg", "/dev/stdout", "--calibration", "cal.csv"];
    desk.nervecord(&draw).refused(&["there is nothing to draw"]);
    desk.nervecord(&compile("/dev/null", &[])).done();
    desk.nervecord(&compile("/dev/full", &["--report", "a/b"]))
        .refused(&["cannot write", "/dev/full"]);
    assert_eq!(desk.names(), ["cal.csv", "net.onnx", "net.rs", "pipe"]);

    // What the shell wrote before stays.
    let log = desk.file("log", "before\n");
    let append = OpenOptions::new().append(true).open(log).unwrap();
    let status =
        desk.command(&compile("/dev/stdout", &[])).stdout(append).stderr(Stdio::null()).status();
    assert!(status.unwrap().success());
    assert_eq!(desk.read("log"), "before\n".to_owned() + &module);
}

#[test]
fn what_is_read_is_not_written_over() {
    let desk = desk();
    desk.file("nervecord.toml", "[calibration]\nmargin = 1.5\n");
    symlink("cal.csv", desk.path("link")).unwrap();
    fs::hard_link(desk.path("net.onnx"), desk.path("twin")).unwrap();
    let over = "written over a file that is read";
    let contents = |names: &[String]| {
        names.iter().map(|n| fs::read(desk.path(n)).unwrap()).collect::<Vec<_>>()
    };
    let names = desk.names();
    let before = contents(&names);
    for output in ["net.onnx", "./cal.csv", "nervecord.toml", "link", "twin"] {
        desk.nervecord(&compile(output, &[])).refused(&[over, output, "another name"]);
        let run = ["run", "net.onnx", "--float", "--input", "cal.csv", "-o", output];
        if output != "cal.csv" {
            desk.nervecord(&run).refused(&[over, output]);
        }
        if output != "link" && output != "./cal.csv" {
            desk.nervecord(&["inspect", "net.onnx", "--svg", output]).refused(&[over]);
        }
    }
    desk.file("report.json", "x0,x1\n1,2\n");
    desk.nervecord(&[
        "compile",
        "net.onnx",
        "--calibration",
        "report.json",
        "-o",
        "m.rs",
        "--report",
        ".",
    ])
    .refused(&[over, "report.json"]);
    fs::remove_file(desk.path("report.json")).unwrap();
    desk.nervecord(&compile("r/report.json", &["--report", "r"])).refused(&["r/report.json"]);
    assert_eq!(desk.names(), names);
    assert_eq!(contents(&names), before);

    let model = desk.path("folder");
    fs::create_dir(&model).unwrap();
    for name in ["model.onnx", "config.json"] {
        fs::copy(bundled("policy", name), model.join(name)).unwrap();
    }
    let calibration = bundled("policy", "calibration.csv");
    for output in ["folder/config.json", "folder/model.onnx"] {
        desk.nervecord(&["compile", "folder", "--calibration", &calibration, "-o", output])
            .refused(&[over, output]);
    }
}

#[test]
fn links_are_followed_and_permissions_kept() {
    let desk = desk();
    fs::create_dir(desk.path("far")).unwrap();
    desk.file("far/net.rs", "old");
    fs::set_permissions(desk.path("far/net.rs"), fs::Permissions::from_mode(0o640)).unwrap();
    symlink("far/net.rs", desk.path("one")).unwrap();
    symlink("one", desk.path("two")).unwrap();
    symlink("far/new.rs", desk.path("dangling")).unwrap();
    for output in ["two", "dangling"] {
        desk.nervecord(&compile(output, &[])).done();
        assert!(desk.path(output).is_symlink());
    }
    assert!(desk.read("far/net.rs").contains("pub mod net"));
    assert!(desk.read("far/new.rs").contains("pub mod net"));
    let mode = |name: &str| fs::metadata(desk.path(name)).unwrap().mode() & 0o777;
    assert_eq!(mode("far/net.rs"), 0o640);
    // A new file is as public as any that this user makes.
    desk.file("any", "");
    assert_eq!(mode("far/new.rs"), mode("any"));
    let script = "umask 077; exec \"$@\"";
    let program = desk.command(&compile("private.rs", &[]));
    let mut shell = Command::new("sh");
    shell.args(["-c", script, "sh"]).arg(program.get_program()).args(program.get_args());
    assert!(shell.current_dir(desk.path("")).output().unwrap().status.success());
    assert_eq!(mode("private.rs"), 0o600);
    assert_eq!(fs::read_dir(desk.path("far")).unwrap().count(), 2);
}

#[test]
fn module_and_report_come_together_or_not_at_all() {
    let desk = desk();
    fs::create_dir_all(desk.path("report/report.html")).unwrap();
    desk.nervecord(&compile("net.rs", &["--report", "report"])).refused(&["report.html"]);
    assert_eq!(fs::read_dir(desk.path("report")).unwrap().count(), 1);
    desk.nervecord(&compile("no/net.rs", &["--report", "a/b/c"])).refused(&["no/net.rs"]);
    assert_eq!(desk.names(), ["cal.csv", "net.onnx", "report"]);
    desk.nervecord(&compile("net.rs", &["--report", "a/b/c"])).done();
    assert!(desk.path("a/b/c/report.html").is_file());
}

#[test]
fn results_of_two_runs_do_not_mix() {
    let desk = desk();
    for _ in 0..10 {
        let runs = ["8", "16"].map(|weights| {
            let arguments = compile("net.rs", &["--report", "report", "--weights", weights]);
            desk.command(&arguments).stdout(Stdio::null()).spawn().unwrap()
        });
        for mut run in runs {
            assert!(run.wait().unwrap().success());
        }
        let narrow = desk.read("net.rs").contains("--weights 8");
        let report: serde_json::Value =
            serde_json::from_str(&desk.read("report/report.json")).unwrap();
        assert_eq!(report["weights"] == "i8", narrow, "{}", report["weights"]);
    }
    assert_eq!(desk.names(), ["cal.csv", "net.onnx", "net.rs", "report"]);
}

#[test]
fn a_name_cannot_write_into_the_module() {
    let desk = desk();
    let name = "a\n}use b;\u{202e}\u{1b}[1m.csv";
    fs::copy(desk.path("cal.csv"), desk.path(name)).unwrap();
    fs::copy(desk.path("net.onnx"), desk.path("m\nn.onnx")).unwrap();
    desk.nervecord(&["compile", "m\nn.onnx", "--calibration", name, "-o", "net.rs"]).done();
    let module = desk.read("net.rs");
    // What the data's file is called changes no byte of the module.
    desk.nervecord(&[
        "compile",
        "m\nn.onnx",
        "--calibration",
        "cal.csv",
        "-o",
        "net.rs",
        "--check",
    ])
    .done();
    assert!(module.contains(r"from m\nn.onnx;"), "{module}");
    assert!(!module.contains("}use"), "{module}");
    desk.nervecord(&["inspect", "no\nsuch.onnx"]).refused(&[r"no\nsuch.onnx"]);
}

#[test]
fn a_full_stdout_is_told_and_a_closed_one_is_no_fault() {
    let desk = desk();
    desk.file("v.csv", "x0,x1,y0,y1\n0.5,-1,0,0\n-2,1.5,1.5,11.5\n0.25,0.75,2.25,1.75\n");
    let verify = ["verify", "net.onnx", "--calibration", "cal.csv", "--vectors", "v.csv"];
    let commands = [
        vec!["inspect", "net.onnx"],
        compile("net.rs", &["--report", "report"]),
        verify.to_vec(),
        [&verify[..], &["--json"]].concat(),
        vec!["--help"],
        vec!["run", "--help"],
    ];
    for arguments in &commands {
        let full = OpenOptions::new().write(true).open("/dev/full").unwrap();
        let output = desk.command(arguments).stdout(full).output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {said}");
        assert!(said.contains("results cannot be printed") && said.contains("help: "), "{said}");
        assert_eq!(desk.names(), ["cal.csv", "net.onnx", "v.csv"], "{arguments:?}");

        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let output = desk.command(arguments).stdout(writer).output().unwrap();
        assert_eq!((output.status.code(), output.stderr), (Some(0), vec![]), "{arguments:?}");
        for name in ["net.svg", "net.rs"] {
            // What was not there is no fault either.
            let _ = fs::remove_file(desk.path(name));
        }
        let _ = fs::remove_dir_all(desk.path("report"));
    }
    // Where even the message has no place, the exit code stands.
    let full = || OpenOptions::new().write(true).open("/dev/full").unwrap();
    for arguments in [["inspect", "gone.onnx"], ["inspect", "--fly"]] {
        let status = desk.command(&arguments).stdout(full()).stderr(full()).status().unwrap();
        assert_eq!(status.code(), Some(2), "{arguments:?}");
    }
}

/// Waits until something of a name that begins so lies on the desk.
fn appears(desk: &Desk, start: &str) -> bool {
    (0..1000).any(|_| {
        thread::sleep(Duration::from_millis(10));
        desk.names().iter().any(|name| name.starts_with(start))
    })
}

#[test]
fn a_signal_leaves_no_trace() {
    let desk = desk();
    for signal in ["TERM", "INT"] {
        let run = ["run", "net.onnx", "--float", "--input", "/dev/stdin", "-o", "y.csv"];
        let mut child = desk.command(&run).stdin(Stdio::piped()).spawn().unwrap();
        // It writes a row and waits for more.
        let mut stdin = child.stdin.take().unwrap();
        stdin.write_all(b"x0,x1\n1,2\n").unwrap();
        assert!(appears(&desk, ".tmp"), "{:?}", desk.names());
        let kill = Command::new("kill").args(["-s", signal, &child.id().to_string()]).status();
        assert!(kill.unwrap().success());
        let status = child.wait().unwrap();
        assert_eq!(status.code(), None, "ended by the signal: {status}");
        assert_eq!(desk.names(), ["cal.csv", "net.onnx"]);
    }
}

#[test]
fn rows_go_on_as_they_come() {
    let desk = desk();
    let run = ["run", "net.onnx", "--float", "--input", "/dev/stdin", "-o", "/dev/stdout"];
    let mut child =
        desk.command(&run).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(b"x1,x0\n0.75,0.25\n").unwrap();
    let mut text = String::new();
    child.stdout.take().unwrap().read_to_string(&mut text).unwrap();
    assert!(child.wait().unwrap().success());
    assert_eq!(text, "y0,y1\n2.25,1.75\n");
    assert!(File::open(desk.path("y.csv")).is_err());
}
