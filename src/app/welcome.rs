//! What the program prints once it runs: where everything is, and how to begin.

use crate::config::Config;
use crate::console::{StateDb, StateError};
use crate::edge::Snippet;
use crate::hit::Second;
use crate::terminal::say;

/// Where a browser on this machine finds a listener.
pub(super) fn url_of(listen: &str) -> String {
    let listen = listen.replacen("0.0.0.0:", "127.0.0.1:", 1).replacen("[::]:", "[::1]:", 1);
    format!("http://{listen}")
}

/// Says where everything is, and how to begin.
pub(super) fn welcome(
    config: &Config,
    state: &StateDb,
    console: &str,
    demo: bool,
    now: Second,
) -> Result<(), StateError> {
    let ingest = url_of(&config.ingest.listen);
    say("");
    if demo {
        say(&format!("  Demo site    {ingest}/"));
    } else {
        say(&format!("  Ingest       {ingest}"));
    }
    say(&format!("  Dashboard    {console}/"));
    say("");
    let sites = state.sites()?;
    let site = sites.first().map_or("example.com", |site| site.name.as_str());
    if sites.is_empty() {
        say("  No site is measured yet. Add one:");
        say("      headcount site add example.com --timezone Europe/Berlin");
        say("");
    }
    say("  Paste this into the pages of the site:");
    say(&format!("      {}", config.ingest.paths.element(&ingest, site, Snippet::default())));
    say("");
    if demo || !state.has_session(now)? {
        let token = state.create_sign_in(now)?;
        say("  Sign in to the dashboard, once, within an hour:");
        say(&format!("      {console}/sign-in?token={token}"));
    } else {
        say("  To sign in to the dashboard on another browser: headcount sign-in");
    }
    say("");
    Ok(())
}
