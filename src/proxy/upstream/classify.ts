import { messageOf, systemCodeOf } from '../../errors.ts';
import type { Failure, UpstreamFailureKind } from '../failure.ts';

/** How far a connection to an upstream had come. */
export type Phase = 'connecting' | 'securing' | 'open';

/** What the end of a connection means for whoever waited for a response. Null: it was closed without an error. */
export function failureOf(error: Error | null, phase: Phase): Failure {
  const kind = classify(error, phase);
  if (error === null) return { kind, message: 'the connection was closed' };
  const message = messageOf(error);
  const isUntrusted = UNTRUSTED.has(systemCodeOf(error) ?? '');
  return { kind, message: isUntrusted ? `${message} (trust its CA with ca=FILE of upstream)` : message };
}

/** OpenSSL's names for a chain that ends at no root that is trusted. */
const UNTRUSTED: ReadonlySet<string> = new Set([
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
]);

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
