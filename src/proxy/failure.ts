/** Why an exchange could not go the normal way. */
export interface Failure {
  readonly kind: FailureKind;
  /** For the log. */
  readonly message: string;
  /**
   * The request may be sent to another upstream: this one has certainly not processed it and none of its body has been
   * taken; or it has no body, may be repeated, and nothing of an answer came. Its body is then neither cancelled nor
   * begun: that is for whoever hears of the failure.
   */
  readonly resendable?: boolean;
}

export type FailureKind = UpstreamFailureKind | ClientFailureKind;

/** The `kind` label of `upstream_errors_total`. */
export type UpstreamFailureKind =
  /** Nobody listens, or the host cannot be reached. */
  | 'refused'
  /** The host name has no address. */
  | 'unresolved'
  | 'connect-timeout'
  /** TLS could not be agreed on, or the certificate is not trusted. */
  | 'tls'
  /** The request is complete and no response came. */
  | 'response-timeout'
  /** The upstream stopped taking the request. */
  | 'stalled'
  /** The connection ended in the middle. */
  | 'reset'
  /** What came is not HTTP, or not an answer to what was asked. */
  | 'protocol'
  /** The request wants something that the upstream does not offer, which is nobody's failure: it works for all others. */
  | 'unsupported';

/** The client is to blame; the upstream is not counted as failed. */
export type ClientFailureKind = 'client-gone' | 'client-timeout' | 'client-malformed';

/** The status that the client gets: 502 and 504 for upstreams, 408 and 400 for itself, 499 (seen by no one) when it left. */
export function statusOf(kind: FailureKind): number {
  switch (kind) {
    case 'connect-timeout':
    case 'response-timeout':
    case 'stalled':
      return 504;
    case 'refused':
    case 'unresolved':
    case 'tls':
    case 'reset':
    case 'protocol':
    case 'unsupported':
      return 502;
    case 'client-timeout':
      return 408;
    case 'client-malformed':
      return 400;
    case 'client-gone':
      return 499;
    default:
      return kind satisfies never;
  }
}

/** Whether the client, not the upstream, is to blame. */
export function isClientFailure(kind: FailureKind): kind is ClientFailureKind {
  return kind === 'client-gone' || kind === 'client-timeout' || kind === 'client-malformed';
}
