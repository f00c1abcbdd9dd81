// The words of the page: what a metric is called and means, and how a value of a dimension is shown.

export const METRICS = {
  visitors: {
    name: 'Visitors',
    means:
      'Devices per day, each under its first visit of the day; the days are added up. Nobody is recognised the day after.',
  },
  visits: { name: 'Visits', means: 'Hits of one visitor with no gap over 30 minutes between them.' },
  pageviews: { name: 'Page views', means: 'Pages that were opened, again or by reload included.' },
  views_per_visit: { name: 'Views per visit', means: 'Page views divided by visits.' },
  bounce_rate: {
    name: 'Bounce rate',
    means: 'Visits with at most one page view and no interactive event, of all visits.',
  },
  visit_duration: {
    name: 'Visit duration',
    means: 'From a visit’s first hit to its last, averaged over all visits.',
  },
  events: { name: 'Events', means: 'How often it happened.' },
  time_on_page: {
    name: 'Time on page',
    means: 'How long a page was looked at, visible and in front, averaged over the visits that read it.',
  },
  scroll_depth: {
    name: 'Scroll depth',
    means: 'How far down a page was read, averaged over the visits that read it.',
  },
  exit_rate: { name: 'Exit rate', means: 'Views of a page after which the visit ended, of all views of it.' },
} as const;

export type Metric = keyof typeof METRICS;

/** Dimensions by the short names that they have in the page’s address. */
export const DIMENSIONS = {
  page: { word: 'event:page', name: 'Page' },
  event: { word: 'event:name', name: 'Event' },
  entry: { word: 'visit:entry_page', name: 'Entry page' },
  exit: { word: 'visit:exit_page', name: 'Exit page' },
  channel: { word: 'visit:channel', name: 'Channel' },
  source: { word: 'visit:source', name: 'Source' },
  referrer: { word: 'visit:referrer', name: 'Referrer' },
  campaign: { word: 'visit:utm_campaign', name: 'Campaign' },
  utm_source: { word: 'visit:utm_source', name: 'Campaign source' },
  medium: { word: 'visit:utm_medium', name: 'Campaign medium' },
  content: { word: 'visit:utm_content', name: 'Campaign content' },
  term: { word: 'visit:utm_term', name: 'Campaign term' },
  country: { word: 'visit:country', name: 'Country' },
  region: { word: 'visit:region', name: 'Region' },
  city: { word: 'visit:city', name: 'City' },
  language: { word: 'visit:language', name: 'Language' },
  browser: { word: 'visit:browser', name: 'Browser' },
  browser_version: { word: 'visit:browser_version', name: 'Browser version' },
  os: { word: 'visit:os', name: 'System' },
  os_version: { word: 'visit:os_version', name: 'System version' },
  device: { word: 'visit:device', name: 'Device' },
} as const;

export type Dimension = keyof typeof DIMENSIONS;

export const isDimension = (text: string): text is Dimension => Object.hasOwn(DIMENSIONS, text);
export const isMetric = (text: string): text is Metric => Object.hasOwn(METRICS, text);

const names = {
  country: new Intl.DisplayNames('en', { type: 'region', fallback: 'none' }),
  language: new Intl.DisplayNames('en', { type: 'language', fallback: 'none' }),
};

/** A value as a person reads it. */
export function shown(dimension: Dimension, value: string): string {
  if (value === '(not set)') return dimension === 'country' || dimension === 'language' ? 'Unknown' : 'Not set';
  if (value === '(none)') return 'None';
  if (dimension !== 'country' && dimension !== 'language') return value;
  try {
    return names[dimension].of(value) ?? value;
  } catch {
    return value;
  }
}
