import { useState } from 'preact/hooks';
import type { ApiError, Ledger, Session } from '../api';
import { exact } from '../format';
import { REASONS } from '../state/reasons';
import { isTheme, theme, THEMES, wear } from '../state/theme';

const sum = (parts: Record<string, number>) => Object.values(parts).reduce((all, one) => all + one, 0);

/** The ledger: that nothing is lost between what came and what is shown. */
interface Props {
  ledger: Ledger | null;
  error: ApiError | null;
  session: Session | null;
  keys: () => void;
}

export function Footer({ ledger, error, session, keys }: Props) {
  const [worn, setWorn] = useState(theme);
  return (
    <footer class="foot">
      <h2>Data quality</h2>
      {error && <p class="failed">{error.message}</p>}
      {ledger && <Balance ledger={ledger} />}
      <p class="soft">
        Nothing here is about one person: no address, no identifier, no cookie. A visitor is known for a day, and then
        by nobody. Click a row to narrow the page; with Shift, to add to it; with Alt, to leave it out.
      </p>
      {session?.geo_attribution && <p class="soft">{session.geo_attribution}</p>}
      <p class="foot-controls">
        <label class="picker">
          <span class="unseen">Colours</span>
          <select
            value={worn}
            onChange={({ currentTarget: { value } }) => {
              if (!isTheme(value)) return;
              wear(value);
              setWorn(value);
            }}
          >
            {Object.entries(THEMES).map(([name, text]) => (
              <option key={name} value={name}>
                {text}
              </option>
            ))}
          </select>
        </label>
        <button type="button" onClick={keys}>
          Keyboard
        </button>
      </p>
    </footer>
  );
}

function Balance({ ledger }: { ledger: Ledger }) {
  const { received, counted, withheld, spooled } = ledger;
  const [dropped, rejected] = [sum(ledger.dropped), sum(ledger.rejected)];
  const open = received - counted - dropped - rejected;
  const why = [...Object.entries(ledger.dropped), ...Object.entries(ledger.rejected)]
    .filter(([, hits]) => hits)
    .map(([reason, hits]) => `${exact(hits)} ${REASONS[reason] ?? reason.replaceAll('_', ' ')}`);
  return (
    <dl class="ledger" data-balanced={open === 0}>
      <Figure name="Received" value={received} />
      <Figure name="Counted" value={counted} />
      <Figure name="Dropped" value={dropped} />
      <Figure name="Rejected" value={rejected} />
      <Figure name="Withheld" value={withheld} title="Counted without a visitor, since the browser asked for that" />
      {ledger.imported > 0 && <Figure name="Imported" value={ledger.imported} title="Counted out of logs and exports" />}
      <Figure name="On their way" value={spooled} title="Counted, and not yet in the database" />
      <div class="verdict">
        <dt>Balance</dt>
        <dd>
          {open === 0 ? '✓ Every hit is accounted for' : `${exact(Math.abs(open))} in flight`}
          {why.length > 0 && <span class="soft"> · {why.join(', ')}</span>}
        </dd>
      </div>
    </dl>
  );
}

const Figure = ({ name, value, title }: { name: string; value: number; title?: string }) => (
  <div title={title}>
    <dt>{name}</dt>
    <dd>{exact(value)}</dd>
  </div>
);
