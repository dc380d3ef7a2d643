//! The report in a real browser: nothing on its console, no empty picture, both colour schemes, narrow and on paper.
//!
//! `cargo xtask test` sets the browser up and runs these; plain `cargo test` lists them as ignored.

mod program;

use std::path::PathBuf;

use nervecord_tests::browser::{Browser, Scheme};
use program::{Desk, bundled};
use serde_json::Value;

/// Asks a page about itself: its background's luminance, each picture's size and how many of its shapes are seen, whether
/// it is wider than the window, and the contrast of what is read against the background.
const PROBE: &str = "<script>
const channel = v => (v /= 255) <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
const luminance = colour => {
  const [r, g, b] = colour.match(/[0-9.]+/g).map(Number).map(channel);
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
};
const ground = luminance(getComputedStyle(document.body).backgroundColor);
const contrast = (selector, property) => {
  const found = document.querySelector(selector);
  if (!found) return 21;
  const own = luminance(getComputedStyle(found)[property]);
  return (Math.max(own, ground) + 0.05) / (Math.min(own, ground) + 0.05);
};
const size = shape => { const box = shape.getBBox(); return box.width + box.height; };
const picture = svg => {
  const box = svg.getBoundingClientRect();
  const shapes = [...svg.querySelectorAll('path, circle')].filter(shape => size(shape) > 0);
  return [box.width, box.height, shapes.length];
};
const probe = {
  ground,
  pictures: [...document.querySelectorAll('svg[role=img]')].map(picture),
  wide: document.documentElement.scrollWidth > window.innerWidth,
  text: [contrast('body', 'color'), contrast('figcaption', 'color'), contrast('.badge', 'color'),
    contrast('svg text', 'fill'), contrast('dt', 'color')],
  shapes: [contrast('.curve.float', 'stroke'), contrast('.curve.integers', 'stroke'), contrast('.bars', 'fill')],
};
document.body.insertAdjacentHTML('beforeend', '<pre id=\"probe\">' + JSON.stringify(probe) + '</pre>');
</script>";

/// A report of a bundled model.
fn report(desk: &Desk, model: &str) -> PathBuf {
    let file = if model == "tap_withdrawal" { "circuit.toml" } else { "" };
    let (path, calibration) = (bundled(model, file), bundled(model, "calibration.csv"));
    let compile =
        ["compile", &path, "--calibration", &calibration, "-o", "m.rs", "--report", model];
    desk.nervecord(&compile).done();
    desk.path(&format!("{model}/report.html"))
}

/// What a page says of itself.
fn probed(browser: &Browser, desk: &Desk, page: &str, scheme: Scheme, width: usize) -> Value {
    // The page itself allows no script.
    let policy = page.lines().find(|line| line.contains("Content-Security-Policy")).unwrap();
    let asked = page.replace(policy, "").replace("</body>", &format!("{PROBE}</body>"));
    let path = desk.file("asked.html", asked);
    let (shown, said) = browser.shown(&path, scheme, width);
    assert_eq!(said, Vec::<String>::new());
    let answer =
        shown.rsplit_once("<pre id=\"probe\">").and_then(|(_, rest)| rest.split_once("</pre>"));
    serde_json::from_str(answer.unwrap().0).unwrap()
}

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().filter_map(Value::as_f64).collect()
}

#[test]
#[cfg_attr(not(feature = "emulated"), ignore = "needs a browser: run `cargo xtask test`")]
fn every_page_is_seen_in_both_schemes_and_on_a_phone() {
    let (browser, desk) = (Browser::new(), Desk::new());
    for model in ["policy", "digits", "kan_cartpole", "cfc_cartpole", "tap_withdrawal"] {
        let path = report(&desk, model);
        let page = desk.read(&format!("{model}/report.html"));
        for (scheme, width) in [(Scheme::Light, 1280), (Scheme::Dark, 1280), (Scheme::Light, 390)] {
            let (_, said) = browser.shown(&path, scheme, width);
            assert_eq!(said, Vec::<String>::new(), "{model}");
            let found = probed(&browser, &desk, &page, scheme, width);
            let at = format!("{model} {scheme:?} {width}: {found}");
            let ground = found["ground"].as_f64().unwrap();
            assert_eq!(ground < 0.1, scheme == Scheme::Dark, "{at}");
            assert_eq!(found["wide"], false, "{at}");
            let pictures = found["pictures"].as_array().unwrap();
            assert!(pictures.len() > 3, "{at}");
            for picture in pictures {
                let size = numbers(picture);
                assert!(size[0] > 100.0 && size[1] > 40.0 && size[2] >= 2.0, "{size:?} {at}");
            }
            // What the Web Content Accessibility Guidelines 2.2 ask of text (1.4.3) and of graphics (1.4.11).
            assert!(numbers(&found["text"]).into_iter().all(|c| c >= 4.5), "{at}");
            assert!(numbers(&found["shapes"]).into_iter().all(|c| c >= 3.0), "{at}");
        }
    }
}

#[test]
#[cfg_attr(not(feature = "emulated"), ignore = "needs a browser: run `cargo xtask test`")]
fn a_page_is_drawn_and_printed() {
    let (browser, desk) = (Browser::new(), Desk::new());
    let path = report(&desk, "policy");
    let blank = desk.file("blank.html", "<!doctype html><title>blank</title>");
    let [light, dark] = [Scheme::Light, Scheme::Dark].map(|s| browser.screenshot(&path, s, 1280));
    // What has much to show compresses badly.
    let nothing = browser.screenshot(&blank, Scheme::Light, 1280);
    for drawn in [&light, &dark] {
        assert!(drawn.starts_with(b"\x89PNG") && drawn.len() > 10 * nothing.len());
    }
    assert!(light != dark);
    let paper = browser.printed(&path);
    assert!(paper.starts_with(b"%PDF-") && paper.len() > 50_000, "{}", paper.len());
}

#[test]
#[cfg_attr(not(feature = "emulated"), ignore = "needs a browser: run `cargo xtask test`")]
fn what_goes_wrong_on_a_page_is_heard() {
    let (browser, desk) = (Browser::new(), Desk::new());
    let page = desk.file("wrong.html", "<!doctype html><script>nothing.there()</script>");
    let (_, said) = browser.shown(&page, Scheme::Light, 1280);
    assert!(said.iter().any(|line| line.contains("nothing is not defined")), "{said:?}");
    // And the page's own policy stops what is not its own.
    report(&desk, "ncap_swimmer");
    let hurt =
        desk.read("ncap_swimmer/report.html").replace("</body>", "<script>1</script></body>");
    let (_, said) = browser.shown(&desk.file("hurt.html", hurt), Scheme::Light, 1280);
    assert!(said.iter().any(|line| line.contains("Content Security Policy")), "{said:?}");
}
