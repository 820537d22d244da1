import type { IssuerConfig } from '../config.ts';
import {
  directoryUrl,
  duration,
  email,
  hmacKey,
  listenAddress,
  path,
  rate,
  resolver,
  socketPath,
  text,
} from './argument-types.ts';
import { many, one, oneOf, options, phrase } from './arguments.ts';
import { type Directive, grammarFor } from './directive.ts';
import { dnsChallenge } from './dns-providers.ts';
import type { IssuerDraft } from './drafts.ts';

const { directive, form, keyword } = grammarFor<IssuerDraft>();

/** Whether `directive` means something for an issuer of this type. */
export function suitsType(directive: string, type: IssuerConfig['type']): boolean {
  switch (type) {
    case 'internal':
      return INTERNAL_DIRECTIVES.has(directive);
    case 'tailscale':
      return TAILSCALE_DIRECTIVES.has(directive);
    case 'acme':
      return !NOT_ACME_DIRECTIVES.has(directive);
    default:
      return type satisfies never;
  }
}

const INTERNAL_DIRECTIVES: ReadonlySet<string> = new Set(['type', 'key-type', 'ocsp']);
const TAILSCALE_DIRECTIVES: ReadonlySet<string> = new Set(['type', 'socket', 'timeout']);
const NOT_ACME_DIRECTIVES: ReadonlySet<string> = new Set(['ocsp', 'socket']);

