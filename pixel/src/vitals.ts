// How fast a page was for the one who opened it: one event when it is first left or hidden. Each
// figure is rounded until it tells no one apart: times to a tenth of a second (INP: a hundredth), at
// most 9900 ms, since the server takes a number of five digits for somebody's; CLS to a hundredth, at
// most one.
// Definitions: https://web.dev/articles/vitals. INP here knows of interactions of 16 ms and more.

import { hooks, on, track, wants } from './core';

interface Shift extends PerformanceEntry {
  value: number;
  hadRecentInput: boolean;
}

interface Interaction extends PerformanceEntry {
  interactionId?: number;
}

export const vitals = () => {
  const page = performance.getEntriesByType('navigation')[0] as
    | (PerformanceNavigationTiming & { activationStart?: number })
    | undefined;
  const early = (document as { prerendering?: boolean }).prerendering;
  // A page in the background is painted when somebody looks at it: that is no figure of the page's.
  if (!wants('vitals') || !page || (document.visibilityState == 'hidden' && !early)) return;

  let viewed = false;
  let told = false;
  let fcp: number | undefined;
  let lcp: number | undefined;
  let cls = 0;
  let burst = { value: 0, first: 0, last: 0 };
  const slowest = new Map<number, number>();
  const pending: (() => void)[] = [];

  const observe = <E extends PerformanceEntry>(type: string, note: (entry: E) => void) => {
    try {
      const all = (entries: PerformanceEntryList) => (entries as E[]).forEach(note);
      const observer = new PerformanceObserver((list) => all(list.getEntries()));
      observer.observe({ type, buffered: true, durationThreshold: 16 } as PerformanceObserverInit);
      pending.push(() => all(observer.takeRecords()));
    } catch {} // This browser does not measure it.
  };
  observe('paint', ({ name, startTime }) => {
    if (name == 'first-contentful-paint') fcp = startTime;
  });
  observe('largest-contentful-paint', ({ startTime }) => {
    lcp = startTime;
  });
  // The worst burst of shifts: each within a second of the one before, five seconds in all.
  observe('layout-shift', ({ startTime, value, hadRecentInput }: Shift) => {
    if (hadRecentInput) return;
    if (startTime - burst.last > 1000 || startTime - burst.first > 5000) burst = { value: 0, first: startTime, last: 0 };
    burst.last = startTime;
    cls = Math.max(cls, (burst.value += value));
  });
  const interaction = ({ interactionId, duration }: Interaction) => {
    if (interactionId) slowest.set(interactionId, Math.max(slowest.get(interactionId) || 0, duration));
  };
  observe('event', interaction);
  observe('first-input', interaction);

  const rounded = (value: number | undefined, step: number) =>
    value == null ? value : Math.min(9900, Math.max(0, Math.round(value / step) * step));
  // What a page did before somebody asked for it took nobody's time.
  const since = (time: number | undefined) => (time == null ? time : time - (page.activationStart || 0));

  const tell = () => {
    if (told || !viewed) return;
    told = true;
    pending.forEach((take) => take());
    const durations = [...slowest.values()].sort((a, b) => b - a);
    const props = {
      TTFB: rounded(since(page.responseStart), 100),
      FCP: rounded(since(fcp), 100),
      LCP: rounded(since(lcp), 100),
      INP: rounded(durations[Math.floor(durations.length / 50)], 10),
      CLS: Math.min(1, Math.round(cls * 100) / 100),
    };
    track('Web Vitals', { props, interactive: false }, true);
  };
  on('visibilitychange', () => document.visibilityState == 'hidden' && tell());
  on('pagehide', tell);
  hooks.push(() => {
    viewed = true;
  });
};
