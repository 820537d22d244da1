import { setTimeout as delay } from 'node:timers/promises';
import type { FakeCa } from '../../acme/fake-ca/server.ts';
import { eventually, type LogLine, startDaemon } from '../daemon.ts';
import type { Upstream } from '../upstream.ts';
import { storeDueCertificates } from './due-certificates.ts';
import { type Slice, startLoad } from './load.ts';
import { reloadAndSee } from './reloading.ts';
import { startSlowCa } from './slow-ca.ts';
import { startSlowUpstream } from './slow-upstream.ts';

/** Of 10 s in the history: what the CA takes for one certificate. */
export const CA_DELAY_MS = 1_500;
/** An order every so often, so that there is work all the time. */
const ORDER_EVERY_MS = 500;
/** Of 30 s in the history: from the first SIGHUP to the second. */
const SECOND_RELOAD_AFTER_MS = 4_500;
const STORM = { signals: 40, everyMs: 25 };
/** From the end of the last flight until its certificate has been seen by a client, at the rate of the load. */
const SEEN_AFTER_MS = 1_000;
const SETTLING_MS = 300;
const IDLE_MS = 3_000;

/** The name whose upstream a reload changes. */
const SWITCHED = 'site-0.example.org';
/** 14 certificates: thirteen of one name, and one of six whose challenge never ends. */
export const SINGLE = Array.from({ length: 13 }, (_, index) => [`site-${index}.example.org`]);
export const STUCK = Array.from({ length: 6 }, (_, index) => `stuck-${index}.example.org`);
const ALL = [STUCK, ...SINGLE];
const NAMES = [...SINGLE.flat(), ...STUCK];

/** What was seen while history was replayed. */
export interface Replay {
  readonly work: Slice;
  /** The same load on the same program, when all work was done. */
  readonly idle: Slice;
  /** The first and the second of the history: how long until a request saw it, and how many flights there were then. */
  readonly reloads: readonly { readonly ms: number; readonly flights: number }[];
  /** The same without work. */
  readonly idleReload: { readonly ms: number; readonly flights: number };
  /** Ids of what was still being worked on when everything but one was done. */
  readonly stillWorking: readonly string[];
  readonly events: readonly LogLine[];
  /** Serial numbers by id before the work. */
  readonly former: ReadonlyMap<string, string>;
  readonly metrics: string;
}

/**
 * The outage of the history on the real program: 14 certificates are due, the CA is slow, one challenge never ends,
 * and reloads come. `env` is for the program.
 */
export async function replayTheOutage(env: NodeJS.ProcessEnv = {}): Promise<Replay> {
  await using ca = await startSlowCa(CA_DELAY_MS, STUCK);
  await using old = await startSlowUpstream('old');
  await using fresh = await startSlowUpstream('fresh');
  const { root } = ca.state.authority;
  const switchTo = (upstream: Upstream, certificates: readonly (readonly string[])[]) =>
    configuration(ca, certificates, (id) => (id === SWITCHED ? upstream : old));
  let former: ReadonlyMap<string, string> = new Map();
  await using daemon = await startDaemon(switchTo(old, ALL), {
    workers: 1,
    env,
    prepare: async (store) => {
      former = await storeDueCertificates(store, 'slow', ca.state.authority, ALL);
    },
  });
  await using load = await startLoad<'work' | 'settling' | 'idle'>({
    port: daemon.ports.https,
    roots: [root],
    handshakesPerS: 20,
    requestsPerS: 30,
    messagesPerS: 5,
    downloads: 3,
  });
  const reload = (upstream: Upstream, name: string, certificates = ALL) =>
    reloadAndSee(daemon, switchTo(upstream, certificates), { name: SWITCHED, upstream: name, roots: [root] });

  await load.begin('work', NAMES);
  const startedAt = performance.now();
  const reloads = [await reload(fresh, 'fresh')];
  await delay(SECOND_RELOAD_AFTER_MS - (performance.now() - startedAt));
  reloads.push(await reload(old, 'old'));
  for (let signal = 0; signal < STORM.signals; signal++) {
    daemon.configure(switchTo(signal % 2 === 0 ? fresh : old, ALL));
    daemon.child.kill('SIGHUP');
    await delay(STORM.everyMs);
  }
  await reload(fresh, 'fresh');
  for (const [id] of SINGLE) {
    await daemon.event('certificate.renew.finished', (line) => line['id'] === id);
  }
  await delay(SEEN_AFTER_MS);
  const { work } = await daemon.status();

  await load.begin('settling', SINGLE.flat());
  await delay(SETTLING_MS);
  await reload(old, 'old', SINGLE);
  await eventually('the end of all work', async () =>
    (await daemon.status()).work.length === 0 ? true : undefined,
  );
  await load.begin('idle', SINGLE.flat());
  await delay(IDLE_MS);
  const idleReload = await reload(fresh, 'fresh', SINGLE);
  const slices = await load.stop();
  return {
    ...slices,
    reloads,
    idleReload,
    stillWorking: work.map(({ id }) => id),
    events: daemon.events(),
    former,
    metrics: await daemon.metrics(),
  };
}

function configuration(
  ca: FakeCa,
  certificates: readonly (readonly string[])[],
  upstreamOf: (id: string) => Upstream,
): string {
  const routes = certificates.map(
    (names) => `route ${names.join(' ')}\n  upstream ${upstreamOf(names[0] ?? '').address}\n`,
  );
  return `issuer slow
  type acme
  directory ${ca.directory}
  ca-root ${ca.caRoot}
  obtain-interval ${ORDER_EVERY_MS}ms
${routes.join('')}`;
}
