import type { Action } from './action.ts';
import { adopt } from './adopt.ts';
import { advise } from './advise.ts';
import type { Certificate } from './certificate.ts';
import type { Outcome } from './fold.ts';
import { issue } from './issue.ts';
import type { Ports } from './ports.ts';
import { save } from './save.ts';
import type { Entry } from './state.ts';

/**
 * Does what `action` says, for `entry` as it was when the plan was made. Never throws: whatever happens is an outcome.
 *
 * @param certificate what is held, or null
 */
export async function execute(
  action: Action,
  entry: Entry,
  certificate: Certificate | null,
  ports: Ports,
  signal: AbortSignal,
): Promise<Outcome> {
  switch (action.kind) {
    case 'obtain':
    case 'renew':
      return issue(action, entry, ports, signal);
    case 'adopt':
      return adopt(action.facts, entry, ports, signal);
    case 'save':
      return save(entry, certificate, ports, signal);
    case 'update-ari':
      return advise(action.facts, entry, ports, signal);
    case 'refresh-staple':
      return staple(entry, certificate, ports, signal);
    default: {
      const unknown: never = action;
      return unknown;
    }
  }
}

async function staple(
  { wanted, held }: Entry,
  certificate: Certificate | null,
  { staples, clock, random }: Ports,
  signal: AbortSignal,
): Promise<Outcome> {
  const parts = { id: wanted.id, at: clock.now(), chance: random.fraction() };
  if (staples === null || held === null || certificate === null) return { kind: 'dropped', ...parts };
  const { fingerprint } = certificate.facts;
  const stapleAt = await staples.refresh(certificate, signal).catch(() => clock.now() + STAPLE_RETRY_MS);
  return { kind: 'stapled', ...parts, fingerprint, stapleAt, revokedAt: staples.revokedAt(fingerprint) };
}

/** Pause after a source of staples broke its promise to look after failures itself, in milliseconds. */
const STAPLE_RETRY_MS = 3_600_000;
