//! The `headcount` command: arguments in, an exit code out.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Counts the people who visit a website or open a mailing, and keeps none of them.
#[derive(Parser)]
#[command(version, arg_required_else_help = true)]
struct Arguments {
    /// The configuration; without it, headcount.toml in the working folder, if it is there.
    #[arg(long, global = true)]
    config: Option<PathBuf>,
    /// The data folder; wins over the configuration.
    #[arg(long, global = true)]
    data: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Takes hits, and serves the dashboard.
    Serve {
        /// Serves a small demo site too, and measures it.
        #[arg(long)]
        demo: bool,
    },
    /// The measured sites.
    #[command(subcommand)]
    Site(SiteCommand),
    /// The keys of the stats API.
    #[command(subcommand)]
    Key(KeyCommand),
    /// Prints a fresh link to sign in to the dashboard.
    SignIn,
    /// Checks configuration, store, keys, clock and disk, and says what to mend.
    Doctor,
    /// The embedded ClickHouse; started by serve.
    #[command(hide = true, disable_help_flag = true)]
    Engine {
        /// Arguments of clickhouse local.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
}

#[derive(Subcommand)]
enum SiteCommand {
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
enum KeyCommand {
    /// Makes a key, and prints it once, on the last line.
    Create {
        /// The site whose numbers it reads.
        #[arg(long)]
        site: String,
        /// What it is for.
        #[arg(long, default_value = "")]
        name: String,
    },
    /// Lists the keys: never their secrets.
    List,
    /// Ends a key.
    Revoke {
        /// Its number in the list.
        id: i64,
    },
}
