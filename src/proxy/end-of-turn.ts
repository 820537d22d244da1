/** Something that is done once before the event loop waits again. */
export interface Deferred {
  atEndOfTurn(): void;
}

/**
 * Calls {@link Deferred.atEndOfTurn} when all that has come by now has been dealt with. Much of what is written in one
 * turn goes to the same clients: so it leaves together. Nobody waits for anything but the work at hand.
 */
export function atEndOfTurn(deferred: Deferred): void {
  if (waiting.length === 0) setImmediate(run);
  waiting.push(deferred);
}

/** Does now what waits for the end of the turn: before work that takes long, such as a handshake. */
export function endTurn(): void {
  run();
}

let waiting: Deferred[] = [];
let others: Deferred[] = [];

function run(): void {
  const now = waiting;
  waiting = others;
  for (const deferred of now) deferred.atEndOfTurn();
  now.length = 0;
  others = now;
}
