-- What happened to mailings. A row without a link is of the whole mailing; in one of a link, client,
-- system and country are blank, so that no row joins what somebody read with where they are.
-- A recipient's firsts are sums of signed deltas: a first is taken back when it turns out otherwise.

CREATE TABLE IF NOT EXISTS mailings (
    site LowCardinality(String),
    bucket DateTime('UTC'),
    mailing LowCardinality(String),
    link LowCardinality(String),
    class LowCardinality(String),
    client LowCardinality(String),
    system LowCardinality(String),
    country LowCardinality(String),
    batch String,
    written DateTime('UTC'),
    opens Int64,
    unique_opens Int64,
    clicks Int64,
    unique_clicks Int64,
    readers Int64,
    forwards Int64,
    spread Int64
)
ENGINE = SummingMergeTree((
    opens, unique_opens, clicks, unique_clicks, readers, forwards, spread
))
PARTITION BY toYYYYMM(bucket)
PRIMARY KEY (site, bucket)
ORDER BY (
    site, bucket, mailing, link, class, client, system, country, batch, written
)
TTL written + INTERVAL 35 DAY DELETE WHERE site = '(marker)'
SETTINGS
    non_replicated_deduplication_window = 10000,
    fsync_after_insert = 1,
    fsync_part_directory = 1,
    min_rows_to_fsync_after_merge = 1,
    old_parts_lifetime = 480;
