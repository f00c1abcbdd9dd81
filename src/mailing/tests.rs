//! Tests of the wrapper: a table for each rule, mailings as they are sent, laws.

mod laws;
mod mailings;
mod rules;

use super::*;

/// Where the mailings of these tests are wrapped for.
const LISTENER: Listener<'static> = Listener {
    base: "https://stats.example",
    pixel: Some("https://stats.example/e/o/7kq3.gif?a=1&b=2"),
    pixel_first: false,
    stop: None,
};

/// Without the pixel.
const LINKS_ONLY: Listener<'static> = Listener { pixel: None, ..LISTENER };

/// A listener that the wrapped links of [`LISTENER`] are foreign to.
const ELSEWHERE: Listener<'static> = Listener { base: "https://elsewhere.example", ..LINKS_ONLY };

/// Numbers destinations.
fn numbered() -> impl FnMut(&Target<'_>) -> Option<String> {
    let mut number = 0;
    move |_| {
        number += 1;
        Some(format!("https://stats.example/e/c/{number}"))
    }
}

/// The pixel as it stands in a mailing.
fn pixel() -> String {
    wrap("", LISTENER, |_| None).expect("nothing is HTML").html
}

/// The mailing without its pixel, its links as they were.
fn unwrapped(wrapped: &Wrapped) -> String {
    let html = wrapped.html.replacen(&pixel(), "", 1);
    let back = |Target { url, .. }: &Target<'_>| {
        let mut links = wrapped.links.iter();
        let link = links.find(|link| link.wrapped.as_deref() == Some(*url));
        link.map(|link| link.destination.clone())
    };
    wrap(&html, ELSEWHERE, back).expect("it was wrapped").html
}
