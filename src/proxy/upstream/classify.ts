import { systemCodeOf } from '../../errors.ts';
import type { UpstreamFailureKind } from '../failure.ts';

/** How far a connection to an upstream had come. */
export type Phase = 'connecting' | 'securing' | 'open';

/** What a socket's error means; by its code, never by its message. */
export function classify(error: unknown, phase: Phase): UpstreamFailureKind {
  const code = systemCodeOf(error) ?? '';
  if (code === 'ENOTFOUND' || code.startsWith('EAI_')) return 'unresolved';
  switch (phase) {
    case 'connecting':
      return code === 'ETIMEDOUT' ? 'connect-timeout' : 'refused';
    case 'securing':
      return 'tls';
    case 'open':
      return 'reset';
    default:
      return phase satisfies never;
  }
}
