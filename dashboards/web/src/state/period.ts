// Periods as dates of the site's calendar. They are worked out here, so that the period before can
// be asked for in the same way. A date is text, YYYY-MM-DD: it has no time zone.

export type Day = string;
export type Dates = [first: Day, last: Day];

export const PERIODS = [
  ['day', 'Today', 'D'],
  ['yesterday', 'Yesterday', 'E'],
  ['7d', 'Last 7 days', 'W'],
  ['28d', 'Last 28 days', 'F'],
  ['91d', 'Last 91 days', 'N'],
  ['month', 'This month', 'M'],
  ['lastmonth', 'Last month', 'P'],
  ['year', 'This year', 'Y'],
  ['12mo', 'Last 12 months', 'L'],
  ['all', 'All time', 'A'],
  ['custom', 'Other dates…', 'C'],
] as const;

export type PeriodName = (typeof PERIODS)[number][0];

export interface Period {
  name: PeriodName;
  /** Of `custom`. */
  dates?: Dates;
}

const DAY_MS = 86_400_000;
const ms = (day: Day) => Date.parse(`${day}T00:00:00Z`);
const day = (ms: number): Day => new Date(ms).toISOString().slice(0, 10);

export const isDay = (text: string): boolean =>
  /^\d{4}-\d\d-\d\d$/.test(text) && !Number.isNaN(ms(text)) && day(ms(text)) === text;

export const plusDays = (from: Day, days: number): Day => day(ms(from) + days * DAY_MS);

/** Days from one date to another, both included. */
export const length = ([first, last]: Dates): number => Math.round((ms(last) - ms(first)) / DAY_MS) + 1;

/** The same day of another month, or that month's last one. */
export function plusMonths(from: Day, months: number): Day {
  const [year, month, date] = from.split('-').map(Number) as [number, number, number];
  const lastOfMonth = new Date(Date.UTC(year, month + months, 0)).getUTCDate();
  return day(Date.UTC(year, month - 1 + months, Math.min(date, lastOfMonth)));
}

/** The date that `now` has in a time zone. */
export function today(now: Date, timeZone: string): Day {
  const parts = new Intl.DateTimeFormat('en', {
    timeZone,
    calendar: 'gregory',
    numberingSystem: 'latn',
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
  }).formatToParts(now);
  const part = (type: string) => parts.find((one) => one.type === type)!.value;
  return `${part('year').padStart(4, '0')}-${part('month')}-${part('day')}`;
}

const firstOfMonth = (of: Day): Day => `${of.slice(0, 8)}01`;

/** The dates of a period; none: from the first count on. */
export function datesOf(period: Period, today: Day): Dates | null {
  switch (period.name) {
    case 'day':
      return [today, today];
    case 'yesterday':
      return [plusDays(today, -1), plusDays(today, -1)];
    case '7d':
      return [plusDays(today, -6), today];
    case '28d':
      return [plusDays(today, -27), today];
    case '91d':
      return [plusDays(today, -90), today];
    case 'month':
      return [firstOfMonth(today), today];
    case 'lastmonth': {
      const last = plusDays(firstOfMonth(today), -1);
      return [firstOfMonth(last), last];
    }
    case 'year':
      return [`${today.slice(0, 4)}-01-01`, today];
    case '12mo':
      return [plusMonths(firstOfMonth(today), -11), today];
    case 'custom':
      return period.dates ?? [today, today];
    case 'all':
      return null;
  }
}

/** The dates before, of the same length: months before months, weekdays before their like. */
export function datesBefore(period: Period, [first, last]: Dates): Dates {
  switch (period.name) {
    case 'month':
      return [plusMonths(first, -1), plusMonths(last, -1)];
    case 'lastmonth':
      return [plusMonths(first, -1), plusDays(first, -1)];
    case 'year':
    case '12mo':
      return [plusMonths(first, -12), plusMonths(last, -12)];
    default: {
      const days = length([first, last]);
      return [plusDays(first, -days), plusDays(last, -days)];
    }
  }
}

/** The same length of time, one step back or on; none: there is no such step, or it has not come. */
export function stepped(dates: Dates | null, steps: -1 | 1, today: Day): Period | null {
  if (!dates) return null;
  const [first, last] = dates;
  const wholeMonths = first.endsWith('-01') && (plusDays(last, 1).endsWith('-01') || last === today);
  const months = wholeMonths ? monthsOf(first, last) : 0;
  const days = length(dates);
  const next: Dates = months
    ? [plusMonths(first, steps * months), plusDays(plusMonths(first, (steps + 1) * months), -1)]
    : [plusDays(first, steps * days), plusDays(last, steps * days)];
  if (next[0] > today) return null;
  const dated: Dates = next[1] > today ? [next[0], today] : next;
  const named = PERIODS.map(([name]) => name).find((name) => {
    const of = name === 'custom' ? null : datesOf({ name }, today);
    return of && of[0] === dated[0] && of[1] === dated[1];
  });
  return named ? { name: named } : { name: 'custom', dates: dated };
}

/** Months that two dates span, the last one as far as it has come. */
const monthsOf = (first: Day, last: Day): number =>
  (Number(last.slice(0, 4)) - Number(first.slice(0, 4))) * 12 + Number(last.slice(5, 7)) - Number(first.slice(5, 7)) + 1;

export interface Comparison {
  /** Complete days of the period; none: there is none, as today. */
  now: Dates | null;
  /** What they are compared with; without complete days: all of the period before. */
  before: Dates;
}

/** A day under way is no match for a whole one: totals are compared over complete days. */
export function comparison(period: Period, dates: Dates, today: Day): Comparison {
  const before = datesBefore(period, dates);
  if (dates[1] < today) return { now: dates, before };
  const now: Dates = [dates[0], plusDays(today, -1)];
  if (now[1] < now[0]) return { now: null, before };
  return { now, before: datesBefore(period, now) };
}
