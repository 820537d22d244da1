import { pathToFileURL } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';
import { type Replay, replayTheOutage, SINGLE, STUCK } from './never-waits/replay.ts';
import { disturbances, ROOM_MS } from './never-waits/verdict.ts';

const [STUCK_ID] = STUCK;

/**
 * What happened to Centauri: an updater had 14 certificates to renew, a reload queued behind it, and every request
 * queued behind the reload. See docs/decisions/0004.
 */
describe('while 14 certificates are renewed at a slow CA, and one of them never gets done', () => {
  let replay: Replay;

  beforeAll(async () => {
    replay = await replayTheOutage();
  }, 120_000);

  it('no handshake, request, WebSocket or download fails or is delayed', () => {
    expect(disturbances(replay.idle, replay.work)).toEqual([]);
  });

  it('reloads take effect as fast as ever, flights or not', () => {
    for (const { ms, flights } of replay.reloads) {
      expect(flights).toBeGreaterThan(0);
      expect(ms).toBeLessThan(replay.idleReload.ms + ROOM_MS);
    }
    expect(replay.events.filter(({ event }) => event === 'config.rejected')).toEqual([]);
  });

  it('certificates come into service one after the other, as they arrive', () => {
    const finished = replay.events.filter(({ event }) => event === 'certificate.renew.finished');
    const isNew = ({ name, serial }: { readonly name: string; readonly serial: string | null }) =>
      serial !== null && serial !== replay.former.get(name);
    const shown = [...replay.work.samples, ...replay.idle.samples].filter(
      ({ kind, name }) => kind === 'handshake' && replay.former.has(name),
    );
    const firstSeen = Math.min(...shown.filter(isNew).map(({ startedAt }) => startedAt));
    const last = Math.max(...finished.map(({ time }) => Date.parse(time)));

    expect(finished.map(({ id }) => id).toSorted()).toEqual(SINGLE.flat().toSorted());
    expect(firstSeen).toBeLessThan(last);
    expect(replay.idle.samples.filter((sample) => sample.kind === 'handshake' && !isNew(sample))).toEqual([]);
  });

  it('the one that never gets done holds no other up', () => {
    const order = replay.events
      .filter(({ event }) => /^certificate\.renew\.(started|finished|failed)$/.test(event))
      .map(({ event, id }) => `${event} ${id}`);
    const begun = order.indexOf(`certificate.renew.started ${STUCK_ID}`);
    const finishedAfter = order.slice(begun).filter((line) => line.includes('.finished'));

    expect(begun).toBeGreaterThanOrEqual(0);
    expect(finishedAfter.length).toBe(SINGLE.length);
    expect(replay.stillWorking).toEqual([STUCK_ID]);
    const served = replay.work.samples.filter(({ kind, name }) => kind === 'handshake' && name === STUCK_ID);
    expect(new Set(served.map(({ serial }) => serial))).toEqual(new Set([replay.former.get(STUCK_ID ?? '')]));
  });

  it('says in its own figures that nothing waited', () => {
    expect(replay.metrics).toMatch(/^rigil_handshakes_waited_total 0$/m);
    expect(replay.metrics).toMatch(/^rigil_requests_waited_total 0$/m);
  });
});

describe('were keys made on the thread that serves', () => {
  it('these tests would tell', { timeout: 120_000 }, async () => {
    const preload = pathToFileURL(`${import.meta.dirname}/never-waits/work-in-the-worker.ts`);
    const { idle, work } = await replayTheOutage({ NODE_OPTIONS: `--import ${preload}` });
    const told = disturbances(idle, work).join('\n');
    for (const kind of ['handshake', 'request', 'message', 'chunk']) {
      expect(told).toContain(`delayed ${kind}`);
    }
  });
});
