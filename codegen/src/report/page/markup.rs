//! Elements of a page. All text is escaped here; what is HTML already is called so. Stands on texts.

use crate::text;

/// Most characters of a name in a page.
const LONGEST: usize = 48;

/// A cell of a table.
#[derive(Debug, Clone)]
pub enum Cell {
    /// Words, aligned to the left.
    Words(String),
    /// What the row is about.
    Name(String),
    /// A number, aligned to the right.
    Number(String),
    /// One that stands out.
    Marked(String),
    /// HTML.
    Html(String),
}

/// A name as a page may hold it: on one line, short, and nothing but text.
pub fn name(name: &str) -> String {
    text::escaped(&text::shortened(&text::plain(name), LONGEST))
}

/// A sentence as a page may hold it.
pub fn words(words: &str) -> String {
    text::escaped(&text::plain(words))
}

/// A paragraph.
pub fn paragraph(sentence: &str) -> String {
    format!("<p>{}</p>\n", words(sentence))
}

/// A table that scrolls by itself where it is too wide; `caption` is its name.
pub fn table(caption: &str, head: &[&str], rows: &[Vec<Cell>]) -> String {
    let number = |column: usize| {
        rows.first()
            .is_some_and(|row| matches!(row.get(column), Some(Cell::Number(_) | Cell::Marked(_))))
    };
    let heading = |(i, title): (usize, &&str)| {
        let class = if number(i) { " class=\"number\"" } else { "" };
        format!("<th scope=\"col\"{class}>{}</th>", name(title))
    };
    let head: String = head.iter().enumerate().map(heading).collect();
    let row =
        |cells: &Vec<Cell>| format!("<tr>{}</tr>\n", cells.iter().map(cell).collect::<String>());
    let rows: String = rows.iter().map(row).collect();
    let caption = words(caption);
    format!(
        "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"{}\"><table>\n<caption>{caption}</caption>\n\
         <thead><tr>{head}</tr></thead>\n<tbody>\n{rows}</tbody>\n</table></div>\n",
        caption.replace('"', "&quot;")
    )
}

fn cell(cell: &Cell) -> String {
    match cell {
        Cell::Words(content) => format!("<td class=\"words\">{}</td>", words(content)),
        Cell::Name(content) => format!("<td class=\"name\">{}</td>", name(content)),
        Cell::Number(content) => format!("<td class=\"number\">{}</td>", words(content)),
        Cell::Marked(content) => {
            format!("<td class=\"number same\">{}</td>", words(content))
        }
        Cell::Html(html) => format!("<td>{html}</td>"),
    }
}

/// HTML that is shown when asked for.
pub fn details(summary: &str, html: &str) -> String {
    format!("<details><summary>{}</summary>\n{html}</details>\n", words(summary))
}

/// A list of claims.
pub fn claims(items: &[String]) -> String {
    let items: String = items.iter().map(|item| format!("<li>{}</li>\n", words(item))).collect();
    format!("<ul class=\"claims\">\n{items}</ul>\n")
}

/// A list of terms, each with HTML that says what it is.
pub fn facts<'a>(facts: impl IntoIterator<Item = (&'a str, String)>) -> String {
    let fact = |(term, html): (&str, String)| format!("<dt>{}</dt><dd>{html}</dd>\n", words(term));
    format!("<dl class=\"facts\">\n{}</dl>\n", facts.into_iter().map(fact).collect::<String>())
}

/// A share between 0 and 1 as a bar beside the words that say it.
pub fn share(share: f64, said: &str) -> String {
    let width = (100.0 * share.clamp(0.0, 1.0)).round();
    format!(
        "<span class=\"share\" aria-hidden=\"true\"><i style=\"width:{width}%\"></i></span>{}",
        words(said)
    )
}

/// What the curves of float and integers look like.
pub fn key() -> &'static str {
    "<p><span class=\"key float\"></span>float network <span class=\"key integers\"></span>integers, drawn over it</p>\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_from_outside_is_markup() {
        let hostile = "<script>alert(\"1\")</script>&\u{202e}\n";
        let cells = [Cell::Words, Cell::Name, Cell::Number, Cell::Marked]
            .map(|cell| cell(hostile.to_owned()));
        let page = [
            table(hostile, &[hostile], &[cells.to_vec()]),
            paragraph(hostile),
            details(hostile, ""),
            claims(&[hostile.to_owned()]),
            facts([(hostile, name(hostile))]),
            share(2.0, hostile),
        ];
        let page = page.concat();
        assert!(!page.contains("<script") && !page.contains('\u{202e}'), "{page}");
        assert!(page.contains("&lt;script&gt;") && page.contains("&quot;1&quot;"), "{page}");
    }
}
