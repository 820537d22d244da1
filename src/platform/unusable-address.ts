import { RigilError, systemCodeOf } from '../errors.ts';
import { holdersOf } from './address-holders.ts';
import { WORKER_TITLE } from './worker-title.ts';

/** What a failure to listen on `address` means, and what to do about it. */
export function unusable(address: string, error: unknown): RigilError {
  switch (systemCodeOf(error)) {
    case 'EADDRINUSE':
      return inUse(address, error);
    case 'EACCES':
    case 'EPERM':
      return new RigilError('address-forbidden', `no permission to listen on ${address}`, {
        hint: address.startsWith('unix:')
          ? 'the folder of the socket must be writable for the user that runs rigil'
          : 'ports below 1024 need a capability: setcap cap_net_bind_service=+ep on the node binary, or AmbientCapabilities=CAP_NET_BIND_SERVICE or a socket unit of systemd (fd:3); or listen on a port above 1023',
        cause: error,
      });
    case 'EADDRNOTAVAIL':
      return new RigilError('address-unusable', `${address} is no address of this machine`, {
        hint: 'see which there are with: ip address',
        cause: error,
      });
    default:
      return new RigilError(
        'address-unusable',
        `cannot listen on ${address}: ${error instanceof Error ? error.message : String(error)}`,
        { cause: error },
      );
  }
}

function inUse(address: string, cause: unknown): RigilError {
  const holders = holdersOf(address);
  const [first] = holders;
  const pids = holders.map(({ pid }) => pid);
  if (first === undefined) {
    const look = address.startsWith('unix:')
      ? `ss -xlp | grep ${address.slice('unix:'.length)}`
      : `ss -ltnp 'sport = :${address.split(':').at(-1)}'`;
    const hint = `see by which, as root, with: ${look}`;
    return new RigilError('address-in-use', `${address} is in use by another program`, { hint, cause });
  }
  if (holders.every(({ title }) => title.startsWith(WORKER_TITLE))) {
    return new RigilError('address-in-use', `${address} is in use by workers of a rigil that was killed`, {
      hint: `they serve what it had; let them finish and end with: kill ${pids.join(' ')}`,
      cause,
    });
  }
  return new RigilError(
    'address-in-use',
    `${address} is in use by "${first.title}" (process ${pids.join(', ')})`,
    {
      hint: 'stop that program, or listen on another address',
      cause,
    },
  );
}
