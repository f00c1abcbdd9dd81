import { useState } from 'preact/hooks';
import type { Ledger, Site } from '../api';
import { exact } from '../format';
import { REASONS } from '../state/reasons';

/** Nothing was counted yet: what to paste, and what has arrived. */
export function Waiting({ site, ledger }: { site: Site; ledger: Ledger }) {
  const [copied, setCopied] = useState(false);
  const snippet = `<script defer data-domain="${site.domain}" src="https://stats.example.com/s.js"></script>`;
  const copy = () => navigator.clipboard.writeText(snippet).then(() => setCopied(true), () => setCopied(false));
  const dropped = Object.entries(ledger.dropped);
  return (
    <section class="panel waiting" aria-label="Waiting for the first page view">
      <p class="listening" role="status">
        <i class="dot on" />
        {ledger.received === 0
          ? 'Listening. The first page view shows here by itself, within seconds.'
          : `${exact(ledger.received)} received, and none counted yet.`}
      </p>
      {dropped.length > 0 && (
        <p>
          Not counted: {dropped.map(([reason, hits]) => `${exact(hits)} ${REASONS[reason] ?? reason}`).join(', ')}.
        </p>
      )}
      <h2>Paste this into the head of every page</h2>
      <div class="snippet">
        <pre>
          <code>{snippet}</code>
        </pre>
        <button type="button" onClick={copy}>
          {copied ? 'Copied' : 'Copy'}
        </button>
      </div>
      <p class="soft">
        Instead of <code>stats.example.com</code> put the address at which browsers reach your Headcount. Then open a page
        of {site.domain}, with no script blocker on.
      </p>
    </section>
  );
}
