// What counts can answer, by the server’s own table (`GET /api/v2/query/words`). The page leaves out
// what cannot be told instead of asking and showing the refusal.

import { DIMENSIONS, type Dimension, type Metric } from './words';
import type { Filter } from './view';

export interface Words {
  metrics: { name: string; answered: Record<string, { table?: string; one_of?: string[]; why_not?: string }> }[];
  dimensions: { name: string; tables: string[] }[];
}

let known: Words = { metrics: [], dimensions: [] };

/** Takes the server’s table. Before that nothing is answerable. */
export function learn(words: Words): void {
  known = words;
}

/** What a question is about, which decides the table; none: there is none for these together. */
function scope(named: Dimension[]): string | null {
  const has = (dimension: Dimension) => named.includes(dimension);
  if (has('exit')) return has('page') || has('event') ? null : 'exit_page';
  if (has('event')) return has('page') ? 'event_part' : 'event';
  return has('page') ? 'page' : 'visit';
}

/** Whether `metric` can be told when it is broken down by `by` and filtered so. */
export function answerable(metric: Metric, by: Dimension | null, filters: Filter[]): boolean {
  const named = [...(by ? [by] : []), ...filters.map(({ dimension }) => dimension)];
  const of = scope(named);
  const answer = known.metrics.find(({ name }) => name === metric)?.answered[of ?? ''];
  if (!answer?.table) return false;
  const { table, one_of = [] } = answer;
  const stored = named.every((dimension) => {
    const { word } = DIMENSIONS[dimension];
    return known.dimensions.find(({ name }) => name === word)?.tables.includes(table);
  });
  // Of one value at a time: the rows of a breakdown are, and a filter on one value.
  const single = ({ dimension, operator, values }: Filter) =>
    dimension === by || !one_of.includes(DIMENSIONS[dimension].word) || (operator === 'is' && values.length === 1);
  return stored && filters.every(single);
}
