//! The report of a model: a page that a stranger understands, and the same as data.

mod program;

use std::fs;

use nervecord_codegen::Compiler;
use nervecord_codegen::import::Source;
use nervecord_codegen::report::{self, Judged};
use nervecord_tests::models;
use nervecord_tests::onnx::{file, small};
use nervecord_tests::random::Random;
use nervecord_tests::shapes::SHAPES;
use program::{Desk, bundled, text};
use serde_json::Value;

/// A report that was written.
struct Report {
    page: String,
    data: Value,
}

impl Report {
    fn read(desk: &Desk, folder: &str) -> Self {
        let data = desk.read(&format!("{folder}/report.json"));
        let page = desk.read(&format!("{folder}/report.html"));
        Self { page, data: serde_json::from_str(&data).unwrap() }
    }

    /// That of a bundled model, judged on calibration rows.
    fn of(model: &str) -> Self {
        let desk = Desk::new();
        let file = if model == "tap_withdrawal" { "circuit.toml" } else { "" };
        let model = [bundled(model, file), bundled(model, "calibration.csv")];
        let arguments = ["compile", &model[0], "--calibration", &model[1], "-o", "m.rs"];
        desk.nervecord(&[&arguments[..], &["--report", "r"]].concat()).done();
        Self::read(&desk, "r")
    }

    #[track_caller]
    fn has(&self, parts: &[&str]) {
        for part in parts {
            assert!(self.page.contains(part), "`{part}` is not in the page");
        }
    }

    /// Holds what is so of every page.
    #[track_caller]
    fn is_sound(&self) {
        let page = &self.page;
        for alien in ["<script", "http://", "https://", "@import"] {
            assert!(!page.contains(alien), "{alien}");
        }
        assert_eq!(page.matches("url(").count(), page.matches("url(#").count());
        let drawn = page.split("<svg").skip(1).filter_map(|svg| svg.split_once("</svg>"));
        for (svg, _) in drawn {
            assert!(!svg.contains("NaN") && !svg.contains("inf"), "{svg}");
        }
        let pictures = page.matches("<svg role=\"img\"").count();
        assert!((1..200).contains(&pictures), "{pictures} pictures");
        let named = page.split("<svg role=\"img\"").skip(1).all(|svg| {
            let start = svg.split_once(">\n<title>").map(|(_, rest)| rest);
            start.is_some_and(|title| !title.starts_with('<'))
        });
        assert!(named, "a picture without a name");
        // Its numbers are in tables.
        assert!(page.matches("<table>").count() >= 4);
        for landmark in ["<header>", "<nav ", "<main ", "<footer>", "lang=\"en\""] {
            assert_eq!(page.matches(landmark).count(), 1, "{landmark}");
        }
        let levels = page.match_indices("<h").filter_map(|(i, _)| page[i + 2..].chars().next());
        let levels: Vec<u32> = levels.filter_map(|c| c.to_digit(10)).collect();
        assert_eq!(levels.iter().filter(|level| **level == 1).count(), 1);
        assert!(levels.windows(2).all(|pair| pair[1] <= pair[0] + 1), "{levels:?}");
        for part in ["section", "table", "tr", "td", "th", "svg", "figure", "details", "div", "p"] {
            let open = page.matches(&format!("<{part}>")).count()
                + page.matches(&format!("<{part} ")).count();
            assert_eq!(open, page.matches(&format!("</{part}>")).count(), "{part}");
        }
        let verdict = self.data["verdict"].as_str().unwrap();
        assert!(page.contains(verdict) && verdict.contains("no sum can overflow"), "{verdict}");
        for list in ["proved", "measured", "unknown"] {
            assert!(self.data[list].as_array().is_some_and(|list| list.len() > 1), "{list}");
        }
    }
}

