// Elements whose classes name an event, in our words or Plausible's:
//   headcount-event-name=Sign+up  headcount-event-plan=pro
//   headcount-revenue-amount=9.90  headcount-revenue-currency=EUR
// Where a page builder takes no = in a class, -- stands for it.

import { on, track, wants } from './core';

const CLASS = /^(?:headcount|plausible)-(event|revenue)-(.+?)(?:=|--)(.+)$/;

export const tagged = () => {
  if (!wants('tagged')) return;
  const told = (event: Event & { button?: number }) => {
    const at = event.target;
    // The right button opens a menu.
    if (!(at instanceof Element) || event.button! > 1) return;
    const element = at.closest('[class*="headcount-event-name"], [class*="plausible-event-name"]');
    // A form is told when it is sent, and not at each click in it.
    if (!element || (element.tagName == 'FORM') != (event.type == 'submit')) return;
    const said: Record<string, Record<string, string>> = { event: {}, revenue: {} };
    for (const each of element.classList) {
      const [, kind, key, value] = CLASS.exec(each) || [];
      if (value) said[kind!]![key!] = value.replace(/\+/g, ' ');
    }
    const { name, ...props } = said.event!;
    const { amount, currency } = said.revenue!;
    if (name) track(name, { props, revenue: amount && currency ? { amount, currency } : undefined });
  };
  on('click', told);
  on('auxclick', told);
  on('submit', told);
};
