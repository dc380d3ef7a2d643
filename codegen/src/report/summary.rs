//! What was decided of a model and what it costs: for the terminal. Stands on a compiled model.

use crate::compiler::Compiled;
use crate::program::layer_table;
use crate::text;

/// The report for the terminal.
pub fn render(compiled: &Compiled) -> String {
    let program = &compiled.program;
    let mut text = format!(
        "{}: {} -> {}\n",
        program.name,
        program.input.describe(),
        program.output.describe()
    );
    for line in layer_table(&program.layers).lines() {
        text += &format!("  {line}\n");
    }
    text += &format!(
        "  {} multiply-accumulates, {} B of tables, {} B of RAM\n  calibrated on {}\n",
        program.macs,
        program.table_bytes(),
        program.ram_bytes(),
        compiled.calibration.describe()
    );
    if let Some(promise) = &program.promise {
        text += &format!("  {}\n", promise.describe());
        text +=
            &promise.thin.iter().map(|thin| format!("  thin data: {thin}\n")).collect::<String>();
    }
    if let Some(front) = program.front.as_ref().filter(|front| front.is_asked_for()) {
        text += &front.describe().lines().map(|line| format!("  {line}\n")).collect::<String>();
    }
    for width in &program.widths {
        text += &format!("  width {}\n", width.describe());
    }
    for row in program.layers.iter().filter(|row| !row.choice.is_empty()) {
        text += &format!("  {}: {}\n", row.name, row.choice);
    }
    for note in compiled.source.graph.notes.iter().map(|note| text::plain(note)) {
        text += &format!("  note: {note}\n");
    }
    text
}
