import { connectionFault, type H2Fault, streamFault } from './fault.ts';
import { FLAG, FRAME, H2_ERROR } from './protocol.ts';

/** What a frame of one type has to be like (RFC 9113 6, RFC 9218 7.1). */
interface FrameRule {
  /** Whether it belongs to a stream, to the connection, or to either. */
  readonly on: 'stream' | 'connection' | 'either';
  /** Of its payload, in bytes. */
  readonly least: number;
  readonly most: number;
  /** What a wrong size breaks. */
  readonly scope: 'stream' | 'connection';
}

const ANY = Number.POSITIVE_INFINITY;

const RULES: readonly (FrameRule | undefined)[] = byType([
  [FRAME.data, { on: 'stream', least: 0, most: ANY, scope: 'connection' }],
  [FRAME.headers, { on: 'stream', least: 0, most: ANY, scope: 'connection' }],
  [FRAME.priority, { on: 'stream', least: 5, most: 5, scope: 'stream' }],
  [FRAME.rstStream, { on: 'stream', least: 4, most: 4, scope: 'connection' }],
  [FRAME.settings, { on: 'connection', least: 0, most: ANY, scope: 'connection' }],
  [FRAME.ping, { on: 'connection', least: 8, most: 8, scope: 'connection' }],
  [FRAME.goaway, { on: 'connection', least: 8, most: ANY, scope: 'connection' }],
  [FRAME.windowUpdate, { on: 'either', least: 4, most: 4, scope: 'connection' }],
  [FRAME.continuation, { on: 'stream', least: 0, most: ANY, scope: 'connection' }],
  [FRAME.priorityUpdate, { on: 'connection', least: 4, most: ANY, scope: 'connection' }],
]);

/** Whether a frame may be what its head says. Null when it may; frames of unknown types always may. */
export function frameFault(
  role: 'server' | 'client',
  type: number,
  flags: number,
  streamId: number,
  length: number,
): H2Fault | null {
  // We never ask for pushed streams, and a client must not send any (RFC 9113 8.4).
  if (type === FRAME.pushPromise) return connectionFault(H2_ERROR.protocolError, 'push-promise');
  if (type === FRAME.priorityUpdate && role === 'client') {
    return connectionFault(H2_ERROR.protocolError, 'priority-update-from-server');
  }
  const rule = RULES[type];
  if (rule === undefined) return null;
  if (rule.on === 'stream' && streamId === 0) return connectionFault(H2_ERROR.protocolError, 'stream-zero');
  if (rule.on === 'connection' && streamId !== 0) {
    return connectionFault(H2_ERROR.protocolError, 'stream-not-zero');
  }
  // Even streams are those that a server opens, and ours opens none.
  if (streamId !== 0 && streamId % 2 === 0 && type !== FRAME.priority) {
    return connectionFault(H2_ERROR.protocolError, 'stream-even');
  }
  if (length < rule.least || length > rule.most) return sizeFault(rule.scope);
  if (type === FRAME.settings && ((flags & FLAG.ack) !== 0 ? length !== 0 : length % 6 !== 0)) {
    return sizeFault('connection');
  }
  return null;
}

function sizeFault(scope: 'stream' | 'connection'): H2Fault {
  const fault = scope === 'stream' ? streamFault : connectionFault;
  return fault(H2_ERROR.frameSizeError, 'frame-size');
}

function byType(rules: readonly (readonly [type: number, rule: FrameRule])[]): (FrameRule | undefined)[] {
  const table: (FrameRule | undefined)[] = Array.from({ length: 256 }, () => undefined);
  for (const [type, rule] of rules) table[type] = rule;
  return table;
}