/** The directives of an `issuer` section, in the order of the documentation. */
export const issuerDirectives: readonly Directive<IssuerDraft>[] = [
  directive({
    name: 'type',
    forms: [
      form([one(oneOf('acme', 'internal', 'tailscale'))], (draft, [type]) => {
        draft.type = type;
      }),
    ],
    summary: 'What kind of issuer this is',
    documentation:
      '`acme` is a certificate authority that speaks ACME (RFC 8555). `internal` is a local CA: its root is made on first use and kept in the store, its certificates live for 7 days. `tailscale` is the Tailscale daemon of this machine, which obtains a certificate for the name that the machine has in its tailnet, `NAME.TAILNET.ts.net`: one name in a certificate, and HTTPS has to be turned on for the tailnet. It is used for names below `ts.net`, and for routes that name it with `provider`. Its certificates are renewed before they expire like all others.',
    default: 'acme; internal for the issuer named internal',
    examples: ['type internal', 'type tailscale'],
  }),
  directive({
    name: 'directory',
    forms: [
      form([one(directoryUrl)], (draft, [url]) => {
        draft.directory = url;
      }),
    ],
    summary: 'The ACME directory of the CA',
    documentation: 'Try a new setup with the staging directory first: its limits are wide.',
    default: 'https://acme-v02.api.letsencrypt.org/directory',
    examples: ['directory https://acme-staging-v02.api.letsencrypt.org/directory'],
  }),
  directive({
    name: 'email',
    forms: [
      form([one(email)], (draft, [address]) => {
        draft.email = address;
      }),
    ],
    summary: 'The contact of the account',
    documentation: 'The CA may write to it. Some CAs require one.',
    default: 'none',
    examples: ['email admin@example.com'],
  }),
  directive({
    name: 'eab',
    forms: [
      form([one(text('KID')), one(hmacKey)], (draft, [keyId, hmac]) => {
        draft.eab = { keyId, hmac };
      }),
    ],
    summary: 'Binds the ACME account to an account at the CA',
    documentation:
      'External account binding (RFC 8555 7.3.4). The CA gives a key identifier and a key. Keep the key out of the file with a variable.',
    default: 'none',
    examples: [`eab kid-1234 \${ZEROSSL_HMAC}`],
  }),
  directive({
    name: 'profile',
    forms: [
      form([one(text('NAME'))], (draft, [profile]) => {
        draft.profile = profile;
      }),
    ],
    summary: 'The certificate profile to ask the CA for',
    documentation:
      "The CA's directory names its profiles; Let's Encrypt has `classic`, `tlsserver` and `shortlived`, and issues certificates for IP addresses only with `shortlived`.",
    default: 'what the CA chooses',
    examples: ['profile shortlived'],
  }),
  directive({
    name: 'preferred-chain',
    forms: [
      form([phrase(text('CN'))], (draft, [commonName]) => {
        draft.preferredChain = commonName;
      }),
    ],
    summary: 'The root that the chain should end at, by its common name',
    documentation:
      'Of the chains that the CA offers, the one whose topmost certificate is issued by it is taken.',
    default: 'the first chain that the CA offers',
    examples: ['preferred-chain ISRG Root X1'],
  }),
  directive({
    name: 'must-staple',
    forms: [
      form([], (draft) => {
        draft.mustStaple = true;
      }),
    ],
    summary: 'Asks for certificates that are only good with an OCSP staple',
    documentation:
      'Sets the TLS feature extension (RFC 7633). Only for CAs that still answer OCSP: some clients refuse such a certificate when no staple comes with it, so the one before it is shown until its first staple is there.',
    default: null,
    examples: ['must-staple'],
  }),
  directive({
    name: 'challenge',
    repeatable: true,
    forms: [
      keyword('http-01', [], (draft) => draft.challenges.push({ type: 'http-01' })),
      keyword('tls-alpn-01', [], (draft) => draft.challenges.push({ type: 'tls-alpn-01' })),
      keyword('dns-01', [dnsChallenge], (draft, [challenge]) => draft.challenges.push(challenge)),
      keyword('dns-persist-01', [], (draft) => draft.challenges.push({ type: 'dns-persist-01' })),
    ],
    summary: 'How control over a name is proved to the CA',
    documentation:
      'Each line adds a way; the first one that suits the name and that the CA offers is taken. `http-01` is answered on the plain listeners (the CA connects to port 80), `tls-alpn-01` on the TLS listeners (port 443). Wildcards need `dns-01`, for which rigil writes a TXT record through a DNS provider, or `dns-persist-01`, for which you write one TXT record once.\n\nThe providers and their options are listed under DNS PROVIDERS.',
    default: 'http-01, then tls-alpn-01',
    examples: [
      'challenge tls-alpn-01',
      `challenge dns-01 cloudflare token=\${CLOUDFLARE_TOKEN}`,
      'challenge dns-01 exec path=/usr/local/bin/dns-hook',
    ],
  }),
  directive({
    name: 'key-type',
    forms: [
      form([one(oneOf('p256', 'p384', 'rsa2048', 'rsa4096'))], (draft, [type]) => {
        draft.keyType = type;
      }),
    ],
    summary: 'The kind of key of new certificates',
    documentation:
      'Every certificate has a new key. P-256 is understood everywhere and costs the least; RSA is for very old clients.',
    default: 'p256',
    examples: ['key-type p384'],
  }),
  directive({
    name: 'ca-root',
    forms: [
      form([one({ ...path, placeholder: 'FILE' })], (draft, [file]) => {
        draft.caRoot = file;
      }),
    ],
    summary: 'Root certificates to trust when talking to the directory, in PEM',
    documentation: 'For a CA of your own whose https certificate no public root vouches for.',
    default: 'the roots that come with the program',
    examples: ['ca-root /etc/rigil/corp-root.pem'],
  }),
  directive({
    name: 'resolvers',
    forms: [
      form([many(resolver)], (draft, [servers]) => {
        draft.resolvers = servers.map(({ value }) => value);
      }),
    ],
    summary: 'DNS servers to look at before a dns-01 challenge is answered',
    documentation:
      'They are asked where the zone of a name begins and who serves it. Useful where the resolvers of the machine show an inside view.',
    default: "the machine's",
    examples: ['resolvers 9.9.9.9 149.112.112.112:53'],
  }),
  directive({
    name: 'propagation',
    forms: [
      form(
        [one(oneOf('check', 'skip')), options({ delay: duration(0), timeout: duration(1000) })],
        (draft, [mode, { delay, timeout }]) => {
          draft.propagation = {
            mode,
            ...(delay === undefined ? {} : { delayMs: delay }),
            ...(timeout === undefined ? {} : { timeoutMs: timeout }),
          };
        },
      ),
    ],
    summary: 'Whether a dns-01 record is looked for before the CA is asked to look',
    documentation:
      '`check` asks every server of the zone until all have the record, at most for `timeout`. `skip` asks none and waits for `delay` instead: for machines that cannot reach the servers.',
    default: 'check delay=10s timeout=2m',
    examples: ['propagation check timeout=5m', 'propagation skip delay=30s'],
  }),
  directive({
    name: 'request-rate',
    forms: [
      form([one(rate)], (draft, [requests]) => {
        draft.requestRate = requests;
      }),
    ],
    summary: 'The most requests that are sent to the CA',
    documentation: '',
    default: '18/s',
    examples: ['request-rate 5/s'],
  }),
  directive({
    name: 'obtain-interval',
    forms: [
      form([one(duration(0))], (draft, [ms]) => {
        draft.obtainIntervalMs = ms;
      }),
    ],
    summary: 'The shortest time between the starts of two issuances',
    documentation: 'Spreads a burst of new certificates, for CAs with narrow limits. `0` means no waiting.',
    default: '0',
    examples: ['obtain-interval 30s'],
  }),
  directive({
    name: 'timeout',
    forms: [
      form([one(duration(1000))], (draft, [ms]) => {
        draft.timeoutMs = ms;
      }),
    ],
    summary: 'The longest time that one issuance may take',
    documentation: 'After it the attempt is given up and tried again later.',
    default: '10m',
    examples: ['timeout 5m'],
  }),
  directive({
    name: 'ocsp',
    forms: [
      form([one(listenAddress)], (draft, [address], at) => {
        draft.ocsp = { value: address, at };
      }),
    ],
    summary: 'Where the local CA answers OCSP requests',
    documentation:
      'Only for type `internal`. A plain HTTP listener. Certificates that are issued from then on name it as their responder, are stapled, and can be revoked with `rigil certs revoke`; their chain ends with the root, where some clients look for it. An address without a host, such as `:9181`, is called by the name of this machine.',
    default: 'none: the local CA has no responder',
    examples: ['ocsp 127.0.0.1:9181'],
  }),
  directive({
    name: 'socket',
    forms: [
      form([one(socketPath)], (draft, [socket]) => {
        draft.socket = socket;
      }),
    ],
    summary: 'Where the Tailscale daemon that obtains certificates listens',
    documentation:
      'Only for type `tailscale`. The user that runs rigil has to be root, or the one that `TS_PERMIT_CERT_UID=USER` names in the environment of the Tailscale daemon (/etc/default/tailscaled).',
    default: 'that of the global directive `tailscale`, else /var/run/tailscale/tailscaled.sock',
    examples: ['socket /run/tailscale/tailscaled.sock'],
  }),
];
