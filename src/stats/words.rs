//! The words of a question: metrics and dimensions, as Plausible's Stats API v2 names them.

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $word:literal,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum $name { $($(#[$vdoc])* $variant,)* }

        impl $name {
            /// Every one there is, in the order in which errors list them.
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            /// Its name in questions and answers.
            #[must_use]
            pub fn word(self) -> &'static str {
                match self { $(Self::$variant => $word,)* }
            }

            /// The one of that name.
            #[must_use]
            pub fn parse(word: &str) -> Option<Self> {
                match word { $($word => Some(Self::$variant),)* _ => None }
            }

            /// All names, for an error that lists what is valid.
            #[must_use]
            pub fn list() -> String {
                Self::ALL.iter().map(|each| each.word()).collect::<Vec<_>>().join(", ")
            }
        }
    };
}

words! {
    /// What is asked for.
    Metric {
        /// Devices per day, added over days.
        Visitors = "visitors",
        /// Visits that began.
        Visits = "visits",
        /// Page views.
        Pageviews = "pageviews",
        /// Page views per visit.
        ViewsPerVisit = "views_per_visit",
        /// Visits with at most one page view and no interactive event, in percent.
        BounceRate = "bounce_rate",
        /// Seconds from the first hit to the last, averaged over all visits.
        VisitDuration = "visit_duration",
        /// Page views and other events; under `event:name` the events of that name.
        Events = "events",
    }
}

words! {
    /// What an answer is broken down by, or filtered on.
    Dimension {
        /// The page that was viewed.
        Page = "event:page",
        /// The host name.
        Hostname = "event:hostname",
        /// The event's name.
        EventName = "event:name",
        /// The page that opened the visit.
        EntryPage = "visit:entry_page",
        /// `Organic Search`, `Direct`, …
        Channel = "visit:channel",
        /// The source's name.
        Source = "visit:source",
        /// The referring host.
        Referrer = "visit:referrer",
        /// `utm_source`.
        UtmSource = "visit:utm_source",
        /// `utm_medium`.
        UtmMedium = "visit:utm_medium",
        /// `utm_campaign`.
        UtmCampaign = "visit:utm_campaign",
        /// `utm_content`.
        UtmContent = "visit:utm_content",
        /// `utm_term`.
        UtmTerm = "visit:utm_term",
        /// ISO 3166 alpha-2.
        Country = "visit:country",
        /// Region, where the operator turned it on.
        Region = "visit:region",
        /// City, where the operator turned it on.
        City = "visit:city",
        /// Browser family.
        Browser = "visit:browser",
        /// Its major version.
        BrowserVersion = "visit:browser_version",
        /// System family.
        Os = "visit:os",
        /// Its major version.
        OsVersion = "visit:os_version",
        /// `Desktop`, `Mobile`, …
        Device = "visit:device",
        /// Primary language subtag.
        Language = "visit:language",
    }
}

words! {
    /// The grain of a time dimension, in the site's time zone.
    Grain {
        /// By hour.
        Hour = "time:hour",
        /// By day.
        Day = "time:day",
        /// By week; weeks begin on Monday.
        Week = "time:week",
        /// By month.
        Month = "time:month",
    }
}

impl Dimension {
    /// What an answer shows for the empty value; a filter takes it back.
    #[must_use]
    pub fn empty_label(self) -> &'static str {
        match self {
            Self::Source | Self::Referrer => "Direct / None",
            Self::EventName | Self::Page | Self::EntryPage => "(none)",
            _ => "(not set)",
        }
    }
}
