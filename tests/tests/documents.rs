//! What the documents list is what there is.

use nervecord_codegen::import::{onnx, tflite};

#[test]
fn the_operators_in_the_documents_are_those_that_are_read() {
    let page = include_str!("../../docs/files.md");
    let words = |text: &str| -> Vec<String> {
        let mut words: Vec<String> = text
            .split(|c: char| !c.is_ascii_alphanumeric() && c != '_')
            .filter(|word| !word.is_empty())
            .map(str::to_owned)
            .collect();
        words.sort();
        words
    };
    for (mark, supported) in
        [("<!-- operators -->", onnx::SUPPORTED), ("<!-- tflite operators -->", tflite::SUPPORTED)]
    {
        let (_, rest) = page.split_once(mark).unwrap();
        let (listed, _) = rest.split_once("<!-- -->").unwrap();
        assert_eq!(words(listed), words(&supported.join(" ")));
    }
}
