//! The console's routes.

mod api;
mod assets;
mod error;
mod mailings;
mod pages;
mod reader;

use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::routing::{delete, get, post};

use super::Console;
use crate::limits;

/// The body of a request with a mailing in it: as JSON, with quotes and line ends escaped.
fn of_mailing() -> DefaultBodyLimit {
    DefaultBodyLimit::max(2 * limits::MAILING_BYTES_MAX)
}

/// Every route.
pub(super) fn router(console: Arc<Console>) -> Router {
    Router::new()
        .route("/api/v2/query", post(api::query))
        .route("/api/v2/query/words", get(api::words))
        .route("/api/v1/ledger", get(api::ledger))
        .route("/api/v1/live", get(api::live))
        .route("/api/v1/session", get(api::session))
        .route("/api/v1/sites", get(api::sites).post(api::add_site))
        .route("/api/v1/sites/{*domain}", delete(api::remove_site))
        .route("/api/v1/mailings", get(mailings::list).post(mailings::create))
        .route("/api/v1/mailings/{id}", get(mailings::report))
        .route("/api/v1/mailings/{id}/wrap", post(mailings::wrap).layer(of_mailing()))
        .route("/api/v1/mailings/{id}/sent", post(mailings::sent))
        .route("/api/v1/mailings/{id}/tokens", post(mailings::tokens))
        .route("/api/v1/mailings/{id}/revoke", post(mailings::revoke))
        .route("/api/v1/mailings/{id}/key", delete(mailings::shred))
        .route("/api/{*rest}", get(api::unknown).post(api::unknown).delete(api::unknown))
        .route("/metrics", get(api::metrics))
        .route("/sign-in", get(pages::sign_in).post(pages::sign_in_with_password))
        .route("/sign-in.css", get(pages::sign_in_style))
        .route("/sign-out", post(pages::sign_out))
        .fallback(get(pages::dashboard))
        .layer(DefaultBodyLimit::max(limits::BODY_BYTES_MAX))
        .layer(axum::middleware::map_response(assets::harden))
        .with_state(console)
}
