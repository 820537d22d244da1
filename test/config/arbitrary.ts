import fc from 'fast-check';

/** Texts that are often valid and always near to it, for property tests. */

const space = fc.constantFrom(' ', ' ', ' ', ' ', '  ', '\t', '\u00a0');
const indent = fc.constantFrom('', '  ', '\t');
const lineEnd = fc.constantFrom('\n', '\n', '\n', '\r\n', ' # note\n');

const name = fc.constantFrom(
  'a.example.com',
  'b.example.com',
  'B.Example.COM',
  'c.test',
  'localhost',
  '*.example.com',
  'd.example.com.',
  'bücher.example',
  '192.0.2.1',
  '[2001:db8::1]',
  'e.com:1',
  '😀.example',
);
const host = fc.constantFrom(
  'app',
  'app:8080',
  'app:',
  '[::1]:1',
  '',
  'a b',
  'https://app',
  'h2c://app:1',
  'unix:a.sock',
  'é:1',
);
const path = fc.constantFrom(
  '',
  '/',
  '/#',
  '/a',
  '//a',
  '//a//b',
  '///a',
  '/%2Fa',
  '/?b',
  '/a?b#c',
  '/!é',
  '/%',
  '/?',
);
const value = fc.constantFrom('v', 'a  b', ' v', '# v', 'é', 'v # w', `\${A}`, '"');
const settingsWord = fc.constantFrom(
  'x',
  '"a b"',
  '"',
  `\${A}`,
  `\${B:-c d}`,
  `\${`,
  `\${SPACE}`,
  '"\\"\\$"',
  'a=b',
  '😀',
  '#x',
);
const address = fc.constantFrom(
  ':80',
  ':81',
  ':0',
  'localhost:82',
  '[::1]:83',
  'unix:s.sock',
  'fd:3',
  'off',
  '80',
  `\${A}`,
);
const duration = fc.constantFrom('0', '10s', '1h30m', '500ms', '1.5m', '7d', 'x');

const words = (word: fc.Arbitrary<string>, most = 3) =>
  fc
    .array(fc.tuple(space, word), { maxLength: most })
    .map((pairs) => pairs.map((pair) => pair.join('')).join(''));
const line = (...parts: (string | fc.Arbitrary<string>)[]) =>
  fc
    .tuple(indent, ...parts.map((part) => (typeof part === 'string' ? fc.constant(part) : part)), lineEnd)
    .map((all) => all.join(''));

const globalLine = fc.oneof(
  line(fc.constantFrom('http', 'https', 'admin', 'HTTP'), words(address)),
  line('store file', words(settingsWord, 1)),
  line(
    'store redis redis://',
    fc.constantFrom('h', 'u:p@h:1/2', '"u:p$"@h'),
    words(fc.constantFrom('prefix=p', 'prefix="a b"', 'x'), 1),
  ),
  line('workers', words(fc.constantFrom('auto', '2', '0'), 1)),
  line('max-connections', words(fc.constantFrom('auto', '2', '0'), 1)),
  line('max-connections-per-address', words(fc.constantFrom('auto', 'off', '2', '0'), 1)),
  line('log', words(fc.constantFrom('info', 'debug', 'json', 'text'), 2)),
  line('access-log', words(fc.constantFrom('off', 'stdout', 'a.log', '"a b.log"', 'common', 'json'), 2)),
  line('trusted-proxies', words(fc.constantFrom('10.0.0.0/8', '::1', 'fd00::/8', 'x'))),
  line('wildcard-domains', words(fc.constantFrom('example.com', '.test', '*.b.example.com', 'x.'))),
  line('issuers', words(fc.constantFrom('a', 'B', 'internal', 'letsencrypt'))),
  line('config-source', words(fc.constantFrom('tcp://h:1', 'tcp://[::1]:2', 'x'), 1)),
  line('centauri-metrics', words(fc.constantFrom('on', 'off'), 1)),
  line('tailscale', words(fc.constantFrom('off', '/run/t.sock', '"a b"'), 1)),
  line('tailscale-http', words(fc.constantFrom('serve', 'redirect', 'x'), 1)),
);

