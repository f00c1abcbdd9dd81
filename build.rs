//! Sees to it that there is a dashboard to embed: the built one, or a page that says how to build
//! it, so that the program compiles and its tests run without Node.

use std::path::Path;
use std::{env, fs, io};

const INDEX: &str = "dashboards/web/dist/index.html";
const NOT_BUILT: &str = "the dashboard was not built: run `make build`";

#[expect(clippy::disallowed_macros, reason = "cargo reads a build script's standard output")]
fn main() -> io::Result<()> {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-changed=dashboards/web/dist");
    println!("cargo:rerun-if-env-changed=HEADCOUNT_REQUIRE_DASHBOARD");
    let index = Path::new(INDEX);
    let built = match fs::read_to_string(index) {
        Ok(page) => !page.contains(NOT_BUILT),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            if let Some(folder) = index.parent() {
                fs::create_dir_all(folder)?;
            }
            let head = "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\">";
            fs::write(index, format!("{head}<title>Headcount</title><p>{NOT_BUILT}</p></html>\n"))?;
            false
        }
        Err(error) => return Err(error),
    };
    let required = env::var("HEADCOUNT_REQUIRE_DASHBOARD").is_ok_and(|value| value == "1");
    if required && !built {
        return Err(io::Error::other(NOT_BUILT));
    }
    Ok(())
}
