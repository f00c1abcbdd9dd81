// One mailing’s page: who it went to, what they did, and what came of it on the site.

import { useEffect } from 'preact/hooks';
import * as api from '../api';
import { Chart, type Subject } from '../chart/chart';
import { clock, exact } from '../format';
import { alsoHeld, useAnswer, useTick, type Go } from '../hooks';
import { Mark } from '../parts/message';
import { Way } from '../parts/way';
import { format, type View } from '../state/view';
import { About } from './about';
import type { About as Facts, Report } from './answer';
import { Links, Readers, Who } from './cards';
import { curve, gaps } from './figures';
import { Funnel } from './funnel';
import './mailing.css';
import { Tiles } from './tiles';

export interface Props {
  id: string;
  site: api.Site;
  view: View;
  go: Go;
}

export function MailingPage({ id, site, view, go }: Props) {
  const tick = useTick();
  const ledger = useAnswer(site.domain, tick, (signal) => api.ledger(site.domain, signal));
  const fresh = ledger.error ? `after ${tick}` : (ledger.data?.written ?? '');
  const { data, error } = useAnswer(id, alsoHeld(fresh, tick), (signal) => api.mailing(id, signal));
  const report = data?.mailing.site === site.domain ? data : null;
  const name = report?.mailing.name ?? 'Mailing';
  useEffect(() => {
    document.title = `${name} · ${site.domain} · Headcount`;
  }, [name, site.domain]);

  const back = { mailing: null };
  return (
    <div class="page mailing">
      <header class="head">
        <div class="site">
          <Mark />
          <div>
            <h1>{name}</h1>
            <p class="when">
              <Way to={format({ ...view, ...back })} go={() => go(back)}>
                ‹ {site.domain}
              </Way>
              {report && ` · ${state(report.mailing, site.timezone)}`}
            </p>
          </div>
        </div>
      </header>
      <main>
        {error && <p class="panel empty failed">{error.message}</p>}
        {data && !report && <p class="panel empty">This site has no such mailing.</p>}
        {report && <Body {...{ report, site, view, go }} />}
        {report && <About mailing={report.mailing} timezone={site.timezone} />}
      </main>
    </div>
  );
}

/** Where the mailing is on its way. */
function state({ first_sent_at, counts_until }: Facts, timezone: string): string {
  if (!first_sent_at) return 'not sent yet';
  const over = new Date(counts_until) <= new Date();
  return `sent ${clock(first_sent_at, timezone)} · ${over ? 'was' : 'is'} counted until ${clock(counts_until, timezone)}`;
}

function Body({ report, site, view, go }: { report: Report } & Omit<Props, 'id'>) {
  const { mailing, k } = report;
  if (report.hidden) return <Hidden mailing={mailing} k={k} />;
  const shown = view.tabs.curve === 'clicks' ? 'clicks' : 'opens';
  const choose = (curve: string) => go({ tabs: { ...view.tabs, curve } }, true);
  const sent = new Date(mailing.first_sent_at ?? mailing.created_at);
  return (
    <>
      <section class="panel overview" aria-label="Overview">
        <Tiles {...{ mailing, k, shown, choose }} figures={report} />
        <Chart
          series={curve(report.hours, shown, sent, new Date())}
          of={SUBJECTS[shown]}
          timezone={site.timezone}
          stale={false}
        />
        {gaps(report.hours, shown) && (
          <p class="aside">
            An hour with fewer than {k} is not told, and stands at zero; now and then one beside it, which would give it
            away.
          </p>
        )}
      </section>
      <div class="reports">
        <Links figures={report} k={k} told={mailing.mode === 'token'} />
        <Funnel figures={report} {...{ mailing, k, site, view, go }} />
        <Who figures={report} k={k} />
        <Readers figures={report} tab={view.tabs.readers} choose={(readers) => go({ tabs: { ...view.tabs, readers } }, true)} />
      </div>
    </>
  );
}

const subject = (name: string): Subject => ({
  name,
  rate: true,
  figure: (value) => (value === null || value === undefined ? 'not told' : exact(value)),
});
const SUBJECTS = { opens: subject('Opens'), clicks: subject('Clicks') };

/** There is nothing to show, and why. */
function Hidden({ mailing: { id, sent }, k }: { mailing: Facts; k: number }) {
  return (
    <section class="panel waiting" aria-label="No figures">
      {sent === 0 ? (
        <>
          <p class="listening">Not sent yet. Its figures show once Headcount knows how many it was sent to.</p>
          <p class="soft">Say so when the sending begins, and for each later batch:</p>
          <div class="snippet">
            <pre tabIndex={0}>
              <code>headcount mailing sent {id} 5000</code>
            </pre>
          </div>
        </>
      ) : (
        <>
          <p class="listening">
            Sent to {sent}. With fewer than {k} recipients a figure would tell about single ones, so none is shown.
          </p>
          <p class="soft">Opens and clicks are counted all the same, and show once it was sent to {k}.</p>
        </>
      )}
    </section>
  );
}
