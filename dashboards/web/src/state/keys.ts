// The keyboard: a letter for each period, arrows for the one before and the next, X for the
// comparison, a slash for a filter, a question mark for this list, Escape for no filters.

import { useEffect } from 'preact/hooks';
import type { Go } from '../hooks';
import { PERIODS, type Period } from './period';
import type { View } from './view';

export interface Steps {
  back: Period | null;
  on: Period | null;
}

export function useKeys(view: View, go: Go, steps: Steps, open: (what: 'filter' | 'keys') => void): void {
  useEffect(() => {
    const pressed = (event: KeyboardEvent) => {
      const { target } = event;
      const typing = target instanceof Element && target.closest('input, select, textarea, dialog, .plot');
      if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
      const key = event.key.toUpperCase();
      if (typing) return;
      const period = PERIODS.find(([name, , letter]) => letter === key && name !== 'custom');
      const step = { ARROWLEFT: steps.back, ARROWRIGHT: steps.on }[key];
      if (period) go({ period: { name: period[0] } });
      else if (step) go({ period: step });
      else if (key === 'X') go({ compare: !view.compare });
      else if (key === '/') open('filter');
      else if (key === '?') open('keys');
      else if (key === 'ESCAPE' && view.filters.length) go({ filters: [] });
      else return;
      event.preventDefault();
    };
    addEventListener('keydown', pressed);
    return () => removeEventListener('keydown', pressed);
  }, [view, go, steps, open]);
}
