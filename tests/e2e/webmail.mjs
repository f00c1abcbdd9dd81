// Webmail: a page that shows a message's HTML, cleaned, in a frame that can do nothing but open links.

import { htmlOf } from './post.mjs';

/** What a message may not bring, and what nothing of it may have. */
const CLEAN = `
  const text = document.querySelector('template').innerHTML;
  const mail = new DOMParser().parseFromString(JSON.parse(decodeURIComponent(text)), 'text/html');
  for (const it of mail.querySelectorAll('script, meta, base, link, iframe, object, form')) it.remove();
  for (const it of mail.querySelectorAll('*')) {
    for (const { name } of [...it.attributes]) if (name.startsWith('on')) it.removeAttribute(name);
  }
  for (const it of mail.querySelectorAll('a[href], area[href]')) {
    it.target = '_blank';
    it.rel = 'noopener noreferrer';
  }
  const referrer = mail.createElement('meta');
  Object.assign(referrer, { name: 'referrer', content: 'no-referrer' });
  mail.head.prepend(referrer);
  document.querySelector('iframe').srcdoc = '<!doctype html>' + mail.documentElement.outerHTML;`;

const page = (html) => `<!doctype html><html lang="en"><meta charset="utf-8"><title>Inbox</title>
  <style>html, body { height: 100%; margin: 0 } iframe { width: 100%; height: 100%; border: 0 }</style>
  <template>${encodeURIComponent(JSON.stringify(html))}</template>
  <iframe sandbox="allow-popups allow-popups-to-escape-sandbox" referrerpolicy="no-referrer"></iframe>
  <script>${CLEAN}</script></html>`;

/** The webmail of a post office: https://…/ADDRESS/NUMBER shows a message. */
export const webmail = (office) => (request, answer) => {
  const [, address, number] = new URL(request.url, 'https://any.example').pathname.split('/');
  const message = office.box(address)[number];
  if (!message) return answer.writeHead(404).end();
  answer.writeHead(200, { 'content-type': 'text/html; charset=utf-8' });
  return answer.end(page(htmlOf(message)));
};
