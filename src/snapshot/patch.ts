import type { Route } from '../routing/route.ts';
import { RoutingTable } from '../routing/table.ts';
import type {
  ChallengeAnswer,
  ServedCertificate,
  ServingSettings,
  Snapshot,
  TailnetSettings,
} from './snapshot.ts';

/**
 * The difference between two snapshots, as plain data for the channel to a worker.
 * What is absent has not changed; all of it takes effect in one assignment.
 */
export interface Patch {
  readonly generation: number;
  readonly routing?: { readonly routes: readonly Route[]; readonly fallback: number | null };
  readonly settings?: ServingSettings;
  readonly certificates?: Changes<ServedCertificate>;
  readonly challenges?: Changes<ChallengeAnswer>;
  readonly tailnet?: TailnetSettings | null;
  readonly down?: readonly string[];
  readonly ticketKeys?: Uint8Array;
}

export interface Changes<Value> {
  readonly put: readonly (readonly [key: string, value: Value])[];
  readonly remove: readonly string[];
}

/** What must be told to somebody who has `from`, so that they have `to`. Values are compared by identity. */
export function diff(from: Snapshot, to: Snapshot): Patch {
  const certificates = changes(from.certificates, to.certificates);
  const challenges = changes(from.challenges, to.challenges);
  return {
    generation: to.generation,
    ...(from.table === to.table
      ? {}
      : { routing: { routes: to.table.routes, fallback: to.table.fallbackIndex } }),
    ...(from.settings === to.settings ? {} : { settings: to.settings }),
    ...(certificates === null ? {} : { certificates }),
    ...(challenges === null ? {} : { challenges }),
    ...(from.tailnet === to.tailnet ? {} : { tailnet: to.tailnet }),
    ...(from.down === to.down ? {} : { down: [...to.down] }),
    ...(from.ticketKeys === to.ticketKeys ? {} : { ticketKeys: to.ticketKeys }),
  };
}

/** The snapshot after `patch`. */
export function applyPatch(snapshot: Snapshot, patch: Patch): Snapshot {
  return {
    generation: patch.generation,
    table:
      patch.routing === undefined
        ? snapshot.table
        : new RoutingTable(patch.routing.routes, patch.routing.fallback),
    settings: patch.settings ?? snapshot.settings,
    certificates: changed(snapshot.certificates, patch.certificates),
    challenges: changed(snapshot.challenges, patch.challenges),
    tailnet: patch.tailnet === undefined ? snapshot.tailnet : patch.tailnet,
    down: patch.down === undefined ? snapshot.down : new Set(patch.down),
    ticketKeys: patch.ticketKeys ?? snapshot.ticketKeys,
  };
}

function changes<Value>(
  from: ReadonlyMap<string, Value>,
  to: ReadonlyMap<string, Value>,
): Changes<Value> | null {
  if (from === to) return null;
  const put = [...to].filter(([key, value]) => from.get(key) !== value);
  const remove = [...from.keys()].filter((key) => !to.has(key));
  return put.length === 0 && remove.length === 0 ? null : { put, remove };
}

function changed<Value>(
  map: ReadonlyMap<string, Value>,
  change: Changes<Value> | undefined,
): ReadonlyMap<string, Value> {
  if (change === undefined) return map;
  const next = new Map(map);
  for (const key of change.remove) next.delete(key);
  for (const [key, value] of change.put) next.set(key, value);
  return next;
}
