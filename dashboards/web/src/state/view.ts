// What the page shows, as its address: every view can be sent to somebody, and the back button
// works. What an address does not say or says wrongly is the default; it is never an error.

import { isDay, PERIODS, type Dates, type Period } from './period';
import { isDimension, isMetric, type Dimension, type Metric } from './words';

/** How a filter compares, by the API’s words. */
export const OPERATORS = {
  is: { sign: '', name: 'is' },
  is_not: { sign: '!', name: 'is not' },
  contains: { sign: '~', name: 'contains' },
  contains_not: { sign: '!~', name: 'does not contain' },
} as const;

export type Operator = keyof typeof OPERATORS;

export const isOperator = (text: string): text is Operator => Object.hasOwn(OPERATORS, text);

export interface Filter {
  dimension: Dimension;
  operator: Operator;
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
  /** The id of the mailing that is looked at instead of the site. */
  mailing: string | null;
}

export const FIRST: View = {
  site: '',
  period: { name: 'day' },
  compare: true,
  metric: 'visitors',
  filters: [],
  tabs: {},
  open: null,
  mailing: null,
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
    mailing: /^\w{8}$/.exec(params.get('mailing') ?? '')?.[0] ?? null,
  };
  for (const text of params.getAll('f')) {
    const [, sign = '', named = ''] = /^(!?~?)(.*)$/s.exec(text)!;
    const [dimension, value] = cut(named);
    const operator = Object.keys(OPERATORS).filter(isOperator).find((one) => OPERATORS[one].sign === sign)!;
    if (isDimension(dimension) && value) view.filters = withFilter(view.filters, dimension, value, true, operator);
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
  for (const { dimension, operator, values } of view.filters) {
    for (const value of values) params.append('f', `${OPERATORS[operator].sign}${dimension}:${value}`);
  }
  for (const [card, tab] of Object.entries(view.tabs)) params.set(TAB + card, tab);
  if (view.open) params.set('open', view.open);
  if (view.mailing) params.set('mailing', view.mailing);
  const query = params.toString().replaceAll('%2F', '/').replaceAll('%3A', ':').replaceAll('%21', '!');
  return `/${encodeURI(view.site)}?${query}`;
}

/** The filters with one more: instead of what the dimension was compared with so, or as well. */
export function withFilter(
  filters: Filter[],
  dimension: Dimension,
  value: string,
  also = false,
  operator: Operator = 'is',
): Filter[] {
  const known = filters.find((filter) => filter.dimension === dimension && filter.operator === operator);
  if (!known) return [...filters, { dimension, operator, values: [value] }];
  const values = also ? [...new Set([...known.values, value])] : [value];
  return filters.map((filter) => (filter === known ? { dimension, operator, values } : filter));
}

export const withoutFilter = (filters: Filter[], one: Filter): Filter[] => filters.filter((filter) => filter !== one);

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
