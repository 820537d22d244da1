import { Args, Flags, type Interfaces } from '@oclif/core';
import { type CopyReport, copyStore } from '../../app/copy-store.ts';
import { RigilCommand } from '../../cli/base-command.ts';
import { interruption } from '../../cli/interruption.ts';
import { startProgress } from '../../cli/progress.ts';
import { copyExitCode, copyLines } from '../../cli/store-report.ts';

/** `rigil store copy FROM TO`. */
export default class StoreCopy extends RigilCommand {
  static override readonly summary = 'Copy a store into another one, such as files into Redis or back.';

  static override readonly description =
    `Copies certificates, accounts, the root of the local CA, staples, sent routes and the journal, and reads back what it
wrote. What TO has already stays, unless a certificate is newer in FROM; nothing is ever deleted. It may be run again.

FROM and TO are what stands behind "store" in a configuration, in quotes: a folder, or redis://host with its options.
\${NAME} in them is replaced from the environment.

Ends with 3 when something could not be copied.`;

  static override readonly examples = [
    {
      description: 'Move to Redis',
      command: `<%= config.bin %> <%= command.id %> /var/lib/rigil 'rediss://rigil:\${REDIS_PASSWORD}@redis.internal seal=env:RIGIL_SEAL_KEYS'`,
    },
    {
      description: 'A backup in files: what would be copied?',
      command: '<%= config.bin %> <%= command.id %> redis://localhost /backup/rigil --dry-run',
    },
  ];

  static override readonly enableJsonFlag = true;

  static override readonly args = {
    from: Args.string({ name: 'FROM', required: true, description: 'A folder or a Redis.' }),
    to: Args.string({ name: 'TO', required: true, description: 'A folder or a Redis.' }),
  };

  static override readonly flags = {
    'dry-run': Flags.boolean({ summary: 'Show what would be copied, and store nothing.' }),
  };

  async run(): Promise<CopyReport> {
    const parsed = await this.parse(StoreCopy);
    const flags: Interfaces.InferredFlags<typeof StoreCopy.flags> = parsed.flags;
    const { from, to } = parsed.args;
    const dryRun = flags['dry-run'];
    const progress = await startProgress({ quiet: true });
    const { signal, dispose } = interruption();
    try {
      const report = await copyStore({ from, to, dryRun, signal, emit: progress.listen });
      for (const line of copyLines(report, dryRun)) this.print(line);
      process.exitCode = copyExitCode(report);
      return report;
    } finally {
      dispose();
      progress.end();
    }
  }
}
