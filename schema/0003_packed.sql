-- How the columns are packed. Keys repeat, and are sorted: as numbers of a dictionary they take a
-- fraction of their texts, on the disk and in a query. Counters are small: T64 leaves out the bits
-- that a stretch of them does not use.
-- What was written before is read as it is, and packed anew in the background: nobody waits for it.

ALTER TABLE visits
    MODIFY COLUMN site LowCardinality(String) CODEC(ZSTD(1)),
    MODIFY COLUMN bucket DateTime('UTC') CODEC(Delta, ZSTD(1)),
    MODIFY COLUMN hostname LowCardinality(String) CODEC(ZSTD(1)),
    MODIFY COLUMN entry_page LowCardinality(String) CODEC(ZSTD(1)),
    MODIFY COLUMN channel LowCardinality(String) CODEC(ZSTD(1)),
    MODIFY COLUMN source LowCardinality(String) CODEC(ZSTD(1)),
    MODIFY COLUMN referrer_host LowCardinality(String) CODEC(ZSTD(1)),
    MODIFY COLUMN utm_source LowCardinality(String) CODEC(ZSTD(1)),
    MODIFY COLUMN utm_medium LowCardinality(String) CODEC(ZSTD(1)),
    MODIFY COLUMN utm_campaign LowCardinality(String) CODEC(ZSTD(1)),
    MODIFY COLUMN utm_content LowCardinality(String) CODEC(ZSTD(1)),
    MODIFY COLUMN utm_term LowCardinality(String) CODEC(ZSTD(1)),
    MODIFY COLUMN country LowCardinality(String) CODEC(ZSTD(1)),
    MODIFY COLUMN region LowCardinality(String) CODEC(ZSTD(1)),
    MODIFY COLUMN city LowCardinality(String) CODEC(ZSTD(1)),
    MODIFY COLUMN browser LowCardinality(String) CODEC(ZSTD(1)),
    MODIFY COLUMN browser_version LowCardinality(String) CODEC(ZSTD(1)),
    MODIFY COLUMN os LowCardinality(String) CODEC(ZSTD(1)),
    MODIFY COLUMN os_version LowCardinality(String) CODEC(ZSTD(1)),
    MODIFY COLUMN device LowCardinality(String) CODEC(ZSTD(1)),
    MODIFY COLUMN language LowCardinality(String) CODEC(ZSTD(1)),
    MODIFY COLUMN batch String CODEC(ZSTD(1)),
    MODIFY COLUMN written DateTime('UTC') CODEC(Delta, ZSTD(1)),
    MODIFY COLUMN visitors Int64 CODEC(T64, ZSTD(1)),
    MODIFY COLUMN visitors_hour Int64 CODEC(T64, ZSTD(1)),
    MODIFY COLUMN visits Int64 CODEC(T64, ZSTD(1)),
    MODIFY COLUMN bounces Int64 CODEC(T64, ZSTD(1)),
    MODIFY COLUMN pageviews Int64 CODEC(T64, ZSTD(1)),
    MODIFY COLUMN events Int64 CODEC(T64, ZSTD(1)),
    MODIFY COLUMN duration_s Int64 CODEC(T64, ZSTD(1))
SETTINGS alter_sync = 0;

ALTER TABLE pages
    MODIFY COLUMN site LowCardinality(String) CODEC(ZSTD(1)),
    MODIFY COLUMN bucket DateTime('UTC') CODEC(Delta, ZSTD(1)),
    MODIFY COLUMN hostname LowCardinality(String) CODEC(ZSTD(1)),
    MODIFY COLUMN page LowCardinality(String) CODEC(ZSTD(1)),
    MODIFY COLUMN channel LowCardinality(String) CODEC(ZSTD(1)),
    MODIFY COLUMN source LowCardinality(String) CODEC(ZSTD(1)),
    MODIFY COLUMN utm_campaign LowCardinality(String) CODEC(ZSTD(1)),
    MODIFY COLUMN country LowCardinality(String) CODEC(ZSTD(1)),
    MODIFY COLUMN device LowCardinality(String) CODEC(ZSTD(1)),
    MODIFY COLUMN batch String CODEC(ZSTD(1)),
    MODIFY COLUMN written DateTime('UTC') CODEC(Delta, ZSTD(1)),
    MODIFY COLUMN pageviews Int64 CODEC(T64, ZSTD(1)),
    MODIFY COLUMN visitors Int64 CODEC(T64, ZSTD(1)),
    MODIFY COLUMN visitors_hour Int64 CODEC(T64, ZSTD(1)),
    MODIFY COLUMN visits Int64 CODEC(T64, ZSTD(1)),
    MODIFY COLUMN entries Int64 CODEC(T64, ZSTD(1)),
    MODIFY COLUMN exits Int64 CODEC(T64, ZSTD(1)),
    MODIFY COLUMN engaged_ms Int64 CODEC(T64, ZSTD(1)),
    MODIFY COLUMN engaged_visits Int64 CODEC(T64, ZSTD(1)),
    MODIFY COLUMN scroll_sum Int64 CODEC(T64, ZSTD(1)),
    MODIFY COLUMN scroll_visits Int64 CODEC(T64, ZSTD(1))
SETTINGS alter_sync = 0;

