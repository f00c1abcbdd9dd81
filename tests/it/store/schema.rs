//! Migrations, the manifest, and every table's way there and back.

use std::collections::BTreeMap;

use headcount::count::{
    EventCounters, EventKey, JourneyKey, LedgerKey, MailCounters, MailKey, PageCounters, PageKey,
    PropCounters, PropKey, Rows, VisitCounters, VisitKey,
};
use headcount::hit::{Bucket, Currency, MailClass, MailingId, SiteName, VisitDims};
use headcount::outbox::Table;
use headcount::store::engine::Engine;
use headcount::store::{Kind, MIGRATIONS, Migration, Param, SCHEMA, StoreError, columns, encode};
use serde_json::json;

use super::harness::{Memory, Sending, ask, brisk, client, config, engine, run, second, text};

#[tokio::test]
async fn migrations_run_once_and_go_on_after_a_crash_between_two_statements() {
    let statements: Vec<String> = MIGRATIONS.iter().flat_map(Migration::statements).collect();
    assert_eq!(statements.len(), Table::ALL.len() + 1);
    let dir = tempfile::tempdir().unwrap();
    let engine = Engine::start(config(dir.path())).await.unwrap();
    let collector = client(&engine.store_config());
    run(&collector.clone().with_database("system"), "CREATE DATABASE headcount").await;
    for statement in &statements[..3] {
        run(&collector, statement).await;
    }
    for _ in 0..2 {
        assert_eq!(engine.store().migrate().await.unwrap(), SCHEMA);
        let applied = ask(&collector, "SELECT number, name FROM schema_migrations ORDER BY number")
            .await
            .unwrap();
        assert_eq!(json!(applied), json!([[1, "tables"], [2, "mailings"]]));
    }
    engine.stop().await;
}

#[tokio::test]
async fn a_changed_migration_and_a_newer_database_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let engine = Engine::start(config(dir.path())).await.unwrap();
    let collector = client(&engine.store_config());
    run(&collector.clone().with_database("system"), "CREATE DATABASE headcount").await;
    let table = "CREATE TABLE schema_migrations (number UInt32, name String, checksum String, \
        applied_at DateTime('UTC')) ENGINE = MergeTree ORDER BY number";
    run(&collector, table).await;
    run(&collector, "INSERT INTO schema_migrations VALUES (1, 'tables', 'another', now())").await;
    assert!(matches!(engine.store().migrate().await, Err(StoreError::Changed(1))));
    run(&collector, "INSERT INTO schema_migrations VALUES (99, 'later', '', now())").await;
    assert!(matches!(engine.store().migrate().await, Err(StoreError::Newer(99))));
    engine.stop().await;
}

/// Compares manifest, live schema and row columns; what differs, in words.
fn differences(manifest: &toml::Table, live: &BTreeMap<(String, String), String>) -> Vec<String> {
    let mut differences = Vec::new();
    let mut listed = BTreeMap::new();
    for (table, columns) in manifest {
        for (column, entry) in columns.as_table().unwrap() {
            let class = entry["class"].as_str().unwrap().to_owned();
            listed.insert((table.clone(), column.clone()), class);
            for word in ["retention", "purpose", "not_personal"] {
                assert!(!entry[word].as_str().unwrap().is_empty(), "{table}.{column} {word}");
            }
        }
    }
    for place in live.keys().filter(|place| !listed.contains_key(*place)) {
        differences.push(format!("{}.{} is not in the manifest", place.0, place.1));
    }
    for place in listed.keys().filter(|place| !live.contains_key(*place)) {
        differences.push(format!("{}.{} is not in the database", place.0, place.1));
    }
    for &table in Table::ALL {
        let written = columns(table, SCHEMA).unwrap();
        let kinds: BTreeMap<_, _> = written.iter().map(|c| (c.name, c.kind)).collect();
        for ((_, column), class) in listed.iter().filter(|((name, _), _)| name == table.name()) {
            let kind = match (class.as_str(), column.as_str()) {
                ("time", _) | ("bookkeeping", "written") => Kind::Time,
                ("key" | "dimension" | "bookkeeping", _) => Kind::Text,
                ("count", _) => Kind::Count,
                _ => panic!("{column} has no known class"),
            };
            if kinds.get(column.as_str()) != Some(&kind) {
                differences.push(format!("{}.{column} is not written as such", table.name()));
            }
        }
        for column in written {
            let place = (table.name().to_owned(), column.name.to_owned());
            let right = match column.kind {
                Kind::Text => &["String", "LowCardinality(String)"][..],
                Kind::Time => &["DateTime('UTC')"],
                Kind::Count => &["Int64"],
            };
            if !live.get(&place).is_some_and(|kind| right.contains(&kind.as_str())) {
                differences.push(format!("{}.{} has another type", place.0, place.1));
            }
        }
    }
    differences
}

