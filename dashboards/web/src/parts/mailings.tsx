// The card of a site’s mailings. Each row is the way to its page.

import { useRef } from 'preact/hooks';
import * as api from '../api';
import type { Mailing } from '../api';
import { compact, day, exact } from '../format';
import { useAnswer, type Go } from '../hooks';
import { format, type View } from '../state/view';
import { Dialog } from './dialog';
import { Way } from './way';

const ROWS = 5;
const CARD = 'mailings';

/** A site’s mailings, again when `fresh` changes. Of a site that has none it is asked once. */
export function useMailings(site: string | null, fresh: unknown): Mailing[] {
  const again = useRef(false);
  const tick = useRef(fresh);
  if (again.current) tick.current = fresh;
  const { data, error } = useAnswer(site, tick.current, (signal) => api.mailings(site ?? '', signal));
  again.current = error !== null || (data !== null && data.length > 0);
  return data ?? [];
}

interface Props {
  /** The newest first; there is one at least. */
  mailings: Mailing[];
  timezone: string;
  view: View;
  go: Go;
}

export function Mailings({ mailings, timezone, view, go }: Props) {
  const rows = (some: Mailing[]) => <Rows mailings={some} {...{ timezone, view, go }} />;
  return (
    <section class="panel report wide" aria-label="Mailings" data-report={CARD}>
      <h2 class="tabs">Mailings</h2>
      {rows(mailings.slice(0, ROWS))}
      {mailings.length > ROWS && (
        <p class="more">
          <button type="button" onClick={() => go({ open: CARD })}>
            More: all {exact(mailings.length)}
          </button>
        </p>
      )}
      {view.open === CARD && (
        <Dialog name="Mailings" kind="all" close={() => go({ open: null })}>
          <h2 class="tabs">Mailings</h2>
          {rows(mailings)}
        </Dialog>
      )}
    </section>
  );
}

const FEW = 'Fewer than 10, which are not told';

function Rows({ mailings, timezone, view, go }: Props) {
  const most = Math.max(1, ...mailings.map(({ opens }) => opens ?? 0));
  const count = (value: number | null, sent: number) =>
    sent === 0 ? <td>–</td> : value === null ? <td title={FEW}>&lt;10</td> : <td title={exact(value)}>{compact(value)}</td>;
  return (
    <table class="rows">
      <thead>
        <tr>
          <th scope="col">Mailing</th>
          <th scope="col" title="How many it was sent to, as the sender says.">
            Sent
          </th>
          <th scope="col" title="Opens by people, in their own mail program or fetched by Gmail or Yahoo for them. Opens, not people.">
            Opens
          </th>
          <th scope="col" title="Clicks by people on the mailing’s links; filters that follow links are left out.">
            Clicks
          </th>
        </tr>
      </thead>
      <tbody>
        {mailings.map(({ id, name, sent, first_sent_at, opens, clicks }) => (
          <tr key={id} data-value={name}>
            <th scope="row">
              <Way
                to={format({ ...view, mailing: id, open: null })}
                go={() => go({ mailing: id, open: null })}
                part={(opens ?? 0) / most}
                title={name}
              >
                {name} <span class="soft">{first_sent_at ? day(first_sent_at, timezone) : 'not sent yet'}</span>
              </Way>
            </th>
            <td title={exact(sent)}>{compact(sent)}</td>
            {count(opens, sent)}
            {count(clicks, sent)}
          </tr>
        ))}
      </tbody>
    </table>
  );
}
