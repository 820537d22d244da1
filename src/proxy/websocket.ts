import type { ResponseHead } from './exchange.ts';
import { fieldValue } from './raw-headers.ts';

/** Whether a 101 switches to WebSocket (RFC 6455 4.2.2). */
export function isWebSocket({ headers }: ResponseHead): boolean {
  return fieldValue(headers, 'upgrade')?.toLowerCase() === 'websocket';
}

/** A close frame from a server with status 1001, "going away" (RFC 6455 5.5.1 and 7.4.1). */
export const GOING_AWAY = Buffer.from([0x88, 0x02, 0x03, 0xe9]);

/**
 * Follows the frames of one direction (RFC 6455 5.2) as they pass, to know whether one has just ended: only there may
 * a frame of our own come between.
 */
export class FrameTracker {
  #header: number[] = [];
  #payload = 0;

  get betweenFrames(): boolean {
    return this.#payload === 0 && this.#header.length === 0;
  }

  push(chunk: Buffer): void {
    let offset = 0;
    while (offset < chunk.length) {
      if (this.#payload > 0) {
        const passed = Math.min(this.#payload, chunk.length - offset);
        this.#payload -= passed;
        offset += passed;
      } else {
        this.#header.push(chunk[offset++] ?? 0);
        this.#readHeader();
      }
    }
  }

  #readHeader(): void {
    const second = this.#header[1];
    if (second === undefined) return;
    const short = second & 0x7f;
    const extended = short === 126 ? 2 : short === 127 ? 8 : 0;
    const mask = (second & 0x80) === 0 ? 0 : 4;
    if (this.#header.length < 2 + extended + mask) return;
    const bytes = this.#header.slice(2, 2 + extended);
    this.#payload = extended === 0 ? short : bytes.reduce((length, byte) => length * 256 + byte, 0);
    this.#header = [];
  }
}
