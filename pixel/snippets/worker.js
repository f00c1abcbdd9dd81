// A Cloudflare Worker: the collector under the site's own address. Give it the route
// example.com/*, or one for each of the paths. Then the script is
//   <script defer data-domain="example.com" src="/s.js"></script>
// and /opt-out is a page of the site. Where script_path and event_path name others, write those.
//
// In headcount.toml, so that the collector believes what the Worker says of the client:
//   [ingest]
//   client_ip_header = "x-client-address"
//   trusted_proxies = […]    # https://www.cloudflare.com/ips/, or the proxy behind them
// Whoever else runs a Worker comes from there too, and may say any address.

const COLLECTOR = 'https://stats.example.com';
const PATHS = /^\/(s(\.\w+)?\.js|p\.gif|api\/event|opt-out)$/;

export default {
  /** @param {Request} request */
  async fetch(request) {
    const { pathname, search } = new URL(request.url);
    if (!PATHS.test(pathname)) return fetch(request);
    const headers = new Headers(request.headers);
    headers.set('x-client-address', request.headers.get('cf-connecting-ip') ?? '');
    // Of the site's cookies the collector gets the one that says "no".
    const out = /(^|; ?)headcount_opt_out=1(;|$)/.test(headers.get('cookie') ?? '');
    headers.delete('cookie');
    if (out) headers.set('cookie', 'headcount_opt_out=1');
    const { method, body } = request;
    return fetch(COLLECTOR + pathname + search, { method, headers, body, redirect: 'manual' });
  },
};
