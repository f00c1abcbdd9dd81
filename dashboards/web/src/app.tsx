import { useEffect, useState } from 'preact/hooks';
import * as api from './api';
import { Dashboard } from './dashboard';
import { useAnswer, useView } from './hooks';
import { learn } from './state/answerable';
import { AddSite } from './parts/add-site';
import { Brand, Message } from './parts/message';
import { OnDemand } from './parts/on-demand';

export function App() {
  const [view, go] = useView();
  const [over, setOver] = useState(false);
  const [asked, setAsked] = useState(0);
  const [adding, setAdding] = useState(false);
  const begun = useAnswer('begin', asked, async () => {
    const [sites, words, session] = await Promise.all([api.sites(), api.words(), api.whoAmI()]);
    learn(words);
    return { sites, session };
  });

  useEffect(() => {
    const end = () => setOver(true);
    api.session.addEventListener('over', end);
    return () => api.session.removeEventListener('over', end);
  }, []);

  const signOut = () => api.signOut().then(() => setOver(true));
  const added = (domain: string) => {
    setAdding(false);
    setAsked(asked + 1);
    go({ site: domain, filters: [], open: null, mailing: null });
  };

  if (over) {
    return (
      <Message title="You are not signed in">
        <p>
          <a href="/sign-in">Sign in</a> with your password, or run <code>headcount sign-in</code> where Headcount runs
          and open the link that it prints.
        </p>
      </Message>
    );
  }
  if (!begun.data) {
    if (!begun.error) return <Brand />;
    return (
      <Message title="The dashboard cannot be shown">
        <p>{begun.error.message}</p>
        <p>
          <button type="button" class="primary" onClick={() => setAsked(asked + 1)}>
            Try again
          </button>
        </p>
      </Message>
    );
  }
  const { sites, session } = begun.data;
  if (adding || (sites.length === 0 && session.may_change_sites)) {
    return <AddSite first={sites.length === 0} done={added} cancel={() => setAdding(false)} />;
  }
  const site = view.site ? sites.find(({ domain }) => domain === view.site) : sites[0];
  if (!site) {
    return (
      <Message title={view.site ? `${view.site} is not measured here` : 'There is no site to look at'}>
        <p>These sites are:</p>
        <ul>
          {sites.map(({ domain }) => (
            <li key={domain}>
              <a href={`/${domain}`}>{domain}</a>
            </li>
          ))}
        </ul>
      </Message>
    );
  }
  const looking = { ...view, site: site.domain };
  if (view.mailing) return <OnDemand key={view.mailing} id={view.mailing} site={site} view={looking} go={go} />;
  return (
    <Dashboard
      key={site.domain}
      site={site}
      sites={sites}
      session={session}
      view={looking}
      go={(change, replace) => go({ site: site.domain, ...change }, replace)}
      add={() => setAdding(true)}
      signOut={signOut}
    />
  );
}
