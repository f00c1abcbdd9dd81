mod log;
mod writer;
