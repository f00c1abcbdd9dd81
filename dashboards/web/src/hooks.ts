// The page’s address as state, and answers that stay while the next ones come.

import { useCallback, useEffect, useMemo, useRef, useState } from 'preact/hooks';
import { ApiError } from './api';
import { format, parse, FIRST, type View } from './state/view';
import { PERIODS, type Period } from './state/period';

const REMEMBERED = 'headcount.period';

/** The period that was looked at last, for an address that names none. */
function remembered(): Period {
  const known = PERIODS.find(([name]) => name !== 'custom' && name === localStorage.getItem(REMEMBERED));
  return known ? { name: known[0] } : FIRST.period;
}

const current = () => parse(location.pathname, location.search, remembered());

export type Go = (change: Partial<View>, replace?: boolean) => void;

/** The view that the address says, and the way to another one. */
export function useView(): [View, Go] {
  const [view, setView] = useState(current);
  useEffect(() => {
    const back = () => setView(current());
    addEventListener('popstate', back);
    return () => removeEventListener('popstate', back);
  }, []);
  const go = useCallback<Go>((change, replace = false) => {
    const last = current();
    const next = { ...last, ...change };
    localStorage.setItem(REMEMBERED, next.period.name);
    history[replace ? 'replaceState' : 'pushState'](null, '', format(next));
    setView(next);
    if (next.mailing !== last.mailing) scrollTo(0, 0);
  }, []);
  return [view, go];
}

export interface Answered<T> {
  data: T | null;
  error: ApiError | null;
  /** The data answers an earlier question. */
  stale: boolean;
}

/**
 * What `load` brings for `key`; again when the key or `tick` changes. The last data stays until
 * there is other. Without a key nothing is asked.
 */
export function useAnswer<T>(key: string | null, tick: unknown, load: (signal: AbortSignal) => Promise<T>): Answered<T> {
  const [answer, setAnswer] = useState<{ key: string; data: T | null; error: ApiError | null } | null>(null);
  const latest = useRef(load);
  latest.current = load;
  const pending = useRef<{ abort: AbortController; again: boolean } | null>(null);
  useEffect(
    () => () => {
      pending.current?.abort.abort();
      pending.current = null;
    },
    [key],
  );
  useEffect(() => {
    if (key === null) return;
    if (pending.current) {
      // A slow answer is waited for, not asked for anew.
      pending.current.again = true;
      return;
    }
    const start = () => {
      const mine = { abort: new AbortController(), again: false };
      pending.current = mine;
      const settle = (set: () => void) => {
        if (pending.current !== mine) return;
        pending.current = null;
        set();
        if (mine.again) start();
      };
      latest.current(mine.abort.signal).then(
        (data) => settle(() => setAnswer({ key, data, error: null })),
        (error: unknown) =>
          settle(() => {
            if (!(error instanceof ApiError)) throw error;
            setAnswer((last) => ({ key, data: last?.key === key ? last.data : null, error }));
          }),
      );
    };
    start();
  }, [key, tick]);
  return useMemo(() => {
    if (key === null || !answer) return { data: null, error: null, stale: false };
    return { ...answer, stale: answer.key !== key };
  }, [key, answer]);
}

/** How often a page asks whether something is new. */
const POLL_MS = 4000;

/** Counts up every so often while the page is looked at. */
export function useTick(): number {
  const [tick, setTick] = useState(0);
  useEffect(() => {
    const next = () => {
      if (!document.hidden) setTick((tick) => tick + 1);
    };
    const timer = setInterval(next, POLL_MS);
    document.addEventListener('visibilitychange', next);
    return () => {
      clearInterval(timer);
      document.removeEventListener('visibilitychange', next);
    };
  }, []);
  return tick;
}

/** The same as `fresh`, and every fourth tick besides: what mailings do is held for seconds, and then counted without
 * that the ledger changes. */
export const alsoHeld = (fresh: unknown, tick: number): string => `${fresh} ${Math.floor(tick / 4)}`;

/** The width that an element has, in pixels. */
export function useWidth<T extends Element>(): [{ current: T | null }, number] {
  const ref = useRef<T>(null);
  const [width, setWidth] = useState(0);
  useEffect(() => {
    if (!ref.current) return;
    const observer = new ResizeObserver(([entry]) => setWidth(entry!.contentRect.width));
    observer.observe(ref.current);
    return () => observer.disconnect();
  }, []);
  return [ref, width];
}
