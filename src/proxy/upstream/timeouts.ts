import type { Upstream, UpstreamTimeouts } from '../../routing/route.ts';
import type { Limits } from '../protocol.ts';

/** The timeouts of an upstream: its own, or those of the worker. */
export function timeoutsOf({ timeouts }: Upstream, limits: Limits): UpstreamTimeouts {
  return (
    timeouts ?? {
      connectMs: limits.upstreamConnectMs,
      responseMs: limits.upstreamResponseMs,
      idleMs: limits.upstreamIdleMs,
    }
  );
}
