import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { startLoad } from '../clients.ts';
import { eventually } from '../daemon.ts';
import { expectOnly, Reign, type Scenario, served } from './scenario.ts';

const DAY_MS = 86_400_000;
/** How often the processes look whether the clock was set, in milliseconds. */
const LOOK_MS = 50;

/** Moves `Date` of every process of the daemon by what stands in a file, as a system clock that is set does. */
const PRELOAD = `
const { readFileSync } = require('node:fs');
const now = Date.now;
let offset = 0;
const look = () => { try { offset = Number(readFileSync(process.env.CLOCK_OFFSET, 'utf8')); } catch {} };
look();
setInterval(look, ${LOOK_MS}).unref();
Date.now = () => now() + offset;
const Real = Date;
globalThis.Date = class Date extends Real {
  constructor(...args) { if (args.length === 0) super(Real.now()); else super(...args); }
};
globalThis.Date.now = Real.now;
`;

/** The clock is set forward, and back again: what is due is done once, and serving does not notice. */
export const jumps: Scenario = async (rounds) => {
  const folder = mkdtempSync(join(tmpdir(), 'rigil-clock-'));
  const offset = join(folder, 'offset');
  const preload = join(folder, 'preload.cjs');
  const set = async (ms: number) => {
    writeFileSync(offset, String(ms));
    await delay(4 * LOOK_MS);
  };
  await set(0);
  writeFileSync(preload, PRELOAD);
  try {
    await using reign = await Reign.begin({
      env: { NODE_OPTIONS: `--require ${preload}`, CLOCK_OFFSET: offset },
    });
    const { daemon } = reign;
    const load = startLoad(daemon, { fresh: 2, kept: 2 });
    for (let round = 0; round < rounds; round++) {
      const renewals = () => daemon.events().filter(({ event }) => event === 'certificate.renew.finished');
      const before = renewals().length;
      // Leaf certificates of the local CA live for 7 days.
      await set((round + 1) * 6 * DAY_MS);
      // A reload looks at the clock; the daemon itself does so once a minute.
      await daemon.reload();
      await eventually('a renewal', () => (renewals().length > before ? true : undefined));
      await served(load.outcomes);
      await set(-30 * DAY_MS);
      await daemon.reload();
      await served(load.outcomes);
      if (renewals().length > before + 1) throw new Error('it was renewed again and again');
    }
    const outcomes = await load.stop();
    expectOnly(outcomes, '200');
    if (daemon.events().some(({ event }) => event === 'worker.exited')) throw new Error('a worker died');
    return `${outcomes['200']} requests, ${2 * rounds} jumps`;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
};
