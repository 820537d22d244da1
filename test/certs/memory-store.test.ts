import { describeStore } from '../store/conformance.ts';
import { SharedMemory } from './memory-store.ts';

describeStore('the memory store of the tests', async () => {
  const shared = new SharedMemory();
  return { open: () => shared.open(), close: async () => {} };
});
