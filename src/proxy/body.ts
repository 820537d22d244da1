import type { Body } from './exchange.ts';

/** No bytes at all. */
export const emptyBody: Body = {
  length: 0,
  flow: (sink) => sink.end([]),
  resume: () => {},
  cancel: () => {},
};

/** Bytes that are there already. */
export function bytesBody(bytes: Buffer): Body {
  if (bytes.length === 0) return emptyBody;
  return {
    length: bytes.length,
    flow(sink) {
      sink.write(bytes);
      sink.end([]);
    },
    resume: () => {},
    cancel: () => {},
  };
}
