// Light or dark: as the system says, unless its reader says otherwise on this device.

export const THEMES = { '': 'As the system', light: 'Light', dark: 'Dark' } as const;

export type Theme = keyof typeof THEMES;

const REMEMBERED = 'headcount.theme';

export const isTheme = (text: string): text is Theme => Object.hasOwn(THEMES, text);

export function theme(): Theme {
  const known = localStorage.getItem(REMEMBERED) ?? '';
  return isTheme(known) ? known : '';
}

export function wear(theme: Theme): void {
  if (theme) document.documentElement.dataset.theme = theme;
  else delete document.documentElement.dataset.theme;
  localStorage.setItem(REMEMBERED, theme);
}
