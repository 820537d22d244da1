import { didYouMean } from '../../text/closest.ts';
import { CODES } from '../codes.ts';
import type { UpstreamConfig } from '../config.ts';
import { Fault } from '../fault.ts';
import { quote } from '../text/quote.ts';
import { parseUpstream, UNREACHABLE } from '../values/upstream.ts';
import { type ArgumentReader, NONE } from './argument.ts';
import { numberFrom } from './argument-types.ts';
import { readOptions } from './arguments.ts';
import type { Directive, DirectiveLine } from './directive.ts';
import type { RouteDraft } from './drafts.ts';
import { readUpstreamTls, TLS_OPTIONS } from './upstream-tls.ts';

/** The `upstream` directive: an address, read as Centauri reads it, and options, which Centauri does not have. */
export const upstreamDirective: Directive<RouteDraft> = {
  name: 'upstream',
  synopses: [
    'HOST[:PORT] [weight=N]',
    'https://HOST[:PORT] [weight=N] [ca=FILE] [servername=NAME] [insecure] [cert=FILE key=FILE]',
    'h2c://HOST[:PORT] [weight=N]',
    'unix:PATH [weight=N]',
  ],
  argumentTypes: [],
  repeatable: true,
  summary: 'Where the requests of this route are sent',
  documentation: `HTTP/1.1 without TLS unless a scheme stands in front: \`https://\` is TLS, \`h2c://\` is HTTP/2 without TLS, as gRPC servers speak it. The port is 80, or 443 for \`https://\`, unless it is given. The client's Host header is passed on. Of several upstreams \`balance\` says which one gets a request; one with \`weight=3\` gets three times as many as one without (1 to 1000).

Calls of gRPC go over HTTP/2 to \`h2c://\`, and to \`https://\` if the upstream chooses it; other requests to \`https://\` go over HTTP/1.1. Neither the timeout for the response nor that for a silent body counts for them: the deadline of the client does. WebSocket reaches an \`h2c://\` upstream only if that offers it (RFC 8441); otherwise the answer is 502.

The certificate of an \`https://\` upstream is verified: by the roots of the system (as they were when the workers started) and those that come with Node, for the host that is written here. \`ca=FILE\` names the roots to trust instead, in PEM; \`servername=NAME\` another name to ask for and to verify. \`insecure\` believes whoever answers, and draws a warning. \`cert=FILE\` (with its chain) and \`key=FILE\` are shown to an upstream that asks for a certificate of the client. The files are read when the configuration is, by the control process: send SIGHUP after changing one.

Where there are several, an upstream that cannot be connected to is left alone, for 1 s at first and then twice as long each time, at most 30 s; after that one request tries it. One that takes a request and says nothing until its time for a response is over is left alone for as long as that, then twice as long, at most 30 s, unless it has answered others meanwhile. Should all be away, the one that failed longest ago is asked. A request that was certainly not processed goes on to another upstream: when no connection could be made and nothing of its body has been sent, or when it has no body, may be repeated (GET, HEAD, OPTIONS, TRACE, PUT, DELETE) and the connection ended before an answer began. Each upstream is asked once, and none any more after 10 s.`,
  default: null,
  examples: [
    'upstream localhost:8080',
    'upstream [2001:db8::5]:8080 weight=2',
    'upstream https://app.internal',
    'upstream https://10.0.0.7:8443 ca=/etc/rigil/corp-root.pem servername=app.internal',
    'upstream h2c://localhost:50051',
    'upstream unix:/run/app.sock',
  ],
  read: readUpstream,
};

const OPTIONS = ['weight', ...TLS_OPTIONS];

const weight = numberFrom('N', 1, 1_000);

function readUpstream({ input, text, baseDir }: DirectiveLine, draft: RouteDraft): boolean {
  draft.hasUpstream = true;
  const at = input.peek() ?? input.directive;
  const written = takeAddress(input, text);
  const address = parseUpstream(written, baseDir);
  if (address instanceof Fault) {
    const subject = written === '' ? 'an upstream is empty;' : quote(written);
    input.report(at, address.code, `${subject} ${address.message}`, address.hint);
    if (CODES[address.code].severity === 'warning') draft.upstreams.push(UNREACHABLE);
    return true;
  }
  const upstream = readUpstreamOptions(input, address);
  if (upstream !== null) draft.upstreams.push(upstream);
  return true;
}

/** Takes the words before the first option. Without any, what is there is the address, with all that is in it. */
function takeAddress(input: ArgumentReader, text: string): string {
  const first = input.peek();
  let last = input.take();
  for (let word = input.peek(); word !== undefined; word = input.peek()) {
    const [key = ''] = word.text.toLowerCase().split('=', 1);
    const isPlain = !/^(https|h2c):/i.test(first?.text ?? '');
    const isOption = OPTIONS.includes(key) || (!isPlain && /^[a-z-]+=/i.test(word.text));
    if (isOption && first !== undefined && last !== undefined) return text.slice(0, last.end - first.start);
    last = input.take();
  }
  return text;
}

/** The address with what its options say, or null after saying what is wrong with them. */
function readUpstreamOptions(input: ArgumentReader, address: UpstreamConfig): UpstreamConfig | null {
  const options = new Map(
    readOptions(input, ['insecure']).map((option) => [option.key.toLowerCase(), option]),
  );
  let upstream: UpstreamConfig | null = address;
  for (const [key, { word }] of options) {
    const known = OPTIONS.includes(key);
    if (known && (key === 'weight' || address.scheme === 'https')) continue;
    const message = known ? `${key} is for https:// upstreams only` : `there is no option ${quote(key)}`;
    const hint = () => (known ? 'write https:// in front of the host' : didYouMean(key, OPTIONS));
    input.report(word, 'unknown-option', message, hint);
    upstream = null;
  }
  if (upstream === null) return null;
  const share = options.get('weight');
  if (share !== undefined) {
    const value = input.parse(share.word, share.value, weight);
    if (value === NONE) return null;
    upstream = { ...upstream, weight: value };
  }
  if (address.scheme !== 'https') return upstream;
  const tls = readUpstreamTls(input, options);
  if (tls === NONE) return null;
  return tls === null ? upstream : { ...upstream, tls };
}
