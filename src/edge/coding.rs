//! Content codings: what was compressed beforehand is sent to whoever takes it.

/// Whether an accept-encoding header takes this coding; `q=0` means that it does not.
#[must_use]
pub fn is_accepted(accepts: &str, coding: &str) -> bool {
    accepts.split(',').any(|item| {
        let mut parts = item.split(';').map(str::trim);
        let named = parts.next().is_some_and(|name| name.eq_ignore_ascii_case(coding));
        let refused = parts.any(|part| {
            part.strip_prefix("q=").is_some_and(|q| q.parse::<f32>().is_ok_and(|q| q <= 0.0))
        });
        named && !refused
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_coding_is_taken_when_it_is_named_and_not_refused() {
        for (accepts, coding, expected) in [
            ("gzip, deflate, br", "br", true),
            ("gzip;q=0.5, BR ; q=1", "br", true),
            ("gzip, br;q=0", "br", false),
            ("br;q=0.000", "br", false),
            ("brotli", "br", false),
            ("", "gzip", false),
        ] {
            assert_eq!(is_accepted(accepts, coding), expected, "{accepts:?}");
        }
    }
}
