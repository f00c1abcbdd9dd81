// A filter by hand: on anything, in any way, with what there is as suggestions.

import { useState } from 'preact/hooks';
import * as api from '../api';
import { useAnswer, type Go } from '../hooks';
import { answerable } from '../state/answerable';
import type { Dates } from '../state/period';
import { isOperator, OPERATORS, withFilter, type Filter, type Operator } from '../state/view';
import { DIMENSIONS, isDimension, shown, type Dimension, type Metric } from '../state/words';
import { Dialog } from './dialog';

interface Props {
  site: string;
  dates: Dates | null;
  filters: Filter[];
  go: Go;
  close: () => void;
}

/** What is asked for the suggestions: the first that can be told. */
const BY: Metric[] = ['visitors', 'visits', 'events'];
const SUGGESTED = 200;

const keysOf = <T extends string>(of: Record<T, unknown>) => Object.keys(of) as T[];

export function AddFilter({ site, dates, filters, go, close }: Props) {
  const [dimension, setDimension] = useState<Dimension>('page');
  const [operator, setOperator] = useState<Operator>('is');
  const [text, setText] = useState('');
  const metric = BY.find((metric) => answerable(metric, dimension, filters));
  const question = metric && { site, dates, metrics: [metric], filters, by: dimension, limit: SUGGESTED };
  const key = question ? JSON.stringify(question) : null;
  const answer = useAnswer(key, 0, (signal) => api.ask(question!, signal));
  const known = answer.data?.results.map((row) => row.dimensions[0] ?? '') ?? [];
  // Whoever types a name means what goes by it: Germany is DE.
  const meant = (typed: string) =>
    known.find((value) => shown(dimension, value).toLowerCase() === typed.toLowerCase()) ?? typed;
  return (
    <Dialog name="Add a filter" kind="asking" close={close}>
      <h2>Add a filter</h2>
      <form
        class="form"
        onSubmit={(event) => {
          event.preventDefault();
          const typed = text.trim();
          if (!typed) return;
          const value = operator === 'is' || operator === 'is_not' ? meant(typed) : typed;
          go({ filters: withFilter(filters, dimension, value, true, operator) });
          close();
        }}
      >
        <label>
          What
          <select
            value={dimension}
            onChange={({ currentTarget }) => {
              if (isDimension(currentTarget.value)) setDimension(currentTarget.value);
              setText('');
            }}
          >
            {keysOf(DIMENSIONS).map((one) => (
              <option key={one} value={one}>
                {DIMENSIONS[one].name}
              </option>
            ))}
          </select>
        </label>
        <label>
          How
          <select
            value={operator}
            onChange={({ currentTarget }) => isOperator(currentTarget.value) && setOperator(currentTarget.value)}
          >
            {keysOf(OPERATORS).map((one) => (
              <option key={one} value={one}>
                {OPERATORS[one].name}
              </option>
            ))}
          </select>
        </label>
        <label>
          Value
          <input
            list="suggested"
            value={text}
            required
            autocomplete="off"
            onInput={({ currentTarget }) => setText(currentTarget.value)}
          />
          <datalist id="suggested">
            {known.map((value) => (
              <option key={value} value={shown(dimension, value)} />
            ))}
          </datalist>
        </label>
        <p class="buttons">
          <button type="submit" class="primary">
            Add
          </button>
        </p>
      </form>
    </Dialog>
  );
}
