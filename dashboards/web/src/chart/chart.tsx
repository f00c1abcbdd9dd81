// The chart: a line over time, and the period before as a dashed one.

import { useState } from 'preact/hooks';
import { compact, grainOf, moment, seconds, tick } from '../format';
import { useWidth } from '../hooks';
import { area, clockTicks, labelled, line, nearest, place, ticks, type Point } from './scale';

export interface Series {
  labels: string[];
  values: Map<string, number | null>;
  before: Map<string, number | null> | null;
  labelsBefore: string[];
  /** The label of the stretch that is under way, if it is not the site’s present one. */
  under?: string;
}

/** What the line is of. */
export interface Subject {
  name: string;
  /** What it is measured in, where it is no count. */
  unit?: '%' | 's' | undefined;
  /** A stretch without a value has none: it is not zero. */
  rate: boolean;
  /** A value with all its digits. */
  figure(value: number | null | undefined): string;
}

interface Props {
  series: Series | null;
  of: Subject;
  timezone: string;
  stale: boolean;
}

const HEIGHT = 248;
const TOP = 16;
const BASE = HEIGHT - 28;
const LABEL_PX = 68;
/** Hours that days are parted by. */
const OF_A_DAY = [1, 2, 3, 6, 12, 24, 48];

export function Chart({ series, of, timezone, stale }: Props) {
  const [box, width] = useWidth<HTMLDivElement>();
  const [cursor, setCursor] = useState<number | null>(null);
  const drawn = series && width > 0 ? layout(series, of, timezone, width) : null;
  const last = drawn ? drawn.now.length - 1 : 0;
  const at = cursor === null || !drawn ? null : Math.min(cursor, Math.max(last, drawn.before.length - 1));

  const pointed = (event: PointerEvent) => {
    if (!drawn || !box.current) return;
    const x = event.clientX - box.current.getBoundingClientRect().left;
    setCursor(nearest(x, drawn.labels.length, drawn.left, drawn.right));
  };
  const pressed = (event: KeyboardEvent) => {
    const moves: Record<string, number> = { ArrowLeft: (at ?? last + 1) - 1, ArrowRight: (at ?? -1) + 1, Home: 0, End: last };
    if (event.key === 'Escape' && at !== null) setCursor(null);
    else if (event.key in moves && drawn) setCursor(Math.min(drawn.labels.length - 1, Math.max(0, moves[event.key]!)));
    else return;
    event.preventDefault();
  };

  return (
    <div class={stale ? 'chart stale' : 'chart'}>
      <div
        ref={box}
        class="plot"
        role="img"
        tabIndex={0}
        aria-label={drawn ? summary(drawn, of) : of.name}
        onPointerMove={pointed}
        onPointerLeave={() => setCursor(null)}
        onBlur={() => setCursor(null)}
        onKeyDown={pressed}
      >
        {drawn && <Drawing drawn={drawn} at={at} />}
        {drawn && at !== null && <Tip drawn={drawn} at={at} of={of} />}
      </div>
      <p class="unseen" aria-live="polite">
        {drawn && at !== null && spoken(drawn, at, of)}
      </p>
      {drawn && <AsTable drawn={drawn} of={of} />}
    </div>
  );
}

interface Drawn {
  width: number;
  left: number;
  right: number;
  labels: string[];
  labelsBefore: string[];
  grain: ReturnType<typeof grainOf>;
  values: (number | null)[];
  valuesBefore: (number | null)[];
  now: Point[];
  before: Point[];
  /** The last point of `now` is of a stretch that is under way. */
  open: boolean;
  marks: { y: number; text: string }[];
  places: { x: number; text: string }[];
}

function layout(series: Series, { unit, rate }: Subject, timezone: string, width: number): Drawn {
  const { labels, labelsBefore } = series;
  const grain = grainOf(labels);
  const none = rate ? null : 0;
  const read = (values: Map<string, number | null>) => (label: string) => values.get(label) ?? none;
  const under = series.under ?? label(new Date(), grain, timezone);
  const past = labels.filter((one) => one <= under);
  const values = past.map(read(series.values));
  const valuesBefore = series.before ? labelsBefore.slice(0, labels.length).map(read(series.before)) : [];

  const most = Math.max(0, ...values.map(Number), ...valuesBefore.map(Number));
  const marks = unit === 's' ? clockTicks(most) : unit === '%' ? [0, 25, 50, 75, 100] : ticks(most);
  const top = marks.at(-1)!;
  const text = (value: number) =>
    unit === 's' ? seconds(value).replace(/ 0[ms]$/, '') : unit === '%' ? `${value}%` : compact(value);
  const widest = Math.max(...marks.map((mark) => text(mark).length));

  const left = 14 + widest * 7;
  const right = width - 14;
  const y = (value: number | null) => BASE - ((value ?? 0) / top) * (BASE - TOP);
  const points = (values: (number | null)[]) =>
    values.map((value, i): Point => [place(i, labels.length, left, right), y(value)]);
  return {
    width,
    left,
    right,
    labels,
    labelsBefore,
    grain,
    values,
    valuesBefore,
    now: points(values),
    before: points(valuesBefore),
    open: past.at(-1) === under,
    marks: marks.map((mark) => ({ y: y(mark), text: text(mark) })),
    places: labelled(labels.length, (right - left) / LABEL_PX, grain === 'since' ? OF_A_DAY : []).map((i) => ({
      x: place(i, labels.length, left, right),
      text: tick(labels[i]!, grain),
    })),
  };
}

