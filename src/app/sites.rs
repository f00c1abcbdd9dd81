//! Which sites are measured: those of the configuration file, those that were added, the demo's.

use std::sync::Arc;

use crate::config::Config;
use crate::console::Site;
use crate::edge::{Signals, SiteConfig, Sites, SitesError};
use crate::hit::{Second, SiteName};

/// The demo site's domain.
pub(super) const DEMO: &str = "demo.localhost";

/// The measured sites, and what the configuration says of them.
pub(super) struct Measured {
    pub(super) sites: Arc<Sites>,
    configured: Vec<SiteConfig>,
    signals: Signals,
}

impl Measured {
    pub(super) fn new(sites: Arc<Sites>, config: &Config) -> Self {
        Self { sites, configured: config.sites.clone(), signals: config.signals }
    }

    /// Measures these from now on.
    pub(super) fn set(&self, sites: &[Site], now: Second) -> Result<(), SitesError> {
        let of = |site: &Site| told(&self.configured, self.signals, site);
        self.sites.set(sites.iter().map(of).collect(), now)
    }
}

/// A site as it is measured: as the configuration says, if it stands there.
pub(super) fn of(config: &Config, site: &Site) -> SiteConfig {
    told(&config.sites, config.signals, site)
}

fn told(configured: &[SiteConfig], signals: Signals, site: &Site) -> SiteConfig {
    let configured = configured.iter().find(|config| config.name == site.name);
    configured.cloned().unwrap_or_else(|| SiteConfig {
        name: site.name.clone(),
        aliases: Vec::new(),
        timezone: site.timezone.clone(),
        signals,
        rules: Arc::default(),
    })
}

/// Adds the demo site to the configuration, if it is not there.
pub(super) fn with_demo(mut config: Config) -> Config {
    let Ok(name) = SiteName::parse(DEMO) else { return config };
    if !config.sites.iter().any(|site| site.name == name) {
        let signals = config.signals;
        config.sites.push(SiteConfig {
            name,
            aliases: Vec::new(),
            timezone: "UTC".to_owned(),
            signals,
            rules: Arc::default(),
        });
    }
    config
}

/// The configured sites, as the console knows them.
pub(super) fn configured(config: &Config) -> Vec<Site> {
    let site = |site: &SiteConfig| Site {
        name: site.name.clone(),
        timezone: site.timezone.clone(),
        configured: true,
    };
    config.sites.iter().map(site).collect()
}
