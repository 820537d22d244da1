import { FIELD } from './field-kind.ts';

/**
 * Fields that frame or route a message (RFC 9110 6.5.1). No sender means well who puts them behind a body: a server
 * that merges trailers into the head would be misled.
 */
export const HEAD_ONLY: ReadonlySet<number> = new Set<number>([
  FIELD.host,
  FIELD.contentLength,
  FIELD.transferEncoding,
  FIELD.connection,
  FIELD.upgrade,
  FIELD.expect,
  FIELD.te,
  FIELD.trailer,
  FIELD.lookalike,
  FIELD.authorization,
  FIELD.cookie,
  FIELD.setCookie,
  FIELD.forwarded,
  FIELD.xForwardedFor,
  FIELD.xForwardedHost,
  FIELD.xForwardedProto,
  FIELD.xForwardedPort,
  FIELD.xRealIp,
  FIELD.trueClientIp,
]);

/** Those of them that say where a message ends: whoever drops the others silently still refuses these. */
export const FRAMING_ONLY: ReadonlySet<number> = new Set<number>([
  FIELD.contentLength,
  FIELD.transferEncoding,
]);
