const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/**
 * A signal that aborts with the first SIGINT, SIGTERM or SIGHUP (a terminal that is closed), so that work can be broken
 * off and tidied up. The second one ends the process at once, as if nobody listened.
 */
export function interruption(): { readonly signal: AbortSignal; readonly dispose: () => void } {
  const controller = new AbortController();
  const dispose = (): void => {
    for (const name of SIGNALS) process.off(name, abort);
  };
  const abort = (): void => {
    dispose();
    controller.abort();
  };
  for (const name of SIGNALS) process.on(name, abort);
  return { signal: controller.signal, dispose };
}
