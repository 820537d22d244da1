import { setTimeout as delay } from 'node:timers/promises';
import { startLoad } from '../clients.ts';
import { eventually } from '../daemon.ts';
import { expectOnly, isAlive, Reign, type Scenario, served } from './scenario.ts';

/** Clients that keep a connection, and such that do not. */
const CLIENTS = { fresh: 3, kept: 3 };
/** What happens to a request that is inside a process that is killed. */
const LOST = ['ECONNRESET', 'EPIPE', 'EPROTO'];

/** The control process: no request is lost, neither without one nor while the next one takes over. */
export const control: Scenario = async (rounds) => {
  await using reign = await Reign.begin();
  const load = startLoad(reign.daemon, CLIENTS);
  let former: number[] = [];
  for (let round = 0; round < rounds; round++) {
    former = await reign.workers();
    await reign.kill();
    await served(load.outcomes);
    await reign.follow();
    await served(load.outcomes);
    await eventually('the end of the former workers', () => (former.some(isAlive) ? undefined : true));
  }
  const outcomes = await load.stop();
  expectOnly(outcomes, '200');
  return `${outcomes['200']} requests`;
};

/** Workers: lost is what is inside them, and nothing is refused. */
export const workers: Scenario = async (rounds) => {
  await using reign = await Reign.begin();
  const load = startLoad(reign.daemon, CLIENTS);
  for (let round = 0; round < rounds; round++) {
    const pids = await reign.workers();
    // In turn one of them, and all of them.
    const victims = round % 2 === 0 ? pids.slice(0, 1) : pids;
    for (const pid of victims) process.kill(pid, 'SIGKILL');
    await eventually('new workers', async () => {
      const now = await reign.workers();
      return now.length === 2 && !now.some((pid) => victims.includes(pid)) ? true : undefined;
    });
    await served(load.outcomes);
  }
  const outcomes = await load.stop();
  expectOnly(outcomes, '200', ...LOST);
  const lost = LOST.reduce((sum, code) => sum + (outcomes[code] ?? 0), 0);
  const clients = CLIENTS.fresh + CLIENTS.kept;
  if (lost > rounds * clients) throw new Error(`${lost} lost in ${rounds} rounds of ${clients} clients`);
  return `${outcomes['200']} requests, ${lost} lost inside killed workers`;
};

/** Everything at once, as a machine that loses its power; what is stored is there afterwards. */
export const everything: Scenario = async (rounds) => {
  await using reign = await Reign.begin();
  const names: string[] = [];
  for (let round = 0; round < rounds; round++) {
    const workers = await reign.workers();
    names.push(`power-${round}.localhost`);
    reign.want(...names);
    reign.daemon.child.kill('SIGHUP');
    await delay(Math.random() * 400);
    for (const pid of workers) process.kill(pid, 'SIGKILL');
    await reign.kill();
    // Healthy is a daemon that holds all that is wanted.
    await reign.follow();
    const load = startLoad(reign.daemon, CLIENTS);
    await served(load.outcomes);
    expectOnly(await load.stop(), '200');
  }
  return `${names.length + 1} certificates whole`;
};

/** The control process while it obtains and saves: what it had to do is done by the next one, and nothing twice. */
export const saves: Scenario = async (rounds) => {
  await using reign = await Reign.begin();
  const load = startLoad(reign.daemon, CLIENTS);
  const names: string[] = [];
  for (let round = 0; round < rounds; round++) {
    for (let index = 0; index < 5; index++) names.push(`save-${round}-${index}.localhost`);
    reign.want(...names);
    reign.daemon.child.kill('SIGHUP');
    await delay(Math.random() * 600);
    await reign.kill();
    await reign.follow();
    const { certificates } = await reign.daemon.status();
    const bad = certificates.filter(({ status }) => status !== 'valid');
    if (bad.length > 0 || certificates.length !== names.length + 1) throw new Error(JSON.stringify(bad));
  }
  const outcomes = await load.stop();
  expectOnly(outcomes, '200');
  return `${outcomes['200']} requests, ${names.length + 1} certificates whole`;
};
