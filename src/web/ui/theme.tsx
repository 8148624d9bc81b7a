/** Light, dark, or as the device has it. */
import { useState } from 'react';

const KEY = 'rollcall-theme';
const THEMES = { system: 'As the device', light: 'Light', dark: 'Dark' } as const;
type Theme = keyof typeof THEMES;

function stored(): Theme {
  try {
    const theme = localStorage.getItem(KEY);
    return theme === 'light' || theme === 'dark' ? theme : 'system';
  } catch {
    return 'system';
  }
}

export function applyTheme(theme: Theme = stored()): void {
  document.documentElement.style.colorScheme = theme === 'system' ? '' : theme;
}

export function ThemeChoice() {
  const [theme, setTheme] = useState(stored);
  const choose = (next: Theme) => {
    setTheme(next);
    applyTheme(next);
    try {
      localStorage.setItem(KEY, next);
    } catch {
      // It holds until the page is reloaded.
    }
  };
  return (
    <label className="theme">
      Appearance
      <select value={theme} onChange={(event) => choose(event.target.value as Theme)}>
        {Object.entries(THEMES).map(([name, label]) => (
          <option key={name} value={name}>
            {label}
          </option>
        ))}
      </select>
    </label>
  );
}
