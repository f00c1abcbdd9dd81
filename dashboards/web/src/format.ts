// Figures as text.

import { length, type Dates, type Day } from './state/period';
import type { Metric } from './state/words';

const whole = new Intl.NumberFormat('en');
const short = new Intl.NumberFormat('en', { notation: 'compact', maximumFractionDigits: 1 });

/** With all its digits. */
export const exact = (value: number): string => whole.format(value);

/** In at most four digits or so: 12.3K. */
export const compact = (value: number): string => (Math.abs(value) < 10_000 ? exact(value) : short.format(value));

export function seconds(value: number): string {
  const [h, m, s] = [Math.floor(value / 3600), Math.floor(value / 60) % 60, Math.round(value) % 60];
  if (h) return `${h}h ${m}m`;
  return m ? `${m}m ${s}s` : `${s}s`;
}

/** Of a whole, in percent; small parts are not rounded away. */
export function share(part: number, of: number): string {
  if (!of) return '–';
  const percent = (part / of) * 100;
  if (percent > 0 && percent < 0.1) return '<0.1%';
  return `${percent < 10 && percent % 1 ? percent.toFixed(1) : Math.round(percent)}%`;
}

/** What a figure is of, where it is no count. */
export const UNITS: Partial<Record<Metric, '%' | 's'>> = {
  bounce_rate: '%',
  scroll_depth: '%',
  exit_rate: '%',
  visit_duration: 's',
  time_on_page: 's',
};

/** A metric’s value; none is a dash. */
export function figure(metric: Metric, value: number | null | undefined, all = false): string {
  if (value === null || value === undefined) return '–';
  if (UNITS[metric] === '%') return `${value}%`;
  if (UNITS[metric] === 's') return seconds(value);
  return all ? exact(value) : compact(value);
}

export interface Change {
  text: string;
  direction: 'up' | 'down' | 'same';
}

/** How much more it is than before; none where there is nothing to compare with. A rate changes by points. */
export function change(metric: Metric, now: number | null, before: number | null): Change | null {
  if (now === null || before === null) return null;
  const points = UNITS[metric] === '%';
  if (!points && before === 0) return null;
  const by = points ? Math.round(now - before) : Math.round((now / before - 1) * 100);
  const direction = by > 0 ? 'up' : by < 0 ? 'down' : 'same';
  return { text: `${exact(Math.abs(by))}${points ? ' pt' : '%'}`, direction };
}

/** Without commas, which come and go between browsers. */
const date = (options: Intl.DateTimeFormatOptions) => {
  const format = new Intl.DateTimeFormat('en-GB', { timeZone: 'UTC', ...options });
  return (label: string) => format.format(new Date(`${label.slice(0, 10)}T00:00:00Z`)).replaceAll(',', '');
};
const formats = {
  long: date({ weekday: 'long', day: 'numeric', month: 'long', year: 'numeric' }),
  day: date({ weekday: 'short', day: 'numeric', month: 'short', year: 'numeric' }),
  short: date({ day: 'numeric', month: 'short' }),
  month: date({ month: 'long', year: 'numeric' }),
  monthShort: date({ month: 'short' }),
};

/** The day that a time belongs to in a zone: 23 Nov 2026. */
export const day = (time: string, timeZone: string): string =>
  new Intl.DateTimeFormat('en-GB', { timeZone, day: 'numeric', month: 'short', year: 'numeric' }).format(new Date(time));

/** A time of a zone: 23 Nov 2026, 09:05. */
export const clock = (time: string, timeZone: string): string =>
  `${day(time, timeZone)}, ${new Intl.DateTimeFormat('en-GB', { timeZone, hour: '2-digit', minute: '2-digit' }).format(new Date(time))}`;

/** A period’s dates as a heading. */
export function dates(range: Dates): string {
  const [first, last] = range;
  if (first === last) return formats.long(first);
  return `${formats.day(first)} – ${formats.day(last)}`;
}

export type Grain = 'since' | 'hour' | 'day' | 'month';

/** The label of the `hour`th hour since something; such labels are in order as text. */
export const since = (hour: number): string => `+${String(hour).padStart(4, '0')}`;

/** The grain of a chart by its labels, which are dates, dates with an hour, or hours `since`. */
export function grainOf(labels: string[]): Grain {
  if (labels[0]?.startsWith('+')) return 'since';
  if (labels.some((label) => label.length > 10)) return 'hour';
  return labels.length > 1 && labels.every((label) => label.endsWith('-01')) ? 'month' : 'day';
}

/** A number of hours: 5 h, 2 d, 2 d 5 h. */
function hours(all: number): string {
  const [d, h] = [Math.floor(all / 24), all % 24];
  if (!d) return `${h} h`;
  return h ? `${d} d ${h} h` : `${d} d`;
}

/** A place on the chart’s axis, and the same in full. */
export function tick(label: string, grain: Grain): string {
  if (grain === 'since') return hours(Number(label));
  if (grain === 'hour') return label.slice(11, 16);
  return (grain === 'month' ? formats.monthShort : formats.short)(label);
}

export function moment(label: string, grain: Grain): string {
  if (grain === 'since') return `${hours(Number(label))} to ${hours(Number(label) + 1)}`;
  if (grain === 'hour') return `${formats.short(label)}, ${label.slice(11, 16)}`;
  return (grain === 'month' ? formats.month : formats.day)(label);
}

/** How a period before is called in a few words. */
export function before(range: Dates): string {
  const [first, last] = range.map((one: Day) => formats.short(one));
  return length(range) === 1 ? first! : `${first} – ${last}`;
}
