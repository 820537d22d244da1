import { Flags, type Interfaces } from '@oclif/core';
import { chalkStderr } from 'chalk';
import { serve } from '../app/serve.ts';
import { RigilCommand } from '../cli/base-command.ts';
import { problemLines } from '../cli/check-report.ts';
import { RigilError } from '../errors.ts';

const COLOURS = {
  debug: chalkStderr.dim,
  info: chalkStderr.green,
  warn: chalkStderr.yellow,
  error: chalkStderr.red,
};

/** `rigil serve`. */
export default class Serve extends RigilCommand {
  static override readonly summary = 'Run the proxy.';

  static override readonly description =
    `Runs in the foreground and logs to standard error. Certificates are obtained and renewed meanwhile, and never make a
request wait.

SIGHUP reads the configuration again; if anything is wrong with it, what runs stays as it is. SIGUSR1 opens the file of
the access log anew, after it has been rotated. SIGTERM and SIGINT finish what runs and end; a second one ends at once.

There is one daemon for a store. With --take-over this one takes the place of the one that runs: it starts beside it on
the same sockets, and when it serves, the other one finishes what it has, takes nothing new on and ends with 0. No
connection is refused meanwhile. If this one cannot start, the other one goes on as if nothing had happened. Where none
runs it is an ordinary start. SIGUSR2 makes a running daemon start such a successor by itself, in the same unit of
systemd: \`systemctl kill -s USR2 --kill-whom=main rigil\` after an upgrade.

A daemon that is killed leaves workers that go on serving what they have; the next one takes their sockets over.`;

  static override readonly examples = [
    {
      description: 'Serve ./rigil.conf, or else /etc/rigil/rigil.conf',
      command: '<%= config.bin %> <%= command.id %>',
    },
    {
      description: 'Serve another file, and read it again later',
      command: '<%= config.bin %> <%= command.id %> -c /srv/proxy.conf & kill -HUP $!',
    },
    {
      description: 'Follow a running daemon, with the program and the configuration that are there now',
      command: '<%= config.bin %> <%= command.id %> --take-over',
    },
  ];

  static override readonly flags = {
    'take-over': Flags.boolean({
      summary: 'Take the place of the daemon that runs, without a lost request.',
    }),
  };

  async run(): Promise<void> {
    const parsed = await this.parse(Serve);
    const flags: Interfaces.InferredFlags<typeof Serve.flags & typeof Serve.baseFlags> = parsed.flags;
    const file = this.configFile(flags.config);
    if (file === '-') {
      throw new RigilError('usage', 'the daemon cannot read its configuration from standard input', {
        hint: 'a reload reads it again: put it into a file',
      });
    }
    await serve({
      file,
      takeOver: flags['take-over'],
      logStyle: {
        isTerminal: process.stderr.isTTY,
        colour: (level, text) => COLOURS[level](text),
      },
      onInvalid: (diagnostics) => {
        for (const line of problemLines(diagnostics, 'stderr')) this.note(line);
        throw new RigilError('config-invalid', `${file} is invalid, nothing was started`, {
          hint: `\`rigil config check -c ${file}\` shows the same without starting anything`,
        });
      },
    });
  }
}
