import type { MessageFault } from '../../../../src/proxy/codec/http2/message-faults.ts';

export type Fields = readonly (readonly [name: string, value: string])[];

/** A valid GET with these fields behind. */
export function get(...fields: Fields): Fields {
  return [[':method', 'GET'], [':scheme', 'https'], [':path', '/'], [':authority', 'a.example'], ...fields];
}

/** A valid GET with one pseudo-field changed, or left out if null. */
function but(name: string, value: string | null): Fields {
  return get().flatMap(([key, old]) =>
    key !== name ? [[key, old] as const] : value === null ? [] : [[key, value] as const],
  );
}

function connect(...fields: Fields): Fields {
  return [[':method', 'CONNECT'], ...fields];
}

/** Malformed requests (RFC 9113 8.1.1), with the status of the answer; 0 = a stream error. */
export const REFUSED: readonly (readonly [
  name: string,
  fields: Fields,
  fault: MessageFault,
  status: number,
])[] = [
  ['a name in capitals', get(['X-A', 'b']), 'field-name-invalid', 0],
  ['one capital', get(['x-A', 'b']), 'field-name-invalid', 0],
  ['an empty name', get(['', 'b']), 'field-name-invalid', 0],
  ['a colon and nothing else', get([':', 'b']), 'field-name-invalid', 0],
  ['a colon inside a name', get(['x:a', 'b']), 'field-name-invalid', 0],
  ['two colons', get(['::method', 'b']), 'field-name-invalid', 0],
  ['a space in a name', get(['x a', 'b']), 'field-name-invalid', 0],
  ['CRLF in a name', get(['x\r\ny', 'b']), 'field-name-invalid', 0],
  ['NUL in a name', get(['x\0', 'b']), 'field-name-invalid', 0],
  ['a name beyond ASCII', get(['x\xe9', 'b']), 'field-name-invalid', 0],
  ['a request line as a name', get(['x: y\r\n\r\nget / http/1.1', 'b']), 'field-name-invalid', 0],
  ['CRLF in a value', get(['x', 'a\r\nb: c']), 'field-value-invalid', 0],
  ['CR in a value', get(['x', 'a\rb']), 'field-value-invalid', 0],
  ['LF in a value', get(['x', 'a\nb']), 'field-value-invalid', 0],
  ['NUL in a value', get(['x', 'a\0b']), 'field-value-invalid', 0],
  ['ESC in a value', get(['x', 'a\x1b']), 'field-value-invalid', 0],
  ['DEL in a value', get(['x', '\x7f']), 'field-value-invalid', 0],
  ['a space before a value', get(['x', ' a']), 'field-value-invalid', 0],
  ['a space after a value', get(['x', 'a ']), 'field-value-invalid', 0],
  ['a tab before a value', get(['x', '\ta']), 'field-value-invalid', 0],
  ['only a tab', get(['x', '\t']), 'field-value-invalid', 0],
  ['CRLF in the method', but(':method', 'GET / HTTP/1.1\r\nx: y'), 'field-value-invalid', 0],
  ['CRLF in the path', but(':path', '/ HTTP/1.1\r\nx: y'), 'field-value-invalid', 0],
  ['CRLF in the authority', but(':authority', 'a\r\nx: y'), 'field-value-invalid', 0],

  ['an unknown pseudo-field', get([':version', '1']), 'pseudo-field-unknown', 0],
  ['a pseudo-field that looks like a field', get([':host', 'a']), 'pseudo-field-unknown', 0],
  ['a pseudo-field of responses', [...get(), [':status', '200']], 'pseudo-field-unexpected', 0],
  [
    'a pseudo-field after a field',
    [
      [':method', 'GET'],
      ['x', 'y'],
      [':scheme', 'https'],
      [':path', '/'],
    ],
    'pseudo-field-late',
    0,
  ],
  [
    'the authority last',
    [...but(':authority', null), ['x', 'y'], [':authority', 'a']],
    'pseudo-field-late',
    0,
  ],
  ['two methods', [[':method', 'GET'], ...get()], 'pseudo-field-repeated', 0],
  ['two paths', [[':path', '/a'], ...get()], 'pseudo-field-repeated', 0],
  ['two schemes', [[':scheme', 'https'], ...get()], 'pseudo-field-repeated', 0],
  ['the same authority twice', [[':authority', 'a.example'], ...get()], 'pseudo-field-repeated', 0],
  ['no method', but(':method', null), 'pseudo-field-missing', 0],
  ['no path', but(':path', null), 'pseudo-field-missing', 0],
  ['no scheme', but(':scheme', null), 'pseudo-field-missing', 0],
  ['nothing', [], 'pseudo-field-missing', 0],

  ['Connection', get(['connection', 'close']), 'connection-field', 0],
  ['Keep-Alive', get(['keep-alive', 'timeout=5']), 'connection-field', 0],
  ['Proxy-Connection', get(['proxy-connection', 'close']), 'connection-field', 0],
  ['Transfer-Encoding', get(['transfer-encoding', 'chunked']), 'connection-field', 0],
  ['Upgrade', get(['upgrade', 'websocket']), 'connection-field', 0],
  ['TE with more than trailers', get(['te', 'trailers, gzip']), 'te-invalid', 0],
  ['TE without trailers', get(['te', 'gzip']), 'te-invalid', 0],
  ['an empty TE', get(['te', '']), 'te-invalid', 0],
  ['an unknown expectation', get(['expect', 'x']), 'expectation-unknown', 417],

  ['an empty method', but(':method', ''), 'method-invalid', 0],
  ['a method of two words', but(':method', 'GET /'), 'method-invalid', 0],
  ['a method in lower case', but(':method', 'get'), 'method-invalid', 0],
  ['a method of 33 letters', but(':method', 'A'.repeat(33)), 'method-invalid', 0],
  ['a method beyond ASCII', but(':method', 'G\xc9T'), 'method-invalid', 0],

  ['another scheme', but(':scheme', 'ftp'), 'scheme-invalid', 0],
  ['an empty scheme', but(':scheme', ''), 'scheme-invalid', 0],
  ['a scheme with a colon', but(':scheme', 'https:'), 'scheme-invalid', 0],
  ['a scheme that is a head', but(':scheme', 'http://b.example/?'), 'scheme-invalid', 0],

  ['an empty path', but(':path', ''), 'path-invalid', 0],
  ['a path without slash', but(':path', 'a'), 'path-invalid', 0],
  ['a URI as path', but(':path', 'http://b.example/'), 'path-invalid', 0],
  ['* with GET', but(':path', '*'), 'path-invalid', 0],
  ['a fragment', but(':path', '/#a'), 'path-invalid', 0],
  ['a space in the path', but(':path', '/a b'), 'path-invalid', 0],
  ['a version in the path', but(':path', '/ HTTP/1.1'), 'path-invalid', 0],
  ['a backslash in the path', but(':path', '/\\a'), 'path-invalid', 0],
  ['UTF-8 in the path', but(':path', '/\xc3\xa9'), 'path-invalid', 0],
  ['a tab in the path', but(':path', '/a\tb'), 'path-invalid', 0],
  ['a path of 8193 bytes', but(':path', `/${'a'.repeat(8_192)}`), 'target-too-long', 414],

  ['neither authority nor Host', but(':authority', null), 'authority-missing', 400],
  ['an empty authority', but(':authority', ''), 'authority-invalid', 400],
  [
    'an empty authority beside Host',
    [...but(':authority', ''), ['host', 'a.example']],
    'authority-invalid',
    400,
  ],
  ['user information', but(':authority', 'u@a.example'), 'authority-invalid', 400],
  ['a path in the authority', but(':authority', 'a.example/'), 'authority-invalid', 400],
  ['a list of authorities', but(':authority', 'a,b'), 'authority-invalid', 400],
  ['a port that is none', but(':authority', 'a:b'), 'authority-invalid', 400],
  ['an empty port', but(':authority', 'a:'), 'authority-invalid', 400],
  [
    'an invalid Host and nothing else',
    [...but(':authority', null), ['host', 'a b']],
    'authority-invalid',
    400,
  ],
  ['Host elsewhere', get(['host', 'b.example']), 'host-mismatch', 400],
  ['Host with a port that the authority has not', get(['host', 'a.example:443']), 'host-mismatch', 400],
  ['an empty Host', get(['host', '']), 'host-mismatch', 400],
  ['Host twice', get(['host', 'a.example'], ['host', 'a.example']), 'host-repeated', 400],

  ['a length that is none', get(['content-length', 'x']), 'content-length-invalid', 0],
  ['a list of lengths', get(['content-length', '0, 0']), 'content-length-invalid', 0],
  ['a signed length', get(['content-length', '+0']), 'content-length-invalid', 0],
  ['two lengths', get(['content-length', '0'], ['content-length', '0']), 'content-length-repeated', 0],
  ['a length without a body', get(['content-length', '3']), 'content-length-mismatch', 0],

  ['CONNECT without authority', connect(), 'authority-missing', 400],
  ['CONNECT with Host only', connect(['host', 'a:443']), 'authority-missing', 400],
  ['CONNECT without port', connect([':authority', 'a.example']), 'authority-invalid', 400],
  ['CONNECT with a path', connect([':authority', 'a:443'], [':path', '/']), 'pseudo-field-unexpected', 0],
  [
    'CONNECT with a scheme',
    connect([':authority', 'a:443'], [':scheme', 'https']),
    'pseudo-field-unexpected',
    0,
  ],
  [
    'CONNECT with a length',
    connect([':authority', 'a:443'], ['content-length', '0']),
    'content-length-mismatch',
    0,
  ],
  [
    'a protocol without CONNECT',
    get().toSpliced(1, 0, [':protocol', 'websocket']),
    'connect-protocol-unexpected',
    0,
  ],
  [
    'extended CONNECT without a path',
    connect([':protocol', 'websocket'], [':scheme', 'https'], [':authority', 'a']),
    'pseudo-field-missing',
    0,
  ],
  [
    'extended CONNECT without authority',
    connect([':protocol', 'websocket'], [':scheme', 'https'], [':path', '/']),
    'authority-missing',
    400,
  ],
];

