import { durationsOf, type Sample, type SampleKind, type Slice } from './load.ts';

/**
 * What a client may wait longer under work than when rigil or the machine is idle, in milliseconds: far less than any
 * certificate takes in these tests.
 */
export const ROOM_MS = 700;

/** What waited or failed, in words; empty when serving was undisturbed. */
export function disturbances(idle: Slice, work: Slice): string[] {
  return [...failures(idle, 'idle'), ...failures(work, 'under work'), ...delays(idle, work)];
}

function failures({ samples }: Slice, when: string): string[] {
  const failed = samples.filter(({ error }) => error !== null);
  return failed.length === 0 ? [] : [`failed ${when}: ${failed.length}, such as ${told(failed[0])}`];
}

function delays(idle: Slice, work: Slice): string[] {
  const machineMs = work.ownStallMs + longest(work, 'yardstick');
  const kinds = ['handshake', 'request', 'message', 'chunk'] as const;
  return kinds.flatMap((kind) => {
    const bound = longest(idle, kind) + machineMs + ROOM_MS;
    if (durationsOf(work, kind).length === 0) return [`no ${kind} at all under work`];
    const late = work.samples.filter((sample) => sample.kind === kind && sample.ms > bound);
    if (late.length === 0) return [];
    late.sort((a, b) => b.ms - a.ms);
    return [`delayed ${kind}: ${late.length} beyond ${Math.round(bound)} ms, such as ${told(late[0])}`];
  });
}

function longest(slice: Slice, kind: SampleKind): number {
  return durationsOf(slice, kind).at(-1) ?? 0;
}

function told(sample: Sample | undefined): string {
  if (sample === undefined) return '';
  const { kind, name, ms, error } = sample;
  return `${kind} ${name} after ${Math.round(ms)} ms${error === null ? '' : `: ${error}`}`;
}
