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

/** The same bytes, with somebody who sees them pass, keeping none, and hears when it is over, however it ends. */
export function watched(
  body: Body,
  { onChunk, onOver }: { readonly onChunk?: (chunk: Buffer) => void; readonly onOver?: () => void },
): Body {
  return {
    length: body.length,
    resume: () => body.resume(),
    cancel() {
      onOver?.();
      body.cancel();
    },
    flow: (sink) =>
      body.flow({
        ...(sink.consumes === true ? { consumes: true } : {}),
        write(chunk) {
          onChunk?.(chunk);
          return sink.write(chunk);
        },
        end(trailers) {
          onOver?.();
          sink.end(trailers);
        },
        fail(failure) {
          onOver?.();
          sink.fail(failure);
        },
      }),
  };
}
