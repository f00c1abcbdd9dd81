//! The clear GIF's query: what an image without a script can say.

use std::borrow::Cow;

use super::{Besides, Kind, Malformed, Naming, Said, params};
use crate::limits;

/// The query of `GET /p.gif`; `page` is the page that holds the image, as far as the browser says.
pub(in crate::edge) fn said<'a>(
    query: &'a str,
    page: Option<&'a str>,
) -> Result<Said<'a>, Malformed> {
    let mut said = Said {
        naming: Naming::Domains(Cow::Borrowed("")),
        kind: Kind::Pageview,
        url: Cow::Borrowed(page.unwrap_or_default()),
        referrer: Cow::Borrowed(""),
        device: Cow::Borrowed(""),
        besides: Besides::default(),
    };
    for (key, value) in params::pairs(query).take(limits::QUERY_PARAMS_MAX) {
        match &*key {
            "s" => said.naming = Naming::Domains(value),
            "u" => said.url = value,
            "r" => said.referrer = value,
            "device" => said.device = value,
            "n" if !value.trim().is_empty() && value != "pageview" => {
                said.kind = Kind::Event {
                    name: value,
                    interactive: true,
                    props: Vec::new(),
                    revenue: None,
                };
            }
            _ => {}
        }
    }
    said.checked()
}
