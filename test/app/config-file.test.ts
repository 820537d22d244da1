import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ConfigFile, type RoutesText } from '../../src/app/config-file.ts';
import type { Config } from '../../src/config/config.ts';
import { loadConfig } from '../../src/config/load.ts';
import type { Event } from '../../src/events/event.ts';
import { FakeClock } from '../certs/fake-clock.ts';

const SOURCE = 'tcp://conf.example:8500';
const GLOBAL = `global\n  store file /nowhere\n  config-source ${SOURCE}\n`;
const env = {};

/** Routes as a server sends them, with one route a name. */
function sent(...names: string[]) {
  return {
    source: SOURCE,
    text: Buffer.from(names.map((name) => `route ${name}\n  upstream a:1\n`).join('')),
  };
}

describe('a configuration whose routes come from a server', () => {
  let folder: string;
  let file: string;
  let events: Event[];
  let inForce: string[][];
  let kept: Uint8Array[];
  let subject: ConfigFile;

  const change = async (config: Config) => inForce.push(config.routes.flatMap(({ names }) => names));

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'rigil-config-'));
    file = join(folder, 'rigil.conf');
    [events, inForce, kept] = [[], [], []];
    writeFileSync(file, GLOBAL);
    const { config } = await loadConfig({ file, env, mode: 'daemon' });
    if (config === null) throw new Error('not valid');
    const emit = (event: Event) => void events.push(event);
    const onTaken = ({ text }: RoutesText) => void kept.push(text);
    subject = new ConfigFile({ file, env, clock: new FakeClock(), emit, onTaken, config, warnings: [] });
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  it('makes one change after the other, in the order in which they came', async () => {
    let running = 0;
    const slow = async (config: Config) => {
      running += 1;
      expect(running).toBe(1);
      await new Promise((resolve) => setImmediate(resolve));
      running -= 1;
      return change(config);
    };
    const taken = ['a.test', 'b.test', 'c.test'].map((name) => subject.take(sent(name), slow));
    const reloads = [subject.reload(slow), subject.reload(slow)];
    expect(await Promise.all(taken)).toEqual([true, true, true]);
    await Promise.all(reloads);
    expect(inForce).toEqual([['a.test'], ['b.test'], ['c.test'], ['c.test']]);
  });

  it('keeps the routes over a reload, and drops them with the server', async () => {
    await subject.take(sent('a.test'), change);
    writeFileSync(file, `${GLOBAL}route file.test\n  upstream a:1\n`);
    await subject.reload(change);
    expect([inForce.at(-1), subject.hasSentRoutes]).toEqual([['a.test'], true]);
    writeFileSync(file, 'global\n  store file /nowhere\nroute file.test\n  upstream a:1\n');
    await subject.reload(change);
    expect([inForce.at(-1), subject.hasSentRoutes]).toEqual([['file.test'], false]);
    expect(await subject.take(sent('late.test'), change)).toBe(false);
    expect(inForce).toHaveLength(3);
  });

  it('stays when a change fails, and takes the next one', async () => {
    await subject.take(sent('a.test'), change);
    expect(await subject.take(sent('b.test'), () => Promise.reject(new Error('port in use')))).toBe(false);
    expect(subject.state.lastError?.problems).toEqual([`${SOURCE}: port in use`]);
    await subject.reload(change);
    await subject.take(sent('c.test'), change);
    expect(inForce).toContainEqual(['c.test']);
    expect(subject.state.lastError).toBeNull();
  });

  it('takes what was refused when the file has what it lacked, unless something newer has come', async () => {
    const refused = { source: SOURCE, text: Buffer.from('route b.test\n  upstream a:1\n  provider mine\n') };
    expect(await subject.take(refused, change)).toBe(false);
    writeFileSync(file, `${GLOBAL}issuer mine\n  type internal\n`);
    await subject.reload(change);
    await subject.take(sent('a.test'), change);
    expect(inForce).toEqual([[], ['b.test'], ['a.test']]);
    expect(kept.map(String)).toEqual([String(refused.text), String(sent('a.test').text)]);

    writeFileSync(file, GLOBAL);
    await subject.reload(change);
    expect(await subject.take(refused, change)).toBe(false);
    writeFileSync(file, `${GLOBAL}issuer mine\n  type internal\n`);
    void subject.reload(change);
    await subject.take(sent('newer.test'), change);
    await subject.reload(change);
    expect(inForce.at(-1)).toEqual(['newer.test']);
  });

  it('starts with what was kept, or with the file when that cannot be used any more', async () => {
    expect((await subject.restore(sent('kept.test'))).routes[0]?.names).toEqual(['kept.test']);
    expect(subject.hasSentRoutes).toBe(true);
    const broken = { source: SOURCE, text: Buffer.from('route\n\xff') };
    expect((await subject.restore(broken)).routes).toEqual([]);
    expect(events.at(-1)).toMatchObject({ event: 'config.rejected', file: SOURCE });
  });
});