#[tokio::test]
async fn manifest_database_and_rows_have_the_same_columns() {
    let (engine, _dir) = engine().await;
    let collector = client(&engine.store_config());
    let manifest: toml::Table = include_str!("../../../schema/columns.toml").parse().unwrap();
    let live = async || -> BTreeMap<(String, String), String> {
        let sql = "SELECT table, name, type FROM system.columns WHERE database = 'headcount'";
        let row = |row: Vec<serde_json::Value>| {
            let [table, name, kind] = [0, 1, 2].map(|i| row[i].as_str().unwrap().to_owned());
            ((table, name), kind)
        };
        ask(&collector, sql).await.unwrap().into_iter().map(row).collect()
    };
    assert_eq!(differences(&manifest, &live().await), [""; 0]);

    // Each fence falls when it is crossed: a planted column, a forgotten one, a listed one.
    run(&collector, "ALTER TABLE visits ADD COLUMN visitor_id UInt64").await;
    assert_eq!(differences(&manifest, &live().await), ["visits.visitor_id is not in the manifest"]);
    let mut listed = manifest.clone();
    let entry = listed["visits"]["channel"].clone();
    listed["visits"].as_table_mut().unwrap().insert("visitor_id".into(), entry);
    assert_eq!(differences(&listed, &live().await), ["visits.visitor_id is not written as such"]);
    engine.stop().await;
}

#[tokio::test]
async fn order_by_is_exactly_what_is_not_summed() {
    let (engine, _dir) = engine().await;
    let collector = client(&engine.store_config());
    for &table in Table::ALL {
        let name = table.name();
        let sql =
            format!("SELECT sorting_key, engine_full FROM system.tables WHERE name = '{name}'");
        let rows = ask(&collector, &sql).await.unwrap();
        let (keys, sums): (Vec<_>, Vec<_>) =
            columns(table, SCHEMA).unwrap().iter().partition(|column| column.kind != Kind::Count);
        let names = |columns: Vec<&headcount::store::Column>| {
            columns.iter().map(|column| column.name).collect::<Vec<_>>().join(", ")
        };
        assert_eq!(rows[0][0], json!(names(keys)), "{name}");
        let engine = rows[0][1].as_str().unwrap();
        // ClickHouse prints a single summed column without the inner brackets.
        let sums = names(sums);
        let summed = [format!("SummingMergeTree(({sums}))"), format!("SummingMergeTree({sums})")];
        assert!(summed.iter().any(|summed| engine.starts_with(summed)), "{engine}");
    }
    engine.stop().await;
}

/// A row in every table, with counters of `sign`, in `bucket`.
fn rows(sign: i64, bucket: Bucket) -> Rows {
    let site = SiteName::parse("site.example").unwrap();
    let mut rows = Rows::default();
    let dims = VisitDims { source: text("Göögle"), country: text("DE"), ..VisitDims::default() };
    let (hostname, page) = (text("www.site.example"), text("/a"));
    let key = VisitKey {
        site: site.clone(),
        bucket,
        hostname: hostname.clone(),
        entry_page: page.clone(),
        dims,
    };
    let counters = VisitCounters {
        visitors: sign,
        visitors_hour: 2 * sign,
        visits: 3 * sign,
        bounces: -sign,
        pageviews: 5 * sign,
        events: 6 * sign,
        duration_s: 7 * sign,
    };
    rows.visits.insert(key, counters);
    let key = PageKey {
        site: site.clone(),
        bucket,
        hostname,
        page: page.clone(),
        channel: text("Direct"),
        source: text(""),
        utm_campaign: text(""),
        country: text("DE"),
        device: text("Mobile"),
    };
    let counters = PageCounters {
        pageviews: sign,
        visitors: 2 * sign,
        visitors_hour: 3 * sign,
        visits: 4 * sign,
        entries: 5 * sign,
        exits: -sign,
        engaged_ms: 7 * sign,
        engaged_visits: 8 * sign,
        scroll_sum: 9 * sign,
        scroll_visits: 10 * sign,
    };
    rows.pages.insert(key, counters);
    let key = EventKey {
        site: site.clone(),
        bucket,
        name: text("Purchase"),
        page: page.clone(),
        currency: Currency::parse("eur").unwrap(),
        channel: text("Direct"),
        source: text(""),
        utm_campaign: text(""),
        country: text(""),
        device: text(""),
    };
    let counters = EventCounters {
        events: sign,
        visitors: 2 * sign,
        visitors_hour: 3 * sign,
        visits: 4 * sign,
        revenue: 1_000_000_000_000 * sign,
    };
    rows.events.insert(key, counters);
    let key = PropKey {
        site: site.clone(),
        bucket,
        name: text("Purchase"),
        key: text("plan"),
        value: text("pro"),
    };
    rows.event_props.insert(key, PropCounters { events: sign, visitors: 2 * sign });
    let key = JourneyKey { site: site.clone(), bucket, from_page: page, to_page: text("/b") };
    rows.journeys.insert(key, sign);
    let key = MailKey {
        site: site.clone(),
        bucket,
        mailing: MailingId::from_bits([1; 5]),
        link: 3,
        class: MailClass::PrivacyProxy,
        client: text("Apple Mail"),
        system: text(""),
        country: text(""),
    };
    let counters = MailCounters {
        opens: sign,
        unique_opens: 2 * sign,
        clicks: 3 * sign,
        unique_clicks: -sign,
        readers: 5 * sign,
        forwards: 6 * sign,
        spread: 7 * sign,
    };
    rows.mailings.insert(key, counters);
    rows.ledger.insert(LedgerKey { site, bucket, reason: "received" }, sign);
    rows
}

