// A card: a breakdown whose every row is a filter.

import { useState } from 'preact/hooks';
import * as api from '../api';
import { exact, figure, share } from '../format';
import { useAnswer, type Go } from '../hooks';
import { answerable } from '../state/answerable';
import type { Dates } from '../state/period';
import { withFilter, withoutFilter, type Filter, type View } from '../state/view';
import { DIMENSIONS, METRICS, shown, type Dimension, type Metric } from '../state/words';
import { download, name as fileName } from './csv';
import { Dialog } from './dialog';
import { COLUMN, type ReportOf, type Tab } from './reports';

interface Props {
  report: ReportOf;
  site: string;
  dates: Dates | null;
  fresh: unknown;
  view: View;
  go: Go;
  /** All visitors under the same filters. */
  visitors: number | null;
  /** How much of a visitor’s place is kept. */
  places: string;
}

const ROWS = 9;
const ROWS_OF_ALL = 1000;
/** What the API calls a dimension without a value. */
const NOT_SET = '(not set)';

export function Report({ report, site, dates, fresh, view, go, visitors, places }: Props) {
  const offered = report.tabs.filter(({ place }) => !place || places === 'city' || places === place);
  const chosen = offered.find(({ by }) => by === view.tabs[report.id]) ?? report.tabs[0];
  const open = view.open === report.id;
  const tab = narrowed(chosen, view.filters);
  const tabs = (
    <Tabs
      offered={offered}
      chosen={chosen}
      choose={(by) => go({ tabs: { ...view.tabs, [report.id]: by } }, true)}
    />
  );
  const breakdown = (limit: number, search: boolean) => (
    <Breakdown
      key={tab.by}
      tab={tab}
      limit={limit}
      search={search}
      {...{ report, site, dates, fresh, view, go, visitors }}
    />
  );
  return (
    <section class={report.wide ? 'panel report wide' : 'panel report'} aria-label={report.name} data-report={report.id}>
      {tabs}
      {breakdown(ROWS, false)}
      {open && (
        <Dialog name={chosen.name} kind="all" close={() => go({ open: null })}>
          {tabs}
          {breakdown(ROWS_OF_ALL, true)}
        </Dialog>
      )}
    </section>
  );
}

/** Of a single browser its versions are worth more than its name. */
function narrowed(tab: Tab, filters: Filter[]): Tab {
  const one = filters.find(({ dimension, operator }) => dimension === tab.by && operator === 'is');
  return tab.within && one?.values.length === 1 ? { ...tab, by: tab.within } : tab;
}

function Tabs({ offered, chosen, choose }: { offered: Tab[]; chosen: Tab; choose: (by: Dimension) => void }) {
  if (offered.length === 1) return <h2 class="tabs">{chosen.name}</h2>;
  return (
    <h2 class="tabs">
      {offered.map(({ by, name }) => (
        <button key={by} type="button" aria-pressed={by === chosen.by} onClick={() => choose(by)}>
          {name}
        </button>
      ))}
    </h2>
  );
}

interface BreakdownProps extends Omit<Props, 'places'> {
  tab: Tab;
  limit: number;
  search: boolean;
}

