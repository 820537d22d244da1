import { RoutingTable } from '../../../src/routing/table.ts';
import { emptySnapshot, type Snapshot } from '../../../src/snapshot/snapshot.ts';
import { testAuthority } from '../../proxy/tls/authority.ts';

/** One route for one.test with its certificate. */
export async function snapshotFor(upstreamPort: number): Promise<Snapshot> {
  const certificate = await (await testAuthority()).issue(['one.test']);
  const route = {
    label: 'one.test',
    primary: 'one.test',
    names: ['one.test'],
    certificate: 'one.test',
    upstreams: [{ scheme: 'http', host: '127.0.0.1', port: upstreamPort } as const],
    errorPages: [],
    headerRules: [],
    redirectToPrimary: false,
  };
  return {
    ...emptySnapshot,
    table: new RoutingTable([route]),
    certificates: new Map([['one.test', certificate]]),
    ticketKeys: new Uint8Array(48),
  };
}
