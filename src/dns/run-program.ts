import { type ChildProcess, spawn } from 'node:child_process';
import { RigilError, systemCodeOf } from '../errors.ts';
import { bounded } from '../platform/bounded.ts';
import type { Clock } from '../platform/clock.ts';
import type { Environment } from './options.ts';

export interface Program {
  /** For messages. */
  readonly label: string;
  /** Path, or a name to be found in the PATH of `env`. Started directly, never through a shell. */
  readonly file: string;
  readonly args: readonly string[];
  /** The whole environment. */
  readonly env: Environment;
  readonly timeoutMs: number;
}

export interface ProgramResult {
  /** The exit status; null when a signal ended it. */
  readonly status: number | null;
  readonly signal: string | null;
  /** The first {@link MOST_OUTPUT} bytes. */
  readonly stdout: string;
  /** The last lines of stderr, or of stdout where there are none, on one line. */
  readonly lastWords: string;
}

/** In bytes. More is read and forgotten, so that the program does not block. */
export const MOST_OUTPUT = 64 * 1024;
const TAIL = 2048;
const LAST_LINES = 3;
/** From asking a program to end to ending it, in milliseconds. */
const GRACE_MS = 2000;
const GRACE_STEP_MS = 50;
/** How long the output is waited for after the end, which a program left in the background may keep open. */
const DRAIN_MS = 500;

/**
 * Runs a program in a process group of its own and waits for its end. When the time is up or `signal` aborts, the
 * whole group is ended, with all that the program has started: TERM first, KILL two seconds later.
 *
 * @throws RigilError `dns-provider-failed` when it cannot be started or takes too long; `aborted`
 */
export function runProgram(program: Program, clock: Clock, signal: AbortSignal): Promise<ProgramResult> {
  const late = (): RigilError =>
    new RigilError(
      'dns-provider-failed',
      `${program.label} did not end within ${program.timeoutMs / 1000} s; it was ended, with all that it had started`,
      { hint: 'give it more time: timeout=5m' },
    );
  return bounded({ clock, timeoutMs: program.timeoutMs, signal, onTimeout: late }, async (stop) => {
    const child = spawn(program.file, program.args, {
      // Node's type wants no undefined values; such variables are not set.
      env: Object.fromEntries(Object.entries(program.env).filter(([, value]) => value !== undefined)),
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
      shell: false,
    });
    const stdout = collect(child, 'stdout');
    const stderr = collect(child, 'stderr');
    const ended = new Promise<Pick<ProgramResult, 'status' | 'signal'>>((resolve, reject) => {
      child.once('error', (error) => reject(cannotStart(program.label, error)));
      child.once('exit', (status, killedBy) => resolve({ status, signal: killedBy }));
    });
    const closed = new Promise<void>((resolve) => child.once('close', () => resolve()));
    const aborted = Promise.withResolvers<void>();
    stop.addEventListener('abort', () => aborted.resolve(), { once: true });

    const first = await Promise.race([ended, aborted.promise]);
    if (first === undefined) {
      await endGroup(child, clock);
      await ended;
      stop.throwIfAborted();
    }
    const drained = new AbortController();
    await Promise.race([closed, clock.sleep(DRAIN_MS, drained.signal)]);
    drained.abort();
    child.stdout?.destroy();
    child.stderr?.destroy();
    const words = lastLines(stderr.tail());
    return {
      ...(await ended),
      stdout: stdout.head(),
      lastWords: words === '' ? lastLines(stdout.tail()) : words,
    };
  });
}

async function endGroup(child: ChildProcess, clock: Clock): Promise<void> {
  if (child.pid === undefined) return;
  signalGroup(child.pid, 'SIGTERM');
  for (let waited = 0; waited < GRACE_MS && signalGroup(child.pid, 0); waited += GRACE_STEP_MS) {
    await clock.sleep(GRACE_STEP_MS);
  }
  signalGroup(child.pid, 'SIGKILL');
}

/** @returns false when nobody of the group is left */
function signalGroup(leader: number, signal: NodeJS.Signals | 0): boolean {
  try {
    process.kill(-leader, signal);
    return true;
  } catch (error) {
    return systemCodeOf(error) !== 'ESRCH';
  }
}

function collect(child: ChildProcess, name: 'stdout' | 'stderr'): { head(): string; tail(): string } {
  let head = Buffer.alloc(0);
  let tail = Buffer.alloc(0);
  child[name]?.on('data', (chunk: Buffer) => {
    if (head.length < MOST_OUTPUT) {
      head = Buffer.concat([head, chunk.subarray(0, MOST_OUTPUT - head.length)]);
    }
    tail = Buffer.concat([tail, chunk.subarray(-TAIL)]).subarray(-TAIL);
  });
  return { head: () => head.toString('utf8'), tail: () => tail.toString('utf8') };
}

function lastLines(text: string): string {
  return text
    .split('\n')
    .map((line) => line.replace(/\p{C}/gu, '').trim())
    .filter((line) => line !== '')
    .slice(-LAST_LINES)
    .join(' / ');
}

function cannotStart(label: string, error: Error): RigilError {
  const code = systemCodeOf(error);
  const hint =
    code === 'ENOENT'
      ? 'give the whole path of the program'
      : code === 'EACCES'
        ? 'make it executable: chmod +x'
        : code === 'ENOEXEC'
          ? 'a script has to begin with #! and its interpreter'
          : undefined;
  return new RigilError('dns-provider-failed', `${label} cannot be started (${code ?? error.message})`, {
    hint,
  });
}
