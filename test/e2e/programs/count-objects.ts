import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { queryObjects, setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/*
 * Loaded into the processes of a daemon before anything else: says what they hold when it is asked, see
 * held-objects.ts. An Answer stands for an exchange. Each class takes a look at the whole heap.
 */
const LOOK_EVERY_MS = 200;
const PROXY = join(import.meta.dirname, '../../../dist/proxy');
const CLASSES: readonly (readonly [file: string, name: string])[] = [
  ['http1/connection.js', 'Http1Connection'],
  ['http2/connection.js', 'Http2Connection'],
  ['answer.js', 'Answer'],
  ['upstream/connection.js', 'UpstreamConnection'],
];

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;
const file = join(tmpdir(), `held-${process.pid}.json`);
let answered = '';

setInterval(() => void look(), LOOK_EVERY_MS).unref();

async function look(): Promise<void> {
  const question = asked();
  if (question === answered) return;
  answered = question;
  const objects = question.startsWith('objects') ? await count() : {};
  collect();
  const { heapUsed, external } = process.memoryUsage();
  writeFileSync(
    `${file}.new`,
    JSON.stringify({ to: question, held: { bytes: heapUsed + external, objects } }),
  );
  renameSync(`${file}.new`, file);
}

function asked(): string {
  try {
    return readFileSync(join(tmpdir(), 'question'), 'utf8');
  } catch {
    return '';
  }
}

async function count(): Promise<Record<string, number>> {
  const counts: Record<string, number> = { Socket: instances(net.Socket) };
  for (const [path, name] of CLASSES) {
    const { [name]: made } = (await import(join(PROXY, path))) as Record<string, unknown>;
    if (made === undefined) throw new Error(`there is no ${name} in ${path}`);
    counts[name] = instances(made);
  }
  return counts;
}

function instances(made: unknown): number {
  return queryObjects(made as new () => unknown, { format: 'count' });
}
