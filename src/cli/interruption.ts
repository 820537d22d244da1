/**
 * A signal that aborts with the first SIGINT or SIGTERM, so that work can be broken off and tidied up. The second one
 * ends the process at once, as if nobody listened.
 */
export function interruption(): { readonly signal: AbortSignal; readonly dispose: () => void } {
  const controller = new AbortController();
  const dispose = (): void => {
    process.off('SIGINT', abort);
    process.off('SIGTERM', abort);
  };
  const abort = (): void => {
    dispose();
    controller.abort();
  };
  process.on('SIGINT', abort);
  process.on('SIGTERM', abort);
  return { signal: controller.signal, dispose };
}