function Breakdown({ report, tab, limit, search, site, dates, fresh, view, go, visitors }: BreakdownProps) {
  const [sought, setSought] = useState('');
  const [order, setOrder] = useState<Metric | null>(null);
  const wanted = search ? [...tab.metrics, ...(tab.more ?? [])] : tab.metrics;
  const metrics = wanted.filter((metric) => answerable(metric, tab.by, view.filters));
  const sorted = order && metrics.includes(order) ? order : (metrics[0] ?? 'visitors');
  const filters = tab.named ? withFilter(view.filters, tab.by, NOT_SET, true, 'is_not') : view.filters;
  const question = { site, dates, metrics, filters, by: tab.by, limit, order: sorted };
  const key = metrics.length ? JSON.stringify(question) : null;
  const { data, error, stale } = useAnswer(key, fresh, (signal) => api.ask(question, signal));

  if (!key) {
    const others = view.filters.filter(({ dimension }) => dimension !== tab.by);
    const apart = others.filter((one) => !tab.metrics.some((metric) => answerable(metric, tab.by, [one])));
    const names = (apart.length ? apart : others).map(({ dimension }) => DIMENSIONS[dimension].name.toLowerCase());
    return (
      <p class="empty">
        {tab.name} are not kept together with {[...new Set(names)].join(' and ')}: the combination would single visits
        out.
      </p>
    );
  }
  if (error) return <p class="empty failed">{error.message}</p>;
  if (!data) return <p class="empty" aria-busy="true" />;
  if (data.results.length === 0) return <p class="empty">Nothing in this period.</p>;

  const matches = (row: api.Row) =>
    shown(tab.by, row.dimensions[0] ?? '').toLowerCase().includes(sought.trim().toLowerCase());
  const rows = sought ? data.results.filter(matches) : data.results;
  const total = data.meta.total_rows ?? rows.length;
  // A rate is of the visitors under the same filters without the goal.
  const narrowed = view.filters.some(({ dimension }) => dimension === 'event' || dimension === 'page');
  const of = tab.share && metrics[0] === 'visitors' && !narrowed ? visitors : null;
  return (
    <>
      {search && (
        <input
          class="search"
          type="search"
          placeholder="Search"
          aria-label={`Search ${tab.name.toLowerCase()}`}
          value={sought}
          onInput={({ currentTarget }) => setSought(currentTarget.value)}
        />
      )}
      {search && (
        <p class="download">
          <button type="button" onClick={() => download(fileName(site, tab.by, dates), tab.by, metrics, rows)}>
            Download as CSV
          </button>
        </p>
      )}
      <Rows {...{ tab, metrics, rows, of, stale, view, go, sorted }} sort={setOrder} />
      {!search && total > ROWS && (
        <p class="more">
          <button type="button" onClick={() => go({ open: report.id })}>
            All {exact(total)}
          </button>
        </p>
      )}
    </>
  );
}

interface RowsProps {
  tab: Tab;
  metrics: Metric[];
  rows: api.Row[];
  of: number | null;
  stale: boolean;
  view: View;
  go: Go;
  /** What the rows are in the order of. */
  sorted: Metric;
  sort: (by: Metric) => void;
}

function Rows({ tab, metrics, rows, of, stale, view, go, sorted, sort }: RowsProps) {
  const most = Math.max(1, ...rows.map((row) => row.metrics[0] ?? 0));
  const filter = view.filters.find(({ dimension, operator }) => dimension === tab.by && operator === 'is');
  const active = filter?.values ?? [];
  const narrow = (value: string, also: boolean, not: boolean) => {
    const filters =
      filter && active.includes(value) && !not
        ? withoutFilter(view.filters, filter)
        : withFilter(view.filters, tab.by, value, also || not, not ? 'is_not' : 'is');
    go({ filters, open: null });
  };
  return (
    <table class={stale ? 'rows stale' : 'rows'}>
      <thead>
        <tr>
          <th scope="col">{DIMENSIONS[tab.by].name}</th>
          {metrics.map((metric) => (
            <th key={metric} scope="col" title={METRICS[metric].means} aria-sort={metric === sorted ? 'descending' : undefined}>
              <button type="button" class="sort" onClick={() => sort(metric)}>
                {COLUMN[metric]}
              </button>
            </th>
          ))}
          {of !== null && <th scope="col">{tab.share === 'rate' ? 'Rate' : 'Share'}</th>}
        </tr>
      </thead>
      <tbody>
        {rows.map((row) => {
          const value = row.dimensions[0] ?? '';
          const text = shown(tab.by, value);
          const [first] = row.metrics;
          return (
            <tr key={value} data-value={value}>
              <th scope="row">
                <button
                  type="button"
                  title={text}
                  aria-pressed={active.includes(value)}
                  style={{ '--part': `${Math.round(((first ?? 0) / most) * 1000) / 10}%` }}
                  onClick={(event) => narrow(value, event.shiftKey, event.altKey)}
                >
                  <span>{text}</span>
                </button>
              </th>
              {metrics.map((metric, i) => (
                <td key={metric} title={figure(metric, row.metrics[i], true)}>
                  {figure(metric, row.metrics[i])}
                </td>
              ))}
              {of !== null && <td class="soft">{share(first ?? 0, of)}</td>}
            </tr>
          );
        })}
      </tbody>
    </table>
  );
}