/** The label of the stretch that `now` belongs to. */
function label(now: Date, grain: Drawn['grain'], timeZone: string): string {
  const text = new Intl.DateTimeFormat('sv', { timeZone, dateStyle: 'short', timeStyle: 'medium' }).format(now);
  if (grain === 'hour') return `${text.slice(0, 13)}:00:00`;
  return grain === 'month' ? `${text.slice(0, 8)}01` : text.slice(0, 10);
}

function Drawing({ drawn, at }: { drawn: Drawn; at: number | null }) {
  const { width, left, right, now, before, open, marks, places } = drawn;
  const closed = open ? now.slice(0, -1) : now;
  const under = open ? now.slice(-2) : [];
  const dots = [before[at ?? -1], now[at ?? -1]];
  const x = at === null ? 0 : place(at, drawn.labels.length, left, right);
  return (
    <svg viewBox={`0 0 ${width} ${HEIGHT}`} width={width} height={HEIGHT} aria-hidden="true">
      {marks.map(({ y, text }, i) => (
        <g key={text}>
          <line class={i ? 'grid' : 'base'} x1={left} x2={right} y1={y} y2={y} />
          <text class="mark-y" x={left - 8} y={y + 4}>
            {text}
          </text>
        </g>
      ))}
      {places.map(({ x, text }) => (
        <text key={x} class={x > right - LABEL_PX / 3 ? 'mark-x last' : 'mark-x'} x={x} y={HEIGHT - 8}>
          {text}
        </text>
      ))}
      <path class="before" d={line(before)} />
      <path class="area" d={area(now, BASE)} />
      <path class="now" d={line(closed)} />
      <path class="now under" d={line(under)} />
      {at !== null && <line class="cursor" x1={x} x2={x} y1={TOP - 8} y2={BASE} />}
      {now.length === 1 && at === null && <circle class="dot-now" cx={now[0]![0]} cy={now[0]![1]} r={4} />}
      {open && now.length > 1 && at === null && (
        <circle class="dot-now" cx={now.at(-1)![0]} cy={now.at(-1)![1]} r={3.5} />
      )}
      {dots[0] && <circle class="dot-before" cx={dots[0][0]} cy={dots[0][1]} r={3.5} />}
      {dots[1] && <circle class="dot-now" cx={dots[1][0]} cy={dots[1][1]} r={4.5} />}
    </svg>
  );
}

function Tip({ drawn, at, of }: { drawn: Drawn; at: number; of: Subject }) {
  const { labels, labelsBefore, grain, values, valuesBefore, left, right, width } = drawn;
  const x = place(at, labels.length, left, right);
  const side = x > width / 2 ? 'tip left' : 'tip';
  const row = (name: string, label: string | undefined, value: number | null | undefined) =>
    label !== undefined &&
    value !== undefined && (
      <tr class={name}>
        <th scope="row">{moment(label, grain)}</th>
        <td>{of.figure(value)}</td>
      </tr>
    );
  return (
    <div class={side} style={{ left: `${x}px` }} aria-hidden="true">
      <p>{of.name}</p>
      <table>
        <tbody>
          {row('now', labels[at], values[at])}
          {row('before', labelsBefore[at], valuesBefore[at])}
        </tbody>
      </table>
      {drawn.open && at === values.length - 1 && <p class="soft">under way</p>}
    </div>
  );
}

function spoken({ labels, labelsBefore, grain, values, valuesBefore }: Drawn, at: number, of: Subject): string {
  const one = (label: string | undefined, value: number | null | undefined) =>
    label !== undefined && value !== undefined ? `${moment(label, grain)}: ${of.figure(value)}. ` : '';
  return one(labels[at], values[at]) + one(labelsBefore[at], valuesBefore[at]);
}

function summary({ labels, grain, values }: Drawn, { name, figure }: Subject): string {
  const known = values.filter((value) => value !== null);
  if (known.length === 0) return `${name} over time: none`;
  const most = Math.max(...known);
  const when = moment(labels[values.indexOf(most)]!, grain);
  return `${name} over time, at most ${figure(most)} (${when}). The arrow keys read single values.`;
}

function AsTable({ drawn, of }: { drawn: Drawn; of: Subject }) {
  const { labels, grain, values, valuesBefore } = drawn;
  return (
    <details class="as-table">
      <summary>As a table</summary>
      <div>
        <table>
          <thead>
            <tr>
              <th scope="col">{{ since: 'Since sending', hour: 'Hour', day: 'Day', month: 'Month' }[grain]}</th>
              <th scope="col">{of.name}</th>
              {valuesBefore.length > 0 && <th scope="col">Before</th>}
            </tr>
          </thead>
          <tbody>
            {values.map((value, i) => (
              <tr key={labels[i]}>
                <th scope="row">{moment(labels[i]!, grain)}</th>
                <td>{of.figure(value)}</td>
                {valuesBefore.length > 0 && <td>{of.figure(valuesBefore[i])}</td>}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </details>
  );
}
