//! What is proved, measured and unknown. Stands on the facts and the page.

use super::super::facts::Facts;
use super::super::page::{Section, claims};

/// Three short lists.
pub fn section(facts: &Facts) -> Option<Section> {
    let list = |class: &str, title: &str, about: &str, items: &[String]| {
        format!(
            "<div class=\"{class}\"><h3>{title}</h3>\n<p>{about}</p>\n{}</div>\n",
            claims(items)
        )
    };
    let c = &facts.claims;
    let html = format!(
        "<div class=\"columns\">\n{}{}{}</div>\n",
        list("proved", "Proved", "True of every input there can be.", &c.proved),
        list("measured", "Measured", "True of the rows named.", &c.measured),
        list("unknown", "Unknown", "Nobody can say from this data.", &c.unknown),
    );
    Some(Section { id: "known", title: "What can it do wrong, and how do we know?", html })
}
