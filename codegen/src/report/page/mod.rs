//! A page around sections: its head, its verdict, its contents. It needs no network and runs no script. Stands on texts.

mod markup;

pub use self::markup::{Cell, claims, details, facts, key, name, paragraph, share, table, words};

const STYLE: &str = include_str!("style.css");

/// A part of a page, under a heading of its own.
#[derive(Debug, Clone)]
pub struct Section {
    /// What links to it: letters and hyphens.
    pub id: &'static str,
    /// Its heading.
    pub title: &'static str,
    /// Its content, as HTML.
    pub html: String,
}

/// What stands above all sections.
#[derive(Debug, Clone)]
pub struct Head<'a> {
    /// What the page is about.
    pub title: &'a str,
    /// Whether all is as wanted.
    pub kept: bool,
    /// The verdict in a sentence.
    pub verdict: &'a str,
    /// A few figures and what they are.
    pub figures: Vec<(&'static str, String)>,
    /// How to read them.
    pub note: &'a str,
}

/// The whole page.
pub fn page(head: &Head, sections: &[Section], foot: &str) -> String {
    let title = name(head.title);
    let (class, badge) = match head.kept {
        true => ("kept", "\u{2713} Within the tolerance"),
        false => ("missed", "\u{2717} Not as wanted"),
    };
    let figure = |(term, value): &(&str, String)| {
        format!("<div><dt>{}</dt><dd>{}</dd></div>\n", words(term), words(value))
    };
    let figures: String = head.figures.iter().map(figure).collect();
    let link = |s: &Section| format!("<li><a href=\"#{}\">{}</a></li>\n", s.id, words(s.title));
    let links: String = sections.iter().map(link).collect();
    let section = |Section { id, title, html }: &Section| {
        format!(
            "<section id=\"{id}\" aria-labelledby=\"{id}-title\">\n<h2 id=\"{id}-title\">{}</h2>\n{html}</section>\n",
            words(title)
        )
    };
    let sections: String = sections.iter().map(section).collect();
    let (verdict, note, foot) = (words(head.verdict), words(head.note), words(foot));
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; img-src data:\">\n\
         <link rel=\"icon\" href=\"data:,\">\n<title>{title}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n\
         <a class=\"skip\" href=\"#main\">To the report</a>\n<header>\n<h1>{title} as integers</h1>\n\
         <p class=\"badge {class}\">{badge}</p>\n<p class=\"verdict\">{verdict}</p>\n\
         <dl class=\"figures\">\n{figures}</dl>\n<p class=\"note\">{note}</p>\n<nav aria-label=\"Contents\"><ul>\n{links}</ul></nav>\n</header>\n\
         <main id=\"main\">\n{sections}</main>\n<footer><p>{foot}</p></footer>\n</body>\n</html>\n"
    )
}
