//! Finds what there is to wrap.
//!
//! A browser sees neither into conditional comments (`<!--[if mso]> … <![endif]-->`), which Outlook
//! reads as HTML, nor with scripts into `<noscript>`, which mail clients show. Their insides are
//! scanned as texts of their own, once: neither stands in itself.

use std::cell::RefCell;
use std::ops::Range;
use std::rc::Rc;

use lol_html::errors::RewritingError;
use lol_html::html_content::{Comment, Element, TextChunk, TextType};
use lol_html::{RewriteStrSettings, doc_comments, doc_text, element, rewrite_str};

/// The namespace of HTML's elements.
const XHTML: &str = "http://www.w3.org/1999/xhtml";

/// A link as it stands in the HTML.
pub(super) struct Anchor {
    /// The href, entities decoded.
    pub href: String,
    /// Where its value stands, with its quotes.
    pub value: Range<usize>,
    /// Its text and that of its pictures, entities decoded.
    pub text: String,
    /// Where its `data-notrack` stand.
    pub notrack: Vec<Range<usize>>,
    /// Where its `data-forward` stand: it is for passing the mailing on.
    pub forward: Vec<Range<usize>>,
    /// Whether an attribute says that it is for unsubscribing.
    pub unsubscribes: bool,
}

/// What was found, in the order of the text.
#[derive(Default)]
pub(super) struct Scan {
    /// Links.
    pub anchors: Vec<Anchor>,
    /// Where a `<base href>` begins.
    pub bases: Vec<usize>,
    /// Where the first `<body>` ends.
    pub body_start: Option<usize>,
    /// Where the last `</body>` begins.
    pub body_end: Option<usize>,
    /// What mail clients read as HTML though this parser did not.
    insides: Vec<Range<usize>>,
    /// The anchor that is open, by its number.
    open: Option<usize>,
}

/// Finds all links.
///
/// # Errors
///
/// It can be read in two ways, since raw text begins in a `<select>` or `<frameset>`.
pub(super) fn scan(html: &str) -> Result<Scan, RewritingError> {
    let mut scan = scan_part(html, 0..html.len())?;
    for inside in std::mem::take(&mut scan.insides) {
        let mut part = scan_part(html, inside)?;
        scan.anchors.append(&mut part.anchors);
        scan.bases.append(&mut part.bases);
    }
    scan.anchors.sort_by_key(|anchor| anchor.value.start);
    for anchor in &mut scan.anchors {
        anchor.text = htmlize::unescape(anchor.text.as_str()).into_owned();
    }
    Ok(scan)
}

/// Scans a part of the HTML; places are those in the whole.
fn scan_part(html: &str, part: Range<usize>) -> Result<Scan, RewritingError> {
    let offset = part.start;
    let scan = Rc::new(RefCell::new(Scan::default()));
    let settings = RewriteStrSettings::new()
        .append_element_content_handler(element!("*", |it| {
            Scan::element(&scan, html, offset, it);
            Ok(())
        }))
        .append_document_content_handler(doc_text!(|it| {
            scan.borrow_mut().text(it);
            Ok(())
        }))
        .append_document_content_handler(doc_comments!(|it| {
            scan.borrow_mut().comment(html, offset, it);
            Ok(())
        }));
    rewrite_str(&html[part], settings)?;
    Ok(scan.take())
}

impl Scan {
    fn element(scan: &Rc<RefCell<Self>>, html: &str, offset: usize, it: &mut Element<'_, '_>) {
        let tag = shifted(it.source_location().bytes(), offset);
        let name = it.tag_name();
        let mut this = scan.borrow_mut();
        match name.as_str() {
            "img" => this.picture(it),
            "base" if it.has_attribute("href") => this.bases.push(tag.start),
            "body" => {
                this.body_start.get_or_insert(tag.end);
                Self::at_end(scan, it, move |this, at| this.body_end = Some(offset + at));
            }
            // In SVG it is an element like any other.
            "noscript" if it.namespace_uri() == XHTML => Self::at_end(scan, it, move |this, at| {
                this.insides.push(tag.end..offset + at);
            }),
            "a" | "area" => this.link(scan, html, offset, it),
            _ if name.starts_with("v:") => this.link(scan, html, offset, it),
            _ => {}
        }
    }

