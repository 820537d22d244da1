import { Fault } from '../fault.ts';

const SECONDS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600 };

/** A rate such as `18/s` or `30/m`, in events a second: more than 0, at most 1000. */
export function parseRate(text: string): number | Fault {
  const [, amount, unit] = /^(\d{1,9}(?:\.\d{1,20})?)\/([smh])$/.exec(text) ?? [];
  if (amount === undefined || unit === undefined) {
    return new Fault('invalid-rate', 'is not a rate', 'write it like 18/s, 0.5/s or 30/m');
  }
  const rate = Number(amount) / (SECONDS[unit] ?? 1);
  if (rate < 1 / 3600 || rate > 1000) {
    return new Fault('invalid-rate', 'is out of range', 'a rate lies between 1/h and 1000/s');
  }
  return rate;
}

/** `rate` events a second as {@link parseRate} reads it. */
export function formatRate(rate: number): string {
  return `${rate}/s`;
}
