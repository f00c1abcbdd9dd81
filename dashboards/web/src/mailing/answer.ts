// What the API tells of one mailing. A figure that is null is of fewer than `k`, or would give one
// away that is.

import type { Mailing } from '../api';

export type Told = number | null;

/** Who asks for a pixel or follows a link. */
export interface Classes {
  human: Told;
  prefetch: Told;
  scanner: Told;
}

export interface Opens extends Classes {
  /** `human` and `proxied` together. */
  people: Told;
  proxied: Told;
  privacy_proxy: Told;
}

export interface Link {
  link: number;
  label: string;
  url: string;
  /** It passes the mailing on: its followers are forwards. */
  share: boolean;
  clicks: number;
  unique_clicks: Told;
}

export interface Cell {
  name: string;
  opens: number;
}

export interface Figures {
  counts: {
    opens: Opens;
    /** Of recipients; null where nobody is told apart. */
    unique_opens: Opens | null;
    clicks: Classes;
    unique_clicks: Told;
    /** Recipients who opened or clicked. */
    readers: Told;
  };
  /** Parts of 1. */
  rates: { open_rate: Told; click_rate: Told; click_to_open_rate: Told };
  links: Link[];
  other_links: { links: number; clicks: Told } | null;
  /** Since the first sending, as far as something was counted. */
  hours: { hour: number; opens: Told; clicks: Told }[];
  clients: Cell[];
  systems: Cell[];
  countries: Cell[];
  forwards: { low: Told; high: Told; method: string };
  web: {
    campaign: string;
    visits: number;
    visitors: number;
    bounce_rate: Told;
    visit_duration: Told;
    goals: { name: string; visitors: number }[];
  };
}

export interface About extends Omit<Mailing, 'opens' | 'clicks'> {
  hosts: string[];
  /** What the recipients agreed to. */
  consent: string | null;
  receipt: { fingerprint: string; destroyed_at: string; why: 'window' | 'shred' } | null;
}

/** The figures are absent where fewer than `k` recipients got it. */
export type Report = { mailing: About; k: number } & (({ hidden: null } & Figures) | { hidden: 'sent' });
