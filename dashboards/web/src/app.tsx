import { useEffect, useState } from 'preact/hooks';
import * as api from './api';
import { Dashboard } from './dashboard';
import { useAnswer, useView } from './hooks';
import { AddSite } from './parts/add-site';
import { Brand, Message } from './parts/message';

export function App() {
  const [view, go] = useView();
  const [over, setOver] = useState(false);
  const [asked, setAsked] = useState(0);
  const [adding, setAdding] = useState(false);
  const sites = useAnswer('sites', asked, api.sites);

  useEffect(() => {
    const end = () => setOver(true);
    api.session.addEventListener('over', end);
    return () => api.session.removeEventListener('over', end);
  }, []);

  const signOut = () => api.signOut().then(() => setOver(true));
  const added = (domain: string) => {
    setAdding(false);
    setAsked(asked + 1);
    go({ site: domain, filters: [], open: null });
  };

  if (over) {
    return (
      <Message title="You are not signed in">
        <p>
          Run <code>headcount sign-in</code> where Headcount runs, and open the link that it prints. It works once, for
          an hour.
        </p>
      </Message>
    );
  }
  if (!sites.data) {
    if (!sites.error) return <Brand />;
    return (
      <Message title="The dashboard cannot be shown">
        <p>{sites.error.message}</p>
        <p>
          <button type="button" class="primary" onClick={() => setAsked(asked + 1)}>
            Try again
          </button>
        </p>
      </Message>
    );
  }
  if (adding || sites.data.length === 0) {
    return <AddSite first={sites.data.length === 0} done={added} cancel={() => setAdding(false)} />;
  }
  const site = view.site ? sites.data.find(({ domain }) => domain === view.site) : sites.data[0];
  if (!site) {
    return (
      <Message title={`${view.site} is not measured here`}>
        <p>These sites are:</p>
        <ul>
          {sites.data.map(({ domain }) => (
            <li key={domain}>
              <a href={`/${domain}`}>{domain}</a>
            </li>
          ))}
        </ul>
      </Message>
    );
  }
  return (
    <Dashboard
      key={site.domain}
      site={site}
      sites={sites.data}
      view={{ ...view, site: site.domain }}
      go={(change, replace) => go({ site: site.domain, ...change }, replace)}
      add={() => setAdding(true)}
      signOut={signOut}
    />
  );
}
