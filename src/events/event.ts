/**
 * Facts in the past tense, one line of the log each. They never carry a key, a token or an authorization header.
 * Work that starts also ends here, with `durationMs`.
 */
export type Event =
  | {
      event: 'config.loaded';
      file: string;
      generation: number;
      routes: number;
      warnings: number;
      durationMs: number;
    }
  | { event: 'config.rejected'; file: string; errors: number; problems: readonly string[] }
  | { event: 'config.warning'; problem: string }
  | { event: 'config.source.connected'; address: string }
  | {
      event: 'config.source.lost';
      address: string;
      code: string;
      message: string;
      hint: string | null;
      retryInMs: number;
    }
  | { event: 'listener.opened'; role: 'http' | 'https' | 'admin' | 'ocsp'; address: string }
  /** The Tailscale daemon has said which addresses this machine has. */
  | { event: 'tailnet.joined'; addresses: readonly string[] }
  /** The Tailscale daemon is away, or has no address for this machine. It is asked again. */
  | { event: 'tailnet.lost'; code: string; message: string; hint: string | null }
  /** An address in the tailnet cannot be listened on yet. It is tried again. */
  | { event: 'tailnet.listener.failed'; address: string; code: string; message: string; hint: string | null }
  /** The Tailscale daemon did not say who is at an address; requests from there have no identity for a while. */
  | { event: 'tailnet.whois.failed'; address: string; message: string }
  | { event: 'worker.started'; worker: number; pid: number; durationMs: number }
  | {
      event: 'worker.exited';
      worker: number;
      pid: number;
      code: number | null;
      signal: string | null;
      expected: boolean;
      retryInMs: number | null;
    }
  | { event: 'worker.said'; worker: number; text: string }
  /** Since the last such event. */
  | { event: 'access-log.dropped'; lines: number; reason: string }
  /** A worker has closed what was moved away and writes into a new one. */
  | { event: 'access-log.reopened'; path: string; pid: number }
  /** It could not be opened again; the former one is kept. */
  | { event: 'access-log.failed'; path: string; message: string }
  | { event: 'drain.started'; requestsMs: number }
  | { event: 'drain.finished'; durationMs: number; cut: number }
  | {
      event: 'certificate.obtain.started' | 'certificate.renew.started';
      id: string;
      issuer: string;
      reason: string;
    }
  | {
      event: 'certificate.obtain.finished' | 'certificate.renew.finished';
      id: string;
      issuer: string;
      notAfter: string;
      durationMs: number;
    }
  | {
      event: 'certificate.obtain.failed' | 'certificate.renew.failed';
      id: string;
      issuer: string;
      code: string;
      message: string;
      hint: string | null;
      attempts: number;
      retryAt: string | null;
      durationMs: number;
    }
  | { event: 'certificate.adopted'; id: string; issuer: string; notAfter: string }
  | { event: 'certificate.waiting'; name: string; id: string; why: string }
  | { event: 'authority.created'; issuer: string; file: string; notAfter: string; hint: string }
  | { event: 'authority.expiring'; issuer: string; file: string; notAfter: string; hint: string }
  | {
      event: 'ari.updated';
      id: string;
      start: string;
      end: string;
      selected: string;
      explanationUrl: string | null;
    }
  | { event: 'ari.failed'; id: string; code: string; message: string; retryAt: string }
  | { event: 'staple.refreshed'; id: string; nextUpdate: string; durationMs: number }
  | { event: 'staple.failed'; id: string; code: string; message: string; durationMs: number }
  | { event: 'challenge.presented' | 'challenge.cleared'; id: string; type: string; name: string }
  /** An answer that could not be taken away again, such as a TXT record. */
  | { event: 'challenge.left'; id: string; type: string; name: string; code: string; message: string }
  /** An order that somebody else had begun is gone on with; `status` is what the CA says of it. */
  | { event: 'order.resumed'; id: string; status: string; begunAt: string }
  /** Such an order is not gone on with, and a new one is placed. */
  | { event: 'order.dropped'; id: string; why: string }
  /** The CA offers no chain up to the issuer that `preferred-chain` names; it got its own choice. */
  | { event: 'certificate.chain.default'; id: string; wanted: string; got: string }
  | { event: 'store.problem'; code: string; message: string; hint: string | null }
  /** It can be written again, after so long. */
  | { event: 'store.writable'; durationMs: number }
  /** Something about the store that will hurt one day. */
  | { event: 'store.warning'; message: string; hint: string }
  /** A database stopped to answer; what is held serves on. */
  | { event: 'store.lost'; place: string; code: string; message: string; hint: string | null }
  | { event: 'store.connected'; place: string; awayMs: number }
  /** The store was read from the copy on this machine, since the database is away. */
  | { event: 'store.copy.used'; directory: string; certificates: number }
  /** The database had lost what it had once acknowledged; what this machine knew of it is there again. */
  | { event: 'store.restored'; certificates: number; documents: number }
  | {
      event: 'upstream.failed';
      route: string;
      upstream: string;
      kind: string;
      message: string;
      /** How many since the last line about this upstream, with this one. */
      failures: number;
    }
  /** A former daemon, or workers of one that was killed, are asked for their sockets. */
  | { event: 'take-over.started'; from: number; role: 'daemon' | 'worker' }
  | { event: 'take-over.finished'; from: number; durationMs: number }
  /** A successor asks for the sockets; certificate work rests until it is ready. */
  | { event: 'hand-over.started'; to: number }
  /** The successor serves; what runs here is finished. */
  | { event: 'hand-over.finished'; to: number; durationMs: number }
  /** The successor did not become ready. This one goes on. */
  | { event: 'hand-over.failed'; to: number; durationMs: number }
  /** A health check has found it so; `message` says why. */
  | { event: 'upstream.down'; route: string; upstream: string; message: string }
  /** `downMs`: how long it was down. */
  | { event: 'upstream.up'; route: string; upstream: string; downMs: number }
  | { event: 'daemon.ready'; version: string; pid: number; durationMs: number }
  | { event: 'daemon.stopped'; uptimeMs: number }
  | { event: 'fault'; where: string; message: string; stack: string | null };

export type EventName = Event['event'];

export type Level = 'debug' | 'info' | 'warn' | 'error';

/** How loud an event is. What is not listed is `info`. */
const LEVELS: Partial<Record<EventName, Level>> = {
  'challenge.presented': 'debug',
  'challenge.cleared': 'debug',
  'challenge.left': 'warn',
  'certificate.chain.default': 'warn',
  'certificate.waiting': 'warn',
  'authority.expiring': 'warn',
  'config.warning': 'warn',
  'config.source.lost': 'warn',
  'tailnet.lost': 'warn',
  'tailnet.listener.failed': 'warn',
  'tailnet.whois.failed': 'warn',
  'worker.said': 'warn',
  'access-log.dropped': 'warn',
  'access-log.failed': 'error',
  'certificate.obtain.failed': 'error',
  'certificate.renew.failed': 'error',
  'staple.failed': 'warn',
  'store.problem': 'error',
  'hand-over.failed': 'warn',
  'store.warning': 'warn',
  'store.lost': 'error',
  'store.copy.used': 'warn',
  'store.restored': 'warn',
  'upstream.failed': 'warn',
  'upstream.down': 'warn',
  'config.rejected': 'error',
  fault: 'error',
};

export function levelOf(event: Event): Level {
  if (event.event === 'worker.exited') return event.expected ? 'info' : 'error';
  if ('code' in event && event.code === 'aborted') return 'info';
  return LEVELS[event.event] ?? 'info';
}
