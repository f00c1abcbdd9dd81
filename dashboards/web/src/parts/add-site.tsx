import { useState } from 'preact/hooks';
import * as api from '../api';
import { Message } from './message';

interface Props {
  first: boolean;
  done: (domain: string) => void;
  cancel: () => void;
}

const HERE = Intl.DateTimeFormat().resolvedOptions().timeZone;

/** The form for a site: its domain, and whose midnight ends its days. */
export function AddSite({ first, done, cancel }: Props) {
  const [error, setError] = useState('');
  const submit = async (event: SubmitEvent) => {
    event.preventDefault();
    const fields = new FormData(event.target as HTMLFormElement);
    const domain = String(fields.get('domain')).trim().toLowerCase();
    try {
      await api.addSite(domain, String(fields.get('timezone')));
      done(domain);
    } catch (failure) {
      if (!(failure instanceof api.ApiError)) throw failure;
      setError(failure.message);
    }
  };
  return (
    <Message title={first ? 'Which site shall be measured?' : 'Add a site'}>
      <form class="form" onSubmit={submit}>
        <label>
          Domain
          <input name="domain" required placeholder="example.com" autocomplete="off" spellcheck={false} autofocus />
        </label>
        <label>
          Time zone
          <select name="timezone">
            {Intl.supportedValuesOf('timeZone').concat('UTC').filter(once).map((zone) => (
              <option key={zone} selected={zone === HERE}>
                {zone}
              </option>
            ))}
          </select>
        </label>
        <p class="soft">Its midnight is when a day ends, and with it every visitor’s key.</p>
        {error && (
          <p class="failed" role="alert">
            {error}
          </p>
        )}
        <p class="buttons">
          <button type="submit" class="primary">
            Add the site
          </button>
          {!first && (
            <button type="button" onClick={cancel}>
              Cancel
            </button>
          )}
        </p>
      </form>
    </Message>
  );
}

const once = (zone: string, at: number, all: string[]) => all.indexOf(zone) === at;
