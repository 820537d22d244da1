import { chalkStderr } from 'chalk';
import type { Ora } from 'ora';
import type { Emit, Event } from '../app/offline.ts';

/** Shows on stderr what the pipeline is doing. */
export interface Progress {
  readonly listen: Emit;
  /** Takes away what moves. */
  end(): void;
}

/**
 * A spinner on a terminal, plain lines elsewhere. With `quiet` nothing is shown but what somebody has to look at.
 *
 * The spinner's library is loaded only where one is shown.
 */
export async function startProgress({ quiet }: { readonly quiet: boolean }): Promise<Progress> {
  const { isTTY, columns } = process.stderr;
  // A terminal without a size, as some containers give, would be wiped for ever.
  const spins = isTTY && columns > 0 && !quiet && process.env['TERM'] !== 'dumb';
  if (!spins) return plainProgress(quiet);
  const { default: ora } = await import('ora');
  return spinningProgress(ora({ stream: process.stderr, discardStdin: false }));
}

function plainProgress(quiet: boolean): Progress {
  return {
    listen: (event) => {
      const line = warningOf(event) ?? (quiet ? null : startOf(event));
      if (line !== null) process.stderr.write(`${line}\n`);
    },
    end: () => {},
  };
}

/** One spinner for all flights: a terminal has one last line. */
function spinningProgress(spinner: Ora): Progress {
  const flights = new Map<string, string>();
  let done = 0;
  return {
    listen: (event) => {
      const warning = warningOf(event);
      if (warning !== null) {
        spinner.clear();
        process.stderr.write(`${warning}\n`);
      }
      switch (event.event) {
        case 'certificate.obtain.started':
        case 'certificate.renew.started':
          flights.set(event.id, `${event.id} from ${event.issuer}`);
          break;
        case 'certificate.obtain.finished':
        case 'certificate.renew.finished':
        case 'certificate.obtain.failed':
        case 'certificate.renew.failed':
          flights.delete(event.id);
          done += 1;
          break;
        case 'challenge.presented':
          flights.set(event.id, `${event.id} (${event.type} of ${event.name})`);
          break;
        default:
          return;
      }
      if (flights.size === 0) spinner.stop();
      else spinner.start(spinnerText([...flights.values()], done));
    },
    end: () => void spinner.stop(),
  };
}

function spinnerText([first = '', ...others]: readonly string[], done: number): string {
  const more = others.length === 0 ? '' : ` and ${others.length} more`;
  return `obtaining ${first}${more}${done === 0 ? '' : `, ${done} done`}`;
}

function startOf(event: Event): string | null {
  switch (event.event) {
    case 'certificate.obtain.started':
      return `obtaining ${event.id} from ${event.issuer}: ${event.reason}`;
    case 'certificate.renew.started':
      return `renewing ${event.id} at ${event.issuer}: ${event.reason}`;
    case 'order.resumed':
      return `going on with an order for ${event.id} that was begun at ${event.begunAt}: it is ${event.status}`;
    case 'order.dropped':
      return `placing a new order for ${event.id}, since a former one cannot be gone on with: ${event.why}`;
    default:
      return null;
  }
}

/** What somebody has to look at although the work goes on. */
function warningOf(event: Event): string | null {
  const warning = (text: string, hint: string | null = null): string =>
    `${chalkStderr.yellow('warning:')} ${text}${hint === null ? '' : `\n${chalkStderr.cyan('hint:')} ${hint}`}`;
  switch (event.event) {
    case 'store.problem':
    case 'store.warning':
      return warning(event.message, event.hint);
    case 'challenge.left':
      return warning(`the ${event.type} answer for ${event.name} could not be removed: ${event.message}`);
    case 'certificate.chain.default':
      return warning(
        `${event.id}: the CA offers no chain up to ${event.wanted}, its own ends at ${event.got}`,
      );
    case 'authority.created':
      return `made the root of the local CA ${event.issuer}: ${event.file} (${event.hint})`;
    case 'authority.expiring':
      return warning(`the root of the local CA ${event.issuer} ends ${event.notAfter}`, event.hint);
    case 'fault':
      return warning(`a bug in rigil: ${event.where}: ${event.message}`, 'please report it');
    default:
      return null;
  }
}
