import type { Interfaces } from '@oclif/core';
import { type ResealReport, resealStore } from '../../app/reseal-store.ts';
import { CertsCommand } from '../../cli/certs-command.ts';

/** `rigil store reseal`. */
export default class StoreReseal extends CertsCommand {
  static override readonly summary = 'Seal the store with the newest key.';

  static override readonly description =
    `Seals whatever in the configured Redis is sealed with a former key of "seal=", or not at all, with the first one. Works
beside running daemons. To replace a key: put the new one in front on every machine and restart rigil there, run this
once, then remove the former key everywhere. What was stored in clear before stays in Redis' append-only file until it is
rewritten (BGREWRITEAOF in redis-cli), and in older backups.`;

  static override readonly examples = [
    { description: 'After a new key was put in front', command: '<%= config.bin %> <%= command.id %>' },
  ];

  static override readonly enableJsonFlag = true;

  async run(): Promise<ResealReport> {
    const parsed = await this.parse(StoreReseal);
    const flags: Interfaces.InferredFlags<typeof StoreReseal.baseFlags> = parsed.flags;
    const report = await this.looking(flags.config, resealStore);
    const { place, resealed } = report;
    this.print(resealed === 0 ? `${place} is sealed as it should be` : `${place}: sealed ${resealed} values`);
    return report;
  }
}
