import type { ComponentChildren } from 'preact';
import { useEffect, useRef } from 'preact/hooks';

interface Props {
  name: string;
  kind: string;
  close: () => void;
  children: ComponentChildren;
}

/** A window over the page. It closes by its button, by Escape and by a click beside it. */
export function Dialog({ name, kind, close, children }: Props) {
  const ref = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    ref.current?.showModal();
  }, []);
  return (
    <dialog
      ref={ref}
      class={`dialog ${kind}`}
      aria-label={name}
      onClose={close}
      onClick={(event) => event.target === ref.current && ref.current?.close()}
    >
      <form method="dialog">
        <button type="submit" class="close" aria-label="Close">
          ×
        </button>
      </form>
      {children}
    </dialog>
  );
}
