// What a mailing is, as long as it lives: its id, its dates, its key.

import { clock } from '../format';
import type { About as Facts } from './answer';

export function About({ mailing, timezone }: { mailing: Facts; timezone: string }) {
  const { id, mode, campaign, counts_until, links_until, hosts, consent } = mailing;
  const facts: [name: string, text: string][] = [
    ['Id', id],
    ['Campaign', campaign],
    ['Counted until', clock(counts_until, timezone)],
    ['Links work until', clock(links_until, timezone)],
    ['Mode', mode === 'token' ? 'Token' : 'Aggregate'],
    ...(mode === 'token' ? [['Key', key(mailing, timezone)] as [string, string]] : []),
    ...(consent ? [['Consent', consent] as [string, string]] : []),
    ...(hosts.length ? [['Other hosts', hosts.join(', ')] as [string, string]] : []),
  ];
  return (
    <footer class="foot">
      <h2>About this mailing</h2>
      <dl class="ledger facts">
        {facts.map(([name, text]) => (
          <div key={name} data-fact={name}>
            <dt>{name}</dt>
            <dd>{text}</dd>
          </div>
        ))}
      </dl>
      <p class="soft">
        {mode === 'token'
          ? 'Every recipient’s links carry a random token, so that each is counted once. Tokens are kept nowhere here, and the key that they are recognised by is destroyed when counting ends: after that nobody can be told apart.'
          : 'All recipients get the same links and the same picture, so nobody can be told apart: opens and clicks are counted, not people.'}
      </p>
    </footer>
  );
}

function key({ key, receipt, counts_until }: Facts, timezone: string): string {
  if (!receipt) return key === 'alive' ? `alive until ${clock(counts_until, timezone)}` : 'none';
  const why = receipt.why === 'shred' ? 'on request' : 'when counting ended';
  return `destroyed ${clock(receipt.destroyed_at, timezone)}, ${why}; receipt ${receipt.fingerprint}`;
}
