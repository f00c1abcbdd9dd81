import { useState } from 'preact/hooks';
import type { Site } from '../api';
import { dates as written } from '../format';
import type { Go } from '../hooks';
import type { Steps } from '../state/keys';
import { PERIODS, type Dates, type Day, type Period, type PeriodName } from '../state/period';
import type { View } from '../state/view';
import { Mark } from './message';

interface Props {
  site: Site;
  sites: Site[];
  view: View;
  go: Go;
  dates: Dates | null;
  day: Day;
  /** There is nothing to choose days of. */
  empty: boolean;
  /** None: whoever looks may not. */
  add: (() => void) | null;
  addFilter: () => void;
  steps: Steps;
  signOut: () => void;
}

const ADD = '+';

const Step = ({ to, go, name, sign }: { to: Period | null; go: Go; name: string; sign: string }) => (
  <button type="button" class="step" aria-label={name} title={name} disabled={!to} onClick={() => to && go({ period: to })}>
    {sign}
  </button>
);

/** Which site, which days, compared or not. */
export function Head({ site, sites, view, go, dates, day, empty, add, addFilter, steps, signOut }: Props) {
  const [choosing, setChoosing] = useState(false);
  const pick = (name: PeriodName) => {
    setChoosing(name === 'custom');
    if (name !== 'custom') go({ period: { name } });
  };
  const custom = choosing || view.period.name === 'custom';
  const comparable = view.period.name !== 'all';
  return (
    <header class="head">
      <div class="site">
        <Mark />
        <div>
          <h1>
            <label class="picker">
              <span class="unseen">Site</span>
              <select
                value={site.domain}
                onChange={({ currentTarget }) => {
                  if (currentTarget.value !== ADD) return go({ site: currentTarget.value, filters: [], open: null });
                  currentTarget.value = site.domain;
                  add?.();
                }}
              >
                {sites.map(({ domain }) => (
                  <option key={domain}>{domain}</option>
                ))}
                {add && <option value={ADD}>Add a site…</option>}
              </select>
            </label>
          </h1>
          <p class="when">
            {empty ? 'No page view yet' : dates ? written(dates) : 'Since counting began'}
            <span class="zone"> · {site.timezone.replaceAll('_', ' ')}</span>
          </p>
        </div>
      </div>
      <div class="controls">
        {!empty && (
          <>
            <Step to={steps.back} go={go} name="The period before (←)" sign="‹" />
            <label class="picker boxed">
              <span class="unseen">Period</span>
              <select
                value={custom ? 'custom' : view.period.name}
                onChange={({ currentTarget }) => pick(currentTarget.value as PeriodName)}
                title={PERIODS.map(([, name, key]) => `${key}  ${name}`).join('\n')}
              >
                {PERIODS.map(([name, text]) => (
                  <option key={name} value={name}>
                    {text}
                  </option>
                ))}
              </select>
            </label>
            <Step to={steps.on} go={go} name="The next period (→)" sign="›" />
            <button
              type="button"
              class="toggle"
              aria-pressed={view.compare && comparable}
              disabled={!comparable}
              onClick={() => go({ compare: !view.compare })}
              title="Compare with the period before (X)"
            >
              Compare
            </button>
            <button type="button" class="plain" onClick={addFilter} title="Add a filter (/)">
              Filter
            </button>
          </>
        )}
        <button type="button" class="quiet" onClick={signOut}>
          Sign out
        </button>
        {custom && !empty && (
          <form
            class="range"
            onSubmit={(event) => {
              event.preventDefault();
              const fields = new FormData(event.currentTarget);
              const range = [String(fields.get('from')), String(fields.get('to'))].sort() as Dates;
              setChoosing(false);
              go({ period: { name: 'custom', dates: range } });
            }}
          >
            <label>
              From <input type="date" name="from" required max={day} defaultValue={dates?.[0] ?? day} />
            </label>
            <label>
              to <input type="date" name="to" required max={day} defaultValue={dates?.[1] ?? day} />
            </label>
            <button type="submit">Show</button>
          </form>
        )}
      </div>
    </header>
  );
}
