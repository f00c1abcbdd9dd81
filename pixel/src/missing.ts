// Pages that are not there. A browser that does not tell the status of its page, or an application
// that answers 200 for everything, calls headcount('404').

import { hooks, track, wants } from './core';

export const missing = () => {
  const [page] = performance.getEntriesByType('navigation') as PerformanceNavigationTiming[];
  let told = page?.responseStatus != 404 || !wants('404');
  hooks.push(() => {
    // Who comes to a page that is not there, and leaves, has bounced.
    if (!told) track('404', { interactive: false });
    told = true;
  });
};
