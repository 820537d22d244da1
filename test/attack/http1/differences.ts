import type { PeerName } from './peer-proxies.ts';

/** Cases in which we stop earlier than nginx or HAProxy do, by the beginnings of their names. */
export const STRICTER: readonly { readonly why: string; readonly names: RegExp }[] = [
  {
    why: 'RFC 9112 6.3 lets a proxy go on by the coding alone. Whoever sends a length with it is mistaken, or attacks.',
    names: /^(CL\.TE|TE\.CL): |^pairs in one packet: one that is fine before one that is not/,
  },
  {
    why: 'a repeated length or Host that says the same twice is read by some as two, and nobody needs it',
    names: /: (two|three|the same .*|a list.*)( alike| twice)?$|: two, one folded$/,
  },
  {
    why: 'zeros in front of a length are octal to some',
    names: /: (zeros in front|two zeros)$/,
  },
  {
    why: 'what Connection names is dropped by whoever obeys it: then the message has no Host or no end',
    names: /Connection (takes away|names|with|in quotes|that)|^what Connection takes away: /,
  },
  {
    why: 'RFC 9112 2.2 allows a bare LF to be a line end; where one reader does and the next does not, a field hides',
    names:
      /bare line feed|bare LF|: a head that ends|line feeds? |a line feed first|empty lines|two CRs|bare CR first/,
  },
  {
    why: 'RFC 9112 5.2 lets a fold be undone; who does not undo it reads another field',
    names: /fold|: a line of one (space|tab)$|white space before|: a space first/,
  },
  {
    why: 'a line that is no field is dropped there and hides here what comes behind it',
    names:
      /: (a name (cut in two|in (quotes|brackets)|beyond ASCII)|no colon|no-break space in a name|the long s of Unicode|a byte beyond ASCII in the name|a (comma|slash|semicolon) in a name)$/,
  },
  {
    why: 'control characters have no place in a value (RFC 9110 5.5), and NUL ends a string in C',
    names:
      /: (NUL|DEL|ESC|backspace|a form feed|a vertical tab) (in|between) (a value|a trailer|the target|words)/,
  },
  {
    why: 'a request line has single spaces, and one of the two versions there are (RFC 9112 3)',
    names: /: (two spaces|a space|a tab|a method|head in lower case|HTTP\/|no version|version)/,
  },
  {
    why: 'a target is visible ASCII without fragment, of the form that its method has; in the path a backslash is a slash to some',
    names:
      /: (a fragment|an empty fragment|a backslash|UTF-8 in the target|latin1 in the query|\* |\*\?|asterisk|another scheme|a (file|scheme|WebSocket)|http (and|without)|user and password|CONNECT)|: absolute, (a fragment|another scheme|no host)/,
  },
  {
    why: 'Host is one host with a port at most, and the same as in the target: who is asked must not be a matter of opinion',
    names:
      /^Host: |^head: .*(Host|host|port|IPv6|bracket|quotes around)|: absolute, (for another|no Host)|: two ports$/,
  },
  {
    why: 'an expectation that is not known cannot be met (RFC 9110 10.1.1)',
    names: /expectation|^expectations: /,
  },
  {
    why: 'nginx and HAProxy drop chunk lines and trailers after a short look; what hides there is read in other ways by other upstreams (TERM.EXT, EXT.TERM)',
    names: /^chunks|^chunk sizes/,
  },
  {
    why: 'HAProxy 2.6 counts lengths modulo 2^64, so that 2^64 + 1 is a body of one byte to it',
    names: /: 2\^6[34]/,
  },
  { why: 'chunks are no part of HTTP/1.0 (RFC 9112 6.1)', names: /^HTTP\/1\.0: has no chunks/ },
  {
    why: 'limits of our own',
    names: /^limits: |101 fields|16385 bytes|33 letters|8193 bytes|9000 bytes|question marks|256 bytes/,
  },
  {
    why: 'what is sent behind a request to switch may be the other protocol already',
    names: /^upgrades and what is sent behind them: /,
  },
];

/** Cases in which we pass on what a peer does not, or as something else. Each is looked at, and harmless. */
export const LOOSER: readonly {
  readonly peer: PeerName;
  readonly why: string;
  readonly names: readonly string[];
}[] = [
  {
    peer: 'nginx',
    why: 'nginx refuses tabs around these values; RFC 9110 5.6.3 allows them, and the line that goes on is our own',
    names: [
      'TE.TE: a coding that one of two does not see: other letters',
      'Content-Length: repeated, in lists, in other numbers: white space around',
    ],
  },
  {
    peer: 'nginx',
    why: 'nginx does not do TRACE; what an upstream does with it is its own affair, and its body is framed',
    names: [
      'CL.0 and 0.CL: a body where one of two expects none: TRACE with a length',
      'CL.0 and 0.CL: a body where one of two expects none: TRACE with chunks',
    ],
  },
  {
    peer: 'nginx',
    why: 'nginx decodes paths, which it needs for files, and refuses NUL and dots above the root; we pass on what came',
    names: [
      'line ends and what hides behind them: escapes stay escapes',
      'targets in the absolute and the authority form: dots are for the upstream',
    ],
  },
  {
    peer: 'nginx',
    why: 'nginx is told to send the Host field, we send what the target names (RFC 9112 3.2.2): the same place',
    names: [
      'targets in the absolute and the authority form: absolute, with the port that goes without saying',
    ],
  },
  {
    peer: 'nginx',
    why: 'nginx refuses OPTIONS *; we answer it, it goes no further, and the next request is the same',
    names: [
      'targets in the absolute and the authority form: OPTIONS * is about rigil and goes no further',
      'targets in the absolute and the authority form: OPTIONS * with a body: that is read, and goes no further',
    ],
  },
  {
    peer: 'haproxy',
    why: 'HAProxy passes OPTIONS * on; we answer it, and the next request is the same',
    names: [
      'targets in the absolute and the authority form: OPTIONS * is about rigil and goes no further',
      'targets in the absolute and the authority form: OPTIONS * with a body: that is read, and goes no further',
    ],
  },
  {
    peer: 'haproxy',
    why: 'HAProxy leaves the absolute form to the upstream; we make the origin form of it, for the same host and path',
    names: [
      'targets in the absolute and the authority form: absolute, alike',
      'targets in the absolute and the authority form: absolute, with the port that goes without saying',
      'targets in the absolute and the authority form: absolute, another scheme',
      'targets in the absolute and the authority form: absolute, without path',
      'targets in the absolute and the authority form: absolute, letters in another case',
    ],
  },
  {
    peer: 'haproxy',
    why: 'HAProxy refuses an absolute target without path but with a query, which RFC 3986 3.3 allows',
    names: ['targets in the absolute and the authority form: absolute, a query only'],
  },
  {
    peer: 'haproxy',
    why: 'HAProxy refuses a WebSocket without key; the upstream does so behind us',
    names: [
      'HTTP/1.0: upgrades to nothing',
      'upgrades and what is sent behind them: an upstream that does not switch: what follows is not read',
      'upgrades and what is sent behind them: h2c in a list',
    ],
  },
  ...(['nginx', 'haproxy'] as const).map((peer) => ({
    peer,
    why: 'these have one upstream for every host; what we send to ours is the same',
    names: [
      'pairs in one packet: one for a host that no route has, and one for one that has',
      'pairs in one packet: the body of one for a host that no route has is read, and goes nowhere',
    ],
  })),
];