ALTER TABLE events
    MODIFY COLUMN site LowCardinality(String) CODEC(ZSTD(1)),
    MODIFY COLUMN bucket DateTime('UTC') CODEC(Delta, ZSTD(1)),
    MODIFY COLUMN name LowCardinality(String) CODEC(ZSTD(1)),
    MODIFY COLUMN page LowCardinality(String) CODEC(ZSTD(1)),
    MODIFY COLUMN currency LowCardinality(String) CODEC(ZSTD(1)),
    MODIFY COLUMN channel LowCardinality(String) CODEC(ZSTD(1)),
    MODIFY COLUMN source LowCardinality(String) CODEC(ZSTD(1)),
    MODIFY COLUMN utm_campaign LowCardinality(String) CODEC(ZSTD(1)),
    MODIFY COLUMN country LowCardinality(String) CODEC(ZSTD(1)),
    MODIFY COLUMN device LowCardinality(String) CODEC(ZSTD(1)),
    MODIFY COLUMN batch String CODEC(ZSTD(1)),
    MODIFY COLUMN written DateTime('UTC') CODEC(Delta, ZSTD(1)),
    MODIFY COLUMN events Int64 CODEC(T64, ZSTD(1)),
    MODIFY COLUMN visitors Int64 CODEC(T64, ZSTD(1)),
    MODIFY COLUMN visitors_hour Int64 CODEC(T64, ZSTD(1)),
    MODIFY COLUMN visits Int64 CODEC(T64, ZSTD(1)),
    MODIFY COLUMN revenue Int64 CODEC(T64, ZSTD(1))
SETTINGS alter_sync = 0;

ALTER TABLE event_props
    MODIFY COLUMN site LowCardinality(String) CODEC(ZSTD(1)),
    MODIFY COLUMN bucket DateTime('UTC') CODEC(Delta, ZSTD(1)),
    MODIFY COLUMN name LowCardinality(String) CODEC(ZSTD(1)),
    MODIFY COLUMN prop_key LowCardinality(String) CODEC(ZSTD(1)),
    MODIFY COLUMN prop_value LowCardinality(String) CODEC(ZSTD(1)),
    MODIFY COLUMN batch String CODEC(ZSTD(1)),
    MODIFY COLUMN written DateTime('UTC') CODEC(Delta, ZSTD(1)),
    MODIFY COLUMN events Int64 CODEC(T64, ZSTD(1)),
    MODIFY COLUMN visitors Int64 CODEC(T64, ZSTD(1))
SETTINGS alter_sync = 0;

ALTER TABLE journeys
    MODIFY COLUMN site LowCardinality(String) CODEC(ZSTD(1)),
    MODIFY COLUMN bucket DateTime('UTC') CODEC(Delta, ZSTD(1)),
    MODIFY COLUMN from_page LowCardinality(String) CODEC(ZSTD(1)),
    MODIFY COLUMN to_page LowCardinality(String) CODEC(ZSTD(1)),
    MODIFY COLUMN batch String CODEC(ZSTD(1)),
    MODIFY COLUMN written DateTime('UTC') CODEC(Delta, ZSTD(1)),
    MODIFY COLUMN transitions Int64 CODEC(T64, ZSTD(1))
SETTINGS alter_sync = 0;

ALTER TABLE ledger
    MODIFY COLUMN site LowCardinality(String) CODEC(ZSTD(1)),
    MODIFY COLUMN bucket DateTime('UTC') CODEC(Delta, ZSTD(1)),
    MODIFY COLUMN node LowCardinality(String) CODEC(ZSTD(1)),
    MODIFY COLUMN reason LowCardinality(String) CODEC(ZSTD(1)),
    MODIFY COLUMN batch String CODEC(ZSTD(1)),
    MODIFY COLUMN written DateTime('UTC') CODEC(Delta, ZSTD(1)),
    MODIFY COLUMN hits Int64 CODEC(T64, ZSTD(1))
SETTINGS alter_sync = 0;

ALTER TABLE mailings
    MODIFY COLUMN site LowCardinality(String) CODEC(ZSTD(1)),
    MODIFY COLUMN bucket DateTime('UTC') CODEC(Delta, ZSTD(1)),
    MODIFY COLUMN mailing LowCardinality(String) CODEC(ZSTD(1)),
    MODIFY COLUMN link LowCardinality(String) CODEC(ZSTD(1)),
    MODIFY COLUMN class LowCardinality(String) CODEC(ZSTD(1)),
    MODIFY COLUMN client LowCardinality(String) CODEC(ZSTD(1)),
    MODIFY COLUMN system LowCardinality(String) CODEC(ZSTD(1)),
    MODIFY COLUMN country LowCardinality(String) CODEC(ZSTD(1)),
    MODIFY COLUMN batch String CODEC(ZSTD(1)),
    MODIFY COLUMN written DateTime('UTC') CODEC(Delta, ZSTD(1)),
    MODIFY COLUMN opens Int64 CODEC(T64, ZSTD(1)),
    MODIFY COLUMN unique_opens Int64 CODEC(T64, ZSTD(1)),
    MODIFY COLUMN clicks Int64 CODEC(T64, ZSTD(1)),
    MODIFY COLUMN unique_clicks Int64 CODEC(T64, ZSTD(1)),
    MODIFY COLUMN readers Int64 CODEC(T64, ZSTD(1)),
    MODIFY COLUMN forwards Int64 CODEC(T64, ZSTD(1)),
    MODIFY COLUMN spread Int64 CODEC(T64, ZSTD(1))
SETTINGS alter_sync = 0;
