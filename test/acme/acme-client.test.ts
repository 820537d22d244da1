import { Client } from 'acme-client';
import { expect, it } from 'vitest';
import { internalsOf } from '../../src/acme/acme-client.ts';
import { generatePrivateKey } from '../../src/x509/private-key.ts';

const DIRECTORY = 'https://ca.test/directory';

it('has the members of acme-client that its type declarations leave out, and refuses another package', async () => {
  const accountKey = await generatePrivateKey('p256');
  expect(() => internalsOf(new Client({ directoryUrl: DIRECTORY, accountKey }))).not.toThrow();
  expect(() => internalsOf({ http: {}, api: {} })).toThrowError(
    expect.objectContaining({ code: 'internal' }),
  );
  expect(() => internalsOf(null)).toThrowError(expect.objectContaining({ code: 'internal' }));
});

it('sends everything through the replaced methods: directory, nonce, request', async () => {
  const { http, api } = internalsOf(
    new Client({
      directoryUrl: DIRECTORY,
      accountKey: await generatePrivateKey('p256'),
      accountUrl: `${DIRECTORY}/1`,
    }),
  );
  const seen: unknown[] = [];
  http.getDirectory = async () => ({ newOrder: 'https://ca.test/order' });
  http.getNonce = async () => `nonce-${seen.length}`;
  http.request = async (url, method, { data }) => {
    const { protected: head } = Object(data);
    seen.push({ url, method, head: JSON.parse(Buffer.from(head, 'base64url').toString('utf8')) });
    const refused = seen.length < 3;
    return {
      status: refused ? 400 : 201,
      headers: {},
      data: refused ? { type: 'urn:ietf:params:acme:error:badNonce' } : {},
    };
  };
  await api.apiResourceRequest('newOrder', {}, [], {});
  const head = { alg: 'ES256', url: 'https://ca.test/order', kid: `${DIRECTORY}/1` };
  expect(seen, 'a bad nonce is followed by a request with a new one').toEqual(
    [0, 1, 2].map((nonce) => ({ url: head.url, method: 'post', head: { ...head, nonce: `nonce-${nonce}` } })),
  );
});

it('orders the members of a key as RFC 7638 wants them hashed', async () => {
  const { http } = internalsOf(
    new Client({ directoryUrl: DIRECTORY, accountKey: await generatePrivateKey('p256') }),
  );
  expect(Object.keys(http.getJwk())).toEqual(['crv', 'kty', 'x', 'y']);
});
