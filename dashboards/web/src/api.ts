// The console’s API, as far as the dashboard asks it.

import { DIMENSIONS, type Dimension, type Metric } from './state/words';
import type { Words } from './state/answerable';
import type { Filter } from './state/view';
import type { Dates } from './state/period';
import type { Report } from './mailing/answer';

export interface Site {
  domain: string;
  timezone: string;
}

export interface Live {
  current_visitors: number;
  /** Of the last 30 minutes, the oldest first; the last one is under way. */
  pageviews_per_minute: number[];
}

export interface Ledger {
  received: number;
  counted: number;
  dropped: Record<string, number>;
  rejected: Record<string, number>;
  withheld: number;
  spooled: number;
  written: number;
  /** Counted hits that came out of logs. */
  imported: number;
}

export interface Session {
  email: string | null;
  role: string;
  may_change_sites: boolean;
  /** What the databases of places ask to be shown. */
  geo_attribution: string | null;
  /** How much of a visitor’s place is kept: country, region or city. */
  places: string;
}

/** A mailing, as the list tells it. */
export interface Mailing {
  id: string;
  name: string;
  site: string;
  mode: 'aggregate' | 'token';
  /** The utm_campaign of its visits. */
  campaign: string;
  sent: number;
  created_at: string;
  first_sent_at: string | null;
  counts_until: string;
  links_until: string;
  key: 'none' | 'alive' | 'destroyed';
  /** People’s; null: fewer than are told. */
  opens: number | null;
  clicks: number | null;
}

export interface Row {
  dimensions: string[];
  metrics: (number | null)[];
}

export interface Answer {
  results: Row[];
  meta: { time_labels?: string[]; total_rows?: number };
}

export interface Question {
  site: string;
  /** None: from the first count on. */
  dates: Dates | null;
  metrics: Metric[];
  filters: Filter[];
  /** Nothing: totals. */
  by?: Dimension | 'time';
  limit?: number;
  /** What comes first: the most of this. Without it the first metric. */
  order?: Metric;
}

/** An answer that is no answer, as a sentence. */
export class ApiError extends Error {
  constructor(
    message: string,
    readonly status: number,
  ) {
    super(message);
  }
}

/** Tells `over` when the session is. */
export const session = new EventTarget();

async function request<T>(path: string, init: RequestInit = {}): Promise<T> {
  let response: Response;
  try {
    response = await fetch(path, { credentials: 'same-origin', ...init });
  } catch (error) {
    if (init.signal?.aborted) throw error;
    throw new ApiError('Headcount does not answer. Is it running?', 0);
  }
  const body = await response.json().catch(() => null);
  if (response.ok && body !== null) return body as T;
  if (response.status === 401) session.dispatchEvent(new Event('over'));
  const said = (body as { error?: unknown } | null)?.error;
  const otherwise = `Headcount answered ${response.status} and said no more.`;
  throw new ApiError(typeof said === 'string' ? sentence(said) : otherwise, response.status);
}

/** The API begins in lower case, with the field at fault. */
const sentence = (text: string) => text.charAt(0).toUpperCase() + text.slice(1) + (text.endsWith('.') ? '' : '.');

const post = (body: unknown, signal?: AbortSignal): RequestInit => ({
  method: 'POST',
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify(body),
  ...(signal && { signal }),
});

export const words = (): Promise<Words> => request('/api/v2/query/words');

export const whoAmI = (): Promise<Session> => request('/api/v1/session');

export const sites = async (): Promise<Site[]> => (await request<{ sites: Site[] }>('/api/v1/sites')).sites;

export const addSite = (domain: string, timezone: string): Promise<unknown> =>
  request('/api/v1/sites', post({ domain, timezone }));

export const live = (site: string, signal: AbortSignal): Promise<Live> =>
  request(`/api/v1/live?site_id=${encodeURIComponent(site)}`, { signal });

export const ledger = (site: string, signal: AbortSignal): Promise<Ledger> =>
  request(`/api/v1/ledger?site_id=${encodeURIComponent(site)}`, { signal });

export const mailings = async (site: string, signal: AbortSignal): Promise<Mailing[]> =>
  (await request<{ mailings: Mailing[] }>(`/api/v1/mailings?site_id=${encodeURIComponent(site)}`, { signal })).mailings;

export const mailing = (id: string, signal: AbortSignal): Promise<Report> =>
  request(`/api/v1/mailings/${encodeURIComponent(id)}`, { signal });

export async function signOut(): Promise<void> {
  await fetch('/sign-out', { ...post({}), credentials: 'same-origin' });
}

export function ask(question: Question, signal: AbortSignal): Promise<Answer> {
  const { site, dates, metrics, filters, by, limit, order } = question;
  const body = {
    site_id: site,
    date_range: dates ?? 'all',
    metrics,
    filters: filters.map(({ dimension, operator, values }) => [operator, DIMENSIONS[dimension].word, values]),
    ...(by === 'time' && { dimensions: ['time'], include: { time_labels: true } }),
    ...(by && by !== 'time' && { dimensions: [DIMENSIONS[by].word], include: { total_rows: true } }),
    ...(limit && { pagination: { limit } }),
    ...(order && { order_by: [[order, 'desc']] }),
  };
  return request('/api/v2/query', post(body, signal));
}
