//! `headcount user`.

use super::{Desk, Reply};
use crate::console::state::{Role, StateError, User};
use crate::hit::SiteName;

/// Bytes of an e-mail address, as SMTP has it.
const EMAIL_BYTES_MAX: usize = 254;

pub(super) fn add(
    desk: &Desk<'_>,
    email: &str,
    role: &str,
    sites: &[String],
    password: &str,
) -> Result<Reply, StateError> {
    let Some(email) = address(email) else {
        return Ok(Reply::failed("give an e-mail address, such as ada@example.com"));
    };
    let Some(role) = Role::parse(role) else {
        return Ok(Reply::failed("a role is owner, editor or viewer"));
    };
    let mut readable = Vec::new();
    for site in sites {
        let site = desk.state.site(&site.trim().to_lowercase())?.ok_or(StateError::NoSite)?;
        readable.push(site.name);
    }
    let there = desk.state.password_of(&email)?.is_some();
    let user = User { email, role, sites: readable };
    desk.state.set_user(&user, password, desk.now)?;
    let what = if there { "changed" } else { "added" };
    Ok(Reply::done(vec![format!("{what} {}, {}", user.email, shown(&user))]))
}

pub(super) fn list(desk: &Desk<'_>) -> Result<Reply, StateError> {
    let users = desk.state.users()?;
    let line = |user: &User| format!("{}\t{}", user.email, shown(user));
    Ok(Reply::done(users.iter().map(line).collect()))
}

pub(super) fn remove(desk: &Desk<'_>, email: &str) -> Result<Reply, StateError> {
    let email = email.trim().to_lowercase();
    desk.state.remove_user(&email)?;
    Ok(Reply::done(vec![format!("removed {email}")]))
}

fn shown(user: &User) -> String {
    let sites: Vec<&str> = user.sites.iter().map(SiteName::as_str).collect();
    let sites = if sites.is_empty() { "all sites".to_owned() } else { sites.join(", ") };
    format!("{} of {sites}", user.role.name())
}

/// An address in lower case, as far as its form tells.
fn address(text: &str) -> Option<String> {
    let text = text.trim().to_lowercase();
    let (name, host) = text.rsplit_once('@')?;
    let plain = |part: &str| {
        !part.is_empty() && !part.chars().any(|c| c.is_whitespace() || c.is_control() || c == '@')
    };
    (plain(name) && plain(host) && text.len() <= EMAIL_BYTES_MAX).then_some(text)
}
