import type { Board } from '../challenges/board.ts';
import { FleetBoard } from '../challenges/fleet-board.ts';
import { type StoredAnswers, StoredBoard } from '../challenges/stored-board.ts';
import { codeOf, messageOf, RigilError } from '../errors.ts';
import type { Emit } from '../events/bus.ts';
import type { StapleKeeper } from '../ocsp/staple-keeper.ts';
import type { Clock } from '../platform/clock.ts';
import type { Store } from '../store/store.ts';

/** The board for the orders of this daemon: a CA may meet any machine of the fleet. Without a fleet it is `here`. */
export function fleetBoard(
  store: Store,
  here: Board,
  { clock, emit }: { readonly clock: Clock; readonly emit: Emit },
): Board {
  const { fleet } = store;
  if (fleet === null) return here;
  const others = async (): Promise<readonly string[]> =>
    (await store.daemons()).map(({ node }) => node).filter((node) => node !== fleet.node);
  const elsewhere = new StoredBoard(store.documents, clock, { audience: others, isShownAlready: true });
  const onAlone = (error: unknown): void => {
    const hint = error instanceof RigilError ? error.hint : null;
    const message = `a challenge is answered on this machine alone: ${messageOf(error)}`;
    emit({ event: 'store.problem', code: codeOf(error), message, hint });
  };
  return new FleetBoard({ here, elsewhere, onAlone });
}

/** Takes what other machines put into the store as soon as they do, until the returned function is called. */
export function followFleet(
  { fleet }: Pick<Store, 'fleet'>,
  answers: StoredAnswers,
  staples: StapleKeeper,
): () => void {
  if (fleet === null) return () => {};
  const stops = [
    fleet.watchDocuments('challenges', () => answers.lookSoon()),
    fleet.watchDocuments('ocsp', ([name]) => {
      if (name !== undefined) void staples.recall(name.replace(/\.json$/, ''));
    }),
  ];
  return () => {
    for (const stop of stops) stop();
  };
}
