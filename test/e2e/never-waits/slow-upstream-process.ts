// `slow-upstream.ts` in a process of its own, for whoever measures times and has other things to do.
import { startSlowUpstream } from './slow-upstream.ts';

const { address } = await startSlowUpstream('upstream');
process.send?.(address);
process.on('disconnect', () => process.exit());
