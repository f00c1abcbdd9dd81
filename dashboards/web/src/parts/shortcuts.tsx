import { PERIODS } from '../state/period';
import { Dialog } from './dialog';

const OTHERS: [key: string, does: string][] = [
  ['← →', 'The period before, the next one'],
  ['X', 'Compare with the period before'],
  ['/', 'Add a filter'],
  ['Esc', 'Take all filters away'],
  ['Shift + click', 'Filter on this value as well'],
  ['Alt + click', 'Leave this value out'],
  ['?', 'This list'],
];

/** What the keyboard does. */
export function Shortcuts({ close }: { close: () => void }) {
  const periods = PERIODS.filter(([name]) => name !== 'custom').map(([, name, key]) => [key, name] as const);
  return (
    <Dialog name="Keyboard shortcuts" kind="keys" close={close}>
      <h2>Keyboard</h2>
      <dl class="shortcuts">
        {[...periods, ...OTHERS].map(([key, does]) => (
          <div key={key}>
            <dt>
              <kbd>{key}</kbd>
            </dt>
            <dd>{does}</dd>
          </div>
        ))}
      </dl>
    </Dialog>
  );
}
