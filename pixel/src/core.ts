// The tracker's core: page views, how long and how far a page was read, custom events.
//
// It stores nothing and reads one cookie: the one by which a visitor opted out. Of an address it
// sends origin, path and the seven campaign keys; of a referrer the host; of a click id only that
// it was there. Do Not Track and Global Privacy Control come with the requests, as headers.

export type Props = Record<string, string | number | boolean | undefined>;

export interface Options {
  props?: Props;
  revenue?: { amount: number | string; currency: string };
  /** false: the event does not keep a visit from being a bounce. */
  interactive?: boolean;
  /** The address the event belongs to, where it is not the page's. */
  u?: string;
  url?: string;
  /** Called when the request is over, whatever became of it. */
  callback?: () => void;
}

type Api = (name: string, options?: Options) => void;

interface Stub extends Api {
  q?: Iterable<unknown>[];
  /** The tracker runs. */
  l?: 1;
}

/** Keys of Plausible's, so that a server takes the hits of both. */
interface Hit {
  n: string;
  u: string;
  r?: string;
  p?: Props;
  $?: Options['revenue'];
  i?: boolean;
  e?: number;
  sd?: number;
}

const win = window as Window & { headcount?: Stub; plausible?: Stub; navigation?: EventTarget };
const doc = document;

const script = doc.currentScript as HTMLScriptElement | null;
/** The script's data attributes. */
export const set: DOMStringMap = script ? script.dataset : {};
/** Whether the site wants it to be counted. */
export const wants = (what: string) => !(set.without || '').includes(what);

/** Called after each page view (with `true`), and when the address changed without one. */
export const hooks: ((viewed?: boolean) => void)[] = [];

const hashed = 'hash' in set;
let page = ''; // What was last viewed, by its path.
let address = '';
let referrer = doc.referrer.split('/', 3).join('/');
let since = 0; // When the page was last begun to be looked at; 0: it is not.
let engaged = 0; // Milliseconds that were not reported yet.
let deepest = 0; // Pixels from the top that were on the screen.
let reported = -1; // Percent.

/** A page does not learn of what goes wrong here. */
const safe =
  <A extends unknown[]>(run: (...args: A) => void) =>
  (...args: A) => {
    try {
      run(...args);
    } catch {}
  };

/** Listens at the window, on the way down: what a page stops further on is seen all the same.
 * Nothing is ever prevented. */
export const on = <E extends Event>(type: string, listener: (event: E) => void, target: EventTarget = win) =>
  target.addEventListener(type, safe(listener) as EventListener, true);

const clean = (text: string) => {
  const url = new URL(text, location.href);
  const params = url.searchParams;
  for (const key of [...params.keys()]) {
    // Which network it came from, and not which click.
    if (/clk?id$|braid$|^li_fat_id$/.test(key)) params.set(key, '1');
    else if (!/^(utm_(source|medium|campaign|content|term)|ref|source)$/.test(key)) params.delete(key);
  }
  if (!hashed) url.hash = '';
  return url.href.slice(0, 2000);
};

const send = async (hit: Hit, leaving?: boolean, callback?: () => void) => {
  try {
    // The cookie is the visitor's "no". It is the same for everybody.
    if (!/\bheadcount_opt_out=1\b/.test(doc.cookie)) {
      const api = set.api || new URL('/api/event', script!.src);
      const body = JSON.stringify({
        ...hit,
        d: set.domain,
        // An iPad calls itself a Mac, which has no screen to touch.
        t: navigator.maxTouchPoints > 1 ? 1 : undefined,
        v: 1,
      });
      // A text needs no preflight. The answer is not read; the cookie that says "no" goes along
      // even where the script comes from a subdomain.
      if (!leaving || !navigator.sendBeacon(api, body)) {
        await fetch(api, { method: 'POST', body, keepalive: true, mode: 'no-cors', credentials: 'include' });
      }
    }
  } catch {}
  callback?.();
};

/** `leaving`: the page may be gone before the request is. */
export const track = (name: string, options: Options = {}, leaving?: boolean) => {
  const url = options.u || options.url || location.href;
  if (name == 'pageview') return view(url);
  send(
    { n: name, u: clean(url), p: options.props, $: options.revenue, i: options.interactive },
    leaving,
    options.callback,
  );
};

const look = () => {
  const now = performance.now();
  if (since) engaged += now - since;
  since = !doc.hidden && doc.hasFocus() ? now : 0;
  deepest = Math.max(deepest, win.scrollY + win.innerHeight);
};

const report = () => {
  look();
  const percent = Math.min(100, Math.round((deepest / doc.documentElement.scrollHeight) * 100));
  if (address && (engaged >= 3000 || percent > reported)) {
    send({ n: 'engagement', u: address, e: Math.round(engaged), sd: (reported = percent) }, true);
    engaged = 0;
  }
};

const here = () => location.pathname + (hashed ? location.hash : '');

const view = (url: string) => {
  report();
  if (address) referrer = address;
  address = clean(url);
  page = here();
  engaged = deepest = 0;
  reported = -1;
  send({ n: 'pageview', u: address, r: referrer });
  hooks.forEach((hook) => hook(true));
};

const moved = safe(() => {
  if (address) here() != page ? view(location.href) : hooks.forEach((hook) => hook());
});

// A page that is rendered in advance, or opened in the background, is viewed when it is seen.
const begin = () => {
  if (!address && !('manual' in set) && !doc.hidden) view(location.href);
};

export const start = (...extensions: (() => void)[]) => {
  const [ours, theirs] = [win.headcount, win.plausible];
  if (!script || ours?.l) return;
  if (win.navigation) {
    on('currententrychange', moved, win.navigation);
  } else {
    const push = history.pushState;
    history.pushState = function (...args) {
      push.apply(this, args);
      moved();
    };
    on('popstate', moved);
  }
  // Out of the cache in which browsers keep whole pages.
  on('pageshow', (event: PageTransitionEvent) => event.persisted && address && view(location.href));
  on('pagehide', report);
  on('visibilitychange', () => (doc.hidden ? report() : (begin(), look())));
  on('focus', look);
  on('blur', look);
  on('scroll', look);
  extensions.forEach((extension) => extension());

  const headcount: Stub = safe(track);
  headcount.l = 1;
  win.headcount = headcount;
  safe(begin)();
  const early = [ours];
  // Pages that call Plausible's function work as they are, but Plausible itself is left alone.
  if (!theirs || /\.q\b/.test(theirs + '')) {
    win.plausible = headcount;
    early.push(theirs);
  }
  for (const stub of early) {
    for (const args of stub?.q || []) headcount(...(args as Parameters<Api>));
  }
};
