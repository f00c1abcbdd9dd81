// s.js: what most sites need.
//
//   <script defer data-domain="example.com" src="https://stats.example.com/s.js"></script>
//
// data-domain   the site; several with commas between them. Without it: the page's host name.
// data-api      where hits go. Without it: /api/event where the script came from.
// data-hash     the part of the address after # is a page of its own.
// data-manual   no page view by itself: the page calls headcount('pageview').
// data-without  what is not to be counted, with blanks between: outbound files

import { start } from './core';
import { links } from './links';

start(links);
