import { ApiError } from '../api';
import { useAnswer } from '../hooks';
import type { Props } from '../mailing/page';
import { Brand, Message } from './message';

const load = () =>
  import('../mailing/page').then(
    ({ MailingPage }) => MailingPage,
    () => {
      // After an upgrade the file that this page knows is there no more.
      throw new ApiError('A part of the dashboard cannot be loaded.', 0);
    },
  );

/** The page of a mailing; its code comes with the first one that is looked at. */
export function OnDemand(props: Props) {
  const { data: Page, error } = useAnswer('page', 0, load);
  if (Page) return <Page {...props} />;
  if (!error) return <Brand />;
  return (
    <Message title={error.message}>
      <p>
        <button type="button" class="primary" onClick={() => location.reload()}>
          Load the page anew
        </button>
      </p>
    </Message>
  );
}
