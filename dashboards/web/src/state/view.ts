// What the page shows, as its address: every view can be sent to somebody, and the back button
// works. What an address does not say or says wrongly is the default; it is never an error.

import { isDay, PERIODS, type Dates, type Period } from './period';
import { isDimension, isMetric, type Dimension, type Metric } from './words';

export interface Filter {
  dimension: Dimension;
  /** One of them. */
  values: string[];
}

export interface View {
  /** A domain; empty: the first site. */
  site: string;
  period: Period;
  compare: boolean;
  /** What the chart shows. */
  metric: Metric;
  filters: Filter[];
  /** The tab of each card that does not show its first. */
  tabs: Record<string, string>;
  /** The card that is open as a whole. */
  open: string | null;
}

export const FIRST: View = {
  site: '',
  period: { name: 'day' },
  compare: true,
  metric: 'visitors',
  filters: [],
  tabs: {},
  open: null,
};

const TAB = 'tab.';

/** Reads an address: its path and query. */
export function parse(path: string, query: string, otherwise: Period = FIRST.period): View {
  const params = new URLSearchParams(query);
  const metric = params.get('metric') ?? '';
  const view: View = {
    site: decoded(path.replace(/^\/|\/$/g, '')),
    period: period(params) ?? otherwise,
    compare: params.get('compare') !== 'off',
    metric: isMetric(metric) ? metric : FIRST.metric,
    filters: [],
    tabs: {},
    open: params.get('open'),
  };
  for (const text of params.getAll('f')) {
    const [dimension, value] = cut(text);
    if (isDimension(dimension) && value) view.filters = withFilter(view.filters, dimension, value, true);
  }
  for (const [key, value] of params) {
    if (key.startsWith(TAB)) view.tabs[key.slice(TAB.length)] = value;
  }
  return view;
}

/** Its address. The period always stands in it: the default may be another one elsewhere. */
export function format(view: View): string {
  const params = new URLSearchParams();
  const { name, dates } = view.period;
  params.set('period', name);
  if (name === 'custom' && dates) {
    params.set('from', dates[0]);
    params.set('to', dates[1]);
  }
  if (!view.compare) params.set('compare', 'off');
  if (view.metric !== FIRST.metric) params.set('metric', view.metric);
  for (const { dimension, values } of view.filters) {
    for (const value of values) params.append('f', `${dimension}:${value}`);
  }
  for (const [card, tab] of Object.entries(view.tabs)) params.set(TAB + card, tab);
  if (view.open) params.set('open', view.open);
  const query = params.toString().replaceAll('%2F', '/').replaceAll('%3A', ':');
  return `/${encodeURI(view.site)}?${query}`;
}

/** The filters with `dimension is value`: instead of what it was, or as well. */
export function withFilter(filters: Filter[], dimension: Dimension, value: string, also = false): Filter[] {
  const known = filters.find((filter) => filter.dimension === dimension);
  if (!known) return [...filters, { dimension, values: [value] }];
  const values = also ? [...new Set([...known.values, value])] : [value];
  return filters.map((filter) => (filter === known ? { dimension, values } : filter));
}

export const withoutFilter = (filters: Filter[], dimension: Dimension): Filter[] =>
  filters.filter((filter) => filter.dimension !== dimension);

function period(params: URLSearchParams): Period | null {
  const name = PERIODS.map(([name]) => name).find((name) => name === params.get('period'));
  if (name !== 'custom') return name ? { name } : null;
  const dates: Dates = [params.get('from') ?? '', params.get('to') ?? ''];
  return dates.every(isDay) && dates[0] <= dates[1] ? { name, dates } : null;
}

function cut(text: string): [string, string] {
  const at = text.indexOf(':');
  return at < 0 ? [text, ''] : [text.slice(0, at), text.slice(at + 1)];
}

function decoded(text: string): string {
  try {
    return decodeURI(text);
  } catch {
    return '';
  }
}
