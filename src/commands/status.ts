import { Flags, type Interfaces } from '@oclif/core';
import { askDaemon, type Status } from '../app/ask-daemon.ts';
import { CertsCommand } from '../cli/certs-command.ts';
import { statusLines } from '../cli/status-report.ts';

/** `rigil status`. */
export default class StatusCommand extends CertsCommand {
  static override readonly summary = 'Show what the running daemon is doing.';

  static override readonly description =
    `Asks the daemon through its admin endpoint, which the configuration names: version, uptime, health, routes,
certificates, workers and the work in flight. Ends with 1 when no daemon answers.`;

  static override readonly examples = [
    { description: 'The daemon of ./rigil.conf', command: '<%= config.bin %> <%= command.id %>' },
    {
      description: 'One whose configuration is elsewhere',
      command: '<%= config.bin %> <%= command.id %> --admin unix:/run/rigil/admin.sock',
    },
    {
      description: 'Which certificates are being worked on?',
      command: "<%= config.bin %> <%= command.id %> --json | jq '.work'",
    },
  ];

  static override readonly enableJsonFlag = true;

  static override readonly flags = {
    admin: Flags.string({
      summary: 'Admin endpoint of the daemon, instead of that of the configuration.',
      helpValue: 'ADDR',
    }),
  };

  async run(): Promise<Status> {
    const parsed = await this.parse(StatusCommand);
    const flags: Interfaces.InferredFlags<typeof StatusCommand.flags & typeof StatusCommand.baseFlags> =
      parsed.flags;
    const report = await askDaemon(flags.admin ?? null, () => this.options(flags.config));
    for (const line of statusLines(report)) this.print(line);
    return report.status;
  }
}
