import { issuance } from '../certs/next-action.ts';
import { idFor, type RunResult } from '../certs/run.ts';
import { type Offline, type OfflineOptions, offline } from './offline.ts';

export type { RunResult } from '../certs/run.ts';

export interface RenewOptions {
  /** Ids or names; empty = all. */
  readonly names: readonly string[];
  /** `obtain`: what is missing; `renew`: also what is due; `force`: the named ones, due or not. */
  readonly what: 'obtain' | 'renew' | 'force';
}

/**
 * Obtains or renews certificates and waits for it. Failures of single certificates are part of the result.
 *
 * @throws RigilError `name-unknown`, `aborted`, or that of the store
 */
export function renewCertificates(
  options: OfflineOptions,
  { names, what }: RenewOptions,
): Promise<RunResult> {
  // Who obtains is a person that may have mended something; cron keeps to the pauses that the journal prescribes.
  return offline(options, { purpose: 'work', retry: what === 'obtain' }, ({ manager, signal }) =>
    manager.run({
      signal,
      force: what === 'force',
      missingOnly: what === 'obtain',
      ...(names.length === 0 ? {} : { ids: names }),
    }),
  );
}

/** `certs renew --dry-run --json`. */
export interface RenewalPlan {
  readonly planned: readonly {
    readonly id: string;
    readonly action: 'obtain' | 'renew';
    /** Since when it is due. */
    readonly at: string;
    readonly reason: string;
  }[];
}

/** A plan, and what comes after it. */
export interface PlannedRenewals {
  readonly plan: RenewalPlan;
  /** The certificate that will be due first among those that are not; null = none. */
  readonly next: RenewalPlan['planned'][number] | null;
}

/** What `renewCertificates` would order now. Touches nothing and asks nobody. */
export function planRenewals(
  options: OfflineOptions,
  { names, what }: RenewOptions,
): Promise<PlannedRenewals> {
  return offline(options, { purpose: 'look' }, async (parts) => {
    const now = parts.now();
    const orders = [...targetsOf(names, parts)].flatMap((id) => {
      const entry = parts.manager.entries.get(id);
      const order = entry === undefined ? null : issuance(entry, now);
      if (entry === undefined || (order === null && what !== 'force')) return [];
      const { kind: action = entry.held === null ? 'obtain' : 'renew', dueAt = now } = order ?? {};
      return what === 'force'
        ? [{ id, action, at: now, reason: 'it was asked for' } as const]
        : [{ id, action, at: dueAt, reason: order?.reason ?? '' } as const];
    });
    const sorted = orders
      .toSorted((left, right) => left.at - right.at)
      .map((order) => ({ ...order, due: order.at <= now, at: new Date(order.at).toISOString() }));
    const planned = sorted.filter(({ due }) => due).map(({ due: _, ...order }) => order);
    const next = sorted.find(({ due }) => !due) ?? null;
    return { plan: { planned }, next };
  });
}

function targetsOf(names: readonly string[], { manager: { entries } }: Offline): ReadonlySet<string> {
  return new Set(names.length === 0 ? entries.keys() : names.map((name) => idFor(name, entries)));
}
