// From clicks to visits to goals. Visits and goals are the ways to the site’s own page.

import type { Site } from '../api';
import { compact, exact, seconds, share } from '../format';
import type { Go } from '../hooks';
import { bar, Way } from '../parts/way';
import { today } from '../state/period';
import { format, type Filter, type View } from '../state/view';
import type { About, Figures } from './answer';
import { Card } from './cards';
import { count, many, rate } from './figures';

interface Props {
  mailing: About;
  figures: Figures;
  k: number;
  site: Site;
  view: View;
  go: Go;
}

export function Funnel({ mailing, figures: { counts, web }, k, site, view, go }: Props) {
  const clicks = counts.clicks.human;
  const most = Math.max(1, clicks ?? 0, web.visits);
  const to = (filters: Filter[]) => {
    const from = today(new Date(mailing.created_at), site.timezone);
    const dates: [string, string] = [from, today(new Date(), site.timezone)];
    const next = { mailing: null, period: { name: 'custom' as const, dates }, compare: false, filters };
    return { to: format({ ...view, ...next }), go: () => go(next) };
  };
  const campaign: Filter = { dimension: 'campaign', operator: 'is', values: [web.campaign] };
  const medium: Filter = { dimension: 'medium', operator: 'is', values: ['email'] };
  const event = (name: string): Filter => ({ dimension: 'event', operator: 'is', values: [name] });
  return (
    <Card id="web" name="On the site">
      <table class="rows">
        <thead>
          <tr>
            <th scope="col">Step</th>
            <th scope="col">Count</th>
            <th scope="col" title="Visits: of the clicks. Goals: of the visitors.">
              Part
            </th>
          </tr>
        </thead>
        <tbody>
          <tr data-value="clicks">
            <th scope="row">
              <div class="bar" style={bar((clicks ?? 0) / most)}>
                <span>Clicks</span>
              </div>
            </th>
            <td>{count(clicks, k)}</td>
            <td />
          </tr>
          <tr data-value="visits">
            <th scope="row">
              <Way {...to([campaign, medium])} part={web.visits / most} title="These visits on the site’s page">
                Visits <span class="soft">on {site.domain} →</span>
              </Way>
            </th>
            <td title={exact(web.visits)}>{compact(web.visits)}</td>
            <td class="soft">{clicks ? share(web.visits, clicks) : '–'}</td>
          </tr>
          {web.goals.map(({ name, visitors }) => (
            <tr key={name} data-value={name}>
              <th scope="row">
                <Way {...to([campaign, event(name)])} part={visitors / most} title={`${name} on the site’s page`}>
                  {name} <span class="soft">visitors →</span>
                </Way>
              </th>
              <td title={exact(visitors)}>{compact(visitors)}</td>
              <td class="soft">{share(visitors, web.visitors)}</td>
            </tr>
          ))}
        </tbody>
      </table>
      <p class="aside">
        {web.visits > 0 &&
          `${many(web.visitors, 'visitor')}, ${rate(web.bounce_rate)} left after one page, ${seconds(web.visit_duration ?? 0)} a visit. `}
        A visit is one whose address carries utm_campaign={web.campaign}, which links to the site’s own hosts get.
      </p>
    </Card>
  );
}
