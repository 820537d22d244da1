import type { ControlChannel } from '../control-channel.ts';
import type { LineSink } from './line-queue.ts';

/** Lines for what the control process alone writes to: its standard output, a FIFO, a device. */
export function controlSink(channel: ControlChannel): LineSink {
  return {
    write: (lines, count) =>
      new Promise((written, failed) => {
        if (channel.connected) channel.send({ type: 'access-log', lines, count }, written);
        else failed(new Error('the control process is gone'));
      }),
    reopen: async () => {},
    close: async () => {},
  };
}
