//! The `headcount` command: arguments in, an exit code out.

mod import;
mod mailings;

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use headcount::config::Config;
use headcount::console::{Command, Reply, password};
use headcount::edge::{ExportKind, LogFormat, PageLines, Pattern, Snippet};
use headcount::hit::SiteName;
use headcount::{app, store, telemetry, terminal};
use mailings::{Asked, MailingTask};

/// Counts the people who visit a website or open a mailing, and keeps none of them.
#[derive(Parser)]
#[command(name = "headcount", version, arg_required_else_help = true)]
struct Arguments {
    /// The configuration; without it, headcount.toml in the working folder, if it is there.
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The data folder; wins over the configuration.
    #[arg(long, global = true, value_name = "DIR")]
    data: Option<PathBuf>,
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Takes hits, and serves the dashboard.
    Serve {
        /// Serves a small demo site too, and measures it.
        #[arg(long)]
        demo: bool,
    },
    /// The measured sites.
    #[command(subcommand)]
    Site(SiteTask),
    /// The keys of the stats API.
    #[command(subcommand)]
    Key(KeyTask),
    /// Who may sign in with a password.
    #[command(subcommand)]
    User(UserTask),
    /// Mailings: their links, their tokens, their figures.
    #[command(subcommand)]
    Mailing(MailingTask),
    /// Counts what was written down elsewhere.
    #[command(subcommand)]
    Import(ImportTask),
    /// Prints the script element for the pages of a site.
    Snippet {
        /// The site's domain.
        #[arg(long, value_name = "DOMAIN")]
        site: String,
        /// Where the pages find the listener, or the proxy before it, such as
        /// https://stats.example.com.
        #[arg(long, value_name = "URL")]
        url: String,
        /// Counts forms, searches, tagged elements, missing pages and web vitals too.
        #[arg(long)]
        full: bool,
        /// This very build, with an integrity value: the element changes with each version.
        #[arg(long)]
        pinned: bool,
    },
    /// Prints a fresh link to sign in to the dashboard.
    SignIn,
    /// Says whether headcount runs, and how many are there now.
    Status,
    /// Checks configuration, store, keys, clock and disk, and says what to mend.
    Doctor,
}

#[derive(Subcommand)]
enum SiteTask {
    /// Measures a domain.
    Add {
        /// The domain, such as example.com.
        domain: String,
        /// Its time zone: an IANA name.
        #[arg(long, default_value = "UTC")]
        timezone: String,
    },
    /// Lists the measured domains and their time zones.
    List,
    /// Measures a domain no more. Its numbers stay.
    Remove {
        /// The domain.
        domain: String,
    },
}

#[derive(Subcommand)]
enum KeyTask {
    /// Makes a key, and prints it once, on the last line.
    Create {
        /// The site whose numbers it reads.
        #[arg(long, value_name = "DOMAIN")]
        site: String,
        /// What it is for.
        #[arg(long)]
        name: Option<String>,
        /// It may make, wrap and end mailings of the site, too.
        #[arg(long)]
        mailings: bool,
    },
    /// Lists the keys: never their secrets.
    List,
    /// Ends a key.
    Revoke {
        /// Its number in the list.
        id: i64,
    },
}

#[derive(Subcommand)]
enum UserTask {
    /// Adds a user, or gives one another role, other sites and another password.
    Add {
        /// The e-mail address.
        email: String,
        /// What it may do: owner, editor (adds and removes sites) or viewer (reads).
        #[arg(long, default_value = "viewer")]
        role: String,
        /// A site that it may read; may be given more than once. Without one: all.
        #[arg(long = "site", value_name = "DOMAIN")]
        sites: Vec<String>,
        /// Reads the password from standard input, a line of it.
        #[arg(long)]
        password_stdin: bool,
    },
    /// Lists the users.
    List,
    /// Takes a user out, and ends its sessions.
    Remove {
        /// The e-mail address.
        email: String,
    },
}

