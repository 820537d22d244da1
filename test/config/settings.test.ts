import { describe, expect, it } from 'vitest';
import { codesOf, parse, problemsOf, valid } from './parse-text.ts';

describe('the global settings', () => {
  it('have defaults', () => {
    expect(valid('').global).toEqual({
      http: [{ kind: 'tcp', host: null, port: 80 }],
      https: [{ kind: 'tcp', host: null, port: 443 }],
      admin: { kind: 'tcp', host: '127.0.0.1', port: 9180 },
      adminPeers: [],
      store: { kind: 'file', dir: '/home/rigil/.local/state/rigil' },
      workers: 'auto',
      maxConnections: 'auto',
      maxConnectionsPerAddress: 'auto',
      log: { level: 'info', format: 'auto' },
      accessLog: null,
      trustedProxies: [],
      wildcardDomains: [],
      configSource: null,
      centauriMetrics: false,
      tailscale: null,
    });
  });

  it.each([
    [
      'the first state directory',
      { STATE_DIRECTORY: '/var/lib/rigil:/var/lib/other', XDG_STATE_HOME: '/x', HOME: '/h' },
      '/var/lib/rigil',
    ],
    ['the XDG state folder', { XDG_STATE_HOME: '/x', HOME: '/h' }, '/x/rigil'],
    ['the home folder', { HOME: '/h' }, '/h/.local/state/rigil'],
    [
      'no relative or empty one',
      { STATE_DIRECTORY: '', XDG_STATE_HOME: 'x', HOME: '/h' },
      '/h/.local/state/rigil',
    ],
  ])('keep the store in %s', (_, env, dir) => {
    expect(valid('', { env }).global.store).toEqual({ kind: 'file', dir });
  });

  it('need to know where the store is', () => {
    expect(parse('', { env: {} }).diagnostics).toMatchObject([
      { line: 0, code: 'no-store-directory', severity: 'error' },
    ]);
    expect(codesOf('global\nstore file /s', { env: {} })).toEqual(['no-routes']);
  });

  it('do not miss routes that come over the network', () => {
    expect(codesOf('global\nconfig-source tcp://h:1')).toEqual([]);
  });
});

describe('addresses', () => {
  it.each([
    ['twice in a directive', 'http :80 :81 :80', '2:14 duplicate-address'],
    ['for http and https', 'http :8443\nhttps :8443', '3:7 duplicate-address'],
    ['that another one has by default', 'https :80', '2:7 duplicate-address'],
    ['that is the default of a later one', 'http 127.0.0.1:9180', '2:6 duplicate-address'],
    ['of the responder of the local CA', 'issuer internal\nocsp 127.0.0.1:9180', '3:6 duplicate-address'],
    ['written in two ways', 'http [::1]:80 [0:0::1]:80', '2:15 duplicate-address'],
    ['a descriptor', 'http fd:3\nhttps fd:3', '3:7 duplicate-address'],
    ['a socket', 'http unix:/a\nadmin unix:/a', '3:7 duplicate-address'],
  ])('cannot be used twice: %s', (_, lines, problem) => {
    expect(problemsOf(`global\n${lines}\nroute a.test\nupstream a`)).toEqual([problem]);
  });

  it('with a port that the system chooses are all different', () => {
    expect(codesOf('global\nhttp :0\nhttps :0\nadmin :0 ::1\nroute a.test\nupstream a')).toEqual([]);
  });
});

describe('routes that come over the network', () => {
  const { global, issuers } = valid('global\nhttp :8080\nissuer corp\nroute a.test\nupstream a');
  const settings = { global, issuers };

  it('are added to the settings of the file', () => {
    const config = valid('route b.test\nupstream b\nprovider corp', { settings });
    expect(config).toMatchObject({ global, issuers, routes: [{ names: ['b.test'], provider: 'corp' }] });
  });

  it('bring no settings along', () => {
    const text = 'global\nhttp :1\nfoo\nissuer x\nemail y\nroute b.test\nupstream b';
    expect(problemsOf(text, { settings })).toEqual(['1:1 section-not-allowed', '4:1 section-not-allowed']);
  });

  it('are checked against the wildcard domains of the file', () => {
    const { global: wild } = valid('global\nwildcard-domains example.com\nroute a.test\nupstream a');
    expect(codesOf('route b.example.com\nupstream b', { settings: { global: wild, issuers } })).toEqual([]);
  });
});
