/** Bounds of one message head. */
export interface HeadLimits {
  /** Of the whole head, with the empty line that ends it. */
  readonly bytes: number;
  /** Of header field lines. */
  readonly fields: number;
}

export interface RequestLimits extends HeadLimits {
  /** Of the request target; a longer one is answered with 414. */
  readonly targetBytes: number;
}

/** For requests: 16 KiB, 100 fields, a target of 8 KiB. */
export const REQUEST_LIMITS: RequestLimits = { bytes: 16_384, fields: 100, targetBytes: 8_192 };

/** For responses of upstreams, which are ours and send long policies and many cookies: 64 KiB, 200 fields. */
export const RESPONSE_LIMITS: HeadLimits = { bytes: 65_536, fields: 200 };
