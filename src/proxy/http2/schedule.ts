import { DEFAULT_PRIORITY, type Priority } from '../codec/http2/priority.ts';

/** A stream with bytes that wait for their turn. */
export interface Scheduled {
  readonly id: number;
  /** How urgent it is; null where the client said nothing. */
  priority: Priority | null;
  /** Whether it is in the schedule. */
  scheduled: boolean;
}

/**
 * Whose turn it is to send, when not everybody can (RFC 9218 10): the more urgent before the less urgent; of the same
 * urgency first those that are of use only as a whole, in the order in which they were asked for, then the others in turn.
 *
 * Where the client said nothing, responses take turns, too: nobody shall wait for the end of somebody else's download.
 */
export class Schedule<Stream extends Scheduled> {
  readonly #queues: Stream[][] = [];
  #size = 0;

  get size(): number {
    return this.#size;
  }

  add(stream: Stream): void {
    if (stream.scheduled) return;
    stream.scheduled = true;
    this.#size += 1;
    const urgency = urgencyOf(stream);
    let queue = this.#queues[urgency];
    if (queue === undefined) {
      queue = [];
      this.#queues[urgency] = queue;
    }
    if (takesTurns(stream)) {
      queue.push(stream);
      return;
    }
    const before = queue.findIndex((other) => takesTurns(other) || other.id > stream.id);
    queue.splice(before < 0 ? queue.length : before, 0, stream);
  }

  remove(stream: Stream): void {
    if (!stream.scheduled) return;
    stream.scheduled = false;
    this.#size -= 1;
    const queue = this.#queues[urgencyOf(stream)];
    queue?.splice(queue.indexOf(stream), 1);
  }

  /** The one whose turn it is, or null. */
  first(): Stream | null {
    if (this.#size === 0) return null;
    for (const queue of this.#queues) {
      const stream = queue?.[0];
      if (stream !== undefined) return stream;
    }
    return null;
  }

  /** It has had its turn, and has more to send. */
  next(stream: Stream): void {
    if (!takesTurns(stream)) return;
    this.remove(stream);
    this.add(stream);
  }

  /** The client changed its mind (RFC 9218 7). */
  change(stream: Stream, priority: Priority): void {
    const waits = stream.scheduled;
    this.remove(stream);
    stream.priority = priority;
    if (waits) this.add(stream);
  }
}

function urgencyOf({ priority }: Scheduled): number {
  return (priority ?? DEFAULT_PRIORITY).urgency;
}

function takesTurns({ priority }: Scheduled): boolean {
  return priority === null || priority.incremental;
}
