//! The dashboard's files, as they were built: embedded, and compressed beforehand.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use rust_embed::{EmbeddedFile, RustEmbed};

use crate::edge;

#[derive(RustEmbed)]
#[folder = "dashboards/web/dist"]
struct Dashboard;

/// The dashboard's page.
pub(super) const INDEX: &str = "index.html";

const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
                      img-src 'self' data:; connect-src 'self'; font-src 'self'; \
                      base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

/// The file at `path` of the built dashboard. `accepts`: the request's accept-encoding;
/// `known`: its if-none-match.
pub(super) fn serve(path: &str, accepts: &str, known: Option<&str>) -> Option<Response> {
    let plain = Dashboard::get(path)?;
    let packed = [("br", ".br"), ("gzip", ".gz")].into_iter().find_map(|(coding, suffix)| {
        let file = edge::is_accepted(accepts, coding)
            .then(|| Dashboard::get(&format!("{path}{suffix}")))?;
        file.map(|file| (coding, file))
    });
    let (coding, file) = packed.map_or((None, plain), |(coding, file)| (Some(coding), file));
    let tag = tag(&file);
    let caching = if path.starts_with("assets/") {
        // Their names hold a hash of what is in them.
        "public, max-age=31536000, immutable"
    } else {
        "no-cache"
    };
    let mut response = if known == Some(tag.as_str()) {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        let mut response = file.data.into_response();
        set(&mut response, header::CONTENT_TYPE, content_type(path));
        if let Some(coding) = coding {
            set(&mut response, header::CONTENT_ENCODING, coding);
        }
        response
    };
    set(&mut response, header::CACHE_CONTROL, caching);
    set(&mut response, header::VARY, "accept-encoding");
    if let Ok(tag) = HeaderValue::from_str(&tag) {
        response.headers_mut().insert(header::ETAG, tag);
    }
    Some(response)
}

fn tag(file: &EmbeddedFile) -> String {
    let hash = blake3::Hash::from_bytes(file.metadata.sha256_hash()).to_hex();
    format!("\"{}\"", &hash[..32])
}

fn content_type(path: &str) -> &'static str {
    match path.rsplit('.').next().unwrap_or_default() {
        "html" => "text/html; charset=utf-8",
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "json" | "map" => "application/json",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "ico" => "image/x-icon",
        "webp" => "image/webp",
        "woff2" => "font/woff2",
        "txt" => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}

/// What every answer of the console carries.
pub(super) async fn harden(mut response: Response) -> Response {
    set(&mut response, header::CONTENT_SECURITY_POLICY, POLICY);
    set(&mut response, header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    set(&mut response, header::REFERRER_POLICY, "same-origin");
    let headers = response.headers_mut();
    let topics = HeaderValue::from_static("browsing-topics=()");
    headers.insert(header::HeaderName::from_static("permissions-policy"), topics);
    let none = HeaderValue::from_static("no-store");
    headers.entry(header::CACHE_CONTROL).or_insert(none);
    response
}

fn set(response: &mut Response, name: header::HeaderName, value: &'static str) {
    response.headers_mut().insert(name, HeaderValue::from_static(value));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_dashboards_page_is_embedded() {
        let page = serve(INDEX, "", None).expect("an index page");
        assert_eq!(page.headers()[header::CACHE_CONTROL], "no-cache");
        let tag = page.headers()[header::ETAG].to_str().expect("text").to_owned();
        let again = serve(INDEX, "", Some(&tag)).expect("an index page");
        assert_eq!(again.status(), StatusCode::NOT_MODIFIED);
        assert!(serve("../Cargo.toml", "", None).is_none());
    }
}