#[derive(Subcommand)]
enum ImportTask {
    /// Counts the page views of a web server's access log, at the times that stand there.
    ///
    /// A page view is a GET that was answered with 200 to 299 or 304, of a path whose last part has
    /// no extension, or one of html, htm, shtml, xhtml, php, asp, aspx, jsp, cgi. Lines of robots
    /// are dropped as live hits are.
    ///
    /// All files are one log: give those of one stretch of time in one command. The same log counts
    /// once, and days that have counts already are refused.
    AccessLog {
        /// Its files, plain or gzip; - is standard input.
        #[arg(required = true, value_name = "FILE")]
        files: Vec<PathBuf>,
        /// The site's domain.
        #[arg(long, value_name = "DOMAIN")]
        site: String,
        /// combined (nginx, Apache), common (which tells no agents, and so no robots), or
        /// vhost_combined.
        #[arg(long, default_value = "combined")]
        format: String,
        /// Paths that are pages, such as "/blog/*"; may be given more than once.
        #[arg(long = "only", value_name = "PATTERN")]
        only: Vec<String>,
        /// Paths that are none, such as "/api/*"; may be given more than once.
        #[arg(long = "except", value_name = "PATTERN")]
        except: Vec<String>,
        /// Adds to days that have counts already: their visitors are counted again.
        #[arg(long)]
        force: bool,
        /// Reads and counts, and keeps nothing.
        #[arg(long)]
        dry_run: bool,
    },
    /// Takes over the sums of an export of Plausible: of each day, its pages and its events.
    ///
    /// Give the unpacked CSV files of its archive. They stand under the channel and source
    /// Imported. Its sources, places and devices are left out: their visitors do not add up to the
    /// day's.
    Plausible(ExportFiles),
    /// Counts the hits of an export of Umami (website_event.csv), a visitor a day for each session.
    Umami(ExportFiles),
    /// Takes over the sums of reports of Google Analytics 4, exported as CSV.
    ///
    /// They must be by day (Date, or Nth day of a standard report): users, sessions and views, with
    /// bounce rate and average session duration if you have them; and, in tables of their own, by
    /// day and page path, or by day and event name. They stand under the channel and source
    /// Imported.
    Ga4(ExportFiles),
}

#[derive(clap::Args)]
struct ExportFiles {
    /// Its files, plain or gzip.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// The site's domain.
    #[arg(long, value_name = "DOMAIN")]
    site: String,
    /// Adds to days that have counts already: their visitors are counted again.
    #[arg(long)]
    force: bool,
    /// Reads and counts, and keeps nothing.
    #[arg(long)]
    dry_run: bool,
}

/// A command that could not be tried: wrong arguments or configuration.
const USAGE: u8 = 2;

fn main() -> ExitCode {
    let mut arguments = std::env::args_os().skip(1);
    // Started by `serve` alone, with the engine's own arguments.
    if arguments.next().is_some_and(|first| first == "engine") {
        let arguments: Vec<OsString> = arguments.collect();
        return store::engine::run_child(&arguments);
    }
    telemetry::tell_panics_by_place();
    run(Arguments::parse())
}

