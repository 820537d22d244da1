import type { FromWorker } from './protocol.ts';

/** Messages that may wait for a control process that does not read; then what nobody waits for is dropped. */
const MOST_UNSENT = 100;

/**
 * The way from a worker to the control process. Never blocks, and holds little when nobody reads. Without a control
 * process there is nobody to tell, and serving goes on.
 */
export class ControlChannel {
  #unsent = 0;

  /** Whether there is a control process. */
  get connected(): boolean {
    return process.connected;
  }

  /** Says something that somebody waits for; `done` is called when it is sent, or never will be. */
  send(message: FromWorker, done: () => void = () => {}): void {
    if (!process.connected || process.send === undefined) {
      done();
      return;
    }
    this.#unsent++;
    process.send(message, undefined, undefined, () => {
      this.#unsent--;
      done();
    });
  }

  /** Says something that can be left out. */
  offer(message: FromWorker): void {
    if (this.#unsent < MOST_UNSENT) this.send(message);
  }
}
