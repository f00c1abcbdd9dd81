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
        /// Seconds that a visit looked at a page.
        TimeOnPage = "time_on_page",
        /// How far down a visit saw a page, in percent.
        ScrollDepth = "scroll_depth",
        /// Views of a page that were the last of their visit, in percent.
        ExitRate = "exit_rate",
        /// What events brought in, in one currency.
        TotalRevenue = "total_revenue",
        /// The same, per event that brought something in.
        AverageRevenue = "average_revenue",
        /// A goal's visitors among all visitors, in percent.
        ConversionRate = "conversion_rate",
        /// A goal's visitors among the visitors of the same row, in percent.
        GroupConversionRate = "group_conversion_rate",
        /// The row's visitors among all visitors, in percent.
        Percentage = "percentage",
    }
}

words! {
    /// What an answer is broken down by, or filtered on.
    Dimension {
        /// The page that was viewed, or on which the event happened.
        Page = "event:page",
        /// The host name.
        Hostname = "event:hostname",
        /// The event's name. Plausible's `event:goal` is read as the same.
        EventName = "event:name",
        /// The currency of the event's revenue.
        Currency = "event:currency",
        /// The value of one property of events; its key stands in the question.
        Prop = "event:props:KEY",
        /// The page that opened the visit.
        EntryPage = "visit:entry_page",
        /// The last page that the visit viewed.
        ExitPage = "visit:exit_page",
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

/// What a metric's number is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// A whole number.
    Count,
    /// A number per visit.
    Ratio,
    /// Percent.
    Percent,
    /// Seconds.
    Seconds,
    /// An object: `value`, `currency`, `short`, `long`.
    Money,
}

impl Unit {
    /// Its name in the list of words.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Count => "count",
            Self::Ratio => "ratio",
            Self::Percent => "percent",
            Self::Seconds => "seconds",
            Self::Money => "money",
        }
    }
}

impl Metric {
    /// What its number is.
    #[must_use]
    pub fn unit(self) -> Unit {
        match self {
            Self::Visitors | Self::Visits | Self::Pageviews | Self::Events => Unit::Count,
            Self::ViewsPerVisit => Unit::Ratio,
            Self::VisitDuration | Self::TimeOnPage => Unit::Seconds,
            Self::TotalRevenue | Self::AverageRevenue => Unit::Money,
            Self::BounceRate
            | Self::ScrollDepth
            | Self::ExitRate
            | Self::ConversionRate
            | Self::GroupConversionRate
            | Self::Percentage => Unit::Percent,
        }
    }

    /// What it counts, in words for whoever reads the number.
    #[must_use]
    pub fn definition(self) -> &'static str {
        match self {
            Self::Visitors => {
                "Devices per day, added over days; each under the source and the place of its \
                 first visit of the day. By the hour: devices per hour."
            }
            Self::Visits => {
                "Visits that began: hits of one visitor with no gap over 30 minutes. Of a page: \
                 visits that began there; of an exit page: visits that ended there."
            }
            Self::Pageviews => "Page views.",
            Self::ViewsPerVisit => "Page views / visits. Of a page: of visits that began there.",
            Self::BounceRate => {
                "Visits with at most one page view and no interactive event / visits. Of a page: \
                 of visits that began there."
            }
            Self::VisitDuration => {
                "Last hit − first hit, averaged over all visits. Of a page: over visits that \
                 began there."
            }
            Self::Events => "Page views and events; of an event's name: events of that name.",
            Self::TimeOnPage => {
                "Time that a page was looked at / visits that told how long they looked at it."
            }
            Self::ScrollDepth => {
                "How far down a page was seen, at the furthest in each visit, averaged over the \
                 visits that told."
            }
            Self::ExitRate => "Views that were the last of their visit / views of the page.",
            Self::TotalRevenue => {
                "What the events brought in. Nothing where several currencies would be added."
            }
            Self::AverageRevenue => "Revenue / events that had one.",
            Self::ConversionRate => {
                "The goal's visitors / all visitors under the same filters without the goal."
            }
            Self::GroupConversionRate => {
                "The goal's visitors / visitors of the same row without the goal."
            }
            Self::Percentage => "The row's visitors / all visitors under the same filters.",
        }
    }
}

impl Dimension {
    /// What an answer shows for the empty value; a filter takes it back.
    #[must_use]
    pub fn empty_label(self) -> &'static str {
        match self {
            Self::Source | Self::Referrer => "Direct / None",
            Self::EventName | Self::Prop | Self::Page | Self::EntryPage | Self::ExitPage => {
                "(none)"
            }
            _ => "(not set)",
        }
    }

    /// What it is, in words for whoever reads the answer.
    #[must_use]
    pub fn definition(self) -> &'static str {
        match self {
            Self::Page => "Page that was viewed, or on which the event happened.",
            Self::Hostname => "Host of the page; of visits, of the page that opened them.",
            Self::EventName => "Name of the event. event:goal is read as the same.",
            Self::Currency => "Currency of the event's revenue.",
            Self::Prop => "Value of one property, of the events that have it.",
            Self::EntryPage => "Page that opened the visit.",
            Self::ExitPage => "Last page that the visit viewed.",
            Self::Channel => "Kind of source.",
            Self::Source => "What led to the visit: the referrer's name, or utm_source.",
            Self::Referrer => "Host that referred.",
            Self::UtmSource => "utm_source of the page that opened the visit.",
            Self::UtmMedium => "utm_medium of the page that opened the visit.",
            Self::UtmCampaign => "utm_campaign of the page that opened the visit.",
            Self::UtmContent => "utm_content of the page that opened the visit.",
            Self::UtmTerm => "utm_term of the page that opened the visit.",
            Self::Country => "Country, as ISO 3166 alpha-2.",
            Self::Region => "Region, where the operator turned it on.",
            Self::City => "City, where the operator turned it on.",
            Self::Browser => "Browser family.",
            Self::BrowserVersion => "Major version of the browser.",
            Self::Os => "System family.",
            Self::OsVersion => "Major version of the system.",
            Self::Device => "Desktop, Mobile, Tablet, …",
            Self::Language => "Primary language.",
        }
    }

    /// Whether it is of a goal: what a conversion rate is compared without.
    #[must_use]
    pub fn is_goal(self) -> bool {
        matches!(self, Self::EventName | Self::Currency | Self::Prop)
    }
}
