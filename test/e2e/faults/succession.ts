import { spawn } from 'node:child_process';
import { setTimeout as delay } from 'node:timers/promises';
import { startLoad } from '../clients.ts';
import { type Daemon, eventually, RIGIL } from '../daemon.ts';
import { expectOnly, NAME, Reign, type Scenario, served } from './scenario.ts';

/** A take-over after the other under load, while certificates are obtained: no request is lost, and no work doubled. */
export const takeOvers: Scenario = async (rounds) => {
  await using reign = await Reign.begin();
  const load = startLoad(reign.daemon, { fresh: 3, kept: 3 });
  const daemons: Daemon[] = [reign.daemon];
  const names: string[] = [];
  for (let round = 0; round < rounds; round++) {
    for (let index = 0; index < 3; index++) names.push(`work-${round}-${index}.localhost`);
    reign.want(...names);
    reign.daemon.child.kill('SIGHUP');
    await delay(Math.random() * 200);
    const former = reign.daemon;
    await reign.follow('--take-over');
    daemons.push(reign.daemon);
    const code = await former.stop();
    if (code !== 0) throw new Error(`the former daemon ended with ${code}`);
    await served(load.outcomes);
  }
  const outcomes = await load.stop();
  expectOnly(outcomes, '200');
  const obtained = daemons.flatMap((daemon) =>
    daemon
      .events()
      .filter(({ event }) => event === 'certificate.obtain.finished')
      .map(({ id }) => String(id)),
  );
  const expected = [NAME, ...names];
  if (obtained.length !== expected.length || !expected.every((name) => obtained.includes(name))) {
    throw new Error(`obtained were ${obtained.join(' ')}`);
  }
  return `${outcomes['200']} requests, ${obtained.length} certificates obtained once each`;
};

/**
 * A successor that is killed at any moment: the running daemon goes on; or, when it had left already, the workers of the
 * dead one serve until somebody follows.
 */
export const killedSuccessors: Scenario = async (rounds) => {
  await using reign = await Reign.begin();
  const load = startLoad(reign.daemon, { fresh: 3, kept: 3 });
  let left = 0;
  for (let round = 0; round < rounds; round++) {
    const { daemon } = reign;
    const before = count(daemon, 'hand-over.started');
    const successor = spawn(process.execPath, [RIGIL, 'serve', '--take-over', '-c', daemon.configFile], {
      stdio: 'ignore',
    });
    await eventually('a hand-over', () => (count(daemon, 'hand-over.started') > before ? true : undefined));
    const ended = () => count(daemon, 'hand-over.failed') + count(daemon, 'hand-over.finished') > before;
    // In turn: when it is about to be the daemon, and before.
    if (round % 2 === 0) await eventually('its turn', () => ended() || undefined);
    await delay(Math.random() * (round % 2 === 0 ? 60 : 400));
    successor.kill('SIGKILL');
    await eventually('its end', () => ended() || undefined);
    if (count(daemon, 'hand-over.finished') > 0) {
      left++;
      await daemon.stop();
      await served(load.outcomes);
      await reign.follow();
    }
    await served(load.outcomes);
  }
  // There is work done as before.
  reign.want('afterwards.localhost');
  await reign.daemon.reload();
  await reign.daemon.event('certificate.obtain.finished', ({ id }) => id === 'afterwards.localhost');
  const outcomes = await load.stop();
  expectOnly(outcomes, '200');
  return `${outcomes['200']} requests, ${rounds} successors killed, ${left} of them when they had taken over`;
};

function count(daemon: Daemon, name: string): number {
  return daemon.events().filter(({ event }) => event === name).length;
}
