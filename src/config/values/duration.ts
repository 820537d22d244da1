import { Fault } from '../fault.ts';

const UNITS_MS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

const LONGEST_MS = 10_000 * 86_400_000;

/** A length of time such as `500ms`, `10s`, `1h30m`, `2d` or `0`, in whole milliseconds. At most 10 000 days. */
export function parseDuration(text: string): number | Fault {
  if (text === '0') return 0;
  if (/^\d+(\.\d+)?$/.test(text)) {
    return new Fault('invalid-duration', 'has no unit', `write ${text}s for seconds or ${text}m for minutes`);
  }
  if (!/^(\d{1,15}(\.\d{1,9})?(ms|s|m|h|d))+$/.test(text)) {
    return new Fault(
      'invalid-duration',
      'is not a length of time',
      'write it like 500ms, 10s, 2m, 1h30m or 7d',
    );
  }
  let total = 0;
  for (const [, amount, unit] of text.matchAll(/([\d.]+)(ms|s|m|h|d)/g)) {
    total += Number(amount) * (UNITS_MS[unit ?? ''] ?? 0);
  }
  if (total > LONGEST_MS) return new Fault('invalid-duration', 'is longer than 10000 days');
  return Math.round(total);
}

/** `ms` milliseconds as {@link parseDuration} reads it: `1h30m`, `500ms`, `0s`. */
export function formatDuration(ms: number): string {
  let left = ms;
  let text = '';
  for (const unit of ['d', 'h', 'm', 's', 'ms']) {
    const size = UNITS_MS[unit] ?? 1;
    const amount = Math.floor(left / size);
    if (amount > 0) text += `${amount}${unit}`;
    left -= amount * size;
  }
  return text === '' ? '0s' : text;
}