/** What a request must be read as. The stream ends with its head. */
export const ACCEPTED: readonly { readonly name: string; readonly fields: Fields; readonly reads: object }[] =
  [
    {
      name: 'the least',
      fields: get(),
      reads: {
        method: 'GET',
        scheme: 'https',
        path: '/',
        authority: 'a.example',
        host: 'a.example',
        protocol: null,
        contentLength: -1,
        expectContinue: false,
        cookies: 0,
      },
    },
    {
      name: 'pseudo-fields in any order',
      fields: get().toReversed(),
      reads: { method: 'GET', path: '/', host: 'a.example' },
    },
    {
      name: 'Host instead of the authority',
      fields: [...but(':authority', null), ['host', 'A.example:80']],
      reads: { authority: 'A.example:80', host: 'a.example' },
    },
    {
      name: 'the same Host beside the authority',
      fields: get(['host', 'A.EXAMPLE']),
      reads: { authority: 'a.example' },
    },
    {
      name: 'a port',
      fields: but(':authority', '[::1]:8443'),
      reads: { authority: '[::1]:8443', host: '[::1]' },
    },
    { name: 'plain HTTP', fields: but(':scheme', 'http'), reads: { scheme: 'http' } },
    {
      name: 'OPTIONS *',
      fields: [
        [':method', 'OPTIONS'],
        [':scheme', 'https'],
        [':path', '*'],
        [':authority', 'a'],
      ],
      reads: { method: 'OPTIONS', path: '*' },
    },
    { name: 'a method of our own', fields: but(':method', 'M-SEARCH'), reads: { method: 'M-SEARCH' } },
    {
      name: 'what browsers leave as it is',
      fields: but(':path', '/a|{b}^[c]?d|"\\'),
      reads: { path: '/a|{b}^[c]?d|"\\' },
    },
    { name: 'a path of 8192 bytes', fields: but(':path', `/${'a'.repeat(8_191)}`), reads: { method: 'GET' } },
    { name: 'TE: trailers', fields: get(['te', 'trailers']), reads: { method: 'GET' } },
    { name: 'Expect', fields: get(['expect', '100-continue']), reads: { expectContinue: true } },
    { name: 'a length of nothing', fields: get(['content-length', '0']), reads: { contentLength: 0 } },
    {
      name: 'crumbs of a cookie',
      fields: get(['cookie', 'a=b'], ['x', 'y'], ['cookie', 'c=d']),
      reads: { cookies: 2 },
    },
    {
      name: 'empty values, tabs inside and bytes beyond ASCII',
      fields: get(['x', ''], ['y', 'a\tb'], ['z', '\xc3\xa9']),
      reads: { method: 'GET' },
    },
    {
      name: 'CONNECT',
      fields: connect([':authority', 'a.example:443']),
      reads: { method: 'CONNECT', path: '', authority: 'a.example:443', protocol: null },
    },
    {
      name: 'extended CONNECT',
      fields: connect(
        [':protocol', 'websocket'],
        [':scheme', 'https'],
        [':path', '/chat'],
        [':authority', 'a.example'],
      ),
      reads: { method: 'CONNECT', protocol: 'websocket', path: '/chat', host: 'a.example' },
    },
  ];

