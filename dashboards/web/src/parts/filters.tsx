import type { Go } from '../hooks';
import { withoutFilter, type Filter } from '../state/view';
import { DIMENSIONS, shown } from '../state/words';

/** What the page is narrowed to. */
export function Filters({ filters, go }: { filters: Filter[]; go: Go }) {
  if (filters.length === 0) return null;
  return (
    <ul class="filters" aria-label="Filters">
      {filters.map(({ dimension, values }) => (
        <li key={dimension}>
          <span>
            {DIMENSIONS[dimension].name} is <b>{values.map((value) => shown(dimension, value)).join(' or ')}</b>
          </span>
          <button
            type="button"
            aria-label={`Remove the filter on ${DIMENSIONS[dimension].name}`}
            onClick={() => go({ filters: withoutFilter(filters, dimension) })}
          >
            ×
          </button>
        </li>
      ))}
      <li class="clear">
        <button type="button" onClick={() => go({ filters: [] })}>
          Clear
        </button>
      </li>
    </ul>
  );
}
