import type { Instant } from '../platform/clock.ts';
import { type Event, type Level, levelOf } from './event.ts';

const RANK: Readonly<Record<Level, number>> = { debug: 0, info: 1, warn: 2, error: 3 };

export interface LogOptions {
  readonly level: Level;
  readonly format: 'text' | 'json';
  now(): Instant;
  write(line: string): void;
  /** Colours a level's name, for terminals. Default: as it is. */
  colour?(level: Level, text: string): string;
}

/** A listener of the event bus that writes each event as one line. */
export function logger(options: LogOptions): (event: Event) => void {
  return (event) => {
    const level = levelOf(event);
    if (RANK[level] < RANK[options.level]) return;
    const time = new Date(options.now()).toISOString();
    options.write(
      options.format === 'json'
        ? JSON.stringify({ time, level, ...event })
        : `${time} ${colourOf(options, level)} ${textOf(event)}`,
    );
  };
}

function colourOf(options: LogOptions, level: Level): string {
  const padded = level.padEnd(5);
  return options.colour?.(level, padded) ?? padded;
}

/** `event key=value …`; what is null is left out. */
function textOf(event: Event): string {
  const { event: name, ...fields } = event;
  const pairs = Object.entries(fields)
    .filter(([, value]) => value !== null)
    .map(([key, value]) => `${key}=${plain(value)}`);
  return [name, ...pairs].join(' ');
}

/** Quoted unless it is one plain word, so that a line stays one line whatever is in it. */
function plain(value: unknown): string {
  if (typeof value === 'string') return /^[\w.:/@*+%-]+$/.test(value) ? value : JSON.stringify(value);
  return JSON.stringify(value);
}