    fn link(
        &mut self,
        scan: &Rc<RefCell<Self>>,
        html: &str,
        offset: usize,
        it: &mut Element<'_, '_>,
    ) {
        let Some(mut anchor) = anchor(html, offset, it) else { return };
        if it.tag_name() == "area" {
            anchor.text = it.get_attribute("alt").unwrap_or_default();
        } else if !it.is_self_closing() || it.tag_name() == "a" {
            self.open = Some(self.anchors.len());
            Self::at_end(scan, it, |this, _| this.open = None);
        }
        self.anchors.push(anchor);
    }

    /// Has `then` done with where the element's end tag begins, if it has one.
    fn at_end(
        scan: &Rc<RefCell<Self>>,
        it: &mut Element<'_, '_>,
        then: impl FnOnce(&mut Self, usize) + 'static,
    ) {
        let scan = Rc::clone(scan);
        if let Some(handlers) = it.end_tag_handlers() {
            handlers.push(Box::new(move |end| {
                then(&mut scan.borrow_mut(), end.source_location().bytes().start);
                Ok(())
            }));
        }
    }

    fn picture(&mut self, it: &Element<'_, '_>) {
        if let (Some(open), Some(alt)) = (self.open, it.get_attribute("alt")) {
            self.anchors[open].text.extend([" ", alt.as_str(), " "]);
        }
    }

    fn text(&mut self, it: &TextChunk<'_>) {
        if let (Some(open), TextType::Data) = (self.open, it.text_type()) {
            self.anchors[open].text.push_str(it.as_str());
        }
    }

    fn comment(&mut self, html: &str, offset: usize, it: &Comment<'_>) {
        let whole = shifted(it.source_location().bytes(), offset);
        self.insides.extend(inside(&html[whole.clone()]).map(|it| shifted(it, whole.start)));
    }
}

/// What a conditional comment holds.
fn inside(comment: &str) -> Option<Range<usize>> {
    let is_conditional = comment.get(4..7)?.eq_ignore_ascii_case("[if");
    let start = comment.find("]>").filter(|_| is_conditional)? + 2;
    let end = comment.rfind("<![").filter(|end| *end >= start).unwrap_or(comment.len());
    Some(start..end)
}

/// The element as a link. None: it has no href.
fn anchor(html: &str, offset: usize, it: &Element<'_, '_>) -> Option<Anchor> {
    let attributes = it.attributes();
    // Of two, the first counts.
    let href = attributes.iter().find(|attribute| attribute.name() == "href")?;
    let value = shifted(href.value_source_location()?.bytes(), offset);
    let places = |of: &str| -> Vec<Range<usize>> {
        let of = attributes.iter().filter(|it| it.name() == of);
        let place = of.filter_map(|it| {
            let name = shifted(it.name_source_location()?.bytes(), offset);
            let value = it.value_source_location().map(|it| shifted(it.bytes(), offset));
            Some(removed(html, name.start..value.map_or(name.end, |it| quoted(html, it).end)))
        });
        place.collect()
    };
    let rel = it.get_attribute("rel").unwrap_or_default();
    Some(Anchor {
        href: htmlize::unescape_attribute(href.value()).into_owned(),
        value: quoted(html, value),
        text: String::new(),
        notrack: places("data-notrack"),
        forward: places("data-forward"),
        unsubscribes: it.has_attribute("data-unsubscribe")
            || rel.split_ascii_whitespace().any(|it| it.eq_ignore_ascii_case("unsubscribe")),
    })
}

/// An attribute's value with its quotes, if it has some.
fn quoted(html: &str, value: Range<usize>) -> Range<usize> {
    match html.as_bytes().get(value.start - 1) {
        Some(b'"' | b'\'') => value.start - 1..value.end + 1,
        _ => value,
    }
}

/// An attribute with the space in front of it, if none of it is needed behind it.
fn removed(html: &str, attribute: Range<usize>) -> Range<usize> {
    let before = &html[..attribute.start];
    match html.as_bytes().get(attribute.end) {
        Some(b' ' | b'\t' | b'\r' | b'\n' | b'\x0c' | b'>') => {
            before.trim_ascii_end().len()..attribute.end
        }
        _ => attribute,
    }
}

fn shifted(range: Range<usize>, by: usize) -> Range<usize> {
    range.start + by..range.end + by
}