#[tokio::test]
async fn every_tables_rows_arrive_and_their_deltas_add_up_before_and_after_a_merge() {
    let (engine, _dir) = engine().await;
    let (store, collector) = (engine.store(), client(&engine.store_config()));
    let bucket = second("2026-11-01T10:15:00Z").bucket();
    let outbox = std::sync::Arc::new(Memory::default());
    for sign in [1, 1, -1, 5] {
        outbox.commit(encode(&rows(sign, bucket), "node-1"));
    }
    let sending = Sending::start(&store, &outbox, brisk(&store));
    outbox.drained().await;
    sending.stop().await;
    for merged in [false, true] {
        for &table in Table::ALL {
            let name = table.name();
            if merged {
                run(&collector, &format!("OPTIMIZE TABLE {name} FINAL")).await;
            }
            let columns = columns(table, SCHEMA).unwrap();
            let keys: Vec<&str> =
                columns.iter().filter(|c| c.kind != Kind::Count).map(|c| c.name).collect();
            let sums: Vec<String> = columns
                .iter()
                .filter(|c| c.kind == Kind::Count)
                .map(|c| format!("sum({})", c.name))
                .collect();
            let sql = format!(
                "SELECT {sums}, count() FROM {name} WHERE site = {{site:String}} GROUP BY {keys}",
                sums = sums.join(", "),
                keys = keys.join(", "),
            );
            let site = [("site", Param::Text("site.example".into()))];
            let answer = store.query(&sql, &site).await.unwrap();
            let expected = match table {
                Table::Visits | Table::Mailings => vec![6, 12, 18, -6, 30, 36, 42],
                Table::Pages => vec![6, 12, 18, 24, 30, -6, 42, 48, 54, 60],
                Table::Events => vec![6, 12, 18, 24, 6_000_000_000_000_i64],
                Table::EventProps => vec![6, 12],
                Table::Journeys | Table::Ledger => vec![6],
            };
            let (counts, sums) = answer[0].split_last().unwrap();
            assert_eq!(json!(sums), json!(expected), "{name}");
            assert_eq!(json!(counts), json!(if merged { 1 } else { 4 }), "{name}");
            assert_eq!(answer.len(), 1, "{name}");
        }
    }
    let sql = "SELECT source, country, entry_page, bucket FROM visits WHERE site != '(marker)'";
    assert_eq!(
        json!(store.query(sql, &[]).await.unwrap()),
        json!([["Göögle", "DE", "/a", "2026-11-01 10:15:00"]])
    );
    engine.stop().await;
}

#[tokio::test]
async fn old_markers_and_expired_rows_go_and_all_else_stays() {
    let (engine, _dir) = engine().await;
    let (store, collector) = (engine.store(), client(&engine.store_config()));
    store.set_retention(25).await.unwrap();
    store.set_retention(25).await.unwrap();
    let insert = "INSERT INTO ledger (site, bucket, batch, written, hits) VALUES \
        ('(marker)', now(), 'old', now() - INTERVAL 36 DAY, 1), \
        ('(marker)', now(), 'new', now() - INTERVAL 34 DAY, 1), \
        ('site', now() - INTERVAL 26 MONTH, '', 0, 1)";
    run(&collector, insert).await;
    let insert = "INSERT INTO journeys (site, bucket, batch, written, transitions) VALUES \
        ('(marker)', now() - INTERVAL 26 MONTH, 'new', now() - INTERVAL 34 DAY, 1), \
        ('(marker)', now() - INTERVAL 26 MONTH, 'old', now() - INTERVAL 36 DAY, 1), \
        ('old', now() - INTERVAL 26 MONTH, '', 0, 1), ('new', now() - INTERVAL 24 MONTH, '', 0, 1)";
    run(&collector, insert).await;
    for table in ["ledger", "journeys"] {
        run(&collector, &format!("OPTIMIZE TABLE {table} FINAL")).await;
    }
    let rows = |table| format!("SELECT site, batch FROM {table} ORDER BY ALL");
    let ledger = ask(&collector, &rows("ledger")).await.unwrap();
    assert_eq!(json!(ledger), json!([["(marker)", "new"], ["site", ""]]), "kept for ever");
    let journeys = ask(&collector, &rows("journeys")).await.unwrap();
    assert_eq!(json!(journeys), json!([["(marker)", "new"], ["new", ""]]));
    store.set_retention(0).await.unwrap();
    let insert = "INSERT INTO journeys (site, bucket, batch, written, transitions) VALUES \
        ('old', now() - INTERVAL 26 MONTH, '', 0, 1)";
    run(&collector, insert).await;
    let sql = "SELECT count() FROM journeys WHERE site = 'old'";
    assert_eq!(json!(ask(&collector, sql).await.unwrap()), json!([[1]]));
    engine.stop().await;
}
