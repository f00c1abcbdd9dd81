// The cards: what each breaks down by, and what it shows of every value.

import type { Dimension, Metric } from '../state/words';

export interface Tab {
  by: Dimension;
  name: string;
  metrics: Metric[];
  /** What the whole list shows besides. */
  more?: Metric[];
  /** Only what has a value: most visits come by no campaign. */
  named?: true;
  /** The first metric as a part of all visitors. */
  share?: 'share' | 'rate';
  /** What it is broken down by once a single value of it is filtered on. */
  within?: Dimension;
  /** Where it is kept only if the operator says so: the finest place that it needs. */
  place?: 'region' | 'city';
}

export interface ReportOf {
  id: string;
  name: string;
  tabs: [Tab, ...Tab[]];
  wide?: true;
}

const OF_VISITS: Metric[] = ['visitors', 'bounce_rate'];
const MORE: Metric[] = ['visits', 'pageviews', 'visit_duration'];
const SOURCES = { metrics: OF_VISITS, more: MORE };
const CAMPAIGN = { ...SOURCES, named: true as const };
const SHARED = { metrics: ['visitors'] as Metric[], more: [...MORE, 'bounce_rate'] as Metric[], share: 'share' as const };

export const REPORTS: ReportOf[] = [
  {
    id: 'sources',
    name: 'Sources',
    tabs: [
      { by: 'source', name: 'Sources', ...SOURCES },
      { by: 'channel', name: 'Channels', ...SOURCES },
      { by: 'referrer', name: 'Referrers', ...SOURCES },
    ],
  },
  {
    id: 'pages',
    name: 'Pages',
    tabs: [
      { by: 'page', name: 'Pages', metrics: ['visitors', 'pageviews', 'time_on_page'], more: ['scroll_depth', 'exit_rate'] },
      { by: 'entry', name: 'Entry pages', metrics: ['visitors', 'visits', 'bounce_rate'], more: ['visit_duration'] },
      { by: 'exit', name: 'Exit pages', metrics: ['visits', 'exit_rate'] },
    ],
  },
  {
    id: 'campaigns',
    name: 'Campaigns',
    tabs: [
      {
        by: 'campaign',
        name: 'Campaigns',
        metrics: ['visitors', 'visits'],
        more: ['pageviews', 'bounce_rate', 'visit_duration'],
        named: true,
      },
      { by: 'utm_source', name: 'Sources', ...CAMPAIGN },
      { by: 'medium', name: 'Mediums', ...CAMPAIGN },
      { by: 'content', name: 'Contents', ...CAMPAIGN },
      { by: 'term', name: 'Terms', ...CAMPAIGN },
    ],
  },
  {
    id: 'events',
    name: 'Events',
    tabs: [{ by: 'event', name: 'Goals and events', metrics: ['visitors', 'events'], share: 'rate' }],
  },
  {
    id: 'places',
    name: 'Places',
    tabs: [
      { by: 'country', name: 'Countries', ...SHARED },
      { by: 'region', name: 'Regions', ...SHARED, place: 'region' },
      { by: 'city', name: 'Cities', ...SHARED, place: 'city' },
      { by: 'language', name: 'Languages', ...SHARED },
    ],
  },
  {
    id: 'devices',
    name: 'Devices',
    tabs: [
      { by: 'device', name: 'Devices', ...SHARED },
      { by: 'browser', name: 'Browsers', ...SHARED, within: 'browser_version' },
      { by: 'os', name: 'Systems', ...SHARED, within: 'os_version' },
    ],
  },
];

/** The heading of a column: short, since the figures below are. */
export const COLUMN: Record<Metric, string> = {
  visitors: 'Visitors',
  visits: 'Visits',
  pageviews: 'Views',
  views_per_visit: 'Per visit',
  bounce_rate: 'Bounce',
  visit_duration: 'Time',
  events: 'Times',
  time_on_page: 'Time',
  scroll_depth: 'Scroll',
  exit_rate: 'Exits',
};
