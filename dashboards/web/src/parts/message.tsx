import type { ComponentChildren } from 'preact';

/** The mark: four strokes and one across. */
export const Mark = () => (
  <svg class="mark" viewBox="0 0 24 20" width="24" height="20" aria-hidden="true">
    <path d="M4.5 3v14M9.5 3v14M14.5 3v14M19.5 3v14M1.5 15 22.5 5" />
  </svg>
);

export const Brand = () => (
  <p class="brand">
    <Mark />
    Headcount
  </p>
);

/** A page that says one thing. */
export function Message({ title, children }: { title: string; children: ComponentChildren }) {
  return (
    <main class="message">
      <Brand />
      <h1>{title}</h1>
      {children}
    </main>
  );
}