const issuerLine = fc.oneof(
  line('type', words(fc.constantFrom('acme', 'internal', 'tailscale'), 1)),
  line('directory https://', fc.constantFrom('ca.test/d', 'ca.example.com', 'x y')),
  line('email', words(fc.constantFrom('a@b.c', 'a', `\${A}`), 1)),
  line('eab', words(fc.constantFrom('kid', 'AbCd', `\${A}`), 2)),
  line(fc.constantFrom('profile', 'preferred-chain', 'ca-root'), words(settingsWord, 2)),
  line('must-staple'),
  line('challenge', words(fc.constantFrom('http-01', 'tls-alpn-01', 'dns-persist-01'), 1)),
  line(
    'challenge dns-01',
    words(fc.constantFrom('exec', 'cloudflare', 'path=/x', 'path="a b"', `token=\${A}`, `env.A="\${B}"`), 3),
  ),
  line('key-type', words(fc.constantFrom('p256', 'rsa2048'), 1)),
  line('resolvers', words(fc.constantFrom('9.9.9.9', '[::1]:5', '::1'))),
  line('propagation', words(fc.constantFrom('check', 'skip', 'delay=1s', 'timeout=3m'), 3)),
  line('request-rate', words(fc.constantFrom('5/s', '1/m', '7/h', '0.3/s'), 1)),
  line(fc.constantFrom('obtain-interval', 'timeout'), words(duration, 1)),
  line('ocsp', words(address, 1)),
  line('socket', words(settingsWord, 1)),
);

const upstreamOption = fc.constantFrom(
  'weight=3',
  'weight=0',
  'ca=/r.pem',
  'servername=x.test',
  'insecure',
  'cert=/c.pem',
  'key=/k.pem',
  'x=y',
  'z',
);

const routeLine = fc.oneof(
  line('upstream ', host),
  line('upstream ', host, words(upstreamOption)),
  line('upstream https://app', words(upstreamOption)),
  line('timeout', words(fc.constantFrom('connect=1s', 'response=2m', 'idle=3s', 'idle=0', 'x'))),
  line('balance', words(fc.constantFrom('random', 'sticky', 'round-robin', 'least-connections'), 1)),
  line(
    'health-check',
    words(fc.constantFrom('/h?x=1', '/', 'interval=1s', 'timeout=2s', 'status=200', 'status=200-299', 'x')),
  ),
  line('on_error', words(fc.constantFrom('404', '502', '+500', '302'), 1), ' ', host, path),
  line('provider', words(fc.constantFrom('lego', 'selfsigned', 'a', 'internal', 'x'), 1)),
  line(
    'header',
    space,
    fc.constantFrom('add', 'replace', 'default', 'delete', 'remove'),
    space,
    fc.constantFrom('X-A', 'Ü', '', 'x'),
    space,
    value,
  ),
  line('fallback', words(name, 1)),
  line('redirect-to-primary'),
  line('subject', words(name)),
);

const section = (opening: fc.Arbitrary<string>, body: fc.Arbitrary<string>, most: number) =>
  fc.tuple(opening, fc.array(body, { maxLength: most })).map(([first, lines]) => first + lines.join(''));

/** Texts of the language, with and without mistakes. */
export const configText: fc.Arbitrary<string> = fc
  .tuple(
    fc.array(section(line('global'), globalLine, 4), { maxLength: 1 }),
    fc.array(section(line('issuer ', fc.constantFrom('a', 'b', 'internal')), issuerLine, 4), {
      maxLength: 2,
    }),
    fc.array(
      section(
        fc
          .tuple(line('route', words(name)), fc.constantFrom('', 'upstream app:8080\n'))
          .map((parts) => parts.join('')),
        routeLine,
        4,
      ),
      { maxLength: 4 },
    ),
  )
  .map((sections) => sections.flat().join(''));

/** Anything: random characters, and valid texts with pieces cut out and put in. */
export const anyText: fc.Arbitrary<string> = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 300 }),
  fc.string({
    unit: fc.constantFrom(
      'route ',
      'global',
      'issuer a',
      'upstream',
      '\n',
      ' ',
      '"',
      '$',
      '{',
      '}',
      '#',
      '\0',
      '\r',
      '😀',
      '\ud800',
    ),
  }),
  fc
    .tuple(configText, fc.nat(), fc.nat({ max: 20 }), fc.string({ unit: 'binary', maxLength: 5 }))
    .map(([text, at, length, piece]) => {
      const start = at % (text.length + 1);
      return text.slice(0, start) + piece + text.slice(start + length);
    }),
);
