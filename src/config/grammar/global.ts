import { TAILSCALE_SOCKET } from '../defaults.ts';
import {
  cidr,
  domain,
  issuerName,
  listenAddress,
  numberOrAuto,
  password,
  path,
  redisUrl,
  sealSource,
  socketPath,
  tcpUrl,
  text,
} from './argument-types.ts';
import { any, many, one, oneOf, optional, options } from './arguments.ts';
import { type Directive, grammarFor } from './directive.ts';
import type { GlobalDraft } from './drafts.ts';

const { directive, form, keyword } = grammarFor<GlobalDraft>();

/** The directives of the `global` section, in the order of the documentation. */
export const globalDirectives: readonly Directive<GlobalDraft>[] = [
  directive({
    name: 'http',
    forms: [
      form([many(listenAddress)], (draft, [addresses]) => {
        draft.http = addresses;
      }),
      keyword('off', [], (draft) => {
        draft.http = [];
      }),
    ],
    summary: 'Where plain HTTP is listened for',
    documentation:
      'A plain listener answers http-01 challenges first and redirects everything else to HTTPS with status 308, path and query untouched. No request is ever proxied from it.\n\nWith `off` there is none, and certificates cannot be obtained with http-01.',
    default: ':80',
    examples: ['http :80', 'http 127.0.0.1:8080 [::1]:8080', 'http off'],
  }),
  directive({
    name: 'https',
    forms: [
      form([many(listenAddress)], (draft, [addresses]) => {
        draft.https = addresses;
      }),
    ],
    summary: 'Where TLS is listened for',
    documentation:
      'HTTP/1.1 and HTTP/2, TLS 1.2 and 1.3. Ports below 1024 need a privilege: the capability CAP_NET_BIND_SERVICE, or a socket that systemd opens and passes as `fd:3`.',
    default: ':443',
    examples: ['https :443', 'https 192.0.2.1:443 [2001:db8::1]:443', 'https fd:3'],
  }),
  directive({
    name: 'admin',
    forms: [
      form([one(listenAddress), any(cidr)], (draft, [address, peers], at) => {
        draft.admin = { value: address, at };
        draft.adminPeers = peers.map(({ value }) => value);
      }),
      keyword('off', [], (draft) => {
        draft.admin = null;
      }),
    ],
    summary: 'Where the status page, health checks and metrics are served',
    documentation:
      'Serves `/` for people, `/api/status`, `/healthz` and `/metrics` (Prometheus) over plain HTTP. There is no password: it answers this machine, and whoever is in one of the blocks that follow the address; everybody else gets status 403. Requests for a host name that is not its own get that, too, so that no web page can make a browser of this machine read it (DNS rebinding); IP addresses, `localhost` and the host of ADDR are its own.',
    default: '127.0.0.1:9180',
    examples: [
      'admin 127.0.0.1:9180',
      'admin :9180 10.0.0.0/8 fd00::/8',
      'admin unix:/run/rigil/admin.sock',
      'admin off',
    ],
  }),
  directive({
    name: 'store',
    forms: [
      keyword('file', [one({ ...path, placeholder: 'DIR', description: null })], (draft, [dir]) => {
        draft.store = { kind: 'file', dir };
      }),
      keyword(
        'redis',
        [
          one(redisUrl),
          options({
            prefix: text('PREFIX'),
            seal: sealSource,
            ca: { ...path, placeholder: 'FILE', description: null },
            'sentinel-password': password,
          }),
        ],
        (
          draft,
          [url, { prefix = 'rigil', seal = null, ca = null, 'sentinel-password': sentinel = null }],
        ) => {
          draft.store = { kind: 'redis', url, prefix, seal, ca, sentinelPassword: sentinel };
        },
      ),
    ],
    summary: 'Where certificates, accounts, staples and the journal are kept',
    documentation:
      'A folder is made when it is absent, readable for its owner only.\n\n`redis` is for several machines that share certificates, accounts, staples, challenge answers and the keys of session tickets (Redis 6.2 or Valkey, and newer). Certificates serve from memory, and from an encrypted copy in the folder $CACHE_DIRECTORY, else `$XDG_CACHE_HOME/rigil`, else `~/.cache/rigil`, while Redis is away. The guide docs/fleet.md says how to run it.\n\n`prefix` begins every key in Redis as `{PREFIX}:` and is `rigil` unless it is given. `seal` names keys of 32 random bytes (`openssl rand -base64 32`) with which everything that is secret is sealed (AES-256-GCM) before it goes to Redis: the first key seals, all of them open. `ca` is a PEM file with the roots to trust for `rediss://`. In a URL, characters that mean something in URLs are written with `%` and two hex digits, but a password may hold any of them except `%`.\n\nThe default is the folder in the environment variable STATE_DIRECTORY (which systemd sets for `StateDirectory=`), else `$XDG_STATE_HOME/rigil`, else `~/.local/state/rigil`.',
    default: 'file in the state directory',
    examples: [
      'store file /var/lib/rigil',
      `store redis rediss://rigil:\${REDIS_PASSWORD}@redis.internal:6379/0 seal=env:RIGIL_SEAL_KEYS`,
      'store redis redis+sentinel://sentinel1,sentinel2,sentinel3/mymaster prefix=web',
    ],
  }),
  directive({
    name: 'workers',
    forms: [
      form([one(numberOrAuto(1, 1024))], (draft, [workers]) => {
        draft.workers = workers;
      }),
    ],
    summary: 'How many processes serve',
    documentation: '`auto` is one for each processor core.',
    default: 'auto',
    examples: ['workers auto', 'workers 4'],
  }),
  directive({
    name: 'max-connections',
    forms: [
      form([one(numberOrAuto(1, 10_000_000))], (draft, [most]) => {
        draft.maxConnections = most;
      }),
    ],
    summary: 'How many connections clients may have',
    documentation:
      'Of all workers together: each has its part, and never more than its descriptors allow (`ulimit -n`, `LimitNOFILE=` of systemd; a connection that is served takes two). With `auto` they may take a quarter of the memory, at 64 KiB each.\n\nAt the limit a connection that is only kept open for a next request is closed for each that comes. Where there is none, new connections wait for up to 10 s without anything being read of them, 256 of them in each worker; the others are closed at once. Those that were not served are counted in the metric rigil_connections_refused_total{reason="max-connections"}.',
    default: 'auto',
    examples: ['max-connections auto', 'max-connections 50000'],
  }),
  directive({
    name: 'max-connections-per-address',
    forms: [
      keyword('off', [], (draft) => {
        draft.maxConnectionsPerAddress = 'off';
      }),
      form([one(numberOrAuto(1, 10_000_000))], (draft, [most]) => {
        draft.maxConnectionsPerAddress = most;
      }),
    ],
    summary: 'How many connections one address may have in each worker',
    documentation:
      'A connection beyond it is closed at once, and counted in the metric rigil_connections_refused_total{reason="max-connections-per-address"}. Each worker counts on its own. An IPv6 client is its network of 64 bits. The addresses of `trusted-proxies` and Unix sockets have no such limit.\n\nWith `auto` it is half of what the worker may have in all, so that no single client can take every place. Remember that a whole company or mobile network may come from one address, and all clients do where there is another proxy in front: name that one in `trusted-proxies`.',
    default: 'auto',
    examples: ['max-connections-per-address 1000', 'max-connections-per-address off'],
  }),
  directive({
    name: 'log',
    forms: [
      form(
        [one(oneOf('debug', 'info', 'warn', 'error')), optional(oneOf('text', 'json'))],
        (draft, [level, format]) => {
          draft.log = { level, format: format ?? 'auto' };
        },
      ),
    ],
    summary: 'How much is logged on standard error, and in which form',
    documentation:
      'Every line is an event with a name. Without a format it is text on a terminal and JSON everywhere else.',
    default: 'info',
    examples: ['log info', 'log debug json'],
  }),
  directive({
    name: 'access-log',
    forms: [
      keyword('off', [], (draft) => {
        draft.accessLog = null;
      }),
      keyword('stdout', [optional(oneOf('json', 'common'))], (draft, [format = 'json']) => {
        draft.accessLog = { target: { kind: 'stdout' }, format };
      }),
      form(
        [one({ ...path, placeholder: 'FILE' }), optional(oneOf('json', 'common'))],
        (draft, [file, format = 'json']) => {
          draft.accessLog = { target: { kind: 'file', path: file }, format };
        },
      ),
    ],
    summary: 'Whether and where each request is logged',
    documentation:
      "Each request is one line, written when its response has ended; an upgraded connection (a WebSocket) when that has. A client that left before there was a response has status 499; what was no HTTP request has neither method nor target.\n\n`json` writes an object with time (of the request's arrival), remoteAddress (the client, as `trusted-proxies` tell it), peerAddress, method, scheme, host, target, protocol, status, complete (whether all of the response went out), bytesSent and bytesReceived (of bodies), durationMs, route, upstream, upstreamMs (to the head of its response), userAgent and referer. What there is none of is null. `common` is the Common Log Format that log analysers know, in UTC.\n\nCredentials and cookies are never written, nor user names in URLs. Query parameters are: where they carry secrets, the log does. Bytes that are not printable ASCII are escaped; overlong values are cut, the target at 4096 bytes.\n\nA new file gets mode 0640, and the folder must exist. After rotating the file send SIGUSR1 to the daemon: lines then go into a new file (`postrotate kill -USR1 PID` of logrotate, and no copytruncate). Any other path, such as a FIFO, is written as it is.\n\nServing never waits for this log. Lines are written within about 100 ms; what cannot be is dropped, counted in the metric rigil_access_log_dropped_total and told in the log. A target that cannot be opened keeps the daemon from starting, and a reload from happening. A file named `off` or `stdout` is written as `./off`.",
    default: 'off',
    examples: ['access-log stdout', 'access-log /var/log/rigil/access.log common'],
  }),
  directive({
    name: 'trusted-proxies',
    forms: [
      form([many(cidr)], (draft, [blocks]) => {
        draft.trustedProxies = blocks.map(({ value }) => value);
      }),
    ],
    summary: 'Whose X-Forwarded-For, -Host and -Proto are believed',
    documentation:
      'Requests from these addresses keep what the proxy in front said about the client; from all others these headers are replaced by what is known first-hand.',
    default: 'none',
    examples: ['trusted-proxies 10.0.0.0/8 fd00::/8'],
  }),
  directive({
    name: 'wildcard-domains',
    forms: [
      form([many(domain)], (draft, [domains]) => {
        draft.wildcardDomains = domains;
      }),
    ],
    summary: 'Domains for whose names one wildcard certificate is used',
    documentation:
      'A certificate for a name directly below one of these domains is obtained as `*.DOMAIN` instead, so that many routes share one. The domain itself and deeper names are not covered by it. Wildcards need an issuer with a dns-01 challenge.',
    default: 'none',
    examples: ['wildcard-domains example.com example.net'],
  }),
  directive({
    name: 'issuers',
    forms: [
      form([many(issuerName)], (draft, [names]) => {
        draft.issuers = names;
      }),
    ],
    summary: 'Which issuers are used, the preferred one first',
    documentation:
      'When the first one fails, the next one is asked. Issuers that are not named here are used only by routes that name them with `provider`.',
    default: 'all, in the order in which they appear',
    examples: ['issuers letsencrypt zerossl'],
  }),
  directive({
    name: 'config-source',
    forms: [
      form([one(tcpUrl)], (draft, [source]) => {
        draft.configSource = source;
      }),
    ],
    summary: 'A server that sends routes',
    documentation:
      "rigil connects to it and takes every configuration that it sends as the new set of routes (Centauri's network configuration, version 1). What cannot be used is rejected as a whole, and the routes before stay; so they do while the server is away, and the last good ones are kept in the store for a start without it. Only routes are taken: the other settings are those of the file, and so are the routes until the server has sent some. The connection is neither encrypted nor authenticated.",
    default: 'none',
    examples: ['config-source tcp://config.internal:8500'],
  }),
  directive({
    name: 'centauri-metrics',
    forms: [
      form([one(oneOf('on', 'off'))], (draft, [state]) => {
        draft.centauriMetrics = state === 'on';
      }),
    ],
    summary: "Whether Centauri's metrics are there under their old names, too",
    documentation:
      '`/metrics` of the admin endpoint then has `centauri_tls_hello_total{known}` and `centauri_response_total{route,status}` besides the same figures with `rigil_`, for dashboards that are yet to be changed. They are counted as rigil counts: by the route that answers, 499 where the client left.',
    default: 'off',
    examples: ['centauri-metrics on'],
  }),
  directive({
    name: 'tailscale',
    forms: [
      form([optional(socketPath)], (draft, [socket = TAILSCALE_SOCKET]) => {
        draft.tailscale = { socket };
      }),
      keyword('off', [], (draft) => {
        draft.tailscale = null;
      }),
    ],
    summary: 'Whether the tailnet that this machine is in is served, and who asks is told to upstreams',
    documentation:
      'Asks the Tailscale daemon of this machine, at its socket, which addresses the machine has in its tailnet, and listens there too: on the ports of `http` and `https`, unless these cover all addresses already. When the addresses change, the listeners follow. While the daemon is away the log says so and everything else is served.\n\nOn connections to these addresses upstreams get `Tailscale-User-Login`, `Tailscale-User-Name` and `Tailscale-User-Profile-Pic` of the user whose device asks. A device with a tag belongs to no user and has none of them; nor have programs of this machine itself. Names that are not ASCII are encoded as in e-mail (RFC 2047), as Tailscale itself does. What a client sends under these names is never passed on, whatever it connected to.\n\nThe Tailscale daemon is asked once a device in ten seconds, when it connects; a request waits at most half a second for the answer, and then goes on without. This trusts that nobody but the tailnet can send from the addresses of the tailnet, which the firewall rules of the Tailscale daemon see to (`tailscale up --netfilter-mode=off` turns them off). A daemon in userspace mode gives the machine no address to listen on.\n\nFor certificates of names below `ts.net` see the issuer `type tailscale`.',
    default: 'off',
    examples: ['tailscale', 'tailscale /run/tailscale/tailscaled.sock', 'tailscale off'],
  }),
  directive({
    name: 'tailscale-http',
    forms: [
      form([one(oneOf('redirect', 'serve'))], (draft, [http], at) => {
        draft.tailscaleHttp = { value: http, at };
      }),
    ],
    summary: 'What plain HTTP from the tailnet gets',
    documentation:
      '`redirect` sends it to HTTPS, as everywhere. `serve` proxies it, because the tailnet encrypts already; upstreams see `X-Forwarded-Proto: http`. Only connections to the addresses in the tailnet are served so.',
    default: 'redirect',
    examples: ['tailscale-http serve'],
  }),
];
