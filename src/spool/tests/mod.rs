mod log;
mod torn;
mod writer;