#[test]
fn every_kind_of_network_has_its_page() {
    for (model, parts) in [
        ("policy", &["Float against integers", "on 100 calibration rows held out", "tanh(x)"][..]),
        ("regressor", &["The worst rows", "How the integers are used"]),
        ("kan_cartpole", &["Functions on the edges", "of float"]),
        ("cfc_cartpole", &["id=\"memory\"", "Of 20 numbers, these differ most"]),
        ("gru_hover", &["id=\"memory\"", "longest that was run without a reset"]),
        ("tap_withdrawal", &["The circuit", " (h", "inhibitory", "gap junction"]),
        ("ncap_swimmer", &["The circuit", "too few or too narrow"]),
    ] {
        let report = Report::of(model);
        report.is_sound();
        report.has(parts);
        report.has(&["nervecord emulate ", " --report report", "not measured here"]);
        assert!(!report.page.contains("0.0 bit"), "{model}");
    }
}

#[test]
fn the_page_and_the_data_agree() {
    let report = Report::of("policy");
    let data = &report.data;
    let promised = data["promise"]["error"].as_f64().unwrap();
    let measured = data["verification"]["relative_error"].as_f64().unwrap();
    assert!((promised - measured).abs() < 0.02 * promised, "{promised} {measured}");
    assert_eq!(data["inputs"].as_array().map(Vec::len), Some(8));
    assert_eq!(data["errors"]["numbers"].as_array().map(Vec::len), Some(100));
    for hash in ["model_sha256", "calibration_sha256", "module_sha256"] {
        report.has(&[data[hash].as_str().unwrap()]);
    }
    // What was held out is a quarter of the rows, in blocks, by their numbers in the file.
    assert_eq!(data["errors"]["numbers"][0], 76);
    let worst = &data["errors"]["worst"][0];
    let row = worst["number"].as_u64().unwrap() as usize;
    let table = fs::read_to_string(models("policy/calibration.csv")).unwrap();
    let first: f64 = table.lines().nth(row).unwrap().split(',').next().unwrap().parse().unwrap();
    assert_eq!(worst["inputs"][0].as_f64(), Some(first));
}

#[test]
fn verify_writes_the_page_of_the_rows_it_was_given() {
    let desk = Desk::new();
    let (vectors, labels) = (bundled("digits", "vectors.csv"), bundled("digits", "labels.csv"));
    let given = ["--vectors", &vectors, "--labels", &labels, "--report", "a/r"];
    let said = desk.on("verify", "digits", &given).done().stdout;
    assert!(said.contains("passed"), "{said}");
    let report = Report::read(&desk, "a/r");
    report.is_sound();
    report.has(&[
        "the 200 given rows",
        "id=\"classes\"",
        "Against the given labels",
        "200 of the 200",
    ]);
    assert_eq!(report.data["judged_on"], "vectors");
    let agreement = report.data["classes"]["agreement"].as_array().unwrap();
    let rows: u64 =
        agreement.iter().flat_map(|r| r.as_array().unwrap()).filter_map(Value::as_u64).sum();
    assert_eq!(rows, 200);
    // Never over what is read.
    let own = text(&desk.file("v/report.json", fs::read(&vectors).unwrap()));
    desk.on("verify", "digits", &["--vectors", &own, "--report", "v"]).refused(&["report.json"]);
}

#[test]
fn a_missed_tolerance_is_the_first_thing_said() {
    let desk = Desk::new();
    let missed = ["-o", "p.rs", "--tolerance", "1e-6", "--report", "r"];
    assert_eq!(desk.on("compile", "policy", &missed).code, 0);
    let report = Report::read(&desk, "r");
    report.is_sound();
    report.has(&["badge missed", "Misses its tolerance: its integers are "]);
    assert_eq!(report.data["kept"], false);
}

#[test]
fn thin_data_is_said() {
    let desk = Desk::new();
    let table = fs::read_to_string(models("policy/calibration.csv")).unwrap();
    let few: String = table.lines().take(9).map(|line| line.to_owned() + "\n").collect();
    let few = text(&desk.file("few.csv", few));
    let model = bundled("policy", "model.onnx");
    desk.nervecord(&["compile", &model, "--calibration", &few, "-o", "p.rs", "--report", "r"]);
    let report = Report::read(&desk, "r");
    report.is_sound();
    report.has(&[
        "8 calibration rows, which also decided",
        "too few or too narrow",
        "How new rows would do",
    ]);
}

