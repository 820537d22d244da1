import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { InternalCa } from '../../src/internal-ca/internal-ca.ts';
import { certIdOf } from '../../src/ocsp/cert-id.ts';
import { readCertificate, readCertificates } from '../../src/ocsp/certificate.ts';
import { buildRequest } from '../../src/ocsp/request.ts';
import { parseResponse } from '../../src/ocsp/response.ts';
import { systemClock } from '../../src/platform/clock.ts';
import { systemRandom } from '../../src/platform/random.ts';
import { FileStore } from '../../src/store/file-store.ts';
import { runs } from '../fuzz-runs.ts';

it('has an answer to whatever somebody sends, and says good of nothing but what was issued', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'rigil-fuzz-'));
  const store = new FileStore({ directory, clock: systemClock, emit: () => {} });
  const authority = new InternalCa({
    name: 'internal',
    keyType: 'p256',
    responderUrl: 'http://127.0.0.1:1/',
    documents: store.documents,
    locks: store,
    clock: systemClock,
    random: systemRandom,
    emit: ({ event }) => expect.unreachable(event),
  });
  try {
    const order = { id: 'a.test', names: ['a.test'], replaces: null };
    const quiet = new InternalCa({
      ...{ name: 'internal', keyType: 'p256', documents: store.documents, locks: store },
      ...{ clock: systemClock, random: systemRandom, emit: () => {} },
    });
    await quiet.issue({ ...order, id: 'root', names: ['root.test'] }, new AbortController().signal);
    const { chain } = await authority.issue(order, new AbortController().signal);
    const [leaf] = readCertificates(Buffer.from(chain));
    const root = readCertificate((await authority.rootCertificate()) ?? new Uint8Array());
    if (leaf === undefined) throw new Error('an empty chain');
    const request = buildRequest(certIdOf(leaf, root, 'sha256'), systemRandom.bytes(32));
    expect(parseResponse(await authority.answer(request))).toMatchObject({ answers: [{ status: 'good' }] });

    const mutation = fc.record({
      at: fc.nat({ max: request.length - 1 }),
      take: fc.nat({ max: 4 }),
      put: fc.uint8Array({ maxLength: 4 }),
    });
    const changed = (list: readonly { at: number; take: number; put: Uint8Array }[]) =>
      list.reduce<Uint8Array>(
        (bytes, { at, take, put }) => Buffer.concat([bytes.subarray(0, at), put, bytes.subarray(at + take)]),
        request,
      );
    const bytes = fc.oneof(
      fc.array(mutation, { minLength: 1, maxLength: 4 }).map(changed),
      fc.uint8Array({ maxLength: 64 }),
    );
    await fc.assert(
      fc.asyncProperty(bytes, async (der) => {
        const answer = parseResponse(await authority.answer(der));
        expect(answer.kind).not.toBe('unreadable');
        if (answer.kind !== 'basic') return;
        for (const { certId, status } of answer.answers) {
          if (status === 'good') expect(Buffer.from(certId?.serial ?? [])).toEqual(Buffer.from(leaf.serial));
        }
      }),
      { numRuns: runs(500) },
    );
  } finally {
    await rm(directory, { recursive: true });
  }
});
