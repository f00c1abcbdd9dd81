// Forms that are sent: which, never what is in them.

import { on, track, wants } from './core';

export const forms = () => {
  if (!wants('forms')) return;
  on('submit', ({ target }) => {
    // Not form.id: a field of that name would stand in for it.
    const name = (key: string) => (target as Element).getAttribute(key) || undefined;
    track('Form: Submission', { props: { form: name('id') ?? name('name') } });
  });
};