#[test]
fn rows_that_say_nothing_and_foreign_rows_are_told() {
    let desk = Desk::new();
    let huge = text(&desk.file("huge.csv", "x0,x1,x2,x3\n1e308,1e308,1e308,1e308\n"));
    let judged = desk.on("verify", "regressor", &["--vectors", &huge, "--report", "huge"]);
    assert_eq!(judged.code, 1);
    let report = Report::read(&desk, "huge");
    report.has(&["Nothing was measured: float is not finite on 1 row", "Not as wanted: row 1: "]);
    assert!(!report.page.contains("id=\"errors\""));
    let table = fs::read_to_string(models("policy/vectors.csv")).unwrap();
    let (head, rows) = table.split_once('\n').unwrap();
    let swapped = head.replace("y0", "y").replace("y1", "y0").replace("y,", "y1,") + "\n" + rows;
    let swapped = text(&desk.file("swapped.csv", swapped));
    let judged = desk.on("verify", "policy", &["--vectors", &swapped, "--report", "swapped"]);
    assert_eq!(judged.code, 1);
    let report = Report::read(&desk, "swapped");
    report.is_sound();
    report.has(&[
        "badge missed",
        "Something is wrong with the rows",
        "do they belong to this model",
    ]);
}

#[test]
fn units_and_names_from_outside_are_text() {
    let desk = Desk::new();
    let names: Vec<String> = (0..8).map(|i| format!("<script>x{i}</script>\"'&")).collect();
    let table = fs::read_to_string(models("policy/calibration.csv")).unwrap();
    let quoted: Vec<String> =
        names.iter().map(|name| format!("\"{}\"", name.replace('"', "\"\""))).collect();
    let rows: Vec<&str> = table.lines().skip(1).collect();
    let calibration = quoted.join(",") + "\n" + &rows.join("\n");
    let calibration = text(&desk.file("<b>.csv", calibration));
    let model = desk.file("m/<i>net.onnx", fs::read(models("policy/model.onnx")).unwrap());
    let columns: Vec<String> = names.iter().map(|name| format!("'''{name}'''")).collect();
    let settings = format!(
        "[calibration]\ncolumns = [{}]\n[units]\ny0 = \"<u>N\u{b7}m\"\n\"<script>x0</script>\\\"'&\" = \"rad/s\"\n",
        columns.join(", ")
    );
    desk.file("m/nervecord.toml", settings);
    let model = text(&model);
    let compile = ["compile", &model, "--calibration", &calibration, "-o", "p.rs", "--report", "r"];
    desk.nervecord(&compile).done();
    let report = Report::read(&desk, "r");
    report.is_sound();
    report.has(&["&lt;script&gt;x0&lt;/script&gt;", "&lt;u&gt;N\u{b7}m", "rad/s", "&lt;b&gt;.csv"]);
    assert!(!report.page.contains("<b>.csv") && !report.page.contains("<i>net"));
    for (units, parts) in [
        ("[units]\nx9 = \"m\"\n", ["neither input nor output", "[units] x9"]),
        ("[units]\nx0 = \"\"\n", ["beside a number", "[units] x0"]),
        ("[units]\nx0 = 3\n", ["nervecord.toml cannot be read", "line 2"]),
    ] {
        desk.file("m/nervecord.toml", units);
        let plain = bundled("policy", "calibration.csv");
        let compile = ["compile", &model, "--calibration", &plain, "-o", "p.rs"];
        desk.nervecord(&compile).refused(&parts).refused(&["nervecord.toml"]);
    }
}

#[test]
fn the_same_model_has_the_same_page_everywhere() {
    let pages = [("a", "C", "UTC"), ("b/c", "tr_TR.UTF-8", "Pacific/Kiritimati")];
    let pages = pages.map(|(folder, locale, zone)| {
        let desk = Desk::new();
        let file = |name: &str| {
            let content = fs::read(models(&format!("policy/{name}"))).unwrap();
            text(&desk.file(&format!("{folder}/{name}"), content))
        };
        // A folder would give a `model.onnx` its name.
        let model = fs::read(file("model.onnx")).unwrap();
        let model = text(&desk.file(&format!("{folder}/policy.onnx"), model));
        let calibration = file("calibration.csv");
        let compile =
            ["compile", &model, "--calibration", &calibration, "-o", "p.rs", "--report", "r"];
        let mut command = desk.command(&compile);
        command.env("LC_ALL", locale).env("LANG", locale).env("TZ", zone);
        assert!(command.output().unwrap().status.success());
        ["r/report.html", "r/report.json"].map(|name| desk.read(name))
    });
    assert!(pages[0] == pages[1], "a folder, a locale or a time zone is in the report");
}

