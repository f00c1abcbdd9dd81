// Searches within the site, told by the address of the page that shows what was found. The server
// scrubs the words.

import { hooks, set, track, wants } from './core';

/** A search while one types is told when typing stops. */
const TYPED_MS = 1000;

export const search = () => {
  if (!wants('search')) return;
  const names = (set.search || 'q query s search').split(' ');
  let last = '';
  let timer = 0;
  const tell = () => {
    const asked = new URLSearchParams(location.search);
    const query = names.map((name) => (asked.get(name) || '').trim()).find(Boolean) || '';
    if (query && query != last) track('Site Search', { props: { query }, interactive: false });
    last = query;
  };
  hooks.push((viewed) => {
    clearTimeout(timer);
    if (viewed) tell();
    else timer = setTimeout(tell, TYPED_MS) as unknown as number;
  });
};
