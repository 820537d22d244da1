import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createProvider, findProvider, providerProblems, providers } from '../../src/dns/registry.ts';
import { testPorts } from './ports.ts';

const codes = (
  name: string,
  options: Readonly<Record<string, string>>,
  env: Readonly<Record<string, string>> = {},
) => providerProblems(name, options, env).map(({ code, option }) => [code, option]);

describe('the table of providers', () => {
  it('describes every provider and option in sentences, for the manual', () => {
    for (const provider of providers) {
      expect(provider.documentation, provider.name).toMatch(/^[A-Z].*\.$/);
      for (const option of provider.options) {
        expect(option.documentation, `${provider.name} ${option.name}`).toMatch(/^[A-Z~].*$/);
        expect(option.name).toMatch(/^[a-z]+(-[a-z]+)*\.?$/);
        if (option.default !== undefined) expect(option.check?.(option.default) ?? null).toBeNull();
      }
    }
  });

  it('has no name twice', () => {
    const names = providers.flatMap(({ name, aliases }) => [name, ...aliases]);
    expect(new Set(names).size).toBe(names.length);
    for (const { options } of providers)
      expect(new Set(options.map(({ name }) => name)).size).toBe(options.length);
  });

  it('keeps every option secret that holds one', () => {
    const secrets = providers.flatMap(({ name, options }) =>
      options.filter(({ secret }) => secret === true).map((option) => `${name} ${option.name}`),
    );
    expect(secrets.sort()).toEqual([
      'acme-dns password',
      'cloudflare token',
      'cloudflare zone-token',
      'exec env.',
      'httpreq password',
      'rfc2136 secret',
      'route53 secret-access-key',
      'route53 session-token',
    ]);
  });

  it('knows the names that lego uses', () => {
    expect(findProvider('acmedns')?.name).toBe('acme-dns');
    expect(findProvider('DNSUPDATE')?.name).toBe('rfc2136');
  });
});

describe('the check of a provider and its options', () => {
  it('finds nothing wrong with what is right', () => {
    expect(codes('cloudflare', { token: 't' })).toEqual([]);
    expect(codes('cloudflare', {}, { CF_DNS_API_TOKEN: 't' })).toEqual([]);
    expect(codes('cloudflare', {}, { CF_DNS_API_TOKEN_FILE: '/run/secrets/t' })).toEqual([]);
    expect(codes('rfc2136', { server: '[2001:db8::1]:5353', 'key-file': '/etc/key' })).toEqual([]);
    expect(codes('rfc2136', { server: 'ns.acme.test', key: 'acme_key.', secret: 'c2VjcmV0IQ==' })).toEqual(
      [],
    );
    expect(codes('rfc2136', { server: '::1', algorithm: 'HMAC-SHA512.' })).toEqual([]);
    expect(codes('exec', { dialect: 'acme.sh', api: 'dns_cf', 'env.CF_Token': 'x' })).toEqual([]);
    expect(codes('exec', {}, { EXEC_PATH: '/hook' })).toEqual([]);
    expect(codes('route53', {})).toEqual([]);
    expect(codes('acme-dns', { api: 'https://auth.test', accounts: '/a.json' })).toEqual([]);
    expect(codes('acme-dns', { api: 'https://auth.test' }, { ACME_DNS_STORAGE_PATH: '/a.json' })).toEqual([]);
  });

  it.each([
    ['cloudflare', {}, [['missing-option', 'token']]],
    ['cloudflare', { token: '' }, [['missing-option', 'token']]],
    [
      'cloudflare',
      { token: 't', ttl: 'long', tokn: 'x' },
      [
        ['invalid-option', 'ttl'],
        ['unknown-option', 'tokn'],
      ],
    ],
    [
      'cloudflare',
      { token: 't', cname: 'maybe', api: 'ftp://x' },
      [
        ['invalid-option', 'cname'],
        ['invalid-option', 'api'],
      ],
    ],
    ['httpreq', { endpoint: 'http://x', username: 'u' }, [['invalid-option', null]]],
    ['acme-dns', { api: 'http://x' }, [['invalid-option', null]]],
    ['acme-dns', { api: 'http://x', username: 'u', subdomain: 's' }, [['invalid-option', null]]],
    ['exec', { dialect: 'certbot', path: '/x' }, [['invalid-option', null]]],
    [
      'exec',
      { path: '/x', timeout: '5', api: '../evil', env: 'A B' },
      [
        ['invalid-option', 'timeout'],
        ['invalid-option', 'api'],
        ['invalid-option', 'env'],
      ],
    ],
    ['exec', { path: '/x', 'env.': 'x' }, [['unknown-option', 'env.']]],
    ['rfc2136', { server: 'a b', key: 'k', secret: 'c2VjcmV0IQ==' }, [['invalid-option', 'server']]],
    [
      'rfc2136',
      { server: 'ns:70000', zone: 'a..b' },
      [
        ['invalid-option', 'server'],
        ['invalid-option', 'zone'],
      ],
    ],
    ['rfc2136', { server: 'ns', secret: 'not base64!' }, [['invalid-option', 'secret']]],
    ['rfc2136', { server: 'ns', key: 'k' }, [['invalid-option', null]]],
    ['rfc2136', { server: 'ns', algorithm: 'hmac-md5' }, [['invalid-option', 'algorithm']]],
    ['route53', { 'access-key-id': 'A', 'zone-id': 'a/b' }, [['invalid-option', 'zone-id']]],
    ['route53', { 'access-key-id': 'A' }, [['invalid-option', null]]],
    ['gandi', {}, [['unknown-provider', null]]],
  ])('%s %j', (name, options, expected) => {
    expect(codes(name, options as Record<string, string>)).toEqual(expected);
  });

  it('finds what is wrong in the environment, and names the variable', () => {
    const env = { RFC2136_TSIG_KEY: 'k', RFC2136_TSIG_SECRET: 'not base64!', RFC2136_TTL: '' };
    expect(providerProblems('rfc2136', { server: 'ns' }, env)).toMatchObject([
      { code: 'invalid-option', option: 'secret', message: 'RFC2136_TSIG_SECRET is not base64' },
    ]);
    expect(codes('rfc2136', { server: 'ns', secret: 'c2VjcmV0IQ==' }, env)).toEqual([]);
  });

  it('says what was probably meant', () => {
    expect(providerProblems('cloudfare', {}, {})[0]?.hint).toBe('did you mean cloudflare?');
    expect(providerProblems('cloudflare', { tokn: 't' }, {})[0]?.hint).toBe('did you mean token?');
    expect(providerProblems('gandi', {}, {})[0]?.hint).toContain('acme.sh');
    expect(providerProblems('cloudflare', {}, {})[0]?.hint).toContain('CLOUDFLARE_DNS_API_TOKEN');
  });

  it('shows no value of an option', () => {
    const secret = 'a-secret-that-is-wrong!';
    expect(JSON.stringify(providerProblems('rfc2136', { server: 'ns', key: 'k', secret }, {}))).not.toContain(
      secret,
    );
  });
});

