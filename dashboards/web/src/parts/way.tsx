import type { ComponentChildren } from 'preact';

interface Props {
  /** Its address: it can be sent to somebody, and opened beside. */
  to: string;
  go: () => void;
  /** How long the bar behind it is, of 1. */
  part?: number;
  title?: string;
  children: ComponentChildren;
}

/** A link to another view, that does not load the page anew. */
export const Way = ({ to, go, part, title, children }: Props) => (
  <a
    href={to}
    title={title}
    class={part === undefined ? undefined : 'bar'}
    style={part === undefined ? undefined : bar(part)}
    onClick={(event) => {
      if (event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
      event.preventDefault();
      go();
    }}
  >
    {part === undefined ? children : <span>{children}</span>}
  </a>
);

/** A row’s bar, of the row’s width. */
export const bar = (part: number) => ({ '--part': `${Math.round(part * 1000) / 10}%` });
