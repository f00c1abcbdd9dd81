import type { Live } from '../api';
import { before as named, change, exact, figure } from '../format';
import type { Comparison } from '../state/period';
import { METRICS, type Metric } from '../state/words';

type Values = (number | null)[] | null;

interface Props {
  metrics: Metric[];
  chosen: Metric;
  choose: (metric: Metric) => void;
  values: Values;
  compared: Comparison | null;
  /** Totals of the complete days that are compared, and of the period before. */
  now: Values;
  before: Values;
  /** The period has complete days only. */
  whole: boolean;
  live: Live | null;
  stale: boolean;
}

/** The totals; each is the button that puts it on the chart. */
export function Tiles({ metrics, chosen, choose, values, compared, now, before, whole, live, stale }: Props) {
  return (
    <ul class={stale ? 'tiles stale' : 'tiles'}>
      {metrics.map((metric, i) => (
        <li key={metric} data-metric={metric}>
          <button type="button" aria-pressed={metric === chosen} onClick={() => choose(metric)}>
            <span class="label">{METRICS[metric].name}</span>
            <span class="figure" title={values ? figure(metric, values[i], true) : undefined}>
              {values ? figure(metric, values[i]) : '\u00a0'}
            </span>
            <span class="note">
              {values && compared && before && <Compared {...{ metric, i, compared, now, before, whole }} />}
            </span>
          </button>
          <Hint id={`means-${metric}`} name={METRICS[metric].name} text={METRICS[metric].means} />
        </li>
      ))}
      <li class="live">
        <span class="label">Right now</span>
        <span class="figure" data-live={live?.current_visitors}>
          <i class={live?.current_visitors ? 'dot on' : 'dot'} />
          {live ? exact(live.current_visitors) : '\u00a0'}
        </span>
        {live && <Minutes minutes={live.pageviews_per_minute} />}
        <Hint id="means-live" name="Right now" text="Visitors of the last five minutes. The bars: page views of the last 30 minutes." />
      </li>
    </ul>
  );
}

interface ComparedProps {
  metric: Metric;
  i: number;
  compared: Comparison;
  now: Values;
  before: NonNullable<Values>;
  whole: boolean;
}

/** How it was before, and how much it changed where complete days can be compared. */
function Compared({ metric, i, compared, now, before, whole }: ComparedProps) {
  const was = before[i] ?? null;
  const days = named(compared.before);
  const by = now && change(metric, now[i] ?? null, was);
  if (!by) {
    return (
      <>
        {figure(metric, was)} <span class="soft">{days}</span>
      </>
    );
  }
  const good = metric === 'bounce_rate' || metric === 'exit_rate' ? 'down' : 'up';
  const tone = by.direction === 'same' ? 'same' : by.direction === good ? 'better' : 'worse';
  const arrow = { up: '▲', down: '▼', same: '=' }[by.direction];
  const words = { up: 'up', down: 'down', same: 'unchanged' }[by.direction];
  // Of a period under way the figure above is of more days than the one that it is compared by.
  const title = `${figure(metric, now?.[i], true)} in complete days; ${figure(metric, was, true)} in ${days}`;
  return (
    <span title={title}>
      <span class={tone}>
        <span aria-hidden="true">{arrow}</span>
        <span class="unseen">{words} by</span> {by.text}
      </span>
      {whole && <span class="soft"> from {figure(metric, was)}</span>}
    </span>
  );
}

/** A definition, beside what it defines. */
export const Hint = ({ id, name, text }: { id: string; name: string; text: string }) => (
  <span class="hint">
    <button type="button" aria-label={`What is ${name.toLowerCase()}?`} aria-describedby={id}>
      ?
    </button>
    <span role="tooltip" id={id}>
      {text}
    </span>
  </span>
);

function Minutes({ minutes }: { minutes: number[] }) {
  const most = Math.max(1, ...minutes);
  const total = minutes.reduce((sum, one) => sum + one, 0);
  return (
    <svg class="minutes" viewBox="0 0 120 18" preserveAspectRatio="none" role="img" aria-label={`${exact(total)} page views in the last 30 minutes`}>
      {minutes.map((count, i) => {
        const height = count ? Math.max(2, (count / most) * 18) : 1;
        return <rect key={i} class={count ? 'some' : 'none'} x={i * 4} y={18 - height} width={3} height={height} />;
      })}
    </svg>
  );
}