fn run(arguments: Arguments) -> ExitCode {
    let Arguments { config, data, task } = arguments;
    let mut config = match Config::load(config.as_deref(), std::env::vars()) {
        Ok(config) => config,
        Err(problems) => {
            terminal::complain(&problems.to_string());
            return ExitCode::from(USAGE);
        }
    };
    if let Some(data) = data {
        config.data_dir = data;
    }
    telemetry::set_level(config.log_level);
    let mut out = None;
    let command = match task {
        Task::Serve { demo } => return ended(app::serve(config, demo)),
        Task::Site(SiteTask::Add { domain, timezone }) => {
            Command::SiteAdd { domain, timezone: Some(timezone) }
        }
        Task::Site(SiteTask::List) => Command::SiteList,
        Task::Site(SiteTask::Remove { domain }) => Command::SiteRemove { domain },
        Task::Key(KeyTask::Create { site, name, mailings }) => {
            Command::KeyCreate { site, name, mailings }
        }
        Task::Key(KeyTask::List) => Command::KeyList,
        Task::Key(KeyTask::Revoke { id }) => Command::KeyRevoke { id },
        Task::User(UserTask::Add { email, role, sites, password_stdin }) => {
            match new_password(password_stdin) {
                Ok(password) => Command::UserAdd { email, role, sites, password },
                Err(why) => return ended(Err(why)),
            }
        }
        Task::User(UserTask::List) => Command::UserList,
        Task::User(UserTask::Remove { email }) => Command::UserRemove { email },
        Task::Import(ImportTask::AccessLog {
            files,
            site,
            format,
            only,
            except,
            force,
            dry_run,
        }) => {
            let log = log_import(files, site, &format, (&only, &except), (force, dry_run));
            return match log {
                Ok(log) => ended(import::run(&config, &log)),
                Err(why) => {
                    terminal::complain(&why);
                    ExitCode::from(USAGE)
                }
            };
        }
        Task::Import(ImportTask::Plausible(of)) => {
            return exported(&config, ExportKind::Plausible, of);
        }
        Task::Import(ImportTask::Umami(of)) => return exported(&config, ExportKind::Umami, of),
        Task::Import(ImportTask::Ga4(of)) => return exported(&config, ExportKind::Ga4, of),
        Task::Snippet { site, url, full, pinned } => {
            return match element(&config, &url, &site, Snippet { full, pinned }) {
                Ok(element) => {
                    terminal::say(&element);
                    ExitCode::SUCCESS
                }
                Err(why) => {
                    terminal::complain(&why);
                    ExitCode::from(USAGE)
                }
            };
        }
        Task::Mailing(task) => match task.asked() {
            Ok(Asked::Command(command, file)) => {
                out = file;
                command
            }
            Ok(Asked::Tokens(id, count)) => return ended(mailings::tokens(&config, &id, count)),
            Err(why) => return ended(Err(why)),
        },
        Task::SignIn => Command::SignIn,
        Task::Status => Command::Status,
        Task::Doctor => Command::Doctor,
    };
    match app::command(&config, &command) {
        Ok(Reply { ok: true, lines, document: Some(document) }) => {
            ended(mailings::written(&document, &lines, out.as_deref()))
        }
        Ok(reply) if reply.ok => {
            reply.lines.iter().for_each(|line| terminal::say(line));
            ExitCode::SUCCESS
        }
        Ok(reply) if command == Command::Doctor => {
            reply.lines.iter().for_each(|line| terminal::say(line));
            ExitCode::FAILURE
        }
        Ok(reply) => {
            reply.lines.iter().for_each(|line| terminal::complain(line));
            ExitCode::FAILURE
        }
        Err(error) => ended(Err(error)),
    }
}

fn exported(config: &Config, kind: ExportKind, of: ExportFiles) -> ExitCode {
    let ExportFiles { files, site, force, dry_run } = of;
    ended(import::run_export(config, &app::ExportImport { kind, files, site, force, dry_run }))
}

fn log_import(
    files: Vec<PathBuf>,
    site: String,
    format: &str,
    (only, except): (&[String], &[String]),
    (force, dry_run): (bool, bool),
) -> Result<app::LogImport, String> {
    let format = LogFormat::parse(format)
        .ok_or("--format is combined, common or vhost_combined".to_owned())?;
    let patterns = |texts: &[String]| -> Result<Vec<Pattern>, String> {
        let pattern =
            |text: &String| Pattern::parse(text).map_err(|error| format!("{text:?} {error}"));
        texts.iter().map(pattern).collect()
    };
    let pages = PageLines { only: patterns(only)?, except: patterns(except)? };
    Ok(app::LogImport { files, site, format, pages, force, dry_run })
}

fn element(config: &Config, url: &str, site: &str, snippet: Snippet) -> Result<String, String> {
    let site = SiteName::parse(site).map_err(|error| format!("--site: {error}"))?;
    let origin = url.trim_end_matches('/');
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b".:/[]_-".contains(&byte);
    let found = origin.strip_prefix("https://").or_else(|| origin.strip_prefix("http://"));
    if !found.is_some_and(|rest| !rest.is_empty() && rest.bytes().all(plain)) {
        return Err(
            "--url is where the listener is found, such as https://stats.example.com".into()
        );
    }
    Ok(config.ingest.paths.element(origin, site.as_str(), snippet))
}

/// The hash of a password that is asked for here.
fn new_password(from_stdin: bool) -> Result<String, String> {
    let typed = terminal::password(from_stdin)
        .map_err(|error| format!("the password could not be read ({error})"))?;
    password::hash(&typed).map_err(|error| error.to_string())
}

fn ended<E: std::fmt::Display>(result: Result<(), E>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            terminal::complain(&error.to_string());
            ExitCode::FAILURE
        }
    }
}
