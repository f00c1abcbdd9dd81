import type { Go } from '../hooks';
import { OPERATORS, withoutFilter, type Filter } from '../state/view';
import { DIMENSIONS, shown } from '../state/words';

/** What the page is narrowed to. */
export function Filters({ filters, go, add }: { filters: Filter[]; go: Go; add: () => void }) {
  if (filters.length === 0) return null;
  return (
    <ul class="filters" aria-label="Filters">
      {filters.map((filter) => {
        const { dimension, operator, values } = filter;
        const { name } = DIMENSIONS[dimension];
        return (
          <li key={operator + dimension}>
            <span>
              {name} {OPERATORS[operator].name} <b>{values.map((value) => shown(dimension, value)).join(' or ')}</b>
            </span>
            <button
              type="button"
              aria-label={`Remove the filter on ${name}`}
              onClick={() => go({ filters: withoutFilter(filters, filter) })}
            >
              ×
            </button>
          </li>
        );
      })}
      <li class="clear">
        <button type="button" onClick={add}>
          Add
        </button>
      </li>
      <li class="clear">
        <button type="button" onClick={() => go({ filters: [] })}>
          Clear
        </button>
      </li>
    </ul>
  );
}
