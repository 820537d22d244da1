// A TLS server in a process of its own that does next to nothing: what takes long here, the machine took, not rigil.
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { loopbackCertificate } from '../../loopback-certificate.ts';

const { chain, key } = await loopbackCertificate();
const server = createServer({ cert: chain, key }, (_, response) => response.end('yardstick\n'));
server.listen(0, '127.0.0.1', () => {
  process.send?.({ port: (server.address() as AddressInfo).port, root: chain });
});
process.on('disconnect', () => process.exit());
