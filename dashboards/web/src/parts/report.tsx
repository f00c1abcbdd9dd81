// A card: a breakdown whose every row is a filter.

import { useEffect, useRef, useState } from 'preact/hooks';
import * as api from '../api';
import { exact, figure, share } from '../format';
import { useAnswer, type Go } from '../hooks';
import { answerable } from '../state/answerable';
import type { Dates } from '../state/period';
import { withFilter, withoutFilter, type View } from '../state/view';
import { DIMENSIONS, METRICS, shown, type Dimension, type Metric } from '../state/words';
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
}

const ROWS = 9;
const ROWS_OF_ALL = 1000;

export function Report({ report, site, dates, fresh, view, go, visitors }: Props) {
  const chosen = report.tabs.find(({ by }) => by === view.tabs[report.id]) ?? report.tabs[0];
  const open = view.open === report.id;
  const tabs = (
    <Tabs
      report={report}
      chosen={chosen}
      choose={(by) => go({ tabs: { ...view.tabs, [report.id]: by } }, true)}
    />
  );
  const breakdown = (limit: number, search: boolean) => (
    <Breakdown
      key={chosen.by}
      tab={chosen}
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
        <All name={chosen.name} close={() => go({ open: null })}>
          {tabs}
          {breakdown(ROWS_OF_ALL, true)}
        </All>
      )}
    </section>
  );
}

function Tabs({ report, chosen, choose }: { report: ReportOf; chosen: Tab; choose: (by: Dimension) => void }) {
  if (report.tabs.length === 1) return <h2 class="tabs">{chosen.name}</h2>;
  return (
    <h2 class="tabs">
      {report.tabs.map(({ by, name }) => (
        <button key={by} type="button" aria-pressed={by === chosen.by} onClick={() => choose(by)}>
          {name}
        </button>
      ))}
    </h2>
  );
}

interface BreakdownProps extends Props {
  tab: Tab;
  limit: number;
  search: boolean;
}

function Breakdown({ report, tab, limit, search, site, dates, fresh, view, go, visitors }: BreakdownProps) {
  const [sought, setSought] = useState('');
  const named = [tab.by, ...view.filters.map(({ dimension }) => dimension)];
  const metrics = tab.metrics.filter((metric) => answerable(metric, named));
  const question = { site, dates, metrics, filters: view.filters, by: tab.by, limit };
  const key = metrics.length ? JSON.stringify(question) : null;
  const { data, error, stale } = useAnswer(key, fresh, (signal) => api.ask(question, signal));

  if (!key) {
    const others = named.slice(1).filter((one) => one !== tab.by);
    const apart = others.filter((one) => !tab.metrics.some((metric) => answerable(metric, [tab.by, one])));
    const names = (apart.length ? apart : others).map((one) => DIMENSIONS[one].name.toLowerCase());
    return (
      <p class="empty">
        {tab.name} are not kept together with {names.join(' and ')}: the combination would single visits out.
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
  const narrowed = named.slice(1).some((one) => one === 'event' || one === 'page');
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
      <Rows tab={tab} metrics={metrics} rows={rows} of={of} stale={stale} view={view} go={go} />
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
}

function Rows({ tab, metrics, rows, of, stale, view, go }: RowsProps) {
  const most = Math.max(1, ...rows.map((row) => row.metrics[0] ?? 0));
  const active = view.filters.find(({ dimension }) => dimension === tab.by)?.values ?? [];
  const narrow = (value: string, also: boolean) => {
    const on = active.includes(value);
    const filters = on ? withoutFilter(view.filters, tab.by) : withFilter(view.filters, tab.by, value, also);
    go({ filters, open: null });
  };
  return (
    <table class={stale ? 'rows stale' : 'rows'}>
      <thead>
        <tr>
          <th scope="col">{DIMENSIONS[tab.by].name}</th>
          {metrics.map((metric) => (
            <th key={metric} scope="col" title={METRICS[metric].means}>
              {COLUMN[metric]}
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
                  onClick={(event) => narrow(value, event.shiftKey)}
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

/** The whole list, over the page. */
function All({ name, close, children }: { name: string; close: () => void; children: preact.ComponentChildren }) {
  const ref = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    ref.current?.showModal();
  }, []);
  return (
    <dialog
      ref={ref}
      class="all"
      aria-label={name}
      onClose={close}
      onClick={(event) => event.target === ref.current && ref.current?.close()}
    >
      <form method="dialog">
        <button type="submit" class="close" aria-label="Close">
          ×
        </button>
      </form>
      {children}
    </dialog>
  );
}
