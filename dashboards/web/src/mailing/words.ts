// What the figures of a mailing mean, beside which they stand.

import type { Opens } from './answer';

export const MEANS = {
  sent: 'How many it was sent to, as the sender says.',
  opens:
    'Times that the mailing’s picture was shown to somebody: by their own mail program, or fetched by Gmail or Yahoo for them. Who shows no pictures is not counted.',
  clicks: 'Times that a person followed one of the mailing’s links. Filters that follow every link are left out.',
  toOpen: {
    aggregate: 'Clicks, of opens. Of what was done, not of people: nobody is told apart.',
    token: 'Recipients who clicked, of those who opened or clicked. A click proves an open.',
  },
  forwards:
    'How often it was passed on. At the least: how often its share links were followed. At the most: with recipients whose mailing was opened on two systems in two networks.',
  forwardsAggregate: 'How often the links for passing it on were followed. Other ways to pass it on are not seen.',
} as const;

/** Who asks for the pixel or follows links: people first. */
export const CLASSES: [of: Exclude<keyof Opens, 'people'>, name: string, means: string][] = [
  ['human', 'People', 'in their own mail program or browser'],
  ['proxied', 'People, by Gmail or Yahoo', 'which fetch the picture for a reader who opens it'],
  ['privacy_proxy', 'Apple’s privacy proxy', 'which fetches every picture, read or not: no open'],
  ['prefetch', 'Fetched in advance', 'before anybody looked'],
  ['scanner', 'Security filters', 'which open mail and follow links to check them'],
];
