import { createHash, X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ServedCertificate } from '../../../src/snapshot/snapshot.ts';
import { has } from '../../peers.ts';
import { openssl, TestAuthority } from '../../responder.ts';
import { startDoor } from './door.ts';

describe.skipIf(!has('openssl'))('a staple', () => {
  let ca: TestAuthority;
  let certificate: ServedCertificate;
  beforeAll(async () => {
    ca = await TestAuthority.create();
    const leaf = await ca.issue({ name: 'one.test', extensions: ['subjectAltName=DNS:one.test'] });
    await openssl(
      ['ocsp', '-issuer', 'ca.pem', '-cert', leaf.certFile, '-no_nonce', '-reqout', 'question.der'],
      ca.dir,
    );
    const staple = await ca.answer(await readFile(join(ca.dir, 'question.der')));
    certificate = {
      id: 'one.test',
      fingerprint: createHash('sha256').update(new X509Certificate(leaf.pem).raw).digest('hex'),
      chain: leaf.pem,
      key: leaf.key,
      staple,
    };
  });
  afterAll(() => ca?.remove());

  it.each(['-tls1_2', '-tls1_3'])(
    'is shown to a client that asks (%s), and only to that one',
    async (version) => {
      const { port } = await startDoor({ names: ['one.test'], certificates: [certificate] });
      expect(await look(port, version, '-servername', 'one.test', '-status')).toMatch(
        /OCSP Response Status: successful[\s\S]*Cert Status: good/,
      );
      expect(await look(port, version, '-servername', 'one.test')).not.toContain('OCSP Response');
    },
  );

  it('is shown to a client that names nobody, too', async () => {
    const { port } = await startDoor({
      names: ['one.test'],
      certificates: [certificate],
      fallback: 'one.test',
    });
    expect(await look(port, '-noservername', '-status')).toContain('Cert Status: good');
  });

  it('appears and goes with the snapshot', async () => {
    const bare = { ...certificate, staple: null };
    const { port, publish } = await startDoor({ names: ['one.test'], certificates: [bare] });
    const ask = () => look(port, '-servername', 'one.test', '-status');
    expect(await ask()).toContain('OCSP response: no response sent');
    publish((snapshot) => ({ ...snapshot, certificates: new Map([['one.test', certificate]]) }));
    expect(await ask()).toContain('Cert Status: good');
    publish((snapshot) => ({ ...snapshot, certificates: new Map([['one.test', bare]]) }));
    expect(await ask()).toContain('OCSP response: no response sent');
  });

  function look(port: number, ...options: readonly string[]): Promise<string> {
    return openssl(['s_client', '-connect', `127.0.0.1:${port}`, ...options], ca.dir);
  }
});