describe('making a provider', () => {
  it('refuses what the check finds', () => {
    expect(() => createProvider('cloudflare', {}, testPorts())).toThrow(
      expect.objectContaining({
        code: 'dns-option-invalid',
        message: 'dns-01 cloudflare: the option token is missing',
      }),
    );
    expect(() => createProvider('gandi', {}, testPorts())).toThrow(
      expect.objectContaining({ code: 'dns-option-invalid' }),
    );
  });

  it('reads secrets from files, and says which cannot be read', async () => {
    const dir = await mkdtemp(join(tmpdir(), 'rigil-registry-'));
    const file = join(dir, 'token');
    const env = { CLOUDFLARE_DNS_API_TOKEN_FILE: file };
    expect(() => createProvider('cloudflare', {}, testPorts({ env }))).toThrow(
      expect.objectContaining({
        code: 'dns-option-invalid',
        message: expect.stringContaining('CLOUDFLARE_DNS_API_TOKEN_FILE'),
      }),
    );
    await writeFile(file, 'token-in-a-file\n');
    const sent: (string | undefined)[] = [];
    const http = async (request: { readonly headers?: Readonly<Record<string, string>> }) => {
      sent.push(request.headers?.['authorization']);
      return { status: 403, headers: {}, body: '' };
    };
    const record = (await import('./records.ts')).challengeFor('acme.test');
    await createProvider('cloudflare', {}, testPorts({ env, http }))
      .present(record, new AbortController().signal)
      .catch(() => {});
    expect(sent).toEqual(['Bearer token-in-a-file']);
    await rm(dir, { recursive: true });
  });

  it('refuses what is wrong in such a file: a key that is ignored would mean updates without a signature', async () => {
    const dir = await mkdtemp(join(tmpdir(), 'rigil-registry-'));
    const file = join(dir, 'secret');
    const env = { RFC2136_TSIG_KEY: 'k', RFC2136_TSIG_SECRET_FILE: file };
    for (const content of ['\n', 'not base64!']) {
      await writeFile(file, content);
      expect(() => createProvider('rfc2136', { server: 'ns' }, testPorts({ env }))).toThrow(
        expect.objectContaining({
          code: 'dns-option-invalid',
          message: expect.stringContaining('RFC2136_TSIG_SECRET_FILE'),
        }),
      );
    }
    await rm(dir, { recursive: true });
  });

  it('takes a key of RFC 2136 from a file of tsig-keygen, and refuses another', async () => {
    const dir = await mkdtemp(join(tmpdir(), 'rigil-registry-'));
    const file = join(dir, 'key');
    const make = () => createProvider('rfc2136', { server: 'ns', 'key-file': file }, testPorts());
    expect(make).toThrow(
      expect.objectContaining({ code: 'dns-option-invalid', message: expect.stringContaining(file) }),
    );
    await writeFile(file, 'key "acme" {\n\talgorithm hmac-md5;\n\tsecret "c2VjcmV0IQ==";\n};\n');
    expect(make).toThrow(
      expect.objectContaining({ code: 'dns-option-invalid', hint: expect.stringContaining('tsig-keygen') }),
    );
    await writeFile(file, 'key "acme" {\n\talgorithm hmac-sha512;\n\tsecret "c2VjcmV0IQ==";\n};\n');
    expect(make().name).toBe('rfc2136');
    await rm(dir, { recursive: true });
  });
});
