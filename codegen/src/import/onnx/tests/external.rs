//! Weights kept beside the model.

use super::*;

/// Entries that say where the data lies, and what the message must hold.
type Case = (&'static [(&'static str, &'static str)], &'static [&'static str]);

/// `y = x W` with `W` in another file.
fn model_with(entries: &[(&str, &str)]) -> ModelProto {
    let entry = |(key, value): &(&str, &str)| StringStringEntryProto {
        key: Some((*key).into()),
        value: Some((*value).into()),
    };
    let w = TensorProto {
        name: Some("w".into()),
        dims: vec![2, 1],
        data_type: Some(1),
        data_location: Some(1),
        external_data: entries.iter().map(entry).collect(),
        ..TensorProto::default()
    };
    model(2, vec![node("MatMul", &["x", "w"], &["y"])], vec![w])
}

fn saved(entries: &[(&str, &str)], data: &[u8]) -> Saved {
    let saved = save(&model_with(entries).encode_to_vec());
    fs::write(saved.folder.path().join("net.data"), data).unwrap();
    saved
}

fn bytes() -> Vec<u8> {
    [9.0f32, 2.0, 3.0].iter().flat_map(|v| v.to_le_bytes()).collect()
}

#[test]
fn a_piece_of_the_file_is_read() {
    let saved = saved(&[("location", "net.data"), ("offset", "4"), ("length", "8")], &bytes());
    let (graph, hash) = load(&saved.path, "net").unwrap();
    assert_eq!(reference::run(&graph, &[vec![1.0, 1.0]]), [[5.0]]);
    fs::write(saved.folder.path().join("net.data"), [0; 12]).unwrap();
    let (_, other) = load(&saved.path, "net").unwrap();
    assert_ne!(hash, other, "the digest covers the external data");
}

#[test]
fn what_is_wrong_with_the_file_is_said() {
    let cases: [Case; 7] = [
        (&[("location", "../net.data")], &["outside the model's folder", "`../net.data`"]),
        (&[("location", "/etc/hostname")], &["outside the model's folder"]),
        (&[("location", "gone.data")], &["gone.data", "beside the model"]),
        (&[("location", "net.data"), ("offset", "8")], &["does not fit its shape", "4 bytes"]),
        (
            &[("location", "net.data"), ("length", "2147483648")],
            &["ends too early", "2147483648 bytes", "12 bytes"],
        ),
        (&[("location", "net.data"), ("offset", "-1")], &["not a number", "`-1`"]),
        (&[], &["no location"]),
    ];
    for (entries, parts) in cases {
        let saved = saved(entries, &bytes());
        let message = load(&saved.path, "net").unwrap_err().to_string();
        for part in parts.iter().chain(&["tensor `w`"]) {
            assert!(message.contains(part), "`{part}` is not in:\n{message}");
        }
    }
}

#[cfg(unix)]
#[test]
fn a_link_out_of_the_folder_is_not_followed() {
    let outside = tempfile::NamedTempFile::new().unwrap();
    let saved = saved(&[("location", "link.data")], &bytes());
    std::os::unix::fs::symlink(outside.path(), saved.folder.path().join("link.data")).unwrap();
    let message = load(&saved.path, "net").unwrap_err().to_string();
    assert!(message.contains("outside the model's folder"), "{message}");
}
