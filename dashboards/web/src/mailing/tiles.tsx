// The totals; opens and clicks are also the buttons that put themselves on the chart.

import type { ComponentChildren } from 'preact';
import { compact, exact } from '../format';
import { Hint } from '../parts/tiles';
import type { About, Figures, Opens, Told } from './answer';
import { besides, count, range, rate } from './figures';
import { MEANS } from './words';

interface Props {
  mailing: About;
  figures: Figures;
  k: number;
  shown: 'opens' | 'clicks';
  choose: (curve: 'opens' | 'clicks') => void;
}

export function Tiles({ mailing, figures, k, shown, choose }: Props) {
  const { counts, rates, forwards } = figures;
  const { mode } = mailing;
  const token = mode === 'token';
  /** Who did it, where that is known, the rate, and what machines did. */
  const note = (what: 'open' | 'click', people: Told, part: Told, all: Partial<Opens>) => (
    <>
      <span>{token ? `by ${count(people, k)} recipients` : `${what}s, not people`}</span>
      {part !== null && <span>{token ? `${what} rate ${rate(part)}` : `${rate(part)} of sent`}</span>}
      <span class="soft">{besides(all)}</span>
    </>
  );
  const curve = (of: 'opens' | 'clicks') => ({ pressed: of === shown, press: () => choose(of) });
  return (
    <ul class="tiles">
      <Tile id="sent" name="Sent" means={MEANS.sent} figure={compact(mailing.sent)} exact={exact(mailing.sent)}>
        {token ? 'each with a token of its own' : 'all with the same links'}
      </Tile>
      <Tile
        id="opens"
        name="Opens"
        means={MEANS.opens[mode]}
        figure={count(counts.opens.people, k)}
        exact={count(counts.opens.people, k, true)}
        {...curve('opens')}
      >
        {note('open', counts.unique_opens?.people ?? null, rates.open_rate, counts.opens)}
      </Tile>
      <Tile
        id="clicks"
        name="Clicks"
        means={MEANS.clicks[mode]}
        figure={count(counts.clicks.human, k)}
        exact={count(counts.clicks.human, k, true)}
        {...curve('clicks')}
      >
        {note('click', counts.unique_clicks, rates.click_rate, counts.clicks)}
      </Tile>
      <Tile
        id="to-open"
        name="Click-to-open rate"
        means={MEANS.toOpen[mode]}
        figure={rate(rates.click_to_open_rate)}
      >
        {token ? `of ${count(counts.readers, k)} who read it` : 'clicks of opens'}
      </Tile>
      <Tile
        id="forwards"
        name="Forwards"
        means={MEANS.forwards[mode]}
        figure={range(forwards, k)}
      >
        by {forwards.method}
      </Tile>
    </ul>
  );
}

interface TileProps {
  id: string;
  name: string;
  means: string;
  figure: string;
  exact?: string;
  pressed?: boolean;
  press?: () => void;
  /** A note under the figure. */
  children: ComponentChildren;
}

function Tile({ id, name, means, figure, exact, pressed, press, children }: TileProps) {
  const inside = (
    <>
      <span class="label">{name}</span>
      <span class="figure" title={exact}>
        {figure}
      </span>
      <span class="note">{children}</span>
    </>
  );
  return (
    <li data-figure={id}>
      {press ? (
        <button type="button" aria-pressed={pressed} onClick={press}>
          {inside}
        </button>
      ) : (
        <div class="fixed">{inside}</div>
      )}
      <Hint id={`means-${id}`} name={name} text={means} />
    </li>
  );
}
