import { execFileSync, spawn } from 'node:child_process';
import { constants, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { LineWriter } from '../../src/platform/line-writer.ts';

it('writes lines in order', () => {
  const folder = mkdtempSync(join(tmpdir(), 'rigil-lines-'));
  const path = join(folder, 'log');
  const writer = new LineWriter(openSync(path, 'a'));
  const lines = Array.from({ length: 500 }, (_, index) => `line ${index}`);
  for (const line of lines) writer.write(line);
  expect(readFileSync(path, 'utf8')).toBe(`${lines.join('\n')}\n`);
  rmSync(folder, { recursive: true });
});

it('does not block while nobody reads the pipe', async () => {
  const source = new URL('../../src/platform/line-writer.ts', import.meta.url).href;
  const script = `
    import { LineWriter } from ${JSON.stringify(source)};
    const writer = new LineWriter(2);
    for (let line = 0; line < 20_000; line += 1) writer.write('x'.repeat(100));
    setTimeout(() => { process.stdout.write('alive'); process.exit(0); }, 50);
  `;
  // Nothing reads from stderr: with process.stderr the child would hang in write(2) for ever.
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  child.stderr.pause();
  let output = '';
  child.stdout.on('data', (data) => {
    output += data;
  });
  await new Promise((resolve) => child.on('exit', resolve));
  expect(output).toBe('alive');
});

it('writes lines in order to a pipe that is read', async () => {
  const source = new URL('../../src/platform/line-writer.ts', import.meta.url).href;
  const script = `
    import { LineWriter } from ${JSON.stringify(source)};
    const writer = new LineWriter(2);
    for (let line = 0; line < 5_000; line += 1) writer.write('line ' + line);
    await writer.drain();
    process.exit(0);
  `;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let output = '';
  child.stderr.on('data', (data) => {
    output += data;
  });
  await new Promise((resolve) => child.on('close', resolve));
  expect(output).toBe(`${Array.from({ length: 5_000 }, (_, index) => `line ${index}`).join('\n')}\n`);
});

it('says what it does not take', () => {
  const folder = mkdtempSync(join(tmpdir(), 'rigil-lines-'));
  const path = join(folder, 'fifo');
  execFileSync('mkfifo', [path]);
  const writer = new LineWriter(openSync(path, constants.O_RDWR | constants.O_NONBLOCK), true);
  const text = Buffer.alloc(65_536, 'x\n');
  let taken = 0;
  while (writer.offer(text)) taken += text.length;
  expect(taken).toBeGreaterThan(1_000_000);
  expect(taken).toBeLessThan(2_000_000);
  writer.close();
  rmSync(folder, { recursive: true });
});
