// What counts can answer: the server’s table (`stats::answerable`), as far as this page asks. The
// page leaves out what cannot be told instead of asking and showing the refusal.

import type { Dimension, Metric } from './words';

type Table = 'visits' | 'pages' | 'events';

const SHARED: Dimension[] = ['channel', 'source', 'campaign', 'country', 'device'];
const WITH_PAGES: Dimension[] = ['page', ...SHARED];
const WITH_EVENTS: Dimension[] = ['page', 'event', ...SHARED];

function has(table: Table, dimension: Dimension): boolean {
  if (table === 'pages') return WITH_PAGES.includes(dimension);
  if (table === 'events') return WITH_EVENTS.includes(dimension);
  return dimension !== 'event';
}

/** The table that holds `metric` where these dimensions are named; none: it was not remembered. */
function table(metric: Metric, page: boolean, event: boolean): Table | null {
  switch (metric) {
    case 'visitors':
      return page && event ? null : event ? 'events' : page ? 'pages' : 'visits';
    case 'visits':
      return page && event ? null : event ? 'events' : 'visits';
    case 'pageviews':
      return event ? null : page ? 'pages' : 'visits';
    case 'events':
      return event ? 'events' : page ? null : 'visits';
    default:
      return event ? null : 'visits';
  }
}

/** Whether `metric` can be told when `named` are broken down by or filtered on. */
export function answerable(metric: Metric, named: Dimension[]): boolean {
  const from = table(metric, named.includes('page'), named.includes('event'));
  return from !== null && named.every((dimension) => has(from, dimension));
}