#[test]
fn a_large_network_has_a_page_of_a_sane_size() {
    // 640 inputs and outputs, 784 inputs.
    for shape in &SHAPES[2..4] {
        let graph = shape.graph().unwrap();
        let rows = Random::new(3).rows(64, shape.widths[0]);
        let desk = Desk::new();
        let table: Vec<String> = rows
            .iter()
            .map(|row| row.iter().map(f64::to_string).collect::<Vec<_>>().join(","))
            .collect();
        let names: Vec<String> = (0..shape.widths[0]).map(|i| format!("x{i}")).collect();
        let path = desk.file("rows.csv", names.join(",") + "\n" + &table.join("\n"));
        let source = Source { graph, path: desk.path("net.onnx"), sha256: "00".into() };
        let compiled = Compiler::new(desk.path("net.onnx")).calibration(path);
        let compiled = compiled.build_from(source).unwrap_or_else(|error| panic!("{error}"));
        let [(_, data), (_, page)] = report::files(&Judged::on_calibration(&compiled)).unwrap();
        assert!(page.len() < 1_000_000 && data.len() < 2_000_000, "{} {}", page.len(), data.len());
        Report { data: serde_json::from_str(&data).unwrap(), page }.is_sound();
    }
}

#[test]
fn properties_have_their_verdicts_and_what_violates_them() {
    let desk = Desk::new();
    let model = text(&desk.file("small.onnx", file(small())));
    let row =
        |k: u32| format!("{},{}\n", f64::from(k % 20) / 10.0 - 1.0, f64::from(k / 20) / 5.0 - 1.0);
    desk.file("x.csv", format!("x0,x1\n{}", (0..200).map(row).collect::<String>()));
    let rises = "monotone = { output = \"y0\", input = \"x0\", direction = \"falling\" }";
    desk.file(
        "nervecord.toml",
        format!(
            "[[property]]\nname = \"small <b>\"\noutput = \"y0\"\nmax = 100\n\
             [[property]]\nname = \"falls\"\n{rises}\n"
        ),
    );
    let compile = ["compile", &model, "--calibration", "x.csv", "-o", "m.rs", "--report", "r"];
    desk.nervecord(&compile).done();
    let report = Report::read(&desk, "r");
    report.is_sound();
    report.has(&[
        "id=\"properties\"",
        "small &lt;b&gt;",
        "What violates falls",
        "y0 is at most 100, for every input",
    ]);
    let properties = report.data["properties"].as_array().unwrap();
    assert_eq!(
        properties.iter().map(|p| p["verdict"].as_str().unwrap()).collect::<Vec<_>>(),
        ["holds", "violated"]
    );
    // Two inputs of which only the first number differs, and rises; so does the output.
    let against = properties[1]["against"].as_array().unwrap();
    let number = |k: usize, of: &str, i: usize| against[k][of][i].as_f64().unwrap();
    assert!(number(0, "inputs", 0) < number(1, "inputs", 0));
    assert_eq!(number(0, "inputs", 1), number(1, "inputs", 1));
    assert!(number(0, "outputs", 0) < number(1, "outputs", 0));
    let proved = report.data["proved"].as_array().unwrap();
    assert!(proved.iter().any(|own| own.as_str().unwrap().starts_with("Property small <b> holds")));
    // A name that is none of the model's is told when it is compiled.
    desk.file("nervecord.toml", "[[property]]\nname = \"p\"\noutput = \"y9\"\nmax = 1\n");
    desk.nervecord(&compile[..6]).refused(&["[[property]] p", "y9"]);
}
