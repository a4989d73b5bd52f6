//! Writing HTML and SVG so that nothing a server said can become markup: every text and every attribute's value is
//! escaped here, and names of elements and attributes come from our own source only.

use std::fmt::{self, Display, Write};

/// The attributes of an element.
pub(super) type Attributes<'a> = &'a [(&'static str, &'a dyn Display)];

/// A document as it grows.
#[derive(Debug, Default)]
pub(super) struct Markup {
    out: String,
}

impl Markup {
    /// What is not markup made by this type's methods: our own style sheet, the document type.
    pub(super) fn verbatim(&mut self, own: &'static str) {
        self.out.push_str(own);
    }

    pub(super) fn text(&mut self, text: impl Display) {
        let _ = write!(Escaped(&mut self.out), "{text}");
    }

    /// An element around what `inside` writes.
    pub(super) fn nest(
        &mut self,
        name: &'static str,
        attributes: Attributes<'_>,
        inside: impl FnOnce(&mut Self),
    ) {
        self.open(name, attributes, ">");
        inside(self);
        let _ = write!(self.out, "</{name}>");
    }

    /// An element around a text.
    pub(super) fn leaf(&mut self, name: &'static str, attributes: Attributes<'_>, text: impl Display) {
        self.nest(name, attributes, |element| element.text(text));
    }

    /// An element of SVG without anything in it.
    pub(super) fn empty(&mut self, name: &'static str, attributes: Attributes<'_>) {
        self.open(name, attributes, "/>");
    }

    /// An element of HTML that has no end, like `meta`.
    pub(super) fn void(&mut self, name: &'static str, attributes: Attributes<'_>) {
        self.open(name, attributes, ">");
    }

    pub(super) fn finish(self) -> String {
        self.out
    }

    fn open(&mut self, name: &'static str, attributes: Attributes<'_>, end: &str) {
        let _ = write!(self.out, "<{name}");
        for (attribute, value) in attributes {
            let _ = write!(self.out, " {attribute}=\"");
            let _ = write!(Escaped(&mut self.out), "{value}");
            self.out.push('"');
        }
        self.out.push_str(end);
    }
}

/// Passes text on with everything escaped that could end a text or an attribute's value.
struct Escaped<'a>(&'a mut String);

impl fmt::Write for Escaped<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for letter in text.chars() {
            match letter {
                '&' => self.0.push_str("&amp;"),
                '<' => self.0.push_str("&lt;"),
                '>' => self.0.push_str("&gt;"),
                '"' => self.0.push_str("&quot;"),
                '\'' => self.0.push_str("&#39;"),
                '\n' | '\t' => self.0.push(letter),
                // Control characters are no characters of HTML, and the marks that turn the direction of writing
                // could make a text look like another one.
                letter if letter.is_control() => self.0.push('\u{fffd}'),
                '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => self.0.push('\u{fffd}'),
                letter => self.0.push(letter),
            }
        }
        Ok(())
    }
}

/// A length or a place in a drawing, with as many digits as are seen.
#[derive(Debug, Clone, Copy)]
pub(super) struct Px(pub(super) f64);

impl Display for Px {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rounded = (self.0 * 10.0).round() / 10.0;
        // A drawing with an endless number in it is not drawn at all.
        if rounded.is_finite() { write!(f, "{rounded}") } else { f.write_str("0") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_and_values_cannot_leave_their_place() {
        let evil = "\"><script>alert('x')</script>&amp;\u{1b}\u{202e}";
        let mut markup = Markup::default();
        markup.leaf("p", &[("title", &evil)], evil);
        let safe = "&quot;&gt;&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;&amp;amp;\u{fffd}\u{fffd}";
        assert_eq!(markup.finish(), format!("<p title=\"{safe}\">{safe}</p>"));
    }

    #[test]
    fn elements_nest_and_end() {
        let mut markup = Markup::default();
        markup.nest("g", &[("x", &Px(1.25)), ("y", &Px(f64::NAN))], |group| {
            group.empty("path", &[("d", &"M0 0")])
        });
        assert_eq!(markup.finish(), "<g x=\"1.3\" y=\"0\"><path d=\"M0 0\"/></g>");
    }
}
