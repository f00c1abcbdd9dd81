// A mailing’s figures as they are shown. Pure.

import type { Series } from '../chart/chart';
import { compact, exact, share, since } from '../format';
import type { Figures, Opens, Told } from './answer';

const HOUR_MS = 3_600_000;

/** The curve is at least this long. */
const HOURS_LEAST = 24;

/** A count; too small a one is told as that. */
export const count = (value: Told, k: number, all = false): string =>
  value === null ? `<${k}` : (all ? exact : compact)(value);

/** A part of 1 in percent; none is a dash. */
export const rate = (value: Told): string => (value === null ? '–' : share(value, 1));

/** What machines did, beside what people did: a sum, and whether there may be more. */
export function machines(of: Partial<Opens>): { known: number; more: boolean } {
  const parts = [of.privacy_proxy, of.prefetch, of.scanner].filter((part) => part !== undefined);
  return {
    known: parts.reduce<number>((sum, part) => sum + (part ?? 0), 0),
    more: parts.includes(null),
  };
}

/** The same in words. */
export function besides(of: Partial<Opens>): string {
  const { known, more } = machines(of);
  if (!known) return more ? 'machines: few' : 'machines: none';
  return `machines: ${exact(known)}${more ? ' or more' : ''}`;
}

/** From the least to the most there can have been. */
export function range({ low, high }: Figures['forwards'], k: number): string {
  if (low !== null && high !== null) return low === high ? compact(low) : `${compact(low)}–${compact(high)}`;
  if (high !== null) return `up to ${compact(high)}`;
  return `<${k}`;
}

/**
 * The curve of openings or clicks: from the sending to `now`, but not much past the last hour that
 * is told, since what follows is next to nothing. Nothing is known of an hour that is not told.
 */
export function curve(hours: Figures['hours'], of: 'opens' | 'clicks', sent: Date, now: Date): Series {
  const known = new Map(hours.map((one) => [one.hour, one[of]]));
  const last = Math.max(-1, ...hours.filter((one) => one[of]).map(({ hour }) => hour));
  const present = Math.max(0, Math.floor((now.getTime() - sent.getTime()) / HOUR_MS));
  const until = Math.max(HOURS_LEAST, Math.ceil((last + 1) / 6) * 6);
  const labels = Array.from({ length: until }, (_, hour) => since(hour));
  const values = labels.map((label, hour): [string, Told] => [label, known.has(hour) ? known.get(hour)! : 0]);
  return { labels, values: new Map(values), before: null, labelsBefore: [], under: since(present) };
}

/** Whether an hour of the curve is not told. */
export const gaps = (hours: Figures['hours'], of: 'opens' | 'clicks'): boolean =>
  hours.some((one) => one[of] === null);

/** A URL as a person reads it: where it leads, without what it carries. Other text is as it was. */
export const readable = (text: string): string =>
  /^https?:/.test(text) ? text.replace(/^https?:\/\/(www\.)?/, '').replace(/[?#].*$/s, '').replace(/\/$/, '') : text;

/** So many of something that is called `one`, or `one` and an s. */
export const many = (value: number, one: string): string => `${exact(value)} ${one}${value === 1 ? '' : 's'}`;
