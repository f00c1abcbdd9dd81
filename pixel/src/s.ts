// The tracker: page views, how long and how far a page was read, custom events, outbound links and
// file downloads.
//
//   <script defer data-domain="example.com" src="https://stats.example.com/s.js"></script>
//
// data-domain   the site; several with commas between them. Without it: the page's host name.
// data-api      where hits go. Without it: /api/event where the script came from.
// data-hash     the part of the address after # is a page of its own.
// data-manual   no page view by itself: the page calls headcount('pageview').
//
// It stores nothing and reads one cookie: the one by which a visitor opted out. Of an address it
// sends origin, path and the seven campaign keys; of a referrer the host; of a click id only that
// it was there. Do Not Track and Global Privacy Control come with the requests, as headers.

type Props = Record<string, string | number | boolean>;

interface Options {
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
  q?: ArrayLike<unknown>[];
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

((win: Window & { headcount?: Stub; plausible?: Stub }, doc: Document) => {
  const script = (doc.currentScript || doc.querySelector('script[data-domain]')) as HTMLScriptElement | null;
  const stub = win.headcount;
  if (!script || (stub && stub.l)) return;
  const set = script.dataset;
  const api = set.api || new URL('/api/event', script.src).href;
  const hashed = 'hash' in set;

  let page = ''; // What was last viewed, by its path.
  let address = '';
  let referrer = doc.referrer.replace(/^([^:]+:\/\/[^/?#]*).*/, '$1/');
  let since = 0; // When the page was last begun to be looked at; 0: it is not.
  let engaged = 0; // Milliseconds that were not reported yet.
  let deepest = 0; // Pixels from the top that were on the screen.
  let reported = -1; // Percent.

  // Nothing is ever prevented, and what a page stops on its way is seen before.
  const on = (target: EventTarget, type: string, listener: (event: never) => void) =>
    target.addEventListener(type, listener as EventListener, { capture: true, passive: true });

  const clean = (text: string) => {
    const url = new URL(text, location.href);
    const kept = new URLSearchParams();
    url.searchParams.forEach((value, key) => {
      if (/^(utm_(source|medium|campaign|content|term)|ref|source)$/.test(key)) kept.append(key, value);
      // Which network it came from, and not which click.
      else if (/clk?id$|braid$|^li_fat_id$/.test(key)) kept.append(key, '1');
    });
    return (url.origin + url.pathname + `?${kept}`.replace(/\?$/, '') + (hashed ? url.hash : '')).slice(0, 2000);
  };

  const send = (hit: Hit, leaving?: boolean, callback?: () => void) => {
    // The cookie is the visitor's "no". It is the same for everybody.
    if (/(^|; ?)headcount_opt_out=1(;|$)/.test(doc.cookie)) return callback && callback();
    const body = JSON.stringify({ ...hit, d: set.domain || location.hostname, v: 1 });
    // A text needs no preflight. The answer is not read; the cookie that says "no" goes along even
    // where the script comes from a subdomain.
    if (!leaving || !navigator.sendBeacon || !navigator.sendBeacon(api, body)) {
      fetch(api, { method: 'POST', body, keepalive: true, mode: 'no-cors', credentials: 'include' })
        .catch(() => {})
        .then(callback);
    }
  };

  const seen = () => doc.visibilityState == 'visible';

  const look = () => {
    const now = performance.now();
    if (since) engaged += now - since;
    since = seen() && doc.hasFocus() ? now : 0;
  };

  const scrolled = () => {
    deepest = Math.max(deepest, win.scrollY + win.innerHeight);
  };

  const report = () => {
    look();
    scrolled();
    const percent = Math.min(100, Math.round((deepest / doc.documentElement.scrollHeight) * 100));
    if (address && (engaged >= 3000 || percent > reported)) {
      send({ n: 'engagement', u: address, e: Math.round(engaged), sd: (reported = Math.max(reported, percent)) }, true);
      engaged = 0;
    }
  };

  const view = (url: string) => {
    report();
    if (address) referrer = address;
    address = clean(url);
    page = here();
    engaged = deepest = 0;
    reported = -1;
    send({ n: 'pageview', u: address, r: referrer });
  };

  const here = () => location.pathname + (hashed ? location.hash : '');

  const moved = () => {
    if (address && here() != page) view(location.href);
  };

  const headcount: Stub = (name, options = {}) => {
    const url = options.u || options.url || location.href;
    if (name == 'pageview') return view(url);
    send(
      { n: name, u: clean(url), p: options.props, $: options.revenue, i: options.interactive },
      false,
      options.callback,
    );
  };

  const clicked = (event: MouseEvent) => {
    // The right button opens a menu.
    if (event.button > 1) return;
    const link = event.target instanceof Element && event.target.closest<HTMLAnchorElement>('a[href]');
    if (!link || !link.host) return; // mailto:, tel:, a drawing's link.
    const props = { url: link.host + link.pathname };
    if (/\.(pdf|xlsx?|docx?|pptx?|pps|key|txt|rtf|csv|exe|dmg|pkg|7z|rar|g?zip|gz|avi|mov|mp[34]|mpeg|wmv|wma|wav|midi)$/i.test(link.pathname)) {
      headcount('File Download', { props });
    } else if (link.host != location.host) {
      headcount('Outbound Link: Click', { props });
    }
  };

  // A page that is fetched in advance, or opened in the background, is viewed when it is seen.
  const begin = () => {
    if (!address && !('manual' in set) && seen() && !(doc as { prerendering?: boolean }).prerendering) {
      view(location.href);
    }
  };

  const navigation = (win as { navigation?: EventTarget }).navigation;
  if (navigation) {
    on(navigation, 'currententrychange', moved);
  } else {
    const push = history.pushState;
    history.pushState = function (...args) {
      push.apply(this, args);
      moved();
    };
    on(win, 'popstate', moved);
  }
  // Out of the cache in which browsers keep whole pages.
  on(win, 'pageshow', (event: PageTransitionEvent) => event.persisted && address && view(location.href));
  on(win, 'pagehide', report);
  on(doc, 'visibilitychange', () => (seen() ? (begin(), look()) : report()));
  on(doc, 'prerenderingchange', begin);
  on(win, 'focus', look);
  on(win, 'blur', look);
  on(win, 'scroll', scrolled);
  on(doc, 'click', clicked);
  on(doc, 'auxclick', clicked);

  begin();
  headcount.l = 1;
  win.headcount = headcount;
  // Pages that call Plausible's function work as they are, but Plausible itself is left alone.
  const theirs = win.plausible;
  const replaced = [stub];
  if (!theirs || /\.q\b/.test(theirs + '')) {
    win.plausible = headcount;
    replaced.push(theirs);
  }
  for (const each of replaced) {
    for (const args of (each && each.q) || []) headcount(...(Array.from(args) as Parameters<Api>));
  }
})(window, document);
