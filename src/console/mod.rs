//! API, sign-in, the dashboard.
