// Links that lead to another site, and files that are downloaded.

import { on, track, wants } from './core';

const FILE =
  /\.(pdf|(xls|doc|ppt)x?|pps|key|txt|rtf|csv|exe|dmg|pkg|7z|rar|zip|gz|avi|mov|mp[34]|mpeg|wm[av]|wav|midi)$/i;

export const links = () => {
  const clicked = (event: MouseEvent) => {
    // The right button opens a menu.
    if (event.button > 1) return;
    const link = event.target instanceof Element && event.target.closest<HTMLAnchorElement>('a[href]');
    if (!link || !link.host) return; // mailto:, tel:, a drawing's link.
    const props = { url: link.host + link.pathname };
    if (FILE.test(link.pathname)) {
      if (wants('files')) track('File Download', { props });
    } else if (link.host != location.host && wants('outbound')) {
      track('Outbound Link: Click', { props });
    }
  };
  on('click', clicked);
  on('auxclick', clicked);
};
