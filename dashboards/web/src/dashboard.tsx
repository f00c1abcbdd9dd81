// One site’s page: what is asked, and where the answers stand.

import { useEffect, useState } from 'preact/hooks';
import * as api from './api';
import { Chart, type Series, type Subject } from './chart/chart';
import { figure, UNITS } from './format';
import { alsoHeld, useAnswer, useTick, type Go } from './hooks';
import { AddFilter } from './parts/add-filter';
import { Filters } from './parts/filters';
import { Footer } from './parts/footer';
import { Head } from './parts/head';
import { Mailings, useMailings } from './parts/mailings';
import { Report } from './parts/report';
import { REPORTS } from './parts/reports';
import { Shortcuts } from './parts/shortcuts';
import { Tiles } from './parts/tiles';
import { Waiting } from './parts/waiting';
import { answerable } from './state/answerable';
import { useKeys } from './state/keys';
import { comparison, datesBefore, datesOf, stepped, today, type Dates } from './state/period';
import type { View } from './state/view';
import { METRICS, type Metric } from './state/words';

const TILES: Metric[] = ['visitors', 'visits', 'pageviews', 'views_per_visit', 'bounce_rate', 'visit_duration'];
const TILES_OF_A_PAGE: Metric[] = ['visitors', 'visits', 'pageviews', 'time_on_page', 'scroll_depth', 'exit_rate'];
const TILES_OF_AN_EVENT: Metric[] = ['visitors', 'visits', 'events'];

interface Props {
  site: api.Site;
  sites: api.Site[];
  view: View;
  go: Go;
  session: api.Session;
  add: () => void;
  signOut: () => void;
}

export function Dashboard({ site, sites, view, go, session, add, signOut }: Props) {
  const [over, setOver] = useState<'filter' | 'keys' | null>(null);
  const tick = useTick();
  const live = useAnswer(site.domain, tick, (signal) => api.live(site.domain, signal));
  const ledger = useAnswer(site.domain, tick, (signal) => api.ledger(site.domain, signal));
  // The ledger is cheap; the rest is asked again when it says that rows have arrived.
  const fresh = ledger.error ? `after ${tick}` : (ledger.data?.written ?? '');

  const mailings = useMailings(ledger.data || ledger.error ? site.domain : null, alsoHeld(fresh, tick));
  const card = mailings.length > 0 && <Mailings timezone={site.timezone} {...{ mailings, view, go }} />;

  useEffect(() => {
    document.title = `${site.domain} · Headcount`;
  }, [site.domain]);
  const day = today(new Date(), site.timezone);
  const dates = datesOf(view.period, day);
  const compared = view.compare && dates ? comparison(view.period, dates, day) : null;
  const steps = { back: stepped(dates, -1, day), on: stepped(dates, 1, day) };
  useKeys(view, go, steps, setOver);

  const named = view.filters.map(({ dimension }) => dimension);
  const of = named.includes('event') ? TILES_OF_AN_EVENT : named.includes('page') ? TILES_OF_A_PAGE : TILES;
  const tiles = of.filter((metric) => answerable(metric, null, view.filters));
  const metric = tiles.includes(view.metric) ? view.metric : (tiles[0] ?? 'visitors');

  const waiting = ledger.data?.counted === 0;
  const useTotals = (dates: Dates | null | undefined, by?: 'time') => {
    const question = { site: site.domain, dates: dates ?? null, metrics: tiles, filters: view.filters, by };
    const key = dates === undefined || tiles.length === 0 || waiting ? null : JSON.stringify(question);
    return useAnswer(key, fresh, (signal) => api.ask(question, signal));
  };
  const whole = Boolean(compared?.now && dates && compared.now[1] === dates[1]);
  const totals = useTotals(dates);
  const completed = useTotals(compared?.now && !whole ? compared.now : undefined);
  const before = useTotals(compared?.before);
  const series = useTotals(dates, 'time');
  const seriesBefore = useTotals(compared && dates ? datesBefore(view.period, dates) : undefined, 'time');

  const first = (answer: typeof totals) => answer.data?.results[0]?.metrics ?? null;
  // A site that had nobody before is not compared with nobody.
  const known = first(before)?.some((value) => value) ?? false;
  const now = whole ? totals : completed;
  const at = tiles.indexOf(metric);
  const chart: Series | null = series.data && {
    labels: series.data.meta.time_labels ?? [],
    values: valuesOf(series.data, at),
    before: known && seriesBefore.data ? valuesOf(seriesBefore.data, at) : null,
    labelsBefore: seriesBefore.data?.meta.time_labels ?? [],
  };
  const failed = totals.error ?? series.error;

  return (
    <div class="page">
      <Head
        {...{ site, sites, view, go, dates, day, steps, signOut }}
        add={session.may_change_sites ? add : null}
        addFilter={() => setOver('filter')}
        empty={waiting}
      />
      <main>
        {waiting && ledger.data ? (
          <>
            <Waiting site={site} ledger={ledger.data} />
            {card && <div class="reports">{card}</div>}
          </>
        ) : (
          <>
            <Filters filters={view.filters} go={go} add={() => setOver('filter')} />
            <section class="panel overview" aria-label="Overview" aria-busy={totals.stale}>
              <Tiles
                metrics={tiles}
                chosen={metric}
                choose={(metric) => go({ metric })}
                values={first(totals)}
                compared={compared}
                now={compared?.now ? first(now) : null}
                before={known ? first(before) : null}
                whole={whole}
                live={live.data}
                stale={totals.stale}
              />
              {failed && <p class="failed">{failed.message}</p>}
              {tiles.length === 0 && (
                <p class="failed">Nothing is counted for these filters together: they would single visits out.</p>
              )}
              {tiles.length > 0 && <Chart series={chart} of={subject(metric)} timezone={site.timezone} stale={series.stale} />}
            </section>
            <div class="reports">
              {REPORTS.map((report) => (
                <Report
                  key={report.id}
                  report={report}
                  site={site.domain}
                  dates={dates}
                  fresh={fresh}
                  view={view}
                  go={go}
                  places={session.places}
                  visitors={tiles.includes('visitors') ? (first(totals)?.[tiles.indexOf('visitors')] ?? null) : null}
                />
              ))}
              {card}
            </div>
          </>
        )}
      </main>
      <Footer ledger={ledger.data} error={ledger.error} session={session} keys={() => setOver('keys')} />
      {over === 'filter' && (
        <AddFilter site={site.domain} dates={dates} filters={view.filters} go={go} close={() => setOver(null)} />
      )}
      {over === 'keys' && <Shortcuts close={() => setOver(null)} />}
    </div>
  );
}

const subject = (metric: Metric): Subject => ({
  name: METRICS[metric].name,
  unit: UNITS[metric],
  rate: UNITS[metric] !== undefined || metric === 'views_per_visit',
  figure: (value) => figure(metric, value, true),
});

const valuesOf = (answer: api.Answer, at: number): Map<string, number | null> =>
  new Map(answer.results.map((row) => [row.dimensions[0] ?? '', row.metrics[at] ?? null]));
