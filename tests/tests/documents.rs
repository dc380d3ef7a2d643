//! What the documents list is what there is.

use nervecord_codegen::import::onnx::SUPPORTED;

#[test]
fn the_operators_in_the_documents_are_those_that_are_read() {
    let page = include_str!("../../docs/files.md");
    let (_, rest) = page.split_once("<!-- operators -->").unwrap();
    let (listed, _) = rest.split_once("<!-- -->").unwrap();
    let words = |text: &str| -> Vec<String> {
        let mut words: Vec<String> = text
            .split(|c: char| !c.is_ascii_alphanumeric())
            .filter(|word| !word.is_empty())
            .map(str::to_owned)
            .collect();
        words.sort();
        words
    };
    assert_eq!(words(listed), words(&SUPPORTED.join(" ")));
}
