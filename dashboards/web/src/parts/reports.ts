// The cards: what each breaks down by, and what it shows of every value.

import type { Dimension, Metric } from '../state/words';

export interface Tab {
  by: Dimension;
  name: string;
  metrics: Metric[];
  /** The first metric as a part of all visitors. */
  share?: 'share' | 'rate';
}

export interface ReportOf {
  id: string;
  name: string;
  tabs: [Tab, ...Tab[]];
  wide?: true;
}

const OF_VISITS: Metric[] = ['visitors', 'bounce_rate'];
const SHARED = { metrics: ['visitors'] as Metric[], share: 'share' as const };

export const REPORTS: ReportOf[] = [
  {
    id: 'sources',
    name: 'Sources',
    tabs: [
      { by: 'source', name: 'Sources', metrics: OF_VISITS },
      { by: 'channel', name: 'Channels', metrics: OF_VISITS },
      { by: 'campaign', name: 'Campaigns', metrics: OF_VISITS },
      { by: 'referrer', name: 'Referrers', metrics: OF_VISITS },
    ],
  },
  {
    id: 'pages',
    name: 'Pages',
    tabs: [
      { by: 'page', name: 'Pages', metrics: ['visitors', 'pageviews'] },
      { by: 'entry', name: 'Entry pages', metrics: ['visitors', 'visits', 'bounce_rate'] },
    ],
  },
  {
    id: 'places',
    name: 'Places',
    tabs: [
      { by: 'country', name: 'Countries', ...SHARED },
      { by: 'language', name: 'Languages', ...SHARED },
    ],
  },
  {
    id: 'devices',
    name: 'Devices',
    tabs: [
      { by: 'device', name: 'Devices', ...SHARED },
      { by: 'browser', name: 'Browsers', ...SHARED },
      { by: 'os', name: 'Systems', ...SHARED },
    ],
  },
  {
    id: 'events',
    name: 'Events',
    wide: true,
    tabs: [{ by: 'event', name: 'Goals and events', metrics: ['visitors', 'events'], share: 'rate' }],
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
};
