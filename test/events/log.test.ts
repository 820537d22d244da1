import { describe, expect, it } from 'vitest';
import type { Event } from '../../src/events/event.ts';
import { logger } from '../../src/events/log.ts';

const AT = Date.UTC(2026, 10, 24, 8, 0, 0);

describe('logger', () => {
  it('writes one JSON object a line', () => {
    const line = written('json', { event: 'config.warning', problem: 'a "quoted"\nproblem' });
    expect(JSON.parse(line)).toEqual({
      time: '2026-11-24T08:00:00.000Z',
      level: 'warn',
      event: 'config.warning',
      problem: 'a "quoted"\nproblem',
    });
    expect(line).not.toContain('\n');
  });

  it('writes text of one line whatever is in the fields, and leaves out what is null', () => {
    const line = written('text', {
      event: 'fault',
      where: 'worker',
      message: 'bad\nthing\u001b[31m',
      stack: null,
    });
    expect(line).toBe('2026-11-24T08:00:00.000Z error fault where=worker message="bad\\nthing\\u001b[31m"');
  });

  it('leaves out what is quieter than the level', () => {
    const lines: string[] = [];
    const log = logger({ level: 'error', format: 'json', now: () => AT, write: (line) => lines.push(line) });
    log({ event: 'config.warning', problem: 'x' });
    log({ event: 'fault', where: 'x', message: 'y', stack: null });
    expect(lines).toHaveLength(1);
  });
});

function written(format: 'text' | 'json', event: Event): string {
  const lines: string[] = [];
  logger({ level: 'debug', format, now: () => AT, write: (line) => lines.push(line) })(event);
  return lines.join('|');
}
