/** Numbers and times as people read them. Pure: whoever asks for an age brings the clock. */

const UNITS = ['B', 'kB', 'MB', 'GB', 'TB', 'PB'] as const;

const whole = new Intl.NumberFormat('en');
const tenth = new Intl.NumberFormat('en', { minimumFractionDigits: 0, maximumFractionDigits: 1 });
const calendar = new Intl.DateTimeFormat('en', { dateStyle: 'medium', timeStyle: 'short' });

export function formatCount(count: number): string {
  return whole.format(count);
}

/** `1 photo`, `2,000 photos`. */
export function formatCounted(count: number, one: string, many = `${one}s`): string {
  return `${whole.format(count)} ${count === 1 ? one : many}`;
}

/** In powers of a thousand, as disks and bills count. */
export function formatBytes(bytes: number): string {
  let unit = 0;
  let value = bytes;
  while (value >= 999.5 && unit < UNITS.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${unit === 0 || value >= 99.5 ? whole.format(Math.round(value)) : tenth.format(value)} ${UNITS[unit]}`;
}

/** `0.4 s`, `12 s`, `3 min 20 s`, `2 h 5 min`. */
export function formatDuration(ms: number): string {
  const seconds = ms / 1000;
  if (seconds < 1) return `${Math.max(0, Math.round(ms))} ms`;
  if (seconds < 10) return `${tenth.format(seconds)} s`;
  const rounded = Math.round(seconds);
  if (rounded < 60) return `${rounded} s`;
  const minutes = Math.floor(rounded / 60);
  if (minutes < 60) return join(`${minutes} min`, rounded % 60, 's');
  const hours = Math.floor(minutes / 60);
  if (hours < 48) return join(`${hours} h`, minutes % 60, 'min');
  return join(`${Math.floor(hours / 24)} days`, hours % 24, 'h');
}

function join(big: string, rest: number, unit: string): string {
  return rest === 0 ? big : `${big} ${rest} ${unit}`;
}

/** `just now`, `5 min ago`, `in 3 h`; beyond a week, the date. */
export function formatAge(time: string, nowMs: number): string {
  const ms = nowMs - Date.parse(time);
  const size = Math.abs(ms);
  if (size < 10_000) return ms >= 0 ? 'just now' : 'any moment';
  if (size > 7 * 86_400_000) return formatTime(time);
  const text =
    size < 60_000
      ? `${Math.round(size / 1000)} s`
      : size < 3_600_000
        ? `${Math.round(size / 60_000)} min`
        : size < 48 * 3_600_000
          ? `${Math.round(size / 3_600_000)} h`
          : `${Math.round(size / 86_400_000)} days`;
  return ms >= 0 ? `${text} ago` : `in ${text}`;
}

export function formatTime(time: string): string {
  return calendar.format(new Date(time));
}

/** When a photo was taken: the clock on its own wall, whatever that of the reader says. */
export function formatTaken(takenAt: string, offsetMinutes: number | null): string {
  const wall = new Date(Date.parse(takenAt) + (offsetMinutes ?? 0) * 60_000);
  const text = new Intl.DateTimeFormat('en', { dateStyle: 'medium', timeStyle: 'medium', timeZone: 'UTC' }).format(
    wall,
  );
  if (offsetMinutes === null) return text;
  const size = Math.abs(offsetMinutes);
  const clock = `${String(Math.floor(size / 60)).padStart(2, '0')}:${String(size % 60).padStart(2, '0')}`;
  return `${text} UTC${offsetMinutes < 0 ? '−' : '+'}${clock}`;
}

export function formatUsd(usd: number): string {
  if (usd === 0) return '$0';
  if (usd < 0.01) return 'under $0.01';
  return `$${usd.toFixed(2)}`;
}

/** `1/250 s`, `2 s`. */
export function formatExposure(seconds: number): string {
  return seconds > 0 && seconds < 0.5 ? `1/${Math.round(1 / seconds)} s` : `${tenth.format(seconds)} s`;
}
