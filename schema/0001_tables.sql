-- The tables of counts. Each is keyed by site, bucket and its dimensions, and sums its counters.
--
-- ORDER BY is exactly what is not summed, and what is summed is named: a number in neither list would
-- be summed too, and a text in neither would merge silently.
-- `batch` and `written` are empty in every row but the markers: one row per insert, of the site
-- '(marker)', by which the collector sees that the insert is there. Markers go by their own TTL.
-- The settings are what exactly-once rests on; in a request they would be unknown.

CREATE TABLE IF NOT EXISTS visits (
    site LowCardinality(String),
    bucket DateTime('UTC'),
    hostname LowCardinality(String),
    entry_page String,
    channel LowCardinality(String),
    source LowCardinality(String),
    referrer_host String,
    utm_source LowCardinality(String),
    utm_medium LowCardinality(String),
    utm_campaign LowCardinality(String),
    utm_content String,
    utm_term String,
    country LowCardinality(String),
    region LowCardinality(String),
    city String,
    browser LowCardinality(String),
    browser_version LowCardinality(String),
    os LowCardinality(String),
    os_version LowCardinality(String),
    device LowCardinality(String),
    language LowCardinality(String),
    batch String,
    written DateTime('UTC'),
    visitors Int64,
    visitors_hour Int64,
    visits Int64,
    bounces Int64,
    pageviews Int64,
    events Int64,
    duration_s Int64
)
ENGINE = SummingMergeTree((
    visitors, visitors_hour, visits, bounces, pageviews, events, duration_s
))
PARTITION BY toYYYYMM(bucket)
PRIMARY KEY (site, bucket)
ORDER BY (
    site, bucket, hostname, entry_page, channel, source, referrer_host, utm_source, utm_medium,
    utm_campaign, utm_content, utm_term, country, region, city, browser, browser_version, os,
    os_version, device, language, batch, written
)
TTL written + INTERVAL 35 DAY DELETE WHERE site = '(marker)'
SETTINGS
    non_replicated_deduplication_window = 10000,
    fsync_after_insert = 1,
    fsync_part_directory = 1,
    min_rows_to_fsync_after_merge = 1,
    old_parts_lifetime = 480;

CREATE TABLE IF NOT EXISTS pages (
    site LowCardinality(String),
    bucket DateTime('UTC'),
    hostname LowCardinality(String),
    page String,
    channel LowCardinality(String),
    source LowCardinality(String),
    utm_campaign LowCardinality(String),
    country LowCardinality(String),
    device LowCardinality(String),
    batch String,
    written DateTime('UTC'),
    pageviews Int64,
    visitors Int64,
    visitors_hour Int64,
    visits Int64,
    entries Int64,
    exits Int64,
    engaged_ms Int64,
    engaged_visits Int64,
    scroll_sum Int64,
    scroll_visits Int64
)
ENGINE = SummingMergeTree((
    pageviews, visitors, visitors_hour, visits, entries, exits, engaged_ms, engaged_visits,
    scroll_sum, scroll_visits
))
PARTITION BY toYYYYMM(bucket)
PRIMARY KEY (site, bucket)
ORDER BY (
    site, bucket, hostname, page, channel, source, utm_campaign, country, device, batch, written
)
TTL written + INTERVAL 35 DAY DELETE WHERE site = '(marker)'
SETTINGS
    non_replicated_deduplication_window = 10000,
    fsync_after_insert = 1,
    fsync_part_directory = 1,
    min_rows_to_fsync_after_merge = 1,
    old_parts_lifetime = 480;

CREATE TABLE IF NOT EXISTS events (
    site LowCardinality(String),
    bucket DateTime('UTC'),
    name LowCardinality(String),
    page String,
    currency LowCardinality(String),
    channel LowCardinality(String),
    source LowCardinality(String),
    utm_campaign LowCardinality(String),
    country LowCardinality(String),
    device LowCardinality(String),
    batch String,
    written DateTime('UTC'),
    events Int64,
    visitors Int64,
    visitors_hour Int64,
    visits Int64,
    revenue Int64
)
ENGINE = SummingMergeTree((
    events, visitors, visitors_hour, visits, revenue
))
PARTITION BY toYYYYMM(bucket)
PRIMARY KEY (site, bucket)
ORDER BY (
    site, bucket, name, page, currency, channel, source, utm_campaign, country, device, batch,
    written
)
TTL written + INTERVAL 35 DAY DELETE WHERE site = '(marker)'
SETTINGS
    non_replicated_deduplication_window = 10000,
    fsync_after_insert = 1,
    fsync_part_directory = 1,
    min_rows_to_fsync_after_merge = 1,
    old_parts_lifetime = 480;

CREATE TABLE IF NOT EXISTS event_props (
    site LowCardinality(String),
    bucket DateTime('UTC'),
    name LowCardinality(String),
    prop_key LowCardinality(String),
    prop_value String,
    batch String,
    written DateTime('UTC'),
    events Int64,
    visitors Int64
)
ENGINE = SummingMergeTree((
    events, visitors
))
PARTITION BY toYYYYMM(bucket)
PRIMARY KEY (site, bucket)
ORDER BY (
    site, bucket, name, prop_key, prop_value, batch, written
)
TTL written + INTERVAL 35 DAY DELETE WHERE site = '(marker)'
SETTINGS
    non_replicated_deduplication_window = 10000,
    fsync_after_insert = 1,
    fsync_part_directory = 1,
    min_rows_to_fsync_after_merge = 1,
    old_parts_lifetime = 480;

CREATE TABLE IF NOT EXISTS journeys (
    site LowCardinality(String),
    bucket DateTime('UTC'),
    from_page String,
    to_page String,
    batch String,
    written DateTime('UTC'),
    transitions Int64
)
ENGINE = SummingMergeTree((
    transitions
))
PARTITION BY toYYYYMM(bucket)
PRIMARY KEY (site, bucket)
ORDER BY (
    site, bucket, from_page, to_page, batch, written
)
TTL written + INTERVAL 35 DAY DELETE WHERE site = '(marker)'
SETTINGS
    non_replicated_deduplication_window = 10000,
    fsync_after_insert = 1,
    fsync_part_directory = 1,
    min_rows_to_fsync_after_merge = 1,
    old_parts_lifetime = 480;

CREATE TABLE IF NOT EXISTS ledger (
    site LowCardinality(String),
    bucket DateTime('UTC'),
    node LowCardinality(String),
    reason LowCardinality(String),
    batch String,
    written DateTime('UTC'),
    hits Int64
)
ENGINE = SummingMergeTree((
    hits
))
PARTITION BY toYYYYMM(bucket)
PRIMARY KEY (site, bucket)
ORDER BY (
    site, bucket, node, reason, batch, written
)
TTL written + INTERVAL 35 DAY DELETE WHERE site = '(marker)'
SETTINGS
    non_replicated_deduplication_window = 10000,
    fsync_after_insert = 1,
    fsync_part_directory = 1,
    min_rows_to_fsync_after_merge = 1,
    old_parts_lifetime = 480;

-- Forgotten when the ClickHouse process ends: tells one run of it from the next.
CREATE TABLE IF NOT EXISTS process_runs (
    outbox String,
    run String,
    at DateTime64(6, 'UTC')
)
ENGINE = Memory;
