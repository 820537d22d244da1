import tls from 'node:tls';
import { describe, expect, it } from 'vitest';
import { testAuthority } from './authority.ts';
import { alert, clientHello, startDoor, talk, visit } from './door.ts';

const authority = await testAuthority();
const one = await authority.issue(['one.test']);
const { root } = authority;

/** What was negotiated. */
function negotiated(port: number, options: tls.ConnectionOptions) {
  return new Promise<{ protocol: string | null; cipher: string; group: string; authorized: boolean }>(
    (resolve, reject) => {
      const socket = tls.connect(
        { port, host: '127.0.0.1', servername: 'one.test', ca: root, ...options },
        () => {
          resolve({
            protocol: socket.getProtocol(),
            cipher: socket.getCipher().standardName,
            group: groupOf(socket.getEphemeralKeyInfo()),
            authorized: socket.authorized,
          });
          socket.destroy();
        },
      );
      socket.on('error', reject);
    },
  );
}

function groupOf(info: object | null): string {
  return info !== null && 'name' in info ? String(info.name) : '';
}

describe('what is negotiated', () => {
  it('with a client of today is TLS 1.3 with a hybrid key exchange', async () => {
    const { port } = await startDoor({ names: ['one.test'], certificates: [one] });
    expect(await negotiated(port, {})).toMatchObject({
      protocol: 'TLSv1.3',
      group: 'X25519MLKEM768',
      authorized: true,
    });
  });

  it.each(['X25519MLKEM768', 'X25519', 'prime256v1', 'secp384r1'])(
    'may be the group %s',
    async (ecdhCurve) => {
      const { port } = await startDoor({ names: ['one.test'], certificates: [one] });
      expect((await negotiated(port, { ecdhCurve })).group).toBe(ecdhCurve);
    },
  );

  it.each([
    'ECDHE-ECDSA-AES128-GCM-SHA256',
    'ECDHE-ECDSA-AES256-GCM-SHA384',
    'ECDHE-ECDSA-CHACHA20-POLY1305',
  ])('over TLS 1.2 may be %s', async (ciphers) => {
    const { port } = await startDoor({ names: ['one.test'], certificates: [one] });
    expect((await negotiated(port, { ciphers, maxVersion: 'TLSv1.2' })).protocol).toBe('TLSv1.2');
  });

  it.each([
    ['ours first', 'ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-ECDSA-AES128-GCM-SHA256', 'AES_128'],
    [
      'ChaCha20 for a client that puts it first: it has no hardware for AES',
      'ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-ECDSA-AES128-GCM-SHA256',
      'CHACHA20',
    ],
  ])('is the cipher that comes %s', async (_case, ciphers, expected) => {
    const { port } = await startDoor({ names: ['one.test'], certificates: [one] });
    expect((await negotiated(port, { ciphers, maxVersion: 'TLSv1.2' })).cipher).toContain(expected);
  });

  it.each(['ECDHE-ECDSA-AES128-SHA256', 'ECDHE-ECDSA-AES256-SHA', 'ECDHE-ECDSA-AES128-CCM'])(
    'over TLS 1.2 is never %s',
    async (ciphers) => {
      const { port } = await startDoor({ names: ['one.test'], certificates: [one] });
      const seen = await visit(port, { servername: 'one.test', ciphers, maxVersion: 'TLSv1.2' });
      expect(seen).toMatchObject({ error: 'ERR_SSL_SSL/TLS_ALERT_HANDSHAKE_FAILURE', said: '' });
    },
  );

  it.each(['TLSv1', 'TLSv1.1'] as const)('is never %s', async (version) => {
    const { port } = await startDoor({ names: ['one.test'], certificates: [one] });
    const hello = await clientHello({
      servername: 'one.test',
      minVersion: version,
      maxVersion: version,
      ciphers: 'DEFAULT@SECLEVEL=0',
    });
    const answer = await talk(port, [hello]);
    // protocol_version, in a record of whatever version.
    expect([...answer.subarray(5)]).toEqual([2, 70]);
    expect(answer.length).toBe(alert(70).length);
  });
});

describe('renegotiation', () => {
  it('is refused', async () => {
    const { port } = await startDoor({ names: ['one.test'], certificates: [one], stay: true });
    const error = await new Promise((resolve, reject) => {
      const socket = tls.connect(
        { port, host: '127.0.0.1', servername: 'one.test', ca: root, maxVersion: 'TLSv1.2' },
        () => socket.renegotiate({ rejectUnauthorized: true }, () => reject(new Error('it was done'))),
      );
      socket.on('error', resolve);
      socket.on('close', () => resolve('closed'));
      socket.resume();
    });
    expect(error).toMatchObject({ code: expect.stringMatching(/NO_RENEGOTIATION/) });
  });
});
