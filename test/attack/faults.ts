import { parseArgs } from 'node:util';
import { jumps } from '../e2e/faults/clock.ts';
import { control, everything, saves, workers } from '../e2e/faults/killed.ts';
import { descriptors, disk, memory, names } from '../e2e/faults/scarcity.ts';
import type { Scenario } from '../e2e/faults/scenario.ts';
import { killedSuccessors, takeOvers } from '../e2e/faults/succession.ts';

/**
 * `npm run attack:faults -- [--rounds N] [NAME…]`: lets everything go wrong again and again, and says what was lost. Exits
 * with 1 when a promise was broken. `disk` needs root, and is left out otherwise.
 */
const SCENARIOS: Readonly<Record<string, Scenario>> = {
  control,
  workers,
  everything,
  saves,
  takeOvers,
  killedSuccessors,
  descriptors,
  ...(process.getuid?.() === 0 ? { disk } : {}),
  memory,
  names,
  jumps,
};

const { values, positionals } = parseArgs({
  options: { rounds: { type: 'string', default: '20' } },
  allowPositionals: true,
});
const rounds = Number(values.rounds);
const chosen = Object.entries(SCENARIOS).filter(
  ([name]) => positionals.length === 0 || positionals.includes(name),
);
if (!Number.isInteger(rounds) || rounds < 1 || chosen.length < Math.max(1, positionals.length)) {
  console.error(`usage: attack:faults [--rounds N] [${Object.keys(SCENARIOS).join('|')}]…`);
  process.exit(2);
}
for (const [name, scenario] of chosen) {
  const startedAt = performance.now();
  const outcome = await scenario(rounds).catch((error: unknown) => {
    process.exitCode = 1;
    return `BROKEN: ${error instanceof Error ? error.message : String(error)}`;
  });
  const seconds = Math.round((performance.now() - startedAt) / 1000);
  console.log(`${name.padEnd(18)} ${rounds} rounds, ${seconds} s: ${outcome}`);
}
