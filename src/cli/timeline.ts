import { bar } from './bar.ts';
import { duration } from './duration.ts';

/** Room that the bar takes at least, and at most, in characters. */
const NARROW = 10;
const WIDE = 40;

/**
 * A span of time as lines: its ends with a bar between them that is filled up to now, and how much is left. On a
 * terminal too narrow for that, the bar has a line of its own. Says the same without colours.
 */
export function timeline(from: number, to: number, now: number, width: number): string[] {
  const [begin, end] = [minute(from), minute(to)];
  const fraction = to > from ? (now - from) / (to - from) : 1;
  const room = width - begin.length - end.length - 2;
  const left = remaining(from, to, now);
  if (room >= NARROW) return [`${begin} ${bar(fraction, Math.min(room, WIDE))} ${end}`, left];
  return [`from ${begin}`, bar(fraction, Math.max(1, Math.min(width, WIDE))), `to ${end}`, left];
}

/** A moment to the minute, in UTC, for people. */
export function minute(moment: number): string {
  return `${new Date(moment).toISOString().slice(0, 16).replace('T', ' ')} UTC`;
}

function remaining(from: number, to: number, now: number): string {
  if (now < from) return `begins in ${duration(from - now)}`;
  return now <= to ? `${duration(to - now)} left` : `ended ${duration(now - to)} ago`;
}
