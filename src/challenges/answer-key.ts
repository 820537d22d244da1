import { isIPv4, isIPv6 } from 'node:net';
import type { ChallengeAnswer } from '../snapshot/snapshot.ts';

const HTTP_PATH = '/.well-known/acme-challenge/';

/** The key under which the answer for a token is found (RFC 8555 8.3). */
export function httpKey(token: string): string {
  return `http-01:${token}`;
}

/** The key under which the certificate for a server name is found (RFC 8737 3). @param serverName see {@link serverNameOf} */
export function tlsAlpnKey(serverName: string): string {
  return `tls-alpn-01:${serverName.toLowerCase()}`;
}

/** What a CA sends as server name when it validates `name`: for an address its reverse name (RFC 8738 6). */
export function serverNameOf(name: string): string {
  if (isIPv4(name)) return `${name.split('.').reverse().join('.')}.in-addr.arpa`;
  if (isIPv6(name)) return `${Array.from(hexDigits(name)).reverse().join('.')}.ip6.arpa`;
  return name.toLowerCase();
}

/** The body for a request path, or null when it is no question of a CA that is known here. */
export function httpAnswer(answers: ReadonlyMap<string, ChallengeAnswer>, path: string): string | null {
  if (!path.startsWith(HTTP_PATH)) return null;
  const answer = answers.get(httpKey(path.slice(HTTP_PATH.length)));
  return answer?.type === 'http-01' ? answer.body : null;
}

/** The 32 hexadecimal digits of an IPv6 address. */
function hexDigits(address: string): string {
  const dotted = /^(.*:)(\d+)\.(\d+)\.(\d+)\.(\d+)$/.exec(address);
  const plain =
    dotted === null
      ? address
      : `${dotted[1]}${hexPair(dotted[2], dotted[3])}:${hexPair(dotted[4], dotted[5])}`;
  const [before = '', after] = plain.split('::');
  const left = before === '' ? [] : before.split(':');
  const right = after === undefined || after === '' ? [] : after.split(':');
  const zeros = Array.from({ length: 8 - left.length - right.length }, () => '0');
  return [...left, ...zeros, ...right].map((group) => group.toLowerCase().padStart(4, '0')).join('');
}

function hexPair(high = '0', low = '0'): string {
  return (Number(high) * 256 + Number(low)).toString(16);
}
