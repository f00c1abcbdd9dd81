//! What goes in, and what comes out.

mod agent;
mod channel;
mod corpora;
mod geo;
mod laws;
mod page;
mod real;
mod scrub;
mod source;
