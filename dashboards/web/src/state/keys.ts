// The keyboard: a letter for each period, X for the comparison, Escape for no filters.

import { useEffect } from 'preact/hooks';
import type { Go } from '../hooks';
import { PERIODS } from './period';
import type { View } from './view';

export function useKeys(view: View, go: Go): void {
  useEffect(() => {
    const pressed = (event: KeyboardEvent) => {
      const { target } = event;
      const typing = target instanceof Element && target.closest('input, select, textarea, dialog');
      if (typing || event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
      const key = event.key.toUpperCase();
      const period = PERIODS.find(([name, , letter]) => letter === key && name !== 'custom');
      if (period) go({ period: { name: period[0] } });
      else if (key === 'X') go({ compare: !view.compare });
      else if (key === 'ESCAPE' && view.filters.length) go({ filters: [] });
    };
    addEventListener('keydown', pressed);
    return () => removeEventListener('keydown', pressed);
  }, [view, go]);
}
