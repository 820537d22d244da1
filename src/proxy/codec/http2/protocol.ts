/** Frame types (RFC 9113 6, RFC 9218 7.1). */
export const FRAME = {
  data: 0x0,
  headers: 0x1,
  priority: 0x2,
  rstStream: 0x3,
  settings: 0x4,
  pushPromise: 0x5,
  ping: 0x6,
  goaway: 0x7,
  windowUpdate: 0x8,
  continuation: 0x9,
  priorityUpdate: 0x10,
} as const;

/** Flags of frames; `ack` and `endStream` share a bit, on different frames. */
export const FLAG = { ack: 0x1, endStream: 0x1, endHeaders: 0x4, padded: 0x8, priority: 0x20 } as const;

/** Error codes (RFC 9113 7). */
export const H2_ERROR = {
  noError: 0x0,
  protocolError: 0x1,
  internalError: 0x2,
  flowControlError: 0x3,
  settingsTimeout: 0x4,
  streamClosed: 0x5,
  frameSizeError: 0x6,
  refusedStream: 0x7,
  cancel: 0x8,
  compressionError: 0x9,
  connectError: 0xa,
  enhanceYourCalm: 0xb,
  inadequateSecurity: 0xc,
  http11Required: 0xd,
} as const;

export type H2ErrorCode = (typeof H2_ERROR)[keyof typeof H2_ERROR];

/** Identifiers of settings (RFC 9113 6.5.2, RFC 8441 3, RFC 9218 2.1). */
export const SETTING = {
  headerTableSize: 0x1,
  enablePush: 0x2,
  maxConcurrentStreams: 0x3,
  initialWindowSize: 0x4,
  maxFrameSize: 0x5,
  maxHeaderListSize: 0x6,
  enableConnectProtocol: 0x8,
  noRfc7540Priorities: 0x9,
} as const;

/** What a client sends first (RFC 9113 3.4). */
export const CLIENT_PREFACE: Buffer = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');

/** The head of every frame, in bytes (RFC 9113 4.1). */
export const FRAME_HEAD = 9;

/** SETTINGS_MAX_FRAME_SIZE, unless another was agreed on: 16 KiB (RFC 9113 4.2). */
export const DEFAULT_FRAME_SIZE = 16_384;

/** The largest that can be agreed on. */
export const LARGEST_FRAME_SIZE = 16_777_215;

/** Every window until something else is agreed on, in bytes (RFC 9113 6.9.2). */
export const DEFAULT_WINDOW = 65_535;

/** 2^31 - 1: the largest window (RFC 9113 6.9.1), and the last stream. */
export const LARGEST_WINDOW = 2_147_483_647;
