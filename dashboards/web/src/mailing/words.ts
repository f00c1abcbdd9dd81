// What the figures of a mailing mean, beside which they stand.

import type { Opens } from './answer';

export const MEANS = {
  sent: 'How many it was sent to, as the sender says.',
  opens: {
    aggregate:
      'Times that a person’s mail program showed the mailing’s picture, or Gmail or Yahoo fetched it for them. Who sees no pictures is not counted.',
    token:
      'Times that a person’s mail program showed the mailing’s picture, or Gmail or Yahoo fetched it for them. The rate is of recipients; those for whom only machines opened are left out.',
  },
  clicks: {
    aggregate: 'Times that a person followed one of the mailing’s links. Filters that follow every link are told beside it.',
    token:
      'Times that a person followed one of the mailing’s links. The rate is of recipients. Filters that follow every link are told beside it.',
  },
  toOpen: {
    aggregate: 'Clicks, of opens. Of what was done, not of people: nobody is told apart.',
    token: 'Recipients who clicked, of those who opened or clicked. A click proves an open.',
  },
  forwards: {
    aggregate: 'How often the links for passing it on were followed. Other ways to pass it on are not seen.',
    token:
      'How often it was passed on. At the least: how often the links for that were followed. At the most: with recipients whose mailing was opened on two systems in two networks.',
  },
} as const;

/** Who asks for the pixel or follows links: people first. */
export const CLASSES: [of: Exclude<keyof Opens, 'people'>, name: string, means: string][] = [
  ['human', 'People', 'in their own mail program or browser'],
  ['proxied', 'People, by Gmail or Yahoo', 'which fetch the picture for a reader'],
  ['privacy_proxy', 'Apple’s privacy proxy', 'which fetches all pictures, read or not'],
  ['prefetch', 'Fetched in advance', 'before anybody looked'],
  ['scanner', 'Security filters', 'which open mail and follow links'],
];