export const REFUSED_RESPONSES: readonly (readonly [name: string, fields: Fields, fault: MessageFault])[] = [
  ['no status', [['x', 'y']], 'pseudo-field-missing'],
  [
    'two statuses',
    [
      [':status', '200'],
      [':status', '200'],
    ],
    'pseudo-field-repeated',
  ],
  [
    'the status after a field',
    [
      ['x', 'y'],
      [':status', '200'],
    ],
    'pseudo-field-late',
  ],
  ['a status of two digits', [[':status', '20']], 'status-invalid'],
  ['a status of four digits', [[':status', '2000']], 'status-invalid'],
  ['a status of letters', [[':status', '2xx']], 'status-invalid'],
  ['a status below 100', [[':status', '099']], 'status-invalid'],
  ['101, which HTTP/2 does not have', [[':status', '101']], 'status-invalid'],
  [
    'a pseudo-field of requests',
    [
      [':status', '200'],
      [':path', '/'],
    ],
    'pseudo-field-unexpected',
  ],
  [
    'Connection',
    [
      [':status', '200'],
      ['connection', 'close'],
    ],
    'connection-field',
  ],
  [
    'a name in capitals',
    [
      [':status', '200'],
      ['Server', 'x'],
    ],
    'field-name-invalid',
  ],
  [
    'CRLF in a value',
    [
      [':status', '200'],
      ['server', 'x\r\ny: z'],
    ],
    'field-value-invalid',
  ],
  [
    'two lengths',
    [
      [':status', '200'],
      ['content-length', '1'],
      ['content-length', '1'],
    ],
    'content-length-repeated',
  ],
  [
    'a length that is none',
    [
      [':status', '200'],
      ['content-length', '-1'],
    ],
    'content-length-invalid',
  ],
];

export const REFUSED_TRAILERS: readonly (readonly [name: string, fields: Fields, fault: MessageFault])[] = [
  ['a pseudo-field', [[':status', '200']], 'pseudo-field-unexpected'],
  ['an unknown pseudo-field', [[':x', '1']], 'pseudo-field-unknown'],
  ['a name in capitals', [['X', 'y']], 'field-name-invalid'],
  ['CRLF in a value', [['x', 'y\r\n']], 'field-value-invalid'],
  ['Transfer-Encoding', [['transfer-encoding', 'chunked']], 'connection-field'],
  ['Content-Length', [['content-length', '1']], 'trailer-forbidden'],
  ['Host', [['host', 'a']], 'trailer-forbidden'],
  [
    'Authorization',
    [
      ['x', 'y'],
      ['authorization', 'z'],
    ],
    'trailer-forbidden',
  ],
  ['X-Forwarded-For', [['x-forwarded-for', '::1']], 'trailer-forbidden'],
];
