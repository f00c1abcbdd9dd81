// A chart’s arithmetic.

/** Round steps from 0 to at least `max`, about `count` of them; whole numbers where `whole`. */
export function ticks(max: number, count = 4, whole = true): number[] {
  const top = max > 0 ? max : whole ? count : 1;
  const rough = top / count;
  const power = 10 ** Math.floor(Math.log10(rough));
  const found = [1, 2, 2.5, 5, 10].map((one) => one * power).find((one) => one >= rough * 0.999)!;
  const step = whole ? Math.max(1, Math.ceil(found)) : found;
  const steps = Math.max(1, Math.ceil(top / step - 1e-9));
  return Array.from({ length: steps + 1 }, (_, n) => n * step);
}

/** The same for seconds: steps that a clock has. */
export function clockTicks(max: number, count = 4): number[] {
  const steps = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14_400, 28_800, 86_400];
  const step = steps.find((one) => one * count >= max) ?? 86_400 * Math.ceil(max / count / 86_400);
  const used = Math.max(1, Math.ceil(max / step));
  return Array.from({ length: used + 1 }, (_, n) => n * step);
}

/** Which of `n` labels have room when `most` do: evenly apart, from the first on; by one of `steps` if any is enough. */
export function labelled(n: number, most: number, steps: number[] = []): number[] {
  const least = Math.max(1, Math.ceil(n / Math.max(1, most)));
  const every = steps.find((step) => step >= least) ?? least;
  return Array.from({ length: Math.ceil(n / every) }, (_, i) => i * every);
}

export type Point = [x: number, y: number];

/** A line through the points. */
export const line = (points: Point[]): string =>
  points.map(([x, y], i) => `${i ? 'L' : 'M'}${round(x)} ${round(y)}`).join('');

/** The area between the line and `base`. */
export function area(points: Point[], base: number): string {
  const [first, last] = [points[0], points.at(-1)];
  return first && last ? `${line(points)}L${round(last[0])} ${base}L${round(first[0])} ${base}Z` : '';
}

const round = (value: number) => Math.round(value * 10) / 10;

/** Place of `i` of `n` points between `from` and `to`; a single one stands in the middle. */
export const place = (i: number, n: number, from: number, to: number): number =>
  n > 1 ? from + ((to - from) * i) / (n - 1) : (from + to) / 2;

/** Which of `n` points is the nearest to `x`. */
export function nearest(x: number, n: number, from: number, to: number): number {
  if (n <= 1 || to <= from) return 0;
  return Math.min(n - 1, Math.max(0, Math.round(((x - from) / (to - from)) * (n - 1))));
}
