// A list as a file that spreadsheets open.

import type { Row } from '../api';
import type { Dates } from '../state/period';
import { DIMENSIONS, METRICS, shown, type Dimension, type Metric } from '../state/words';

/** A field, quoted; what a spreadsheet would take for a formula is kept from being one. */
function field(text: string): string {
  const harmless = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\n\r]/.test(harmless) ? `"${harmless.replaceAll('"', '""')}"` : harmless;
}

export function csv(by: Dimension, metrics: Metric[], rows: Row[]): string {
  const head = [DIMENSIONS[by].name, ...metrics.map((metric) => METRICS[metric].name)];
  const line = (row: Row) => [field(shown(by, row.dimensions[0] ?? '')), ...row.metrics.map((value) => value ?? '')];
  return [head, ...rows.map(line)].map((fields) => `${fields.join(',')}\r\n`).join('');
}

export const name = (site: string, by: Dimension, dates: Dates | null): string =>
  `${site.replaceAll('/', '-')}-${by}-${dates ? dates.join('-to-') : 'all'}.csv`;

export function download(name: string, by: Dimension, metrics: Metric[], rows: Row[]): void {
  const url = URL.createObjectURL(new Blob([csv(by, metrics, rows)], { type: 'text/csv;charset=utf-8' }));
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  link.click();
  URL.revokeObjectURL(url);
}
