import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { eventually } from './daemon.ts';

/** What a process of the daemon holds, after its garbage was collected. */
export interface Held {
  /** Of the heap and of buffers, in bytes. */
  readonly bytes: number;
  /** Instances by class, if they were asked for: that takes a while. */
  readonly objects: Readonly<Record<string, number>>;
}

export type Question = 'bytes' | 'objects';

/** Lets the processes of a daemon count what they hold, when they are asked by way of `folder`. */
export function countingEnvironment(folder: string): NodeJS.ProcessEnv {
  const program = join(import.meta.dirname, 'programs/count-objects.ts');
  const options = `--disable-warning=ExperimentalWarning --import file://${program}`;
  return { TMPDIR: folder, NODE_OPTIONS: options };
}

/** What some processes hold now. Resolves when all have answered. */
export async function heldBy(
  folder: string,
  pids: readonly number[],
  question: Question,
): Promise<ReadonlyMap<number, Held>> {
  questions++;
  const id = `${question} ${questions}`;
  writeFileSync(join(folder, 'question'), id);
  const answer = (pid: number) => {
    try {
      const { to, held } = JSON.parse(readFileSync(join(folder, `held-${pid}.json`), 'utf8'));
      return to === id ? (held as Held) : undefined;
    } catch {
      return undefined;
    }
  };
  const held = new Map<number, Held>();
  for (const pid of pids)
    held.set(pid, await eventually(`what ${pid} holds`, () => answer(pid), String, 60_000));
  return held;
}

let questions = 0;
