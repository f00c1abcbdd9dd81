// What was clicked, who did it, and on what.

import type { ComponentChildren } from 'preact';
import { compact, exact } from '../format';
import { bar } from '../parts/way';
import { shown } from '../state/words';
import type { Cell, Classes, Figures, Told } from './answer';
import { count, many, readable } from './figures';
import { CLASSES } from './words';

interface Props {
  figures: Figures;
  k: number;
}

interface CardProps {
  id: string;
  name: string;
  heading?: ComponentChildren;
  children: ComponentChildren;
}

export const Card = ({ id, name, heading, children }: CardProps) => (
  <section class="panel report" aria-label={name} data-report={id}>
    <h2 class="tabs">{heading ?? name}</h2>
    {children}
  </section>
);

const Count = ({ value, k }: { value: Told; k: number }) => <td title={count(value, k, true)}>{count(value, k)}</td>;

/** The links by their clicks. `told`: recipients are told apart. */
export function Links({ figures: { links, other_links: others }, k, told }: Props & { told: boolean }) {
  const most = Math.max(1, ...links.map(({ clicks }) => clicks), others?.clicks ?? 0);
  return (
    <Card id="links" name="Links">
      {links.length === 0 && !others ? (
        <p class="empty">It has no links that are counted. They are found when its HTML is wrapped.</p>
      ) : (
        <table class="rows">
          <thead>
            <tr>
              <th scope="col">Link</th>
              <th scope="col" title="Times that a person followed it.">
                Clicks
              </th>
              {told && (
                <th scope="col" title="Recipients who followed it, each counted once.">
                  Unique
                </th>
              )}
            </tr>
          </thead>
          <tbody>
            {links.map(({ link, label, url, share, clicks, unique_clicks }) => (
              <tr key={link} data-value={label}>
                <th scope="row">
                  <a class="bar" style={bar(clicks / most)} href={url} title={url} target="_blank" rel="noreferrer">
                    <span>
                      {readable(label)}{' '}
                      <span class="soft">
                        {readable(label) !== readable(url) && readable(url)}
                        {share && ', to pass it on'}
                      </span>
                    </span>
                  </a>
                </th>
                <Count value={clicks} k={k} />
                {told && (share ? <td>–</td> : <Count value={unique_clicks} k={k} />)}
              </tr>
            ))}
            {others && (
              <tr data-value="Other">
                <th scope="row" title={`Links with fewer than ${k} clicks, and those that would give one away`}>
                  <div class="bar" style={bar((others.clicks ?? 0) / most)}>
                    <span>{many(others.links, 'other link')}</span>
                  </div>
                </th>
                <Count value={others.clicks} k={k} />
                {told && <td>–</td>}
              </tr>
            )}
          </tbody>
        </table>
      )}
    </Card>
  );
}

/** A proxy fetches pictures, and follows no links. */
const isOfClicks = (of: string): of is keyof Classes => of === 'human' || of === 'prefetch' || of === 'scanner';

/** People and machines, side by side: nothing is left out silently. */
export function Who({ figures: { counts }, k }: Props) {
  const { opens, clicks, unique_opens: unique } = counts;
  // The two kinds of people are told together or not at all.
  const apart = opens.human !== null && opens.proxied !== null;
  const rows = CLASSES.filter(([of]) => apart || of !== 'proxied');
  return (
    <Card id="who" name="People and machines">
      <table class="rows named">
        <thead>
          <tr>
            <th scope="col">Who asked</th>
            <th scope="col" title="Times that the mailing’s picture was asked for.">
              Opens
            </th>
            {unique && (
              <th scope="col" title="Recipients for whom the picture was asked for so, each counted once.">
                Unique
              </th>
            )}
            <th scope="col" title="Times that a link was followed.">
              Clicks
            </th>
          </tr>
        </thead>
        <tbody>
          {rows.map(([of, name, means]) => {
            const is = of === 'human' && !apart ? 'people' : of;
            return (
              <tr key={of} data-value={of}>
                <th scope="row">
                  {name} <span class="soft">{is === 'people' ? 'directly, or by Gmail or Yahoo' : means}</span>
                </th>
                <Count value={opens[is]} k={k} />
                {unique && <Count value={unique[is]} k={k} />}
                {isOfClicks(of) ? <Count value={clicks[of]} k={k} /> : <td class="soft">–</td>}
              </tr>
            );
          })}
        </tbody>
      </table>
    </Card>
  );
}

const TABS = [
  { id: 'clients', name: 'Mail programs', of: 'Opens by people. A browser is webmail in it; Gmail and Yahoo fetch pictures for theirs themselves.' },
  { id: 'systems', name: 'Systems', of: 'Opens by people in their own mail program: what a proxy runs on says nothing of them.' },
  { id: 'countries', name: 'Countries', of: 'Opens by people in their own mail program: where a proxy stands says nothing of them.' },
] as const;

type TabId = (typeof TABS)[number]['id'];

/** What the mailing was opened with, and where. */
export function Readers({ figures, tab, choose }: { figures: Figures; tab: string | undefined; choose: (tab: TabId) => void }) {
  const chosen = TABS.find(({ id }) => id === tab) ?? TABS[0];
  const cells: Cell[] = figures[chosen.id];
  const most = Math.max(1, ...cells.map(({ opens }) => opens));
  const heading = TABS.map(({ id, name }) => (
    <button key={id} type="button" aria-pressed={id === chosen.id} onClick={() => choose(id)}>
      {name}
    </button>
  ));
  return (
    <Card id="readers" name="Opened with" heading={heading}>
      {cells.length === 0 ? (
        <p class="empty">Too few opens to tell them apart.</p>
      ) : (
        <table class="rows">
          <thead>
            <tr>
              <th scope="col">{chosen.name}</th>
              <th scope="col" title={chosen.of}>
                Opens
              </th>
            </tr>
          </thead>
          <tbody>
            {cells.map(({ name, opens }) => (
              <tr key={name} data-value={name}>
                <th scope="row">
                  <div class="bar" style={bar(opens / most)}>
                    <span>{title(chosen.id, name)}</span>
                  </div>
                </th>
                <td title={exact(opens)}>{compact(opens)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      <p class="aside">{chosen.of}</p>
    </Card>
  );
}

function title(tab: TabId, name: string): string {
  if (name === '(unknown)') return 'Unknown';
  return tab === 'countries' ? shown('country', name) : name;
}
